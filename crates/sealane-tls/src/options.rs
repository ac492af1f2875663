//! What the user said about TLS, not yet believed: `build()` is the gate.
//!
//! A server's options stand here, a client's in `options/client.rs`, each with its default and the
//! reason for it.

use crate::context::{Choices, SecureContext};
use crate::error::OptionError;
use crate::identity::Identity;
pub use crate::parameters::TlsVersion;

/// What a server's TLS shall be.
#[derive(Clone, Debug)]
pub struct ServerTlsOptions {
    /// Who the server is.
    identity: Identity,
    /// Application protocols, most wanted first.
    alpn_protocols: Vec<Vec<u8>>,
    /// The oldest version to speak.
    min_version: TlsVersion,
    /// The newest version to speak.
    max_version: TlsVersion,
    /// Whether our order of suites decides.
    honor_cipher_order: bool,
}

impl ServerTlsOptions {
    /// Starts with an identity and the defaults.
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            alpn_protocols: vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()],
            min_version: TlsVersion::V1_2,
            max_version: TlsVersion::V1_3,
            honor_cipher_order: true,
        }
    }

    /// The application protocols (RFC 7301) to agree on, most wanted first. Default: `http/1.1`,
    /// then `http/1.0`.
    ///
    /// `http/1.0` (registered like the other, and read by the same parser) is for clients that
    /// offer nothing else, as `curl --http1.0` does: they could not connect at all.
    ///
    /// A client that offers protocols, but none of these, is refused with the alert
    /// `no_application_protocol`: speaking one the client did not name opens cross-protocol
    /// attacks. One that offers none at all is served. An empty list turns the extension off.
    #[must_use]
    pub fn alpn_protocols<I>(mut self, protocols: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.alpn_protocols = protocols
            .into_iter()
            .map(|protocol| protocol.as_ref().to_vec())
            .collect();
        self
    }

    /// The oldest protocol version to speak. Default: TLS 1.2, which clients of ten years ago have.
    #[must_use]
    pub fn min_version(mut self, version: TlsVersion) -> Self {
        self.min_version = version;
        self
    }

    /// The newest protocol version to speak. Default: TLS 1.3, the newest there is.
    #[must_use]
    pub fn max_version(mut self, version: TlsVersion) -> Self {
        self.max_version = version;
        self
    }

    /// Whether the server's order of cipher suites decides, not the client's. Default: true.
    ///
    /// The server's own order is AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305: the fastest first on
    /// machines with AES instructions, which servers have. Key exchange groups always follow the
    /// client's order.
    #[must_use]
    pub fn honor_cipher_order(mut self, honor: bool) -> Self {
        self.honor_cipher_order = honor;
        self
    }

    /// Checks everything and makes the context.
    ///
    /// # Errors
    ///
    /// The error names the option that cannot be used.
    pub fn build(self) -> Result<SecureContext, OptionError> {
        check_versions(self.min_version, self.max_version)?;
        self.alpn_protocols
            .iter()
            .try_for_each(|protocol| check_protocol(protocol))?;
        SecureContext::for_server(Choices {
            identity: self.identity,
            alpn_protocols: self.alpn_protocols,
            tls12: self.min_version == TlsVersion::V1_2,
            tls13: self.max_version == TlsVersion::V1_3,
            honor_cipher_order: self.honor_cipher_order,
        })
    }
}

/// Checks that some version lies between the bounds.
fn check_versions(min: TlsVersion, max: TlsVersion) -> Result<(), OptionError> {
    if min <= max {
        return Ok(());
    }
    Err(OptionError::new(
        "min_version",
        "ERR_INVALID_ARG_VALUE",
        format!("{min} is newer than max_version {max}"),
    ))
}

/// Checks the length of a protocol's name: 1 to 255 octets (RFC 7301 §3.1).
fn check_protocol(protocol: &[u8]) -> Result<(), OptionError> {
    match protocol.len() {
        0 => Err(OptionError::new(
            "alpn_protocols",
            "ERR_INVALID_ARG_VALUE",
            "a protocol's name is empty",
        )),
        1..=255 => Ok(()),
        length => Err(OptionError::new(
            "alpn_protocols",
            "ERR_OUT_OF_RANGE",
            format!("a protocol's name has {length} octets; 255 are allowed"),
        )),
    }
}

mod client;

pub use client::ClientTlsOptions;

#[cfg(test)]
mod tests;
