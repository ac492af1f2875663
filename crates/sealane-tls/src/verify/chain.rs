//! Does a chain lead to a trust anchor (RFC 5280 §6.1)?
//!
//! webpki tries the paths among the certificates that can be on one; each path it finds must also
//! keep rules it leaves open: who signs certificates must be allowed to by its key usage, the
//! anchor's own limit of the path's length holds, and nothing on it is revoked. So what breaks a
//! rule ends one path and not the search.

use std::cell::RefCell;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use super::reachable::reachable;
use super::revoked::Watch;
use super::signature::Algorithms;
use super::{diagnosis, first_version, own_anchor};
use crate::error::Refusal;
use crate::permissions::{self, Purpose};
use crate::trust::Roots;

/// What a peer sent, and what it is judged by.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    /// The peer's own certificate.
    pub(super) end_entity: &'a CertificateDer<'a>,
    /// The others, in no order that counts.
    pub(super) intermediates: &'a [CertificateDer<'a>],
    /// Whom to believe.
    pub(super) roots: &'a Roots,
    /// Whether a given certificate that others issued may end a path.
    pub(super) partial: bool,
    /// What the certificates are shown for.
    pub(super) purpose: Purpose,
    /// The revocation lists, if there are any.
    pub(super) watch: Option<&'a Watch>,
    /// How signatures are checked.
    pub(super) algorithms: Algorithms<'a>,
    /// The moment that dates are compared with.
    pub(super) now: UnixTime,
}

/// Why a path that webpki found is not taken.
pub(super) enum Refused {
    /// This certificate signed another and may not, by its key usage.
    Signer(CertificateDer<'static>),
    /// Something on it is revoked, or may be.
    Revoked(Refusal),
}

impl Parts<'_> {
    /// Checks the chain, and gives the path from the peer's certificate up to and including the
    /// anchor.
    pub(super) fn check(&self) -> Result<Vec<CertificateDer<'static>>, Refusal> {
        // Almost no peer sends an anchor, and to compare octets costs less than to read them.
        if self.roots.contains(self.end_entity)
            && let Ok(([], certificate)) = X509Certificate::from_der(self.end_entity)
        {
            if permissions::is_self_issued(&certificate) {
                return own_anchor::check(self, &certificate);
            }
            if self.partial {
                // By its issuer first: then revocation lists can be asked.
                let above = self.check_above();
                return above.or_else(|refusal| match refusal.code() {
                    "CERT_REVOKED" => Err(refusal),
                    _ => own_anchor::check(self, &certificate),
                });
            }
        }
        self.check_above()
    }

    /// Checks that nothing on a path was revoked.
    pub(super) fn check_revocation(&self, path: &[CertificateDer<'_>]) -> Result<(), Refusal> {
        match self.watch {
            Some(watch) => watch.check(path, self.algorithms, self.now),
            None => Ok(()),
        }
    }

    /// Checks a chain that must lead to an anchor above the peer's certificate.
    fn check_above(&self) -> Result<Vec<CertificateDer<'static>>, Refusal> {
        // Given certificates that others issued are used like those that were sent.
        let given = self.roots.intermediates();
        match reachable(self.end_entity, self.intermediates.iter().chain(given)) {
            Ok(intermediates) => Parts {
                intermediates: &intermediates,
                ..*self
            }
            .check_path(),
            Err(excess) => Err(diagnosis::too_much(self.end_entity, excess)),
        }
    }

    /// Checks a chain of few certificates that is not its own anchor.
    fn check_path(&self) -> Result<Vec<CertificateDer<'static>>, Refusal> {
        if let Ok(([], leaf)) = X509Certificate::from_der(self.end_entity)
            && permissions::is_first_version(&leaf)
        {
            return first_version::check(self, &leaf);
        }
        let refused = RefCell::new(None);
        let path = match self.find_path(&refused) {
            Ok(path) => path,
            Err(error) => {
                return Err(diagnosis::of(self, &error, refused.into_inner().as_ref()));
            }
        };
        match X509Certificate::from_der(self.end_entity) {
            Ok((_, leaf)) if permissions::signs_handshakes(&leaf) => Ok(path),
            Ok((_, leaf)) => Err(diagnosis::wrong_usage(&leaf, self.purpose)),
            Err(_) => Err(diagnosis::not_read(self.purpose)),
        }
    }

    /// Looks for a path; `refused` keeps why the last one was not taken.
    fn find_path(
        &self,
        refused: &RefCell<Option<Refused>>,
    ) -> Result<Vec<CertificateDer<'static>>, webpki::Error> {
        let end_entity = EndEntityCert::try_from(self.end_entity)?;
        let found = RefCell::new(Vec::new());
        let keeps_rules = |path: &VerifiedPath<'_>| {
            let path = self.keeps_rules(path, refused)?;
            found.replace(path);
            Ok(())
        };
        let usage = match self.purpose {
            Purpose::Server => KeyUsage::server_auth(),
            Purpose::Client => KeyUsage::client_auth(),
        };
        end_entity.verify_for_usage(
            self.algorithms,
            self.roots.anchors(self.purpose, self.partial),
            self.intermediates,
            self.now,
            usage,
            None,
            Some(&keeps_rules),
        )?;
        Ok(found.into_inner())
    }

    /// Checks the rules that webpki leaves open, and gives the path with the anchor's certificate.
    fn keeps_rules(
        &self,
        path: &VerifiedPath<'_>,
        refused: &RefCell<Option<Refused>>,
    ) -> Result<Vec<CertificateDer<'static>>, webpki::Error> {
        let mut certificates = vec![self.end_entity.clone().into_owned()];
        let mut authorities = 0;
        for signer in path.intermediate_certificates() {
            let der = signer.der().into_owned();
            let read = X509Certificate::from_der(&der).ok();
            let Some((_, signer)) = read.filter(|(_, it)| permissions::signs_certificates(it))
            else {
                refused.replace(Some(Refused::Signer(der)));
                return Err(webpki::Error::EndEntityUsedAsCa);
            };
            // The limit counts no authority that is its own issuer by name (RFC 5280 §6.1.4 (l)).
            authorities += u32::from(!permissions::is_self_issued(&signer));
            certificates.push(der);
        }
        let anchor = self.roots;
        let Some(anchor) = anchor.that_allows(path.anchor(), self.purpose, authorities) else {
            return Err(webpki::Error::PathLenConstraintViolated);
        };
        certificates.push(anchor.clone());
        match self.check_revocation(&certificates) {
            Ok(()) => Ok(certificates),
            Err(refusal) => {
                refused.replace(Some(Refused::Revoked(refusal)));
                Err(webpki::Error::CertRevoked)
            }
        }
    }
}
