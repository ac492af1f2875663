//! What can go wrong: an option that cannot be used, or a handshake that failed.
//!
//! `code()` gives the names that users of OpenSSL and of the https module already search for.
//! Texts are one lower-case line, hold no octet of a peer unescaped and never a secret. Time-outs
//! and lost connections are not here: they belong to whoever owns the socket.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use rustls::{
    CertificateError, Error as TlsError, InvalidMessage, PeerIncompatible, PeerMisbehaved,
};

use crate::diagnosis::Diagnosis;

/// An option that cannot be used, named, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError {
    /// The option's name as the user wrote it: `cert`, `key`, `alpn_protocols` and so on.
    option: &'static str,
    /// The stable name of the failure.
    code: &'static str,
    /// What is wrong with the value and what to do, in one lower-case line.
    reason: Cow<'static, str>,
}

impl OptionError {
    /// Names the option, the code and the reason.
    pub(crate) fn new(
        option: &'static str,
        code: &'static str,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            option,
            code,
            reason: reason.into(),
        }
    }

    /// The option whose value cannot be used: `cert`, `key`, `alpn_protocols`, `min_version` …
    pub fn option(&self) -> &'static str {
        self.option
    }

    /// The stable name users search for, such as `ERR_OSSL_X509_KEY_VALUES_MISMATCH`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What is wrong and what to do, without the option's name.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "option {}: {}", self.option, self.reason)
    }
}

impl StdError for OptionError {}

/// Where the cause of a failure lies, as far as this end can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Here: our options, our certificate, our machine.
    Local,
    /// At the peer: what it sent, or what it does not offer.
    Remote,
}

/// The classes of handshake and record failures that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeErrorKind {
    /// The first octets are an HTTP request, not TLS.
    PlainHttp,
    /// The octets are not TLS at all.
    NotTls,
    /// No protocol version is enabled on both sides.
    Version,
    /// No cipher suite is enabled on both sides that fits the certificate's key.
    CipherSuite,
    /// No key exchange group is enabled on both sides.
    Group,
    /// No signature scheme of the peer fits the certificate's key.
    SignatureScheme,
    /// The peer offered application protocols (RFC 7301), none of ours among them.
    ApplicationProtocol,
    /// The peer lacks something else that is required here.
    Incompatible,
    /// The peer ended the connection with an alert.
    Alert,
    /// A record or message breaks the protocol, or its authentication failed.
    Protocol,
    /// The peer's certificate is missing or was refused.
    Certificate,
    /// Something failed here that no peer can cause.
    Internal,
}

/// A TLS connection that failed, classed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeError {
    /// The class.
    kind: HandshakeErrorKind,
    /// The stable name of the failure.
    code: &'static str,
    /// Where the cause lies.
    side: Side,
    /// What happened, in one lower-case line.
    text: Cow<'static, str>,
    /// What is known beside, when the peer's identity was judged here.
    diagnosis: Option<Diagnosis>,
    /// What caused it, when the caller's own check refused the peer.
    source: Option<Source>,
}

/// An error of the caller's; only the very same one is equal to it.
#[derive(Clone, Debug)]
struct Source(Arc<dyn StdError + Send + Sync>);

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Source {}

impl HandshakeError {
    /// A plain HTTP request on the TLS port; the transport finds it before TLS sees an octet.
    pub fn plain_http() -> Self {
        Self::remote(
            HandshakeErrorKind::PlainHttp,
            "ERR_SSL_HTTP_REQUEST",
            "the peer sent a plain HTTP request where TLS is expected",
        )
    }

    /// Names a failure as a client meets it in its own handshake.
    ///
    /// Alerts and broken rules are then all called `EPROTO`, as the https module calls them, and
    /// the text names them. Two keep their own code: a judgement about the server's certificate,
    /// and a peer that does not speak TLS.
    ///
    /// For what fails later, use `From`: then each has the name OpenSSL gives it. What a server of
    /// TLS 1.3 says against a client's certificate is among that: it arrives when the client's
    /// handshake is over (RFC 8446 §4.4.2.4).
    pub fn at_client(error: &TlsError) -> Self {
        use HandshakeErrorKind as Kind;
        let mut named = Self::from(error);
        if !matches!(named.kind, Kind::Certificate | Kind::NotTls) {
            named.code = "EPROTO";
        }
        if named.kind == Kind::Version {
            named.text = "the server chose a protocol version that is not enabled here".into();
        }
        named
    }

