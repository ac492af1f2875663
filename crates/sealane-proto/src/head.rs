//! Request head and response head: from octets to types.
//!
//! A head is scanned once, as its octets come, and built when its blank line is there. Both the
//! `http` types and the octets as they came are handed on (RFC 9112 §2.1, §3, §4). How heads are
//! written is in `head/encode.rs`.

use std::fmt;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, StatusCode, Uri, Version};

use crate::authority;
use crate::buffer::Buffer;
use crate::error::{
    ErrorKind, Excerpt, FieldError, FramingError, HostError, ProtocolError, Section, StartLineError,
};
use crate::field::{self, ConnectionOptions, FieldLines, FieldScanner};
use crate::framing::{self, Framing};
use crate::limits::Limits;
use crate::start_line::{RequestLine, StartLine, StatusLine};

pub(crate) mod encode;

/// The head of a request.
pub struct RequestHead {
    /// The method; any token is one.
    pub method: Method,
    /// The request target. In absolute form it decides over Host (RFC 9112 §3.2.2).
    pub uri: Uri,
    /// HTTP/1.0 or HTTP/1.1.
    pub version: Version,
    /// The fields by name.
    pub fields: HeaderMap,
    /// The same head as it came.
    pub raw: RawHead,
    /// Where the request ends.
    pub framing: Framing,
    /// The client asks for a 100 (Continue) before it sends the body (RFC 9110 §10.1.1).
    ///
    /// Never set for HTTP/1.0 or for a request without a body.
    pub expects_continue: bool,
    /// The client wants to leave HTTP behind: Upgrade together with `Connection: upgrade`, or
    /// CONNECT.
    pub upgrade: bool,
}

impl RequestHead {
    /// Whether Expect has a member other than `100-continue`, which may be answered with 417.
    ///
    /// That answer is left to whoever handles requests: it is no fault of the message, and the
    /// connection persists (RFC 9110 §10.1.1).
    pub fn has_unknown_expectation(&self) -> bool {
        field::members(&self.fields, &header::EXPECT)
            .any(|member| !member.is_empty() && !member.eq_ignore_ascii_case(CONTINUE))
    }

    /// What the Connection field asks for.
    pub(crate) fn connection_options(&self) -> ConnectionOptions {
        ConnectionOptions::of(&self.fields)
    }
}

/// Shows neither field values nor the query: they may be secret.
impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("path", &self.uri.path())
            .field("version", &self.version)
            .field("fields", &self.fields.len())
            .field("framing", &self.framing)
            .field("expects_continue", &self.expects_continue)
            .field("upgrade", &self.upgrade)
            .finish_non_exhaustive()
    }
}

/// The head of a response.
pub struct ResponseHead {
    /// The status code.
    pub status: StatusCode,
    /// The reason phrase as it came, possibly empty; it has no meaning (RFC 9112 §4).
    pub reason: Bytes,
    /// HTTP/1.0 or HTTP/1.1.
    pub version: Version,
    /// The fields by name.
    pub fields: HeaderMap,
    /// The same head as it came.
    pub raw: RawHead,
    /// Where the response ends.
    pub framing: Framing,
}

impl ResponseHead {
    /// Whether a 101 says what it must: the protocol, for this very connection, in HTTP/1.1.
    pub(crate) fn is_switch(&self) -> bool {
        self.version == Version::HTTP_11 && names_upgrade(&self.fields)
    }
}

/// Shows no field values: they may be secret.
impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("fields", &self.fields.len())
            .field("framing", &self.framing)
            .finish_non_exhaustive()
    }
}

/// A head as it came: start line and field lines with their order, repetition and letter case.
///
/// One thing is changed, in a head that only a lenient reader takes: each octet of a line end
/// inside a folded value is SP (RFC 9112 §5.2), so that a value written elsewhere stays on its
/// line. Other control octets are left as they came; in the map of fields they are SP too.
///
/// Holds the octets and splits them when asked; a clone is cheap.
#[derive(Clone)]
pub struct RawHead {
    /// The whole head, its blank line included.
    octets: Bytes,
    /// Behind the line end of the start line.
    line_end: usize,
}

impl RawHead {
    /// The start line, without its line end.
    pub fn start_line(&self) -> &[u8] {
        let line = &self.octets[..self.line_end];
        line.strip_suffix(b"\r\n")
            .unwrap_or(&line[..line.len() - 1])
    }

