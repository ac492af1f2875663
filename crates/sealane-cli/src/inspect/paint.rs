//! Colour, where a person looks: on a terminal, and nowhere else.
//!
//! Five meanings, so that the text stays calm; without colour it says the same.

use std::env;
use std::io::IsTerminal;

#[cfg(test)]
mod tests;

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What a part is about.
    Title,
    /// The name of a value.
    Label,
    /// All is well.
    Good,
    /// Worth a look.
    Warning,
    /// Something is wrong.
    Bad,
}

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    /// Whether there is colour.
    on: bool,
}

impl Paint {
    /// Colour on or off.
    pub(super) fn new(on: bool) -> Self {
        Self { on }
    }

    /// Colour if this stream is a terminal that knows it and nobody has declined: `NO_COLOR` with
    /// any value does, by its convention.
    pub(super) fn for_stream(stream: &impl IsTerminal) -> Self {
        let declined = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let knows = env::var_os("TERM").is_some_and(|kind| kind != "dumb");
        Self::new(stream.is_terminal() && knows && !declined)
    }

    /// Text of this meaning. What comes from a peer must be escaped already.
    pub(super) fn text(self, meaning: Meaning, text: &str) -> String {
        if !self.on || text.is_empty() {
            return text.to_owned();
        }
        let code = match meaning {
            Meaning::Title => "1",
            Meaning::Label => "2",
            Meaning::Good => "32",
            Meaning::Warning => "33",
            Meaning::Bad => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
