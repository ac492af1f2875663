//! Requests for another host than their connection was made for (RFC 9110 §7.4, §15.5.20).
//!
//! What a connection proves was settled in its handshake. Where a server's contexts ask different
//! things of clients, a request for another context's host would go round what that one asks:
//! such a request is answered 421, whether the handshake was full or resumed (engine decision 2).
//! The contexts are those of the moment of the request, also on connections that are older.

use std::net::IpAddr;
use std::sync::Arc;

use http::uri::Authority;
use http::{HeaderMap, Uri, header};
use sealane_tls::SecurityDomain;

use super::choice::Choosing;

/// What a connection was made for, and what tells whether that fits a request.
pub(super) struct Misdirection {
    choosing: Arc<Choosing>,
    /// What was asked of the client.
    policy: SecurityDomain,
    /// The name of the handshake.
    servername: Option<Box<str>>,
}

impl Misdirection {
    /// The rule for a connection whose client named `servername` and was asked `policy`.
    pub(super) fn new(
        choosing: Arc<Choosing>,
        policy: SecurityDomain,
        servername: Option<&str>,
    ) -> Self {
        Self {
            choosing,
            policy,
            servername: servername.map(Box::from),
        }
    }

    /// Whether a request is for a host that another handshake would have been made for.
    ///
    /// Both the target's host and the Host field count: a handler may look at either.
    pub(super) fn concerns(&self, uri: &Uri, fields: &HeaderMap) -> bool {
        if !self.choosing.asks_differently() {
            return false;
        }
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
        match self.choosing.chooses_by_name() {
            // What would have been chosen for another name nobody knows.
            true => self.servername.as_deref() != name,
            false => self.choosing.table().select(name).policy() != self.policy,
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