    /// The request target as it came; of a status line, the status code.
    pub fn target(&self) -> &[u8] {
        self.start_line()
            .split(|&octet| octet == b' ')
            .nth(1)
            .unwrap_or_default()
    }

    /// Name and value of each field line, in the order and letter case of the wire.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        FieldLines {
            rest: &self.octets[self.line_end..],
        }
    }

    /// The whole head, from the start line to the blank line.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The head as it is handed on.
    fn plain(self, scanner: &FieldScanner) -> Self {
        Self {
            octets: scanner.raw(self.octets),
            line_end: self.line_end,
        }
    }
}

/// Shows the length only: a head may be secret.
impl fmt::Debug for RawHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawHead")
            .field("octets", &self.octets.len())
            .finish()
    }
}

/// Scans a head as its octets come.
#[derive(Debug, Default)]
pub(crate) struct HeadScanner<L> {
    /// The start line, and what was found in it.
    line: L,
    /// Behind the start line, 0 while it is incomplete.
    line_end: usize,
    /// The field section.
    fields: FieldScanner,
}

/// A head that has been scanned whole.
pub(crate) struct ScannedHead<L> {
    /// What was found in the start line.
    line: L,
    /// Where the field lines are.
    fields: FieldScanner,
    /// The octets.
    raw: RawHead,
}

impl<L: StartLine> HeadScanner<L> {
    /// Scans on, and takes the head from the buffer once it is complete.
    ///
    /// Limits strike as soon as they are passed, not when the head is complete.
    pub(crate) fn scan(
        &mut self,
        buffer: &mut Buffer,
        limits: &Limits,
        lenient: bool,
    ) -> Result<Option<ScannedHead<L>>, ProtocolError> {
        let octets = buffer.octets();
        let within = &octets[..octets.len().min(limits.head_octets)];
        let Some(end) = self.advance(within, limits, lenient)? else {
            if octets.len() < limits.head_octets {
                return Ok(None);
            }
            let kind = match self.line.is_complete() {
                true => FieldError::HeadTooLarge(limits.head_octets).into(),
                false => self.line.overflow(limits.head_octets),
            };
            return Err(ProtocolError::remote(
                kind,
                Section::Head,
                limits.head_octets as u64,
            ));
        };
        let raw = RawHead {
            octets: buffer.take(end),
            line_end: self.line_end,
        };
        let Self { line, fields, .. } = std::mem::take(self);
        Ok(Some(ScannedHead { line, fields, raw }))
    }

    /// Scans the start line, then the field section; the offset behind both.
    fn advance(
        &mut self,
        octets: &[u8],
        limits: &Limits,
        lenient: bool,
    ) -> Result<Option<usize>, ProtocolError> {
        if self.line_end == 0 {
            let Some(end) = self.line.scan(octets, lenient)? else {
                return Ok(None);
            };
            self.line_end = end;
            self.fields = FieldScanner::starting_at(end);
        }
        let count = limits.field_count;
        self.fields.scan(octets, count, Section::Head, lenient)
    }
}

impl<L> ScannedHead<L> {
    /// The whole head as it came.
    pub(crate) fn octets(&self) -> &Bytes {
        &self.raw.octets
    }
}

impl ScannedHead<RequestLine> {
    /// Makes the types, and judges Host and framing.
    pub(crate) fn build(self, require_host: bool) -> Result<RequestHead, ProtocolError> {
        let Self {
            line,
            fields: scanner,
            raw,
        } = self;
        let target = line.target_start()..line.target_end;
        let refuse = |error: StartLineError, offset: usize| {
            ProtocolError::remote(error, Section::Head, offset as u64)
        };
        // A token within the bound is a method to `http` as well.
        let method = Method::from_bytes(&raw.octets[..line.method_end])
            .map_err(|_| refuse(StartLineError::MethodOctet(raw.octets[0]), 0))?;
        // `http` refuses a few octets that RFC 3986 refuses too.
        let uri = Uri::from_maybe_shared(raw.octets.slice(target.clone())).map_err(|_| {
            let excerpt = Excerpt::new(&raw.octets[target.clone()]);
            refuse(StartLineError::TargetForm(excerpt), target.start)
        })?;
        let version = Version::from(line.version);
        let fields = scanner.build(&raw.octets, Section::Head)?;
        judge_host(require_host && version == Version::HTTP_11, &fields)
            .map_err(|error| field_error(error, &header::HOST, &scanner, &raw))?;
        let framing = framing::of_request(version, &fields)
            .map_err(|error| framing_error(error, &scanner, &raw))?;
        let has_body = !matches!(framing, Framing::Empty | Framing::Length(0));
        // RFC 9110 §10.1.1 and §7.8: HTTP/1.0 knows neither expectations nor upgrades.
        let is_current = version == Version::HTTP_11;
        let expects_continue = is_current && has_body && expects_continue(&fields);
        let upgrade = method == Method::CONNECT || is_current && names_upgrade(&fields);
        Ok(RequestHead {
            method,
            uri,
            version,
            fields,
            raw: raw.plain(&scanner),
            framing,
            expects_continue,
            upgrade,
        })
    }
}

