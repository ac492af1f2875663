//! CloseReason: every cause for which a connection may not be used again.
//!
//! A cause, never a bare `must_close: bool`: whoever looks at a closed connection can say why.
//! RFC 9112 §9.3 (persistence), §9.5 (failures and timeouts), §9.6 (tear-down).

use std::fmt;

/// Why a connection, or one half of it, is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer's message said `Connection: close`.
    PeerAsked,
    /// The peer speaks HTTP/1.0 and did not ask for `keep-alive`.
    Http10,
    /// The peer has ended its side between two messages.
    PeerEnded,
    /// The transport ended between two messages without the end being announced.
    PeerTruncated,
    /// The caller's own head said `Connection: close`.
    CallerAsked,
    /// The caller ends the connection after the exchange in progress: it shuts down.
    Shutdown,
    /// The connection has served as many requests as its owner wants it to.
    RequestLimit,
    /// The body of the message is ended by closing (RFC 9112 §6.3 rule 8).
    UntilClose,
    /// A final response left before the body for which a client awaits 100 (Continue).
    ///
    /// The client may now send that body or not; nobody can tell which octets come next
    /// (RFC 9110 §10.1.1).
    ContinueUnsent,
    /// The rest of an unwanted request body is longer than the limit for discarding it.
    BodyUnwanted,
    /// A CONNECT was refused: what follows may be octets for the tunnel that never was.
    ConnectRefused,
    /// The head of a request did not arrive in time.
    HeadTimeout,
    /// A request did not arrive whole in time.
    RequestTimeout,
    /// No further request came in time.
    KeepAliveTimeout,
    /// The peer broke the protocol; the error said how.
    ProtocolError,
    /// An error reply was sent instead of a response.
    Refused,
    /// Our own message was cut short of its announced length.
    MessageCut,
    /// The client gave up sending its request body.
    BodyAbandoned,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PeerAsked => "the peer asked to close",
            Self::Http10 => "the peer speaks http/1.0 without keep-alive",
            Self::PeerEnded => "the peer has ended its side",
            Self::PeerTruncated => "the transport ended without notice",
            Self::CallerAsked => "our own message asked to close",
            Self::Shutdown => "shutting down",
            Self::RequestLimit => "the limit of requests per connection is reached",
            Self::UntilClose => "the body is ended by closing",
            Self::ContinueUnsent => "the final response preceded a body that awaits 100 (continue)",
            Self::BodyUnwanted => "the unwanted rest of the request body is too long",
            Self::ConnectRefused => "a connect request was refused",
            Self::HeadTimeout => "the request head came too late",
            Self::RequestTimeout => "the request came too late",
            Self::KeepAliveTimeout => "no further request came in time",
            Self::ProtocolError => "the peer broke the protocol",
            Self::Refused => "the request was refused",
            Self::MessageCut => "our own message was cut short",
            Self::BodyAbandoned => "the request body was abandoned",
        })
    }
}

/// How the peer's side of the transport ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputEnd {
    /// The end was announced, and so is authentic (for TLS: close_notify, RFC 8446 §6.1).
    Orderly,
    /// The transport just ended; anybody on the path may have cut it (RFC 9112 §9.8).
    Truncated,
}

impl InputEnd {
    /// The reason to give when this end comes between two messages.
    pub(crate) fn close_reason(self) -> CloseReason {
        match self {
            Self::Orderly => CloseReason::PeerEnded,
            Self::Truncated => CloseReason::PeerTruncated,
        }
    }
}
