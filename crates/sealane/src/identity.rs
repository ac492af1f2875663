//! Who we are: certificate chains and their private keys, read from files or memory.
//!
//! Parsing, opening and matching are `sealane-tls`' work; this room reads the files and names them
//! in its errors, so that a message says which of them is wrong, and it passes warnings on.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use sealane_tls::{OptionError, PeerCertificate};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::pem_file::{quoted, read};
use crate::trust::Roots;

/// One certificate chain with the private key of its first certificate, or several: RSA beside
/// ECDSA, say.
///
/// A peer is shown the first whose key can sign in a way the peer accepts. Cloning is cheap.
/// `Debug` never shows keys.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Chains and keys.
    inner: sealane_tls::Identity,
    /// What PKCS#12 files brought along.
    authorities: Option<Roots>,
    /// What was wrong with them.
    warnings: Arc<[String]>,
}

impl Identity {
    /// Reads an identity from two PEM files: the chain, end-entity certificate first, and the key.
    ///
    /// The key may be PKCS#8, SEC1 or PKCS#1.
    ///
    /// # Errors
    ///
    /// A file that cannot be read (the code is the operating system's, such as `ENOENT`), text
    /// that is not PEM, a missing or encrypted key, or a key that does not belong to the
    /// certificate. The message names the file.
    pub fn from_pem_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self> {
        Self::of_files(chain.as_ref(), key.as_ref(), None)
    }

    /// The same with a key that is encrypted with a passphrase: PKCS#8, as `openssl pkcs8 -topk8`
    /// writes it, or the older style with `Proc-Type: 4,ENCRYPTED`. A key in clear is taken too.
    ///
    /// # Errors
    ///
    /// As [`Identity::from_pem_files`]; a wrong passphrase has the code `ERR_OSSL_BAD_DECRYPT`, and
    /// a key that would take many seconds to open has `ERR_OUT_OF_RANGE`.
    pub fn from_pem_files_encrypted(
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
        passphrase: impl AsRef<[u8]>,
    ) -> Result<Self> {
        Self::of_files(chain.as_ref(), key.as_ref(), Some(passphrase.as_ref()))
    }

    /// Reads an identity from PEM text in memory.
    ///
    /// # Errors
    ///
    /// As [`Identity::from_pem_files`], without the files.
    pub fn from_pem(chain_pem: impl AsRef<[u8]>, key_pem: impl AsRef<[u8]>) -> Result<Self> {
        let inner = sealane_tls::Identity::from_pem(chain_pem.as_ref(), key_pem.as_ref())?;
        Ok(Self::of(inner))
    }

    /// The same with a key that is encrypted with a passphrase.
    ///
    /// # Errors
    ///
    /// As [`Identity::from_pem_files_encrypted`], without the files.
    pub fn from_pem_encrypted(
        chain_pem: impl AsRef<[u8]>,
        key_pem: impl AsRef<[u8]>,
        passphrase: impl AsRef<[u8]>,
    ) -> Result<Self> {
        let (chain, key) = (chain_pem.as_ref(), key_pem.as_ref());
        let inner = sealane_tls::Identity::from_pem_encrypted(chain, key, passphrase.as_ref())?;
        Ok(Self::of(inner))
    }

    /// Reads several chains in PEM text, and their keys in any order, each with its passphrase if
    /// it has one. The order of the chains is the order in which peers are offered them.
    ///
    /// # Errors
    ///
    /// As [`Identity::from_pem_encrypted`]; also a chain whose key is not there, and a key whose
    /// chain is not.
    pub fn from_pem_lists(chains: &[&[u8]], keys: &[(&[u8], Option<&[u8]>)]) -> Result<Self> {
        let inner = sealane_tls::Identity::from_pem_lists(chains, keys)?;
        Ok(Self::of(inner))
    }

    /// Takes a chain of certificates in DER, end-entity certificate first, and its key in DER:
    /// PKCS#8, also encrypted, SEC1 or PKCS#1.
    ///
    /// # Errors
    ///
    /// As [`Identity::from_pem_encrypted`], as far as they can occur.
    pub fn from_der(chain: &[&[u8]], key: &[u8], passphrase: Option<&[u8]>) -> Result<Self> {
        let inner = sealane_tls::Identity::from_der_octets(chain, key, passphrase)?;
        Ok(Self::of(inner))
    }

    /// Reads a PKCS#12 file (`.pfx`, `.p12`): its keys with their certificates, in its order.
    ///
    /// Certificates of issuers in it complete the chains; the others are
    /// [`authorities`](Self::authorities). Outdated encryption is read with a warning to the log.
    ///
    /// # Errors
    ///
    /// A file that cannot be read (the code is the operating system's, such as `ENOENT`); a wrong
    /// passphrase ("mac verify failure"); octets that are no such file ("not enough data"); what is
    /// encrypted in a way that is not supported; a file without a key, and a key without its
    /// certificate. The message names the file.
    pub fn from_pfx_file(path: impl AsRef<Path>, passphrase: impl AsRef<[u8]>) -> Result<Self> {
        let path = path.as_ref();
        let octets = Zeroizing::new(read(path, "PKCS#12 file")?);
        let shown = quoted(path);
        sealane_tls::Identity::from_pkcs12(&octets, passphrase.as_ref())
            .map_err(|error| named(error, &format!("PKCS#12 file {shown}")))
            .and_then(|found| Self::of_pfx(found, &shown))
    }

