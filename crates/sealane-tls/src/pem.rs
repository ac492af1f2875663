//! PEM text, block by block, with line numbers for the messages (RFC 7468).
//!
//! Text around the blocks is skipped, as OpenSSL's programs write it there, but not what looks like
//! a marker and is none: a chain would silently lose a certificate. Inside a block the reading is
//! strict. What a block means is its reader's business; so is whether it is a secret.

use std::fmt;

use rustls_pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

/// One block: what stands between a BEGIN line and its END line, both included.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    /// The label, such as `CERTIFICATE`: capital letters, digits and spaces.
    pub(crate) label: &'a str,
    /// The number of the BEGIN line, counted from 1.
    pub(crate) line: usize,
    /// The block's octets, markers included.
    text: &'a [u8],
}

impl Block<'_> {
    /// How a block in the old style is encrypted with a passphrase (RFC 1421 §4.6.1), as
    /// `openssl rsa -aes256 -traditional` writes it: what its DEK-Info field says.
    ///
    /// Empty when the block says that it is encrypted, but not how.
    pub(crate) fn dek_info(&self) -> Option<&str> {
        let field = |name: &[u8]| {
            let mut fields = lines(self.text).skip(1).take(HEADER_LINES);
            let value = fields.find_map(|line| line.strip_prefix(name))?;
            std::str::from_utf8(value.trim_ascii()).ok()
        };
        field(b"Proc-Type:").filter(|value| value.ends_with("ENCRYPTED"))?;
        Some(field(b"DEK-Info:").unwrap_or_default())
    }

    /// Decodes the block's base64; fields before it, which end with an empty line, are skipped.
    pub(crate) fn decode(&self) -> Result<Vec<u8>, PemError> {
        let bad_block = PemError::BadBlock { line: self.line };
        let all = || lines(self.text).enumerate().skip(1);
        let fields = match self.dek_info() {
            None => 0,
            Some(_) => {
                all()
                    .position(|(_, line)| line.is_empty())
                    .ok_or(bad_block)?
                    + 1
            }
        };
        // The decoder knows few labels; what the block is called is not its business here.
        let mut body = Zeroizing::new(Vec::with_capacity(self.text.len() + 64));
        body.extend_from_slice(b"-----BEGIN PRIVATE KEY-----\n");
        for (index, line) in all().skip(fields) {
            if line.starts_with(b"-----END ") {
                break;
            }
            if !line.iter().all(|octet| is_base64(*octet)) {
                let line = self.line + index;
                return Err(PemError::BadBase64 { line });
            }
            body.extend_from_slice(line);
            body.push(b'\n');
        }
        body.extend_from_slice(b"-----END PRIVATE KEY-----\n");
        match <(SectionKind, Vec<u8>)>::from_pem_slice(&body) {
            Ok((_, octets)) => Ok(octets),
            Err(_) => Err(bad_block),
        }
    }
}

/// Why text is not PEM, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PemError {
    /// A BEGIN line has no END line with the same label.
    Unterminated {
        /// The number of the BEGIN line.
        line: usize,
    },
    /// A line holds a marker, but something else as well, or a label that is none.
    BadMarker {
        /// The number of that line.
        line: usize,
    },
    /// The line ends of the text are written as the two characters `\n`.
    EscapedLineEnds {
        /// The number of the line that holds them all.
        line: usize,
    },
    /// An END line has no BEGIN line before it.
    Unopened {
        /// The number of the END line.
        line: usize,
    },
    /// A line of a block holds something that is not base64.
    BadBase64 {
        /// The number of that line.
        line: usize,
    },
    /// The lines are base64, but together they do not decode: octets are missing or padding is.
    BadBlock {
        /// The number of the BEGIN line.
        line: usize,
    },
}

