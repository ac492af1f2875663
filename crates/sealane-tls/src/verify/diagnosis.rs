//! Why a chain is not believed, under the names that users search for.
//!
//! webpki says which rule was broken; which certificate broke it, and what kind of stranger stands
//! at the end, is found by walking the chain as the peer sent it. The walk decides nothing: the
//! chain is refused already.

use std::sync::Arc;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::Error;
use x509_parser::asn1_rs::{Any, FromDer as _};
use x509_parser::certificate::X509Certificate;

use self::walk::Walk;
use super::chain::{Parts, Refused};
use super::reachable::{Excess, MAX_REACHABLE};
use super::signature::Algorithms;
use super::{show, signature};
use crate::error::Refusal;
use crate::permissions::{self, Authority, Bar, Purpose};
use crate::revocation::List;

/// Puts a failure of path building into words. `refused` is why the last path that was found was
/// not taken.
pub(super) fn of(parts: &Parts<'_>, error: &Error, refused: Option<&Refused>) -> Refusal {
    let Ok(([], leaf)) = X509Certificate::from_der(parts.end_entity) else {
        return not_read(parts.purpose);
    };
    let walk = Walk::of(parts, leaf);
    let signer = match (error, refused) {
        (Error::CertRevoked, Some(Refused::Revoked(refusal))) => return refusal.clone(),
        (_, Some(Refused::Signer(der))) => X509Certificate::from_der(der).ok().map(|it| it.1),
        _ => None,
    };
    match error {
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } | Error::InvalidCertValidity => {
            walk.out_of_date(parts.now)
        }
        Error::InvalidSignatureForPublicKey
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            walk.unsigned().unwrap_or_else(|| walk.untrusted())
        }
        Error::UnknownIssuer => walk.old_authority().unwrap_or_else(|| walk.untrusted()),
        // The walk is shorter than the search was, so what it does not meet says nothing.
        Error::MaximumPathDepthExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => too_long(walk.leaf()),
        // Before any other fault: nobody we know has said a word for this chain.
        _ if !walk.meets_anchor() => walk.untrusted(),
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
            let purpose = parts.purpose;
            let at_fault = walk.path.iter().find(|it| !permissions::fits(it, purpose));
            wrong_purpose(at_fault.unwrap_or(walk.leaf()), purpose)
        }
        Error::CaUsedAsEndEntity => authority_as_peer(walk.leaf(), parts.purpose),
        Error::EndEntityUsedAsCa => walk.not_an_authority(signer.as_ref()),
        other => walk.by_rule(other),
    }
}

/// Why a certificate of version 1 is not believed, which no anchor signed itself.
pub(super) fn of_first_version(parts: &Parts<'_>, leaf: &X509Certificate<'_>) -> Refusal {
    let walk = Walk::of(parts, leaf.clone());
    if !walk.meets_anchor() {
        return walk.unsigned().unwrap_or_else(|| walk.untrusted());
    }
    let text = format!(
        "certificate rejected: {} is of X.509 version 1, which is believed only if a trust anchor \
         that may speak for every name signed it itself",
        show::subject(leaf)
    );
    Refusal::new("CERT_REJECTED", text)
}

/// A peer's certificate that cannot be read.
pub(super) fn not_read(purpose: Purpose) -> Refusal {
    let text = format!("the {}'s certificate cannot be read", purpose.peer());
    Refusal::new("CERT_REJECTED", text)
}

/// A chain for which path building is not begun.
pub(super) fn too_much(end_entity: &CertificateDer<'_>, excess: Excess) -> Refusal {
    let Ok((_, leaf)) = X509Certificate::from_der(end_entity) else {
        return Refusal::new("CERT_REJECTED", "the peer's certificate cannot be read");
    };
    let subject = show::subject(&leaf);
    let what = match excess {
        Excess::Certificates => {
            format!("more than {MAX_REACHABLE} certificates came that could stand above {subject}")
        }
        Excess::Orders => {
            format!("the certificates above {subject} name each other in too many ways")
        }
    };
    Refusal::new(
        "CERT_CHAIN_TOO_LONG",
        format!("certificate chain too long: {what}"),
    )
}

