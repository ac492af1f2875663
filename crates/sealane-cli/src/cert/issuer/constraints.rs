//! Name constraints: for which names an authority may sign (RFC 5280 §4.2.1.10).
//!
//! Only host names and addresses, which are all that a certificate made here has.

use std::net::IpAddr;

use x509_parser::extensions::{GeneralName, GeneralSubtree, NameConstraints};

use crate::cert::name::Name;

#[cfg(test)]
mod tests;

/// Whether these constraints let a name pass.
///
/// A kind of name for which nothing is permitted in particular is permitted.
pub(super) fn allow(constraints: &NameConstraints<'_>, name: &Name) -> bool {
    let trees = |list: &Option<Vec<GeneralSubtree<'_>>>| -> Vec<bool> {
        let list = list.iter().flatten();
        list.filter_map(|tree| within(&tree.base, name)).collect()
    };
    let permitted = trees(&constraints.permitted_subtrees);
    let excluded = trees(&constraints.excluded_subtrees);
    (permitted.is_empty() || permitted.contains(&true)) && !excluded.contains(&true)
}

/// Whether a name stands below the base of a subtree; nothing when they are of different kinds.
fn within(base: &GeneralName<'_>, name: &Name) -> Option<bool> {
    match (base, name) {
        (GeneralName::DNSName(base), Name::Host(host)) => Some(below(base, host)),
        (GeneralName::IPAddress(base), Name::Address(IpAddr::V4(address))) => {
            of_family(base, &address.octets())
        }
        (GeneralName::IPAddress(base), Name::Address(IpAddr::V6(address))) => {
            of_family(base, &address.octets())
        }
        _ => None,
    }
}

/// Whether a host is a base or stands below it; the empty base is above all.
fn below(base: &str, host: &str) -> bool {
    let base = base.to_ascii_lowercase();
    if base.is_empty() {
        return true;
    }
    // With a dot before it only what is below is meant, as OpenSSL reads it.
    match host.strip_suffix(base.as_str()) {
        Some("") => true,
        Some(rest) => base.starts_with('.') || rest.ends_with('.'),
        None => false,
    }
}

/// Whether an address lies in a range: address, then mask; nothing when it is of the other family.
fn of_family(base: &[u8], octets: &[u8]) -> Option<bool> {
    if base.len() != octets.len() * 2 {
        return None;
    }
    let (range, mask) = base.split_at(octets.len());
    let mut bits = range.iter().zip(mask).zip(octets);
    Some(bits.all(|((range, mask), octet)| range & mask == octet & mask))
}
