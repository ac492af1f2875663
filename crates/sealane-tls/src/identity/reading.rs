//! Chains and keys out of PEM text, keys also out of DER, in clear or encrypted.
//!
//! Whether they belong together is not decided here; nor how encryption works.

use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use zeroize::Zeroizing;

use super::pair::no_certificate;
use super::{CERT, KEY};
use crate::encryption::{self, Cost, Passphrase};
use crate::error::OptionError;
use crate::pem::{self, Block, PemError};

/// The certificates of a PEM text; blocks that are no certificates are skipped.
pub(super) fn chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, OptionError> {
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

/// The one private key of a PEM text, opened with the passphrase if it is encrypted; other blocks
/// are skipped.
pub(super) fn key(
    text: &[u8],
    passphrase: Option<&[u8]>,
) -> Result<Zeroizing<PrivateKeyDer<'static>>, OptionError> {
    let blocks = pem::blocks(text).map_err(|error| broken_pem(KEY, error))?;
    let keys: Vec<_> = blocks
        .iter()
        .filter(|block| block.label.ends_with("PRIVATE KEY"))
        .collect();
    match keys.as_slice() {
        [] => Err(no_key(&blocks, pem::advice(text))),
        [key] => decode_key(key, passphrase),
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

/// Decodes a block that holds a private key, and opens it.
fn decode_key(
    block: &Block<'_>,
    passphrase: Option<&[u8]>,
) -> Result<Zeroizing<PrivateKeyDer<'static>>, OptionError> {
    let label = block.label;
    if !matches!(
        label,
        "PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY" | "ENCRYPTED PRIVATE KEY"
    ) {
        return Err(OptionError::new(
            KEY,
            "ERR_OSSL_UNSUPPORTED",
            format!("a \"{label}\" is not supported; give a PKCS#8, SEC1 or PKCS#1 key"),
        ));
    }
    let mut der = Zeroizing::new(block.decode().map_err(|error| broken_pem(KEY, error))?);
    let dek_info = block.dek_info();
    if label == "ENCRYPTED PRIVATE KEY" || dek_info.is_some() {
        let passphrase = Passphrase::new(passphrase.ok_or_else(no_passphrase)?);
        der = match dek_info {
            Some(dek_info) => encryption::open_traditional(dek_info, &der, &passphrase),
            None => encryption::open_pkcs8(&der, &passphrase, &mut Cost::of_one_file()),
        }
        .map_err(|error| error.of_key(KEY))?;
    }
    let der = std::mem::take(&mut *der);
    Ok(Zeroizing::new(match label {
        "EC PRIVATE KEY" => PrivateSec1KeyDer::from(der).into(),
        "RSA PRIVATE KEY" => PrivatePkcs1KeyDer::from(der).into(),
        _ => PrivatePkcs8KeyDer::from(der).into(),
    }))
}

/// A private key in DER, of whatever form, opened with the passphrase if it is encrypted PKCS#8.
pub(super) fn key_from_der(
    octets: &[u8],
    passphrase: Option<&[u8]>,
) -> Result<Zeroizing<PrivateKeyDer<'static>>, OptionError> {
    if encryption::is_pkcs8(octets) {
        let passphrase = Passphrase::new(passphrase.ok_or_else(no_passphrase)?);
        let mut opened = encryption::open_pkcs8(octets, &passphrase, &mut Cost::of_one_file())
            .map_err(|error| error.of_key(KEY))?;
        let opened = std::mem::take(&mut *opened);
        return Ok(Zeroizing::new(PrivatePkcs8KeyDer::from(opened).into()));
    }
    PrivateKeyDer::try_from(octets)
        .map(|key| Zeroizing::new(key.clone_key()))
        .map_err(|_| {
            let reason = "the octets are no private key in DER: PKCS#8, SEC1 and PKCS#1 are read";
            OptionError::new(KEY, "ERR_OSSL_UNSUPPORTED", reason)
        })
}

/// The refusal of an encrypted key without a passphrase.
fn no_passphrase() -> OptionError {
    OptionError::new(
        KEY,
        "ERR_OSSL_BAD_DECRYPT",
        "bad decrypt: the key is encrypted, and no passphrase was given",
    )
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
