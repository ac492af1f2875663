//! A field section that is to be sent: lines in their order, with names as they are spelled.
//!
//! `HeaderMap` sorts lines of one name together and knows no letter case, which is right for
//! whoever reads a message. Who writes one may have to match a peer that is not so indifferent
//! (RFC 9110 §5.1 and §5.3 say that it should be). Lines are judged when they come in, so that what
//! is in here can be written as it is.

use std::fmt;

use http::HeaderMap;

use crate::error::{Excerpt, UsageError};
use crate::grammar;
use crate::limits::MOST_FIELDS;

/// Field lines to be sent, in their order and with the letter case of their names.
///
/// Every line in it may stand on the wire: the name is a token, the value holds no octet that would
/// end its line (RFC 9110 §5.1, §5.5).
#[derive(Clone, Default)]
pub struct FieldSection {
    /// Names and values, one behind the other.
    octets: Vec<u8>,
    /// Where each line's name and value end.
    lines: Vec<Line>,
}

/// Where one line ends; it begins where the one before it ends.
#[derive(Clone, Copy)]
struct Line {
    /// Behind the name.
    name_end: u32,
    /// Behind the value.
    end: u32,
}

impl FieldSection {
    /// A section without lines; it allocates nothing.
    pub const fn new() -> Self {
        Self {
            octets: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Adds a line at the end; lines of the same name are left as they are.
    ///
    /// # Errors
    ///
    /// The name is no token, or the value holds an octet that none may hold, or there is no room:
    /// [`MOST_FIELDS`](crate::MOST_FIELDS) lines and 16 MiB are the most. The section is as before.
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), UsageError> {
        if !grammar::is_token(name) {
            return Err(UsageError::FieldName(Excerpt::new(name)));
        }
        if let Some(&octet) = value.get(grammar::skip_value(value, 0)) {
            let name = Excerpt::new(name);
            return Err(UsageError::FieldValue { name, octet });
        }
        let name_end = self.octets.len() + name.len();
        let end = name_end + value.len();
        if self.lines.len() >= MOST_FIELDS || end > MOST_OCTETS {
            return Err(UsageError::TooManyFields(MOST_FIELDS));
        }
        self.octets.reserve(name.len() + value.len());
        self.octets.extend_from_slice(name);
        self.octets.extend_from_slice(value);
        // Both are within MOST_OCTETS.
        self.lines.push(Line {
            name_end: name_end as u32,
            end: end as u32,
        });
        Ok(())
    }

    /// Name and value of each line, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let mut start = 0;
        self.lines.iter().map(move |line| {
            let (name_end, end) = (line.name_end as usize, line.end as usize);
            let pair = (&self.octets[start..name_end], &self.octets[name_end..end]);
            start = end;
            pair
        })
    }

    /// The values of one name, which is compared without regard to case, in their order.
    pub fn values_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// Number of lines.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// The lines of a map in its order, names in lower case; none of them can be refused but for room.
impl TryFrom<&HeaderMap> for FieldSection {
    type Error = UsageError;

    fn try_from(fields: &HeaderMap) -> Result<Self, UsageError> {
        let mut section = Self::new();
        for (name, value) in fields {
            section.push(name.as_str().as_bytes(), value.as_bytes())?;
        }
        Ok(section)
    }
}

/// Shows the number of lines only: values may be secret.
impl fmt::Debug for FieldSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldSection")
            .field("lines", &self.lines.len())
            .finish()
    }
}

/// Octets of names and values together (16 MiB): a thousand times what servers take.
const MOST_OCTETS: usize = 16 << 20;

#[cfg(test)]
mod tests;
