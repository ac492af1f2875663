//! A certificate that was given as its own trust anchor: self-signed, or any where partial chains
//! are allowed.
//!
//! webpki builds paths between different certificates, and refuses one that says CA:TRUE as an
//! end-entity's. Yet a certificate compared octet by octet with what the user gave needs no path,
//! and the commonest way to make one writes CA:TRUE. Its signature is its own word for itself and
//! proves nothing beside the octets; old ones are signed with SHA-1, or by an authority of the same
//! name. That the peer has the key is proved by the handshake. Its key usage is not asked either:
//! those that say CA:TRUE often list signing certificates only. The rest is checked here.

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::EndEntityCert;
use x509_parser::certificate::X509Certificate;

use super::chain::Parts;
use super::{diagnosis, signature};
use crate::error::Refusal;
use crate::permissions;
use crate::trust::Roots;

/// Whether a certificate is its own anchor: given as one, and its own issuer by name.
pub(super) fn is_one(
    der: &CertificateDer<'_>,
    certificate: &X509Certificate<'_>,
    roots: &Roots,
) -> bool {
    permissions::is_self_issued(certificate) && roots.contains(der)
}

/// Checks a certificate that is its own anchor: readable without unknown critical extensions,
/// within its dates, made for this purpose if it says for what, with a key that is long enough, and
/// not revoked. Gives the path, which is the certificate itself.
///
/// Where there are revocation lists, its status must be known like any other: by a list of its own,
/// for it is its own issuer.
pub(super) fn check(
    parts: &Parts<'_>,
    certificate: &X509Certificate<'_>,
) -> Result<Vec<CertificateDer<'static>>, Refusal> {
    match EndEntityCert::try_from(parts.end_entity) {
        Ok(_) => {}
        // Private authorities still make version 1, which has no extensions and so no rules.
        Err(webpki::Error::UnsupportedCertVersion)
            if permissions::is_first_version(certificate) => {}
        Err(error) => return Err(diagnosis::unreadable(&error, certificate)),
    }
    check_dates(certificate, parts.now)?;
    if !permissions::fits(certificate, parts.purpose) {
        return Err(diagnosis::wrong_purpose(certificate, parts.purpose));
    }
    signature::check_key(certificate)?;
    let path = vec![parts.end_entity.clone().into_owned()];
    parts.check_revocation(&path)?;
    Ok(path)
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
