//! `sealane request`: one request of any method, with a body if need be.
//!
//! The work is `crate::fetch`'s, as for `get`.

use std::path::{Path, PathBuf};

use clap::Args;
use http::Method;
use url::Url;

use crate::error::{Ended, Failure, Result};
use crate::fetch;
use crate::fetch::asked::{Asked, Upload};
use crate::fetch::options::ClientArgs;

#[cfg(test)]
mod tests;

/// The options of `sealane request`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RequestArgs {
    /// The method. [default: GET, POST with --data, PUT with
    /// --upload-file]
    #[arg(short = 'X', long, value_name = "METHOD", value_parser = method)]
    method: Option<Method>,

    /// The body: text, @FILE for what is in a file, @- for standard input. Sent as it is.
    ///
    /// The length of text and files is told ahead; standard input is sent in chunks as it comes.
    /// Unless --header gives one, the type is application/x-www-form-urlencoded.
    #[arg(short, long, value_name = "DATA", value_parser = upload, allow_hyphen_values = true)]
    data: Option<Upload>,

    /// Send this file by PUT; - is standard input. A URL that ends with / gets the file's name.
    ///
    /// Nothing is said of its type unless --header does. A progress bar shows on a terminal. More
    /// than 1 MiB, or standard input, waits for the server to want it (Expect: 100-continue).
    #[arg(short = 'T', long, value_name = "FILE", conflicts_with = "data")]
    upload_file: Option<PathBuf>,

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
  sealane request -T photo.jpg https://files.example/photos/     PUT as /photos/photo.jpg
  tar c folder | sealane request -T - https://files.example/backup
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
    fetch::run(&args.client, &[args.asked()?]).await
}

impl RequestArgs {
    /// The request that these options mean.
    fn asked(&self) -> Result<Asked> {
        let (implied, upload, media) = match (&self.data, &self.upload_file) {
            (Some(data), _) => (Method::POST, data.clone(), Some(FORM)),
            (None, Some(file)) if file == Path::new("-") => {
                (Method::PUT, Upload::StandardInput, None)
            }
            (None, Some(file)) => (Method::PUT, Upload::File(file.clone()), None),
            (None, None) => (Method::GET, Upload::Nothing, None),
        };
        Ok(Asked {
            url: self.place()?,
            method: self.method.clone().unwrap_or(implied),
            upload,
            media,
            patient: self.upload_file.is_some(),
        })
    }

    /// The URL, with the name of a file that is put into a folder.
    fn place(&self) -> Result<String> {
        let Some(file) = &self.upload_file else {
            return Ok(self.url.clone());
        };
        // What is no URL the library refuses, in its words.
        let Ok(mut url) = Url::parse(&self.url) else {
            return Ok(self.url.clone());
        };
        if !url.path().ends_with('/') {
            return Ok(self.url.clone());
        }
        let hint = "write the name behind the URL";
        let Some(name) = file.file_name().filter(|_| file != Path::new("-")) else {
            let message = format!(
                "the URL ends with /, and {} has no name to put there",
                file.display()
            );
            return Err(Failure::usage(message).hint(hint));
        };
        let Some(name) = name.to_str() else {
            let message = format!("{} has a name that is no text", file.display());
            return Err(Failure::usage(message).hint(hint));
        };
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(name);
        }
        Ok(url.into())
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
