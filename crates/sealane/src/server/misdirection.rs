//! Requests for another host than their connection was made for (RFC 9110 §7.4, §15.5.20).
//!
//! What a connection proves was settled in its handshake. Where a server's contexts ask different
//! things of clients, a request for another context's host would go round what that one asks:
//! such a request is answered 421, whether the handshake was full or resumed (engine decision 2).

use std::net::IpAddr;
use std::sync::Arc;

use http::uri::Authority;
use http::{HeaderMap, Uri, header};
use sealane_tls::{Contexts, SecureContext, SecurityDomain};

/// The rule for the requests of one connection; made only where hosts make a difference.
#[derive(Clone, Debug)]
pub(super) struct Misdirection {
    table: Arc<Contexts<SecureContext>>,
    /// What was asked of the client.
    policy: SecurityDomain,
    /// The name of the handshake, where the program chooses contexts by name itself: what it would
    /// have chosen for another name nobody knows, so only the same name will do.
    same_name: Option<Option<String>>,
}

impl Misdirection {
    /// The rule for a connection whose client was asked `policy`; `chosen_for` is the name of its
    /// handshake, where the program chooses by name. `None` if all hosts ask the same.
    pub(super) fn new(
        table: Arc<Contexts<SecureContext>>,
        policy: SecurityDomain,
        chosen_for: Option<Option<&str>>,
    ) -> Option<Self> {
        let differs = table.all().any(|context| context.policy() != policy);
        let same_name = chosen_for.map(|name| name.map(str::to_owned));
        (differs || same_name.is_some()).then_some(Self {
            table,
            policy,
            same_name,
        })
    }

    /// Whether a request is for a host that another handshake would have been made for.
    ///
    /// Both the target's host and the Host field count: a handler may look at either.
    pub(super) fn concerns(&self, uri: &Uri, fields: &HeaderMap) -> bool {
        let target = uri.authority().map(Authority::host);
        let given = fields.get_all(header::HOST).iter();
        let given = given.map(|value| value.to_str().ok().and_then(host_of));
        target
            .map(Some)
            .into_iter()
            .chain(given)
            .any(|host| host.is_none_or(|host| self.is_elsewhere(host)))
    }

    fn is_elsewhere(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        // An address is no name: a handshake for it names nobody (RFC 6066 §3).
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_name = !bare.is_empty() && bare.parse::<IpAddr>().is_err();
        let name = is_name.then_some(host.as_str());
        match &self.same_name {
            Some(known) => known.as_deref() != name,
            None => self.table.select(name).policy() != self.policy,
        }
    }
}

/// The host of a Host field, without its port; `None` if it cannot be read.
fn host_of(field: &str) -> Option<&str> {
    match field.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => Some(host),
        _ => Some(field),
    }
}

#[cfg(test)]
mod tests;
