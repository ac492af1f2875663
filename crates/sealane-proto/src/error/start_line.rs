//! What can be wrong with a request line, a status line, or with a response as such.
//!
//! Status codes as RFC 9112 §3 and RFC 9110 §15.5.15, §15.6.2 and §15.6.6 ask for them.

use std::fmt;

use http::StatusCode;

use super::{ErrorKind, Excerpt, Octet};

/// What is wrong with a start line (RFC 9112 §3, §4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartLineError {
    /// The method is no token, or is missing: this octet cannot stand in one.
    MethodOctet(u8),
    /// The method is longer than any that could be implemented; the bound is given.
    MethodTooLong(usize),
    /// The request target is empty.
    TargetEmpty,
    /// An octet that no request target may hold.
    TargetOctet(u8),
    /// The request target alone passes the limit of the head, or of all targets, which is given.
    TargetTooLong(usize),
    /// A target that is of none of the forms its method may have.
    TargetForm(Excerpt),
    /// A target with user information, which is a disguise more often than a login (RFC 9110
    /// §4.2.4).
    TargetUserinfo,
    /// A request line without a version, as HTTP/0.9 had it.
    VersionMissing,
    /// An octet at which the version ceased to be `HTTP/` digit `.` digit, or the line did not end.
    VersionOctet(u8),
    /// An octet where `HTTP/` belongs: this is another protocol.
    NotHttp(u8),
    /// A well-formed version that is neither 1.0 nor 1.1.
    VersionUnsupported(char, char),
    /// The preface of HTTP/2 on a connection that speaks HTTP/1.1.
    Http2Preface,
    /// More blank lines before the request line than the limit, which is given.
    BlankLines(usize),
    /// An octet that does not belong into a status line at this place.
    StatusLineOctet(u8),
    /// Three digits that are no status code.
    StatusCode(u16),
    /// CR without LF.
    BareCarriageReturn,
    /// LF without CR.
    BareLineFeed,
    /// LF without CR behind the version of a request line.
    ///
    /// Apart from the others because users know it by another name.
    VersionLineFeed,
}

impl StartLineError {
    /// Status for the answer.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::MethodTooLong(_) => StatusCode::NOT_IMPLEMENTED,
            Self::TargetTooLong(_) => StatusCode::URI_TOO_LONG,
            Self::VersionUnsupported(..) | Self::Http2Preface => {
                StatusCode::HTTP_VERSION_NOT_SUPPORTED
            }
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Stable name.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::MethodOctet(_) | Self::MethodTooLong(_) | Self::BlankLines(_) => {
                "HPE_INVALID_METHOD"
            }
            Self::TargetEmpty
            | Self::TargetOctet(_)
            | Self::TargetForm(_)
            | Self::TargetUserinfo => "HPE_INVALID_URL",
            Self::TargetTooLong(_) => "HPE_HEADER_OVERFLOW",
            Self::VersionMissing | Self::NotHttp(_) => "HPE_INVALID_CONSTANT",
            Self::VersionOctet(_) | Self::VersionUnsupported(..) | Self::VersionLineFeed => {
                "HPE_INVALID_VERSION"
            }
            Self::Http2Preface => "HPE_PAUSED_H2_UPGRADE",
            Self::StatusLineOctet(_) | Self::StatusCode(_) => "HPE_INVALID_STATUS",
            Self::BareCarriageReturn => "HPE_LF_EXPECTED",
            Self::BareLineFeed => "HPE_CR_EXPECTED",
        }
    }
}

impl fmt::Display for StartLineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MethodOctet(octet) => write!(f, "{} cannot stand in a method", Octet(*octet)),
            Self::MethodTooLong(limit) => write!(f, "the method has more than {limit} octets"),
            Self::TargetEmpty => f.write_str("the request target is empty"),
            Self::TargetOctet(octet) => {
                write!(f, "{} cannot stand in a request target", Octet(*octet))
            }
            Self::TargetTooLong(limit) => {
                write!(f, "the request target passes the limit of {limit} octets")
            }
            Self::TargetForm(target) => {
                write!(
                    f,
                    "request target {target} has none of the forms its method allows"
                )
            }
            Self::TargetUserinfo => f.write_str("the request target holds user information"),
            Self::VersionMissing => f.write_str("the request line names no version"),
            Self::VersionOctet(octet) => {
                write!(
                    f,
                    "{} where \"HTTP/1.1\" and a line end belong",
                    Octet(*octet)
                )
            }
            Self::NotHttp(octet) => write!(f, "{} where \"HTTP/\" belongs", Octet(*octet)),
            Self::VersionUnsupported(major, minor) => {
                write!(f, "http/{major}.{minor} is not supported, only 1.0 and 1.1")
            }
            Self::Http2Preface => f.write_str("http/2 on a connection that speaks http/1.1"),
            Self::BlankLines(limit) => {
                write!(f, "more than {limit} blank lines before the request line")
            }
            Self::StatusLineOctet(octet) => {
                write!(
                    f,
                    "{} does not belong into a status line here",
                    Octet(*octet)
                )
            }
            Self::StatusCode(code) => write!(f, "{code:03} is no status code"),
            Self::BareCarriageReturn => f.write_str("a carriage return without its line feed"),
            Self::BareLineFeed | Self::VersionLineFeed => {
                f.write_str("a line feed without its carriage return")
            }
        }
    }
}

impl From<StartLineError> for ErrorKind {
    fn from(error: StartLineError) -> Self {
        Self::StartLine(error)
    }
}

/// What is wrong with a response as such: it came when nothing of the kind was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// Octets came although no request is open (RFC 9112 §9.2).
    Unsolicited,
    /// The protocol was switched although the request asked for no upgrade, or was not yet
    /// complete; or by a 101 that is not HTTP/1.1 or has no Upgrade with `Connection: upgrade`.
    UnexpectedSwitch,
    /// More interim responses than the bound, which is given.
    TooManyInterim(usize),
}

impl ResponseError {
    /// Stable name.
    pub(super) fn code(&self) -> &'static str {
        match self {
            // What the module's parser says of octets where a status line would have to begin.
            Self::Unsolicited => "HPE_INVALID_CONSTANT",
            Self::UnexpectedSwitch | Self::TooManyInterim(_) => "HPE_INVALID_STATUS",
        }
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsolicited => f.write_str("octets came although no request is open"),
            Self::UnexpectedSwitch => f.write_str(
                "a 101 that no complete request asked for, or without its upgrade fields",
            ),
            Self::TooManyInterim(limit) => {
                write!(f, "more than {limit} interim responses to one request")
            }
        }
    }
}

impl From<ResponseError> for ErrorKind {
    fn from(error: ResponseError) -> Self {
        Self::Response(error)
    }
}
