//! What can be wrong with field lines, in a head or a trailer section, and with the Host field.
//!
//! RFC 9110 §5, §6.5.1 and §7.2; RFC 9112 §3.2, §5 and §5.2.

use std::fmt;

use http::StatusCode;

use super::{ErrorKind, Excerpt, Octet};

/// What is wrong with a field line or a field section.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldError {
    /// A line begins with white space: a folded line (RFC 9112 §5.2), or a smuggled one (§2.2).
    Folded,
    /// A line begins with its colon.
    NameEmpty,
    /// An octet that no field name may hold.
    NameOctet(u8),
    /// White space before the colon (RFC 9112 §5.1).
    NameBlank,
    /// A field name longer than the map of fields can hold.
    NameTooLong,
    /// A line ends without a colon.
    ColonMissing,
    /// An octet that no field value may hold.
    ValueOctet(u8),
    /// CR without LF.
    BareCarriageReturn,
    /// LF without CR.
    BareLineFeed,
    /// More field lines than the limit, which is given.
    TooMany(usize),
    /// The head passes its limit, which is given.
    HeadTooLarge(usize),
    /// The trailer section passes its limit, which is given.
    TrailersTooLarge(usize),
    /// A field that must not stand in a trailer section; its name is given.
    ForbiddenTrailer(Excerpt),
}

impl FieldError {
    /// Status for the answer.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::TooMany(_)
            | Self::HeadTooLarge(_)
            | Self::TrailersTooLarge(_)
            | Self::NameTooLong => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Stable name.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::TooMany(_)
            | Self::HeadTooLarge(_)
            | Self::TrailersTooLarge(_)
            | Self::NameTooLong => "HPE_HEADER_OVERFLOW",
            Self::BareCarriageReturn => "HPE_LF_EXPECTED",
            Self::BareLineFeed => "HPE_CR_EXPECTED",
            _ => "HPE_INVALID_HEADER_TOKEN",
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folded => f.write_str("a field line begins with white space"),
            Self::NameEmpty => f.write_str("a field line without a name"),
            Self::NameOctet(octet) => write!(f, "{} cannot stand in a field name", Octet(*octet)),
            Self::NameBlank => f.write_str("white space before the colon of a field line"),
            Self::NameTooLong => f.write_str("a field name longer than 65535 octets"),
            Self::ColonMissing => f.write_str("a field line without a colon"),
            Self::ValueOctet(octet) => {
                write!(f, "{} cannot stand in a field value", Octet(*octet))
            }
            Self::BareCarriageReturn => f.write_str("a carriage return without its line feed"),
            Self::BareLineFeed => f.write_str("a line feed without its carriage return"),
            Self::TooMany(limit) => write!(f, "more than {limit} field lines"),
            Self::HeadTooLarge(limit) => write!(f, "the head passes its limit of {limit} octets"),
            Self::TrailersTooLarge(limit) => {
                write!(f, "the trailer section passes its limit of {limit} octets")
            }
            Self::ForbiddenTrailer(name) => {
                write!(f, "field {name} must not stand in a trailer section")
            }
        }
    }
}

impl From<FieldError> for ErrorKind {
    fn from(error: FieldError) -> Self {
        Self::Field(error)
    }
}

/// What is wrong with the Host field of a request (RFC 9112 §3.2): always answered with 400.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostError {
    /// An HTTP/1.1 request without Host.
    Missing,
    /// More than one Host line, whatever they say.
    Repeated,
    /// A value that is no host with an optional port.
    Invalid(Excerpt),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the request has no host field"),
            Self::Repeated => f.write_str("the request has more than one host field"),
            Self::Invalid(value) => write!(f, "host field {value} is no host and port"),
        }
    }
}

impl From<HostError> for ErrorKind {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}
