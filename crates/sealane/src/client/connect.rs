//! From a key to a connection that may carry a request: a stream, a handshake, the gate.
//!
//! `way` brings the stream, through a `tunnel` where there is a proxy; `handshake` brings TLS up.
//! The gate comes last and is passed on full and resumed handshakes alike, before an octet of a
//! request leaves (engine decision 2). Errors of this room are safe to repeat by their nature.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sealane_proto::ClientConnection;
use sealane_tls::{ClientContext, SessionCache};

use super::connection::Connection;
use super::key::ConnectionKey;
use super::route::InFull;
use super::settings::Terms;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::info::{Accepted, Addresses, ConnectionInfo, Timings};
use crate::key_log::KeyLogTarget;
use crate::transport::Socket;
use handshake::{Handshake, Refused};
use progress::Progress;

mod handshake;
mod progress;
mod tunnel;
mod way;

/// What is needed to open connections.
///
/// It owns all of it, so that opening one can go on when the request that began it is gone.
pub(super) struct Dialer {
    pub(super) context: ClientContext,
    pub(super) sessions: Arc<SessionCache<ConnectionKey>>,
    pub(super) terms: Arc<Terms>,
    /// How long a connection may be silent before the system asks whether the peer is there.
    pub(super) probe_after: Option<Duration>,
    pub(super) key_log: Option<KeyLogTarget>,
}

impl Dialer {
    /// Opens a connection to the peer that `key` names.
    ///
    /// Dropping the future gives it up, and closes what was open.
    pub(super) async fn connect(self, key: ConnectionKey) -> Result<Box<Connection>> {
        self.open(&key).await.map_err(Error::unsent)
    }

    /// Opens a connection, once more in full if a resumed handshake was refused.
    ///
    /// A session outlives neither a name nor a date; its server may have a new certificate that is
    /// good. The sessions of a key with which a handshake failed are forgotten in any case
    /// (reference §2.7): the next attempt must not meet them again.
    async fn open(&self, key: &ConnectionKey) -> Result<Box<Connection>> {
        let refused = match self.try_open(key).await {
            Ok(connection) => return Ok(connection),
            Err(refused) => refused,
        };
        if refused.error.phase() == Phase::Handshake {
            self.sessions.remove(key);
        }
        match refused.resumed {
            true => self.try_open(key).await.map_err(|again| again.error),
            false => Err(refused.error),
        }
    }

    async fn try_open(&self, key: &ConnectionKey) -> Result<Box<Connection>, Refused> {
        let progress = Progress::default();
        let reached = way::reach(self, key.route(), &progress);
        let outcome = within(self.terms.timeouts.connect, reached).await;
        let socket = match outcome {
            Ok(reached) => reached?,
            Err(limit) => return Err(progress.late(key.route(), limit).into()),
        };
        let handshake = self.secure(socket, key, progress.timings());
        match within(self.terms.timeouts.handshake, handshake).await {
            Ok(secured) => secured,
            Err(limit) => {
                let peer = InFull(key.route());
                let text = format!("the TLS handshake with {peer} was not done within {limit:?}");
                let late = Error::new(ErrorKind::Timeout, Phase::Handshake, text);
                Err(late.with_code("ERR_TLS_HANDSHAKE_TIMEOUT").into())
            }
        }
    }

    /// Brings TLS up, and lets only a peer through that has proved who it is.
    async fn secure(
        &self,
        socket: Socket,
        key: &ConnectionKey,
        mut timings: Timings,
    ) -> Result<Box<Connection>, Refused> {
        let begun = Instant::now();
        let addresses = Addresses::of(&socket);
        let handshake = Handshake {
            context: &self.context,
            name: key.name(),
            what: &InFull(key.route()),
            key_log: self.key_log.as_ref(),
        };
        let sessions = self.sessions.store(key.clone());
        let secured = handshake.run(socket, Some(sessions)).await?;
        timings.handshake = Some(begun.elapsed());
        let info = ConnectionInfo::new(
            Accepted::new(0, addresses),
            secured.tls,
            secured.stream.exporter(),
        );
        let info = info.with_timings(timings);
        let mut http = ClientConnection::new(Arc::clone(&self.terms.rules));
        http.receive(&secured.early);
        // A server that speaks first has not been asked anything.
        http.poll_event()
            .map_err(|error| Error::protocol(Phase::ReceiveHead, error))?;
        Ok(Box::new(Connection::new(secured.stream, http, info)))
    }
}

/// Runs `work` for at most `limit`, which is the error.
async fn within<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Result<T, Duration> {
    match limit {
        None => Ok(work.await),
        Some(limit) => tokio::time::timeout(limit, work).await.map_err(|_| limit),
    }
}
