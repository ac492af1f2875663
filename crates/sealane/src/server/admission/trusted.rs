//! Whose word is taken for whom they speak for.

use std::net::IpAddr;

use super::BlockList;
use crate::error::{Error, Result};

/// From whom connections begin with a header of the PROXY protocol, of either version.
///
/// From those it is mandatory: what comes without a whole header of at most 536 octets, within the
/// handshake's time, is closed without a word. From anybody else it is never read, so nobody can
/// choose an address for themselves. Text of version 1, octets of version 2, a proxy that speaks
/// for itself (`LOCAL`) or does not know (`UNKNOWN`) are all taken; further facts of version 2 are
/// passed over, except that a checksum is verified.
#[derive(Clone, Debug)]
pub struct ProxyProtocol {
    from: BlockList,
    unix_sockets: bool,
}

impl ProxyProtocol {
    /// From these addresses, given as the list that a [`BlockList`] is.
    ///
    /// ```
    /// use sealane::{BlockList, ProxyProtocol};
    ///
    /// # fn example() -> sealane::Result<()> {
    /// let proxies = ProxyProtocol::from_addresses(BlockList::new().rule("10.0.0.0/8")?);
    /// # drop(proxies);
    /// # Ok(())
    /// # }
    /// # example().unwrap();
    /// ```
    pub fn from_addresses(addresses: BlockList) -> Self {
        Self {
            from: addresses,
            unix_sockets: false,
        }
    }

    /// Whether also from everybody who connects to a Unix socket; default false, for those have no
    /// address to know them by.
    #[must_use]
    pub fn unix_sockets(mut self, wanted: bool) -> Self {
        self.unix_sockets = wanted;
        self
    }

    pub(super) fn has(&self, address: IpAddr) -> bool {
        self.from.check(address)
    }

    pub(super) fn has_unix_sockets(&self) -> bool {
        self.unix_sockets
    }

    pub(in crate::server) fn check(&self) -> Result<()> {
        if self.from.is_empty() && !self.unix_sockets {
            let text = "proxy_protocol: nobody is listed; give the addresses of the proxies";
            return Err(Error::option(text).with_code("ERR_INVALID_ARG_VALUE"));
        }
        Ok(())
    }
}
