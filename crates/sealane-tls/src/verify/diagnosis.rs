//! Why a chain is not believed, under the names that users search for.
//!
//! webpki says which rule was broken; which certificate broke it, and what kind of stranger stands
//! at the end, is found by walking the chain as the peer sent it. The walk decides nothing: the
//! chain is refused already.

use std::sync::Arc;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error};
use x509_parser::asn1_rs::{Any, FromDer as _};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::x509::X509Version;

use super::chain::{Parts, Refused};
use super::reachable::{Excess, MAX_REACHABLE};
use super::signature::Algorithms;
use super::{own_anchor, show, signature};
use crate::error::Refusal;
use crate::permissions::{self, Authority, Bar, Purpose, is_self_issued};
use crate::revocation::List;

/// Puts a failure of path building into words. `refused` is why the last path that was found was
/// not taken.
pub(super) fn of(parts: &Parts<'_>, error: &Error, refused: Option<Refused>) -> Refusal {
    let Ok(([], leaf)) = X509Certificate::from_der(parts.end_entity) else {
        return not_read(parts.purpose);
    };
    let walk = Walk::of(parts, leaf);
    let signer = match (error, &refused) {
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

/// A given certificate as a possible issuer, and why it may not be one.
type GivenIssuer<'a> = (X509Certificate<'a>, Option<Bar>);

/// The chain as it was sent, from the server's certificate towards a root.
struct Walk<'a> {
    /// The certificates that follow from each other by name; never empty.
    path: Vec<X509Certificate<'a>>,
    /// What it was judged by.
    parts: &'a Parts<'a>,
}

impl<'a> Walk<'a> {
    /// Follows the issuers' names through what was sent, until nobody or a root comes next.
    fn of(parts: &'a Parts<'a>, leaf: X509Certificate<'a>) -> Self {
        let read = |der: &'a CertificateDer<'_>| Some(X509Certificate::from_der(der).ok()?.1);
        let mut others: Vec<_> = parts.intermediates.iter().filter_map(read).collect();
        let mut path = vec![leaf];
        while let Some(last) = path.last()
            && !is_self_issued(last)
            && path.len() < MAX_WALK
        {
            let fits = |it: &X509Certificate<'_>| may_have_issued(it, last);
            let named = |it: &X509Certificate<'_>| it.subject().as_raw() == last.issuer().as_raw();
            let next = others
                .iter()
                .position(fits)
                .or(others.iter().position(named));
            let Some(next) = next else { break };
            path.push(others.swap_remove(next));
        }
        Self { path, parts }
    }

