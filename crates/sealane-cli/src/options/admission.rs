//! Who is turned away at the door: too many, from the wrong place, or behind a silent proxy.

use clap::Args;
use sealane::{BlockList, ServerOptions};

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

    /// Reset connections from there: an address, FIRST-LAST, or ADDRESS/BITS. May be given several
    /// times.
    #[arg(long = "block", value_name = "ADDRESSES", value_parser = addresses)]
    pub blocked: Vec<String>,
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
        let mut list = BlockList::new();
        for text in &self.blocked {
            let added = list.rule(text);
            list = added.map_err(|error| Failure::usage(flags::said(&error)))?;
        }
        Ok(options.block_list(list))
    }
}

/// Reads addresses, which stay the text that they were.
fn addresses(text: &str) -> std::result::Result<String, String> {
    match BlockList::new().rule(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(visible(&error.to_string()).into_owned()),
    }
}
