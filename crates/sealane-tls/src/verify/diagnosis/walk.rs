//! A chain that is not believed, walked as the peer sent it: who stands where, and who signed whom.

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error};
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::x509::X509Version;

use super::{CA, MAX_NAMESAKES, bad_signature, content, not_a_signer, unreadable};
use crate::error::Refusal;
use crate::permissions::{Bar, is_self_issued};
use crate::verify::chain::Parts;
use crate::verify::{own_anchor, show, signature};

/// A given certificate as a possible issuer, and why it may not be one.
type GivenIssuer<'a> = (X509Certificate<'a>, Option<Bar>);

/// The chain as it was sent, from the server's certificate towards a root.
pub(super) struct Walk<'a> {
    /// The certificates that follow from each other by name; never empty.
    pub(super) path: Vec<X509Certificate<'a>>,
    /// What it was judged by.
    parts: &'a Parts<'a>,
}

impl<'a> Walk<'a> {
    /// Follows the issuers' names through what was sent, until nobody or a root comes next.
    pub(super) fn of(parts: &'a Parts<'a>, leaf: X509Certificate<'a>) -> Self {
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
    pub(super) fn leaf(&self) -> &X509Certificate<'a> {
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
    pub(super) fn meets_anchor(&self) -> bool {
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
    pub(super) fn old_authority(&self) -> Option<Refusal> {
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
    pub(super) fn untrusted(&self) -> Refusal {
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
    pub(super) fn out_of_date(&self, now: UnixTime) -> Refusal {
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
    pub(super) fn unsigned(&self) -> Option<Refusal> {
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
    pub(super) fn not_an_authority(&self, refused: Option<&X509Certificate<'_>>) -> Refusal {
        if let Some(it) = refused {
            return not_a_signer(it, Bar::KeyUsage, self.parts.purpose);
        }
        let mut signers = self.path.iter().skip(1);
        let plain = signers.find(|it| !it.is_ca()).unwrap_or(self.top());
        not_a_signer(plain, Bar::NoAuthority, self.parts.purpose)
    }

    /// A rule that the whole chain broke, or one that has no better words.
    pub(super) fn by_rule(&self, error: &Error) -> Refusal {
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

/// Certificates that are looked at when a chain is put into words: more than any path webpki
/// follows, and few enough that a chain of hundreds costs nothing.
const MAX_WALK: usize = 16;
