//! Facts that travel with a message: the connection it came on and its field lines as received.
//!
//! Both are found in a message's extensions. Notices and questions are not here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Extensions, Request};
use sealane_proto::RawHead;
use sealane_tls::TlsInfo;

use crate::error::{Error, Result};
use crate::key_log::KeyLogConnection;
use crate::responder::Responder;
use crate::transport::{Exporter, Socket};

/// What is known of the connection that carried a message.
///
/// Found in the extensions of requests (server) and responses (client). Cloning is cheap: all
/// messages of a connection share it.
#[derive(Clone, Debug)]
pub struct ConnectionInfo {
    facts: Arc<Facts>,
    reused: bool,
    exchange: ExchangeTimings,
}

#[derive(Debug)]
struct Facts {
    accepted: Accepted,
    tls: TlsInfo,
    exporter: Option<Exporter>,
    /// At a client.
    timings: Option<Box<Timings>>,
}

/// How long the parts of opening a connection took; `None` for a part that was not needed.
///
/// An exchange on a connection that was open already took none of this time; what it took itself
/// is in [`ExchangeTimings`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timings {
    /// Finding the addresses of the host, or of the proxy.
    pub lookup: Option<Duration>,
    /// Opening the connection to one of them, or whatever came instead.
    pub connect: Option<Duration>,
    /// Getting a tunnel from the proxy, with its own handshake.
    pub proxy: Option<Duration>,
    /// The TLS handshake with the server, with the check of who it is.
    pub handshake: Option<Duration>,
}

/// How long the parts of one exchange took at a client, counted from its beginning; `None` for what
/// was not measured, as at a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExchangeTimings {
    /// Until it had its connection: the queue, and opening one where that was needed.
    pub connected: Option<Duration>,
    /// Until the first octet of its response had come.
    pub first_octet: Option<Duration>,
}

/// A connection before anything was said on it. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Accepted(Arc<AcceptedFacts>);

#[derive(Debug)]
struct AcceptedFacts {
    id: u64,
    addresses: Addresses,
    proxied: Option<Box<Proxied>>,
}

/// What a proxy told of the connection it speaks for, by the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxied {
    version: u8,
    local: bool,
    ends: Option<(SocketAddr, SocketAddr)>,
}

impl Proxied {
    pub(crate) fn new(version: u8, local: bool, ends: Option<(SocketAddr, SocketAddr)>) -> Self {
        Self {
            version,
            local,
            ends,
        }
    }

    /// Where the client's own connection comes from; `None` when the proxy does not know, or
    /// speaks for itself.
    pub fn source(&self) -> Option<SocketAddr> {
        self.ends.map(|(source, _)| source)
    }

    /// Where the client's own connection went to; `None` as for [`source`](Self::source).
    pub fn destination(&self) -> Option<SocketAddr> {
        self.ends.map(|(_, destination)| destination)
    }

    /// Whether the proxy speaks for itself, such as to see whether the server lives.
    pub fn is_local(&self) -> bool {
        self.local
    }

    /// The version of its header, 1 or 2.
    pub fn version(&self) -> u8 {
        self.version
    }
}

impl Accepted {
    pub(crate) fn new(id: u64, addresses: Addresses) -> Self {
        Self(Arc::new(AcceptedFacts {
            id,
            addresses,
            proxied: None,
        }))
    }

    /// The same connection, now that its proxy has told whom it speaks for.
    pub(crate) fn with_proxied(&self, proxied: Proxied) -> Self {
        Self(Arc::new(AcceptedFacts {
            id: self.0.id,
            addresses: self.0.addresses,
            proxied: Some(Box::new(proxied)),
        }))
    }

    pub(crate) fn addresses(&self) -> Addresses {
        self.0.addresses
    }

    /// A number that no other connection of this server has had or will have.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Our address on this connection, if the system told it; `None` on a Unix socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.0.addresses.local
    }

    /// The peer's address, if the system told it; `None` on a Unix socket.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.0.addresses.remote
    }

    /// What the peer, being a proxy, told of the connection it speaks for; `None` from anybody
    /// who is not asked for that (`ServerOptions::proxy_protocol`).
    pub fn proxied(&self) -> Option<&Proxied> {
        self.0.proxied.as_deref()
    }
}

/// The two ends of a connection, as far as the system tells them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    local: Option<SocketAddr>,
    remote: Option<SocketAddr>,
}

impl Addresses {
    pub(crate) fn of(socket: &Socket) -> Self {
        Self {
            local: socket.local_addr(),
            remote: socket.peer_addr(),
        }
    }

    pub(crate) fn remote(self) -> Option<SocketAddr> {
        self.remote
    }

    pub(crate) fn for_key_log(self) -> KeyLogConnection {
        KeyLogConnection::new(self.local, self.remote)
    }
}

impl ConnectionInfo {
    pub(crate) fn new(accepted: Accepted, tls: TlsInfo, exporter: Option<Exporter>) -> Self {
        Self {
            facts: Arc::new(Facts {
                accepted,
                tls,
                exporter,
                timings: None,
            }),
            reused: false,
            exchange: ExchangeTimings::default(),
        }
    }

