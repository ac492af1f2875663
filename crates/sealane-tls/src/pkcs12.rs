//! PKCS#12 files (RFC 7292): keys and certificates under one passphrase, read and written.
//!
//! Reads what OpenSSL, Java, NSS and Windows write: PBES2, and the schemes of 1993 with a warning;
//! MACs by RFC 7292 appendix B and PBMAC1 (RFC 9579); the basic encoding. Lists of revoked
//! certificates and secrets in a file are skipped. Which certificate belongs to which key is not
//! decided here. Sizes, nesting and costs are bounded. What is written is of today only.

use zeroize::Zeroizing;

use crate::der::{self, DerError, Element, Reader};
use crate::encryption::{Cost, EncryptionError, Passphrase, oid};
use crate::error::OptionError;

/// What a file holds, in its order.
pub(crate) struct Contents {
    /// Private keys.
    pub(crate) keys: Vec<Key>,
    /// Certificates of all kinds.
    pub(crate) certificates: Vec<Certificate>,
    /// What should no longer be used, named.
    pub(crate) weakness: Option<&'static str>,
    /// Whether a MAC proved that the file was made by someone who knows the passphrase.
    pub(crate) proved: bool,
}

/// A private key.
pub(crate) struct Key {
    /// As PKCS#8.
    pub(crate) octets: Zeroizing<Vec<u8>>,
    /// What ties it to its certificate.
    pub(crate) id: Option<Vec<u8>>,
}

/// A certificate.
pub(crate) struct Certificate {
    /// In DER.
    pub(crate) octets: Vec<u8>,
    /// What ties it to its key.
    pub(crate) id: Option<Vec<u8>>,
}

/// Reads a file.
pub(crate) fn read(octets: &[u8], passphrase: &[u8]) -> Result<Contents, OptionError> {
    if octets.len() > MAX_OCTETS {
        return Err(OptionError::new(
            PFX,
            "ERR_OUT_OF_RANGE",
            format!("longer than {MAX_OCTETS} octets, so it is no identity"),
        ));
    }
    let octets = der::definite(octets).map_err(|error| not_pkcs12(octets, error))?;
    let outer = Outer::read(&octets).map_err(|error| not_pkcs12(&octets, error))?;
    outer.open(passphrase)
}

/// The outermost members of a file.
struct Outer<'a> {
    /// What kind of content it says it has.
    kind: &'a [u8],
    /// The content, still wrapped.
    content: Element<'a>,
    /// What proves the content.
    mac: Option<Element<'a>>,
}

impl<'a> Outer<'a> {
    /// Reads `PFX` (RFC 7292 §4). What stands behind it is not looked at, as OpenSSL does not.
    fn read(octets: &'a [u8]) -> Result<Self, DerError> {
        let mut members = Reader::new(octets).sequence()?;
        if members.expect(der::INTEGER)?.small()? != 3 {
            return Err(DerError::Malformed);
        }
        let (kind, content) = content_info(&mut members)?;
        let mac = members.optional(der::SEQUENCE)?;
        members.finish()?;
        Ok(Self { kind, content, mac })
    }

    /// Checks the MAC and opens everything.
    fn open(&self, passphrase: &[u8]) -> Result<Contents, OptionError> {
        match self.kind {
            oid::CONTENT_PLAIN => {}
            oid::CONTENT_SIGNED => {
                let what = "proved by a signature instead of a passphrase";
                return Err(refused(EncryptionError::Unsupported(what.into()), true));
            }
            _ => return Err(malformed("its content is of an unknown kind")),
        }
        let content = Reader::new(self.content.content)
            .expect(der::OCTET_STRING)
            .map_err(|error| malformed(&error.to_string()))?
            .content;
        let mut cost = Cost::of_one_file();
        let mut passphrase = Passphrase::new(passphrase);
        let mut proved = false;
        if let Some(element) = &self.mac {
            let failed = |error| refused(error, true);
            let proof = mac::Mac::read(element).map_err(failed)?;
            proved = proof
                .verifies(content, &passphrase, &mut cost)
                .map_err(failed)?;
            if !proved && passphrase.is_empty() {
                // Some tools write an empty passphrase as two zeros, some as nothing.
                passphrase = Passphrase::none();
                proved = proof
                    .verifies(content, &passphrase, &mut cost)
                    .map_err(failed)?;
            }
            if !proved {
                return Err(mac_failure());
            }
        }
        let mut reading = bags::Reading::new(&passphrase, cost);
        reading
            .safe(content)
            .map_err(|error| refused(error, proved))?;
        Ok(reading.finish(proved))
    }
}

