//! What each role asks of its peers, the same for all connections of one owner.
//!
//! Bounds on what may be sent are in `limits.rs`, on how long it may take in `timer.rs`.

use std::num::NonZeroU64;

use crate::limits::Limits;

/// What a server asks of its clients; one for all its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRules {
    /// Bounds on what a client may send.
    pub limits: Limits,
    /// Whether an HTTP/1.1 request without Host is refused (default: yes, RFC 9112 §3.2).
    ///
    /// A Host that is there must be well-formed and the only one either way.
    pub require_host: bool,
    /// Whether heads are read leniently (default: no).
    ///
    /// For clients that write them as RFC 2616 did: folded lines, LF alone as a line end, control
    /// octets other than NUL, CR and LF in values, and minor versions beyond HTTP/1.1. Folds and
    /// control octets become SP. Whoever stands in front may read such a head in another way, and
    /// then a request can be smuggled past it: not for servers behind a proxy.
    ///
    /// Refused all the same are CR without LF, white space before a colon or instead of a line,
    /// folds and control octets in fields that say where a message ends, whom it is for or what
    /// follows it (Connection, Content-Length, Expect, Host, TE, Transfer-Encoding, Upgrade), and
    /// whatever is not well-formed in a chunked body.
    pub lenient: bool,
    /// How many requests one connection may bring (default: any number).
    ///
    /// The response to the last of them says `Connection: close`, and closes; those before it say
    /// `max=N` in their Keep-Alive line.
    pub max_requests: Option<NonZeroU64>,
    /// Whether a body for a response that cannot have one is an error (default: no, it vanishes).
    ///
    /// Such are responses to HEAD, 204, 304, 101 and a 2xx to CONNECT. Only a body that is known to
    /// be empty is none: one of unknown length is refused too, before anything is written, because
    /// nobody would ever ask it for its octets.
    pub reject_body_writes: bool,
    /// Whether the octets at which reading stopped are kept for
    /// [`take_rejected`](crate::ServerConnection::take_rejected) (default: no).
    pub keep_rejected: bool,
}

impl Default for ServerRules {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            require_host: true,
            lenient: false,
            max_requests: None,
            reject_body_writes: false,
            keep_rejected: false,
        }
    }
}

/// What a client asks of its servers; one for all its connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientRules {
    /// Bounds on what a server may send.
    pub limits: Limits,
    /// Whether heads are read leniently (default: no): see [`ServerRules::lenient`].
    pub lenient: bool,
    /// Whether a body that ends with the connection is taken as whole when the connection just
    /// breaks off, without the closing alert of TLS (default: no).
    ///
    /// For servers that never send that alert. Anybody on the path can end a TCP connection, so
    /// such a body may have been cut anywhere (RFC 9112 §9.8). Bodies with a length, and chunked
    /// ones, are not concerned.
    pub accept_truncated: bool,
}
