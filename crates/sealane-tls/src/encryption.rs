//! Private keys and parts of PKCS#12 that are encrypted with a passphrase, opened.
//!
//! PBES2 and PBES1 (RFC 8018 §6), the schemes of PKCS#12 (RFC 7292 appendix C), and the style of
//! RFC 1421 that OpenSSL calls traditional. How long a passphrase is stretched is the file's word,
//! so every stretching is paid from a `Cost`, and what is dearer is refused with its figure.
//! Only `scheme.rs` and below know algorithms; only AES-256 is ever written.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::der::{self, DerError, Element, Reader};
use crate::error::OptionError;

/// A passphrase in the two forms that schemes take.
pub(crate) struct Passphrase {
    /// As it was given: PBES1, PBES2 and the traditional style take these octets.
    octets: Zeroizing<Vec<u8>>,
    /// As PKCS#12 takes it: UTF-16, most significant octet first, two zeros behind
    /// (RFC 7292 appendix B.1).
    wide: Zeroizing<Vec<u8>>,
}

impl Passphrase {
    /// Takes a passphrase, in UTF-8 as a rule.
    ///
    /// Other octets stand for the characters of Latin-1 in the wide form, as with OpenSSL.
    /// Characters beyond U+FFFF become two units, as every other tool does it, although RFC 7292
    /// knows no such characters.
    pub(crate) fn new(octets: &[u8]) -> Self {
        let mut wide = Zeroizing::new(Vec::with_capacity(2 * octets.len() + 2));
        let mut push = |unit: u16| wide.extend_from_slice(&unit.to_be_bytes());
        match std::str::from_utf8(octets) {
            Ok(text) => text.encode_utf16().for_each(&mut push),
            Err(_) => octets.iter().for_each(|octet| push(u16::from(*octet))),
        }
        push(0);
        Self {
            octets: Zeroizing::new(octets.to_vec()),
            wide,
        }
    }

    /// The passphrase of a PKCS#12 file that has none: not even the two zeros.
    pub(crate) fn none() -> Self {
        Self {
            octets: Zeroizing::default(),
            wide: Zeroizing::default(),
        }
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }
}

/// Why something could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EncryptionError {
    /// The passphrase is wrong, or octets were damaged; nobody can tell which.
    BadDecrypt,
    /// Made with an algorithm that is not known here; the text names it.
    Unsupported(String),
    /// More work or memory than any honest file needs; the text says how much.
    TooCostly(String),
    /// The octets are not what they should be.
    Malformed(Cow<'static, str>),
}

impl EncryptionError {
    /// The same as an error of the option that holds a private key.
    pub(crate) fn of_key(self, option: &'static str) -> OptionError {
        let unsupported = "ERR_OSSL_UNSUPPORTED";
        match self {
            Self::BadDecrypt => OptionError::new(
                option,
                "ERR_OSSL_BAD_DECRYPT",
                "bad decrypt: the passphrase is wrong, or the key is damaged",
            ),
            Self::Unsupported(what) => OptionError::new(
                option,
                unsupported,
                format!(
                    "the key is encrypted with {what}, which is not supported; encrypt it anew \
                     with `openssl pkcs8 -topk8 -in KEY -out NEW`"
                ),
            ),
            Self::TooCostly(what) => OptionError::new(
                option,
                "ERR_OUT_OF_RANGE",
                format!("opening the key would cost too much: {what}"),
            ),
            Self::Malformed(what) => OptionError::new(
                option,
                unsupported,
                format!("the encrypted key is broken: {what}"),
            ),
        }
    }
}

impl From<DerError> for EncryptionError {
    fn from(error: DerError) -> Self {
        Self::Malformed(error.to_string().into())
    }
}

/// What may still be spent on stretching passphrases for one file.
pub(crate) struct Cost {
    /// Rounds that are left; one is a computation of a keyed digest.
    rounds: u64,
}

impl Cost {
    /// What one file may cost.
    pub(crate) fn of_one_file() -> Self {
        Self { rounds: MAX_ROUNDS }
    }

    /// Takes rounds away, or refuses.
    pub(crate) fn spend(&mut self, rounds: u64) -> Result<(), EncryptionError> {
        match self.rounds.checked_sub(rounds) {
            Some(left) => {
                self.rounds = left;
                Ok(())
            }
            None => Err(EncryptionError::TooCostly(format!(
                "it asks for {rounds} rounds of key derivation; one file may have {MAX_ROUNDS}"
            ))),
        }
    }
}

/// Opens an encrypted PKCS#8 key (RFC 5958 §3); what comes out is a SEQUENCE.
pub(crate) fn open_pkcs8(
    octets: &[u8],
    passphrase: &Passphrase,
    cost: &mut Cost,
) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
    let octets = der::definite(octets)?;
    let mut outer = Reader::new(&octets);
    let mut members = outer.sequence()?;
    outer.finish()?;
    let scheme = Scheme::read(&mut members)?;
    let encrypted = members.expect(der::OCTET_STRING)?;
    members.finish()?;
    let opened = scheme.open(encrypted.content, passphrase, cost)?;
    one_sequence(opened)
}

/// Whether octets are an encrypted PKCS#8 key, by their outermost members.
pub(crate) fn is_pkcs8(octets: &[u8]) -> bool {
    let read = || {
        let mut members = Reader::new(octets).sequence()?;
        members.sequence()?;
        members.expect(der::OCTET_STRING)?;
        members.finish()
    };
    read().is_ok()
}

/// Opens a key in the traditional style: its DEK-Info field (RFC 1421 §4.6.1.3) and its octets.
pub(crate) fn open_traditional(
    dek_info: &str,
    octets: &[u8],
    passphrase: &Passphrase,
) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
    one_sequence(scheme::open_traditional(dek_info, octets, passphrase)?)
}

/// Refuses what is not exactly one SEQUENCE: about one wrong passphrase in 256 goes past the
/// padding.
fn one_sequence(opened: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
    match Element::only(&opened) {
        Ok(element) if element.tag == der::SEQUENCE => Ok(opened),
        _ => Err(EncryptionError::BadDecrypt),
    }
}

/// Rounds of key derivation for one file: ten times what careful tools use today (600,000 for each
/// of MAC, certificates and key). With SHA-256 that is about five seconds of an optimised build;
/// more only lets a file stop its reader.
const MAX_ROUNDS: u64 = 10_000_000;

mod cipher;
mod derivation;
pub(crate) mod oid;
mod scheme;

pub(crate) use cipher::seal_aes256;
pub(crate) use derivation::{Digest, Purpose, hmac_sha256, pbkdf2, pkcs12};
pub(crate) use scheme::{Pbkdf2, Scheme, algorithm, keyed_digest};

#[cfg(test)]
mod tests;
