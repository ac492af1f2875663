//! What can be wrong with a chunked body, and with a message that ends too soon.
//!
//! RFC 9112 §7.1 (chunked) and §8 (incomplete messages).

use std::fmt;

use http::StatusCode;

use super::{ErrorKind, Octet};

/// What is wrong with the lines of a chunked body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChunkedError {
    /// An octet that is neither part of a chunk size nor may follow one.
    SizeOctet(u8),
    /// More digits in a chunk size than the limit, which is given.
    SizeTooLong(usize),
    /// A chunk size, or the sum of them, that 64 bits cannot hold.
    SizeOverflow,
    /// An octet that does not belong into a chunk extension at this place.
    ExtensionOctet(u8),
    /// The chunk extensions of the message pass their limit, which is given.
    ExtensionsTooLarge(usize),
    /// A line end was due, and this octet came instead.
    LineEnd(u8),
}

impl ChunkedError {
    /// Status for the answer.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::ExtensionsTooLarge(_) | Self::SizeOverflow => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Stable name.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::SizeOctet(_) | Self::SizeTooLong(_) | Self::SizeOverflow => {
                "HPE_INVALID_CHUNK_SIZE"
            }
            Self::ExtensionsTooLarge(_) => "HPE_CHUNK_EXTENSIONS_OVERFLOW",
            Self::ExtensionOctet(_) | Self::LineEnd(_) => "HPE_STRICT",
        }
    }
}

impl fmt::Display for ChunkedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SizeOctet(octet) => write!(f, "{} where a chunk size belongs", Octet(*octet)),
            Self::SizeTooLong(limit) => write!(f, "a chunk size of more than {limit} digits"),
            Self::SizeOverflow => f.write_str("the chunk sizes pass what 64 bits hold"),
            Self::ExtensionOctet(octet) => {
                write!(
                    f,
                    "{} does not belong into a chunk extension here",
                    Octet(*octet)
                )
            }
            Self::ExtensionsTooLarge(limit) => {
                write!(f, "the chunk extensions pass their limit of {limit} octets")
            }
            Self::LineEnd(octet) => {
                write!(f, "{} where a chunk's line end belongs", Octet(*octet))
            }
        }
    }
}

impl From<ChunkedError> for ErrorKind {
    fn from(error: ChunkedError) -> Self {
        Self::Chunked(error)
    }
}

/// Where a message broke off because the peer's side ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IncompleteError {
    /// No octet of a response came.
    Silent,
    /// Inside a head, of which so many octets came.
    Head(u64),
    /// Inside a body of announced length.
    Length {
        /// Octets that came.
        received: u64,
        /// Octets that were announced.
        announced: u64,
    },
    /// Inside a chunked body, of which so many octets of content came.
    Chunked(u64),
    /// Inside a body that only an announced end completes (RFC 9112 §9.8), of which so many came.
    UntilClose(u64),
}

impl IncompleteError {
    /// Stable name.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Silent => "ECONNRESET",
            _ => "HPE_INVALID_EOF_STATE",
        }
    }
}

impl fmt::Display for IncompleteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("the peer ended its side without a response"),
            Self::Head(received) => {
                write!(f, "the peer's side ended after {received} octets of a head")
            }
            Self::Length {
                received,
                announced,
            } => {
                write!(
                    f,
                    "the peer's side ended after {received} of {announced} octets of a body"
                )
            }
            Self::Chunked(received) => {
                write!(
                    f,
                    "the peer's side ended after {received} octets of a chunked body"
                )
            }
            Self::UntilClose(received) => write!(
                f,
                "the transport ended without notice after {received} octets of a body that ends \
                 with it"
            ),
        }
    }
}

impl From<IncompleteError> for ErrorKind {
    fn from(error: IncompleteError) -> Self {
        Self::Incomplete(error)
    }
}
