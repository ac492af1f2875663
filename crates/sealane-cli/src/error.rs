//! What ends a command: one line of what happened, one line of what to do, and an exit code.
//!
//! Not the errors of the library: this is the form in which they reach a person. Every line passes
//! through [`visible`], so that a file name or a peer cannot move the cursor of the terminal.

use std::fmt;
use std::path::Path;

use crate::terminal::visible;

#[cfg(test)]
mod tests;

/// The result of everything in this crate that can end a command.
pub type Result<T> = std::result::Result<T, Failure>;

/// A command that could not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What happened, with what value; one line without a full stop.
    message: String,
    /// What to do next, where a next step is known.
    hint: Option<String>,
    /// Whether the command line itself was wrong.
    usage: bool,
}

impl Failure {
    /// Says what happened.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            usage: false,
        }
    }

    /// Says which options cannot be meant together.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            usage: true,
            ..Self::new(message)
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The exit code of the program: 2 for a wrong command line, as clap has it, otherwise 1.
    pub fn exit_code(&self) -> u8 {
        if self.usage { 2 } else { 1 }
    }

    /// Says which file or folder the system refused, and why.
    pub fn io(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::new(format!(
            "cannot {doing} {}: {}",
            path.display(),
            reason(error)
        ))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error: {}", visible(&self.message))?;
        match &self.hint {
            Some(hint) => write!(out, "\nhint: {}", visible(hint)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// The system's reason without its number, in the words people search for.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
