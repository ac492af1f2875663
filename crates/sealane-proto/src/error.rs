//! ProtocolError: side, kind, offset, and the status a server should answer with.
//!
//! The kinds are grouped by what was being read (or, for our own faults, asked for), one file each.
//! Nothing a peer sent is printed unescaped or at length. The stable names of
//! [`ProtocolError::code`] are those that users of the https module already search for.

use std::fmt;

use http::StatusCode;

mod body;
mod field;
mod framing;
mod start_line;
mod usage;

pub use body::{ChunkedError, IncompleteError};
pub use field::{FieldError, HostError};
pub use framing::FramingError;
pub use start_line::{ResponseError, StartLineError};
pub use usage::UsageError;

/// What broke the rules of HTTP/1.1, who did it, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolError {
    /// Whose fault it is.
    side: Side,
    /// What exactly is wrong.
    kind: ErrorKind,
    /// The part of the message that was being read.
    section: Section,
    /// Octets from the start of that part.
    offset: u64,
}

impl ProtocolError {
    /// A fault of the peer, found `offset` octets into `section`.
    pub(crate) fn remote(kind: impl Into<ErrorKind>, section: Section, offset: u64) -> Self {
        Self {
            side: Side::Remote,
            kind: kind.into(),
            section,
            offset,
        }
    }

    /// Whose fault it is: the peer's octets, or our own caller's commands.
    pub fn side(&self) -> Side {
        self.side
    }

    /// What exactly is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Part of the message that was being read; [`Section::Call`] for a fault of our own side.
    pub fn section(&self) -> Section {
        self.section
    }

    /// Octets from the start of that section to the place of the fault (0 for our own faults).
    ///
    /// A head starts at its start line (blank lines before it do not count), a body behind the
    /// blank line of its head, a trailer section behind the line of the last chunk.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Status with which a server should answer; `None` for a fault of our own side.
    ///
    /// A client that gets such an error has nothing to answer and closes.
    pub fn status(&self) -> Option<StatusCode> {
        match &self.kind {
            ErrorKind::StartLine(error) => Some(error.status()),
            ErrorKind::Field(error) => Some(error.status()),
            ErrorKind::Framing(error) => Some(error.status()),
            ErrorKind::Chunked(error) => Some(error.status()),
            ErrorKind::Host(_) | ErrorKind::Incomplete(_) | ErrorKind::Response(_) => {
                Some(StatusCode::BAD_REQUEST)
            }
            ErrorKind::Usage(_) => None,
        }
    }

    /// The stable name of the error.
    pub fn code(&self) -> &'static str {
        match &self.kind {
            ErrorKind::StartLine(error) => error.code(),
            ErrorKind::Field(error) => error.code(),
            // The table of names has none for Host; what is wrong is a field line.
            ErrorKind::Host(_) => "HPE_INVALID_HEADER_TOKEN",
            ErrorKind::Framing(error) => error.code(),
            ErrorKind::Chunked(error) => error.code(),
            ErrorKind::Incomplete(error) => error.code(),
            ErrorKind::Response(error) => error.code(),
            ErrorKind::Usage(error) => error.code(),
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::StartLine(error) => error.fmt(f),
            ErrorKind::Field(error) => error.fmt(f),
            ErrorKind::Host(error) => error.fmt(f),
            ErrorKind::Framing(error) => error.fmt(f),
            ErrorKind::Chunked(error) => error.fmt(f),
            ErrorKind::Incomplete(error) => error.fmt(f),
            ErrorKind::Response(error) => error.fmt(f),
            ErrorKind::Usage(error) => error.fmt(f),
        }?;
        match self.section {
            Section::Head => write!(f, ", at octet {} of the head", self.offset),
            Section::Body => write!(f, ", at octet {} of the body", self.offset),
            Section::Trailers => write!(f, ", at octet {} of the trailer section", self.offset),
            Section::Call => Ok(()),
        }
    }
}

impl std::error::Error for ProtocolError {}

impl From<UsageError> for ProtocolError {
    fn from(error: UsageError) -> Self {
        Self {
            side: Side::Local,
            kind: error.into(),
            section: Section::Call,
            offset: 0,
        }
    }
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Our own: a command that this message or this moment does not allow.
    Local,
    /// The peer's: octets that are no HTTP/1.1.
    Remote,
}

/// The part of a message in which an error was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// Start line and field section.
    Head,
    /// The body as framed, chunk lines included.
    Body,
    /// The trailer section of a chunked body.
    Trailers,
    /// No octets at all: a command of our own side.
    Call,
}

/// What is wrong, grouped by what was being read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request line or status line.
    StartLine(StartLineError),
    /// A field line, of a head or of a trailer section.
    Field(FieldError),
    /// The Host field of a request.
    Host(HostError),
    /// The fields that say where the message ends.
    Framing(FramingError),
    /// The lines of a chunked body.
    Chunked(ChunkedError),
    /// The peer's side ended inside a message.
    Incomplete(IncompleteError),
    /// A response that this request, or no request, asked for.
    Response(ResponseError),
    /// A command that cannot be carried out.
    Usage(UsageError),
}

/// A few octets of a peer, escaped and shortened, fit to be shown.
///
/// Octets before an `@` (which may be a password) and from a `?` on (which may be a token) are left
/// out.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    /// Cuts, shortens and escapes.
    pub(crate) fn new(octets: &[u8]) -> Self {
        let query = octets.iter().position(|&octet| octet == b'?');
        let shown = &octets[..query.unwrap_or(octets.len())];
        let user = shown.iter().rposition(|&octet| octet == b'@');
        let shown = &shown[user.unwrap_or(0)..];
        let kept = &shown[..shown.len().min(EXCERPT_OCTETS)];
        let front = if user.is_some() { "..." } else { "" };
        let back = if kept.len() < shown.len() || query.is_some() {
            "..."
        } else {
            ""
        };
        Self(format!("{front}{}{back}", kept.escape_ascii()).into())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Shows one octet of a peer, escaped.
struct Octet(u8);

impl fmt::Display for Octet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.escape_ascii())
    }
}

/// Octets of a peer that an error shows at most (40): enough to recognise a value.
const EXCERPT_OCTETS: usize = 40;

#[cfg(test)]
mod tests;
