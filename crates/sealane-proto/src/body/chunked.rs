//! Chunked bodies (RFC 9112 §7.1): sizes, extensions, trailers.
//!
//! Strict: CRLF only, and the CRLF behind the data of a chunk is checked, not skipped: a parser
//! that skipped two octets there could be made to read a body where another reads a request.
//! Extensions are judged and then ignored (§7.1.1). White space may stand behind a size only where
//! an extension follows, and within that one (the grammar's BWS): senders that keep to RFC 2616,
//! where it was implied between any two words, need it. A size padded with blanks up to its CRLF is
//! refused.

use bytes::Bytes;
use http::HeaderMap;

use crate::body::Decoded;
use crate::buffer::Buffer;
use crate::error::{ChunkedError, FieldError, IncompleteError, ProtocolError, Section, UsageError};
use crate::field::{self, FieldScanner, RawFields, Trailers};
use crate::grammar;
use crate::head::encode::{write_field, write_hexadecimal};
use crate::limits::Limits;

/// Cuts chunks, resumable at every octet.
#[derive(Debug, Default)]
pub(crate) struct ChunkedDecoder {
    /// What the next octet belongs to.
    state: ChunkedState,
    /// Octets of the body looked at, chunk lines included: the offset of errors.
    offset: u64,
    /// Octets of content in the chunks so far.
    content: u64,
    /// Octets of chunk extensions so far.
    extensions: usize,
}

/// What the next octet of a chunked body belongs to.
#[derive(Debug)]
enum ChunkedState {
    /// The size of a chunk: digits seen, and their value.
    Size(usize, u64),
    /// A chunk extension, and the size of its chunk.
    Extension(ExtensionState, u64),
    /// The LF behind size and extensions, and that size.
    SizeLineFeed(u64),
    /// Content: octets of this chunk still to come.
    Data(u64),
    /// The CR behind the content of a chunk.
    DataReturn,
    /// The LF behind the content of a chunk.
    DataLineFeed,
    /// The trailer section.
    Trailers(FieldScanner),
}

impl Default for ChunkedState {
    fn default() -> Self {
        Self::Size(0, 0)
    }
}

/// What the next octet of a chunk extension belongs to:
/// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExtensionState {
    /// White space behind a size; a `;` must follow.
    BehindSize,
    /// White space behind a value; a `;` must follow.
    BehindValue,
    /// White space, then the first octet of a name.
    BeforeName,
    /// A name.
    Name,
    /// White space behind a name; `=` or `;` must follow.
    BehindName,
    /// White space, then the first octet of a value.
    BeforeValue,
    /// A value that is a token.
    Token,
    /// A value that is a quoted string.
    Quoted,
    /// The octet behind a backslash in a quoted string.
    Escaped,
    /// Directly behind a quoted string.
    BehindQuoted,
}

impl ChunkedDecoder {
    /// Takes the next piece of content, or the end, from the buffer.
    ///
    /// Small pieces that are there already come out as one: a body of one-octet chunks would else
    /// cost its owner a handle, and the whole buffer behind it, for each octet.
    pub(super) fn decode(
        &mut self,
        buffer: &mut Buffer,
        limits: &Limits,
    ) -> Result<Decoded, ProtocolError> {
        let mut gathered = Vec::new();
        loop {
            match &mut self.state {
                ChunkedState::Data(0) => self.state = ChunkedState::DataReturn,
                ChunkedState::Data(owed) => {
                    let ready = buffer
                        .len()
                        .min(usize::try_from(*owed).unwrap_or(usize::MAX));
                    let fits = ready < SMALL_PIECE && gathered.len() + ready <= GATHERED_OCTETS;
                    if ready == 0 || !fits && !gathered.is_empty() {
                        return Ok(piece_of(gathered));
                    }
                    *owed -= ready as u64;
                    self.offset += ready as u64;
                    self.content += ready as u64;
                    if !fits {
                        return Ok(Decoded::Data(buffer.take(ready)));
                    }
                    gathered.extend_from_slice(&buffer.octets()[..ready]);
                    buffer.consume(ready);
                }
                ChunkedState::Trailers(scanner) if gathered.is_empty() => {
                    return take_trailers(scanner, buffer, limits);
                }
                ChunkedState::Trailers(_) => return Ok(piece_of(gathered)),
                _ => match self.scan_line(buffer, limits) {
                    Ok(true) => {}
                    // The octet that spoils a line stays in the buffer: it is found again.
                    Err(error) if gathered.is_empty() => return Err(error),
                    Ok(false) | Err(_) => return Ok(piece_of(gathered)),
                },
            }
        }
    }

