//! What happened at a server, for whoever watches: notices that nobody waits for.
//!
//! A notice is told where it happens, on the connection's own task, and needs no answer. Questions,
//! which do, are options; facts, which travel with a message, are in `info`. No secret is ever in a
//! notice. Octets of a peer are given as they came: escape them before you print them.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode, Version};

use crate::error::Error;
use crate::info::{Accepted, ConnectionInfo};

/// Watches what happens at a server.
///
/// Called in the task of the connection: it must not block, and what it does slows that connection.
/// To do more, hand what matters to a channel and drop it when the channel is full. A panic is
/// contained. A closure that takes an [`Event`] is one too.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use sealane::{Event, Identity, ServerOptions};
///
/// # fn example(identity: Identity) {
/// static FAILED: AtomicU64 = AtomicU64::new(0);
/// let options = ServerOptions::new(identity).observer(|event: &Event<'_>| {
///     if let Event::TlsClientError(_) = event {
///         FAILED.fetch_add(1, Ordering::Relaxed);
///     }
/// });
/// # drop(options);
/// # }
/// ```
pub trait Observer: Send + Sync {
    /// Takes note of what happened.
    fn observe(&self, event: &Event<'_>);

    /// Whether it wants to hear of each exchange: [`Event::Request`] and [`Event::Finish`], for
    /// which something must be remembered of each request. Default true. Asked once, when a server
    /// is made.
    fn observes_exchanges(&self) -> bool {
        true
    }
}

impl<F> Observer for F
where
    F: Fn(&Event<'_>) + Send + Sync,
{
    fn observe(&self, event: &Event<'_>) {
        self(event);
    }
}

/// What happened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A connection was accepted; nothing was said on it yet.
    Connection(&'a Accepted),
    /// A TLS handshake is done and its client is admitted.
    SecureConnection(&'a ConnectionInfo),
    /// A connection ended before its TLS handshake was done, or its client was not admitted. Not
    /// told when it was ended by closing the server.
    TlsClientError(&'a TlsClientError<'a>),
    /// A request's head has come.
    Request(&'a RequestNotice<'a>),
    /// An exchange is over: its response has left, or was cut short.
    Finish(&'a Finished<'a>),
    /// A time limit ended an exchange or a connection.
    Timeout(&'a TimedOut<'a>),
    /// A connection was closed at once, unserved.
    Drop(&'a Dropped<'a>),
    /// A request behind the last one its connection may carry was not served.
    DropRequest(&'a RequestNotice<'a>),
    /// A client broke the rules of HTTP, or was late: its request is refused or cut.
    ClientError(&'a ClientFault<'a>),
    /// A handler, or the body of its response, failed or panicked.
    HandlerError(&'a HandlerError<'a>),
    /// A connection is gone, or no longer HTTP: told of an upgraded one when the program gets it.
    Close(&'a Closed<'a>),
}

/// Why a handshake came to nothing, in classes that can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorClass {
    /// It was not done in time (`handshake_timeout`).
    Timeout,
    /// The client speaks HTTP without TLS.
    PlainHttp,
    /// The client's octets are no TLS.
    NotTls,
    /// Client and server share no version of TLS.
    NoCommonVersion,
    /// They share no cipher suite, group or signature scheme.
    NoCommonCipher,
    /// They share no application protocol (ALPN), or the program chose none.
    NoCommonProtocol,
    /// The client ended the handshake with an alert, which the error names: most often it does not
    /// trust our certificate.
    ClientAlert,
    /// The client has shown no certificate, though it must.
    ClientCertificateMissing,
    /// The client's certificate was refused.
    ClientCertificateRefused,
    /// The client went away before the handshake was done.
    Cut,
    /// What the program was asked on the way failed.
    Choice,
    /// Too many handshakes were in flight, and this one had waited the longest.
    Overload,
    /// Anything else that breaks the rules of TLS.
    Other,
}

impl TlsErrorClass {
    /// A short name for counters and logs, such as `client-alert`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::PlainHttp => "plain-http",
            Self::NotTls => "not-tls",
            Self::NoCommonVersion => "no-common-version",
            Self::NoCommonCipher => "no-common-cipher",
            Self::NoCommonProtocol => "no-common-protocol",
            Self::ClientAlert => "client-alert",
            Self::ClientCertificateMissing => "client-certificate-missing",
            Self::ClientCertificateRefused => "client-certificate-refused",
            Self::Cut => "cut",
            Self::Choice => "choice",
            Self::Overload => "overload",
            Self::Other => "other",
        }
    }
}