    /// Reads a PKCS#12 file in memory.
    ///
    /// # Errors
    ///
    /// As [`Identity::from_pfx_file`], without the file.
    pub fn from_pfx(octets: impl AsRef<[u8]>, passphrase: impl AsRef<[u8]>) -> Result<Self> {
        let found = sealane_tls::Identity::from_pkcs12(octets.as_ref(), passphrase.as_ref())?;
        Self::of_pfx(found, "given in memory")
    }

    /// Adds another identity behind this one, for peers that this one does not suit.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let authorities = match (self.authorities, other.authorities) {
            (Some(own), Some(others)) => Some(own.and(others)),
            (own, others) => own.or(others),
        };
        let warnings = self.warnings.iter().chain(&*other.warnings);
        Self {
            inner: self.inner.and(other.inner),
            authorities,
            warnings: warnings.cloned().collect(),
        }
    }

    /// The certificates in PKCS#12 files that belong to no chain: roots, as a rule.
    pub fn authorities(&self) -> Option<&Roots> {
        self.authorities.as_ref()
    }

    /// The end-entity certificates, each with what its chain has above it, in their order.
    pub fn certificates(&self) -> impl Iterator<Item = PeerCertificate> + '_ {
        self.inner.chains().filter_map(PeerCertificate::from_chain)
    }

    /// What was wrong with PKCS#12 files that were read all the same, one line each: outdated
    /// encryption, no proof of integrity. They were written to the log, too.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().map(String::as_str)
    }

    pub(crate) fn into_inner(self) -> sealane_tls::Identity {
        self.inner
    }

    /// Takes what was read.
    fn of(inner: sealane_tls::Identity) -> Self {
        Self {
            inner,
            authorities: None,
            warnings: Arc::default(),
        }
    }

    /// Reads two PEM files.
    fn of_files(chain: &Path, key: &Path, passphrase: Option<&[u8]>) -> Result<Self> {
        let chain_pem = read(chain, "certificate file")?;
        let key_pem = Zeroizing::new(read(key, "private key file")?);
        let keys = [(key_pem.as_slice(), passphrase)];
        sealane_tls::Identity::from_pem_lists(&[&chain_pem], &keys)
            .map(Self::of)
            .map_err(|error| {
                let (chain, key) = (quoted(chain), quoted(key));
                named(error, &format!("certificate file {chain}, key file {key}"))
            })
    }

    /// Takes what a PKCS#12 file holds, and passes its warnings on.
    fn of_pfx(found: sealane_tls::Pkcs12, file: &str) -> Result<Self> {
        for warning in &found.warnings {
            tracing::warn!(file, "{warning}");
        }
        let authorities = match found.authorities.as_slice() {
            [] => None,
            authorities => Some(Roots::from_inner(sealane_tls::Roots::from_der(
                authorities,
            )?)),
        };
        Ok(Self {
            inner: found.identity,
            authorities,
            warnings: found.warnings.into(),
        })
    }
}

/// Writes a chain, end-entity certificate first, and its key, both PEM text, as a PKCS#12 file.
///
/// The key must be PKCS#8 (`BEGIN PRIVATE KEY`). `name` is what people are shown by programs that
/// import the file. Encrypted with AES-256 and proved with HMAC-SHA-256 under the passphrase, as
/// OpenSSL 3 does it; an empty one protects nothing.
///
/// # Errors
///
/// Text without a certificate or a PKCS#8 key, and a name with characters beyond U+FFFF.
pub fn write_pfx(
    chain_pem: impl AsRef<[u8]>,
    key_pem: impl AsRef<[u8]>,
    name: &str,
    passphrase: impl AsRef<[u8]>,
) -> Result<Vec<u8>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain_pem.as_ref()).collect();
    let chain = chain.map_err(|error| Error::option(format!("the chain to write: {error}")))?;
    let key = PrivatePkcs8KeyDer::from_pem_slice(key_pem.as_ref());
    let key = key.map_err(|error| Error::option(format!("the key to write: {error}")))?;
    let key = Zeroizing::new(PrivateKeyDer::Pkcs8(key));
    let mut random = [0; 80];
    sealane_tls::crypto::fill_random(&mut random)?;
    let file = sealane_tls::write_pkcs12(&chain, &key, name, passphrase.as_ref(), &random)?;
    // Encrypted throughout: no secret is copied here.
    Ok(file.to_vec())
}

/// Writes to the log when a certificate expired or is not valid yet: peers are going to refuse it.
pub(crate) fn warn_if_out_of_date(identity: &sealane_tls::Identity) {
    // A clock before 1970 is set wrong; then every certificate is not valid yet.
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = UnixTime::since_unix_epoch(now.unwrap_or_default());
    for warning in identity.warnings(now) {
        tracing::warn!("{warning}");
    }
}

/// The same error with the files it is about.
fn named(error: OptionError, files: &str) -> Error {
    let code = error.code();
    Error::option(format!("{error} ({files})"))
        .with_code(code)
        .with_source(error)
}

#[cfg(test)]
mod tests;
