//! Who we are: a certificate chain and the private key of its first certificate, matched.
//!
//! From PEM or DER octets; files are read by the facade. Keys may be PKCS#8 (RFC 5958), SEC1
//! (RFC 5915) or PKCS#1 (RFC 8017). Certificates are read for their public key and dates only:
//! whether a peer will trust them is its decision (RFC 5280 §6), and X.509 v1 is served too.

use std::fmt;
use std::sync::Arc;

use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use x509_parser::asn1_rs::{Any, FromDer as _, Oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use crate::crypto::Crypto;
use crate::digest::Fields;
use crate::error::OptionError;
use crate::pem::{self, Block, PemError};

/// One certificate chain with its private key, or several: RSA beside ECDSA, say.
///
/// The order counts: a peer is shown the first whose key can sign in a way the peer accepts.
/// Cloning shares; keys are never shown.
#[derive(Clone)]
pub struct Identity {
    /// At least one pair, most wanted first; shared by all clones.
    pairs: Arc<[Arc<Pair>]>,
}

/// One chain with its key.
struct Pair {
    /// Chain and key as rustls takes them.
    certified: Arc<CertifiedKey>,
    /// The end-entity certificate's subject, as text, unescaped.
    subject: String,
    /// When the end-entity certificate starts and ends to be valid, in seconds of Unix time.
    validity: (i64, i64),
}

impl Identity {
    /// Reads a chain, end-entity certificate first, and its key from PEM text.
    ///
    /// Text around the blocks is skipped, and one text that holds both chain and key may be given
    /// twice.
    ///
    /// # Errors
    ///
    /// The error names the option `cert` or `key`: nothing found, swapped, cut off, not base64
    /// (with the line), not a certificate, encrypted, several keys, a kind of key that is not
    /// supported, or a key that belongs to another certificate.
    pub fn from_pem(chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, OptionError> {
        Self::from_der(chain_from_pem(chain_pem)?, key_from_pem(key_pem)?)
    }

    /// Takes a chain, end-entity certificate first, and its key in DER.
    ///
    /// # Errors
    ///
    /// As [`Identity::from_pem`], as far as they can occur.
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, OptionError> {
        Ok(Self {
            pairs: Arc::new([Arc::new(Pair::new(chain, key)?)]),
        })
    }

    /// Adds another identity's pairs behind the own ones.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            pairs: self.pairs.iter().chain(&*other.pairs).cloned().collect(),
        }
    }

    /// The certificates of the first pair in DER, end-entity certificate first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        // Every constructor puts one in; none would mean no certificate.
        self.chains().next().unwrap_or_default()
    }

    /// The certificates of each pair in DER, end-entity certificate first.
    pub fn chains(&self) -> impl ExactSizeIterator<Item = &[CertificateDer<'static>]> {
        self.pairs.iter().map(|pair| &*pair.certified.cert)
    }

    /// The first and the last moment at which each end-entity certificate is valid, in seconds of
    /// Unix time, in the order of the pairs.
    ///
    /// Nothing is refused here for being out of date: this crate does not ask for the time.
    pub fn validity(&self) -> impl ExactSizeIterator<Item = (i64, i64)> {
        self.pairs.iter().map(|pair| pair.validity)
    }

    /// Chains and keys as rustls takes them, most wanted first.
    pub(crate) fn certified(&self) -> impl ExactSizeIterator<Item = Arc<CertifiedKey>> {
        self.pairs.iter().map(|pair| Arc::clone(&pair.certified))
    }

    /// A digest of all chains in their order. A chain's first certificate names its key, which was
    /// matched with it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut fields = Fields::new(b"sealane identity 1");
        for chain in self.chains() {
            fields.put_list(chain.iter().map(AsRef::as_ref));
        }
        fields.finish()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity ")?;
        f.debug_list().entries(&*self.pairs).finish()
    }
}

