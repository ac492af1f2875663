//! Why a peer's certificate is not believed: a stable code and one line of text.
//!
//! The verifier makes it, rustls carries it as a foreign error, and here it comes out again.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use rustls::{CertificateError, Error as TlsError, OtherError};

use super::{HandshakeError, HandshakeErrorKind};

/// A judgement against a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The stable name, such as `CERT_HAS_EXPIRED`.
    pub(crate) code: &'static str,
    /// What is wrong and with what, in one line; nothing of the peer unescaped.
    pub(crate) text: Cow<'static, str>,
}

impl Refusal {
    /// Names the code and says what is wrong.
    pub(crate) fn new(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// Finds the refusal that a rustls error carries.
    pub(super) fn carried(error: &CertificateError) -> Option<&Self> {
        match error {
            CertificateError::Other(OtherError(inner)) => inner.downcast_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Refusal {}

impl From<Refusal> for TlsError {
    /// Wraps the refusal. The peer gets the alert `certificate_unknown` (RFC 8446 §6.2) whatever
    /// the reason: the library's errors with an alert of their own have no room for the reason.
    fn from(refusal: Refusal) -> Self {
        CertificateError::Other(OtherError(Arc::new(refusal))).into()
    }
}

impl From<Refusal> for HandshakeError {
    fn from(refusal: Refusal) -> Self {
        Self::remote(HandshakeErrorKind::Certificate, refusal.code, refusal.text)
    }
}