impl fmt::Display for PemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unterminated { line } => {
                write!(
                    f,
                    "the PEM block that begins in line {line} has no matching END line"
                )
            }
            Self::BadMarker { line } => write!(
                f,
                "line {line} holds a PEM marker that does not stand alone from the beginning of \
                 the line to its end"
            ),
            Self::EscapedLineEnds { line } => write!(
                f,
                "line {line} holds the two characters \\n where line ends should be"
            ),
            Self::Unopened { line } => {
                write!(
                    f,
                    "the END line {line} has no matching BEGIN line before it"
                )
            }
            Self::BadBase64 { line } => write!(f, "line {line} is not base64"),
            Self::BadBlock { line } => {
                write!(
                    f,
                    "the base64 of the PEM block that begins in line {line} is incomplete"
                )
            }
        }
    }
}

/// Finds all blocks of a text, before which a byte order mark may stand: editors on Windows write
/// it.
pub(crate) fn blocks(text: &[u8]) -> Result<Vec<Block<'_>>, PemError> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut found = Vec::new();
    let mut open: Option<(&str, usize, usize)> = None;
    for (index, line) in lines(text).enumerate() {
        let start = offset_in(text, line);
        if let Some(label) = marker(line, b"-----BEGIN ") {
            if let Some((_, line, _)) = open {
                return Err(PemError::Unterminated { line });
            }
            open = Some((label, index + 1, start));
        } else if let Some(end) = marker(line, b"-----END ") {
            let Some((label, line_number, from)) = open.take() else {
                return Err(PemError::Unopened { line: index + 1 });
            };
            if label != end {
                return Err(PemError::Unterminated { line: line_number });
            }
            found.push(Block {
                label,
                line: line_number,
                text: &text[from..start + line.len()],
            });
        } else {
            refuse_marker_within(line, index + 1)?;
        }
    }
    match open {
        Some((_, line, _)) => Err(PemError::Unterminated { line }),
        None => Ok(found),
    }
}

/// A likely reason why a text holds no block at all, as advice; empty when there is none.
pub(crate) fn advice(text: &[u8]) -> &'static str {
    if matches!(text, b"" | BYTE_ORDER_MARK) {
        "; it is empty"
    } else if text.first() == Some(&0x30) && !text.is_ascii() {
        "; it looks like binary DER, which must be converted to PEM first"
    } else {
        ""
    }
}

/// Refuses a line that is no marker and yet holds one: indented, quoted, glued to another one.
fn refuse_marker_within(line: &[u8], number: usize) -> Result<(), PemError> {
    let holds = |needle: &[u8]| line.windows(needle.len()).any(|window| window == needle);
    match holds(b"-----BEGIN ") || holds(b"-----END ") {
        false => Ok(()),
        true if holds(b"\\n") => Err(PemError::EscapedLineEnds { line: number }),
        true => Err(PemError::BadMarker { line: number }),
    }
}

/// The label of a BEGIN or END line; trailing white space is allowed (RFC 7468 §2).
fn marker<'a>(line: &'a [u8], lead: &[u8]) -> Option<&'a str> {
    let label = line
        .strip_prefix(lead)?
        .trim_ascii_end()
        .strip_suffix(b"-----")?;
    let known = |octet: &u8| matches!(octet, b'A'..=b'Z' | b'0'..=b'9' | b' ');
    if label.is_empty() || label.len() > MAX_LABEL || !label.iter().all(known) {
        return None;
    }
    std::str::from_utf8(label).ok()
}

/// The lines of a text without their ends: LF, CRLF, or CR alone when there is no LF.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = if text.contains(&b'\n') { b'\n' } else { b'\r' };
    text.split(move |octet| *octet == end)
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Where a line that was cut from a text starts in it.
fn offset_in(text: &[u8], line: &[u8]) -> usize {
    line.as_ptr() as usize - text.as_ptr() as usize
}

/// Whether an octet may stand in a line of base64 (RFC 4648 §4), white space included.
fn is_base64(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=' | b' ' | b'\t')
}

/// What some editors write before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Lines at the beginning of a block in which its fields are looked for: there are two of them.
const HEADER_LINES: usize = 4;

/// Octets of a label at most: the longest in use have 22; longer ones are not labels.
const MAX_LABEL: usize = 64;

#[cfg(test)]
mod tests;
