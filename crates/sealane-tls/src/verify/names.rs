//! Is the certificate for the name that was wanted (RFC 9525 §6)?
//!
//! Only the alternative names count, and a wildcard only as a whole left-most label (§6.3). The
//! common name counts for one certificate alone: the one that was given as its own trust anchor
//! and has no such names. Whoever gave it meant exactly that server, and the certificates that
//! `openssl req -x509 -subj /CN=localhost` writes have nothing else. For others it counts only
//! where a door in `danger` was opened.

use rustls_pki_types::{CertificateDer, ServerName};
use webpki::EndEntityCert;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::{own_anchor, show};
use crate::error::Refusal;
use crate::trust::Roots;

/// Checks the name; `common_name` says whether that of the subject counts for everyone.
pub(super) fn check(
    end_entity: &CertificateDer<'_>,
    name: &ServerName<'_>,
    roots: &Roots,
    common_name: bool,
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
    let counts = || common_name || own_anchor::is_one(end_entity, &certificate, roots);
    if let ServerName::DnsName(host) = name
        && counts()
        && has_no_other_names(&certificate)
        && has_common_name(&certificate, host.as_ref())
    {
        return Ok(());
    }
    let subject = show::subject(&certificate);
    refusal(format!(
        "wanted is {wanted}, it has none at all (its subject is {subject})"
    ))
}

/// Whether a certificate has no alternative name that could be a server's. One that cannot be read
/// could be.
fn has_no_other_names(certificate: &X509Certificate<'_>) -> bool {
    let could_be = |name: &GeneralName<'_>| {
        use GeneralName as Name;
        matches!(
            name,
            Name::DNSName(_) | Name::IPAddress(_) | Name::Invalid(..)
        )
    };
    match certificate.subject_alternative_name() {
        Ok(None) => true,
        Ok(Some(extension)) => !extension.value.general_names.iter().any(could_be),
        Err(_) => false,
    }
}

/// Whether a host is one of the common names of a certificate's subject.
fn has_common_name(certificate: &X509Certificate<'_>, host: &str) -> bool {
    let mut attributes = certificate.subject().iter_common_name();
    attributes.any(|attribute| {
        let name = attribute.as_str();
        name.is_ok_and(|name| name.eq_ignore_ascii_case(host))
    })
}
