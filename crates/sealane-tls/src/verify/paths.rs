//! The paths that were found, so that a resumed handshake need not look for them again.
//!
//! A session keeps the chain as the peer sent it, and not which of its certificates led to which
//! anchor. Pins and the certificate object need that path, and dates and revocation are asked of
//! it. Bounded: an old path that was forgotten is found again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls_pki_types::CertificateDer;

use crate::digest::Fields;

/// From the end-entity certificate up to and including the trust anchor. Cloning shares.
pub(super) type Path = Arc<[CertificateDer<'static>]>;

/// The paths of chains that were believed, the newest ones.
#[derive(Default)]
pub(super) struct Paths {
    /// Held for moments only, never while something is verified.
    known: Mutex<Known>,
}

/// What is known: the same digests in both.
#[derive(Default)]
struct Known {
    /// Each path, by the digest of the chain as it was sent.
    by_chain: HashMap<[u8; 32], Path>,
    /// The digests, oldest first.
    order: VecDeque<[u8; 32]>,
}

impl Paths {
    /// Keeps the path of a chain that was believed.
    pub(super) fn remember(
        &self,
        chain: &[CertificateDer<'_>],
        path: Vec<CertificateDer<'static>>,
    ) {
        let digest = digest(chain);
        let mut known = self.lock();
        if known.by_chain.insert(digest, path.into()).is_some() {
            return;
        }
        known.order.push_back(digest);
        if known.order.len() > MAX_CHAINS {
            let oldest = known.order.pop_front();
            oldest.and_then(|oldest| known.by_chain.remove(&oldest));
        }
    }

    /// The path of a chain, if it was believed and is not forgotten.
    pub(super) fn known(&self, chain: &[CertificateDer<'_>]) -> Option<Path> {
        let digest = digest(chain);
        self.lock().by_chain.get(&digest).cloned()
    }

    /// What is known; a panic elsewhere while it was held leaves at worst one entry too many.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The digest of a chain as it was sent.
fn digest(chain: &[CertificateDer<'_>]) -> [u8; 32] {
    let mut fields = Fields::new(b"sealane chain 1");
    fields.put_list(chain.iter().map(AsRef::as_ref));
    fields.finish()
}

/// Chains whose paths are kept: a client speaks with few servers at once, and a server that knows
/// more clients only verifies some of them again.
const MAX_CHAINS: usize = 256;

#[cfg(test)]
mod tests;