/// Kind and wrapped content of a `ContentInfo` (RFC 5652 §3).
fn content_info<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], Element<'a>), DerError> {
    let mut members = reader.sequence()?;
    let kind = members.expect(der::OID)?.content;
    let content = members.expect(der::CONTEXT_0)?;
    members.finish()?;
    Ok((kind, content))
}

/// The refusal of a file that cannot be opened. Once the MAC was right the passphrase is.
fn refused(error: EncryptionError, proved: bool) -> OptionError {
    match error {
        EncryptionError::BadDecrypt if proved => OptionError::new(
            PFX,
            "ERR_OSSL_BAD_DECRYPT",
            "bad decrypt: the passphrase proves the file, but not everything in it opens with it",
        ),
        EncryptionError::BadDecrypt => OptionError::new(
            PFX,
            "ERR_OSSL_BAD_DECRYPT",
            "bad decrypt: the passphrase is wrong, or the file is damaged",
        ),
        EncryptionError::Unsupported(what) => OptionError::new(
            PFX,
            "ERR_CRYPTO_UNSUPPORTED_OPERATION",
            format!("unsupported PKCS12 PFX data: the file uses {what}"),
        ),
        EncryptionError::TooCostly(what) => OptionError::new(
            PFX,
            "ERR_OUT_OF_RANGE",
            format!("opening the file would cost too much: {what}"),
        ),
        EncryptionError::Malformed(what) => malformed(&what),
    }
}

/// The refusal of a file whose MAC does not fit.
fn mac_failure() -> OptionError {
    OptionError::new(
        PFX,
        "ERR_OSSL_PKCS12_MAC_VERIFY_FAILURE",
        "mac verify failure: the passphrase is wrong or missing, or the file was changed",
    )
}

/// The refusal of a PKCS#12 file that is broken inside.
fn malformed(what: &str) -> OptionError {
    let reason = format!("the PKCS#12 file is broken: {what}");
    OptionError::new(PFX, "ERR_OSSL_ASN1_NOT_ENOUGH_DATA", reason)
}

/// The refusal of octets that are something else, with what they look like.
fn not_pkcs12(octets: &[u8], error: DerError) -> OptionError {
    let there = octets.len();
    let text = || octets.windows(11).take(4096).any(|it| it == b"-----BEGIN ");
    let reason = if octets.is_empty() {
        "not enough data: it is empty".to_owned()
    } else if octets[0] != der::SEQUENCE && text() {
        "not enough data: this is PEM text and not PKCS#12; give it as certificate and key"
            .to_owned()
    } else if octets[0] == der::SEQUENCE && error == DerError::Truncated {
        format!("not enough data: the file is cut off after {there} octets, or not PKCS#12")
    } else {
        format!("not enough data: these {there} octets are not PKCS#12 (RFC 7292)")
    };
    OptionError::new(PFX, "ERR_OSSL_ASN1_NOT_ENOUGH_DATA", reason)
}

/// The name of the option that holds a file.
pub(crate) const PFX: &str = "pfx";

/// Octets of the longest file that is read: a thousand times an ordinary one.
const MAX_OCTETS: usize = 4 * 1024 * 1024;

mod bags;
mod mac;
mod write;

pub use write::write_pkcs12;

#[cfg(test)]
mod tests;
