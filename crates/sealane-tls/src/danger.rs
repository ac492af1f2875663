//! The only door to weaker checks. What is not in this file cannot be weakened.

use crate::options::ClientTlsOptions;

impl ClientTlsOptions {
    /// Whether a server that does not prove its identity is refused. Default: true.
    ///
    /// With `false` a connection goes on although the chain or the name fails, and the verdict
    /// says so with its code ([`Verdict`](crate::Verdict)). Whoever can reach the network between
    /// can then read and change everything. What is still checked: that the server holds the key
    /// of the certificate it sent, and that this key is long enough to prove anything.
    #[must_use]
    pub fn reject_unauthorized(mut self, reject: bool) -> Self {
        self.reject_unauthorized = Some(reject);
        self
    }
}
