//! Has an authority taken a certificate back (RFC 5280 §6.3)?
//!
//! Asked of every certificate on a path: a list of its issuer must be there, be signed by the
//! issuer's key, be in time and not hold it. What is unknown is refused, for whoever shows a
//! revoked certificate would gladly keep the list away. A self-signed certificate is asked of its
//! own list. An anchor that others issued is not asked: its issuer is not known here, and whoever
//! gave it decided (RFC 5280 §6.1).

use std::sync::{Arc, OnceLock};

use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use super::signature::{self, Algorithms};
use super::{diagnosis, show};
use crate::error::Refusal;
use crate::permissions;
use crate::revocation::{List, Revocation};

/// The lists, and whose signatures were found on them.
pub(super) struct Watch {
    /// Each list with the public key that signed it, once that is known. A list may be long: it is
    /// digested once and not for each handshake.
    lists: Vec<(Arc<List>, OnceLock<Vec<u8>>)>,
}

impl Watch {
    /// Watches these lists.
    pub(super) fn new(revocation: &Revocation) -> Self {
        let lists = revocation.lists().iter();
        Self {
            lists: lists.map(|it| (Arc::clone(it), OnceLock::new())).collect(),
        }
    }

    /// The lists themselves.
    pub(super) fn lists(&self) -> impl Iterator<Item = &List> {
        self.lists.iter().map(|(list, _)| list.as_ref())
    }

    /// Checks every certificate of a path, which ends with its anchor.
    pub(super) fn check(
        &self,
        path: &[CertificateDer<'_>],
        algorithms: Algorithms<'_>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let read = path.iter().map(|der| X509Certificate::from_der(der));
        let read: Result<Vec<_>, _> = read.collect();
        let Ok(read) = read else {
            return Err(Refusal::new(
                "CERT_REJECTED",
                "certificate rejected: one of the chain cannot be read",
            ));
        };
        for (index, (_, certificate)) in read.iter().enumerate() {
            match read.get(index + 1) {
                Some((_, issuer)) => self.check_one(certificate, issuer, algorithms, now)?,
                None if permissions::is_self_issued(certificate) => {
                    self.check_one(certificate, certificate, algorithms, now)?;
                }
                None if index == 0 => return Err(diagnosis::no_list(certificate)),
                None => {}
            }
        }
        Ok(())
    }

    /// Checks one certificate against the lists of its issuer.
    fn check_one(
        &self,
        certificate: &X509Certificate<'_>,
        issuer: &X509Certificate<'_>,
        algorithms: Algorithms<'_>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let about = |(list, _): &&(Arc<List>, _)| {
            list.is_of_issuer(certificate) && list.covers(certificate)
        };
        let about: Vec<_> = self.lists.iter().filter(about).collect();
        if about.is_empty() {
            return Err(diagnosis::no_list(certificate));
        }
        if !permissions::signs_lists(issuer) {
            return Err(diagnosis::may_not_sign_lists(issuer));
        }
        let signed = about.into_iter().filter(|(list, signer)| {
            let key = issuer.public_key().raw;
            match signer.get() {
                Some(known) => known == key,
                None if signature::is_by_key_of(list.proof(), issuer, algorithms) => {
                    signer.get_or_init(|| key.to_vec()) == key
                }
                None => false,
            }
        });
        let signed: Vec<_> = signed.map(|(list, _)| list).collect();
        // The newest of those in time: it may have given back what an older one held.
        let current = signed.iter().filter(|list| list.is_current(now));
        let newest = current.max_by_key(|list| list.this_update.timestamp());
        match (newest, signed.first()) {
            (Some(list), _) if list.holds(certificate) => {
                Err(diagnosis::revoked(certificate, list))
            }
            (Some(_), _) => Ok(()),
            (None, Some(_)) => Err(diagnosis::list_out_of_date(certificate, &signed, now)),
            (None, None) => Err(Refusal::new(
                "CRL_SIGNATURE_FAILURE",
                format!(
                    "CRL signature failure: no list under the name of {} is signed by the key of \
                     that issuer of {}",
                    show::issuer(certificate),
                    show::subject(certificate)
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
