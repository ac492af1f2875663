//! Commands of our own side that this message, or this moment, does not allow.
//!
//! Nothing has been written when a command fails with one of these, and unless said otherwise the
//! state is as before: the caller may send something else instead.

use std::fmt;

use super::{ErrorKind, Excerpt, Octet};

/// Why a command cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageError {
    /// The command belongs to an exchange, and none is open.
    NoExchange,
    /// Another request is still in progress, or the connection may not be used again.
    NotReady,
    /// The final head has left already.
    HeadSent,
    /// The head has not left yet, so nothing of a body can.
    HeadUnsent,
    /// The message is complete; nothing can be added to it.
    MessageEnded,
    /// Nobody waits for a 100 (Continue), or it would come too late to be of use.
    ContinueUnwanted,
    /// The status given cannot be used with this command.
    Status(u16),
    /// An octet that no reason phrase may hold (RFC 9112 §4).
    ReasonOctet(u8),
    /// Interim responses do not exist in HTTP/1.0.
    InterimToHttp10,
    /// The request asked for no upgrade.
    UpgradeUnwanted,
    /// A 101 response needs an Upgrade field that names the protocol (RFC 9110 §7.8).
    UpgradeFieldMissing,
    /// A 101 response cannot say `connection: close` instead of `upgrade`: the connection goes on.
    SwitchAndClose,
    /// The request has not been received whole; the octets of another protocol cannot follow yet.
    RequestIncomplete,
    /// A Content-Length field that is no number, or stands more than once.
    LengthInvalid(Excerpt),
    /// A Content-Length field that differs from the length of the body given.
    LengthContradicts {
        /// What the field says.
        field: u64,
        /// The length of the body.
        body: u64,
    },
    /// A Transfer-Encoding other than `chunked`.
    Coding(Excerpt),
    /// Transfer-Encoding together with Content-Length.
    CodingAndLength,
    /// This message has no body, so nothing can be sent in it.
    BodyNotAllowed,
    /// More octets than the length announced leaves.
    TooMuch {
        /// Octets that are still owed.
        owed: u64,
        /// Octets offered.
        offered: u64,
    },
    /// The message ended before the length announced; the connection closes.
    TooLittle {
        /// Octets that were still owed.
        owed: u64,
    },
    /// Trailers need a chunked body.
    TrailersUnframed,
    /// A field that must not stand in a trailer section.
    ForbiddenTrailer(Excerpt),
    /// A request target that is of none of the forms its method may have.
    Target(Excerpt),
    /// A request needs exactly one valid Host field (RFC 9112 §3.2).
    Host,
    /// A Connection field that names a field meant for every recipient (RFC 9110 §7.6.1).
    ConnectionOption(Excerpt),
    /// A field name that is no token (RFC 9110 §5.1).
    FieldName(Excerpt),
    /// A field value with an octet that must not stand in one (RFC 9110 §5.5).
    FieldValue {
        /// The name of the field.
        name: Excerpt,
        /// The octet.
        octet: u8,
    },
    /// More field lines, or more octets of them, than a head can hold.
    TooManyFields(usize),
    /// A version other than HTTP/1.1 and HTTP/1.0.
    Version,
    /// A body of unknown length in a request of HTTP/1.0, which knows no chunks.
    LengthUnknown,
    /// Transfer-Encoding in a request of HTTP/1.0 (RFC 9112 §6.1).
    CodingInHttp10,
}