    /// The server's own certificate.
    fn leaf(&self) -> &X509Certificate<'a> {
        &self.path[0]
    }

    /// The last certificate that was found.
    fn top(&self) -> &X509Certificate<'a> {
        &self.path[self.path.len() - 1]
    }

    /// The given certificates that may have issued another, and whether they may sign at all.
    fn given_for(&self, certificate: &X509Certificate<'_>) -> Vec<GivenIssuer<'a>> {
        let name = content(certificate.issuer().as_raw());
        let given = self.parts.roots.named(name);
        given
            .filter(|it| it.is_self_issued || self.parts.partial)
            .filter_map(|it| {
                let (_, read) = X509Certificate::from_der(&it.certificate).ok()?;
                Some((read, it.signs(self.parts.purpose).err()))
            })
            .filter(|(issuer, _)| may_have_issued(issuer, certificate))
            .take(MAX_NAMESAKES)
            .collect()
    }

    /// Whether an anchor signed any certificate of the walk.
    fn meets_anchor(&self) -> bool {
        let signed = |it| {
            let mut given = self.given_for(it).into_iter();
            given.any(|(issuer, bar)| bar.is_none() && self.signed(it, &issuer))
        };
        self.path.iter().any(signed)
    }

    /// A given certificate that may not sign, and yet signed one of the walk.
    fn barred(&self) -> Option<Refusal> {
        let mut signed = self.path.iter().filter(|it| !is_self_issued(it));
        signed.find_map(|it| {
            let mut given = self.given_for(it).into_iter();
            given.find_map(|(issuer, bar)| {
                let refusal = not_a_signer(&issuer, bar?, self.parts.purpose);
                Some(refusal).filter(|_| self.signed(it, &issuer))
            })
        })
    }

    /// An authority on the walk that is not of version 3 and so cannot say that it is one.
    fn old_authority(&self) -> Option<Refusal> {
        let mut signers = self.path.iter().skip(1).filter(|it| !is_self_issued(it));
        let old = signers.find(|it| it.version() != X509Version::V3)?;
        let text = format!(
            "{CA}: {} is not of X.509 version 3 and cannot say that it may sign others",
            show::subject(old)
        );
        Some(Refusal::new("INVALID_CA", text)).filter(|_| self.meets_anchor())
    }

    /// Whether one certificate is signed by the key of another.
    fn signed(&self, certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
        signature::holds(certificate, issuer, self.parts.algorithms)
    }

    /// The walk ends at a stranger.
    fn untrusted(&self) -> Refusal {
        if let Some(refusal) = self.barred() {
            return refusal;
        }
        let (leaf, top) = (self.leaf(), self.top());
        let (code, text) = match (self.path.len(), is_self_issued(top)) {
            (1, true) => (
                "DEPTH_ZERO_SELF_SIGNED_CERT",
                format!(
                    "self-signed certificate: {} vouches for itself and is no trust anchor here",
                    show::subject(leaf)
                ),
            ),
            (_, true) => (
                "SELF_SIGNED_CERT_IN_CHAIN",
                format!(
                    "self-signed certificate in certificate chain: it ends at {}, which is no \
                     trust anchor here",
                    show::subject(top)
                ),
            ),
            (1, false) => (
                "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
                format!(
                    "unable to verify the first certificate: {} came without its issuer {}, which \
                     is no trust anchor here",
                    show::subject(leaf),
                    show::issuer(leaf)
                ),
            ),
            (_, false) if self.parts.roots.contains(&top.as_raw().into()) => (
                "UNABLE_TO_GET_ISSUER_CERT",
                format!(
                    "unable to get issuer certificate: {} was given, but its own issuer {} was not \
                     and partial trust chains are not allowed",
                    show::subject(top),
                    show::issuer(top)
                ),
            ),
            (_, false) => (
                "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
                format!(
                    "unable to get local issuer certificate: the chain ends at {}, whose issuer {} \
                     is no trust anchor here",
                    show::subject(top),
                    show::issuer(top)
                ),
            ),
        };
        Refusal::new(code, text)
    }

    /// The first certificate that is out of its dates.
    fn out_of_date(&self, now: UnixTime) -> Refusal {
        let mut faults = self
            .path
            .iter()
            .filter_map(|it| own_anchor::check_dates(it, now).err());
        faults.next().unwrap_or_else(|| {
            let text = "certificate has expired: one of the chain is never valid";
            Refusal::new("CERT_HAS_EXPIRED", text)
        })
    }

    /// The first certificate that none of its possible issuers signed; `None` when the walk comes
    /// to one that has no possible issuer or is truly its own: then the chain is a stranger's, not
    /// forged.
    fn unsigned(&self) -> Option<Refusal> {
        let algorithms = self.parts.algorithms;
        for (index, certificate) in self.path.iter().enumerate() {
            let given = self.given_for(certificate).into_iter();
            let mut issuers: Vec<_> = given.map(|(issuer, _)| issuer).collect();
            let next = self.path.get(index + 1);
            issuers.extend(next.filter(|it| may_have_issued(it, certificate)).cloned());
            let signed =
                |issuer: &X509Certificate<'_>| signature::holds(certificate, issuer, algorithms);
            if issuers.is_empty() || (is_self_issued(certificate) && signed(certificate)) {
                return None;
            }
            if !issuers.iter().any(signed) {
                return Some(bad_signature(certificate, algorithms));
            }
        }
        None
    }

    /// The signer that may not sign: the one that was refused for its key usage, else the first
    /// that is no authority.
    fn not_an_authority(&self, refused: Option<&X509Certificate<'_>>) -> Refusal {
        if let Some(it) = refused {
            return not_a_signer(it, Bar::KeyUsage, self.parts.purpose);
        }
        let mut signers = self.path.iter().skip(1);
        let plain = signers.find(|it| !it.is_ca()).unwrap_or(self.top());
        not_a_signer(plain, Bar::NoAuthority, self.parts.purpose)
    }

    /// A rule that the whole chain broke, or one that has no better words.
    fn by_rule(&self, error: &Error) -> Refusal {
        if let Some(refusal) = self.old_authority() {
            return refusal;
        }
        let leaf = show::subject(self.leaf());
        match error {
            Error::PathLenConstraintViolated => Refusal::new(
                "PATH_LENGTH_EXCEEDED",
                format!(
                    "path length constraint exceeded: more authorities stand above {leaf} than \
                     one of them allows"
                ),
            ),
            Error::NameConstraintViolation => Refusal::new(
                "PERMITTED_VIOLATION",
                format!(
                    "name constraint violation: an authority of {leaf} may not speak for {}",
                    show::list(&show::names(self.leaf()))
                ),
            ),
            Error::UnsupportedCriticalExtension => {
                let mut path = self.path.iter();
                let at_fault = path.find(|it| has_unknown_rule(it)).unwrap_or(self.leaf());
                unreadable(error, at_fault)
            }
            _ => unreadable(error, self.leaf()),
        }
    }
}

/// Whether one certificate may be another's issuer: by name, and by the key identifiers if both
/// have one (RFC 5280 §4.2.1.1). Two authorities may have the same name.
fn may_have_issued(issuer: &X509Certificate<'_>, issued: &X509Certificate<'_>) -> bool {
    let names = issuer.subject().as_raw() == issued.issuer().as_raw();
    match (own_key_id(issuer), issuer_key_id(issued)) {
        (Some(own), Some(wanted)) => names && own == wanted,
        _ => names,
    }
}

/// The identifier of a certificate's own key.
fn own_key_id<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    let mut extensions = certificate.iter_extensions();
    extensions.find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
        _ => None,
    })
}

/// The identifier of the key that signed a certificate.
fn issuer_key_id<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    let mut extensions = certificate.iter_extensions();
    extensions.find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => Some(id.key_identifier.as_ref()?.0),
        _ => None,
    })
}

/// Whether webpki stumbles over a critical extension of this very certificate.
fn has_unknown_rule(certificate: &X509Certificate<'_>) -> bool {
    let der = CertificateDer::from(certificate.as_raw());
    let read = EndEntityCert::try_from(&der).map(drop);
    read == Err(Error::UnsupportedCriticalExtension)
}

/// The inside of a DER sequence, which is how anchors keep their names.
pub(super) fn content(sequence: &[u8]) -> &[u8] {
    Any::from_der(sequence).map_or(&[], |(_, any)| any.data)
}

/// Certificates that are looked at when a chain is put into words: more than any path webpki
/// follows, and few enough that a chain of hundreds costs nothing.
const MAX_WALK: usize = 16;

/// Anchors of one name that are tried: some authorities renewed theirs a few times.
pub(super) const MAX_NAMESAKES: usize = 4;
