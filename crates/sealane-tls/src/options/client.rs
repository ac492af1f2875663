//! What the user said about a client's TLS. Nothing is set at first, so that sets can be laid
//! over each other; the defaults stand where they are filled in, with their reasons.

use std::fmt;

use rustls::Side;

use super::{check_pins, check_protocol, owned_protocols, shown_protocols};
use crate::check::IdentityCheck;
use crate::context::ClientContext;
use crate::domain::ClientChoices;
use crate::error::OptionError;
use crate::identity::Identity;
use crate::parameters::{TlsParameters, TlsVersion};
use crate::pin::Pins;
use crate::pool_name::{PoolName, short};
use crate::revocation::Revocation;
use crate::trust::Roots;

/// What a client's TLS shall be.
#[derive(Clone, Default)]
pub struct ClientTlsOptions {
    /// Whom to believe.
    ca: Option<Roots>,
    /// Which certificates are no longer good.
    crl: Option<Revocation>,
    /// Whether an authority that is not self-issued may be an anchor.
    allow_partial_trust_chain: Option<bool>,
    /// Who we are.
    identity: Option<Identity>,
    /// Certificates and keys of which the server must have one.
    pins: Option<Pins>,
    /// What the caller asks of the server's identity, instead of the name check.
    check: Option<IdentityCheck>,
    /// Application protocols, most wanted first.
    alpn_protocols: Option<Vec<Vec<u8>>>,
    /// Versions, suites, groups and schemes.
    parameters: TlsParameters,
    /// Whether the host name is sent.
    send_servername: Option<bool>,
    /// Whether secrets for another protocol can be derived.
    exporter: Option<bool>,
    /// Whether an unproved identity ends the connection; set in `danger.rs` only.
    pub(crate) reject_unauthorized: Option<bool>,
    /// Whether a common name can be a server's name; set in `danger.rs` only.
    pub(crate) common_name: Option<bool>,
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

    /// Revocation lists. Default: none, and nothing is asked about revocation.
    ///
    /// With lists, every certificate of the chain below its anchor must be covered by a current
    /// one, or the server is refused (`UNABLE_TO_GET_CRL`, `CRL_HAS_EXPIRED`).
    #[must_use]
    pub fn crl(mut self, lists: Revocation) -> Self {
        self.crl = Some(lists);
        self
    }

    /// Whether a given certificate that is not its own issuer may be an anchor. Default: false, and
    /// then it only helps to build chains: whoever holds an intermediate authority should not
    /// become a root by accident.
    #[must_use]
    pub fn allow_partial_trust_chain(mut self, allow: bool) -> Self {
        self.allow_partial_trust_chain = Some(allow);
        self
    }

    /// The certificate and key to prove who we are when a server asks. Default: none.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Certificates and public keys of which the server's verified chain must hold one, on full and
    /// on resumed handshakes. Default: none are asked for.
    #[must_use]
    pub fn pins(mut self, pins: Pins) -> Self {
        self.pins = Some(pins);
        self
    }

    /// The caller's own check of the server's identity, **instead of** the name check, on full and
    /// on resumed handshakes. The chain is verified before it either way.
    ///
    /// [`check_server_identity`](crate::check_server_identity) is the ordinary check, to be asked
    /// first by a check that only wants to add something.
    #[must_use]
    pub fn check_server_identity(mut self, check: IdentityCheck) -> Self {
        self.check = Some(check);
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
        self.alpn_protocols = Some(owned_protocols(protocols));
        self
    }

    /// The oldest protocol version to speak. Default: TLS 1.2; older ones are broken (RFC 8996).
    #[must_use]
    pub fn min_version(self, version: TlsVersion) -> Self {
        self.parameters(|parameters| parameters.min_version(version))
    }

    /// The newest protocol version to speak. Default: TLS 1.3, the newest there is.
    #[must_use]
    pub fn max_version(self, version: TlsVersion) -> Self {
        self.parameters(|parameters| parameters.max_version(version))
    }

    /// Changes versions, suites, groups and schemes.
    #[must_use]
    pub fn parameters(mut self, change: impl FnOnce(TlsParameters) -> TlsParameters) -> Self {
        self.parameters = change(self.parameters);
        self
    }

    /// Whether to send the host name in clear (SNI, RFC 6066 §3). Default: true, since servers
    /// with several names need it. An IP address is never sent.
    #[must_use]
    pub fn send_servername(mut self, send: bool) -> Self {
        self.send_servername = Some(send);
        self
    }

