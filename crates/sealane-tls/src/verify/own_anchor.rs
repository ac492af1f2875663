//! A self-signed certificate that was given as its own trust anchor.
//!
//! webpki builds paths between different certificates, and refuses one that says CA:TRUE as an
//! end-entity's. Yet a certificate compared octet by octet with what the user gave needs no path,
//! and the commonest way to make one writes CA:TRUE. Everything else a server's certificate must
//! keep is checked here.

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::EndEntityCert;
use x509_parser::certificate::X509Certificate;
use x509_parser::x509::X509Version;

use super::chain::Parts;
use super::{diagnosis, signature};
use crate::error::Refusal;
use crate::trust::Roots;

/// Whether a certificate is its own anchor: given as one, and its own issuer by name.
pub(super) fn is_one(
    der: &CertificateDer<'_>,
    certificate: &X509Certificate<'_>,
    roots: &Roots,
) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw() && roots.contains(der)
}

/// Checks such a certificate: readable without unknown critical extensions, within its dates, made
/// for servers if it says for what, with a key that is long enough, and truly signed by it.
pub(super) fn check(parts: &Parts<'_>, certificate: &X509Certificate<'_>) -> Result<(), Refusal> {
    match EndEntityCert::try_from(parts.end_entity) {
        Ok(_) => {}
        // Private authorities still make version 1, which has no extensions and so no rules.
        Err(webpki::Error::UnsupportedCertVersion) if is_first_version(certificate) => {}
        Err(error) => return Err(diagnosis::unreadable(&error, certificate)),
    }
    check_dates(certificate, parts.now)?;
    if !serves(certificate) {
        return Err(diagnosis::wrong_purpose(certificate));
    }
    signature::check_key(certificate)?;
    if !signature::holds(certificate, certificate, parts.algorithms) {
        return Err(diagnosis::bad_signature(certificate, parts.algorithms));
    }
    Ok(())
}

/// Whether a certificate is of X.509 version 1, which has no extensions (RFC 5280 §4.1.2.1).
fn is_first_version(certificate: &X509Certificate<'_>) -> bool {
    certificate.version() == X509Version::V1 && certificate.extensions().is_empty()
}

/// Checks that a certificate is within its dates.
pub(super) fn check_dates(certificate: &X509Certificate<'_>, now: UnixTime) -> Result<(), Refusal> {
    let dates = certificate.validity();
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if seconds < dates.not_before.timestamp() {
        return Err(diagnosis::not_yet_valid(certificate, now));
    }
    if seconds > dates.not_after.timestamp() {
        return Err(diagnosis::expired(certificate, now));
    }
    Ok(())
}

/// Whether a certificate may stand for a server: it lists no uses, or that one among them
/// (RFC 5280 §4.2.1.12).
pub(super) fn serves(certificate: &X509Certificate<'_>) -> bool {
    match certificate.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.server_auth,
        Err(_) => false,
    }
}
