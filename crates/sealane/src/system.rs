//! What the machine gives: the trust anchors of its store, and variables of its environment.

use rustls::pki_types::CertificateDer;

use crate::error::{Error, Result};

/// The certificates that this machine trusts.
///
/// One that cannot be read is passed over and logged, as the system itself would do.
pub(crate) fn trust_anchors() -> Result<Vec<CertificateDer<'static>>> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a part of the system's trust store cannot be read");
    }
    if found.certs.is_empty() {
        let reason = match found.errors.first() {
            Some(error) => format!("the system's trust store cannot be read: {error}"),
            None => "the system's trust store is empty or missing".to_owned(),
        };
        return Err(Error::option(format!("option ca: {reason}")));
    }
    Ok(found.certs)
}

/// A variable of the environment, if it is set.
pub(crate) fn variable(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            let text = format!("the environment variable {name} is no text");
            Err(Error::option(text))
        }
    }
}