    /// The error when the peer's side ends here.
    pub(super) fn incomplete(&self) -> ProtocolError {
        let error = IncompleteError::Chunked(self.content);
        ProtocolError::remote(error, Section::Body, self.offset)
    }

    /// Scans what stands between pieces of content; `false` when octets run out.
    fn scan_line(&mut self, buffer: &mut Buffer, limits: &Limits) -> Result<bool, ProtocolError> {
        let start = self.offset;
        let mut result = Ok(false);
        for &octet in buffer.octets() {
            match self.step(octet, limits) {
                Ok(()) => self.offset += 1,
                Err(error) => {
                    result = Err(ProtocolError::remote(error, Section::Body, self.offset));
                    break;
                }
            }
            if matches!(
                self.state,
                ChunkedState::Data(_) | ChunkedState::Trailers(_)
            ) {
                result = Ok(true);
                break;
            }
        }
        buffer.consume((self.offset - start) as usize);
        result
    }

    /// Takes one octet that is no content.
    fn step(&mut self, octet: u8, limits: &Limits) -> Result<(), ChunkedError> {
        self.state = match self.state {
            ChunkedState::Size(digits, size) => self.step_size(octet, digits, size, limits)?,
            ChunkedState::Extension(state, size) => {
                self.step_extension(octet, state, size, limits)?
            }
            ChunkedState::SizeLineFeed(0) if octet == b'\n' => {
                ChunkedState::Trailers(FieldScanner::default())
            }
            ChunkedState::SizeLineFeed(size) if octet == b'\n' => ChunkedState::Data(size),
            ChunkedState::DataReturn if octet == b'\r' => ChunkedState::DataLineFeed,
            ChunkedState::DataLineFeed if octet == b'\n' => ChunkedState::default(),
            _ => return Err(ChunkedError::LineEnd(octet)),
        };
        Ok(())
    }

    /// Takes one octet of a chunk size, or the one behind it.
    fn step_size(
        &mut self,
        octet: u8,
        digits: usize,
        size: u64,
        limits: &Limits,
    ) -> Result<ChunkedState, ChunkedError> {
        if let Some(digit) = grammar::hex_value(octet) {
            if digits >= limits.chunk_size_digits {
                return Err(ChunkedError::SizeTooLong(limits.chunk_size_digits));
            }
            let size = size.checked_mul(16).ok_or(ChunkedError::SizeOverflow)?;
            return Ok(ChunkedState::Size(digits + 1, size | u64::from(digit)));
        }
        if digits == 0 {
            return Err(ChunkedError::SizeOctet(octet));
        }
        // The sum must fit as well: whoever counts the content must not be made to start over at 0.
        if self.content.checked_add(size).is_none() {
            return Err(ChunkedError::SizeOverflow);
        }
        match octet {
            b'\r' => Ok(ChunkedState::SizeLineFeed(size)),
            b';' | b' ' | b'\t' => {
                self.step_extension(octet, ExtensionState::BehindSize, size, limits)
            }
            _ => Err(ChunkedError::SizeOctet(octet)),
        }
    }

    /// Takes one octet of a chunk extension, or the CR behind the last one.
    fn step_extension(
        &mut self,
        octet: u8,
        state: ExtensionState,
        size: u64,
        limits: &Limits,
    ) -> Result<ChunkedState, ChunkedError> {
        if octet == b'\r' && state.may_end() {
            return Ok(ChunkedState::SizeLineFeed(size));
        }
        let next = state.step(octet).ok_or(match state {
            // "5 CRLF" is a size that does not end as it must, not an extension gone wrong.
            ExtensionState::BehindSize => ChunkedError::SizeOctet(octet),
            _ => ChunkedError::ExtensionOctet(octet),
        })?;
        if self.extensions >= limits.chunk_extension_octets {
            return Err(ChunkedError::ExtensionsTooLarge(
                limits.chunk_extension_octets,
            ));
        }
        self.extensions += 1;
        Ok(ChunkedState::Extension(next, size))
    }
}

