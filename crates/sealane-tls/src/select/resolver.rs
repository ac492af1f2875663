//! Which pair of chain and key a peer is shown (RFC 8446 §4.2.3, RFC 5246 §7.4.2).
//!
//! The first pair of the identity that can sign with one of the peer's schemes; an option may leave
//! only some schemes, in an order of ours. A server without any pair is allowed, and each of its
//! handshakes fails by name: rustls' own way would end them with `access_denied`.

use std::sync::{Arc, LazyLock};

use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

use super::{note_certificate, note_servername};
use crate::certificate::PeerCertificate;
use crate::identity::Identity;
use crate::parameters::Settled;

/// Shows each peer the first pair of an identity whose key the peer accepts, and notes the name a
/// client asked for.
#[derive(Clone, Debug)]
pub(crate) struct IdentityResolver {
    /// Chains and keys, most wanted first, shared by all connections of the context.
    certified: Vec<Arc<CertifiedKey>>,
    /// The same chains as objects, made once for all connections.
    objects: Vec<PeerCertificate>,
    /// Shown when no pair fits; rustls names the true reason only with a pair in its hands.
    misfit: Arc<CertifiedKey>,
}

impl IdentityResolver {
    /// Shows pairs of this identity, which sign by the schemes that were chosen only.
    pub(crate) fn new(identity: &Identity, settled: &Settled) -> Self {
        let pairs = identity.certified();
        let certified: Vec<_> = pairs.map(|pair| settled.certified(pair)).collect();
        // In TLS 1.2 rustls sends no alert when the key it holds cannot sign after all.
        let first = certified.first().filter(|_| !settled.limits_schemes());
        let misfit = first.unwrap_or(&NOTHING).clone();
        let objects = identity.chains().filter_map(PeerCertificate::from_chain);
        Self {
            objects: objects.collect(),
            certified,
            misfit,
        }
    }

    /// Has nothing to show: every handshake that needs a certificate fails.
    pub(crate) fn without_identity() -> Self {
        Self {
            certified: Vec::new(),
            objects: Vec::new(),
            misfit: Arc::clone(&NOTHING),
        }
    }

    /// The certificate that a client with these schemes will be shown, with its chain.
    pub(crate) fn certificate_for(&self, schemes: &[SignatureScheme]) -> Option<&PeerCertificate> {
        self.objects.get(self.place_of(schemes)?)
    }

    /// The same, with a staple (RFC 6066 §8) on the pair that these schemes choose. rustls sends it
    /// to clients that ask for one.
    pub(crate) fn stapling(&self, schemes: &[SignatureScheme], staple: Vec<u8>) -> Self {
        let mut stapling = self.clone();
        let place = stapling
            .certified
            .iter_mut()
            .find(|pair| fits(pair, schemes));
        if let Some(place) = place {
            let mut certified = CertifiedKey::clone(place);
            certified.ocsp = Some(staple);
            *place = Arc::new(certified);
        }
        stapling
    }

    /// The same, with a staple on the first pair, for all connections of a context.
    pub(crate) fn stapling_first(mut self, staple: Vec<u8>) -> Self {
        if let Some(first) = self.certified.first_mut() {
            let mut certified = CertifiedKey::clone(first);
            certified.ocsp = Some(staple);
            *first = Arc::new(certified);
        }
        self
    }

    /// Where the first pair stands that can sign with one of the peer's schemes (RFC 8446 §4.2.3).
    ///
    /// In TLS 1.2 rustls leaves only schemes here that fit a suite both know (RFC 5246 §7.4.2).
    fn place_of(&self, schemes: &[SignatureScheme]) -> Option<usize> {
        self.certified.iter().position(|pair| fits(pair, schemes))
    }

    /// The pair at a place, which is noted as the one that is shown.
    fn show(&self, place: usize) -> &Arc<CertifiedKey> {
        if let Some(object) = self.objects.get(place) {
            note_certificate(object);
        }
        &self.certified[place]
    }
}

/// Whether a pair's key can sign with one of these schemes.
fn fits(pair: &Arc<CertifiedKey>, schemes: &[SignatureScheme]) -> bool {
    pair.key.choose_scheme(schemes).is_some()
}

impl ResolvesServerCert for IdentityResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        note_servername(hello.server_name());
        let fitting = self.place_of(hello.signature_schemes());
        Some(Arc::clone(
            fitting.map_or(&self.misfit, |place| self.show(place)),
        ))
    }
}

impl ResolvesClientCert for IdentityResolver {
    fn resolve(
        &self,
        _issuers: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let place = self.place_of(schemes)?;
        Some(Arc::clone(self.show(place)))
    }

    fn has_certs(&self) -> bool {
        !self.certified.is_empty()
    }
}

/// A key that signs nothing. rustls finds no scheme for it in TLS 1.3 and no suite in TLS 1.2, and
/// tells the client so with `handshake_failure`.
#[derive(Debug)]
struct NoKey;

impl SigningKey for NoKey {
    fn choose_scheme(&self, _offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        None
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Anonymous
    }
}

/// What is shown where there is nothing to show.
static NOTHING: LazyLock<Arc<CertifiedKey>> =
    LazyLock::new(|| Arc::new(CertifiedKey::new(Vec::new(), Arc::new(NoKey))));

#[cfg(test)]
mod tests;
