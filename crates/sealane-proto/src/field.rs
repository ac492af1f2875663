//! Field sections: scanning field lines, keeping them raw, and reading list-valued fields.
//!
//! One strict scanner serves heads and trailer sections alike: CRLF only, no folding, nothing
//! between name and colon (RFC 9112 §2.2, §5, §5.2; RFC 9110 §5). What it lets through on request
//! is in `field/lenient.rs`; what the fields mean for the end of a message is decided in
//! `framing.rs`.

use std::fmt;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Excerpt, FieldError, ProtocolError, Section, UsageError};
use crate::grammar;
use crate::limits::MOST_FIELDS;

pub(crate) mod lenient;
mod section;

pub use section::FieldSection;

/// The fields that came behind a chunked body.
#[derive(Clone)]
pub struct Trailers {
    /// The fields by name, kept apart from those of the head (RFC 9110 §6.5.1).
    pub fields: HeaderMap,
    /// The same field lines as they came.
    pub raw: RawFields,
}

impl Trailers {
    /// Judges whether these fields may be sent behind a body (RFC 9110 §6.5.1).
    ///
    /// # Errors
    ///
    /// One of them frames a message, speaks of its connection, or says how its content is read.
    pub fn check(fields: &HeaderMap) -> Result<(), ProtocolError> {
        match forbidden_trailer(fields) {
            Some((_, name)) => Err(UsageError::ForbiddenTrailer(name).into()),
            None => Ok(()),
        }
    }
}

/// Shows the number of fields only: values may be secret.
impl fmt::Debug for Trailers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trailers")
            .field("fields", &self.fields.len())
            .finish()
    }
}

/// A field section as it came: order, repetition and letter case kept.
///
/// Holds the octets and splits them when asked; a clone is cheap.
#[derive(Clone)]
pub struct RawFields {
    /// The field lines, the blank line included.
    octets: Bytes,
}

impl RawFields {
    /// Wraps a section that a [`FieldScanner`] has accepted.
    pub(crate) fn new(octets: Bytes) -> Self {
        Self { octets }
    }

    /// Name and value of each field line, in the order and letter case of the wire.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        FieldLines { rest: &self.octets }
    }
}

/// Shows the length only: values may be secret.
impl fmt::Debug for RawFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawFields")
            .field("octets", &self.octets.len())
            .finish()
    }
}

/// Splits a section that is known to be well-formed.
pub(crate) struct FieldLines<'a> {
    /// The lines that are still to come.
    pub(crate) rest: &'a [u8],
}

impl<'a> Iterator for FieldLines<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let name_end = grammar::skip_token(self.rest, 0);
        if self.rest.get(name_end) != Some(&b':') {
            return None;
        }
        let (name, rest) = self.rest.split_at(name_end);
        let mut line_end = grammar::skip_value(rest, 1);
        let mut behind = line_end + 2;
        if !rest[line_end..].starts_with(b"\r\n") {
            (line_end, behind) = lenient::end_of_line(rest);
        }
        self.rest = rest.get(behind..).unwrap_or_default();
        Some((name, grammar::trim_blanks(&rest[1..line_end])))
    }
}

/// Scans a field section, resumable at every octet, and remembers where names and values are.
#[derive(Debug, Default)]
pub(crate) struct FieldScanner {
    /// What the next octet belongs to.
    state: FieldState,
    /// Offset of the next octet; those before it are never looked at again.
    at: usize,
    /// The line being scanned.
    line: FieldSpan,
    /// The lines scanned.
    spans: Vec<FieldSpan>,
    /// What only a lenient reader takes is among them.
    odd: bool,
}

/// What the next octet of a field section belongs to.
#[derive(Clone, Copy, Debug, Default)]
enum FieldState {
    /// A line begins here: a name, or the CR of the blank line.
    #[default]
    Start,
    /// A field name.
    Name,
    /// The white space behind the colon.
    Blank,
    /// A field value.
    Value,
    /// The white space that begins a folded line.
    Fold,
    /// The LF that ends a field line.
    LineFeed,
    /// The LF that ends the section.
    LastLineFeed,
}

/// Where one field line keeps its name and its value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FieldSpan {
    /// First octet of the name.
    name: usize,
    /// The colon.
    name_end: usize,
    /// First octet of the value, or its end when the value is empty.
    value: usize,
    /// Behind the last octet of the value, white space left out.
    value_end: usize,
}

impl FieldScanner {
    /// A scanner for a section that starts `at` octets into its part of the message.
    pub(crate) fn starting_at(at: usize) -> Self {
        Self {
            at,
            ..Self::default()
        }
    }

    /// Number of field lines scanned.
    pub(crate) fn count(&self) -> usize {
        self.spans.len()
    }

