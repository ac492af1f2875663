//! A secure context: parsed, validated, immutable and shared by all connections that use it.
//!
//! A server's stands here, a client's in `context/client.rs`. One context holds one ticket key ring
//! and one credential, so that sessions resume across connections. What rustls leaves to choose is
//! chosen here, with the reason.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};

use crate::crypto::Crypto;
use crate::error::OptionError;
use crate::identity::Identity;
use crate::select::IdentityResolver;

/// Everything a server needs to speak TLS. Cloning shares.
#[derive(Clone)]
pub struct SecureContext {
    /// What rustls' connections share.
    server: Arc<ServerConfig>,
    /// Who we are.
    identity: Identity,
}

/// Options that were checked one by one and against each other.
pub(crate) struct Choices {
    /// Who we are.
    pub(crate) identity: Identity,
    /// Names of 1 to 255 octets each, most wanted first.
    pub(crate) alpn_protocols: Vec<Vec<u8>>,
    /// Whether TLS 1.2 is spoken.
    pub(crate) tls12: bool,
    /// Whether TLS 1.3 is spoken.
    pub(crate) tls13: bool,
    /// Whether our order of suites decides.
    pub(crate) honor_cipher_order: bool,
}

impl SecureContext {
    /// Makes the context of a server.
    pub(crate) fn for_server(choices: Choices) -> Result<Self, OptionError> {
        let mut config =
            ServerConfig::builder_with_provider(Arc::clone(Crypto::choose(None)?.provider()))
                .with_protocol_versions(versions(choices.tls13, choices.tls12))
                .map_err(|error| unusable(&error))?
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(IdentityResolver::new(&choices.identity)));
        config.alpn_protocols = choices.alpn_protocols;
        config.ignore_client_order = choices.honor_cipher_order;
        // TLS 1.2 without extended master secret is taken: what it endangers, client certificates
        // and renegotiation (RFC 7627 §1), is not offered here, and older clients and most
        // protocol test tools do not send it. A client that sends it gets it.
        config.require_ems = false;
        // Sessions live in tickets the client keeps (RFC 8446 §4.6.1, RFC 5077): no memory per
        // client here, and no lock. The keys change every six hours and die with the context.
        config.ticketer = Ticketer::new().map_err(|error| unusable(&error))?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // One ticket per handshake: clients keep one per server, more only cost.
        config.send_tls13_tickets = 1;
        // No early data: it can be replayed, and HTTP requests are not all safe (RFC 8470 §1).
        config.max_early_data_size = 0;
        Ok(Self {
            server: Arc::new(config),
            identity: choices.identity,
        })
    }

    /// The configuration for rustls' server connections.
    pub fn server_config(&self) -> &Arc<ServerConfig> {
        &self.server
    }

    /// The identity that is served.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

impl fmt::Debug for SecureContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocols = self.server.alpn_protocols.iter();
        let protocols: Vec<_> = protocols
            .map(|name| name.escape_ascii().to_string())
            .collect();
        f.debug_struct("SecureContext")
            .field("identity", &self.identity)
            .field("alpn_protocols", &protocols)
            .field("honor_cipher_order", &self.server.ignore_client_order)
            .finish_non_exhaustive()
    }
}

/// All versions, the newest first.
static VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// The versions to speak, of which there is at least one.
fn versions(tls13: bool, tls12: bool) -> &'static [&'static SupportedProtocolVersion] {
    match (tls13, tls12) {
        (true, true) => &VERSIONS,
        (true, false) => &VERSIONS[..1],
        (false, _) => &VERSIONS[1..],
    }
}

/// What rustls refuses although every option was checked: no random numbers, in practice.
fn unusable(error: &rustls::Error) -> OptionError {
    OptionError::new(
        "secure_context",
        "ERR_CRYPTO_OPERATION_FAILED",
        format!("the TLS library cannot be set up: {error}"),
    )
}

mod client;

pub use client::ClientContext;

#[cfg(test)]
mod tests;