impl Pair {
    /// Matches a chain, end-entity certificate first, with its key.
    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, OptionError> {
        // The library has copied what it needs; our copy of the secret is wiped on every way out.
        let key = Zeroizing::new(key);
        let signing = Crypto::choose(None)?.load_key(&key);
        let signing = signing.ok_or_else(|| unsupported_key(&key))?;
        let parsed = parse_chain(&chain)?;
        check_match(&parsed, signing.as_ref())?;
        // parse_chain refuses an empty chain.
        let Some(leaf) = parsed.first() else {
            return Err(no_certificate(""));
        };
        let subject = leaf.subject().to_string();
        let dates = leaf.validity();
        let validity = (dates.not_before.timestamp(), dates.not_after.timestamp());
        drop(parsed);
        Ok(Self {
            // `CertifiedKey::new` does not parse the certificate: webpki would refuse X.509 v1.
            certified: Arc::new(CertifiedKey::new(chain, signing)),
            subject,
            validity,
        })
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("subject", &self.subject)
            .field("certificates", &self.certified.cert.len())
            .field("key", &self.certified.key.algorithm())
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

/// The certificates of a PEM text; blocks that are no certificates are skipped.
fn chain_from_pem(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, OptionError> {
    let blocks = pem::blocks(text).map_err(|error| broken_pem(CERT, error))?;
    if let Some(block) = blocks.iter().find(|block| is_other_certificate(block)) {
        return Err(other_certificate(block));
    }
    let mut chain = Vec::new();
    for block in blocks.iter().filter(|block| block.label == "CERTIFICATE") {
        let der = block.decode().map_err(|error| broken_pem(CERT, error))?;
        chain.push(CertificateDer::from(der));
    }
    if !chain.is_empty() {
        return Ok(chain);
    }
    Err(match blocks.first() {
        None => no_certificate(pem::advice(text)),
        Some(block) if block.label.ends_with("PRIVATE KEY") => OptionError::new(
            CERT,
            "ERR_OSSL_PEM_NO_START_LINE",
            "a private key was given where the certificate is expected; are the two swapped?",
        ),
        Some(Block { label, line, .. }) => OptionError::new(
            CERT,
            "ERR_OSSL_PEM_NO_START_LINE",
            format!(
                "no certificate found: line {line} begins a \"{label}\", \
                 expected is a \"CERTIFICATE\""
            ),
        ),
    })
}

/// Whether a block holds a certificate in a form that only OpenSSL reads.
fn is_other_certificate(block: &Block<'_>) -> bool {
    matches!(block.label, "TRUSTED CERTIFICATE" | "X509 CERTIFICATE")
}

/// The refusal of such a block: skipped, the chain would lose a certificate without a word.
fn other_certificate(block: &Block<'_>) -> OptionError {
    let Block { label, line, .. } = block;
    let reason = format!(
        "line {line} begins a \"{label}\", which is not supported; make it a \"CERTIFICATE\" with \
         `openssl x509 -in CERT -out PLAIN`"
    );
    OptionError::new(CERT, "ERR_OSSL_UNSUPPORTED", reason)
}

/// The one private key of a PEM text; other blocks are skipped.
fn key_from_pem(text: &[u8]) -> Result<PrivateKeyDer<'static>, OptionError> {
    let blocks = pem::blocks(text).map_err(|error| broken_pem(KEY, error))?;
    let keys: Vec<_> = blocks
        .iter()
        .filter(|block| block.label.ends_with("PRIVATE KEY"))
        .collect();
    match keys.as_slice() {
        [] => Err(no_key(&blocks, pem::advice(text))),
        [key] => decode_key(key),
        [first, second, ..] => Err(OptionError::new(
            KEY,
            "ERR_INVALID_ARG_VALUE",
            format!(
                "{} private keys found, in lines {}, {} …; give one",
                keys.len(),
                first.line,
                second.line
            ),
        )),
    }
}

/// Decodes a block that holds a private key.
fn decode_key(block: &Block<'_>) -> Result<PrivateKeyDer<'static>, OptionError> {
    if block.label == "ENCRYPTED PRIVATE KEY" || block.is_encrypted() {
        return Err(OptionError::new(
            KEY,
            "ERR_OSSL_BAD_DECRYPT",
            "the key is encrypted, and a passphrase is not supported yet; \
             decrypt it first with `openssl pkey -in KEY -out PLAIN`",
        ));
    }
    let label = block.label;
    if !matches!(label, "PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY") {
        return Err(OptionError::new(
            KEY,
            "ERR_OSSL_UNSUPPORTED",
            format!("a \"{label}\" is not supported; give a PKCS#8, SEC1 or PKCS#1 key"),
        ));
    }
    let der = block.decode().map_err(|error| broken_pem(KEY, error))?;
    Ok(match label {
        "EC PRIVATE KEY" => PrivateSec1KeyDer::from(der).into(),
        "RSA PRIVATE KEY" => PrivatePkcs1KeyDer::from(der).into(),
        _ => PrivatePkcs8KeyDer::from(der).into(),
    })
}

/// Parses every certificate of a chain, so that a broken one is named now and not by a peer.
fn parse_chain<'a>(
    chain: &'a [CertificateDer<'static>],
) -> Result<Vec<X509Certificate<'a>>, OptionError> {
    if chain.is_empty() {
        return Err(no_certificate(""));
    }
    let count = chain.len();
    chain
        .iter()
        .enumerate()
        .map(|(index, der)| match X509Certificate::from_der(der) {
            Ok(([], certificate)) => Ok(certificate),
            _ => Err(OptionError::new(
                CERT,
                "ERR_INVALID_ARG_VALUE",
                format!(
                    "certificate {} of {count} is not a valid X.509 certificate",
                    index + 1
                ),
            )),
        })
        .collect()
}

