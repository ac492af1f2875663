//! The security domain: a digest of all that decides what a connection proves.
//!
//! Two connections may stand for each other, and their sessions too, only when their domains are
//! equal. The digest is taken of checked options by destructuring them without `..`: an option
//! that is added does not compile until it has its place here. A server's counterpart is the
//! digest of what it asks of its clients: tickets and contexts are bound to it.

use std::fmt;

use crate::check::IdentityCheck;
use crate::digest::Fields;
use crate::identity::Identity;
use crate::parameters::Settled;
use crate::pin::Pins;
use crate::revocation::Revocation;
use crate::trust::Roots;

/// A digest of all that decides what a connection proves. Equal options give equal domains.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecurityDomain([u8; 32]);

/// A client's options that were checked one by one and against each other.
#[derive(Clone, Debug)]
pub(crate) struct ClientChoices {
    /// Whom to believe.
    pub(crate) roots: Roots,
    /// Which certificates are no longer good.
    pub(crate) crl: Option<Revocation>,
    /// Whether an authority that is not self-issued may be an anchor.
    pub(crate) allow_partial_trust_chain: bool,
    /// Who we are, when a server asks.
    pub(crate) identity: Option<Identity>,
    /// Certificates and keys of which the server must have one.
    pub(crate) pins: Option<Pins>,
    /// What the caller asks of the server's identity, instead of the name check.
    pub(crate) check: Option<IdentityCheck>,
    /// Names of 1 to 255 octets each, most wanted first.
    pub(crate) alpn_protocols: Vec<Vec<u8>>,
    /// Versions, suites, groups and schemes.
    pub(crate) settled: Settled,
    /// Whether the host name is sent in clear (RFC 6066 §3).
    pub(crate) send_servername: bool,
    /// Whether secrets for another protocol can be derived.
    pub(crate) exporter: bool,
    /// Whether a server that does not prove its identity is refused.
    pub(crate) reject_unauthorized: bool,
    /// Whether a common name can be a server's name.
    pub(crate) common_name: bool,
}

/// What a server asks of its clients.
#[derive(Clone, Debug)]
pub(crate) struct ClientPolicy {
    /// Whether a client without a certificate is refused.
    pub(crate) required: bool,
    /// Whether a client that does not prove its identity is refused.
    pub(crate) reject: bool,
    /// Whom to believe.
    pub(crate) roots: Roots,
    /// Which certificates are no longer good.
    pub(crate) crl: Option<Revocation>,
    /// Whether an authority that is not self-issued may be an anchor.
    pub(crate) allow_partial_trust_chain: bool,
    /// Certificates and keys of which a client must have one.
    pub(crate) pins: Option<Pins>,
    /// What the caller asks of a client's identity.
    pub(crate) check: Option<IdentityCheck>,
}

impl SecurityDomain {
    /// Digests a client's choices.
    pub(crate) fn of_client(choices: &ClientChoices) -> Self {
        let ClientChoices {
            roots,
            crl,
            allow_partial_trust_chain,
            identity,
            pins,
            check,
            alpn_protocols,
            settled,
            send_servername,
            exporter,
            reject_unauthorized,
            common_name,
        } = choices;
        let mut fields = Fields::new(b"sealane client 2");
        fields.put(roots.digest());
        put_beliefs(&mut fields, crl.as_ref(), pins.as_ref(), check.as_ref());
        fields.put_optional(identity.as_ref().map(Identity::digest));
        fields.put_list(alpn_protocols.iter().map(Vec::as_slice));
        fields.put(&settled.digest());
        let flags = [
            allow_partial_trust_chain,
            send_servername,
            exporter,
            reject_unauthorized,
            common_name,
        ];
        for flag in flags {
            fields.put(&[u8::from(*flag)]);
        }
        Self(fields.finish())
    }

    /// Digests what a server asks of its clients; `None` asks nothing.
    pub(crate) fn of_policy(policy: Option<&ClientPolicy>) -> Self {
        let mut fields = Fields::new(b"sealane client policy 1");
        if let Some(policy) = policy {
            let ClientPolicy {
                required,
                reject,
                roots,
                crl,
                allow_partial_trust_chain,
                pins,
                check,
            } = policy;
            fields.put(roots.digest());
            put_beliefs(&mut fields, crl.as_ref(), pins.as_ref(), check.as_ref());
            for flag in [required, reject, allow_partial_trust_chain] {
                fields.put(&[u8::from(*flag)]);
            }
        }
        Self(fields.finish())
    }

    /// The octets of the digest.
    pub(crate) fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecurityDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecurityDomain(")?;
        for octet in &self.0[..4] {
            write!(f, "{octet:02x}")?;
        }
        f.write_str("…)")
    }
}

/// Puts what both sides may ask of a peer's identity.
fn put_beliefs(
    fields: &mut Fields,
    crl: Option<&Revocation>,
    pins: Option<&Pins>,
    check: Option<&IdentityCheck>,
) {
    fields.put_optional(crl.map(Revocation::digest));
    fields.put_optional(pins.map(Pins::digest));
    fields.put_optional(check.map(|check| check.id().to_be_bytes()));
}

#[cfg(test)]
mod tests;
