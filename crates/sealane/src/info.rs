//! Facts that travel with a message: the connection it came on and its field lines as received.
//!
//! Both are found in a message's extensions. Notices and questions are not here.

use std::net::SocketAddr;
use std::sync::Arc;

use sealane_proto::RawHead;

pub use sealane_tls::{TlsInfo, TlsVersion};

/// What is known of the connection that carried a message.
///
/// Found in the extensions of requests (server) and responses (client). Cloning is cheap: all
/// messages of a connection share it.
#[derive(Clone, Debug)]
pub struct ConnectionInfo {
    facts: Arc<Facts>,
    reused: bool,
}

#[derive(Debug)]
struct Facts {
    local: Option<SocketAddr>,
    remote: Option<SocketAddr>,
    tls: TlsInfo,
}

impl ConnectionInfo {
    pub(crate) fn new(local: Option<SocketAddr>, remote: Option<SocketAddr>, tls: TlsInfo) -> Self {
        Self {
            facts: Arc::new(Facts { local, remote, tls }),
            reused: false,
        }
    }

    /// The same facts for an exchange on a connection that had rested, or had not.
    pub(crate) fn with_reuse(self, reused: bool) -> Self {
        Self { reused, ..self }
    }

    /// Our address on this connection, if the system told it.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.facts.local
    }

    /// The peer's address, if the system told it.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.facts.remote
    }

    /// Whether the connection came out of an agent's pool: it had carried exchanges before, and
    /// rested. Always false at a server.
    pub fn reused(&self) -> bool {
        self.reused
    }

    /// What the TLS handshake settled.
    pub fn tls(&self) -> &TlsInfo {
        &self.facts.tls
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
}

impl RawFields {
    pub(crate) fn new(head: RawHead) -> Self {
        Self { head }
    }

    /// The request line, or the status line with its reason phrase, without the line end.
    pub fn start_line(&self) -> &[u8] {
        self.head.start_line()
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
