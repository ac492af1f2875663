//! A host against one pattern, and addresses in one form for each.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

/// Whether a host fits a pattern (RFC 6125 §6.4 as the https module reads it).
///
/// A wildcard stands once, in the left-most label, never for a dot, never directly below a
/// top-level domain, and never in a label of an internationalised name (§6.4.3).
pub(super) fn fits(host: &str, pattern: &str) -> bool {
    let host = labels(host);
    let pattern = labels(pattern);
    // Blanks, control characters and letters outside ASCII have no agreed form in a certificate.
    let is_bad = |label: &String| label.is_empty() || !label.bytes().all(is_of_a_name);
    if host.len() != pattern.len() || pattern.iter().any(is_bad) || host[1..] != pattern[1..] {
        return false;
    }
    let (host, label) = (&host[0], &pattern[0]);
    let Some((prefix, suffix)) = label.split_once('*') else {
        return host == label;
    };
    if label.contains("xn--") {
        return host == label;
    }
    !suffix.contains('*')
        && pattern.len() > 2
        && prefix.len() + suffix.len() <= host.len()
        && host.starts_with(prefix)
        && host.ends_with(suffix)
}

/// The labels of a name in small letters, without a dot at its end; only ASCII has small letters
/// that everybody agrees on.
fn labels(name: &str) -> Vec<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.split('.').map(str::to_ascii_lowercase).collect()
}

/// Whether a pattern may hold an octet.
fn is_of_a_name(octet: u8) -> bool {
    matches!(octet, 0x21..=0x7f)
}

/// An address in the form in which two are compared and shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Address(IpAddr);

impl Address {
    /// The address that a host is, if it is one; a zone behind a `%` does not count (RFC 4007 §11).
    pub(super) fn of_host(host: &str) -> Option<Self> {
        if let Some((address, zone)) = host.split_once('%') {
            let is_of_zone = |octet: u8| octet.is_ascii_alphanumeric() || b"-.:".contains(&octet);
            let is_zone = !zone.is_empty() && zone.bytes().all(is_of_zone);
            let address: Ipv6Addr = address.parse().ok().filter(|_| is_zone)?;
            return Some(Self(address.into()));
        }
        host.parse().ok().map(Self)
    }

    /// The address that a certificate lists.
    pub(super) fn listed(text: &str) -> Option<Self> {
        let address = text.split_once('%').map_or(text, |(address, _)| address);
        match address.parse() {
            Ok(IpAddr::V4(_)) if address.len() < text.len() => None,
            parsed => parsed.ok().map(Self),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let IpAddr::V6(address) = self.0
            && let [0, 0, 0, 0, 0, 0, high, low] = address.segments()
            && high != 0
        {
            // An IPv4-compatible address (RFC 4291 §2.5.5.1), which Rust writes otherwise.
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            return write!(f, "::{}", Ipv4Addr::new(a, b, c, d));
        }
        self.0.fmt(f)
    }
}
