//! The rules of a verifier, and what both kinds of it have in common: chain, revocation, memory.

use std::fmt;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use super::chain::Parts;
use super::paths::{Path, Paths};
use super::revoked::Watch;
use super::{evidence, own_anchor};
use crate::error::Refusal;
use crate::permissions::Purpose;
use crate::revocation::Revocation;
use crate::trust::Roots;

/// What peers are judged by.
#[derive(Clone)]
pub(crate) struct VerifierRules {
    /// Whom to believe.
    pub(crate) roots: Roots,
    /// What authorities have taken back; without lists nobody is asked.
    pub(crate) crl: Option<Revocation>,
    /// Whether a given authority that others issued may end a path.
    pub(crate) allow_partial_trust_chain: bool,
    /// Whether a server's common name counts where there is no alternative name of a server.
    pub(crate) common_name: bool,
    /// Whether a server's name is checked here; false when the caller has a check of its own.
    pub(crate) checks_name: bool,
    /// How signatures are checked.
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
    /// Whether a judgement against the peer ends the connection.
    pub(crate) reject: bool,
}

#[cfg(test)]
impl VerifierRules {
    /// For tests: nothing is allowed beside what the defaults allow.
    pub(crate) fn strict(roots: Roots) -> Self {
        use rustls::crypto::aws_lc_rs;
        Self {
            roots,
            crl: None,
            allow_partial_trust_chain: false,
            common_name: false,
            checks_name: true,
            algorithms: aws_lc_rs::default_provider().signature_verification_algorithms,
            reject: true,
        }
    }
}

impl fmt::Debug for VerifierRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierRules")
            .field("roots", &self.roots)
            .field("crl", &self.crl)
            .field("allow_partial_trust_chain", &self.allow_partial_trust_chain)
            .field("common_name", &self.common_name)
            .field("checks_name", &self.checks_name)
            .field("reject", &self.reject)
            .finish_non_exhaustive()
    }
}

/// Judges chains for one purpose.
pub(super) struct Judge {
    /// What they are judged by.
    pub(super) rules: VerifierRules,
    /// What the certificates are shown for.
    purpose: Purpose,
    /// The revocation lists, if there are any.
    watch: Option<Watch>,
    /// The paths that were found.
    paths: Paths,
}

impl Judge {
    /// Judges by these rules.
    pub(super) fn new(rules: VerifierRules, purpose: Purpose) -> Self {
        Self {
            watch: rules.crl.as_ref().map(Watch::new),
            paths: Paths::default(),
            purpose,
            rules,
        }
    }

    /// Judges a chain as a peer sent it, end-entity certificate first, and remembers its path.
    pub(super) fn chain(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Refusal> {
        let [end_entity, intermediates @ ..] = chain else {
            let text = format!("the {} sent no certificate", self.purpose.peer());
            return Err(Refusal::new("CERT_REJECTED", text));
        };
        let path = self.parts(end_entity, intermediates, now).check()?;
        self.paths.remember(chain, path);
        Ok(())
    }

    /// Judges the chain of a session that was resumed: dates and revocation again.
    ///
    /// Signatures and purposes cannot have changed since the handshake that made the session. They
    /// are checked again all the same when the path is not known any more, when some date on it
    /// has passed or a certificate of it was revoked, for there may be another path, and when that
    /// handshake was allowed to fail.
    pub(super) fn resumed(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Refusal> {
        match self.paths.known(chain) {
            Some(path) if self.still_holds(&path, now) => Ok(()),
            _ => self.chain(chain, now),
        }
    }

    /// The verified path of a chain as the peer sent it, from the end-entity certificate up to and
    /// including the trust anchor; `None` when the chain was not believed.
    pub(super) fn path(&self, chain: &[CertificateDer<'_>]) -> Option<Path> {
        self.paths.known(chain)
    }

    /// Adds to a refusal what was found in the chain.
    pub(super) fn explained(
        &self,
        refusal: Refusal,
        chain: &[CertificateDer<'_>],
        wanted: Option<String>,
        now: UnixTime,
    ) -> Refusal {
        match chain {
            [] => refusal,
            [end_entity, intermediates @ ..] => {
                let parts = self.parts(end_entity, intermediates, now);
                evidence::add(refusal, &parts, wanted)
            }
        }
    }

    /// Whether the dates of a verified path hold, and nothing on it was revoked.
    ///
    /// An anchor's dates count only where it stands for itself (RFC 5280 §6.2).
    fn still_holds(&self, path: &Path, now: UnixTime) -> bool {
        let dated = match path.len() {
            1 => &path[..],
            length => &path[..length - 1],
        };
        let current = |der: &CertificateDer<'_>| {
            X509Certificate::from_der(der)
                .is_ok_and(|(_, certificate)| own_anchor::check_dates(&certificate, now).is_ok())
        };
        let unrevoked = |watch: &Watch| watch.check(path, self.rules.algorithms.all, now).is_ok();
        dated.iter().all(current) && self.watch.as_ref().is_none_or(unrevoked)
    }

    /// A chain and what it is judged by.
    fn parts<'a>(
        &'a self,
        end_entity: &'a CertificateDer<'a>,
        intermediates: &'a [CertificateDer<'a>],
        now: UnixTime,
    ) -> Parts<'a> {
        Parts {
            end_entity,
            intermediates,
            roots: &self.rules.roots,
            partial: self.rules.allow_partial_trust_chain,
            purpose: self.purpose,
            watch: self.watch.as_ref(),
            algorithms: self.rules.algorithms.all,
            now,
        }
    }
}

/// A chain in one piece, as the peer sent it: rustls hands it over in two.
pub(super) fn as_sent<'a>(
    end_entity: &CertificateDer<'a>,
    intermediates: &[CertificateDer<'a>],
) -> Vec<CertificateDer<'a>> {
    let chain = std::iter::once(end_entity).chain(intermediates);
    chain.cloned().collect()
}
