//! The options that both client subcommands share.
//!
//! One table for `get` and `request`, so that they cannot drift apart. What the values mean the
//! library says; their defaults are its own, and a test holds the texts here against them.

pub mod limits;
pub mod output;
pub mod route;

use clap::Args;
use http::{HeaderName, HeaderValue};

use crate::fetch::options::limits::LimitArgs;
use crate::fetch::options::output::OutputArgs;
use crate::fetch::options::route::RouteArgs;
use crate::fetch::tls::{TRUST, TlsArgs};
use crate::terminal::visible;

#[cfg(test)]
mod tests;

/// What to send along, whom to trust, what to show, how long to wait.
#[derive(Debug, Clone, Default, Args)]
pub struct ClientArgs {
    /// A field line to send, such as 'Accept: text/html'. May be given several times.
    #[arg(short = 'H', long = "header", value_name = "'NAME: VALUE'", value_parser = field)]
    pub fields: Vec<Field>,

    /// Where the answer goes, and what is told of it.
    #[command(flatten)]
    pub shown: OutputArgs,

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

    /// Where requests go.
    #[command(flatten)]
    pub route: RouteArgs,

    /// How long to wait.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// A field line to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: HeaderName,
    /// The name as it was written: its letter case means nothing, but some servers mind it.
    pub spelled: String,
    /// Its value.
    pub value: HeaderValue,
}

/// Reads a field line (RFC 9110 §5): whitespace around the value does not belong to it.
fn field(text: &str) -> Result<Field, String> {
    let shown = visible(text);
    let Some((spelled, value)) = text.split_once(':') else {
        return Err(format!("{shown:?} has no colon: write 'Name: value'"));
    };
    let name = HeaderName::from_bytes(spelled.as_bytes())
        .map_err(|_| format!("{:?} is no field name", visible(spelled)))?;
    // Controls are refused here: a line end in a value would begin another field line.
    let value = HeaderValue::from_bytes(value.trim_matches([' ', '\t']).as_bytes())
        .map_err(|_| format!("{shown:?}: control characters cannot stand in a field value"))?;
    Ok(Field {
        name,
        spelled: spelled.to_owned(),
        value,
    })
}
