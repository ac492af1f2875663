//! Who the server is: a certificate chain and its private key, read from files or memory.
//!
//! Parsing and matching are `sealane-tls`' work; this room reads the files and names them in its
//! errors, so that a message says which of the two files is wrong.

use std::path::Path;

use crate::error::{Error, Result};
use crate::pem_file::{quoted, read};

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
        let chain_pem = read(chain, "certificate file")?;
        let key_pem = read(key, "private key file")?;
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

#[cfg(test)]
mod tests;
