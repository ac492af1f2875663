//! Bodies on a terminal: control characters become visible, piece by piece.
//!
//! Only for terminals. Into a file or a pipe a body goes as it is.

use crate::terminal::visible;

#[cfg(test)]
mod tests;

/// Makes a stream of octets harmless for a terminal, however it is cut into pieces.
#[derive(Debug, Default)]
pub struct Escape {
    /// The beginning of a character whose end is still to come; at most three octets.
    begun: Vec<u8>,
}

impl Escape {
    /// Gives the text for the next piece.
    pub fn piece(&mut self, octets: &[u8]) -> String {
        self.begun.extend_from_slice(octets);
        let all = std::mem::take(&mut self.begun);
        let mut out = String::with_capacity(all.len());
        let mut rest = all.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    push(&mut out, text);
                    return out;
                }
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    push(&mut out, &String::from_utf8_lossy(good));
                    let Some(length) = error.error_len() else {
                        self.begun = bad.to_vec();
                        return out;
                    };
                    hex(&mut out, &bad[..length]);
                    rest = &bad[length..];
                }
            }
        }
    }

    /// Gives the text for what is left at the end.
    pub fn end(&mut self) -> String {
        let mut out = String::new();
        hex(&mut out, &std::mem::take(&mut self.begun));
        out
    }
}

/// Adds text, in which line ends and tabs stay what they are.
fn push(out: &mut String, text: &str) {
    let harmless = |letter: char| letter == '\n' || letter == '\t';
    for part in text.split_inclusive(harmless) {
        let end = part.chars().next_back().filter(|letter| harmless(*letter));
        let line = part.strip_suffix(harmless).unwrap_or(part);
        // The other half of a line end of HTTP and Windows.
        let line = match end {
            Some('\n') => line.strip_suffix('\r').unwrap_or(line),
            _ => line,
        };
        out.push_str(&visible(line));
        out.extend(end);
    }
}

/// Adds octets that are no text.
fn hex(out: &mut String, octets: &[u8]) {
    for octet in octets {
        out.push_str(&format!("\\x{octet:02x}"));
    }
}
