//! What a server is told before it starts: its identity, its limits, its deadlines.
//!
//! Plain data with chainable setters. Nothing is believed until a server is made of it: that is
//! where contradictions are refused, with the option's name.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use sealane_tls::{PeerCertificate, ServerTlsOptions, TicketKeys};
use zeroize::Zeroizing;

use super::choice::{AlpnOffer, Callbacks, Choosing};
use super::live::LiveRules;
use crate::context::SecureContext;
use crate::error::{Error, Result};
use crate::event::{Observer, Observers};
use crate::handler::BoxError;
use crate::identity::{Identity, warn_if_out_of_date};
use crate::key_log::{KeyLog, KeyLogTarget};
use crate::tls_options::server_tls_setters;

mod admission;
mod deadlines;
mod http;
pub(super) mod questions;
mod sockets;
mod workers;

pub(super) use admission::{AdmissionOptions, check_count};
pub(super) use deadlines::Deadlines;
use http::HttpOptions;
pub(super) use http::requests;
use questions::Questions;
use sockets::SocketOptions;
use workers::WorkerOptions;

/// Options of a server, with the module's documented defaults.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `handshake_timeout` | 120 s | from accept to the end of the TLS handshake |
/// | `headers_timeout` | 60 s, or less with `request_timeout` | from the first octet of a request (of the connection, for the first) to the end of its head |
/// | `request_timeout` | 300 s | the same, to the end of the whole request |
/// | `keep_alive_timeout` | 5 s | advertised idle time between requests; one second of margin is added before the connection is closed |
/// | `timeout` | none | the time in which nothing is received or sent |
/// | `write_timeout` | 30 s | the time in which a client takes nothing of what waits for it |
/// | `min_body_rate` | 500 octets/s | how fast a request's body must come: on average over 10 s, after 20 s of grace |
/// | `max_header_size` | 16 KiB | octets of a request's head; more is answered 431, a longer target 414 |
/// | `max_headers_count` | 2000 | field lines of a request; more is answered 431 |
/// | `max_requests_per_socket` | none | requests of one connection; the last response says `Connection: close` |
/// | `check_continue`, `check_expectation`, `upgrade`, `connect` | none | who answers such requests instead of the service |
/// | `client_error` | none | what a client gets that broke the rules, instead of the bare status |
/// | `join_duplicate_headers` | false | repeated field lines are made one |
/// | `reject_non_standard_body_writes` | false | a body where none can be sent is an error |
/// | `allow_half_open` | true | a client that has ended its side still gets its answers |
/// | `no_delay` | true | small writes leave at once |
/// | `tcp_keep_alive` | `None` | after how much silence the system asks whether a peer is there |
/// | `receive_buffer_size`, `send_buffer_size` | `None` | octets that the system keeps for each connection |
/// | `workers` | none | threads of the server's own, instead of the runtime that calls `listen` |
/// | `max_connections` | none | connections open at a time; beyond it new ones are reset before TLS |
/// | `max_connections_per_address` | none | the same for one IPv4 address or one /64 of IPv6 |
/// | `max_handshakes` | 1024 | TLS handshakes in flight; beyond it accepting pauses |
/// | `block_list`, `allow_connection` | nobody, everybody | who is reset at the door |
/// | `proxy_protocol` | nobody | which peers tell whom they speak for, before TLS |
///
/// `None` for a time means no limit. A request that is late is answered 408 if its answer has not
/// begun.
#[derive(Clone)]
pub struct ServerOptions {
    tls: ServerTlsOptions,
    ticket_keys: Option<Zeroizing<Vec<u8>>>,
    callbacks: Callbacks,
    key_log: Option<KeyLogTarget>,
    exporter: bool,
    observers: Observers,
    deadlines: Deadlines,
    http: HttpOptions,
    admission: AdmissionOptions,
    questions: Questions,
    sockets: SocketOptions,
    workers: WorkerOptions,
}

impl ServerOptions {
    /// Options for a server that proves itself with `identity`.
    pub fn new(identity: Identity) -> Self {
        Self::with(ServerTlsOptions::new(identity.into_inner()))
    }

    /// Options for a server that has no identity of its own: each handshake fails, unless
    /// [`sni_callback`](Self::sni_callback) or [`Server::add_context`](crate::Server::add_context)
    /// gives another context for it.
    pub fn without_identity() -> Self {
        Self::with(ServerTlsOptions::without_identity())
    }

    fn with(tls: ServerTlsOptions) -> Self {
        Self {
            tls,
            ticket_keys: None,
            callbacks: Callbacks::default(),
            key_log: None,
            exporter: false,
            observers: Observers::default(),
            deadlines: Deadlines::default(),
            http: HttpOptions::default(),
            admission: AdmissionOptions::default(),
            questions: Questions::default(),
            sockets: SocketOptions::default(),
            workers: WorkerOptions::default(),
        }
    }

    server_tls_setters!();

    /// The keys that seal session tickets, 48 octets; default random ones that change on their own.
    ///
    /// Servers that share keys resume each other's sessions. Keep them as secret as a private key.
    #[must_use]
    pub fn ticket_keys(mut self, octets: impl Into<Vec<u8>>) -> Self {
        self.ticket_keys = Some(Zeroizing::new(octets.into()));
        self
    }

