//! What a connection may cost: times, sizes, numbers.
//!
//! Only translation: what contradicts what, the library says; here it is said in flags.

use std::time::Duration;

use clap::Args;
use sealane::{BodyRate, ServerOptions};

use crate::error::{Failure, Result};
use crate::flags;
use crate::options::set;
use crate::quantity::{
    CountLimit, RateLimit, TimeLimit, count_limit, length, rate_limit, size, time_limit,
};

/// What a connection may cost.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Limits (times such as 5s, 500ms, 2m, or off)")]
pub struct LimitArgs {
    /// The longest time from accepting a connection to the end of its TLS handshake. [default:
    /// 120s]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub handshake_timeout: Option<TimeLimit>,

    /// The longest time until the head of a request is complete. [default: 60s, or
    /// --request-timeout where that is shorter]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub headers_timeout: Option<TimeLimit>,

    /// The longest time until a whole request is received, its body included. It may not be shorter
    /// than --headers-timeout. [default: 300s]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub request_timeout: Option<TimeLimit>,

    /// How long a connection may rest between two requests. [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub keep_alive_timeout: Option<TimeLimit>,

    /// How long nothing may be received or sent before a connection ends, whatever it is at.
    /// [default: off]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub timeout: Option<TimeLimit>,

    /// How long octets may wait for a client that takes none of them. [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub write_timeout: Option<TimeLimit>,

    /// The slowest that the body of a request may come, in octets a second: 500, 16KiB/s, or off.
    /// [default: 500]
    #[arg(long, value_name = "RATE", value_parser = rate_limit)]
    pub min_body_rate: Option<RateLimit>,

    /// The time over which --min-body-rate is averaged. [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = length)]
    pub min_body_rate_window: Option<Duration>,

    /// The time at the start of a body in which no rate is asked. [default: 20s]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub min_body_rate_grace: Option<TimeLimit>,

    /// The most requests that one connection may carry. [default: off]
    #[arg(long, value_name = "NUMBER", value_parser = count_limit)]
    pub max_requests_per_socket: Option<CountLimit>,

    /// The largest head of a request, in octets or as 16KiB. [default: 16KiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_header_size: Option<usize>,

    /// The most field lines in the head of a request. [default: 2000]
    #[arg(long, value_name = "NUMBER")]
    pub max_headers_count: Option<usize>,

    /// After Ctrl-C or SIGTERM, how long what runs may go on before it is cut. [default: off: until
    /// it is done, or Ctrl-C comes again]
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub grace: Option<TimeLimit>,
}

impl LimitArgs {
    /// Says why the library refused these limits, in the words of the command line.
    pub fn refused(self, why: &str) -> Failure {
        let said = flags::named(why).replace("give None", "write off");
        let contradict = said.contains("--headers-timeout") && said.contains("--request-timeout");
        let failure = Failure::usage(said);
        match (self.headers_timeout, self.request_timeout) {
            _ if !contradict => failure,
            (Some(limit), None) => failure.hint(format!(
                "give --request-timeout {limit} too: its default is {REQUEST}"
            )),
            _ => failure.hint("the head is part of the request: give it no more time"),
        }
    }

    /// Adds what was given to a server's options.
    ///
    /// # Errors
    /// When it is said how a rate is measured that is off.
    pub(super) fn add(self, options: ServerOptions) -> Result<ServerOptions> {
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
        let options = set(options, self.timeout, ServerOptions::timeout);
        let options = set(options, self.write_timeout, ServerOptions::write_timeout);
        let options = set(options, self.body_rate()?, ServerOptions::min_body_rate);
        let options = set(
            options,
            self.max_requests_per_socket,
            ServerOptions::max_requests_per_socket,
        );
        let options = set(
            options,
            self.max_header_size,
            ServerOptions::max_header_size,
        );
        Ok(set(
            options,
            self.max_headers_count,
            ServerOptions::max_headers_count,
        ))
    }

    /// The least rate of bodies, if anything was said about it.
    fn body_rate(self) -> Result<Option<Option<BodyRate>>> {
        let measured = self.min_body_rate_window.is_some() || self.min_body_rate_grace.is_some();
        let mut rate = match self.min_body_rate {
            None if !measured => return Ok(None),
            None => BodyRate::default(),
            Some(RateLimit(Some(octets))) => BodyRate::new(octets),
            Some(RateLimit(None)) if !measured => return Ok(Some(None)),
            Some(RateLimit(None)) => {
                let message = "--min-body-rate is off, so its window and grace say nothing";
                return Err(Failure::usage(message).hint("leave them out, or give a rate"));
            }
        };
        if let Some(window) = self.min_body_rate_window {
            rate = rate.window(window);
        }
        if let Some(TimeLimit(grace)) = self.min_body_rate_grace {
            rate = rate.grace(grace.unwrap_or_default());
        }
        Ok(Some(Some(rate)))
    }
}

/// The library's default for `--request-timeout`; a test holds it against the library's own word.
const REQUEST: &str = "300s";
