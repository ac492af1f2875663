//! The fields of a request as its caller gave them: a map, or lines with their spelling.
//!
//! What is asked here is what decides about a request before it is sent; how lines are written is
//! the protocol's business. Names are compared without regard to case (RFC 9110 §5.1).

use http::HeaderMap;
use http::header::{COOKIE, HeaderName, HeaderValue};
use sealane_proto::{FieldSection, OutgoingFields, UsageError};

use crate::error::{Error, Result};

/// Why something cannot be sent, and the module's code for it.
pub(super) type Refusal = (String, &'static str);

/// The caller's own fields.
#[derive(Clone, Debug)]
pub(super) enum Fields {
    Map(HeaderMap),
    Lines(FieldSection),
}

impl Fields {
    /// Adds a line behind the others, as it is spelled.
    pub(super) fn push(&mut self, name: &str, value: &[u8]) -> std::result::Result<(), Refusal> {
        if let Self::Map(fields) = self {
            *self = Self::Lines(FieldSection::try_from(&*fields).map_err(|error| refused(&error))?);
        }
        match self {
            Self::Lines(lines) => lines
                .push(name.as_bytes(), value)
                .map_err(|error| refused(&error)),
            Self::Map(_) => Ok(()),
        }
    }

    /// The values of one name, in their order.
    pub(super) fn values_of<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a [u8]> {
        let (map, lines) = match self {
            Self::Map(fields) => (Some(fields.get_all(name)), None),
            Self::Lines(lines) => (None, Some(lines.values_of(name.as_str()))),
        };
        let of_map = map.into_iter().flatten().map(HeaderValue::as_bytes);
        of_map.chain(lines.into_iter().flatten())
    }

    /// Whether there is a line of that name.
    pub(super) fn has(&self, name: &HeaderName) -> bool {
        match self {
            Self::Map(fields) => fields.contains_key(name),
            Self::Lines(_) => self.values_of(name).next().is_some(),
        }
    }

    /// Number of lines.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Map(fields) => fields.len(),
            Self::Lines(lines) => lines.len(),
        }
    }

    /// Joins the lines of each of these names, and those of Cookie, to one with `; ` between.
    ///
    /// A client sends one Cookie line (RFC 6265 §5.4): servers read the first and stop.
    pub(super) fn joined(self, unique: &[HeaderName]) -> Result<Self> {
        let repeated = |name: &HeaderName| self.values_of(name).nth(1).is_some();
        if !repeated(&COOKIE) && !unique.iter().any(repeated) {
            return Ok(self);
        }
        let mut lines = FieldSection::new();
        for (name, value) in self.lines() {
            let same = |one: &&HeaderName| one.as_str().as_bytes().eq_ignore_ascii_case(name);
            let known = std::iter::once(&COOKIE).chain(unique).find(same);
            let joined = match known {
                None => lines.push(name, value),
                // It stands where the first of its lines stood.
                Some(known) if lines.values_of(known.as_str()).next().is_some() => Ok(()),
                Some(known) => {
                    let values: Vec<&[u8]> = self.values_of(known).collect();
                    lines.push(name, &values.join(&b"; "[..]))
                }
            };
            joined.map_err(|error| {
                let (text, code) = refused(&error);
                Error::option(text).with_code(code)
            })?;
        }
        Ok(Self::Lines(lines))
    }

    /// Name and value of each line, in their order.
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (map, lines) = match self {
            Self::Map(fields) => (Some(fields.iter()), None),
            Self::Lines(lines) => (None, Some(lines.iter())),
        };
        let of_map = map.into_iter().flatten();
        of_map
            .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
            .chain(lines.into_iter().flatten())
    }

    pub(super) fn outgoing(&self) -> OutgoingFields<'_> {
        match self {
            Self::Map(fields) => fields.into(),
            Self::Lines(lines) => lines.into(),
        }
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self::Lines(FieldSection::new())
    }
}

/// Says in the module's words why a line cannot be sent.
fn refused(error: &UsageError) -> Refusal {
    match error {
        UsageError::FieldName(name) => (
            format!("header name must be a valid HTTP token [{name}]"),
            "ERR_INVALID_HTTP_TOKEN",
        ),
        UsageError::FieldValue { name, .. } => (
            format!("invalid character in header content [{name}]"),
            "ERR_INVALID_CHAR",
        ),
        _ => (
            "more fields than can be sent".to_owned(),
            "ERR_OUT_OF_RANGE",
        ),
    }
}

#[cfg(test)]
mod tests;