    /// Scans on; the offset behind the blank line once it is found, `None` when octets run out.
    ///
    /// `octets` begin where the message part begins, each time. No count limit lets more lines pass
    /// than the map can hold: they would all be scanned and then be refused. What a `lenient`
    /// reader takes beside well-formed lines is said in `field/lenient.rs`.
    pub(crate) fn scan(
        &mut self,
        octets: &[u8],
        count_limit: usize,
        section: Section,
        lenient: bool,
    ) -> Result<Option<usize>, ProtocolError> {
        self.advance(octets, count_limit.min(MOST_FIELDS), lenient)
            .map_err(|error| ProtocolError::remote(error, section, self.at as u64))
    }

    /// Takes a line that is there whole and has nothing wrong with it, as nearly all are.
    ///
    /// `false` leaves everything as it was, for the states: they can wait, and they can complain.
    fn take_line(&mut self, octets: &[u8]) -> bool {
        let name = self.at;
        let name_end = grammar::skip_token(octets, name);
        if name_end == name || octets.get(name_end) != Some(&b':') {
            return false;
        }
        let value = grammar::skip_blanks(octets, name_end + 1);
        let line_end = grammar::skip_value(octets, value);
        if octets.get(line_end..line_end + 2) != Some(b"\r\n") {
            return false;
        }
        let value_end = value + grammar::trim_blanks(&octets[value..line_end]).len();
        self.spans.push(FieldSpan {
            name,
            name_end,
            value,
            value_end,
        });
        self.at = line_end + 2;
        true
    }

    /// Moves through the states until the section ends, the octets end, or a rule is broken.
    fn advance(
        &mut self,
        octets: &[u8],
        count_limit: usize,
        lenient: bool,
    ) -> Result<Option<usize>, FieldError> {
        if self.spans.capacity() == 0 {
            self.spans.reserve(USUAL_FIELDS);
        }
        loop {
            if matches!(self.state, FieldState::Start) {
                while self.spans.len() < count_limit && self.take_line(octets) {}
            }
            // Name, blanks and value swallow runs of octets before one is looked at.
            self.at = match self.state {
                FieldState::Name => grammar::skip_token(octets, self.at),
                FieldState::Blank | FieldState::Fold => grammar::skip_blanks(octets, self.at),
                FieldState::Value => grammar::skip_value(octets, self.at),
                _ => self.at,
            };
            let Some(&octet) = octets.get(self.at) else {
                return Ok(None);
            };
            match self.state {
                FieldState::Start if lenient && octet == b'\n' => return Ok(Some(self.at + 1)),
                FieldState::Start if lenient && grammar::is_blank(octet) => self.fold(octets)?,
                FieldState::Start => self.start_line(octet, count_limit)?,
                FieldState::Name => self.end_name(octet)?,
                FieldState::Blank => {
                    self.line.value = self.at;
                    self.state = FieldState::Value;
                }
                FieldState::Fold => self.start_fold(octet)?,
                FieldState::Value if lenient && lenient::may_stand(octet) => {
                    self.take_odd(octet, octets)?;
                }
                FieldState::Value => self.end_value(octet, octets, lenient)?,
                FieldState::LineFeed if octet == b'\n' => {
                    self.spans.push(self.line);
                    self.at += 1;
                    self.state = FieldState::Start;
                }
                FieldState::LastLineFeed if octet == b'\n' => return Ok(Some(self.at + 1)),
                FieldState::LineFeed | FieldState::LastLineFeed => {
                    return Err(FieldError::BareCarriageReturn);
                }
            }
        }
    }

    /// Looks at the first octet of a line.
    fn start_line(&mut self, octet: u8, count_limit: usize) -> Result<(), FieldError> {
        match octet {
            b'\r' => {
                self.at += 1;
                self.state = FieldState::LastLineFeed;
                Ok(())
            }
            b'\n' => Err(FieldError::BareLineFeed),
            // RFC 9112 §5.2 lets a server refuse a folded line, and §2.2 a line of white space
            // before the first field: what is a value to one parser is a field to another.
            b' ' | b'\t' => Err(FieldError::Folded),
            b':' => Err(FieldError::NameEmpty),
            _ if !grammar::is_tchar(octet) => Err(FieldError::NameOctet(octet)),
            _ if self.spans.len() >= count_limit => Err(FieldError::TooMany(count_limit)),
            _ => {
                self.line = FieldSpan {
                    name: self.at,
                    ..FieldSpan::default()
                };
                self.state = FieldState::Name;
                Ok(())
            }
        }
    }

    /// Looks at the first octet that is no part of a name.
    fn end_name(&mut self, octet: u8) -> Result<(), FieldError> {
        match octet {
            b':' => {
                self.line.name_end = self.at;
                self.at += 1;
                self.state = FieldState::Blank;
                Ok(())
            }
            // RFC 9112 §5.1: "Content-Length :" was a length to some parsers and nothing to others.
            b' ' | b'\t' => Err(FieldError::NameBlank),
            b'\r' | b'\n' => Err(FieldError::ColonMissing),
            _ => Err(FieldError::NameOctet(octet)),
        }
    }

