//! Certificates of X.509 version 1, which old private authorities still make.
//!
//! webpki takes them as anchors only. Here one is believed as a peer's own if a given anchor's key
//! signed it itself. Version 1 has no extensions, so it cannot say that it is no authority, for
//! what it may be used and for which names; therefore it is believed at the very end of a path
//! only, signs nothing, has no alternative names, and is not taken from an anchor that may speak
//! for some names only. Below an intermediate authority it is refused.

use rustls_pki_types::CertificateDer;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use super::chain::Parts;
use super::{diagnosis, own_anchor, signature};
use crate::error::Refusal;

/// Checks such a certificate: signed by an anchor, within its dates, with a key that is long
/// enough, and not revoked. Gives the path.
pub(super) fn check(
    parts: &Parts<'_>,
    leaf: &X509Certificate<'_>,
) -> Result<Vec<CertificateDer<'static>>, Refusal> {
    let name = diagnosis::content(leaf.issuer().as_raw());
    let anchors = parts.roots.named(name).filter(|it| {
        let ends = it.is_self_issued || parts.partial;
        ends && it.signs(parts.purpose).is_ok() && !it.is_limited_in_names()
    });
    let signed = anchors.take(diagnosis::MAX_NAMESAKES).find(|it| {
        X509Certificate::from_der(&it.certificate)
            .is_ok_and(|(_, issuer)| signature::holds(leaf, &issuer, parts.algorithms))
    });
    let Some(anchor) = signed else {
        return Err(diagnosis::of_first_version(parts, leaf));
    };
    own_anchor::check_dates(leaf, parts.now)?;
    signature::check_key(leaf)?;
    let path = vec![
        parts.end_entity.clone().into_owned(),
        anchor.certificate.clone(),
    ];
    parts.check_revocation(&path)?;
    Ok(path)
}

#[cfg(test)]
mod tests;
