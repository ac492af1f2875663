//! Does a chain lead to a trust anchor (RFC 5280 §6.1)?
//!
//! webpki tries the paths; each one it finds must also keep a rule it leaves open: who signs
//! certificates must be allowed to by its key usage. So a certificate that lacks the permission
//! ends one path and not the search.

use std::cell::RefCell;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use super::signature::Algorithms;
use super::{diagnosis, own_anchor};
use crate::error::Refusal;
use crate::trust::Roots;

/// What a server sent, and what it is judged by.
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
        let refused = RefCell::new(None);
        let Err(error) = self.find_path(&refused) else {
            return Ok(());
        };
        Err(diagnosis::of(self, &error, refused.into_inner().as_ref()))
    }

    /// Looks for a path; `refused` keeps a signer that lacked the permission.
    fn find_path(
        &self,
        refused: &RefCell<Option<CertificateDer<'static>>>,
    ) -> Result<(), webpki::Error> {
        let end_entity = EndEntityCert::try_from(self.end_entity)?;
        let may_all_sign = |path: &VerifiedPath<'_>| {
            for signer in path.intermediate_certificates() {
                let der = signer.der();
                if !may_sign(&der) {
                    refused.replace(Some(der.into_owned()));
                    return Err(webpki::Error::EndEntityUsedAsCa);
                }
            }
            Ok(())
        };
        end_entity
            .verify_for_usage(
                self.algorithms,
                self.roots.anchors(),
                self.intermediates,
                self.now,
                KeyUsage::server_auth(),
                None,
                Some(&may_all_sign),
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

/// Whether a certificate's key usage, if it has one, lets it sign others (RFC 5280 §4.2.1.3).
fn may_sign(der: &CertificateDer<'_>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return false;
    };
    match certificate.key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.key_cert_sign(),
        Err(_) => false,
    }
}
