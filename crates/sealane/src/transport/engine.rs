//! Which of rustls' two APIs carries a connection, behind one set of calls.
//!
//! `unbuffered` is the ordinary one: it decrypts in place and keeps nothing. Only rustls' buffered
//! connections export keying material (RFC 5705, RFC 8446 §7.5), so `buffered` carries those that
//! were asked for with it, and no other (engine decision 2). What octets mean, and what follows an
//! error, is the stream's business.

use std::io;
use std::ops::Deref;
use std::sync::MutexGuard;

use rustls::{CommonState, Connection};
use sealane_tls::Observation;

use super::sealed::Sealed;
use super::session::Session;
use buffered::Buffered;

/// A connection of rustls, whichever API it is used through.
pub(super) enum Engine<S> {
    /// Decrypts in place, exports nothing.
    Unbuffered(S),
    /// Shared with the handles that export keying material.
    Buffered(Buffered),
}

/// How far one run of [`Engine::take_in`] came.
pub(super) struct Taken {
    /// So many octets need not be shown again.
    pub(super) octets: usize,
    /// The peer has said close_notify.
    pub(super) peer_closed: bool,
}

/// What is to be sealed.
#[derive(Clone, Copy)]
pub(super) enum Outgoing<'a> {
    /// One record's worth of plain octets.
    Plain(&'a [u8]),
    /// The alert that ends our side in order (RFC 8446 §6.1).
    CloseNotify,
}

/// Why something could not be sealed.
pub(super) enum SealError {
    /// The connection has failed before.
    Tls(rustls::Error),
    /// The handshake is not that far, or the keys have sealed as much as they may.
    Io(io::Error),
}

impl From<io::Error> for SealError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<S: Session> Engine<S> {
    /// Lets rustls work on all octets that it has not discarded until it needs more.
    ///
    /// What was decrypted goes into `sink`, what the handshake has to say into `sealed`, what
    /// resolver and verifier saw into `seen`; these stand there also when an error comes after.
    pub(super) fn take_in(
        &mut self,
        octets: &mut [u8],
        sink: &mut dyn FnMut(&[u8]),
        sealed: &mut Sealed,
        seen: &mut Observation,
    ) -> Result<Taken, rustls::Error> {
        match self {
            Self::Unbuffered(session) => unbuffered::take_in(session, octets, sink, sealed, seen),
            Self::Buffered(shared) => shared.take_in(octets, sink, sealed, seen),
        }
    }

    /// Seals one record; true when the peer's close_notify was found on the way.
    pub(super) fn seal(
        &mut self,
        incoming: &mut Vec<u8>,
        outgoing: Outgoing<'_>,
        sealed: &mut Sealed,
    ) -> Result<bool, SealError> {
        match self {
            Self::Unbuffered(session) => unbuffered::seal(session, incoming, outgoing, sealed),
            Self::Buffered(shared) => shared.seal(outgoing, sealed).map(|()| false),
        }
    }

    /// After an error, puts the alert that explains it with the octets to be sent.
    ///
    /// False when rustls has none to give.
    pub(super) fn fetch_alert(&mut self, sealed: &mut Sealed) -> bool {
        match self {
            Self::Unbuffered(session) => unbuffered::fetch_alert(session, sealed),
            Self::Buffered(shared) => shared.fetch_alert(sealed),
        }
    }

    /// Whether the handshake is still going on.
    pub(super) fn is_handshaking(&self) -> bool {
        match self {
            Self::Unbuffered(session) => session.common().is_handshaking(),
            Self::Buffered(shared) => shared.lock().is_handshaking(),
        }
    }

    /// What rustls knows of the connection.
    pub(super) fn common(&self) -> Common<'_> {
        match self {
            Self::Unbuffered(session) => Common(Access::Plain(session.common())),
            Self::Buffered(shared) => Common(Access::Locked(shared.lock())),
        }
    }

    /// A handle that exports keying material, for a connection that was asked for with it.
    pub(super) fn exporter(&self) -> Option<Exporter> {
        match self {
            Self::Unbuffered(_) => None,
            Self::Buffered(shared) => Some(shared.exporter()),
        }
    }
}

/// What rustls knows of a connection; not to be kept while waiting for anything.
pub(crate) struct Common<'a>(Access<'a>);

/// How the facts are reached.
enum Access<'a> {
    /// They belong to this stream alone.
    Plain(&'a CommonState),
    /// Exporters see them too, and wait for us.
    Locked(MutexGuard<'a, Connection>),
}

impl Deref for Common<'_> {
    type Target = CommonState;

    fn deref(&self) -> &CommonState {
        match &self.0 {
            Access::Plain(common) => common,
            Access::Locked(connection) => connection,
        }
    }
}

mod unbuffered;
pub(super) mod buffered;

pub(crate) use buffered::Exporter;

#[cfg(test)]
mod tests;