    /// A ClientHello that is not over after so many octets; OpenSSL's name for it.
    pub(crate) fn too_long_hello(bound: usize) -> Self {
        Self::remote(
            HandshakeErrorKind::Protocol,
            "ERR_SSL_EXCESSIVE_MESSAGE_SIZE",
            format!("the peer's client hello is longer than {bound} octets"),
        )
    }

    /// A peer that the caller's own check has refused.
    pub(crate) fn refused(
        diagnosis: Diagnosis,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        let mut error = Self::from(Refusal::from(diagnosis));
        error.source = Some(Source(Arc::new(source)));
        error
    }

    /// A peer whose identity cannot be judged, because rustls does not tell its certificate.
    pub(crate) fn unproved(text: &'static str) -> Self {
        Self::local(HandshakeErrorKind::Internal, "EPROTO", text)
    }

    /// The class of the failure.
    pub fn kind(&self) -> HandshakeErrorKind {
        self.kind
    }

    /// The stable name users search for, such as `ERR_SSL_NO_SHARED_CIPHER`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Where the cause lies, as far as this end can tell.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Cause, evidence and next step, when the peer's identity was judged here and not believed.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        self.diagnosis.as_ref()
    }

    /// A failure whose cause lies at the peer.
    fn remote(
        kind: HandshakeErrorKind,
        code: &'static str,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            code,
            side: Side::Remote,
            text: text.into(),
            diagnosis: None,
            source: None,
        }
    }

    /// A failure whose cause lies here.
    fn local(
        kind: HandshakeErrorKind,
        code: &'static str,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            code,
            side: Side::Local,
            text: text.into(),
            diagnosis: None,
            source: None,
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for HandshakeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_ref()?;
        Some(&*source.0)
    }
}

impl From<&TlsError> for HandshakeError {
    fn from(error: &TlsError) -> Self {
        use HandshakeErrorKind as Kind;
        match error {
            TlsError::AlertReceived(alert) => alert::received(*alert),
            TlsError::PeerIncompatible(what) => incompatible(what),
            TlsError::PeerMisbehaved(how) => misbehaved(how),
            TlsError::InvalidMessage(what) => invalid_message(*what),
            TlsError::InvalidCertificate(why) => refused_certificate(why),
            TlsError::NoApplicationProtocol => Self::remote(
                Kind::ApplicationProtocol,
                "ERR_SSL_NO_APPLICATION_PROTOCOL",
                "none of the application protocols the peer offers is enabled here",
            ),
            TlsError::NoCertificatesPresented => Refusal::new(
                "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE",
                "the peer sent no certificate although one is required",
            )
            .into(),
            TlsError::DecryptError => Self::remote(
                Kind::Protocol,
                "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC",
                "a record of the peer failed its authentication",
            ),
            TlsError::PeerSentOversizedRecord => Self::remote(
                Kind::Protocol,
                "ERR_SSL_DATA_LENGTH_TOO_LONG",
                "the peer sent a record longer than 16384 octets",
            ),
            TlsError::InappropriateMessage { got_type, .. } => Self::remote(
                Kind::Protocol,
                "ERR_SSL_UNEXPECTED_MESSAGE",
                format!("the peer sent a record out of turn: {got_type:?}"),
            ),
            TlsError::InappropriateHandshakeMessage { got_type, .. } => Self::remote(
                Kind::Protocol,
                "ERR_SSL_UNEXPECTED_MESSAGE",
                format!("the peer sent a handshake message out of turn: {got_type:?}"),
            ),
            // Not quoted: a text of another crate might hold what the peer sent.
            _ => Self::local(Kind::Internal, "EPROTO", "tls failed on this side"),
        }
    }
}

impl From<TlsError> for HandshakeError {
    fn from(error: TlsError) -> Self {
        Self::from(&error)
    }
}

/// Classes what the two sides do not have in common.
fn incompatible(what: &PeerIncompatible) -> HandshakeError {
    use HandshakeErrorKind as Kind;
    use PeerIncompatible as What;
    let (kind, code, text) = match what {
        What::Tls12NotOffered
        | What::Tls12NotOfferedOrEnabled
        | What::SupportedVersionsExtensionRequired
        | What::ServerDoesNotSupportTls12Or13
        | What::ServerTlsVersionIsDisabledByOurConfig => (
            Kind::Version,
            "ERR_SSL_UNSUPPORTED_PROTOCOL",
            "the peer offers no protocol version that is enabled here",
        ),
        What::NoCipherSuitesInCommon => (
            Kind::CipherSuite,
            "ERR_SSL_NO_SHARED_CIPHER",
            "the peer offers no cipher suite that is enabled here and fits the certificate's key",
        ),
        What::NoKxGroupsInCommon
        | What::KeyShareExtensionRequired
        | What::NamedGroupsExtensionRequired => (
            Kind::Group,
            "ERR_SSL_NO_SUITABLE_KEY_SHARE",
            "the peer offers no key exchange group that is enabled here",
        ),
        What::NoSignatureSchemesInCommon | What::SignatureAlgorithmsExtensionRequired => (
            Kind::SignatureScheme,
            "ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM",
            "no certificate here has a key that fits a signature scheme of the peer",
        ),
        // The variants name features, never values; the one that carries values is not printed.
        What::ServerRejectedEncryptedClientHello(_) => (
            Kind::Incompatible,
            "EPROTO",
            "the peer refused the encrypted client hello",
        ),
        other => {
            let text = format!("the peer lacks something required here: {other:?}");
            return HandshakeError::remote(Kind::Incompatible, "ERR_SSL_BAD_EXTENSION", text);
        }
    };
    HandshakeError::remote(kind, code, text)
}