/// A certificate whose last day has passed.
pub(super) fn expired(certificate: &X509Certificate<'_>, now: UnixTime) -> Refusal {
    let text = format!(
        "certificate has expired: {} was valid until {}, and now is {}",
        show::subject(certificate),
        show::moment(certificate.validity().not_after),
        show::now(now)
    );
    Refusal::new("CERT_HAS_EXPIRED", text)
}

/// A certificate whose first day has not come.
pub(super) fn not_yet_valid(certificate: &X509Certificate<'_>, now: UnixTime) -> Refusal {
    let text = format!(
        "certificate is not yet valid: {} is valid from {}, and now is {}; is the clock right?",
        show::subject(certificate),
        show::moment(certificate.validity().not_before),
        show::now(now)
    );
    Refusal::new("CERT_NOT_YET_VALID", text)
}

/// A certificate that lists its uses, and the one that is asked is not among them.
pub(super) fn wrong_purpose(certificate: &X509Certificate<'_>, purpose: Purpose) -> Refusal {
    let text = format!(
        "{PURPOSE}: the extended key usage of {} does not include {}s",
        show::subject(certificate),
        purpose.peer()
    );
    Refusal::new("INVALID_PURPOSE", text)
}

/// A peer's certificate whose key may not sign handshakes.
pub(super) fn wrong_usage(certificate: &X509Certificate<'_>, purpose: Purpose) -> Refusal {
    let text = format!(
        "{PURPOSE}: the key usage of {} lacks digitalSignature, which {}s need",
        show::subject(certificate),
        purpose.peer()
    );
    Refusal::new("INVALID_PURPOSE", text)
}

/// A certificate that its issuer's key did not sign, or not in a way we accept.
pub(super) fn bad_signature(
    certificate: &X509Certificate<'_>,
    algorithms: Algorithms<'_>,
) -> Refusal {
    let subject = show::subject(certificate);
    let text = if signature::is_supported(certificate, algorithms) {
        format!(
            "certificate signature failure: {subject} is not signed by the key of {}, or that key \
             is too short",
            show::issuer(certificate)
        )
    } else {
        let oid = certificate.signature_algorithm.algorithm.to_id_string();
        let way = match oid.as_str() {
            "1.2.840.113549.1.1.4" => "RSA with MD5, which can be forged",
            "1.2.840.113549.1.1.5" => "RSA with SHA-1, which can be forged",
            "1.2.840.10045.4.1" => "ECDSA with SHA-1, which can be forged",
            // Object identifiers are numbers and dots, and as long as the certificate likes.
            other => &show::quoted(other),
        };
        format!("certificate signature failure: {subject} is signed by {way}")
    };
    Refusal::new("CERT_SIGNATURE_FAILURE", text)
}

/// A certificate that webpki cannot read.
pub(super) fn unreadable(error: &Error, certificate: &X509Certificate<'_>) -> Refusal {
    let subject = show::subject(certificate);
    match error {
        Error::UnsupportedCriticalExtension => Refusal::new(
            "UNHANDLED_CRITICAL_EXTENSION",
            format!("unhandled critical extension: {subject} sets a rule that is unknown here"),
        ),
        Error::UnsupportedCertVersion => Refusal::new(
            "CERT_REJECTED",
            format!("certificate rejected: {subject} is not of X.509 version 3"),
        ),
        // The error's variant names a rule; it carries nothing of the peer that is printed here.
        _ => Refusal::new(
            "CERT_REJECTED",
            format!("certificate rejected: {subject} is malformed"),
        ),
    }
}

/// A certificate of which no list says whether it is revoked.
pub(super) fn no_list(certificate: &X509Certificate<'_>) -> Refusal {
    let text = format!(
        "unable to get certificate CRL: lists were given, and none of them is of {}, the issuer of \
         {}",
        show::issuer(certificate),
        show::subject(certificate)
    );
    Refusal::new("UNABLE_TO_GET_CRL", text)
}