    /// Looks at the first octet that is no part of a value.
    fn end_value(&mut self, octet: u8, octets: &[u8], lenient: bool) -> Result<(), FieldError> {
        match octet {
            b'\n' if !lenient => Err(FieldError::BareLineFeed),
            b'\r' | b'\n' => {
                let value = grammar::trim_blanks(&octets[self.line.value..self.at]);
                self.line.value_end = self.line.value + value.len();
                // The LF is left where it is.
                self.at += usize::from(octet == b'\r');
                self.state = FieldState::LineFeed;
                Ok(())
            }
            _ => Err(FieldError::ValueOctet(octet)),
        }
    }

    /// The section as it may be handed on raw: no line end is left inside a value.
    pub(crate) fn raw(&self, octets: Bytes) -> Bytes {
        match self.odd {
            true => lenient::without_folds(&octets, self.spans.iter().map(FieldSpan::value)),
            false => octets,
        }
    }

    /// Builds the map of the section just scanned; `octets` begin where the message part begins.
    ///
    /// Values share the octets; only unusual names are copied.
    pub(crate) fn build(
        &self,
        octets: &Bytes,
        section: Section,
    ) -> Result<HeaderMap, ProtocolError> {
        let refuse = |error: FieldError, span: &FieldSpan| {
            ProtocolError::remote(error, section, span.name as u64)
        };
        let too_many = |_| FieldError::TooMany(MOST_FIELDS);
        let mut fields = HeaderMap::try_with_capacity(self.spans.len())
            .map_err(|full| refuse(too_many(full), &FieldSpan::default()))?;
        for span in &self.spans {
            // The scanner has accepted only token octets and field-value octets, so all that `http`
            // can still refuse is the length of a name.
            let name = HeaderName::from_bytes(&octets[span.name..span.name_end])
                .map_err(|_| refuse(FieldError::NameTooLong, span))?;
            let mut value = octets.slice(span.value..span.value_end);
            if self.odd {
                value = lenient::unfold(value);
            }
            let value = HeaderValue::from_maybe_shared(value)
                .map_err(|_| refuse(FieldError::ValueOctet(octets[span.value]), span))?;
            fields
                .try_append(name, value)
                .map_err(|full| refuse(too_many(full), span))?;
        }
        Ok(fields)
    }

    /// Offset of the first field line of that name, to say where a fault of its value is.
    pub(crate) fn offset_of(&self, name: &HeaderName, octets: &[u8]) -> u64 {
        let named = |span: &&FieldSpan| {
            octets[span.name..span.name_end].eq_ignore_ascii_case(name.as_str().as_bytes())
        };
        self.spans
            .iter()
            .find(named)
            .map_or(0, |span| span.name as u64)
    }
}

/// The members of a list-valued field, over all its lines, white space left out (RFC 9110 §5.6.1).
///
/// Empty members come out as empty slices: whether they are harmless depends on the field.
pub(crate) fn members<'a>(
    fields: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> {
    fields
        .get_all(name)
        .iter()
        .flat_map(|value| members_of(value.as_bytes()))
}

/// The members of one line of a list-valued field.
pub(crate) fn members_of(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&octet| octet == b',')
        .map(grammar::trim_blanks)
}

/// What a Connection field asks for (RFC 9110 §7.6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConnectionOptions {
    /// The connection closes after this exchange.
    pub(crate) close: bool,
    /// The connection persists, in HTTP/1.0.
    pub(crate) keep_alive: bool,
    /// The Upgrade field is meant for this very connection.
    pub(crate) upgrade: bool,
}

impl ConnectionOptions {
    /// Reads all Connection lines of a field section.
    pub(crate) fn of(fields: &HeaderMap) -> Self {
        let mut options = Self::default();
        fields
            .get_all(http::header::CONNECTION)
            .iter()
            .for_each(|value| options.add(value.as_bytes()));
        options
    }

    /// Adds what one Connection line asks for; options are compared without regard to case.
    pub(crate) fn add(&mut self, value: &[u8]) {
        for option in members_of(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }
}

/// The first field of a trailer section that must not stand there, if any.
///
/// RFC 9110 §6.5.1: fields that frame a message, speak of its connection, or say how its content is
/// to be read come too late behind it. A recipient that merged them would see another message than
/// everyone before. That section names more kinds, such as Authorization, Set-Cookie, Cache-Control
/// and Max-Forwards. They are let through: [`Trailers`] keeps all fields apart from those of the
/// head, so that no trailer is taken for one, and senders exist that put their own there.
pub(crate) fn forbidden_trailer(fields: &HeaderMap) -> Option<(&HeaderName, Excerpt)> {
    fields
        .keys()
        .find(|name| FORBIDDEN_TRAILERS.contains(&name.as_str()))
        .map(|name| (name, Excerpt::new(name.as_str().as_bytes())))
}

/// Names that a trailer section must not hold, in both directions.
const FORBIDDEN_TRAILERS: [&str; 13] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Field lines for which room is made at once (16): what a browser sends.
const USUAL_FIELDS: usize = 16;

#[cfg(test)]
mod tests;
