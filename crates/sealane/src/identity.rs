//! Who the server is: a certificate chain and its private key, read from files or memory.
//!
//! Parsing and matching are `sealane-tls`' work; this room reads the files and names them in its
//! errors, so that a message says which of the two files is wrong.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Phase, Result};

/// A certificate chain with the private key of its first certificate.
///
/// Cloning is cheap. `Debug` never shows the key.
#[derive(Clone, Debug)]
pub struct Identity {
    inner: sealane_tls::Identity,
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
        let (chain, key) = (chain.as_ref(), key.as_ref());
        let chain_pem = read(chain, "certificate")?;
        let key_pem = read(key, "private key")?;
        sealane_tls::Identity::from_pem(&chain_pem, &key_pem)
            .map(|inner| Self { inner })
            .map_err(|error| {
                let code = error.code();
                Error::option(format!(
                    "{error} (certificate file {}, key file {})",
                    quoted(chain),
                    quoted(key)
                ))
                .with_code(code)
                .with_source(error)
            })
    }

    /// Reads an identity from PEM text in memory.
    ///
    /// # Errors
    ///
    /// As [`Identity::from_pem_files`], without the files.
    pub fn from_pem(chain_pem: impl AsRef<[u8]>, key_pem: impl AsRef<[u8]>) -> Result<Self> {
        let inner = sealane_tls::Identity::from_pem(chain_pem.as_ref(), key_pem.as_ref())?;
        Ok(Self { inner })
    }

    pub(crate) fn into_inner(self) -> sealane_tls::Identity {
        self.inner
    }
}

/// Reads a PEM file, refusing what no identity needs: an endless device would fill the memory.
fn read(path: &Path, what: &str) -> Result<Vec<u8>> {
    let shown = format!("{what} file {}", quoted(path));
    let failed = |error| Error::io(Phase::Setup, &shown, error);
    let mut octets = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut octets)
        .map_err(failed)?;
    if octets.len() as u64 > LARGEST_FILE {
        let text = format!("{shown}: longer than {LARGEST_FILE} octets, so it is no PEM identity");
        return Err(Error::option(text));
    }
    Ok(octets)
}

/// A path for a message: quoted, with everything unprintable escaped.
fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

/// Octets of the longest file that is read: hundreds of certificates fit.
const LARGEST_FILE: u64 = 1024 * 1024;

#[cfg(test)]
mod tests;
