//! A TLS handshake as a client, and the gate behind it: with a server, or with a proxy.

use std::fmt::Display;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Waker};

use bytes::BytesMut;
use rustls::client::ClientSessionStore;
use rustls::pki_types::{ServerName, UnixTime};
use sealane_tls::{Admission, ClientContext, HandshakeError, TlsInfo};

use crate::error::{Error, ErrorKind, Phase, Result};
use crate::info::Addresses;
use crate::key_log::KeyLogTarget;
use crate::transport::{ClientStream, Socket, TransportError};

/// With whom, and under which rules.
pub(super) struct Handshake<'a> {
    pub(super) context: &'a ClientContext,
    /// What the peer must prove to be.
    pub(super) name: &'a ServerName<'static>,
    /// The peer, as messages call it.
    pub(super) what: &'a (dyn Display + Sync),
    pub(super) key_log: Option<&'a KeyLogTarget>,
}

/// A stream whose peer has proved who it is.
pub(super) struct Secured {
    pub(super) stream: ClientStream,
    pub(super) tls: TlsInfo,
    /// What the peer said right behind the handshake.
    pub(super) early: BytesMut,
}

/// Why there is no connection.
pub(super) struct Refused {
    pub(super) error: Error,
    /// A session of an earlier handshake was resumed, and what it proves did not suffice.
    pub(super) resumed: bool,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self {
            error,
            resumed: false,
        }
    }
}

impl Handshake<'_> {
    /// Brings TLS up, and lets only a peer through that has proved who it is.
    pub(super) async fn run(
        &self,
        socket: Socket,
        sessions: Option<Arc<dyn ClientSessionStore>>,
    ) -> Result<Secured, Refused> {
        let addresses = Addresses::of(&socket);
        let config = self.context.config(sessions, self.key_log.is_some());
        let sends_name = config.enable_sni;
        let exporter = self.context.exports();
        let mut stream = ClientStream::connect(socket, config, self.name.clone(), exporter)
            .map_err(|error| self.failed(error))?;
        let mut early = BytesMut::new();
        let outcome = poll_fn(|context| {
            stream.poll_handshake(context, &mut |octets| early.extend_from_slice(octets))
        });
        let outcome = outcome.await;
        if let Some(log) = self.key_log {
            log.deliver(&stream.take_key_log(), addresses.for_key_log());
        }
        if let Err(error) = outcome {
            // The alert that says why; a peer that is gone need not hear it.
            let _ = stream.poll_close(&mut Context::from_waker(Waker::noop()));
            return Err(self.failed(error).into());
        }
        let tls = self.admit(&stream, sends_name).await?;
        Ok(Secured { stream, tls, early })
    }

    /// The gate: judges the peer, and asks the caller's own check.
    async fn admit(&self, stream: &ClientStream, sends_name: bool) -> Result<TlsInfo, Refused> {
        let (tls, admission) = self.facts(stream, sends_name)?;
        let resumed = tls.resumed();
        let refused = |error: HandshakeError| Refused {
            error: error.into(),
            resumed,
        };
        let admission = admission.map_err(refused)?;
        let peer = admission.ask(&self.name.to_str()).await.map_err(refused)?;
        if let Some(report) = peer.pin_report() {
            let server = self.what;
            tracing::warn!(%server, %report, "a server's certificate has none of the pins");
        }
        Ok(tls.with_peer(&peer))
    }

    /// What the handshake has settled, and what its gate says so far.
    fn facts(
        &self,
        stream: &ClientStream,
        sends_name: bool,
    ) -> Result<(TlsInfo, Result<Admission, HandshakeError>)> {
        let servername = match self.name {
            ServerName::DnsName(name) if sends_name => Some(name.as_ref()),
            _ => None,
        };
        let (common, seen) = stream.facts();
        let tls = TlsInfo::new(&common, servername).ok_or_else(|| self.ended())?;
        let tls = tls.with_shown(seen.certificate.clone(), seen.ocsp_response.clone());
        let now = UnixTime::now();
        let admission = self.context.admit(&common, self.name, seen, now);
        Ok((tls, admission))
    }

    /// A handshake that did not come to its end.
    fn failed(&self, error: TransportError) -> Error {
        match error {
            TransportError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.ended()
            }
            TransportError::Io(error) => {
                let what = format!(
                    "{} broke off before the secure connection was established",
                    self.what
                );
                Error::io(Phase::Handshake, &what, error)
            }
            TransportError::Tls(error) => Error::from(error),
            TransportError::PlainHttp => Error::from(HandshakeError::plain_http()),
        }
    }

    fn ended(&self) -> Error {
        let text = format!(
            "{} ended the connection before the secure connection was established: its TLS \
             handshake was not done",
            self.what
        );
        Error::new(ErrorKind::Closed, Phase::Handshake, text).with_code("ECONNRESET")
    }
}
