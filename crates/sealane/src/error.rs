//! The one error of the facade: what happened, with what value, in which phase, under which name.
//!
//! [`Error`] is opaque and answers questions; no type of a library below appears in it. Each
//! message is one lower-case line. Octets that came from a peer are escaped before they get here.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use http::StatusCode;
use sealane_proto::ProtocolError;
use sealane_tls::{Diagnosis, HandshakeError, OptionError};

mod attempts;
mod from_http;

pub use attempts::ConnectAttempt;

/// What this crate's fallible functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of every fallible item of this crate.
///
/// It is one pointer wide, so a `Result` of it stays cheap to hand around.
pub struct Error {
    inner: Box<Inner>,
}

/// What stands behind an [`Error`].
struct Inner {
    kind: ErrorKind,
    phase: Phase,
    code: Option<&'static str>,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    diagnosis: Option<Diagnosis>,
    /// No octet of the request has left.
    unsent: bool,
    attempts: Vec<ConnectAttempt>,
    proxy_status: Option<StatusCode>,
}

/// What sort of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option, a file it names or a combination of options cannot be used.
    Options,
    /// The operating system refused or broke off an operation.
    Io,
    /// The TLS handshake or a TLS record failed.
    Tls,
    /// A message broke the rules of HTTP/1.1.
    Protocol,
    /// A deadline passed.
    Timeout,
    /// A body was cut short, or its producer failed.
    Body,
    /// A proxy opened no tunnel.
    Proxy,
    /// The connection or the server was closed before this could be done.
    Closed,
    /// The caller has called it off.
    Aborted,
}

/// The part of an exchange in which an [`Error`] arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Before anything was opened: options, files, identities.
    Setup,
    /// Binding an address and accepting connections.
    Listen,
    /// Finding the addresses of a host.
    Resolve,
    /// Opening a TCP connection, or waiting for one to become free.
    Connect,
    /// Getting a tunnel from a proxy: the handshake with it, and its answer to CONNECT.
    Proxy,
    /// The TLS handshake.
    Handshake,
    /// Receiving the head of a message.
    ReceiveHead,
    /// Receiving the body of a message.
    ReceiveBody,
    /// Sending a head.
    SendHead,
    /// Sending a body.
    SendBody,
    /// After an upgrade, when the connection carries octets of another protocol.
    Tunnel,
}

impl Error {
    /// What sort of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The phase in which it went wrong.
    pub fn phase(&self) -> Phase {
        self.inner.phase
    }

