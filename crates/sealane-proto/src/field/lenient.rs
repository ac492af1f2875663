//! What a lenient reader takes beside well-formed field lines, and what it makes of it.
//!
//! Folded lines (RFC 9112 §5.2), LF alone as a line end (§2.2), and control octets other than NUL,
//! CR and LF in values (RFC 9110 §5.5): each of them is what some old sender writes and has one
//! reading only. In heads alone: the lines of a chunked body, its trailer section included, stay
//! strict, for there is no such sender and every leniency there moves the end of a message.
//!
//! A field that decides where a message ends or whom it is for has neither folds nor control
//! octets, see [`DECIDING`]: whoever stands in front of us may not read them as we would.

use bytes::Bytes;

use super::{FieldScanner, FieldSpan, FieldState};
use crate::error::FieldError;
use crate::grammar;

impl FieldScanner {
    /// Goes on with the line before, which the white space at this place folds.
    pub(super) fn fold(&mut self, octets: &[u8]) -> Result<(), FieldError> {
        // RFC 9112 §2.2: white space before the first field is no fold, but a smuggled line.
        match self.spans.pop() {
            Some(line) if !is_deciding(line.name(octets)) => self.line = line,
            _ => return Err(FieldError::Folded),
        }
        self.odd = true;
        self.state = FieldState::Fold;
        Ok(())
    }

    /// Looks at the first octet of a folded line that is no white space.
    ///
    /// A line of nothing else ends the head to some parsers, and a value goes on with it to others.
    pub(super) fn start_fold(&mut self, octet: u8) -> Result<(), FieldError> {
        if matches!(octet, b'\r' | b'\n') {
            return Err(FieldError::Folded);
        }
        self.state = FieldState::Value;
        Ok(())
    }

    /// Takes a control octet in a value.
    pub(super) fn take_odd(&mut self, octet: u8, octets: &[u8]) -> Result<(), FieldError> {
        if is_deciding(self.line.name(octets)) {
            return Err(FieldError::ValueOctet(octet));
        }
        self.odd = true;
        self.at += 1;
        Ok(())
    }
}

impl FieldSpan {
    /// The name of the line.
    fn name<'a>(&self, octets: &'a [u8]) -> &'a [u8] {
        &octets[self.name..self.name_end]
    }

    /// Where the value is.
    pub(super) fn value(&self) -> std::ops::Range<usize> {
        self.value..self.value_end
    }
}

/// Whether the octet may stand in a value that is read leniently, though not in a well-formed one.
pub(super) fn may_stand(octet: u8) -> bool {
    octet.is_ascii_control() && !matches!(octet, 0 | b'\t' | b'\r' | b'\n')
}

/// Where the first line of a section ends that holds what `may_stand`: behind its value, and behind
/// its line end.
pub(super) fn end_of_line(octets: &[u8]) -> (usize, usize) {
    let feed = octets.iter().position(|&octet| octet == b'\n');
    let feed = feed.unwrap_or(octets.len());
    let value_end = feed - usize::from(octets[..feed].ends_with(b"\r"));
    (value_end, feed + 1)
}

/// A value as the map can hold it: each fold is one SP, and so is each control octet.
///
/// RFC 9112 §5.2 and RFC 9110 §5.5 have it so. Well-formed values go through without a copy.
pub(super) fn unfold(value: Bytes) -> Bytes {
    if grammar::skip_value(&value, 0) == value.len() {
        return value;
    }
    let mut unfolded = Vec::with_capacity(value.len());
    for (index, line) in value.split(|&octet| octet == b'\n').enumerate() {
        if index > 0 {
            unfolded.push(b' ');
        }
        let line = grammar::trim_blanks(line.strip_suffix(b"\r").unwrap_or(line));
        unfolded.extend(line.iter().map(|&octet| match may_stand(octet) {
            true => b' ',
            false => octet,
        }));
    }
    Bytes::copy_from_slice(grammar::trim_blanks(&unfolded))
}

/// The octets with each line end inside one of the values replaced by SP (RFC 9112 §5.2).
///
/// Raw fields are there to be looked at, but somebody will write them into another message: a line
/// end within one would begin a line of its own there.
pub(super) fn without_folds(
    octets: &[u8],
    values: impl Iterator<Item = std::ops::Range<usize>>,
) -> Bytes {
    let mut plain = octets.to_vec();
    for value in values {
        for octet in &mut plain[value] {
            if matches!(octet, b'\r' | b'\n') {
                *octet = b' ';
            }
        }
    }
    plain.into()
}

/// Whether the field decides where its message ends, whom it is for, or what follows it.
fn is_deciding(name: &[u8]) -> bool {
    DECIDING
        .iter()
        .any(|deciding| name.eq_ignore_ascii_case(deciding.as_bytes()))
}

/// Names of the fields that are read strictly by every reader.
///
/// `Transfer-Encoding: ` with `chunked` on a folded line, or behind a vertical tab, is a coding to
/// one parser and none to another: the one reads a body where the other reads a request.
const DECIDING: [&str; 7] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
];

#[cfg(test)]
mod tests;
