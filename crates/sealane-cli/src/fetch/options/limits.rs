//! How long a client waits.

use std::time::Duration;

use clap::Args;

use crate::quantity::{TimeLimit, time_limit};

/// How long to wait.
#[derive(Debug, Clone, Default, Args)]
pub struct LimitArgs {
    /// The longest time to find and open a connection; its TLS handshake may take as long again.
    /// [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = time_limit, help_heading = TIMES)]
    pub connect_timeout: Option<TimeLimit>,

    /// The longest silence: no octet in either direction, or no complete head of a response.
    /// [default: 300s]
    #[arg(long, value_name = "TIME", value_parser = time_limit, help_heading = TIMES)]
    pub timeout: Option<TimeLimit>,

    /// The longest time for all of one URL, from its name to the last octet, redirects included.
    /// [default: off]
    #[arg(short = 'm', long, value_name = "TIME", value_parser = time_limit, help_heading = TIMES)]
    pub max_time: Option<TimeLimit>,

    /// How long a large --upload-file waits for the server to want it; off does not ask.
    /// [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = time_limit, help_heading = TIMES)]
    pub expect100_timeout: Option<TimeLimit>,
}

impl LimitArgs {
    /// How long a large upload waits until it is wanted, if it waits.
    pub fn patience(&self) -> Option<Duration> {
        self.expect100_timeout
            .map_or(Some(PATIENCE), |limit| limit.0)
    }
}

/// How long a large upload waits: long enough for any server that knows how to answer, and what
/// other clients wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// The heading of the time limits.
const TIMES: &str = "Limits (times such as 5s, 500ms, 2m, or off)";
