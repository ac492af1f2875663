//! `sealane request`: one request of any method, with a body if need be.
//!
//! The work is `crate::fetch`'s, as for `get`.

use std::path::PathBuf;

use clap::Args;
use http::Method;

use crate::error::{Ended, Result};
use crate::fetch;
use crate::fetch::asked::{Asked, Upload};
use crate::fetch::options::ClientArgs;

#[cfg(test)]
mod tests;

/// The options of `sealane request`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RequestArgs {
    /// The method. [default: GET, or POST with --data]
    #[arg(short = 'X', long, value_name = "METHOD", value_parser = method)]
    method: Option<Method>,

    /// The body: text, @FILE for what is in a file, @- for standard input. Sent as it is.
    ///
    /// The length of text and files is told ahead; standard input is sent in chunks as it comes.
    /// Unless --header gives one, the type is application/x-www-form-urlencoded.
    #[arg(short, long, value_name = "DATA", value_parser = upload, allow_hyphen_values = true)]
    data: Option<Upload>,

    /// Where to: https://HOST[:PORT]/PATH. No other scheme is spoken.
    #[arg(value_name = "URL")]
    url: String,

    /// How.
    #[command(flatten)]
    client: ClientArgs,
}

/// What a person tries first.
const EXAMPLES: &str = "\
Examples:
  sealane request -d name=value https://files.example/form
  sealane request -X PUT -d @photo.jpg -H 'Content-Type: image/jpeg' https://files.example/photo
  tar c folder | sealane request -d @- https://files.example/backup
  sealane request -X DELETE -f https://files.example/photo

Exit codes:
  0     answered
  1     a status of 400 or above, with --fail
  2     wrong arguments, or a file that cannot be read or written
  3     no connection, TLS failed, or the request could not be sent
  4     the response was cut, malformed or missing, or a redirect led nowhere
  130   ended by Ctrl-C";

/// Sends it and shows the answer.
///
/// # Errors
/// When nothing could be asked; what happens later is told at once and becomes the exit code.
pub async fn run(args: &RequestArgs) -> Result<Ended> {
    fetch::run(&args.client, &[args.asked()]).await
}

impl RequestArgs {
    /// The request that these options mean.
    fn asked(&self) -> Asked {
        let implied = || match &self.data {
            Some(_) => Method::POST,
            None => Method::GET,
        };
        Asked {
            url: self.url.clone(),
            method: self.method.clone().unwrap_or_else(implied),
            upload: self.data.clone().unwrap_or(Upload::Nothing),
            media: self.data.is_some().then_some(FORM),
        }
    }
}

/// What a form sends, and what tools have said of --data ever since.
const FORM: &str = "application/x-www-form-urlencoded";

/// Reads a method (RFC 9110 §9.1: a token; its letter case counts).
fn method(text: &str) -> std::result::Result<Method, String> {
    let method: Method = text
        .parse()
        .map_err(|_| format!("{text:?} is no method: letters, digits and !#$%&'*+-.^_`|~ are"))?;
    match method {
        Method::CONNECT => Err("CONNECT asks a proxy for a tunnel; there is none here".into()),
        other => Ok(other),
    }
}

/// Reads what `--data` means.
#[allow(
    clippy::unnecessary_wraps,
    reason = "clap wants a parser that could refuse"
)]
fn upload(text: &str) -> std::result::Result<Upload, String> {
    Ok(match text.strip_prefix('@') {
        None => Upload::Text(text.to_owned()),
        Some("-") => Upload::StandardInput,
        Some(path) => Upload::File(PathBuf::from(path)),
    })
}
