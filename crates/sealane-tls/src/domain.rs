//! The security domain: a digest of all that decides what a connection proves.
//!
//! Two connections may stand for each other, and their sessions too, only when their domains are
//! equal. The digest is taken of checked options by destructuring them without `..`: an option
//! that is added does not compile until it has its place here.

use std::fmt;

use crate::digest::Fields;
use crate::identity::Identity;
use crate::trust::Roots;

/// A digest of all that decides what a connection proves. Equal options give equal domains.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecurityDomain([u8; 32]);

/// A client's options that were checked one by one and against each other.
#[derive(Clone, Debug)]
pub(crate) struct ClientChoices {
    /// Whom to believe.
    pub(crate) roots: Roots,
    /// Who we are, when a server asks.
    pub(crate) identity: Option<Identity>,
    /// Names of 1 to 255 octets each, most wanted first.
    pub(crate) alpn_protocols: Vec<Vec<u8>>,
    /// Whether TLS 1.2 is spoken.
    pub(crate) tls12: bool,
    /// Whether TLS 1.3 is spoken.
    pub(crate) tls13: bool,
    /// Whether the host name is sent in clear (RFC 6066 §3).
    pub(crate) send_servername: bool,
    /// Whether a server that does not prove its identity is refused.
    pub(crate) reject_unauthorized: bool,
}

impl SecurityDomain {
    /// Digests a client's choices.
    pub(crate) fn of_client(choices: &ClientChoices) -> Self {
        let ClientChoices {
            roots,
            identity,
            alpn_protocols,
            tls12,
            tls13,
            send_servername,
            reject_unauthorized,
        } = choices;
        let mut fields = Fields::new(b"sealane client 1");
        fields.put(roots.digest());
        let identity = identity.as_ref().map(Identity::digest);
        fields.put_list(identity.iter().map(<[u8; 32]>::as_slice));
        fields.put_list(alpn_protocols.iter().map(Vec::as_slice));
        for flag in [tls12, tls13, send_servername, reject_unauthorized] {
            fields.put(&[u8::from(*flag)]);
        }
        Self(fields.finish())
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

#[cfg(test)]
mod tests;