impl ExtensionState {
    /// The state behind this octet; `None` when it may not stand here.
    fn step(self, octet: u8) -> Option<Self> {
        let is_blank = grammar::is_blank(octet);
        let is_tchar = grammar::is_tchar(octet);
        match self {
            Self::Quoted => match octet {
                b'"' => Some(Self::BehindQuoted),
                b'\\' => Some(Self::Escaped),
                _ => grammar::is_qdtext(octet).then_some(Self::Quoted),
            },
            // RFC 9110 §5.6.4: whatever a field value may hold can be escaped.
            Self::Escaped => grammar::is_value(octet).then_some(Self::Quoted),
            Self::BeforeName if is_tchar => Some(Self::Name),
            Self::Name if is_tchar => Some(Self::Name),
            Self::BeforeValue if octet == b'"' => Some(Self::Quoted),
            Self::BeforeValue | Self::Token if is_tchar => Some(Self::Token),
            Self::BeforeName | Self::BeforeValue if is_blank => Some(self),
            Self::BeforeName | Self::BeforeValue => None,
            Self::Name | Self::BehindName if octet == b'=' => Some(Self::BeforeValue),
            Self::Name | Self::BehindName if is_blank => Some(Self::BehindName),
            _ if octet == b';' => Some(Self::BeforeName),
            Self::BehindSize if is_blank => Some(self),
            _ if is_blank => Some(Self::BehindValue),
            _ => None,
        }
    }

    /// Whether the line may end here: directly behind a name or a value, never behind white space.
    fn may_end(self) -> bool {
        matches!(self, Self::Name | Self::Token | Self::BehindQuoted)
    }
}

/// What small pieces have become together; no octet at all is no piece.
fn piece_of(gathered: Vec<u8>) -> Decoded {
    match gathered.is_empty() {
        true => Decoded::More,
        false => Decoded::Data(gathered.into()),
    }
}

/// Scans the trailer section, and takes it from the buffer once it is complete.
fn take_trailers(
    scanner: &mut FieldScanner,
    buffer: &mut Buffer,
    limits: &Limits,
) -> Result<Decoded, ProtocolError> {
    let octets = buffer.octets();
    let within = &octets[..octets.len().min(limits.trailer_octets)];
    let Some(end) = scanner.scan(within, limits.field_count, Section::Trailers, false)? else {
        if octets.len() < limits.trailer_octets {
            return Ok(Decoded::More);
        }
        let error = FieldError::TrailersTooLarge(limits.trailer_octets);
        return Err(ProtocolError::remote(
            error,
            Section::Trailers,
            limits.trailer_octets as u64,
        ));
    };
    let octets = buffer.take(end);
    if scanner.count() == 0 {
        return Ok(Decoded::End(None));
    }
    match build_trailers(scanner, &octets) {
        Ok(fields) => Ok(Decoded::End(Some(Trailers {
            fields,
            raw: RawFields::new(octets),
        }))),
        Err(error) => {
            // Whoever wants to see what was wrong finds it where all rejected octets are.
            buffer.restore(&octets);
            Err(error)
        }
    }
}

/// Makes a map of a trailer section, unless a field is in it that must not be.
fn build_trailers(scanner: &FieldScanner, octets: &Bytes) -> Result<HeaderMap, ProtocolError> {
    let fields = scanner.build(octets, Section::Trailers)?;
    if let Some((name, excerpt)) = field::forbidden_trailer(&fields) {
        let error = FieldError::ForbiddenTrailer(excerpt);
        let offset = scanner.offset_of(name, octets);
        return Err(ProtocolError::remote(error, Section::Trailers, offset));
    }
    Ok(fields)
}

/// Writes chunks: one for each piece of content.
#[derive(Debug)]
pub(crate) struct ChunkedEncoder;

impl ChunkedEncoder {
    /// Writes the line before `octets` (more than 0) octets of content; returns what must follow
    /// them.
    pub(super) fn announce(&self, octets: u64, out: &mut Vec<u8>) -> &'static [u8] {
        write_hexadecimal(octets, out);
        out.extend_from_slice(b"\r\n");
        b"\r\n"
    }

    /// Writes the last chunk and the trailer section.
    pub(super) fn finish(
        &self,
        trailers: Option<&HeaderMap>,
        out: &mut Vec<u8>,
    ) -> Result<(), UsageError> {
        if let Some((_, name)) = trailers.and_then(field::forbidden_trailer) {
            return Err(UsageError::ForbiddenTrailer(name));
        }
        out.extend_from_slice(b"0\r\n");
        for (name, value) in trailers.into_iter().flatten() {
            write_field(name.as_str().as_bytes(), value.as_bytes(), out);
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// Pieces of fewer octets are gathered (1 KiB): copying so few costs less than handing them on.
const SMALL_PIECE: usize = 1024;
/// Octets gathered into one piece at most (16 KiB): what one TLS record brings.
const GATHERED_OCTETS: usize = 16 * 1024;

#[cfg(test)]
mod tests;