/// Classes a peer that breaks the protocol's rules.
fn misbehaved(how: &PeerMisbehaved) -> HandshakeError {
    let code = match how {
        PeerMisbehaved::TooManyRenegotiationRequests => "ERR_TLS_SESSION_ATTACK",
        PeerMisbehaved::TooManyKeyUpdateRequests => "ERR_SSL_TOO_MANY_KEY_UPDATES",
        PeerMisbehaved::TooManyWarningAlertsReceived => "ERR_SSL_TOO_MANY_WARN_ALERTS",
        PeerMisbehaved::IncorrectBinder => "ERR_SSL_BINDER_DOES_NOT_VERIFY",
        PeerMisbehaved::InvalidKeyShare | PeerMisbehaved::WrongGroupForKeyShare => {
            "ERR_SSL_BAD_KEY_SHARE"
        }
        _ => "EPROTO",
    };
    // The variants carry no value of the peer, only the name of the rule.
    let text = format!("the peer broke the tls protocol: {how:?}");
    HandshakeError::remote(HandshakeErrorKind::Protocol, code, text)
}

/// Classes octets that cannot be decoded.
fn invalid_message(what: InvalidMessage) -> HandshakeError {
    use HandshakeErrorKind as Kind;
    match what {
        // Found in the five octets of a record's head (RFC 8446 §5.1): what speaks here is not TLS.
        InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion => {
            HandshakeError::remote(
                Kind::NotTls,
                "ERR_SSL_WRONG_VERSION_NUMBER",
                "the peer does not speak tls",
            )
        }
        InvalidMessage::MessageTooLarge => HandshakeError::remote(
            Kind::NotTls,
            "ERR_SSL_PACKET_LENGTH_TOO_LONG",
            "the peer announced a record longer than tls allows",
        ),
        InvalidMessage::DuplicateExtension(_) => HandshakeError::remote(
            Kind::Protocol,
            "ERR_SSL_BAD_EXTENSION",
            "the peer sent an extension twice",
        ),
        other => HandshakeError::remote(
            Kind::Protocol,
            "ERR_SSL_BAD_PACKET",
            format!("a tls message of the peer cannot be decoded: {other:?}"),
        ),
    }
}

/// Classes a certificate that our own judgement refused.
fn refused_certificate(why: &CertificateError) -> HandshakeError {
    use CertificateError as Why;
    if let Some(refusal) = Refusal::carried(why) {
        return refusal.clone().into();
    }
    let (code, text) = match why {
        Why::Expired | Why::ExpiredContext { .. } => {
            ("CERT_HAS_EXPIRED", "the peer's certificate has expired")
        }
        Why::NotValidYet | Why::NotValidYetContext { .. } => (
            "CERT_NOT_YET_VALID",
            "the peer's certificate is not yet valid",
        ),
        Why::Revoked => ("CERT_REVOKED", "the peer's certificate is revoked"),
        Why::UnknownIssuer => (
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "the peer's certificate leads to no trust anchor of ours",
        ),
        Why::BadSignature => (
            "CERT_SIGNATURE_FAILURE",
            "the peer's certificate or proof is forged",
        ),
        Why::InvalidPurpose | Why::InvalidPurposeContext { .. } => (
            "INVALID_PURPOSE",
            "the peer's certificate is not made for this use",
        ),
        Why::NotValidForName | Why::NotValidForNameContext { .. } => (
            "ERR_TLS_CERT_ALTNAME_INVALID",
            "the peer's certificate is for other names",
        ),
        _ => ("CERT_REJECTED", "the peer's certificate was refused"),
    };
    Refusal::new(code, text).into()
}

mod alert;
mod refusal;

pub(crate) use refusal::Refusal;

#[cfg(test)]
mod tests;
