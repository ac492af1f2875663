//! Facts after the handshake: what was agreed, under the names that users search for.
//!
//! The verdict on the peer's identity stands here too, but is found in `verify`. Names of suites
//! are OpenSSL's, since that is what logs, `openssl ciphers` and the https module show; groups
//! carry their names in the IANA registry.

use std::borrow::Cow;
use std::sync::Arc;

use rustls::{CipherSuite, CommonState, HandshakeKind, NamedGroup, ProtocolVersion};

use crate::diagnosis::Diagnosis;
use crate::error::Refusal;

/// What a finished handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    /// The protocol version's name.
    protocol: &'static str,
    /// The cipher suite's name.
    cipher: &'static str,
    /// The key exchange group's name, when there was an exchange.
    group: Option<&'static str>,
    /// The application protocol agreed on.
    alpn: Option<Cow<'static, str>>,
    /// The host name the client asked for.
    servername: Option<Arc<str>>,
    /// Whether an earlier session was resumed.
    resumed: bool,
    /// Whether the peer proved its identity.
    authorized: bool,
    /// Why it did not, when it tried.
    authorization_error: Option<&'static str>,
}

impl TlsInfo {
    /// Reads the facts of a connection whose handshake is over; `None` while it is still going on.
    ///
    /// A buffered or unbuffered connection of rustls dereferences to its `CommonState`. The host
    /// name is handed in, since only the resolver sees it ([`observe`](crate::select::observe)).
    pub fn new(connection: &CommonState, servername: Option<&str>) -> Option<Self> {
        if connection.is_handshaking() {
            return None;
        }
        Some(Self {
            protocol: protocol_name(connection.protocol_version()?),
            cipher: cipher_name(connection.negotiated_cipher_suite()?.suite()),
            group: connection
                .negotiated_key_exchange_group()
                .map(|group| group_name(group.name())),
            alpn: connection.alpn_protocol().map(alpn_name),
            servername: servername.map(Arc::from),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            authorized: false,
            authorization_error: None,
        })
    }

    /// Adds what was judged about the peer's identity.
    #[must_use]
    pub fn with_verdict(mut self, verdict: &Verdict) -> Self {
        self.authorized = verdict.authorized();
        self.authorization_error = verdict.code();
        self
    }

    /// The protocol version: `TLSv1.2` or `TLSv1.3`.
    pub fn protocol(&self) -> &'static str {
        self.protocol
    }

    /// The cipher suite, such as `TLS_AES_128_GCM_SHA256` or `ECDHE-ECDSA-AES128-GCM-SHA256`.
    pub fn cipher(&self) -> &'static str {
        self.cipher
    }

    /// The key exchange group, such as `x25519`; `None` when a TLS 1.2 session was resumed.
    pub fn group(&self) -> Option<&'static str> {
        self.group
    }

    /// The application protocol (RFC 7301), such as `http/1.1`; `None` when none was agreed on.
    ///
    /// A name that is not ASCII is shown octet by octet as ISO 8859-1.
    pub fn alpn(&self) -> Option<&str> {
        self.alpn.as_deref()
    }

    /// The host name the client asked for (RFC 6066 §3), or `None`; never an IP address.
    pub fn servername(&self) -> Option<&str> {
        self.servername.as_deref()
    }

    /// Whether the handshake resumed an earlier session instead of proving identity anew.
    pub fn resumed(&self) -> bool {
        self.resumed
    }

    /// Whether the peer proved its identity; false also when nobody asked it to, as at a server
    /// that wants no client certificates.
    pub fn authorized(&self) -> bool {
        self.authorized
    }

    /// Why the peer's identity was not accepted, such as `DEPTH_ZERO_SELF_SIGNED_CERT`; `None`
    /// when it was, or when nobody asked.
    pub fn authorization_error(&self) -> Option<&'static str> {
        self.authorization_error
    }
}

/// What was judged about a peer's identity: chain, dates, purpose and name together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer is who it should be.
    Authorized,
    /// It did not prove to be, for this reason.
    Unauthorized(Diagnosis),
}

impl Verdict {
    /// The verdict on a client that was asked for a certificate, need not have one, and has none.
    ///
    /// The code is the https module's.
    #[allow(dead_code, reason = "wired by the server's gate in the next step")]
    pub(crate) fn no_certificate() -> Self {
        Self::Unauthorized(Diagnosis::new(
            "UNABLE_TO_GET_ISSUER_CERT",
            "unable to get issuer certificate: the client sent no certificate",
        ))
    }

    /// Whether the peer proved its identity.
    pub fn authorized(&self) -> bool {
        matches!(self, Self::Authorized)
    }

    /// The stable name of the reason against it, if there is one.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Authorized => None,
            Self::Unauthorized(diagnosis) => Some(diagnosis.code()),
        }
    }

    /// The reason against it as text, if there is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Authorized => None,
            Self::Unauthorized(diagnosis) => Some(diagnosis.cause()),
        }
    }

    /// Cause, evidence and next step, if there is something against it.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        match self {
            Self::Authorized => None,
            Self::Unauthorized(diagnosis) => Some(diagnosis),
        }
    }
}

impl From<Result<(), Refusal>> for Verdict {
    fn from(judged: Result<(), Refusal>) -> Self {
        match judged {
            Ok(()) => Self::Authorized,
            Err(refusal) => Self::Unauthorized(refusal.into()),
        }
    }
}

/// OpenSSL's name of a protocol version.
fn protocol_name(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        ProtocolVersion::TLSv1_2 => "TLSv1.2",
        other => other.as_str().unwrap_or("unknown"),
    }
}

/// OpenSSL's name of a suite: the registry's for TLS 1.3, its own for TLS 1.2.
fn cipher_name(suite: CipherSuite) -> &'static str {
    use CipherSuite as Suite;
    match suite {
        Suite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        Suite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        Suite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        Suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256",
        Suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384",
        Suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-ECDSA-CHACHA20-POLY1305",
        Suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256",
        Suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384",
        Suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-RSA-CHACHA20-POLY1305",
        other => other.as_str().unwrap_or("unknown"),
    }
}

/// The name of a group in the IANA registry.
fn group_name(group: NamedGroup) -> &'static str {
    match group {
        NamedGroup::X25519 => "x25519",
        other => other.as_str().unwrap_or("unknown"),
    }
}

/// The name of an application protocol as text; the one we speak costs no allocation.
fn alpn_name(name: &[u8]) -> Cow<'static, str> {
    match name {
        b"http/1.1" => Cow::Borrowed("http/1.1"),
        other => Cow::Owned(other.iter().copied().map(char::from).collect()),
    }
}

#[cfg(test)]
mod tests;
