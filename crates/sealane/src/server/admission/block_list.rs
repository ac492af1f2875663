//! A list of addresses, ranges and subnets, and whether an address is in it.
//!
//! Pure: what being in the list means is the owner's business. An IPv4 address and the IPv6 address
//! it is mapped to (RFC 4291 §2.5.5.2) are the same here: which of the two a socket tells depends
//! on the listener alone, and a rule that one of them slips through would be none.

use std::fmt;
use std::net::IpAddr;

use crate::error::{Error, Result};

/// Addresses, ranges and subnets: the module's `net.BlockList`.
///
/// ```
/// use sealane::BlockList;
///
/// # fn example() -> sealane::Result<()> {
/// let list = BlockList::new()
///     .address([203, 0, 113, 9])
///     .range([198, 51, 100, 10], [198, 51, 100, 20])?
///     .subnet([10, 0, 0, 0], 8)?
///     .rule("2001:db8::/32")?;
/// assert!(list.check([10, 1, 2, 3]));
/// assert!(!list.check([192, 0, 2, 1]));
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct BlockList {
    rules: Vec<Rule>,
}

impl BlockList {
    /// A list that has nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one address.
    #[must_use]
    pub fn address(mut self, address: impl Into<IpAddr>) -> Self {
        self.rules.push(Rule::Address(canonical(address)));
        self
    }

    /// Adds all addresses from the first to the last, both included.
    ///
    /// # Errors
    ///
    /// The two are of different families (`ERR_INVALID_ADDRESS_FAMILY`), or the first lies behind
    /// the last (`ERR_INVALID_ARG_VALUE`).
    pub fn range(mut self, first: impl Into<IpAddr>, last: impl Into<IpAddr>) -> Result<Self> {
        let (first, last) = (canonical(first), canonical(last));
        if first.is_ipv4() != last.is_ipv4() {
            let text = format!("range: {first} and {last} are of different families");
            return Err(Error::option(text).with_code("ERR_INVALID_ADDRESS_FAMILY"));
        }
        if first > last {
            let text = format!("range: {first} lies behind {last}; give the lower address first");
            return Err(Error::option(text).with_code("ERR_INVALID_ARG_VALUE"));
        }
        self.rules.push(Rule::Range(first, last));
        Ok(self)
    }

    /// Adds the addresses that share their first `prefix` bits with `network`.
    ///
    /// An IPv6 subnet that spans `::ffff:0:0/96` has all of IPv4 in it.
    ///
    /// # Errors
    ///
    /// The address has fewer bits (`ERR_OUT_OF_RANGE`).
    pub fn subnet(mut self, network: impl Into<IpAddr>, prefix: u8) -> Result<Self> {
        let network = network.into();
        let bits = if network.is_ipv4() { 32 } else { 128 };
        if prefix > bits {
            let text =
                format!("subnet: {network} has {bits} bits, so its prefix cannot be {prefix}");
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
        self.rules.push(Rule::Subnet(network, prefix));
        Ok(self)
    }

    /// Adds a rule as people write it: `192.0.2.1`, `192.0.2.1-192.0.2.9`, `192.0.2.0/24`.
    ///
    /// # Errors
    ///
    /// The text is none of the three (`ERR_INVALID_ADDRESS`), or as [`range`](Self::range) and
    /// [`subnet`](Self::subnet).
    pub fn rule(self, text: &str) -> Result<Self> {
        let invalid = || {
            let text = format!(
                "{:?} is no address, range or subnet; write it like 192.0.2.1, \
                 192.0.2.1-192.0.2.9 or 192.0.2.0/24",
                text.escape_default().to_string()
            );
            Error::option(text).with_code("ERR_INVALID_ADDRESS")
        };
        let address = |text: &str| text.trim().parse::<IpAddr>().map_err(|_| invalid());
        if let Some((network, prefix)) = text.split_once('/') {
            let digits = !prefix.is_empty() && prefix.bytes().all(|octet| octet.is_ascii_digit());
            let prefix = prefix.parse().ok().filter(|_| digits);
            return self.subnet(address(network)?, prefix.ok_or_else(invalid)?);
        }
        match text.split_once('-') {
            Some((first, last)) => self.range(address(first)?, address(last)?),
            None => Ok(self.address(address(text)?)),
        }
    }

    /// Whether an address is in the list.
    pub fn check(&self, address: impl Into<IpAddr>) -> bool {
        let address = number(address.into());
        self.rules.iter().any(|rule| {
            let (first, last) = rule.span();
            (first..=last).contains(&address)
        })
    }

    /// Whether nothing is in the list.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules in the order they were added, as the module writes them:
    /// `Subnet: IPv4 10.0.0.0/8`.
    pub fn rules(&self) -> impl Iterator<Item = String> {
        self.rules.iter().map(ToString::to_string)
    }
}

/// One rule, with addresses in their canonical form where that is the same rule.
#[derive(Clone, Debug)]
enum Rule {
    Address(IpAddr),
    /// Both included; of one family, in order.
    Range(IpAddr, IpAddr),
    /// The prefix fits the family of the address.
    Subnet(IpAddr, u8),
}

impl Rule {
    /// The first and the last address, as numbers.
    fn span(&self) -> (u128, u128) {
        match self {
            Self::Address(address) => (number(*address), number(*address)),
            Self::Range(first, last) => (number(*first), number(*last)),
            Self::Subnet(network, prefix) => {
                let family = if network.is_ipv4() { MAPPED_BITS } else { 0 };
                let host = u128::MAX
                    .checked_shr(family + u32::from(*prefix))
                    .unwrap_or(0);
                (number(*network) & !host, number(*network) | host)
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "Address: {} {address}", family(*address)),
            Self::Range(first, last) => write!(f, "Range: {} {first}-{last}", family(*first)),
            Self::Subnet(network, prefix) => {
                write!(f, "Subnet: {} {network}/{prefix}", family(*network))
            }
        }
    }
}

fn canonical(address: impl Into<IpAddr>) -> IpAddr {
    address.into().to_canonical()
}

fn family(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}

/// An address as a number, IPv4 where it is mapped in IPv6.
fn number(address: IpAddr) -> u128 {
    u128::from(match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    })
}

/// Bits in front of an IPv4 address that is mapped in IPv6.
const MAPPED_BITS: u32 = 96;

#[cfg(test)]
mod tests;