    /// Whether the connection can derive secrets for other protocols (RFC 5705, RFC 8446 §7.5).
    /// Default: false, since such a connection is served by a slower engine.
    #[must_use]
    pub fn exporter(mut self, wanted: bool) -> Self {
        self.exporter = Some(wanted);
        self
    }

    /// Whether the connection shall be able to derive secrets.
    pub fn exports(&self) -> bool {
        self.exporter.unwrap_or(false)
    }

    /// Lays these options over others: what is set here wins, the rest comes from `base`.
    #[must_use]
    pub fn over(self, base: &Self) -> Self {
        // Without `..`: an option that is added must be laid over too.
        let Self {
            ca,
            crl,
            allow_partial_trust_chain,
            identity,
            pins,
            check,
            alpn_protocols,
            parameters,
            send_servername,
            exporter,
            reject_unauthorized,
            common_name,
        } = self;
        Self {
            ca: ca.or_else(|| base.ca.clone()),
            crl: crl.or_else(|| base.crl.clone()),
            allow_partial_trust_chain: allow_partial_trust_chain.or(base.allow_partial_trust_chain),
            identity: identity.or_else(|| base.identity.clone()),
            pins: pins.or_else(|| base.pins.clone()),
            check: check.or_else(|| base.check.clone()),
            alpn_protocols: alpn_protocols.or_else(|| base.alpn_protocols.clone()),
            parameters: parameters.over(&base.parameters),
            send_servername: send_servername.or(base.send_servername),
            exporter: exporter.or(base.exporter),
            reject_unauthorized: reject_unauthorized.or(base.reject_unauthorized),
            common_name: common_name.or(base.common_name),
        }
    }

    /// Checks everything and makes the context.
    ///
    /// # Errors
    ///
    /// The error names the option that cannot be used.
    pub fn build(self) -> Result<ClientContext, OptionError> {
        let name = self.pool_name();
        let Self {
            ca,
            crl,
            allow_partial_trust_chain,
            identity,
            pins,
            check,
            alpn_protocols,
            parameters,
            send_servername,
            exporter,
            reject_unauthorized,
            common_name,
        } = self;
        let settled = parameters.settle(Side::Client)?;
        let alpn_protocols = alpn_protocols.unwrap_or_else(|| vec![b"http/1.1".to_vec()]);
        alpn_protocols
            .iter()
            .try_for_each(|protocol| check_protocol(protocol))?;
        let reject_unauthorized = reject_unauthorized.unwrap_or(true);
        check_pins(pins.as_ref(), reject_unauthorized)?;
        let choices = ClientChoices {
            roots: ca.unwrap_or_else(Roots::bundled),
            crl,
            allow_partial_trust_chain: allow_partial_trust_chain.unwrap_or(false),
            identity,
            pins,
            check,
            alpn_protocols,
            settled,
            send_servername: send_servername.unwrap_or(true),
            exporter: exporter.unwrap_or(false),
            reject_unauthorized,
            common_name: common_name.unwrap_or(false),
        };
        ClientContext::new(choices, name)
    }

    /// What a pool calls these options (reference §2.3). A certificate and its key are one
    /// identity, so both fields have the same digest, also where they came as PKCS#12.
    fn pool_name(&self) -> PoolName {
        let identity = self.identity.as_ref().map(|it| short(&it.digest()));
        let crl = self.crl.as_ref().map(|lists| short(&lists.digest()));
        let before = [
            self.ca.as_ref().map(|roots| short(roots.digest())),
            identity.clone(),
            None,
            self.parameters.ciphers_text(),
            identity,
            None,
            self.reject_unauthorized.map(|reject| reject.to_string()),
        ];
        PoolName::new(&before, &self.parameters.fields_of_name(crl))
    }
}

impl fmt::Debug for ClientTlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocols = self.alpn_protocols.as_deref().map(shown_protocols);
        f.debug_struct("ClientTlsOptions")
            .field("ca", &self.ca)
            .field("crl", &self.crl)
            .field("allow_partial_trust_chain", &self.allow_partial_trust_chain)
            .field("identity", &self.identity)
            .field("pins", &self.pins)
            .field("check_server_identity", &self.check)
            .field("alpn_protocols", &protocols)
            .field("parameters", &self.parameters)
            .field("send_servername", &self.send_servername)
            .field("exporter", &self.exporter)
            .field("reject_unauthorized", &self.reject_unauthorized)
            .field("common_name", &self.common_name)
            .finish()
    }
}

#[cfg(test)]
mod tests;