    /// Chooses a context by the host name that a client asks for, and may take its time, within the
    /// handshake's. It gets the name in lower case.
    ///
    /// `None` leaves the choice to the server's own contexts; an error ends the connection. Clients
    /// that name no host are not asked about. A request whose host is not the name of its
    /// connection's handshake is then answered 421: what would have been chosen for it is unknown.
    #[must_use]
    pub fn sni_callback<F, Fut, E>(mut self, choose: F) -> Self
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = std::result::Result<Option<SecureContext>, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        self.callbacks.sni = Some(Arc::new(move |name| {
            let chosen = choose(name);
            Box::pin(async move { chosen.await.map_err(Into::into) })
        }));
        self
    }

    /// Chooses one of the application protocols that a client offers, instead of
    /// [`alpn_protocols`](Self::alpn_protocols).
    ///
    /// `None`, or one that is not offered, refuses the client with `no_application_protocol`.
    /// Clients that offer none are not asked about. HTTP/1.1 is spoken whatever is chosen.
    #[must_use]
    pub fn alpn_callback<F, Fut>(mut self, choose: F) -> Self
    where
        F: Fn(AlpnOffer) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Option<Vec<u8>>> + Send + 'static,
    {
        self.callbacks.alpn = Some(Arc::new(move |offer| Box::pin(choose(offer))));
        self
    }

    /// Gives the OCSP response in DER to staple, when a client asks for one. It gets our own
    /// certificate, with its issuer if that is in the chain, and may take its time.
    ///
    /// `None` staples what [`ocsp_response`](Self::ocsp_response) gave, if anything; an error ends
    /// the connection. A resumed handshake has no use for it (RFC 8446 §4.4.2.1).
    #[must_use]
    pub fn ocsp_callback<F, Fut, E>(mut self, ask: F) -> Self
    where
        F: Fn(PeerCertificate) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = std::result::Result<Option<Vec<u8>>, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        self.callbacks.ocsp = Some(Arc::new(move |certificate| {
            let answer = ask(certificate);
            Box::pin(async move { answer.await.map_err(Into::into) })
        }));
        self
    }

    /// Hands the secrets of all connections to a key log, for tools that decrypt captures. Default
    /// none. **Whoever reads the log reads everything.**
    #[must_use]
    pub fn key_log(mut self, log: impl KeyLog + 'static) -> Self {
        self.key_log = Some(KeyLogTarget::new(log));
        self
    }

    /// Whether connections can derive secrets for other protocols
    /// ([`ConnectionInfo::export_keying_material`](crate::ConnectionInfo::export_keying_material));
    /// default false, for a slower engine serves such connections.
    #[must_use]
    pub fn exporter(mut self, wanted: bool) -> Self {
        self.exporter = wanted;
        self
    }

    /// Watches what happens: connections, failed handshakes, requests, passed time limits. Default
    /// nobody does.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observers = Observers::new(observer);
        self
    }

    fn tls(mut self, change: impl FnOnce(ServerTlsOptions) -> ServerTlsOptions) -> Self {
        self.tls = change(self.tls);
        self
    }

    /// Checks everything and turns it into what connections share.
    pub(super) fn build(self) -> Result<Rules> {
        self.check()?;
        let ticket_keys = match &self.ticket_keys {
            Some(octets) => Some(TicketKeys::from_octets(octets)?),
            None => own_keys()?,
        };
        let context = self.tls.build()?;
        if let Some(identity) = context.identity() {
            warn_if_out_of_date(identity);
        }
        let logs = self.key_log.is_some();
        Ok(Rules {
            choosing: Arc::new(Choosing::new(
                &context,
                ticket_keys,
                self.callbacks,
                logs,
                self.exporter,
            )),
            key_log: self.key_log,
            exporter: self.exporter,
            observers: self.observers,
            live: LiveRules::new(
                self.questions.complete(self.http.rules()),
                self.deadlines.clone(),
            ),
            deadlines: self.deadlines,
            admission: self.admission,
            questions: self.questions,
            sockets: self.sockets,
            workers: self.workers.count,
        })
    }

    fn check(&self) -> Result<()> {
        if self.callbacks.alpn.is_some() && self.tls.has_alpn_protocols() {
            let text = "alpn_callback and alpn_protocols exclude each other; give one";
            return Err(Error::option(text).with_code("ERR_TLS_ALPN_CALLBACK_WITH_PROTOCOLS"));
        }
        self.deadlines.check()?;
        self.http.check()?;
        self.admission.check()?;
        self.sockets.check()?;
        self.workers.check()
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("tls", &self.tls)
            .field("exporter", &self.exporter)
            .field("deadlines", &self.deadlines)
            .field("http", &self.http)
            .field("admission", &self.admission)
            .field("questions", &self.questions)
            .field("sockets", &self.sockets)
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}

/// Random keys for tickets; `None` where nothing can seal them, and then there are no tickets.
fn own_keys() -> Result<Option<TicketKeys>> {
    match TicketKeys::new() {
        Ok(keys) => Ok(Some(keys)),
        Err(error) if error.code() == "ERR_NO_CRYPTO" => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Checked options, as a server's connections share them.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) choosing: Arc<Choosing>,
    pub(super) key_log: Option<KeyLogTarget>,
    pub(super) exporter: bool,
    pub(super) observers: Observers,
    /// What can change while the server runs.
    pub(super) live: LiveRules,
    pub(super) deadlines: Deadlines,
    pub(super) admission: AdmissionOptions,
    pub(super) questions: Questions,
    pub(super) sockets: SocketOptions,
    /// How many threads of its own the server has; without, it uses the runtime of who listens.
    pub(super) workers: Option<usize>,
}

#[cfg(test)]
mod tests;
