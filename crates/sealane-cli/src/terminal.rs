//! Text for a terminal: escaping what others wrote, and quoting what a shell shall read.
//!
//! Not a printer of its own: callers write. Escaping is for every octet that came from a file name,
//! a certificate or a peer; a name with an escape sequence could otherwise forge our own output.

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

#[cfg(test)]
mod tests;

/// Makes text harmless for a terminal: control and direction-changing characters become visible.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(disturbs) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if disturbs(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Quotes a path so that a shell reads exactly that path.
///
/// A name with control characters or octets that are no text takes the `$'…'` form of bash, zsh and
/// POSIX.1-2024; every other name takes plain single quotes, which every shell knows.
pub fn shell_quote(path: &Path) -> String {
    let plain = path.to_str().filter(|text| !text.chars().any(disturbs));
    if let Some(text) = plain {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut out = String::from("$'");
    for &octet in path.as_os_str().as_encoded_bytes() {
        match octet {
            b'\'' | b'\\' => {
                out.push('\\');
                out.push(char::from(octet));
            }
            b' '..=b'~' => out.push(char::from(octet)),
            _ => out.push_str(&format!("\\{octet:03o}")),
        }
    }
    out.push('\'');
    out
}

/// Writes a block to standard output at once; a closed output is not our failure.
///
/// The reader of our output may be a pipe that has gone (`| head -1`); the server goes on.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line to standard error, where notes and errors go.
pub(crate) fn note(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{text}");
}

/// Whether a character could act on the terminal instead of standing in it.
///
/// The bidirectional controls are among them: they let a name show as another one ("Trojan
/// Source").
pub(crate) fn disturbs(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}
