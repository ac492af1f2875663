//! The options that both client subcommands share.
//!
//! One table for `get` and `request`, so that they cannot drift apart. What the values mean the
//! library says; their defaults are its own, and a test holds the texts here against them.

use std::path::PathBuf;

use clap::Args;
use http::{HeaderName, HeaderValue};

use crate::fetch::tls::{TRUST, TlsArgs};
use crate::quantity::{TimeLimit, time_limit};
use crate::terminal::visible;

#[cfg(test)]
mod tests;

/// What to send along, whom to trust, what to show, how long to wait.
#[derive(Debug, Clone, Default, Args)]
pub struct ClientArgs {
    /// A field line to send, such as 'Accept: text/html'. May be given several times.
    #[arg(short = 'H', long = "header", value_name = "'NAME: VALUE'", value_parser = field)]
    pub fields: Vec<(HeaderName, HeaderValue)>,

    /// Write the body to this file; - is standard output.
    ///
    /// The file gets its name when the body is whole, and replaces one that was there; until then
    /// it stands beside it. A progress bar shows on a terminal.
    #[arg(short, long, value_name = "FILE", help_heading = SHOWN)]
    pub output: Option<PathBuf>,

    /// Print status line and field lines before the body, to standard output in any case.
    #[arg(short, long, help_heading = SHOWN)]
    pub include: bool,

    /// Tell about each connection: addresses, TLS, whether it is new.
    #[arg(short, long, help_heading = SHOWN)]
    pub verbose: bool,

    /// No progress and no notes. Errors and the warning of --insecure are still told.
    #[arg(short, long, conflicts_with = "verbose", help_heading = SHOWN)]
    pub silent: bool,

    /// Take a status of 400 or above for a failure: exit code 1, and nothing of the body.
    #[arg(short, long, help_heading = SHOWN)]
    pub fail: bool,

    /// Go on when the server cannot prove who it is. Anybody on the way can then read and change
    /// everything.
    #[arg(short = 'k', long, help_heading = TRUST)]
    pub insecure: bool,

    /// Take answers whose head breaks the rules in ways that old servers do: folded lines, lines
    /// that end with LF alone, controls in values.
    #[arg(long)]
    pub insecure_http_parser: bool,

    /// Whom to trust, and who to be.
    #[command(flatten)]
    pub tls: TlsArgs,

    /// The longest time to find and open a connection; its TLS handshake may take as long again.
    /// [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = time_limit, help_heading = TIMES)]
    pub connect_timeout: Option<TimeLimit>,

    /// The longest silence: no octet in either direction, or no complete head of a response.
    /// [default: 300s]
    #[arg(long, value_name = "TIME", value_parser = time_limit, help_heading = TIMES)]
    pub timeout: Option<TimeLimit>,
}

/// Reads a field line (RFC 9110 §5): whitespace around the value does not belong to it.
fn field(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let shown = visible(text);
    let Some((name, value)) = text.split_once(':') else {
        return Err(format!("{shown:?} has no colon: write 'Name: value'"));
    };
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("{:?} is no field name", visible(name)))?;
    // Controls are refused here: a line end in a value would begin another field line.
    let value = HeaderValue::from_bytes(value.trim_matches([' ', '\t']).as_bytes())
        .map_err(|_| format!("{shown:?}: control characters cannot stand in a field value"))?;
    Ok((name, value))
}

/// The heading of what is shown.
const SHOWN: &str = "Output";

/// The heading of the time limits.
const TIMES: &str = "Limits (times such as 5s, 500ms, 2m, or off)";
