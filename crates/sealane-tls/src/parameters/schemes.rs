//! The option `sigalgs`: signature schemes by the names OpenSSL gives them (RFC 8446 §4.2.3).
//!
//! They limit what a peer may sign its handshake with and what we sign ours with, in their order.
//! The signatures of certificates by their issuers are not limited, as OpenSSL's client does not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use rustls_pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};

use crate::error::OptionError;

/// Schemes in their order, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schemes(Arc<[SignatureScheme]>);

impl Schemes {
    /// Reads a list separated by colons.
    pub(super) fn parse(text: &str) -> Result<Self, OptionError> {
        if text.is_empty() {
            return Err(refused(
                "ERR_INVALID_ARG_VALUE",
                "the list is empty; leave the option out for the defaults",
            ));
        }
        if text.len() > LONGEST {
            let reason = format!("the list has {} octets; {LONGEST} are allowed", text.len());
            return Err(refused("ERR_INVALID_ARG_VALUE", reason));
        }
        let mut schemes = Vec::new();
        for name in text.split(':').map(str::trim) {
            let scheme = find(name).ok_or_else(|| {
                let reason = format!(
                    "unknown signature scheme {name:?}; names are such as RSA-PSS+SHA256, \
                     ECDSA+SHA384, ed25519 or rsa_pkcs1_sha256"
                );
                refused("ERR_CRYPTO_OPERATION_FAILED", reason)
            })?;
            if !schemes.contains(&scheme) {
                schemes.push(scheme);
            }
        }
        Ok(Self(schemes.into()))
    }

    /// What a provider verifies, limited to these schemes and in their order.
    pub(super) fn limit(
        &self,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<WebPkiSupportedAlgorithms, OptionError> {
        let mapping = limited(algorithms.mapping, &self.0);
        if mapping.is_empty() {
            return Err(refused(
                "ERR_CRYPTO_OPERATION_FAILED",
                "the schemes are known, but none of them is offered here: with RSA keys those are \
                 RSA+SHA… and rsa_pss_rsae_…, from SHA-256",
            ));
        }
        Ok(WebPkiSupportedAlgorithms {
            mapping,
            ..algorithms
        })
    }

    /// A pair that signs by these schemes only.
    pub(super) fn certified(&self, pair: &CertifiedKey) -> CertifiedKey {
        let key = Arc::new(LimitedKey {
            inner: Arc::clone(&pair.key),
            schemes: self.clone(),
        });
        CertifiedKey {
            cert: pair.cert.clone(),
            key,
            ocsp: pair.ocsp.clone(),
        }
    }
}

/// A key that signs by some schemes only.
#[derive(Debug)]
struct LimitedKey {
    /// The key.
    inner: Arc<dyn SigningKey>,
    /// What it may sign by, most wanted first.
    schemes: Schemes,
}

impl SigningKey for LimitedKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let allowed = self.schemes.0.iter();
        allowed
            .filter(|scheme| offered.contains(scheme))
            .find_map(|scheme| self.inner.choose_scheme(&[*scheme]))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.inner.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.inner.algorithm()
    }
}

/// rustls' table of schemes and the algorithms that verify them.
type Mapping = &'static [(
    SignatureScheme,
    &'static [&'static dyn SignatureVerificationAlgorithm],
)];

/// The rows of these schemes, in their order.
///
/// rustls wants such tables to live for ever, so each is made once: what is kept is bounded by
/// the number of different lists that the program writes, not by how often it uses them.
fn limited(all: Mapping, schemes: &[SignatureScheme]) -> Mapping {
    static MADE: Mutex<BTreeMap<(usize, Vec<u16>), Mapping>> = Mutex::new(BTreeMap::new());
    let rows = schemes
        .iter()
        .filter_map(|scheme| all.iter().find(|(known, _)| known == scheme));
    let rows: Vec<_> = rows.copied().collect();
    let ids = rows.iter().map(|(scheme, _)| u16::from(*scheme)).collect();
    // Tables live for ever, so an address names one.
    let key = (all.as_ptr().addr(), ids);
    // Nothing is half done when a thread dies here.
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry(key).or_insert_with(|| Vec::leak(rows))
}

/// The scheme of a name, or of a key and a hash joined by `+`, which means the first that fits.
fn find(name: &str) -> Option<SignatureScheme> {
    let code = match name.split_once('+') {
        None => KNOWN.iter().find(|row| row.0 == name)?.3,
        Some((key, hash)) => {
            let key = if key == "PSS" { "RSA-PSS" } else { key };
            let hash = hash.to_ascii_uppercase();
            KNOWN.iter().find(|row| row.1 == key && row.2 == hash)?.3
        }
    };
    Some(SignatureScheme::from(code))
}

/// The refusal of the option.
fn refused(code: &'static str, reason: impl Into<std::borrow::Cow<'static, str>>) -> OptionError {
    OptionError::new("sigalgs", code, reason)
}

/// Octets a list may have: far more than all names take.
const LONGEST: usize = 4096;

/// Every scheme that OpenSSL knows, offered or not: its name, its kind of key, its hash, and its
/// code point, in OpenSSL's order.
const KNOWN: &[(&str, &str, &str, u16)] = &[
    ("ecdsa_secp256r1_sha256", "ECDSA", "SHA256", 0x0403),
    ("ecdsa_secp384r1_sha384", "ECDSA", "SHA384", 0x0503),
    ("ecdsa_secp521r1_sha512", "ECDSA", "SHA512", 0x0603),
    ("ed25519", "", "", 0x0807),
    ("ed448", "", "", 0x0808),
    ("ecdsa_sha224", "ECDSA", "SHA224", 0x0303),
    ("ecdsa_sha1", "ECDSA", "SHA1", 0x0203),
    ("ecdsa_brainpoolP256r1tls13_sha256", "", "", 0x081a),
    ("ecdsa_brainpoolP384r1tls13_sha384", "", "", 0x081b),
    ("ecdsa_brainpoolP512r1tls13_sha512", "", "", 0x081c),
    ("rsa_pss_rsae_sha256", "RSA-PSS", "SHA256", 0x0804),
    ("rsa_pss_rsae_sha384", "RSA-PSS", "SHA384", 0x0805),
    ("rsa_pss_rsae_sha512", "RSA-PSS", "SHA512", 0x0806),
    ("rsa_pss_pss_sha256", "", "", 0x0809),
    ("rsa_pss_pss_sha384", "", "", 0x080a),
    ("rsa_pss_pss_sha512", "", "", 0x080b),
    ("rsa_pkcs1_sha256", "RSA", "SHA256", 0x0401),
    ("rsa_pkcs1_sha384", "RSA", "SHA384", 0x0501),
    ("rsa_pkcs1_sha512", "RSA", "SHA512", 0x0601),
    ("rsa_pkcs1_sha224", "RSA", "SHA224", 0x0301),
    ("rsa_pkcs1_sha1", "RSA", "SHA1", 0x0201),
    ("dsa_sha256", "DSA", "SHA256", 0x0402),
    ("dsa_sha384", "DSA", "SHA384", 0x0502),
    ("dsa_sha512", "DSA", "SHA512", 0x0602),
    ("dsa_sha224", "DSA", "SHA224", 0x0302),
    ("dsa_sha1", "DSA", "SHA1", 0x0202),
    ("mldsa44", "", "", 0x0904),
    ("mldsa65", "", "", 0x0905),
    ("mldsa87", "", "", 0x0906),
];
