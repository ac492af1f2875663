//! What a file is called to the client: its media type and its character set.
//!
//! The name decides; its first octets decide where the name says nothing or says less than they do.
//! The octets are only ever read as "text or not": guessing more would let a harmless name run as a
//! script, which is why files are also sent with `nosniff`.

use std::ffi::OsStr;
use std::path::Path;

#[cfg(test)]
mod tests;

/// How many octets at a file's beginning are looked at: enough for any text to show itself.
pub const SAMPLE: usize = 1024;

/// The `Content-Type` of a file with this name and this beginning.
pub fn content_type(name: &OsStr, beginning: &[u8]) -> String {
    let guess = mime_guess::from_path(Path::new(name)).first_raw();
    let text = is_text(beginning);
    match guess {
        // Without a character set browsers assume a Western one and spoil every other letter.
        Some(guess) if guess.starts_with("text/") && text => format!("{guess}; charset=utf-8"),
        // `.ts` is TypeScript as often as it is a film.
        Some(guess) if guess.starts_with("video/") && text => TEXT.to_owned(),
        Some(guess) => guess.to_owned(),
        // README, LICENSE, Makefile: shown, not saved.
        None if text => TEXT.to_owned(),
        None => "application/octet-stream".to_owned(),
    }
}

/// Whether these octets begin a text in UTF-8; the sample may cut its last letter.
fn is_text(beginning: &[u8]) -> bool {
    let letters = match std::str::from_utf8(beginning) {
        Ok(letters) => letters,
        Err(error) if error.error_len().is_none() && beginning.len() == SAMPLE => {
            std::str::from_utf8(&beginning[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !letters
        .chars()
        .any(|letter| letter.is_control() && !"\t\n\r\u{c}\u{1b}".contains(letter))
}

/// The type of plain text.
const TEXT: &str = "text/plain; charset=utf-8";
