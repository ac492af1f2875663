//! What a pool calls the TLS options of a connection, for people to read.
//!
//! The fields of the module's `getName`, in its order, from `ca` on. A name decides nothing: what
//! may be shared is the security domain's affair. Certificates, keys and lists stand in it as the
//! first octets of their digest, never as text.

use std::fmt::Write as _;

/// The fields around the server name, each with its separator before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolName {
    /// From `ca` to `rejectUnauthorized`.
    before: String,
    /// From `minVersion` on.
    after: String,
}

impl PoolName {
    /// Names options: the fields before and behind the server name; `None` is not set.
    pub(crate) fn new(before: &[Option<String>], after: &[Option<String>]) -> Self {
        let joined = |fields: &[Option<String>]| {
            fields.iter().fold(String::new(), |mut name, field| {
                name.push(':');
                name.push_str(field.as_deref().unwrap_or_default());
                name
            })
        };
        Self {
            before: joined(before),
            after: joined(after),
        }
    }

    /// All fields, with that of the server name; empty where it is that of the host.
    pub fn with_servername(&self, servername: &str) -> String {
        let Self { before, after } = self;
        format!("{before}:{servername}{after}")
    }
}

/// How material stands in a name: enough to tell two apart, and nothing of what it is.
pub(crate) fn short(digest: &[u8; 32]) -> String {
    digest[..8].iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
