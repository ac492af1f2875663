//! Writing heads: status line, request line, field lines, and the numbers in them.
//!
//! Every function appends to the caller's buffer and formats nothing through `fmt`: a head is
//! written for each message. Which fields a head gets is decided in `connection/`; the fields that
//! frame a message are taken out of the caller's here, so that they can be judged before they are
//! written.

use std::ops::Range;

use http::header::{CONNECTION, HeaderMap};
use http::{Method, StatusCode, Version};

use crate::error::{Excerpt, UsageError};
use crate::field::{self, ConnectionOptions};
use crate::framing::{BodyLength, Framing, length_of};
use crate::head::is_continue;

/// What a caller's own fields say about things that are otherwise decided for him.
#[derive(Debug, Default)]
pub(crate) struct CallerFields {
    /// His Content-Length.
    pub(crate) length: Option<u64>,
    /// He gave `Transfer-Encoding: chunked`.
    pub(crate) chunked: bool,
    /// His Connection lines, if he gave any.
    pub(crate) connection: Option<ConnectionOptions>,
    /// He gave Keep-Alive.
    pub(crate) keep_alive: bool,
    /// He gave Date.
    pub(crate) date: bool,
    /// He gave Upgrade.
    pub(crate) upgrade: bool,
    /// He gave Expect; whether it asks for 100 (Continue).
    pub(crate) expect: Option<bool>,
    /// Where those of his Expect lines stand that ask for it.
    pub(crate) expectations: Vec<Range<usize>>,
    /// He gave Authorization.
    pub(crate) authorization: bool,
    /// He gave Trailer: something stands behind the body, which only chunks have room for.
    pub(crate) trailer: bool,
}

impl CallerFields {
    /// Writes the caller's fields in their order, but for those that frame the message, and those
    /// held back by name: they stand above already, or below. Notes what all of them say.
    ///
    /// On an error something has been written; the caller cuts it off again.
    pub(crate) fn write(
        fields: &HeaderMap,
        held_back: &[&str],
        out: &mut Vec<u8>,
    ) -> Result<Self, UsageError> {
        let mut seen = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "content-length" => {
                    seen.note_length(value.as_bytes())?;
                    continue;
                }
                "transfer-encoding" => {
                    seen.note_coding(value.as_bytes())?;
                    continue;
                }
                "connection" => seen
                    .connection
                    .get_or_insert_default()
                    .add(value.as_bytes()),
                "keep-alive" => seen.keep_alive = true,
                "date" => seen.date = true,
                "upgrade" => seen.upgrade = true,
                _ => {}
            }
            if !held_back.contains(&name.as_str()) {
                write_field(name.as_str().as_bytes(), value.as_bytes(), out);
            }
        }
        Ok(seen)
    }

    /// Writes a line of the caller's request as it is, but for Host, which stands above already.
    /// Notes what it says. Names are compared without regard to case.
    ///
    /// On an error nothing has been written.
    pub(crate) fn write_line(
        &mut self,
        name: &[u8],
        value: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), UsageError> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is(b"host") => return Ok(()),
            6 if is(b"expect") => {
                let asks = field::members_of(value).any(is_continue);
                self.expect = Some(asks || self.expect == Some(true));
                let start = out.len();
                write_field(name, value, out);
                self.expectations.extend(asks.then_some(start..out.len()));
                return Ok(());
            }
            7 if is(b"upgrade") => self.upgrade = true,
            7 if is(b"trailer") => self.trailer = true,
            10 if is(b"connection") => self.note_options(value)?,
            13 if is(b"authorization") => self.authorization = true,
            14 if is(b"content-length") => self.note_length(value)?,
            17 if is(b"transfer-encoding") => self.note_coding(value)?,
            _ => {}
        }
        write_field(name, value, out);
        Ok(())
    }

    /// Decides how a body of this length is framed; `chunking` says whether the peer knows chunks.
    ///
    /// The caller's own fields win over `body`, but must not contradict it.
    pub(crate) fn frame(&self, body: BodyLength, chunking: bool) -> Result<Framing, UsageError> {
        match (self.chunked, self.length, body) {
            (true, Some(_), _) => Err(UsageError::CodingAndLength),
            (false, Some(field), BodyLength::Known(body)) if field != body => {
                Err(UsageError::LengthContradicts { field, body })
            }
            (true, None, BodyLength::Known(octets)) if !chunking => Ok(Framing::Length(octets)),
            (true, None, _) | (false, None, BodyLength::Unknown) => match chunking {
                true => Ok(Framing::Chunked),
                false => Ok(Framing::UntilClose),
            },
            (false, Some(octets), _) | (false, None, BodyLength::Known(octets)) => {
                Ok(Framing::Length(octets))
            }
        }
    }

    /// Takes note of a Connection line, which names no field that is meant for every recipient.
    ///
    /// RFC 9110 §7.6.1: an intermediary takes the named fields out. Without those that say whom a
    /// request is for and where it ends, the server behind would read another one.
    fn note_options(&mut self, value: &[u8]) -> Result<(), UsageError> {
        let for_all = [&b"content-length"[..], b"host", b"transfer-encoding"];
        let is_for_all =
            |option: &&[u8]| for_all.iter().any(|name| option.eq_ignore_ascii_case(name));
        if let Some(option) = field::members_of(value).find(is_for_all) {
            return Err(UsageError::ConnectionOption(Excerpt::new(option)));
        }
        self.connection.get_or_insert_default().add(value);
        Ok(())
    }

    /// Takes note of a Content-Length line; there may be one.
    fn note_length(&mut self, value: &[u8]) -> Result<(), UsageError> {
        let invalid = || UsageError::LengthInvalid(Excerpt::new(value));
        let length = length_of(value).ok_or_else(invalid)?;
        match self.length.replace(length) {
            None => Ok(()),
            Some(_) => Err(invalid()),
        }
    }

    /// Takes note of a Transfer-Encoding line; there may be one, and it may only say `chunked`.
    fn note_coding(&mut self, value: &[u8]) -> Result<(), UsageError> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(UsageError::Coding(Excerpt::new(value)));
        }
        self.chunked = true;
        Ok(())
    }
}

