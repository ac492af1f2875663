//! What a connection may cost: times, sizes, numbers.
//!
//! Only translation: what contradicts what, the library says; here it is said in flags.

use clap::Args;
use sealane::ServerOptions;

use crate::error::Failure;
use crate::flags;
use crate::options::set;
use crate::quantity::{TimeLimit, size, time_limit};

/// What a connection may cost.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Limits (times such as 5s, 500ms, 2m, or off)")]
pub struct LimitArgs {
    /// The longest time from accepting a connection to the end of its TLS handshake. [default:
    /// 120s]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub handshake_timeout: Option<TimeLimit>,

    /// The longest time until the head of a request is complete. [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub headers_timeout: Option<TimeLimit>,

    /// The longest time until a whole request is received, its body included. It may not be shorter
    /// than --headers-timeout. [default: 300s]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub request_timeout: Option<TimeLimit>,

    /// How long a connection may rest between two requests. [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub keep_alive_timeout: Option<TimeLimit>,

    /// The largest head of a request, in octets or as 16KiB. [default: 16KiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_header_size: Option<usize>,

    /// The most field lines in the head of a request. [default: 2000]
    #[arg(long, value_name = "NUMBER")]
    pub max_headers_count: Option<usize>,
}

impl LimitArgs {
    /// Says why the library refused these limits, in the words of the command line.
    pub fn refused(self, why: &str) -> Failure {
        let said = flags::named(why).replace("give None", "write off");
        let contradict = said.contains("--headers-timeout") && said.contains("--request-timeout");
        let failure = Failure::usage(said);
        match (self.headers_timeout, self.request_timeout) {
            _ if !contradict => failure,
            (None, Some(limit)) => failure.hint(format!(
                "give --headers-timeout {limit} too: its default is {HEADERS}"
            )),
            (Some(limit), None) => failure.hint(format!(
                "give --request-timeout {limit} too: its default is {REQUEST}"
            )),
            _ => failure.hint("the head is part of the request: give it no more time"),
        }
    }

    /// Adds what was given to a server's options.
    pub(super) fn add(self, options: ServerOptions) -> ServerOptions {
        let options = set(
            options,
            self.handshake_timeout,
            ServerOptions::handshake_timeout,
        );
        let options = set(
            options,
            self.headers_timeout,
            ServerOptions::headers_timeout,
        );
        let options = set(
            options,
            self.request_timeout,
            ServerOptions::request_timeout,
        );
        let options = set(
            options,
            self.keep_alive_timeout,
            ServerOptions::keep_alive_timeout,
        );
        let options = set(
            options,
            self.max_header_size,
            ServerOptions::max_header_size,
        );
        set(
            options,
            self.max_headers_count,
            ServerOptions::max_headers_count,
        )
    }
}

/// The library's default for `--headers-timeout`; a test holds it against the library's own word.
const HEADERS: &str = "60s";

/// The library's default for `--request-timeout`, held likewise.
const REQUEST: &str = "300s";
