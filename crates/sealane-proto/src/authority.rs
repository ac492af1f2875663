//! Authorities: host and port as the Host field and request targets carry them.
//!
//! Judged, not resolved: RFC 3986 §3.2.2 and §3.2.3, RFC 9110 §4.2 and §7.2. No user information,
//! no IPvFuture (nobody has one, and a name that no resolver knows only serves to confuse), no zone
//! ids.

use core::net::Ipv6Addr;

use crate::grammar;

/// An authority, cut into host and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    /// A name, an IPv4 address or a bracketed IPv6 address; never empty.
    pub(crate) host: &'a [u8],
    /// The digits behind the colon; `None` without colon, and possibly empty with one.
    pub(crate) port: Option<&'a [u8]>,
}

impl<'a> Authority<'a> {
    /// Cuts and judges `uri-host [ ":" port ]`; `None` when it is no such thing.
    pub(crate) fn parse(octets: &'a [u8]) -> Option<Self> {
        let host_end = match octets.first()? {
            b'[' => octets.iter().position(|&octet| octet == b']')? + 1,
            _ => octets
                .iter()
                .position(|&octet| octet == b':')
                .unwrap_or(octets.len()),
        };
        let (host, rest) = octets.split_at(host_end);
        let port = match rest {
            [] => None,
            [b':', port @ ..] => Some(port),
            _ => return None,
        };
        let valid = is_host(host) && port.is_none_or(is_port);
        valid.then_some(Self { host, port })
    }

    /// The port as a number, if there is one.
    pub(crate) fn port_number(&self) -> Option<u16> {
        port_number(self.port?)
    }
}

/// Whether a Host field value is acceptable: empty, or an authority (RFC 9112 §3.2).
pub(crate) fn is_host_value(value: &[u8]) -> bool {
    value.is_empty() || Authority::parse(value).is_some()
}

/// Whether the octets are a host: a bracketed IPv6 address, or a name (which every IPv4 address
/// is).
///
/// An empty host is none: RFC 9110 §4.2.1 and §4.2.2 make such a URI invalid.
fn is_host(host: &[u8]) -> bool {
    if let [b'[', address @ .., b']'] = host {
        return str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    !host.is_empty() && is_reg_name(host)
}

/// Whether the octets are a `reg-name`, each `%` followed by two hexadecimal digits.
fn is_reg_name(mut name: &[u8]) -> bool {
    loop {
        name = match name {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [octet, rest @ ..] if grammar::is_reg_name(*octet) => rest,
            _ => return false,
        };
    }
}

/// Whether the octets are a port: empty, or digits up to 65535.
fn is_port(port: &[u8]) -> bool {
    port.is_empty() || port_number(port).is_some()
}

/// The number that the digits of a port spell.
fn port_number(port: &[u8]) -> Option<u16> {
    if port.is_empty() || !port.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(port).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