/// A handshake that came to nothing.
#[derive(Clone, Copy, Debug)]
pub struct TlsClientError<'a> {
    pub(crate) accepted: &'a Accepted,
    pub(crate) class: TlsErrorClass,
    pub(crate) error: &'a Error,
}

impl TlsClientError<'_> {
    /// The connection it happened on.
    pub fn accepted(&self) -> &Accepted {
        self.accepted
    }

    /// What sort of failure it is.
    pub fn class(&self) -> TlsErrorClass {
        self.class
    }

    /// What exactly went wrong, with its stable name.
    pub fn error(&self) -> &Error {
        self.error
    }
}

/// A request, as far as its head tells.
#[derive(Clone, Copy)]
pub struct RequestNotice<'a> {
    pub(crate) info: &'a ConnectionInfo,
    pub(crate) method: &'a Method,
    pub(crate) target: &'a [u8],
    pub(crate) version: Version,
}

impl RequestNotice<'_> {
    /// Facts of the connection it came on.
    pub fn info(&self) -> &ConnectionInfo {
        self.info
    }

    /// Its method.
    pub fn method(&self) -> &Method {
        self.method
    }

    /// Its target as it stood in the request line, in the octets of the peer.
    pub fn target(&self) -> &[u8] {
        self.target
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.version
    }
}

impl fmt::Debug for RequestNotice<'_> {
    /// With the path alone: queries carry tokens, and other forms of a target may carry passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.target.iter().position(|octet| *octet == b'?');
        let path = match self.target.first() {
            Some(b'/') => &self.target[..end.unwrap_or(self.target.len())],
            _ => &[],
        };
        f.debug_struct("RequestNotice")
            .field("method", &self.method)
            .field("path", &format_args!("\"{}\"", path.escape_ascii()))
            .field("target_octets", &self.target.len())
            .field("version", &self.version)
            .field("info", &self.info)
            .finish()
    }
}

/// An exchange that is over.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    pub(crate) request: RequestNotice<'a>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) body_octets: u64,
    pub(crate) duration: Duration,
    pub(crate) complete: bool,
}

impl<'a> Finished<'a> {
    /// The request it began with.
    pub fn request(&self) -> &RequestNotice<'a> {
        &self.request
    }

    /// The status that was answered; `None` when the connection ended before.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Octets of the response's content that were handed to the connection. The texts of this
    /// crate's own errors, such as a 500, are not counted.
    pub fn body_octets(&self) -> u64 {
        self.body_octets
    }

    /// The time from the request's head to the end of the response.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Whether the response was given to its end; false when it was cut short.
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

/// Which time limit has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Deadline {
    /// `handshake_timeout`: the TLS handshake was not done.
    Handshake,
    /// `headers_timeout`: a request's head was not complete.
    Headers,
    /// `request_timeout`: a request was not complete.
    Request,
    /// `keep_alive_timeout`: no further request began.
    KeepAlive,
    /// `timeout`: nothing was received or sent.
    Inactivity,
    /// `min_body_rate`: a request's body came too slowly.
    BodyRate,
    /// `write_timeout`: octets waited and the client took none.
    Write,
}

/// A time limit that has passed.
#[derive(Clone, Copy, Debug)]
pub struct TimedOut<'a> {
    pub(crate) accepted: &'a Accepted,
    pub(crate) deadline: Deadline,
}

impl TimedOut<'_> {
    /// The connection it ran on.
    pub fn accepted(&self) -> &Accepted {
        self.accepted
    }

    /// Which limit it was.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }
}

/// Why a connection was closed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// As many connections as `max_connections` allows were open.
    MaxConnections,
    /// As many from its address as `max_connections_per_address` allows were open.
    MaxConnectionsPerAddress,
    /// The block list has its address, or the program did not allow it.
    Blocked,
    /// Its proxy sent no PROXY header, or one that cannot be read.
    ProxyProtocol,
    /// Its proxy kept us waiting for the PROXY header while other clients waited for its place
    /// among `max_handshakes`.
    Overload,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaxConnections => "as many connections as max_connections allows are open",
            Self::MaxConnectionsPerAddress => {
                "as many of its address as max_connections_per_address allows are open"
            }
            Self::Blocked => "its address is blocked, or the program did not allow it",
            Self::ProxyProtocol => "its proxy did not tell whom it speaks for",
            Self::Overload => "its proxy kept it waiting while others waited for its place",
        })
    }
}

