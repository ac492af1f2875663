//! The only door to weaker checks. What is not in this file cannot be weakened.

use crate::options::{ClientTlsOptions, ServerTlsOptions};

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

impl ClientTlsOptions {
    /// Whether a server's common name counts where its certificate has no alternative name of a
    /// server. Default: false, except for a certificate that was itself given as `ca`.
    ///
    /// Authorities check what they write into alternative names; a common name may be any text
    /// that an applicant liked (RFC 9525 §6.3).
    #[must_use]
    pub fn accept_common_name(mut self, accept: bool) -> Self {
        self.common_name = Some(accept);
        self
    }
}

impl ServerTlsOptions {
    /// Whether a client that does not prove its identity is refused, where clients are asked for
    /// certificates. Default: true.
    ///
    /// With `false` its connection goes on, and the verdict says so with its code: whoever asks
    /// for the client's identity later must look at the verdict first. That the client holds the
    /// key of the certificate it sent is still checked.
    #[must_use]
    pub fn reject_unauthorized(mut self, reject: bool) -> Self {
        self.reject_unauthorized = reject;
        self
    }
}
