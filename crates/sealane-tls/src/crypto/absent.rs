//! Built without a provider: cryptography is what the program brings.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup};

/// There is none.
pub(super) fn provider() -> Option<&'static Arc<CryptoProvider>> {
    None
}

/// Nor any group.
pub(super) fn groups() -> Vec<&'static dyn SupportedKxGroup> {
    Vec::new()
}
