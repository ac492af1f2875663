//! Key log lines in the NSS format, for tools that decrypt captures (RFC 9850).
//!
//! Whoever has such a line reads the connection it belongs to, and in TLS 1.2 every connection that
//! resumes its session. So nothing is logged unless a context was told to, a line is shown only to
//! who asks for its text, and ours are wiped when dropped. Where lines go is decided by whoever
//! owns the connection: here they are made, and `select` hands them over with what else was seen.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use zeroize::Zeroizing;

/// One line of a key log: a label, which connection, and a secret of it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyLogLine {
    /// The whole line; it is the secret.
    text: Arc<Zeroizing<String>>,
    /// How many octets of the line are its label.
    label: usize,
}

impl KeyLogLine {
    /// Writes a line in the form of RFC 9850 §1: label, client random and secret, in hexadecimal.
    pub fn new(label: &str, client_random: &[u8], secret: &[u8]) -> Self {
        // Made at its full length: a string that grows leaves copies of the secret behind.
        let length = label.len() + 2 * (client_random.len() + secret.len()) + 3;
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(label);
        for octets in [client_random, secret] {
            text.push(' ');
            for octet in octets {
                // Writing into a string cannot fail.
                let _ = write!(text, "{octet:02x}");
            }
        }
        text.push('\n');
        Self {
            text: Arc::new(text),
            label: label.len(),
        }
    }

    /// What the secret is, such as `CLIENT_RANDOM` or `SERVER_TRAFFIC_SECRET_0`.
    pub fn label(&self) -> &str {
        &self.text[..self.label]
    }

    /// The whole line with its line feed, ready to be appended to a file. It is a secret.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for KeyLogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLogLine")
            .field("label", &self.label())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
