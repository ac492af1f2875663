//! Is the certificate for the name that was wanted (RFC 9525 §6)?
//!
//! Only the alternative names count, and a wildcard only as a whole left-most label (§6.3). The
//! common name counts for one certificate alone: the one that was given as its own trust anchor
//! and has no such names. Whoever gave it meant exactly that server, and the certificates that
//! `openssl req -x509 -subj /CN=localhost` writes have nothing else.

use rustls_pki_types::{CertificateDer, ServerName};
use webpki::EndEntityCert;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use super::{own_anchor, show};
use crate::error::Refusal;
use crate::trust::Roots;

/// Checks the name.
pub(super) fn check(
    end_entity: &CertificateDer<'_>,
    name: &ServerName<'_>,
    roots: &Roots,
) -> Result<(), Refusal> {
    let read = EndEntityCert::try_from(end_entity);
    let matches = |read: EndEntityCert<'_>| read.verify_is_valid_for_subject_name(name).is_ok();
    if read.is_ok_and(matches) {
        return Ok(());
    }
    let wanted = show::wanted(name);
    let refusal = |reason: String| {
        let text = format!("hostname/IP does not match certificate's altnames: {reason}");
        Err(Refusal::new("ERR_TLS_CERT_ALTNAME_INVALID", text))
    };
    let Ok((_, certificate)) = X509Certificate::from_der(end_entity) else {
        return refusal(format!(
            "wanted is {wanted}, the certificate cannot be read"
        ));
    };
    let names = show::names(&certificate);
    if !names.is_empty() {
        return refusal(format!("wanted is {wanted}, it has {}", show::list(&names)));
    }
    let common: Vec<_> = common_names(&certificate);
    if let ServerName::DnsName(host) = name
        && own_anchor::is_one(end_entity, &certificate, roots)
        && common
            .iter()
            .any(|cn| cn.eq_ignore_ascii_case(host.as_ref()))
    {
        return Ok(());
    }
    let subject = show::subject(&certificate);
    refusal(format!(
        "wanted is {wanted}, it has none at all (its subject is {subject})"
    ))
}

/// The common names of a certificate's subject.
fn common_names<'a>(certificate: &'a X509Certificate<'_>) -> Vec<&'a str> {
    let attributes = certificate.subject().iter_common_name();
    attributes
        .filter_map(|attribute| attribute.as_str().ok())
        .collect()
}