/// Writes the status line; without a reason, the registered one or `unknown`.
pub(crate) fn write_status_line(status: StatusCode, reason: Option<&[u8]>, out: &mut Vec<u8>) {
    let registered = || status.canonical_reason().unwrap_or("unknown").as_bytes();
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason.unwrap_or_else(registered));
    out.extend_from_slice(b"\r\n");
}

/// Writes the request line, of HTTP/1.0 or else of HTTP/1.1.
pub(crate) fn write_request_line(
    method: &Method,
    target: &str,
    version: Version,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(match version {
        Version::HTTP_10 => b" HTTP/1.0\r\n",
        _ => b" HTTP/1.1\r\n",
    });
}

/// Writes one field line.
pub(crate) fn write_field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Writes the one Connection line of a head: the caller's options in their order, and `ours`.
///
/// His `close` and `keep-alive` are left out, for `ours` is what has become of them. Two lines that
/// contradict each other would leave it to the peer which of them counts (RFC 9112 §9.3).
pub(crate) fn write_connection(fields: &HeaderMap, ours: Option<&[u8]>, out: &mut Vec<u8>) {
    let is_other = |option: &&[u8]| {
        let decided = [&b"close"[..], b"keep-alive", ours.unwrap_or_default()];
        !option.is_empty() && !decided.iter().any(|name| option.eq_ignore_ascii_case(name))
    };
    let others = field::members(fields, &CONNECTION).filter(is_other);
    let mut lead = &b"connection: "[..];
    let start = out.len();
    for option in others.chain(ours) {
        out.extend_from_slice(lead);
        out.extend_from_slice(option);
        lead = b", ";
    }
    if out.len() > start {
        out.extend_from_slice(b"\r\n");
    }
}

/// Writes the field that frames a body, if there is one.
pub(crate) fn write_framing(framing: Framing, out: &mut Vec<u8>) {
    match framing {
        Framing::Length(octets) => {
            out.extend_from_slice(b"content-length: ");
            write_decimal(octets, out);
            out.extend_from_slice(b"\r\n");
        }
        Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::Empty | Framing::UntilClose => {}
    }
}

/// Writes the field that frames a request's body, if there is one, with the usual capitals.
pub(crate) fn write_request_framing(framing: Framing, out: &mut Vec<u8>) {
    match framing {
        Framing::Length(octets) => {
            out.extend_from_slice(b"Content-Length: ");
            write_decimal(octets, out);
            out.extend_from_slice(b"\r\n");
        }
        Framing::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Framing::Empty | Framing::UntilClose => {}
    }
}

/// Writes a number in decimal digits.
pub(crate) fn write_decimal(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Writes a number in hexadecimal digits, as chunk sizes are.
pub(crate) fn write_hexadecimal(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 16];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b"0123456789abcdef"[(number & 0xf) as usize];
        number >>= 4;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Octets to reserve for a head with so many fields, so that it is seldom moved while it grows.
pub(crate) fn expected_octets(fields: usize) -> usize {
    256 + 64 * fields
}

#[cfg(test)]
mod tests;