/// A certificate that is on a list.
pub(super) fn revoked(certificate: &X509Certificate<'_>, list: &List) -> Refusal {
    let text = format!(
        "certificate revoked: {} is on the list that {} made on {}",
        show::subject(certificate),
        show::issuer(certificate),
        show::moment(list.this_update)
    );
    Refusal::new("CERT_REVOKED", text)
}

/// An issuer whose key usage does not let it sign lists.
pub(super) fn may_not_sign_lists(issuer: &X509Certificate<'_>) -> Refusal {
    let text = format!(
        "CRL signature failure: the key usage of {} lacks cRLSign",
        show::subject(issuer)
    );
    Refusal::new("CRL_SIGNATURE_FAILURE", text)
}

/// Lists of the right issuer, none of them in time.
pub(super) fn list_out_of_date(
    certificate: &X509Certificate<'_>,
    lists: &[&Arc<List>],
    now: UnixTime,
) -> Refusal {
    let issuer = show::issuer(certificate);
    let begun = lists.iter().filter(|list| list.has_begun(now));
    let (code, what, when) = match begun.max_by_key(|list| list.next_update.timestamp()) {
        Some(list) => (
            "CRL_HAS_EXPIRED",
            "CRL has expired",
            format!(
                "was due to be replaced on {}",
                show::moment(list.next_update)
            ),
        ),
        None => {
            let first = lists.iter().map(|list| list.this_update).min();
            let first = first.map(show::moment).unwrap_or_default();
            (
                "CRL_NOT_YET_VALID",
                "CRL is not yet valid",
                format!("begins on {first}"),
            )
        }
    };
    let text = format!(
        "{what}: the list of {issuer} {when}, and now is {}",
        show::now(now)
    );
    Refusal::new(code, text)
}

/// A chain that takes more work than any honest one.
fn too_long(leaf: &X509Certificate<'_>) -> Refusal {
    let text = format!(
        "certificate chain too long: the one of {} is too long or too tangled",
        show::subject(leaf)
    );
    Refusal::new("CERT_CHAIN_TOO_LONG", text)
}

/// An authority's certificate where a peer's is expected.
fn authority_as_peer(certificate: &X509Certificate<'_>, purpose: Purpose) -> Refusal {
    let text = format!(
        "{PURPOSE}: {} is an authority's certificate and not a {}'s",
        show::subject(certificate),
        purpose.peer()
    );
    Refusal::new("INVALID_PURPOSE", text)
}

/// A certificate that signed another and may not. The codes are those of the https module, which
/// makes a difference between one that is no authority and one that does not say.
fn not_a_signer(certificate: &X509Certificate<'_>, bar: Bar, purpose: Purpose) -> Refusal {
    let unsaid = || permissions::authority(certificate) == Authority::Unsaid;
    let (code, what, why) = match bar {
        Bar::NoAuthority if unsaid() && permissions::says_it_signs(certificate) => (
            "INVALID_CA",
            CA,
            "it does not say that it is an authority".to_owned(),
        ),
        Bar::NoAuthority => (
            "INVALID_PURPOSE",
            PURPOSE,
            "it is not an authority".to_owned(),
        ),
        Bar::KeyUsage => (
            "INVALID_CA",
            CA,
            "its key usage lacks keyCertSign".to_owned(),
        ),
        Bar::Purpose => (
            "INVALID_PURPOSE",
            PURPOSE,
            format!(
                "its extended key usage does not include {}s",
                purpose.peer()
            ),
        ),
    };
    let subject = show::subject(certificate);
    Refusal::new(
        code,
        format!("{what}: {subject} may not sign others, {why}"),
    )
}

/// How a text begins whose certificate is for something else.
const PURPOSE: &str = "unsuitable certificate purpose";

/// How a text begins whose certificate is no authority's.
const CA: &str = "invalid CA certificate";

/// The inside of a DER sequence, which is how anchors keep their names.
pub(super) fn content(sequence: &[u8]) -> &[u8] {
    Any::from_der(sequence).map_or(&[], |(_, any)| any.data)
}

/// Anchors of one name that are tried: some authorities renewed theirs a few times.
pub(super) const MAX_NAMESAKES: usize = 4;

mod walk;
