//! Why a peer's identity is not believed, on its way through rustls.
//!
//! The verifier makes it, rustls carries it as a foreign error, and here it comes out again with
//! its diagnosis whole.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use rustls::{CertificateError, Error as TlsError, OtherError};

use super::{HandshakeError, HandshakeErrorKind};
use crate::diagnosis::Diagnosis;

/// A judgement against a peer's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Code, cause and evidence.
    diagnosis: Diagnosis,
}

impl Refusal {
    /// Names the code and says what is wrong, in one line; nothing of the peer unescaped.
    pub(crate) fn new(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Diagnosis::new(code, text).into()
    }

    /// Adds a piece of evidence; both texts must be escaped already.
    #[must_use]
    pub(crate) fn with(self, label: impl Into<Cow<'static, str>>, text: String) -> Self {
        self.diagnosis.with(label, text).into()
    }

    /// The stable name, such as `CERT_HAS_EXPIRED`.
    pub(crate) fn code(&self) -> &'static str {
        self.diagnosis.code()
    }

    /// Code, cause and evidence.
    #[cfg(test)]
    pub(crate) fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
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
        f.write_str(self.diagnosis.cause())
    }
}

impl StdError for Refusal {}

impl From<Diagnosis> for Refusal {
    fn from(diagnosis: Diagnosis) -> Self {
        Self { diagnosis }
    }
}

impl From<Refusal> for Diagnosis {
    fn from(refusal: Refusal) -> Self {
        refusal.diagnosis
    }
}

impl From<Refusal> for TlsError {
    /// Wraps the refusal. The peer gets the alert `certificate_unknown` (RFC 8446 §6.2) whatever
    /// the reason: the library's errors with an alert of their own have no room for the reason.
    fn from(refusal: Refusal) -> Self {
        CertificateError::Other(OtherError(Arc::new(refusal))).into()
    }
}

impl From<Refusal> for HandshakeError {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.diagnosis.cause().to_owned();
        let mut error = Self::remote(HandshakeErrorKind::Certificate, refusal.code(), text);
        error.diagnosis = Some(refusal.diagnosis);
        error
    }
}
