//! From a key to a connection that may carry a request: resolve, dial, handshake, gate.
//!
//! The gate comes last and is passed on full and resumed handshakes alike, before an octet of a
//! request leaves (engine decision 2). Errors of this file are safe to repeat by their nature.

use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::BytesMut;
use rustls::pki_types::{ServerName, UnixTime};
use sealane_proto::ClientConnection;
use sealane_tls::{Admission, ClientContext, HandshakeError, SessionCache, TlsInfo};

use super::connection::Connection;
use super::key::ConnectionKey;
use super::settings::Terms;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::info::{Accepted, Addresses, ConnectionInfo};
use crate::key_log::KeyLogTarget;
use crate::transport::{ClientStream, Socket, TransportError, resolve, tcp};

/// What is needed to open connections.
///
/// It owns all of it, so that opening one can go on when the request that began it is gone.
pub(super) struct Dialer {
    pub(super) context: ClientContext,
    pub(super) sessions: Arc<SessionCache<ConnectionKey>>,
    pub(super) terms: Arc<Terms>,
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
        let what = key.to_string();
        let dialled = async {
            let route = key.route();
            let addresses = resolve::resolve(route.host(), route.port()).await?;
            tcp::dial(
                addresses,
                &what,
                self.terms.connecting.no_delay.unwrap_or(true),
            )
            .await
        };
        let socket = within(self.terms.timeouts.connect, dialled, |limit| {
            late(
                Phase::Connect,
                "ETIMEDOUT",
                format!("no connection to {what} within {limit:?}"),
            )
        })
        .await?;
        let handshake = self.handshake(socket.into(), key);
        within(self.terms.timeouts.handshake, handshake, |limit| {
            late(
                Phase::Handshake,
                "ERR_TLS_HANDSHAKE_TIMEOUT",
                format!("the TLS handshake with {what} was not done within {limit:?}"),
            )
        })
        .await
    }

    /// Brings TLS up, and lets only a peer through that has proved who it is.
    async fn handshake(
        &self,
        socket: Socket,
        key: &ConnectionKey,
    ) -> Result<Box<Connection>, Refused> {
        let addresses = Addresses::of(&socket);
        let sessions = self.sessions.store(key.clone());
        let config = self.context.config(Some(sessions), self.key_log.is_some());
        let sends_name = config.enable_sni;
        let exporter = self.context.exports();
        let mut stream = ClientStream::connect(socket, config, key.name().clone(), exporter)
            .map_err(|error| failed(error, key))?;
        let mut early = BytesMut::new();
        let outcome = poll_fn(|context| {
            stream.poll_handshake(context, &mut |octets| early.extend_from_slice(octets))
        });
        let outcome = outcome.await;
        if let Some(log) = &self.key_log {
            log.deliver(&stream.take_key_log(), addresses.for_key_log());
        }
        if let Err(error) = outcome {
            // The alert that says why; a peer that is gone need not hear it.
            let _ = stream.poll_close(&mut Context::from_waker(Waker::noop()));
            return Err(failed(error, key).into());
        }
        let tls = self.admit(&stream, key, sends_name).await?;
        let info = ConnectionInfo::new(Accepted::new(0, addresses), tls, stream.exporter());
        let mut http = ClientConnection::new(Arc::clone(&self.terms.rules));
        http.receive(&early);
        // A server that speaks first has not been asked anything.
        http.poll_event()
            .map_err(|error| Error::protocol(Phase::ReceiveHead, error))?;
        Ok(Box::new(Connection::new(stream, http, info)))
    }

    /// The gate: judges the server, and asks the caller's own check.
    async fn admit(
        &self,
        stream: &ClientStream,
        key: &ConnectionKey,
        sends_name: bool,
    ) -> Result<TlsInfo, Refused> {
        let (tls, admission) = self.facts(stream, key, sends_name)?;
        let resumed = tls.resumed();
        let refused = |error: HandshakeError| Refused {
            error: error.into(),
            resumed,
        };
        let admission = admission.map_err(refused)?;
        let peer = admission.ask(&key.name().to_str()).await.map_err(refused)?;
        if let Some(report) = peer.pin_report() {
            tracing::warn!(%key, %report, "a server's certificate has none of the pins");
        }
        Ok(tls.with_peer(&peer))
    }

    /// What the handshake has settled, and what its gate says so far.
    fn facts(
        &self,
        stream: &ClientStream,
        key: &ConnectionKey,
        sends_name: bool,
    ) -> Result<(TlsInfo, Result<Admission, HandshakeError>)> {
        let servername = match key.name() {
            ServerName::DnsName(name) if sends_name => Some(name.as_ref()),
            _ => None,
        };
        let (common, seen) = stream.facts();
        let tls = TlsInfo::new(&common, servername).ok_or_else(|| ended(key))?;
        let tls = tls.with_shown(seen.certificate.clone(), seen.ocsp_response.clone());
        let now = UnixTime::now();
        let admission = self.context.admit(&common, key.name(), seen, now);
        Ok((tls, admission))
    }
}

/// Why there is no connection.
struct Refused {
    error: Error,
    /// A session of an earlier handshake was resumed, and what it proves did not suffice.
    resumed: bool,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self {
            error,
            resumed: false,
        }
    }
}

/// Runs `work` for at most `limit`.
async fn within<T, E: From<Error>>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, E>>,
    late: impl FnOnce(Duration) -> Error,
) -> Result<T, E> {
    let Some(limit) = limit else {
        return work.await;
    };
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(late(limit).into()),
    }
}

fn late(phase: Phase, code: &'static str, text: String) -> Error {
    Error::new(ErrorKind::Timeout, phase, text).with_code(code)
}

/// A handshake that did not come to its end.
fn failed(error: TransportError, key: &ConnectionKey) -> Error {
    match error {
        TransportError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => ended(key),
        TransportError::Io(error) => {
            let what = format!("the TLS handshake with {key} was broken off");
            Error::io(Phase::Handshake, &what, error)
        }
        TransportError::Tls(error) => Error::from(error),
        TransportError::PlainHttp => Error::from(sealane_tls::HandshakeError::plain_http()),
    }
}

fn ended(key: &ConnectionKey) -> Error {
    let text = format!("{key} ended the connection before the TLS handshake was done");
    Error::new(ErrorKind::Closed, Phase::Handshake, text).with_code("ECONNRESET")
}
