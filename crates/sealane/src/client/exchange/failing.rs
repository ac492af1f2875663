//! What an exchange that failed tells: what happened, in which phase, and whether anything left.

use sealane_proto::ProtocolError;

use super::{Exchange, Progress};
use crate::client::lease::Lease;
use crate::error::{Error, ErrorKind, Phase};
use crate::transport::TransportError;

/// What is known of an exchange that failed before its head came.
pub(in crate::client) struct Failure {
    pub(in crate::client) error: Error,
    /// The place of the connection, which is gone.
    pub(in crate::client) place: Option<Lease>,
    pub(in crate::client) sent: bool,
    pub(in crate::client) answered: bool,
    pub(in crate::client) died: bool,
    /// The caller's own body has failed.
    pub(in crate::client) producer_failed: bool,
}

impl Exchange {
    /// Gives up, with what has become of the connection and its place.
    pub(super) fn failure(&mut self, error: Error) -> Failure {
        // A write that failed explains a silent end, but not what the peer has said about it.
        let error = match error.kind() {
            ErrorKind::Io | ErrorKind::Closed => self.broken.take().unwrap_or(error),
            _ => error,
        };
        let held = self.held.take().map(|(_, lease)| lease);
        // Whatever an error says that comes from elsewhere: here it is known.
        let error = match self.sent {
            true => error.left(),
            false => error.unsent(),
        };
        Failure {
            error,
            place: held.or(self.place.take()),
            sent: self.sent,
            answered: self.answered,
            died: self.died,
            producer_failed: self.producer_failed,
        }
    }

    /// Something else than the connection's death ends the exchange: nothing that had failed before
    /// is told instead, or makes the request be sent again.
    pub(super) fn end_otherwise(&mut self) {
        (self.died, self.broken) = (false, None);
    }

    /// How much of the response's body has come, and of how much.
    pub(super) fn so_far(&self) -> String {
        match self.promised {
            Some(promised) => format!("{} of {promised} octets", self.received),
            None => format!("{} octets", self.received),
        }
    }

    /// The response broke the rules, or broke off.
    pub(super) fn misunderstood(&mut self, error: ProtocolError) -> Error {
        let phase = match self.progress {
            Progress::Head => Phase::ReceiveHead,
            _ => Phase::ReceiveBody,
        };
        if !matches!(error.kind(), sealane_proto::ErrorKind::Incomplete(_)) {
            return Error::protocol(phase, error);
        }
        let kind = match (phase, self.answered) {
            (Phase::ReceiveBody, _) => ErrorKind::Body,
            (_, true) => ErrorKind::Protocol,
            (_, false) => ErrorKind::Closed,
        };
        let text = match &self.held {
            Some((_, lease)) => format!("the response of {} was cut short: {error}", lease.key()),
            None => error.to_string(),
        };
        Error::new(kind, phase, text)
            .with_code("ECONNRESET")
            .with_source(error)
    }
}

/// A request that cannot be put into words: its framing fields contradict its body, and such.
pub(super) fn unusable(error: ProtocolError) -> Error {
    Error::new(ErrorKind::Options, Phase::SendHead, error.to_string())
        .with_code(error.code())
        .with_source(error)
}

/// The connection failed.
pub(super) fn lost(phase: Phase, what: &str, error: TransportError) -> Error {
    match error {
        TransportError::Io(error) => Error::io(phase, what, error),
        TransportError::Tls(error) => Error::new(ErrorKind::Tls, phase, format!("{what}: {error}"))
            .with_code(error.code())
            .with_source(error),
        TransportError::PlainHttp => Error::from(sealane_tls::HandshakeError::plain_http()),
    }
}

/// Nothing comes of it, for a reason that nobody should meet.
pub(super) fn unexpected() -> Error {
    let text = "the exchange was over before its response";
    Error::new(ErrorKind::Closed, Phase::ReceiveHead, text)
}
