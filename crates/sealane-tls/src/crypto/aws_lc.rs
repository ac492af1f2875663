//! The cryptography of the feature `aws-lc-rs`: aws-lc with our order of suites, and one group
//! more than rustls has.

use std::sync::{Arc, LazyLock};

use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::{self, cipher_suite as suite};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};

mod p521;

/// The provider, with the defaults in their order.
pub(super) fn provider() -> Option<&'static Arc<CryptoProvider>> {
    Some(&PROVIDER)
}

/// Every group that may be asked for by name.
pub(super) fn groups() -> Vec<&'static dyn SupportedKxGroup> {
    let rustls = aws_lc_rs::ALL_KX_GROUPS.iter().copied();
    rustls.chain([p521::SECP521R1]).collect()
}

/// The cryptography of all contexts that were told nothing else.
///
/// Groups are the library's: X25519, P-256, P-384, and X25519MLKEM768 for clients that ask for it.
/// rustls takes the first group in the *client's* order that both know, so a client that prefers
/// the hybrid pays for it and gets it, and everyone else gets the cheap X25519. When the client
/// sent no key share for that group, it is asked once more (HelloRetryRequest, RFC 8446 §4.1.4).
/// P-521 is not among them: what it adds is not worth what a client could make us compute.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let provider = aws_lc_rs::default_provider();
    Arc::new(CryptoProvider {
        cipher_suites: SUITES.to_vec(),
        ..provider
    })
});

/// The suites, most wanted first: authenticated encryption and ephemeral keys only (RFC 9325 §4.2).
///
/// AES-128-GCM before AES-256-GCM: as safe for our purpose, and the fastest per octet; ChaCha20 is
/// for clients without AES instructions that offer nothing else.
const SUITES: &[SupportedCipherSuite] = &[
    suite::TLS13_AES_128_GCM_SHA256,
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS13_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];
