//! The identity check of the https module, on the certificate object, exactly as documented.
//!
//! This is the public function that callers build their own checks on. It knows the rules of that
//! module, which are wider than RFC 9525 in two points: a common name counts where no DNS name
//! stands, and a wildcard may be a part of the left-most label. The verifier, which nobody calls by
//! hand, has its own narrower check.

mod host;
mod names;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::certificate::{DistinguishedName, PeerCertificate};
use crate::diagnosis::Diagnosis;
use crate::error::{HandshakeError, OptionError};
use crate::pin;

use host::Address;

/// Whether a certificate is for a host, by the rules of the https module's function of this name.
///
/// Only the subject and the alternative names count. An address must stand among the addresses. A
/// name must fit one of the DNS names, or if there is none, one of the common names.
///
/// ```
/// use sealane_tls::{IdentityError, PeerCertificate, check_server_identity};
///
/// fn check(host: &str, certificate: &PeerCertificate) -> Result<(), IdentityError> {
///     check_server_identity(host, certificate)?; // the ordinary check first
///     if certificate.subject().first("O") != Some("Example Ltd") {
///         return Err(IdentityError::new("not one of ours").with_code("NOT_OURS"));
///     }
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// `ERR_TLS_CERT_ALTNAME_INVALID` with the reason, or `ERR_TLS_CERT_ALTNAME_FORMAT`.
pub fn check_server_identity(
    host: &str,
    certificate: &PeerCertificate,
) -> Result<(), IdentityError> {
    check(host, certificate.subject(), certificate.subject_alt_name())
}

/// The same on what a certificate says.
pub(crate) fn check(
    host: &str,
    subject: &DistinguishedName,
    alt_names: Option<&str>,
) -> Result<(), IdentityError> {
    let line = alt_names.unwrap_or_default();
    let Some(listed) = names::split(line) else {
        return Err(IdentityError::format(host));
    };
    let listed_as = |kind: &'static str| listed.iter().filter_map(move |it| it.strip_prefix(kind));
    let host = host.strip_suffix('.').unwrap_or(host);
    if let Some(wanted) = Address::of_host(host) {
        let found: Vec<_> = listed_as("IP Address:").map(Address::listed).collect();
        if found.contains(&Some(wanted)) {
            return Ok(());
        }
        let shown = found
            .iter()
            .map(|it| it.map_or(String::new(), |it| it.to_string()));
        let shown = shown.collect::<Vec<_>>().join(", ");
        let reason = format!("IP: {host} is not in the cert's list: {shown}");
        return Err(IdentityError::invalid(reason, host));
    }
    let mut dns_names = listed_as("DNS:").peekable();
    if dns_names.peek().is_some() {
        if dns_names.any(|pattern| host::fits(host, pattern)) {
            return Ok(());
        }
        let reason = format!("Host: {host}. is not in the cert's altnames: {line}");
        return Err(IdentityError::invalid(reason, host));
    }
    let common_names: Vec<_> = subject.values("CN").collect();
    if matches!(common_names[..], [] | [""]) {
        return Err(IdentityError::invalid(
            "Cert does not contain a DNS name",
            host,
        ));
    }
    if common_names.iter().any(|pattern| host::fits(host, pattern)) {
        return Ok(());
    }
    let shown = common_names.join(",");
    let reason = format!("Host: {host}. is not cert's CN: {shown}");
    Err(IdentityError::invalid(reason, host))
}

/// Why a certificate is not the one that was wanted: from the ordinary check, or in a caller's own
/// words.
///
/// The text goes on as it is; the code, where there is one, becomes the failure's code.
#[derive(Clone, Debug)]
pub struct IdentityError {
    /// The stable name, if there is one.
    code: Option<&'static str>,
    /// What is wrong, as it was said: octets of the peer may stand in it.
    reason: String,
    /// The host that was wanted, if it is known.
    host: Option<String>,
    /// What caused it, if a caller said.
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl IdentityError {
    /// A caller's own reason, without a code.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            code: None,
            reason: reason.into(),
            host: None,
            source: None,
        }
    }

    /// The certificate is not the pinned one: the text has its fingerprint and its public key's
    /// pin, so that a right one can be pinned.
    pub fn pin_mismatch(certificate: &PeerCertificate) -> Self {
        let found = pin::shown(certificate);
        let reason = format!("the certificate is not the pinned one, it has {found}");
        Self::new(reason).with_code(pin::MISMATCH)
    }

    /// The same with a code, which becomes the code of the failure.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// The same with the error that caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// The stable name of the failure, such as `ERR_TLS_CERT_ALTNAME_INVALID`.
    pub fn code(&self) -> Option<&'static str> {
        self.code
    }

    /// What is wrong, in the https module's words. It may hold what the peer wrote, unescaped:
    /// `Display` is for printing.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The host that was wanted, without a dot at its end; only the ordinary check says it.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The host does not fit.
    fn invalid(reason: impl Into<String>, host: &str) -> Self {
        Self {
            host: Some(host.to_owned()),
            ..Self::new(reason).with_code(INVALID)
        }
    }

    /// The alternative names cannot be told apart.
    fn format(host: &str) -> Self {
        Self {
            host: Some(host.to_owned()),
            ..Self::new("invalid subject alternative name string").with_code(FORMAT)
        }
    }
}

impl IdentityError {
    /// The judgement that this error is.
    pub(crate) fn diagnosis(&self) -> Diagnosis {
        // An error without a code keeps its text; the judgement needs a name all the same.
        Diagnosis::new(self.code.unwrap_or("CERT_REJECTED"), self.to_string())
    }
}

impl From<IdentityError> for HandshakeError {
    fn from(error: IdentityError) -> Self {
        Self::refused(error.diagnosis(), error)
    }
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code == Some(INVALID) {
            f.write_str("hostname/IP does not match certificate's altnames: ")?;
        }
        // One line, whatever the peer wrote: quotes and backslashes stay readable.
        for character in self.reason.chars() {
            match character {
                '\'' | '"' | '\\' => write!(f, "{character}")?,
                _ => write!(f, "{}", character.escape_debug())?,
            }
        }
        Ok(())
    }
}

impl StdError for IdentityError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

impl From<OptionError> for IdentityError {
    /// Lets a caller's own check make pins with `?`.
    fn from(error: OptionError) -> Self {
        Self::new(error.to_string()).with_code(error.code())
    }
}

/// The host does not fit the certificate.
const INVALID: &str = "ERR_TLS_CERT_ALTNAME_INVALID";

/// The alternative names are badly quoted.
const FORMAT: &str = "ERR_TLS_CERT_ALTNAME_FORMAT";

#[cfg(test)]
mod tests;