/// Checks that the key belongs to the first certificate (RFC 8446 §4.4.2: it must come first).
fn check_match(chain: &[X509Certificate<'_>], key: &dyn SigningKey) -> Result<(), OptionError> {
    let mismatch =
        |reason: String| OptionError::new(KEY, "ERR_OSSL_X509_KEY_VALUES_MISMATCH", reason);
    let Some(spki) = key.public_key() else {
        return Err(mismatch(
            "the key does not tell its public half, so it cannot be matched".into(),
        ));
    };
    let Ok((_, ours)) = SubjectPublicKeyInfo::from_der(spki.as_ref()) else {
        return Err(mismatch("the key's public half cannot be read".into()));
    };
    let same_bits = |theirs: &X509Certificate<'_>| {
        theirs.public_key().subject_public_key == ours.subject_public_key
    };
    match chain.iter().position(same_bits) {
        Some(0) if chain[0].public_key().algorithm.algorithm != ours.algorithm.algorithm => {
            // An RSASSA-PSS certificate: rustls signs under the plain RSA identifier, and clients
            // would refuse that (RFC 8446 §4.2.3). Better now than in every handshake.
            let oid = chain[0].public_key().algorithm.algorithm.to_id_string();
            Err(OptionError::new(
                CERT,
                "ERR_OSSL_UNSUPPORTED",
                format!("the certificate's kind of public key ({oid}) is not supported"),
            ))
        }
        Some(0) => Ok(()),
        Some(index) => Err(mismatch(format!(
            "the key belongs to certificate {} of {}; put that one first in the chain",
            index + 1,
            chain.len()
        ))),
        None => Err(mismatch(
            "the key does not belong to the certificate".into(),
        )),
    }
}

/// The refusal of a text or a list without a certificate.
fn no_certificate(advice: &str) -> OptionError {
    let reason = format!("no certificate found: expected is PEM text with a CERTIFICATE{advice}");
    OptionError::new(CERT, "ERR_OSSL_PEM_NO_START_LINE", reason)
}

/// The refusal of a text without a private key, by what stands there instead.
fn no_key(blocks: &[Block<'_>], advice: &str) -> OptionError {
    let reason = match blocks.first() {
        None => format!("no private key found: expected is PEM text with a PRIVATE KEY{advice}"),
        Some(block) if block.label == "CERTIFICATE" => {
            "a certificate was given where the private key is expected; are the two swapped?".into()
        }
        Some(Block { label, line, .. }) => format!(
            "no private key found: line {line} begins a \"{label}\", expected is a \"PRIVATE KEY\""
        ),
    };
    OptionError::new(KEY, "ERR_OSSL_UNSUPPORTED", reason)
}

/// The refusal of text that is not PEM.
fn broken_pem(option: &'static str, error: PemError) -> OptionError {
    let code = match (option, error) {
        (CERT, PemError::Unterminated { .. }) => "ERR_OSSL_PEM_BAD_END_LINE",
        (
            CERT,
            PemError::BadMarker { .. }
            | PemError::EscapedLineEnds { .. }
            | PemError::Unopened { .. },
        ) => "ERR_OSSL_PEM_NO_START_LINE",
        (CERT, _) => "ERR_OSSL_PEM_BAD_BASE64_DECODE",
        // OpenSSL's key decoder gives one name for everything it cannot read.
        _ => "ERR_OSSL_UNSUPPORTED",
    };
    OptionError::new(option, code, error.to_string())
}

/// Says which kind of key it is, as far as its wrapping tells, and which kinds are supported.
fn unsupported_key(key: &PrivateKeyDer<'_>) -> OptionError {
    let found = match key {
        PrivateKeyDer::Pkcs1(_) => "an RSA key of unsuitable size, or broken",
        PrivateKeyDer::Sec1(_) => "a key on another elliptic curve, or broken",
        PrivateKeyDer::Pkcs8(key) => pkcs8_kind(key.secret_pkcs8_der()),
        _ => "of an unknown form",
    };
    let reason = format!(
        "the key is {found}; supported are RSA of 2048 to 8192 bits, \
         ECDSA on P-256, P-384 or P-521, and Ed25519"
    );
    OptionError::new(KEY, "ERR_OSSL_UNSUPPORTED", reason)
}

/// Names the algorithm of a PKCS#8 key (RFC 5958 §2) that could not be loaded.
fn pkcs8_kind(der: &[u8]) -> &'static str {
    match pkcs8_algorithm(der).as_deref() {
        None => "not PKCS#8, or broken",
        Some("1.2.840.113549.1.1.1") => "an RSA key of unsuitable size, or broken",
        Some("1.2.840.113549.1.1.10") => "an RSASSA-PSS key",
        Some("1.2.840.10045.2.1") => "a key on another elliptic curve, or broken",
        Some("1.2.840.10040.4.1") => "a DSA key",
        Some("1.3.101.110" | "1.3.101.111") => "a key agreement key, which cannot sign",
        Some("1.3.101.112") => "a broken Ed25519 key",
        Some("1.3.101.113") => "an Ed448 key",
        Some(_) => "of another algorithm",
    }
}

/// The algorithm identifier of a PKCS#8 key: the second member of the outer sequence.
fn pkcs8_algorithm(der: &[u8]) -> Option<String> {
    let (_, outer) = Any::from_der(der).ok()?;
    let (rest, _version) = Any::from_der(outer.data).ok()?;
    let (_, algorithm) = Any::from_der(rest).ok()?;
    let (_, oid) = Oid::from_der(algorithm.data).ok()?;
    Some(oid.to_id_string())
}

/// The name of the option that holds the chain.
const CERT: &str = "cert";

/// The name of the option that holds the private key.
const KEY: &str = "key";

#[cfg(test)]
mod tests;
