//! What the user said about a client's TLS. Nothing is set at first, so that sets can be laid
//! over each other; the defaults stand where they are filled in, with their reasons.

use std::fmt;

use super::{TlsVersion, check_protocol, check_versions};
use crate::context::ClientContext;
use crate::domain::ClientChoices;
use crate::error::OptionError;
use crate::identity::Identity;
use crate::trust::Roots;

/// What a client's TLS shall be.
#[derive(Clone, Default)]
pub struct ClientTlsOptions {
    /// Whom to believe.
    ca: Option<Roots>,
    /// Who we are.
    identity: Option<Identity>,
    /// Application protocols, most wanted first.
    alpn_protocols: Option<Vec<Vec<u8>>>,
    /// The oldest version to speak.
    min_version: Option<TlsVersion>,
    /// The newest version to speak.
    max_version: Option<TlsVersion>,
    /// Whether the host name is sent.
    send_servername: Option<bool>,
    /// Whether an unproved identity ends the connection; set in `danger.rs` only.
    pub(crate) reject_unauthorized: Option<bool>,
}

impl ClientTlsOptions {
    /// Starts with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The trust anchors, instead of the default: those bundled with this crate
    /// ([`Roots::bundled`]), which are the same on every machine.
    ///
    /// A self-signed certificate may be given as its own anchor, also when it calls itself an
    /// authority or has only a common name.
    #[must_use]
    pub fn ca(mut self, roots: Roots) -> Self {
        self.ca = Some(roots);
        self
    }

    /// The certificate and key to prove who we are when a server asks. Default: none.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// The application protocols (RFC 7301) to offer, most wanted first. Default: `http/1.1`.
    ///
    /// Offering the one protocol we speak closes cross-protocol attacks: a server of another kind
    /// with the same certificate must refuse (ALPACA). An empty list turns the extension off.
    #[must_use]
    pub fn alpn_protocols<I>(mut self, protocols: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let names = protocols.into_iter().map(|name| name.as_ref().to_vec());
        self.alpn_protocols = Some(names.collect());
        self
    }

    /// The oldest protocol version to speak. Default: TLS 1.2; older ones are broken (RFC 8996).
    #[must_use]
    pub fn min_version(mut self, version: TlsVersion) -> Self {
        self.min_version = Some(version);
        self
    }

    /// The newest protocol version to speak. Default: TLS 1.3, the newest there is.
    #[must_use]
    pub fn max_version(mut self, version: TlsVersion) -> Self {
        self.max_version = Some(version);
        self
    }

    /// Whether to send the host name in clear (SNI, RFC 6066 §3). Default: true, since servers
    /// with several names need it. An IP address is never sent.
    #[must_use]
    pub fn send_servername(mut self, send: bool) -> Self {
        self.send_servername = Some(send);
        self
    }

    /// Lays these options over others: what is set here wins, the rest comes from `base`.
    #[must_use]
    pub fn over(self, base: &Self) -> Self {
        // Without `..`: an option that is added must be laid over too.
        let Self {
            ca,
            identity,
            alpn_protocols,
            min_version,
            max_version,
            send_servername,
            reject_unauthorized,
        } = self;
        Self {
            ca: ca.or_else(|| base.ca.clone()),
            identity: identity.or_else(|| base.identity.clone()),
            alpn_protocols: alpn_protocols.or_else(|| base.alpn_protocols.clone()),
            min_version: min_version.or(base.min_version),
            max_version: max_version.or(base.max_version),
            send_servername: send_servername.or(base.send_servername),
            reject_unauthorized: reject_unauthorized.or(base.reject_unauthorized),
        }
    }

    /// Checks everything and makes the context.
    ///
    /// # Errors
    ///
    /// The error names the option that cannot be used.
    pub fn build(self) -> Result<ClientContext, OptionError> {
        let Self {
            ca,
            identity,
            alpn_protocols,
            min_version,
            max_version,
            send_servername,
            reject_unauthorized,
        } = self;
        let min_version = min_version.unwrap_or(TlsVersion::V1_2);
        let max_version = max_version.unwrap_or(TlsVersion::V1_3);
        check_versions(min_version, max_version)?;
        let alpn_protocols = alpn_protocols.unwrap_or_else(|| vec![b"http/1.1".to_vec()]);
        alpn_protocols
            .iter()
            .try_for_each(|protocol| check_protocol(protocol))?;
        ClientContext::new(ClientChoices {
            roots: ca.unwrap_or_else(Roots::bundled),
            identity,
            alpn_protocols,
            tls12: min_version == TlsVersion::V1_2,
            tls13: max_version == TlsVersion::V1_3,
            send_servername: send_servername.unwrap_or(true),
            reject_unauthorized: reject_unauthorized.unwrap_or(true),
        })
    }
}

impl fmt::Debug for ClientTlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocols = self.alpn_protocols.as_ref().map(|names| {
            let shown = names.iter().map(|name| name.escape_ascii().to_string());
            shown.collect::<Vec<_>>()
        });
        f.debug_struct("ClientTlsOptions")
            .field("ca", &self.ca)
            .field("identity", &self.identity)
            .field("alpn_protocols", &protocols)
            .field("min_version", &self.min_version)
            .field("max_version", &self.max_version)
            .field("send_servername", &self.send_servername)
            .field("reject_unauthorized", &self.reject_unauthorized)
            .finish()
    }
}

#[cfg(test)]
mod tests;
