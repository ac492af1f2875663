//! The one decision: where does this message end (RFC 9112 §6.3).
//!
//! Pure functions over the complete field section. Strict: whatever two parsers might read in two
//! ways is refused, never repaired. How the octets are then cut is the business of `body/`.

use http::header::{self, HeaderMap};
use http::{StatusCode, Version};

use crate::error::{Excerpt, FramingError};
use crate::{field, grammar};

/// How the end of a message is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// There is no body.
    Empty,
    /// The body has this many octets.
    Length(u64),
    /// The body comes in chunks; the last one says so.
    Chunked,
    /// The body ends with the connection (responses only).
    UntilClose,
}

/// How long the body is that a caller is about to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyLength {
    /// Exactly so many octets.
    Known(u64),
    /// Nobody knows yet.
    Unknown,
}

/// Frames a request from its complete field section (RFC 9112 §6.3).
///
/// `Transfer-Encoding` together with `Content-Length` is refused, not repaired: two parsers that
/// disagree about such a message are all that request smuggling needs.
pub(crate) fn of_request(version: Version, fields: &HeaderMap) -> Result<Framing, FramingError> {
    match coding_or_length(version, fields)? {
        Some(framing) => Ok(framing),
        // Rule 7: a request that says nothing has no body; it is never ended by closing.
        None => Ok(Framing::Empty),
    }
}

/// Frames a final response, or an interim one, from its complete field section (RFC 9112 §6.3).
///
/// `bodiless` is set when the request was HEAD.
pub(crate) fn of_response(
    bodiless: bool,
    status: StatusCode,
    version: Version,
    fields: &HeaderMap,
) -> Result<Framing, FramingError> {
    // Rule 1: these end with their head, whatever their fields say.
    if bodiless || has_no_body(status) {
        return Ok(Framing::Empty);
    }
    // Rule 8: everything else runs until the connection closes.
    Ok(coding_or_length(version, fields)?.unwrap_or(Framing::UntilClose))
}

/// Whether no response of this status has a body (RFC 9110 §15.2, §15.3.5, §15.4.5).
pub(crate) fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

/// The length of a Content-Length value: digits only, 20 at most, within 64 bits.
///
/// Leading zeros are digits like others (RFC 9110 §8.6), but not without end: a parser that keeps
/// the last few digits of many would read another length.
///
/// A list of equal values, which RFC 9112 §6.3 rule 5 lets a recipient repair, is refused as well:
/// it only comes into being where somebody has merged two messages' fields.
pub(crate) fn length_of(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > LENGTH_DIGITS {
        return None;
    }
    value.iter().try_fold(0_u64, |octets, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        octets.checked_mul(10)?.checked_add(digit)
    })
}

/// Rules 3 to 6, which requests and responses share; `None` when no field speaks of a body.
fn coding_or_length(version: Version, fields: &HeaderMap) -> Result<Option<Framing>, FramingError> {
    match (ends_in_chunked(fields)?, content_length(fields)?) {
        (true, Some(_)) => Err(FramingError::CodingAndLength),
        // RFC 9112 §6.1: an intermediary of that age forwards the field without knowing what it
        // means.
        (true, None) if version == Version::HTTP_10 => Err(FramingError::CodingInHttp10),
        (true, None) => Ok(Some(Framing::Chunked)),
        (false, Some(octets)) => Ok(Some(Framing::Length(octets))),
        (false, None) => Ok(None),
    }
}

/// Whether there is a Transfer-Encoding; if so it is exactly `chunked`, else it is an error.
fn ends_in_chunked(fields: &HeaderMap) -> Result<bool, FramingError> {
    if !fields.contains_key(header::TRANSFER_ENCODING) {
        return Ok(false);
    }
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let mut codings: Vec<&[u8]> = field::members(fields, &header::TRANSFER_ENCODING).collect();
    for coding in &codings {
        if !grammar::is_token(name_of_coding(coding)) {
            return Err(FramingError::CodingInvalid(Excerpt::new(coding)));
        }
    }
    // The list has a member: a field that is there has at least one line, and each line splits into
    // at least one.
    let last = codings.pop().unwrap_or_default();
    if !is_chunked(last) {
        return Err(FramingError::ChunkedNotLast(Excerpt::new(last)));
    }
    // RFC 9112 §6.1: applied once at most. Parameters, which chunked has none of, do not make it
    // another coding: a parser that drops them would see two.
    if codings
        .iter()
        .any(|coding| is_chunked(name_of_coding(coding)))
    {
        return Err(FramingError::ChunkedRepeated);
    }
    match codings.first() {
        Some(unknown) => Err(FramingError::CodingUnknown(Excerpt::new(unknown))),
        None => Ok(true),
    }
}

/// The name of a transfer coding, without its parameters (RFC 9112 §7).
fn name_of_coding(coding: &[u8]) -> &[u8] {
    let end = coding.iter().position(|&octet| octet == b';');
    grammar::trim_blanks(&coding[..end.unwrap_or(coding.len())])
}

/// The one Content-Length, if there is any.
fn content_length(fields: &HeaderMap) -> Result<Option<u64>, FramingError> {
    let mut values = fields.get_all(header::CONTENT_LENGTH).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(FramingError::LengthRepeated);
    }
    match length_of(value.as_bytes()) {
        Some(octets) => Ok(Some(octets)),
        None => Err(FramingError::LengthInvalid(Excerpt::new(value.as_bytes()))),
    }
}

/// Digits of a Content-Length (20): the largest number of 64 bits has as many.
const LENGTH_DIGITS: usize = 20;

#[cfg(test)]
mod tests;
