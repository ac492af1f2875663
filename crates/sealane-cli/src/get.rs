//! `sealane get`: what is at these URLs, to standard output or into a file.
//!
//! The work is `crate::fetch`'s, as for `request`.

use clap::Args;
use http::Method;

use crate::error::{Ended, Result};
use crate::fetch;
use crate::fetch::asked::{Asked, Upload};
use crate::fetch::options::ClientArgs;

/// The options of `sealane get`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct GetArgs {
    /// What to get: https://HOST[:PORT]/PATH. No other scheme is spoken.
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,

    /// How.
    #[command(flatten)]
    client: ClientArgs,
}

/// What a person tries first.
const EXAMPLES: &str = "\
Examples:
  sealane get https://www.example.com/           the body to standard output
  sealane get https://localhost:8443/            what sealane serve gives, trusted at once
  sealane get -i -v https://www.example.com/     the head too, and what TLS agreed on
  sealane get -L --compressed https://example.com/   redirects followed, fewer octets
  sealane get -o page.html https://www.example.com/
  sealane get --cacert own.pem https://files.example/

Exit codes:
  0     all came
  1     a status of 400 or above, with --fail
  2     wrong arguments, or a file that cannot be read or written
  3     no connection, or TLS failed
  4     the response was cut, malformed or missing, or a redirect led nowhere
  130   ended by Ctrl-C
When several URLs fail, the first failure gives the code.";

/// Gets them all.
///
/// # Errors
/// When nothing could be asked; what happens later is told at once and becomes the exit code.
pub async fn run(args: &GetArgs) -> Result<Ended> {
    let asked = |url: &String| Asked {
        url: url.clone(),
        method: Method::GET,
        upload: Upload::Nothing,
        media: None,
        patient: false,
    };
    let asked: Vec<_> = args.urls.iter().map(asked).collect();
    fetch::run(&args.client, &asked).await
}
