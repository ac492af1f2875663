//! Whom we trust, and whom no longer: roots and revocation lists, from files, memory, the system or
//! the bundle.
//!
//! Parsing is `sealane-tls`' work; this room reads the file and names it in its errors.

use std::path::Path;

use sealane_tls::OptionError;

use crate::error::{Error, Result};
use crate::pem_file::{quoted, read};
use crate::system;

/// Trust anchors, as whole certificates. Cloning is cheap.
///
/// A self-signed certificate is its own anchor when it is given here, even if it says that it is an
/// authority, or has no name but its common name.
#[derive(Clone, Debug)]
pub struct Roots {
    inner: sealane_tls::Roots,
}

impl Roots {
    /// The public authorities that ship with this crate: Mozilla's list. This is the default.
    pub fn bundled() -> Self {
        Self {
            inner: sealane_tls::Roots::bundled(),
        }
    }

    /// The authorities that this machine trusts, or those in the places that the environment names
    /// with `SSL_CERT_FILE` and `SSL_CERT_DIR`. A certificate that cannot be read is passed over.
    ///
    /// Reads the system's store each time: seconds on some machines, so do it once.
    ///
    /// # Errors
    ///
    /// The system has no store, or nothing in it can be read.
    pub fn system() -> Result<Self> {
        let mut certificates = system::trust_anchors()?;
        let all = certificates.len();
        certificates.retain(|certificate| sealane_tls::Roots::from_der([certificate]).is_ok());
        if certificates.len() < all {
            let unread = all - certificates.len();
            tracing::warn!(unread, "certificates of the system's store cannot be read");
        }
        let inner = sealane_tls::Roots::from_der(certificates)?;
        Ok(Self { inner })
    }

    /// Reads certificates from PEM text; everything else in it is passed over.
    ///
    /// # Errors
    ///
    /// There is no certificate in it, or one that cannot be read; the message says which.
    pub fn from_pem(octets: impl AsRef<[u8]>) -> Result<Self> {
        let inner = sealane_tls::Roots::from_pem(octets)?;
        Ok(Self { inner })
    }

    /// Reads certificates from a PEM file.
    ///
    /// # Errors
    ///
    /// As [`Roots::from_pem`], and the file cannot be read (the code is the operating system's,
    /// such as `ENOENT`). The message names the file.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self> {
        let inner = from_file(path.as_ref(), "CA file", sealane_tls::Roots::from_pem)?;
        Ok(Self { inner })
    }

    /// These roots and those of `others`.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self {
            inner: self.inner.and(others.inner),
        }
    }

    pub(crate) fn from_inner(inner: sealane_tls::Roots) -> Self {
        Self { inner }
    }

    pub(crate) fn into_inner(self) -> sealane_tls::Roots {
        self.inner
    }
}

/// Certificate revocation lists (RFC 5280 §5). Cloning is cheap.
///
/// Whoever is judged with lists must be covered by them: each certificate of the chain below its
/// anchor needs a current list of its issuer.
#[derive(Clone, Debug)]
pub struct Revocation {
    inner: sealane_tls::Revocation,
}

impl Revocation {
    /// Reads lists from PEM text; everything else in it is passed over.
    ///
    /// # Errors
    ///
    /// There is no list in it, or one that cannot be read (`ERR_CRYPTO_OPERATION_FAILED`).
    pub fn from_pem(octets: impl AsRef<[u8]>) -> Result<Self> {
        let inner = sealane_tls::Revocation::from_pem(octets.as_ref())?;
        Ok(Self { inner })
    }

    /// Takes lists in DER.
    ///
    /// # Errors
    ///
    /// None is given, or one cannot be read (`ERR_CRYPTO_OPERATION_FAILED`).
    pub fn from_der<I>(lists: I) -> Result<Self>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let inner = sealane_tls::Revocation::from_der(lists)?;
        Ok(Self { inner })
    }

    /// Reads lists from a PEM file.
    ///
    /// # Errors
    ///
    /// As [`Revocation::from_pem`], and the file cannot be read (the code is the operating
    /// system's, such as `ENOENT`). The message names the file.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self> {
        let parse = sealane_tls::Revocation::from_pem;
        let inner = from_file(path.as_ref(), "revocation list file", parse)?;
        Ok(Self { inner })
    }

    /// These lists and those of `others`.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self {
            inner: self.inner.and(others.inner),
        }
    }

    pub(crate) fn into_inner(self) -> sealane_tls::Revocation {
        self.inner
    }
}

/// Reads a file and what its text means; a failure names the file, and `what` it is for.
fn from_file<T>(
    path: &Path,
    what: &str,
    parse: impl FnOnce(Vec<u8>) -> std::result::Result<T, OptionError>,
) -> Result<T> {
    let octets = read(path, what)?;
    parse(octets).map_err(|error| {
        let code = error.code();
        Error::option(format!("{error} ({what} {})", quoted(path)))
            .with_code(code)
            .with_source(error)
    })
}
