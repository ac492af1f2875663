//! How sockets are bound and set.

use std::path::PathBuf;

use clap::Args;
use sealane::{ListenOptions, ServerOptions};

use crate::options::set;
use crate::quantity::{SizeLimit, TimeLimit, size_limit, time_limit};

/// How sockets are bound and set.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Sockets")]
pub struct SocketArgs {
    /// Listen at a Unix socket too, or instead of an address where no --addr is given. The file is
    /// made, and removed at the end. May be given several times.
    #[arg(long = "unix", value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Let everybody on this machine read the file of --unix; see --writable-all.
    #[arg(long, requires = "paths")]
    pub readable_all: bool,

    /// Let everybody on this machine write to the file of --unix: that is what connecting takes.
    #[arg(long, requires = "paths")]
    pub writable_all: bool,

    /// How many connections may wait to be accepted. [default: 511]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub backlog: Option<u32>,

    /// Take no IPv4 clients at an IPv6 address, also where it stands for every address.
    #[arg(long)]
    pub ipv6_only: bool,

    /// Let other servers of the same user listen at the same address and port, if they do the same;
    /// so one takes over from another.
    #[arg(long)]
    pub reuse_port: bool,

    /// Let nobody else listen at the same address and port, though there are --workers.
    #[arg(long, conflicts_with = "reuse_port")]
    pub exclusive: bool,

    /// Accept and serve on so many threads, each on its own. [default: all processors share the
    /// work]
    #[arg(long, value_name = "NUMBER")]
    pub workers: Option<usize>,

    /// Whether small writes leave at once. [default: on]
    #[arg(long, value_name = "on|off", value_parser = switch)]
    pub no_delay: Option<bool>,

    /// How long a connection may be silent before the system asks whether its peer is there.
    /// [default: off]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub tcp_keep_alive: Option<TimeLimit>,

    /// What the system may keep for us to read on each connection. [default: off, the system
    /// decides]
    #[arg(long, value_name = "SIZE", value_parser = size_limit)]
    pub receive_buffer: Option<SizeLimit>,

    /// What the system may keep for the client to take on each connection. [default: off, the
    /// system decides]
    #[arg(long, value_name = "SIZE", value_parser = size_limit)]
    pub send_buffer: Option<SizeLimit>,
}

impl SocketArgs {
    /// Adds what was given to a server's options.
    pub(super) fn add(&self, options: ServerOptions) -> ServerOptions {
        let options = set(options, self.workers, ServerOptions::workers);
        let options = set(options, self.no_delay, ServerOptions::no_delay);
        let options = set(options, self.tcp_keep_alive, ServerOptions::tcp_keep_alive);
        let options = set(
            options,
            self.receive_buffer,
            ServerOptions::receive_buffer_size,
        );
        set(options, self.send_buffer, ServerOptions::send_buffer_size)
    }

    /// Says how to listen at an address, a path or a socket that was handed over.
    pub(crate) fn listening(&self, options: ListenOptions) -> ListenOptions {
        match self.backlog {
            Some(count) => options.backlog(count),
            None => options,
        }
    }
}

/// Reads a word for yes or no.
fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off is expected".into()),
    }
}
