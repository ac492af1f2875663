//! Where cryptography comes from, and whether there is any.
//!
//! Built with the feature `aws-lc-rs` (the default) it is aws-lc; without it, the `CryptoProvider`
//! that the program installed for rustls, or the one it gave in the options. Digests are not asked
//! of a provider: they stand in `digest.rs`, and serve where there is none.
//!
//! One file holds what is there with the feature, another what is there without, so that nothing
//! else asks which it is.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::sign::SigningKey;
use rustls_pki_types::PrivateKeyDer;

use crate::error::OptionError;

#[cfg(not(feature = "aws-lc-rs"))]
mod absent;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc;

#[cfg(not(feature = "aws-lc-rs"))]
use absent as built_in;
#[cfg(feature = "aws-lc-rs")]
use aws_lc as built_in;

/// Whether TLS can be spoken without a provider in the options.
///
/// True when the crate was built with the feature `aws-lc-rs`, or when the program has installed a
/// provider for its process (`rustls::crypto::CryptoProvider::install_default`). The built-in one
/// is used when there are both: what other libraries install must not change what ours does. To
/// use another one all the same, give it in the options.
pub fn is_available() -> bool {
    built_in::provider().is_some() || CryptoProvider::get_default().is_some()
}

/// Fills octets with randomness of the provider of which [`is_available`] speaks.
///
/// # Errors
///
/// There is no provider, or its generator fails.
pub fn fill_random(octets: &mut [u8]) -> Result<(), OptionError> {
    let crypto = Crypto::choose(None)?;
    let filled = crypto.provider().secure_random.fill(octets);
    filled.map_err(|_| {
        let reason = "the generator of random octets failed";
        OptionError::new("crypto_provider", "ERR_OSSL_RAND", reason)
    })
}

/// The cryptography that was chosen.
#[derive(Clone, Debug)]
pub(crate) struct Crypto {
    /// What rustls takes.
    provider: Arc<CryptoProvider>,
    /// Whether it is ours: then tickets can be sealed, and there are more groups than it names.
    built_in: bool,
}

impl Crypto {
    /// The provider of the options, else the built-in one, else the one the program installed.
    pub(crate) fn choose(given: Option<&Arc<CryptoProvider>>) -> Result<Self, OptionError> {
        if let Some(provider) = given {
            return Ok(Self {
                provider: Arc::clone(provider),
                built_in: false,
            });
        }
        let (provider, built_in) = match built_in::provider() {
            Some(provider) => (provider, true),
            None => (CryptoProvider::get_default().ok_or_else(none)?, false),
        };
        Ok(Self {
            provider: Arc::clone(provider),
            built_in,
        })
    }

    /// What rustls takes.
    pub(crate) fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }

    /// Whether it is ours.
    pub(crate) fn is_built_in(&self) -> bool {
        self.built_in
    }

    /// Every group that may be asked for by name.
    pub(crate) fn groups(&self) -> Vec<&'static dyn SupportedKxGroup> {
        match self.built_in {
            true => built_in::groups(),
            false => self.provider.kx_groups.clone(),
        }
    }

    /// Makes a private key ready to sign; `None` when the provider does not take it.
    pub(crate) fn load_key(&self, key: &PrivateKeyDer<'_>) -> Option<Arc<dyn SigningKey>> {
        // The provider owns its copy, and wipes it.
        self.provider
            .key_provider
            .load_private_key(key.clone_key())
            .ok()
    }
}

/// The refusal where there is no cryptography.
fn none() -> OptionError {
    OptionError::new(
        "crypto_provider",
        "ERR_NO_CRYPTO",
        "not compiled with crypto support: build with the feature `aws-lc-rs`, or install a \
         rustls CryptoProvider, or give one in the options",
    )
}

#[cfg(all(test, feature = "aws-lc-rs"))]
mod tests;
