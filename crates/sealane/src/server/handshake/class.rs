//! A handshake that came to nothing: what sort of failure it is, and what is told of it.
//!
//! Classes come from the kinds and stable names of errors, never from their texts.

use std::time::Duration;

use sealane_tls::{HandshakeError, HandshakeErrorKind};

use super::super::choice::Refused;
use super::super::connection::Clock;
use super::patience::GivenUp;
use crate::error::{Error, ErrorKind, Phase};
use crate::event::{Deadline, Event, TimedOut, TlsClientError, TlsErrorClass};
use crate::transport::TransportError;

/// Why a connection does not get as far as a request.
#[derive(Debug)]
pub(super) enum Failure {
    /// The client was waited for long enough.
    GivenUp(GivenUp),
    /// The client, or the way to it, failed.
    Transport(TransportError),
    /// The program's choice failed, or refused the client.
    Choice(Refused),
    /// The client's certificate, or the lack of one, was not accepted.
    Certificate(HandshakeError),
}

impl From<GivenUp> for Failure {
    fn from(why: GivenUp) -> Self {
        Self::GivenUp(why)
    }
}

impl Failure {
    /// Tells of it, unless we ended the handshake ourselves by closing.
    pub(super) fn tell(self, clock: &Clock) {
        let accepted = &clock.accepted;
        let observers = &clock.server.rules.observers;
        let Some(class) = self.class() else {
            tracing::debug!(id = accepted.id(), "a handshake was ended by closing");
            return;
        };
        let error = &self.into_error(clock.server.rules.deadlines.handshake);
        let name = class.name();
        tracing::debug!(id = accepted.id(), class = name, %error, "a handshake failed");
        if class == TlsErrorClass::Timeout {
            let deadline = Deadline::Handshake;
            observers.tell(Event::Timeout(&TimedOut { accepted, deadline }));
        }
        observers.tell(Event::TlsClientError(&TlsClientError {
            accepted,
            class,
            error,
        }));
    }

    fn class(&self) -> Option<TlsErrorClass> {
        Some(match self {
            Self::GivenUp(GivenUp::Closing) => return None,
            Self::GivenUp(GivenUp::Late) => TlsErrorClass::Timeout,
            Self::GivenUp(GivenUp::Overload) => TlsErrorClass::Overload,
            Self::Transport(TransportError::Io(_)) => TlsErrorClass::Cut,
            Self::Transport(TransportError::PlainHttp) => TlsErrorClass::PlainHttp,
            Self::Transport(TransportError::Tls(error)) | Self::Certificate(error) => {
                class_of(error)
            }
            Self::Choice(refused) => refused.class,
        })
    }

    fn into_error(self, limit: Option<Duration>) -> Error {
        match self {
            Self::GivenUp(why) => given_up(why, limit),
            Self::Transport(TransportError::Io(source)) => {
                let text = "the client went away before its handshake was done";
                Error::new(ErrorKind::Io, Phase::Handshake, text)
                    .with_code("ECONNRESET")
                    .with_source(source)
            }
            Self::Transport(TransportError::PlainHttp) => HandshakeError::plain_http().into(),
            Self::Transport(TransportError::Tls(error)) | Self::Certificate(error) => error.into(),
            Self::Choice(refused) => refused.error,
        }
    }
}

fn given_up(why: GivenUp, limit: Option<Duration>) -> Error {
    match (why, limit) {
        (GivenUp::Late, Some(limit)) => {
            let text = format!("the handshake was not done within {limit:?}");
            Error::new(ErrorKind::Timeout, Phase::Handshake, text)
                .with_code("ERR_TLS_HANDSHAKE_TIMEOUT")
        }
        (GivenUp::Overload, _) => {
            let text = "the client kept its handshake waiting while others waited for its place";
            Error::new(ErrorKind::Closed, Phase::Handshake, text)
        }
        _ => Error::new(ErrorKind::Closed, Phase::Handshake, "the server closed"),
    }
}

/// The class of a failure that TLS found, or the gate behind it.
fn class_of(error: &HandshakeError) -> TlsErrorClass {
    use HandshakeErrorKind as Kind;
    match error.kind() {
        Kind::PlainHttp => TlsErrorClass::PlainHttp,
        Kind::NotTls => TlsErrorClass::NotTls,
        Kind::Version => TlsErrorClass::NoCommonVersion,
        Kind::CipherSuite | Kind::Group | Kind::SignatureScheme => TlsErrorClass::NoCommonCipher,
        Kind::ApplicationProtocol => TlsErrorClass::NoCommonProtocol,
        Kind::Alert => TlsErrorClass::ClientAlert,
        Kind::Certificate if error.code() == NO_CERTIFICATE => {
            TlsErrorClass::ClientCertificateMissing
        }
        Kind::Certificate => TlsErrorClass::ClientCertificateRefused,
        _ => TlsErrorClass::Other,
    }
}

/// OpenSSL's name for a client that shows nothing though it must.
const NO_CERTIFICATE: &str = "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE";

#[cfg(test)]
mod tests;