    /// The same connection, with how long opening it took.
    pub(crate) fn with_timings(mut self, timings: Timings) -> Self {
        // Just made, so nobody shares it yet.
        if let Some(facts) = Arc::get_mut(&mut self.facts) {
            facts.timings = Some(Box::new(timings));
        }
        self
    }

    /// The same facts for an exchange that took so long.
    pub(crate) fn with_exchange(self, exchange: ExchangeTimings) -> Self {
        Self { exchange, ..self }
    }

    /// The same facts for an exchange on a connection that had rested, or had not.
    pub(crate) fn with_reuse(self, reused: bool) -> Self {
        Self { reused, ..self }
    }

    /// The connection as it was before TLS; at a client its number is always 0.
    pub fn accepted(&self) -> &Accepted {
        &self.facts.accepted
    }

    /// Our address on this connection, if the system told it.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.facts.accepted.local_addr()
    }

    /// The peer's address, if the system told it. Behind a proxy that is the proxy's.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.facts.accepted.remote_addr()
    }

    /// What the peer, being a proxy, told of the connection it speaks for
    /// ([`Accepted::proxied`]).
    pub fn proxied(&self) -> Option<&Proxied> {
        self.facts.accepted.proxied()
    }

    /// Whether the connection came out of an agent's pool: it had carried exchanges before, and
    /// rested. Always false at a server.
    pub fn reused(&self) -> bool {
        self.reused
    }

    /// How long opening the connection took; all parts are `None` at a server.
    pub fn timings(&self) -> &Timings {
        self.facts.timings.as_deref().unwrap_or(&UNTIMED)
    }

    /// How long the parts of this exchange took.
    pub fn exchange_timings(&self) -> ExchangeTimings {
        self.exchange
    }

    /// What the TLS handshake settled.
    pub fn tls(&self) -> &TlsInfo {
        &self.facts.tls
    }

    /// Derives a secret of `length` octets that only the two ends of this connection know, for
    /// another protocol (RFC 5705, RFC 8446 §7.5).
    ///
    /// The same label and context give the same secret at both ends. In TLS 1.2 no context and an
    /// empty one differ.
    ///
    /// # Errors
    ///
    /// The connection was not opened with the option `exporter` (`ERR_TLS_INVALID_STATE`), or the
    /// length is more than TLS can derive.
    pub fn export_keying_material(
        &self,
        length: usize,
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        let Some(exporter) = &self.facts.exporter else {
            let text = "this connection derives no secrets: it was opened without the option \
                        exporter";
            return Err(Error::option(text).with_code("ERR_TLS_INVALID_STATE"));
        };
        exporter.derive(length, label, context)
    }
}

/// A message's start line and field lines exactly as they were received.
///
/// Order, letter case and repeats are kept; the values are octets (RFC 9110 §5.5). Found in the
/// extensions of requests (server) and responses (client). It shares the octets of the head, so
/// holding it keeps the head alive.
#[derive(Clone, Debug)]
pub struct RawFields {
    head: RawHead,
    /// Travels here because a request has few extensions, and each costs an allocation.
    responder: Option<Responder>,
}

impl RawFields {
    pub(crate) fn new(head: RawHead) -> Self {
        Self {
            head,
            responder: None,
        }
    }

    /// The same for a request that is to be answered.
    pub(crate) fn with_responder(self, responder: Responder) -> Self {
        Self {
            responder: Some(responder),
            ..self
        }
    }

    /// The request line, or the status line with its reason phrase, without the line end.
    pub fn start_line(&self) -> &[u8] {
        self.head.start_line()
    }

    /// The reason phrase of a response as it came, possibly empty; it has no meaning (RFC 9112 §4).
    /// Of a request nothing.
    pub fn reason_phrase(&self) -> &[u8] {
        let line = self.head.start_line();
        let mut parts = line.splitn(3, |&octet| octet == b' ');
        match parts.next() {
            Some(version) if version.starts_with(b"HTTP/") => parts.nth(1).unwrap_or_default(),
            _ => b"",
        }
    }

    /// The request target as it stood in the request line (RFC 9112 §3.2); of a response, its
    /// status code.
    pub fn target(&self) -> &[u8] {
        self.head.target()
    }

    /// Name and value of each field line, in the order received.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.head.fields()
    }
}

/// How a responder is found, which is here because it travels with the field lines.
impl Responder {
    /// The responder of a request; `None` when the request did not come from a server of ours.
    pub fn of<B>(request: &Request<B>) -> Option<Self> {
        Self::from_extensions(request.extensions())
    }

    /// The same for whoever holds the extensions of a request only.
    pub fn from_extensions(extensions: &Extensions) -> Option<Self> {
        extensions.get::<RawFields>()?.responder.clone()
    }
}

/// Of a connection that was not opened here.
static UNTIMED: Timings = Timings {
    lookup: None,
    connect: None,
    proxy: None,
    handshake: None,
};
