//! What can be wrong with the fields that say where a message ends (RFC 9112 §6).
//!
//! Each of these is a way to make two parsers disagree about the end of a message, which is all
//! that request smuggling needs. So each is refused; none is repaired.

use std::fmt;

use http::StatusCode;

use super::{ErrorKind, Excerpt};

/// What is wrong with Content-Length or Transfer-Encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FramingError {
    /// A Content-Length that is not plain digits, has more than 20, or is more than 64 bits hold.
    LengthInvalid(Excerpt),
    /// More than one Content-Length line, even with equal values.
    LengthRepeated,
    /// Transfer-Encoding together with Content-Length.
    CodingAndLength,
    /// Transfer-Encoding in an HTTP/1.0 message, which knows no such field.
    CodingInHttp10,
    /// A Transfer-Encoding that is no list of codings: empty, or with an empty or malformed member.
    CodingInvalid(Excerpt),
    /// A coding we do not decode, before the final chunked.
    CodingUnknown(Excerpt),
    /// The last coding is not `chunked`, so that nothing says where the message ends.
    ChunkedNotLast(Excerpt),
    /// `chunked` stands in the list more than once.
    ChunkedRepeated,
}

impl FramingError {
    /// Status for the answer; an unknown coding is 501 (RFC 9112 §6.1).
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::CodingUnknown(_) => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Stable name.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::LengthInvalid(_) => "HPE_INVALID_CONTENT_LENGTH",
            Self::LengthRepeated => "HPE_UNEXPECTED_CONTENT_LENGTH",
            _ => "HPE_INVALID_TRANSFER_ENCODING",
        }
    }
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LengthInvalid(value) => {
                write!(f, "content-length {value} is no number of octets")
            }
            Self::LengthRepeated => f.write_str("more than one content-length"),
            Self::CodingAndLength => f.write_str("transfer-encoding together with content-length"),
            Self::CodingInHttp10 => f.write_str("transfer-encoding in an http/1.0 message"),
            Self::CodingInvalid(value) => {
                write!(f, "transfer-encoding {value} is no list of codings")
            }
            Self::CodingUnknown(coding) => write!(f, "transfer coding {coding} is not implemented"),
            Self::ChunkedNotLast(coding) => {
                write!(f, "the last transfer coding is {coding}, not \"chunked\"")
            }
            Self::ChunkedRepeated => f.write_str("transfer coding \"chunked\" more than once"),
        }
    }
}

impl From<FramingError> for ErrorKind {
    fn from(error: FramingError) -> Self {
        Self::Framing(error)
    }
}