impl ScannedHead<StatusLine> {
    /// Makes the types, and judges the framing.
    ///
    /// `bodiless` is set when the request was HEAD, `connecting` when it was CONNECT.
    pub(crate) fn build(
        self,
        bodiless: bool,
        connecting: bool,
    ) -> Result<ResponseHead, ProtocolError> {
        let Self {
            line,
            fields: scanner,
            raw,
        } = self;
        let version = Version::from(line.version);
        let fields = scanner.build(&raw.octets, Section::Head)?;
        // RFC 9112 §6.3 rule 2: a tunnel begins behind the head, whatever its fields say.
        let bodiless = bodiless || connecting && line.status.is_success();
        let framing = framing::of_response(bodiless, line.status, version, &fields)
            .map_err(|error| framing_error(error, &scanner, &raw))?;
        let reason = raw.octets.slice(line.reason_start()..line.reason_end);
        Ok(ResponseHead {
            status: line.status,
            reason,
            version,
            fields,
            raw: raw.plain(&scanner),
            framing,
        })
    }
}

/// An error about the values of a field, pointing at the first line of that name.
fn field_error(
    error: impl Into<ErrorKind>,
    name: &HeaderName,
    scanner: &FieldScanner,
    raw: &RawHead,
) -> ProtocolError {
    ProtocolError::remote(error, Section::Head, scanner.offset_of(name, &raw.octets))
}

/// As [`field_error`], for the one of the two framing fields that the error speaks of.
fn framing_error(error: FramingError, scanner: &FieldScanner, raw: &RawHead) -> ProtocolError {
    let name = match error {
        FramingError::LengthInvalid(_) | FramingError::LengthRepeated => header::CONTENT_LENGTH,
        _ => header::TRANSFER_ENCODING,
    };
    field_error(error, &name, scanner, raw)
}

/// Whether Expect asks for 100 (Continue); names of expectations have no letter case.
fn expects_continue(fields: &HeaderMap) -> bool {
    field::members(fields, &header::EXPECT).any(is_continue)
}

/// Whether a member of Expect is the one that RFC 9110 §10.1.1 defines, in whatever letter case.
pub(crate) fn is_continue(member: &[u8]) -> bool {
    member.eq_ignore_ascii_case(CONTINUE)
}

/// Whether a head names another protocol and means this very connection (RFC 9110 §7.8).
fn names_upgrade(fields: &HeaderMap) -> bool {
    fields.contains_key(header::UPGRADE) && ConnectionOptions::of(fields).upgrade
}

/// Judges the Host field (RFC 9112 §3.2): one at most, and well-formed.
///
/// Two Host lines are two destinations: one for the cache in front, one for us.
fn judge_host(required: bool, fields: &HeaderMap) -> Result<(), HostError> {
    let mut values = fields.get_all(header::HOST).iter();
    match (values.next(), values.next()) {
        (None, _) if required => Err(HostError::Missing),
        (None, _) => Ok(()),
        (Some(_), Some(_)) => Err(HostError::Repeated),
        (Some(value), None) if authority::is_host_value(value.as_bytes()) => Ok(()),
        (Some(value), None) => Err(HostError::Invalid(Excerpt::new(value.as_bytes()))),
    }
}

/// The one expectation that RFC 9110 §10.1.1 defines.
pub(crate) const CONTINUE: &[u8] = b"100-continue";

#[cfg(test)]
mod tests;