/// A connection that was closed at once, unserved.
#[derive(Clone, Copy, Debug)]
pub struct Dropped<'a> {
    pub(crate) accepted: &'a Accepted,
    pub(crate) reason: DropReason,
}

impl Dropped<'_> {
    /// The connection.
    pub fn accepted(&self) -> &Accepted {
        self.accepted
    }

    /// Why it was closed.
    pub fn reason(&self) -> DropReason {
        self.reason
    }
}

/// A client that broke the rules of HTTP, or was late.
#[derive(Clone, Copy, Debug)]
pub struct ClientFault<'a> {
    pub(crate) info: &'a ConnectionInfo,
    pub(crate) error: &'a Error,
    pub(crate) status: Option<StatusCode>,
    pub(crate) in_request: bool,
}

impl ClientFault<'_> {
    /// Facts of the connection it happened on.
    pub fn info(&self) -> &ConnectionInfo {
        self.info
    }

    /// What was wrong, with its stable name.
    pub fn error(&self) -> &Error {
        self.error
    }

    /// The status that is answered; `None` when nothing could be said, or the program wanted
    /// nothing to be.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Whether it happened behind the head of a request, of which [`Event::Request`] has told and
    /// [`Event::Finish`] will tell; otherwise nothing else does.
    pub fn is_in_request(&self) -> bool {
        self.in_request
    }
}

/// A handler, or the body of its response, that failed.
#[derive(Clone, Copy)]
pub struct HandlerError<'a> {
    pub(crate) info: &'a ConnectionInfo,
    pub(crate) error: &'a (dyn std::error::Error + Send + Sync + 'static),
    pub(crate) answered: bool,
}

impl HandlerError<'_> {
    /// Facts of the connection it happened on.
    pub fn info(&self) -> &ConnectionInfo {
        self.info
    }

    /// What the handler or body said, or that it panicked.
    pub fn error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self.error
    }

    /// Whether the client got a 500; otherwise its response had begun and was cut short.
    pub fn is_answered(&self) -> bool {
        self.answered
    }
}

impl fmt::Debug for HandlerError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerError")
            .field("error", &self.error)
            .field("answered", &self.answered)
            .finish_non_exhaustive()
    }
}

/// A connection that is gone.
#[derive(Clone, Copy, Debug)]
pub struct Closed<'a> {
    pub(crate) accepted: &'a Accepted,
    pub(crate) requests: u64,
    pub(crate) duration: Duration,
}

impl Closed<'_> {
    /// The connection.
    pub fn accepted(&self) -> &Accepted {
        self.accepted
    }

    /// How many requests had come on it.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// How long it was open, from accept on.
    pub fn duration(&self) -> Duration {
        self.duration
    }
}

/// Who watches a server, if anybody does.
#[derive(Clone, Default)]
pub(crate) struct Observers {
    observer: Option<Arc<dyn Observer>>,
    exchanges: bool,
}

impl Observers {
    pub(crate) fn new(observer: impl Observer + 'static) -> Self {
        Self {
            exchanges: observer.observes_exchanges(),
            observer: Some(Arc::new(observer)),
        }
    }

    /// Whether anybody watches: what costs something is only found out then.
    pub(crate) fn are_there(&self) -> bool {
        self.observer.is_some()
    }

    /// Whether anybody wants to hear of each exchange, which costs something.
    pub(crate) fn want_exchanges(&self) -> bool {
        self.exchanges
    }

    /// Tells what happened; a panic of the observer ends nothing but its notice.
    pub(crate) fn tell(&self, event: Event<'_>) {
        let Some(observer) = &self.observer else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| observer.observe(&event))).is_err() {
            tracing::error!("the observer of a server panicked");
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers")
            .field("any", &self.observer.is_some())
            .field("exchanges", &self.exchanges)
            .finish()
    }
}
