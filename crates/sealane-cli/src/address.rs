//! Where to listen, as `--addr` states it: a port, or a host and a port.
//!
//! Parsing only; names are resolved and sockets opened elsewhere. A port alone means both loopback
//! addresses, since `localhost` is both: a server on one of them leaves the other to a stranger.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::terminal::visible;

#[cfg(test)]
mod tests;

/// One place to listen at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// 127.0.0.1 and ::1 at this port; 0 lets the system choose one.
    Loopback(u16),
    /// Exactly this address.
    Exact(SocketAddr),
    /// Every address that this name has on this machine.
    Name(String, u16),
}

impl ListenAddress {
    /// The default: both loopback addresses at 8443, which needs no privilege and is a customary
    /// second port for HTTPS.
    pub const DEFAULT: Self = Self::Loopback(8443);

    /// The two addresses behind a port on the loopback interface.
    pub fn loopback_pair(port: u16) -> [SocketAddr; 2] {
        [
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
            SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port),
        ]
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback(port) => write!(out, "localhost:{port}"),
            Self::Exact(address) => address.fmt(out),
            Self::Name(name, port) => write!(out, "{name}:{port}"),
        }
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Exact(address));
        }
        let inner = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        if inner.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok()) {
            return Err(without_port(text));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return bare(text);
        };
        let port = number(port)?;
        match host {
            "" => Ok(Self::Loopback(port)),
            _ if host.eq_ignore_ascii_case("localhost") => Ok(Self::Loopback(port)),
            _ if host.contains([':', '[', ']']) => Err(in_brackets(text)),
            _ if is_name(host) => Ok(Self::Name(host.to_owned(), port)),
            _ => Err(format!("{host:?} is neither an address nor a host name")),
        }
    }
}

/// Reads a text without a colon: only a port can be meant.
fn bare(text: &str) -> Result<ListenAddress, String> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) {
        return number(text).map(ListenAddress::Loopback);
    }
    Err(without_port(text))
}

/// What to say of a host alone.
fn without_port(text: &str) -> String {
    format!("the port is missing: write {}:8443", visible(text))
}

/// Reads a port.
fn number(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let port = text.parse().ok().filter(|_| digits);
    port.ok_or_else(|| format!("{text:?} is no port: 0 to 65535 are"))
}

/// What to say of an IPv6 address whose end cannot be told from its port.
fn in_brackets(text: &str) -> String {
    format!("{text:?}: an IPv6 address stands in brackets before its port, such as [::1]:8443")
}

/// Whether a text could be a host name (RFC 1123 §2.1); the resolver decides the rest.
fn is_name(host: &str) -> bool {
    host.len() <= 253
        && host
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"-._".contains(&octet))
}
