//! Facts after the handshake: what was agreed, under the names that users search for.
//!
//! The verdict on the peer's identity stands here too, but is found in `verify`. Names of suites
//! are OpenSSL's, since that is what logs, `openssl ciphers` and the https module show; groups
//! carry their names in the IANA registry.

use std::borrow::Cow;
use std::sync::Arc;

use rustls::{CipherSuite, CommonState, HandshakeKind, NamedGroup, ProtocolVersion};
use rustls_pki_types::CertificateDer;

use crate::certificate::PeerCertificate;
use crate::diagnosis::Diagnosis;
use crate::error::Refusal;
use crate::identity_check::IdentityError;
use crate::pin::Pins;

/// What a finished handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    /// The protocol version's name.
    protocol: &'static str,
    /// The cipher suite's name.
    cipher: &'static str,
    /// The same suite's name in the registry.
    standard_cipher: &'static str,
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
    authorization_error: Option<Cow<'static, str>>,
    /// The same with its reasons.
    diagnosis: Option<Diagnosis>,
    /// The certificate that the peer has shown, with its chain.
    peer_certificate: Option<PeerCertificate>,
    /// What pins that only report have found wrong.
    pin_report: Option<Arc<str>>,
    /// Our own certificate, if we have shown one.
    certificate: Option<PeerCertificate>,
    /// The OCSP response that the server has stapled.
    ocsp_response: Option<Arc<[u8]>>,
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
        let suite = connection.negotiated_cipher_suite()?.suite();
        Some(Self {
            protocol: protocol_name(connection.protocol_version()?),
            cipher: cipher_name(suite),
            standard_cipher: standard_name(suite),
            group: connection
                .negotiated_key_exchange_group()
                .map(|group| group_name(group.name())),
            alpn: connection.alpn_protocol().map(alpn_name),
            servername: servername.map(Arc::from),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            authorized: false,
            authorization_error: None,
            diagnosis: None,
            peer_certificate: None,
            pin_report: None,
            certificate: None,
            ocsp_response: None,
        })
    }

    /// Adds what the gate found out about the peer.
    #[must_use]
    pub fn with_peer(mut self, peer: &Peer) -> Self {
        self.authorized = peer.authorized();
        // A check of the caller's whose error has no code is told by its text.
        self.authorization_error = match peer.check_error() {
            Some(error) if error.code().is_none() => Some(error.reason().to_owned().into()),
            _ => peer.verdict().and_then(Verdict::code).map(Cow::Borrowed),
        };
        self.diagnosis = peer.verdict().and_then(Verdict::diagnosis).cloned();
        self.peer_certificate = peer.certificate().cloned();
        self.pin_report = peer.pin_report().map(Arc::from);
        self
    }

    /// Adds what was shown in the handshake: our own certificate, and what the server has stapled
    /// to its own.
    #[must_use]
    pub fn with_shown(
        mut self,
        certificate: Option<PeerCertificate>,
        ocsp_response: Option<Arc<[u8]>>,
    ) -> Self {
        self.certificate = certificate;
        self.ocsp_response = ocsp_response;
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

    /// The same suite's name in the IANA registry, such as
    /// `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`.
    pub fn standard_cipher(&self) -> &'static str {
        self.standard_cipher
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
    pub fn authorization_error(&self) -> Option<&str> {
        self.authorization_error.as_deref()
    }

    /// The same with its evidence and what to do; `None` when the identity was accepted.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        self.diagnosis.as_ref()
    }

    /// The peer's certificate; its chain goes up to and including the anchor if it was verified.
    /// `None` when the peer has shown none. It is known on resumed handshakes too.
    pub fn peer_certificate(&self) -> Option<&PeerCertificate> {
        self.peer_certificate.as_ref()
    }

    /// Our own certificate, if it was shown in this handshake; a resumed one shows none.
    pub fn certificate(&self) -> Option<&PeerCertificate> {
        self.certificate.as_ref()
    }

    /// What pins that only report have found wrong, in one line; `None` when there is nothing.
    pub fn pin_report(&self) -> Option<&str> {
        self.pin_report.as_deref()
    }

    /// The OCSP response in DER that the server has stapled (RFC 6066 §8), as it came: nothing in
    /// it was checked. `None` on a resumed handshake.
    pub fn ocsp_response(&self) -> Option<&[u8]> {
        self.ocsp_response.as_deref()
    }
}

/// What is known of a peer that may talk to us.
#[derive(Clone, Debug)]
pub struct Peer {
    /// What was judged about its identity; `None` when it was not asked for one.
    verdict: Option<Verdict>,
    /// Its certificate, if it has shown one.
    certificate: Option<PeerCertificate>,
    /// What pins that only report have found wrong.
    pin_report: Option<Arc<str>>,
    /// What the caller's check said against it.
    check_error: Option<Arc<IdentityError>>,
}

impl Peer {
    /// One that nobody asks for its identity.
    pub(crate) fn unasked() -> Self {
        Self {
            verdict: None,
            certificate: None,
            pin_report: None,
            check_error: None,
        }
    }

    /// Takes what was judged about a chain, and looks for pins in the path it was verified by.
    ///
    /// `sent` is what the peer sent, its own certificate first; empty when it sent nothing.
    pub(crate) fn judged(
        verdict: Verdict,
        path: Option<&[CertificateDer<'static>]>,
        sent: &[CertificateDer<'static>],
        pins: Option<&Pins>,
    ) -> Self {
        // Without a path nothing but the peer's own certificate is proved. What an unproved peer
        // sent is shown as it came.
        let known = match (path, verdict.authorized()) {
            (Some(path), _) => path,
            (None, true) => &sent[..sent.len().min(1)],
            (None, false) => sent,
        };
        let mut peer = Self {
            certificate: PeerCertificate::from_chain(known),
            verdict: Some(verdict),
            pin_report: None,
            check_error: None,
        };
        let (Some(pins), true) = (pins, peer.authorized()) else {
            return peer;
        };
        match pins.check(known) {
            Ok(()) => {}
            Err(missed) if pins.is_report_only() => {
                peer.pin_report = Some(missed.to_string().into());
            }
            Err(missed) => peer.verdict = Some(Verdict::from(Err(missed.into()))),
        }
        peer
    }

    /// The same peer after a check of the caller's refused it.
    pub(crate) fn refused_by_check(mut self, error: IdentityError) -> Self {
        self.verdict = Some(Verdict::Unauthorized(error.diagnosis()));
        self.check_error = Some(Arc::new(error));
        self
    }

    /// Whether the peer has proved its identity.
    pub fn authorized(&self) -> bool {
        self.verdict.as_ref().is_some_and(Verdict::authorized)
    }

    /// What was judged about its identity; `None` when it was not asked for one.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// Its certificate, with the chain it was verified by; `None` when it has shown none.
    pub fn certificate(&self) -> Option<&PeerCertificate> {
        self.certificate.as_ref()
    }

    /// What pins that only report have found wrong, in one line.
    pub fn pin_report(&self) -> Option<&str> {
        self.pin_report.as_deref()
    }

    /// What the caller's check said against it, where that does not end the connection.
    pub fn check_error(&self) -> Option<&IdentityError> {
        self.check_error.as_deref()
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

/// The name of a suite in the IANA registry.
fn standard_name(suite: CipherSuite) -> &'static str {
    use CipherSuite as Suite;
    match suite {
        // rustls writes TLS 1.3's with a prefix of its own.
        Suite::TLS13_AES_128_GCM_SHA256
        | Suite::TLS13_AES_256_GCM_SHA384
        | Suite::TLS13_CHACHA20_POLY1305_SHA256 => cipher_name(suite),
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
