//! What ends a command: one line of what happened, what is known beside, one line of what to do,
//! and an exit code.
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

/// How a command ended when there is nothing left to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All that was to do is done.
    Done,
    /// It was told to end before that, and what ran was cut.
    Cut,
    /// Something failed, which was said when it did; this is the exit code.
    Failed(u8),
}

/// A command that could not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What happened, with what value; one line without a full stop.
    message: String,
    /// What is known beside, line by line.
    details: Vec<String>,
    /// What to do next, where a next step is known.
    hint: Option<String>,
    /// The exit code of the program.
    exit: u8,
}

impl Failure {
    /// Says what happened.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            details: Vec::new(),
            hint: None,
            exit: FAILED,
        }
    }

    /// Says which options cannot be meant together.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(message).exit(USAGE)
    }

    /// Adds what is known beside, line by line.
    #[must_use]
    pub fn details(mut self, text: &str) -> Self {
        self.details = text.lines().map(str::to_owned).collect();
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Gives it another exit code; without a word it is 1.
    #[must_use]
    pub fn exit(mut self, code: u8) -> Self {
        self.exit = code;
        self
    }

    /// What happened, as a note: it was not the end of everything.
    pub fn as_note(&self) -> String {
        format!("note: {}", visible(&self.message))
    }

    /// What happened, in its one line.
    pub fn message(&self) -> std::borrow::Cow<'_, str> {
        visible(&self.message)
    }

    /// The exit code of the program.
    pub fn exit_code(&self) -> u8 {
        self.exit
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
        for line in &self.details {
            write!(out, "\n{}", visible(line))?;
        }
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

/// The exit code when the work could not be done.
const FAILED: u8 = 1;

/// The exit code for a wrong command line, as clap has it.
pub const USAGE: u8 = 2;
