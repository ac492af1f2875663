//! One certificate chain and its private key, matched.
//!
//! The match is one of public keys; that the key can sign is rustls' word.

use std::fmt;
use std::sync::Arc;

use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::asn1_rs::{Any, FromDer as _, Oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::time::ASN1Time;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{CERT, KEY};
use crate::crypto::Crypto;
use crate::error::OptionError;

/// One chain with its key.
pub(super) struct Pair {
    /// Chain and key as rustls takes them.
    pub(super) certified: Arc<CertifiedKey>,
    /// The end-entity certificate's subject, as text, unescaped.
    subject: String,
    /// When the end-entity certificate starts and ends to be valid, in seconds of Unix time.
    pub(super) validity: (i64, i64),
}

impl Pair {
    /// Matches a chain, end-entity certificate first, with its key.
    pub(super) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: Arc<dyn SigningKey>,
    ) -> Result<Self, OptionError> {
        let parsed = parse_chain(&chain)?;
        check_match(&parsed, key.as_ref())?;
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
            certified: Arc::new(CertifiedKey::new(chain, key)),
            subject,
            validity,
        })
    }

    /// What to warn of: that the end-entity certificate is not valid at this moment, in seconds
    /// of Unix time.
    pub(super) fn warning(&self, now: i64) -> Option<String> {
        let (first, last) = self.validity;
        let whose = self.subject.escape_debug();
        if now > last {
            let day = day(last);
            Some(format!(
                "the certificate \"{whose}\" expired on {day}; peers refuse it"
            ))
        } else if now < first {
            let day = day(first);
            Some(format!(
                "the certificate \"{whose}\" is not valid before {day}; peers refuse it"
            ))
        } else {
            None
        }
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

/// Takes a key in clear for signing. The library copies what it needs.
pub(super) fn load(key: &PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, OptionError> {
    Crypto::choose(None)?
        .load_key(key)
        .ok_or_else(|| unsupported_key(key))
}

/// Whether a key belongs to a certificate, by their public halves.
pub(super) fn belongs(key: &dyn SigningKey, certificate: &X509Certificate<'_>) -> bool {
    let Some(spki) = key.public_key() else {
        return false;
    };
    SubjectPublicKeyInfo::from_der(spki.as_ref()).is_ok_and(|(_, ours)| {
        ours.subject_public_key == certificate.public_key().subject_public_key
    })
}

/// A day for a message, or the seconds when no calendar reaches it.
fn day(seconds: i64) -> String {
    match ASN1Time::from_timestamp(seconds) {
        Ok(time) => time.to_datetime().date().to_string(),
        Err(_) => format!("second {seconds} of Unix time"),
    }
}

/// Parses every certificate of a chain, so that a broken one is named now and not by a peer.
pub(super) fn parse_chain<'a>(
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
pub(super) fn no_certificate(advice: &str) -> OptionError {
    let reason = format!("no certificate found: expected is PEM text with a CERTIFICATE{advice}");
    OptionError::new(CERT, "ERR_OSSL_PEM_NO_START_LINE", reason)
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