impl UsageError {
    /// Stable name.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::HeadSent => "ERR_HTTP_HEADERS_SENT",
            Self::Status(_) => "ERR_HTTP_INVALID_STATUS_CODE",
            Self::ReasonOctet(_) => "ERR_INVALID_CHAR",
            Self::LengthContradicts { .. } | Self::TooMuch { .. } | Self::TooLittle { .. } => {
                "ERR_HTTP_CONTENT_LENGTH_MISMATCH"
            }
            Self::BodyNotAllowed => "ERR_HTTP_BODY_NOT_ALLOWED",
            Self::TrailersUnframed | Self::ForbiddenTrailer(_) => "ERR_HTTP_TRAILER_INVALID",
            Self::MessageEnded => "ERR_STREAM_WRITE_AFTER_END",
            Self::LengthInvalid(_)
            | Self::Coding(_)
            | Self::CodingAndLength
            | Self::CodingInHttp10
            | Self::SwitchAndClose
            | Self::Host => "ERR_HTTP_INVALID_HEADER_VALUE",
            Self::Target(_) => "ERR_INVALID_URL",
            Self::FieldName(_) => "ERR_INVALID_HTTP_TOKEN",
            Self::FieldValue { .. } => "ERR_INVALID_CHAR",
            Self::TooManyFields(_) => "ERR_OUT_OF_RANGE",
            Self::Version | Self::LengthUnknown | Self::ConnectionOption(_) => {
                "ERR_INVALID_ARG_VALUE"
            }
            Self::NoExchange
            | Self::NotReady
            | Self::HeadUnsent
            | Self::ContinueUnwanted
            | Self::InterimToHttp10
            | Self::UpgradeUnwanted
            | Self::UpgradeFieldMissing
            | Self::RequestIncomplete => "HPE_INTERNAL",
        }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => write!(f, "status {code} cannot be sent by this command"),
            Self::ReasonOctet(octet) => {
                write!(f, "{} cannot stand in our reason phrase", Octet(*octet))
            }
            Self::LengthInvalid(value) => {
                write!(f, "our content-length {value} is not one number of octets")
            }
            Self::LengthContradicts { field, body } => {
                write!(
                    f,
                    "our content-length says {field} octets, the body has {body}"
                )
            }
            Self::Coding(value) => {
                write!(
                    f,
                    "our transfer-encoding {value} is not \"chunked\", the only one allowed"
                )
            }
            Self::TooMuch { owed, offered } => {
                write!(
                    f,
                    "{offered} octets offered to a body that has room for {owed}"
                )
            }
            Self::TooLittle { owed } => {
                write!(
                    f,
                    "our message ended {owed} octets before its announced length"
                )
            }
            Self::ForbiddenTrailer(name) => {
                write!(f, "our field {name} must not stand in a trailer section")
            }
            Self::Target(target) => {
                write!(
                    f,
                    "our request target {target} has none of the forms its method allows"
                )
            }
            Self::ConnectionOption(name) => {
                write!(
                    f,
                    "our connection field cannot name {name}: it is for every recipient"
                )
            }
            Self::FieldName(name) => {
                write!(f, "our header name must be a valid HTTP token [{name}]")
            }
            Self::FieldValue { name, octet } => {
                let octet = Octet(*octet);
                write!(f, "invalid character in header content [{name}]: {octet}")
            }
            Self::TooManyFields(most) => {
                write!(f, "our head has more than {most} lines, or 16 MiB of them")
            }
            plain => f.write_str(plain.plain_text()),
        }
    }
}

impl UsageError {
    /// The sentence of a kind that carries no value.
    fn plain_text(&self) -> &'static str {
        match self {
            Self::NoExchange => "no exchange is open",
            Self::NotReady => "the connection cannot take another request",
            Self::HeadSent => "the final head has left already",
            Self::HeadUnsent => "the head has not left yet",
            Self::MessageEnded => "the message is complete already",
            Self::ContinueUnwanted => "nobody waits for a 100 (continue)",
            Self::InterimToHttp10 => "http/1.0 knows no interim responses",
            Self::UpgradeUnwanted => "the request asked for no upgrade",
            Self::UpgradeFieldMissing => "a 101 response needs an upgrade field",
            Self::SwitchAndClose => "a 101 response cannot say connection: close",
            Self::RequestIncomplete => "the request has not been received whole",
            Self::CodingAndLength => "our transfer-encoding stands together with content-length",
            Self::BodyNotAllowed => "this message cannot have a body",
            Self::TrailersUnframed => "trailers need a chunked body",
            Self::Host => "a request needs exactly one valid host field",
            Self::Version => "requests are sent as http/1.1 or http/1.0, as nothing else",
            Self::LengthUnknown => {
                "http/1.0 knows no chunks: the length of our body must be known before"
            }
            Self::CodingInHttp10 => "http/1.0 knows no transfer-encoding",
            _ => "the command cannot be carried out",
        }
    }
}

impl From<UsageError> for ErrorKind {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}