    /// The stable name that users of the module and of OpenSSL search for, where there is one.
    ///
    /// Such as `EADDRINUSE`, `ENOENT`, `HPE_HEADER_OVERFLOW`, `ERR_OSSL_X509_KEY_VALUES_MISMATCH`.
    pub fn code(&self) -> Option<&'static str> {
        self.inner.code
    }

    /// Whether the request that failed can be sent again without the risk of being done twice:
    /// no octet of it has left.
    ///
    /// Always false for errors that are not a request's.
    pub fn replay_safe(&self) -> bool {
        self.inner.unsent
    }

    /// The status with which a proxy has refused a tunnel; `None` where none has.
    pub fn proxy_status(&self) -> Option<StatusCode> {
        self.inner.proxy_status
    }

    /// Why the peer's identity was not believed, with the evidence and what to do; `None` where no
    /// identity was judged.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        self.inner.diagnosis.as_ref()
    }

    pub(crate) fn new(kind: ErrorKind, phase: Phase, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                phase,
                code: None,
                message: message.into(),
                source: None,
                diagnosis: None,
                unsent: false,
                attempts: Vec::new(),
                proxy_status: None,
            }),
        }
    }

    /// Marks the error of a request of which no octet has left.
    pub(crate) fn unsent(mut self) -> Self {
        self.inner.unsent = true;
        self
    }

    pub(crate) fn with_code(mut self, code: &'static str) -> Self {
        self.inner.code = Some(code);
        self
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Takes the mark back: octets of the request have left at an earlier attempt.
    pub(crate) fn left(mut self) -> Self {
        self.inner.unsent = false;
        self
    }

    /// Names the status of the proxy that refused a tunnel.
    pub(crate) fn with_proxy_status(mut self, status: StatusCode) -> Self {
        self.inner.proxy_status = Some(status);
        self
    }

    /// Says that it happened in another phase, and in front of the message where.
    pub(crate) fn at(mut self, phase: Phase, place: &str) -> Self {
        self.inner.phase = phase;
        self.inner.message.insert_str(0, place);
        self
    }

    /// Adds to the message what else is known.
    pub(crate) fn with_more(mut self, text: &str) -> Self {
        self.inner.message.push_str(text);
        self
    }

    /// An option that cannot be honoured, with the option's name in the message.
    pub(crate) fn option(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Options, Phase::Setup, message)
    }

    /// A failed operation of the operating system; `what` says on what it was tried.
    pub(crate) fn io(phase: Phase, what: &str, source: io::Error) -> Self {
        let error = Self::new(
            ErrorKind::Io,
            phase,
            format!("{what}: {}", reason_of(&source)),
        );
        let error = match code_of(&source) {
            Some(code) => error.with_code(code),
            None => error,
        };
        error.with_source(source)
    }

    /// A message of the peer that broke the rules.
    pub(crate) fn protocol(phase: Phase, source: ProtocolError) -> Self {
        Self::new(ErrorKind::Protocol, phase, source.to_string())
            .with_code(source.code())
            .with_source(source)
    }

    /// The same error for another holder: the text and the names stay, the source does not.
    pub(crate) fn duplicate(&self) -> Self {
        let inner = &self.inner;
        Self {
            inner: Box::new(Inner {
                kind: inner.kind,
                phase: inner.phase,
                code: inner.code,
                message: inner.message.clone(),
                source: None,
                diagnosis: inner.diagnosis.clone(),
                unsent: inner.unsent,
                attempts: inner.attempts.clone(),
                proxy_status: inner.proxy_status,
            }),
        }
    }
}

impl From<OptionError> for Error {
    fn from(source: OptionError) -> Self {
        Self::option(source.to_string())
            .with_code(source.code())
            .with_source(source)
    }
}

impl From<HandshakeError> for Error {
    fn from(source: HandshakeError) -> Self {
        let mut error = Self::new(ErrorKind::Tls, Phase::Handshake, source.to_string());
        error.inner.diagnosis = source.diagnosis().cloned();
        error.with_code(source.code()).with_source(source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("phase", &self.inner.phase)
            .field("code", &self.inner.code)
            .field("message", &self.inner.message)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Options => io::ErrorKind::InvalidInput,
            ErrorKind::Protocol | ErrorKind::Tls => io::ErrorKind::InvalidData,
            ErrorKind::Timeout => io::ErrorKind::TimedOut,
            ErrorKind::Io
            | ErrorKind::Body
            | ErrorKind::Proxy
            | ErrorKind::Closed
            | ErrorKind::Aborted => io::ErrorKind::ConnectionAborted,
        };
        Self::new(kind, error)
    }
}

/// The operating system's own name of an error, as the module reports it.
pub(crate) fn code_of(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        io::ErrorKind::AddrInUse => "EADDRINUSE",
        io::ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
        io::ErrorKind::BrokenPipe => "EPIPE",
        io::ErrorKind::ConnectionAborted => "ECONNABORTED",
        io::ErrorKind::ConnectionRefused => "ECONNREFUSED",
        io::ErrorKind::ConnectionReset => "ECONNRESET",
        io::ErrorKind::HostUnreachable => "EHOSTUNREACH",
        io::ErrorKind::InvalidInput => "EINVAL",
        io::ErrorKind::IsADirectory => "EISDIR",
        io::ErrorKind::NetworkUnreachable => "ENETUNREACH",
        io::ErrorKind::NotADirectory => "ENOTDIR",
        io::ErrorKind::NotFound => "ENOENT",
        io::ErrorKind::PermissionDenied => "EACCES",
        io::ErrorKind::TimedOut => "ETIMEDOUT",
        _ => return None,
    })
}

/// An operating system error in words a reader can act on.
pub(crate) fn reason_of(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "this address is already in use".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "the peer reset the connection".to_owned(),
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "this is a folder, not a file".to_owned(),
        _ => error.to_string(),
    }
}
