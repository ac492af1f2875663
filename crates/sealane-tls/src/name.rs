//! The reference identity: the name a server must prove to have (RFC 9525 §6.1).
//!
//! Read strictly: what one reader takes for an address and another for a name could be dialled as
//! the one and checked as the other. Whether a certificate has the name is decided in `verify`.

use rustls_pki_types::{DnsName, IpAddr, Ipv4Addr, Ipv6Addr, ServerName};

use crate::error::OptionError;

/// Reads a host, as URLs carry it, as the name its certificate must have.
///
/// A DNS name comes out in lower case without its one trailing dot; an address may be IPv4, or
/// IPv6 with or without brackets. Internationalized names must come as A-labels (`xn--…`).
///
/// # Errors
///
/// Anything else: empty, labels over 63 octets, names over 253, spaces and controls, a zone after
/// an address, and numbers in the forms that only some readers take for addresses (`127.1`,
/// `0x7f.1`). The text shows the value, escaped.
pub fn reference_name(host: &str) -> Result<ServerName<'static>, OptionError> {
    if let Some(inside) = host.strip_prefix('[') {
        let address = inside.strip_suffix(']').map(Ipv6Addr::try_from);
        return match address {
            Some(Ok(address)) => Ok(IpAddr::V6(address).into()),
            _ => Err(refusal(
                host,
                "brackets hold an IPv6 address and nothing else",
            )),
        };
    }
    if let Ok(address) = Ipv4Addr::try_from(host) {
        return Ok(IpAddr::V4(address).into());
    }
    if let Ok(address) = Ipv6Addr::try_from(host) {
        return Ok(IpAddr::V6(address).into());
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.is_empty() {
        return Err(refusal(host, "it is empty"));
    }
    // A second dot at the end is an empty label, which the library would take for the first.
    if name.ends_with('.') {
        return Err(refusal(host, "a label is empty"));
    }
    match DnsName::try_from(name.to_ascii_lowercase()) {
        Ok(name) => Ok(ServerName::DnsName(name)),
        Err(_) if !name.is_ascii() => Err(refusal(host, "give it in its ASCII form, xn--…")),
        Err(_) => Err(refusal(
            host,
            "a name has labels of 1 to 63 letters, digits, hyphens and underscores, 253 octets \
             in all, and does not end in a number; an address has four decimal numbers or is IPv6",
        )),
    }
}

/// The refusal of a host, shown escaped and cut.
fn refusal(host: &str, why: &str) -> OptionError {
    let shown: String = host.escape_default().take(MAX_SHOWN).collect();
    let more = if host.escape_default().count() > MAX_SHOWN {
        "…"
    } else {
        ""
    };
    let reason = format!("\"{shown}{more}\" is neither a host name nor an address: {why}");
    OptionError::new("host", "ERR_INVALID_ARG_VALUE", reason)
}

/// Characters of a refused host that are shown: enough to know it again, and one line.
const MAX_SHOWN: usize = 100;

#[cfg(test)]
mod tests;
