//! Secure contexts: what TLS is like for one of a server's names.

use sealane_tls::ServerTlsOptions;

use crate::error::Result;
use crate::identity::Identity;
use crate::tls_options::server_tls_setters;

/// What TLS shall be like for one of a server's names: an identity, and what is asked of clients.
///
/// ```
/// use sealane::{Identity, SecureContext, SecureContextOptions, TlsVersion};
///
/// # fn example() -> sealane::Result<()> {
/// let identity = Identity::from_pem_files("other.pem", "other-key.pem")?;
/// let options = SecureContextOptions::new(identity).min_version(TlsVersion::V1_3);
/// let context = SecureContext::new(options)?;
/// # drop(context);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SecureContextOptions {
    tls: ServerTlsOptions,
}

impl SecureContextOptions {
    /// Options for a context that proves itself with `identity`, with the same defaults as a
    /// server's own.
    pub fn new(identity: Identity) -> Self {
        Self {
            tls: ServerTlsOptions::new(identity.into_inner()),
        }
    }

    server_tls_setters!();

    fn tls(mut self, change: impl FnOnce(ServerTlsOptions) -> ServerTlsOptions) -> Self {
        self.tls = change(self.tls);
        self
    }
}

impl From<Identity> for SecureContextOptions {
    fn from(identity: Identity) -> Self {
        Self::new(identity)
    }
}

/// What TLS is like for one of a server's names, checked and ready. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct SecureContext {
    inner: sealane_tls::SecureContext,
}

impl SecureContext {
    /// Checks the options and makes a context of them.
    ///
    /// # Errors
    ///
    /// An option cannot be honoured; the message names it.
    pub fn new(options: impl Into<SecureContextOptions>) -> Result<Self> {
        let inner = options.into().tls.build()?;
        Ok(Self { inner })
    }

    pub(crate) fn inner(&self) -> &sealane_tls::SecureContext {
        &self.inner
    }
}
