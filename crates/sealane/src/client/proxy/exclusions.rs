//! The servers that are reached without a proxy: the list that the world calls `no_proxy`.
//!
//! There is no standard for it. What curl, Go and the module have in common is taken, and what none
//! of them would understand is refused, for a list that means something else than its author
//! thought sends requests where they must not go.

use std::net::IpAddr;

use super::invalid;
use crate::error::Result;

/// A parsed list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::client) struct Exclusions(Vec<Entry>);

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    what: What,
    /// At this port only.
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    Everything,
    /// In lower case, with no dot in front or behind.
    Name(Box<str>),
    /// The addresses that begin with so many bits of this one.
    Network(IpAddr, u32),
}

impl Exclusions {
    /// Reads a list with commas or white space between its entries.
    pub(super) fn parse(list: &str) -> Result<Self> {
        let parts = list.split(|c: char| c == ',' || c.is_ascii_whitespace());
        let parts = parts.filter(|part| !part.is_empty());
        parts.map(Entry::parse).collect::<Result<_>>().map(Self)
    }

    /// Whether a server is on the list.
    pub(in crate::client) fn has(&self, host: &str, port: u16) -> bool {
        let address = host
            .parse()
            .ok()
            .map(|address: IpAddr| address.to_canonical());
        let host = host.trim_end_matches('.');
        let is = |entry: &Entry| match &entry.what {
            What::Everything => true,
            What::Name(name) => address.is_none() && is_below(host, name),
            What::Network(network, bits) => {
                address.is_some_and(|address| is_in(address, *network, *bits))
            }
        };
        let mut entries = self.0.iter();
        entries.any(|entry| entry.port.is_none_or(|wanted| wanted == port) && is(entry))
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            let shown: String = text.escape_debug().take(80).collect();
            invalid(&format!(
                "\"{shown}\" cannot be excluded: it is no name, address or network"
            ))
        };
        if text == "*" {
            let what = What::Everything;
            return Ok(Self { what, port: None });
        }
        if let Some((network, bits)) = text.split_once('/') {
            let what = network_of(unbracketed(network), bits).ok_or_else(wrong)?;
            return Ok(Self { what, port: None });
        }
        let (host, port) = split_port(text).ok_or_else(wrong)?;
        let what = match unbracketed(host).parse::<IpAddr>() {
            Ok(address) => whole(address),
            Err(_) => What::Name(name_of(host).ok_or_else(wrong)?),
        };
        Ok(Self { what, port })
    }
}

/// Takes a port off; `None` if it is none.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if text.parse::<IpAddr>().is_ok() || text.ends_with(']') {
        return Some((text, None));
    }
    match text.rsplit_once(':') {
        None => Some((text, None)),
        Some((host, port)) => {
            let digits = port.bytes().all(|octet| octet.is_ascii_digit());
            let port = port.parse().ok().filter(|port| digits && *port != 0)?;
            // Colons are in brackets, or are no part of a host.
            let plain = host.ends_with(']') || !host.contains(':');
            plain.then_some((host, Some(port)))
        }
    }
}

fn unbracketed(text: &str) -> &str {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    inner.unwrap_or(text)
}

/// One address.
fn whole(address: IpAddr) -> What {
    let address = address.to_canonical();
    let bits = if address.is_ipv4() { 32 } else { 128 };
    What::Network(address, bits)
}

fn network_of(address: &str, bits: &str) -> Option<What> {
    let address: IpAddr = address.parse().ok()?;
    let bits: u32 = bits.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    if bits > most {
        return None;
    }
    // Hosts are compared in their own family, and so is a network of mapped addresses.
    Some(match (address, address.to_canonical()) {
        (IpAddr::V6(_), mapped @ IpAddr::V4(_)) if bits >= 96 => What::Network(mapped, bits - 96),
        _ => What::Network(address, bits),
    })
}

/// A name without what may stand in front of it; letters and digits in any script.
fn name_of(text: &str) -> Option<Box<str>> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let name = name.strip_prefix('.').unwrap_or(name);
    let name = name.strip_suffix('.').unwrap_or(name);
    // Hosts of URLs are compared as they are sent: in lower case and in ASCII.
    let url::Host::Domain(name) = url::Host::parse(name).ok()? else {
        return None;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.chars().all(plain).then(|| name.into())
}

/// Whether a host is this name, or a name below it.
fn is_below(host: &str, name: &str) -> bool {
    let Some(at) = host.len().checked_sub(name.len()) else {
        return false;
    };
    let ends = host.as_bytes()[at..].eq_ignore_ascii_case(name.as_bytes());
    ends && (at == 0 || host.as_bytes()[at - 1] == b'.')
}

fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differ = address.to_bits() ^ network.to_bits();
            differ.checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differ = address.to_bits() ^ network.to_bits();
            differ.checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}
