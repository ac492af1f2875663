//! Who is turned away at the door: too many, from the wrong place, or behind a silent proxy.

use clap::Args;
use sealane::{BlockList, ProxyProtocol, ServerOptions};

use crate::error::{Failure, Result};
use crate::flags;
use crate::options::set;
use crate::quantity::{CountLimit, count_limit};
use crate::terminal::visible;

/// Who is turned away at the door.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Admission (numbers, or off)")]
pub struct AdmissionArgs {
    /// The most connections that are open at a time; more are reset. [default: off]
    #[arg(long, value_name = "NUMBER", value_parser = count_limit)]
    pub max_connections: Option<CountLimit>,

    /// The most connections from one IPv4 address or one /64 of IPv6. [default: off]
    #[arg(long, value_name = "NUMBER", value_parser = count_limit)]
    pub max_connections_per_address: Option<CountLimit>,

    /// The most TLS handshakes in flight; beyond it connections wait to be accepted, and a client
    /// that takes long over its handshake gives way. [default: 1024]
    #[arg(long, value_name = "NUMBER", value_parser = count_limit)]
    pub max_handshakes: Option<CountLimit>,

    /// Reset connections from there: an address, FIRST-LAST, or ADDRESS/BITS. May be given several
    /// times.
    #[arg(long = "block", value_name = "ADDRESSES", value_parser = addresses)]
    pub blocked: Vec<String>,

    /// Expect a header of the PROXY protocol, version 1 or 2, from there, and from nobody else:
    /// addresses as for --block, or unix for whoever connects to --unix. May be given several
    /// times.
    #[arg(long = "proxy-protocol-from", value_name = "ADDRESSES", value_parser = proxies)]
    pub proxies: Vec<String>,
}

impl AdmissionArgs {
    /// Adds what was given to a server's options.
    ///
    /// # Errors
    /// None for what clap has read: each text was looked at then.
    pub(super) fn add(&self, options: ServerOptions) -> Result<ServerOptions> {
        let options = set(
            options,
            self.max_connections,
            ServerOptions::max_connections,
        );
        let options = set(
            options,
            self.max_connections_per_address,
            ServerOptions::max_connections_per_address,
        );
        let options = set(options, self.max_handshakes, ServerOptions::max_handshakes);
        let options = options.block_list(list(&self.blocked)?);
        if self.proxies.is_empty() {
            return Ok(options);
        }
        let (sockets, addresses): (Vec<_>, Vec<_>) =
            self.proxies.iter().cloned().partition(|text| text == UNIX);
        let proxies = ProxyProtocol::from_addresses(list(&addresses)?);
        Ok(options.proxy_protocol(proxies.unix_sockets(!sockets.is_empty())))
    }
}

/// The list of these addresses.
fn list(texts: &[String]) -> Result<BlockList> {
    let mut list = BlockList::new();
    for text in texts {
        let added = list.rule(text);
        list = added.map_err(|error| Failure::usage(flags::said(&error)))?;
    }
    Ok(list)
}

/// Reads the addresses of proxies, or the word for Unix sockets.
fn proxies(text: &str) -> std::result::Result<String, String> {
    if text == UNIX {
        return Ok(text.to_owned());
    }
    addresses(text)
}

/// Reads addresses, which stay the text that they were.
fn addresses(text: &str) -> std::result::Result<String, String> {
    match BlockList::new().rule(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(visible(&error.to_string()).into_owned()),
    }
}

/// Whoever connects to a Unix socket, which has no address.
const UNIX: &str = "unix";
