//! Does a chain lead to a trust anchor (RFC 5280 §6.1)?
//!
//! webpki tries the paths among the certificates that can be on one; each path it finds must also
//! keep rules it leaves open: who signs certificates must be allowed to by its key usage, and the
//! anchor's own limit of the path's length holds. So what breaks a rule ends one path and not the
//! search.

use std::cell::RefCell;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use super::reachable::reachable;
use super::signature::Algorithms;
use super::{diagnosis, own_anchor};
use crate::error::Refusal;
use crate::permissions;
use crate::trust::Roots;

/// What a server sent, and what it is judged by.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    /// The server's own certificate.
    pub(super) end_entity: &'a CertificateDer<'a>,
    /// The others, in no order that counts.
    pub(super) intermediates: &'a [CertificateDer<'a>],
    /// Whom to believe.
    pub(super) roots: &'a Roots,
    /// How signatures are checked.
    pub(super) algorithms: Algorithms<'a>,
    /// The moment that dates are compared with.
    pub(super) now: UnixTime,
}

impl Parts<'_> {
    /// Checks the chain.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        // Almost no server sends an anchor, and to compare octets costs less than to read them.
        if self.roots.contains(self.end_entity)
            && let Ok(([], certificate)) = X509Certificate::from_der(self.end_entity)
            && own_anchor::is_one(self.end_entity, &certificate, self.roots)
        {
            return own_anchor::check(self, &certificate);
        }
        match reachable(self.end_entity, self.intermediates) {
            Ok(intermediates) => Parts {
                intermediates: &intermediates,
                ..*self
            }
            .check_path(),
            Err(excess) => Err(diagnosis::too_much(self.end_entity, excess)),
        }
    }

    /// Checks a chain of few certificates that is not its own anchor.
    fn check_path(&self) -> Result<(), Refusal> {
        let refused = RefCell::new(None);
        if let Err(error) = self.find_path(&refused) {
            return Err(diagnosis::of(self, &error, refused.into_inner().as_ref()));
        }
        match X509Certificate::from_der(self.end_entity) {
            Ok((_, leaf)) if permissions::signs_handshakes(&leaf) => Ok(()),
            Ok((_, leaf)) => Err(diagnosis::wrong_usage(&leaf)),
            Err(_) => Err(diagnosis::not_read()),
        }
    }

    /// Looks for a path; `refused` keeps a signer that lacked the permission.
    fn find_path(
        &self,
        refused: &RefCell<Option<CertificateDer<'static>>>,
    ) -> Result<(), webpki::Error> {
        let end_entity = EndEntityCert::try_from(self.end_entity)?;
        let keeps_rules = |path: &VerifiedPath<'_>| {
            let mut authorities = 0;
            for signer in path.intermediate_certificates() {
                let der = signer.der();
                let read = X509Certificate::from_der(&der).ok();
                let Some((_, signer)) = read.filter(|(_, it)| permissions::signs_certificates(it))
                else {
                    refused.replace(Some(der.into_owned()));
                    return Err(webpki::Error::EndEntityUsedAsCa);
                };
                authorities += u32::from(!permissions::is_self_issued(&signer));
            }
            // The limit counts no authority that is its own issuer by name (RFC 5280 §6.1.4 (l)).
            match self.roots.allow_below(path.anchor(), authorities) {
                true => Ok(()),
                false => Err(webpki::Error::PathLenConstraintViolated),
            }
        };
        end_entity
            .verify_for_usage(
                self.algorithms,
                self.roots.anchors(),
                self.intermediates,
                self.now,
                KeyUsage::server_auth(),
                None,
                Some(&keeps_rules),
            )
            .map(drop)
    }
}

/// Whether every certificate of a chain can be read and is within its dates.
pub(super) fn all_current(chain: &[CertificateDer<'_>], now: UnixTime) -> bool {
    chain.iter().all(|der| {
        X509Certificate::from_der(der)
            .is_ok_and(|(_, certificate)| own_anchor::check_dates(&certificate, now).is_ok())
    })
}
