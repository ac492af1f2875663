//! The names a certificate is made for: host names and IP addresses (RFC 5280 §4.2.1.6, RFC 9525
//! §4.1).
//!
//! Judged strictly: a name that no client can ever match would make a certificate that only looks
//! right.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use rcgen::SanType;

use crate::error::{Failure, Result};
use crate::terminal::visible;

#[cfg(test)]
mod tests;

/// A name for the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A host name in small letters; its first label may be `*`.
    Host(String),
    /// An IP address.
    Address(IpAddr),
}

impl Name {
    /// The beginning of the names of its files: no separators, no wildcards.
    pub fn stem(&self) -> String {
        match self {
            Self::Host(name) => name.replace('*', "_wildcard"),
            Self::Address(address) => address.to_string().replace(':', "_"),
        }
    }

    /// Whether it stands for this machine to itself, so that a server can be tried at once.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Host(name) => name == "localhost",
            Self::Address(address) => address.is_loopback(),
        }
    }

    /// The name as the host of a URL.
    pub fn in_url(&self) -> String {
        match self {
            Self::Address(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => out.write_str(name),
            Self::Address(address) => address.fmt(out),
        }
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let shown = visible(text);
        if text.contains("://") || text.contains('/') {
            return Err(format!(
                "{shown:?} is no name: give the host of the URL alone"
            ));
        }
        if text.starts_with('[') {
            return Err(format!("{shown:?}: write an IPv6 address without brackets"));
        }
        if text.contains(':') {
            return Err(format!("{shown:?}: give the name without a port"));
        }
        if !text.is_ascii() {
            return Err(format!(
                "{shown:?} is not ASCII: give the form that stands in the DNS, such as \
                 xn--bcher-kva.example"
            ));
        }
        host(text).map(Self::Host)
    }
}

/// Judges a host name (RFC 1123 §2.1, RFC 9525 §6.3 for the wildcard).
fn host(text: &str) -> std::result::Result<String, String> {
    let name = text.to_ascii_lowercase();
    let fixed = name.strip_prefix("*.");
    let labels: Vec<_> = fixed.unwrap_or(&name).split('.').collect();
    if name.len() > 253 {
        return Err("the name is longer than 253 characters".into());
    }
    if fixed.is_some() && labels.len() < 2 {
        return Err(format!(
            "{:?} would be for a whole top-level domain, which no client accepts",
            visible(text)
        ));
    }
    if let Some(label) = labels.iter().find(|label| !is_label(label)) {
        let (text, label) = (visible(text), visible(label));
        return Err(match &*label {
            "" => format!("{text:?} is no host name: a part between the dots is missing"),
            "*" => format!("{text:?}: * can only be the whole first part of a name"),
            _ => format!("{text:?} is no host name: see its part {label:?}"),
        });
    }
    // All clients take such a name for a mistaken address (WHATWG URL, "ends in a number").
    let last = labels.last().copied().unwrap_or_default();
    if last.bytes().all(|octet| octet.is_ascii_digit()) {
        let text = visible(text);
        return Err(format!("{text:?} is neither an IP address nor a host name"));
    }
    Ok(name)
}

/// Whether this can stand between two dots; the underscore is what containers are called with.
fn is_label(label: &str) -> bool {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
    (1..=63).contains(&label.len())
        && label.bytes().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The names without repeats, in their order.
///
/// # Errors
/// When there are too many.
pub fn distinct(names: &[Name]) -> Result<Vec<Name>> {
    let mut once: Vec<Name> = Vec::new();
    for name in names {
        if !once.contains(name) {
            once.push(name.clone());
        }
    }
    if once.len() > MOST {
        let message = format!("{} names are too many for one certificate", once.len());
        return Err(Failure::usage(message).hint(format!("at most {MOST} go into one")));
    }
    Ok(once)
}

/// The names as they stand in the certificate.
///
/// # Errors
/// None: every name was judged when it was read.
pub fn alternatives(names: &[Name]) -> Result<Vec<SanType>> {
    let entry = |name: &Name| match name {
        Name::Address(address) => Ok(SanType::IpAddress(*address)),
        Name::Host(host) => host
            .as_str()
            .try_into()
            .map(SanType::DnsName)
            .map_err(|error| Failure::usage(format!("cannot use the name {host}: {error}"))),
    };
    names.iter().map(entry).collect()
}

/// The most names of one certificate: what public authorities allow, and far below what a handshake
/// can carry (RFC 8446 §4.4.2).
const MOST: usize = 100;
