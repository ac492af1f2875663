//! `sealane serve`: a folder over HTTPS.
//!
//! The folder is `crate::folder`'s work; this file is the subcommand around it.

use std::path::PathBuf;

use clap::Args;

use crate::error::{Ended, Failure, Result};
use crate::folder::FolderService;
use crate::folder::withheld::Withheld;
use crate::inherited::Handed;
use crate::launch;
use crate::options::ServerArgs;

/// The options of `sealane serve`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    /// The folder to serve.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,

    /// Serve files and folders whose name begins with a dot, too.
    #[arg(long)]
    hidden: bool,

    /// Where and how to serve.
    #[command(flatten)]
    server: ServerArgs,
}

/// What a person tries first.
const EXAMPLES: &str = "\
Examples:
  sealane serve                    this folder at https://localhost:8443/
  sealane serve site --addr 9000   the folder site at https://localhost:9000/
  sealane serve site --addr 0.0.0.0:443 --cert chain.pem --key key.pem
                                   to everybody, with a certificate of your own

At the first start a local certificate authority is made for this machine; the start tells where its
root certificate is and how to trust it.";

/// Runs until it is told to end; `handed` is what was handed over to listen at.
///
/// # Errors
/// When the folder or the server cannot be opened, or accepting ends by itself.
pub async fn run(args: &ServeArgs, handed: Vec<Handed>) -> Result<Ended> {
    let withheld = Withheld::new(args.server.secrets());
    let opened = FolderService::open(&args.folder, args.hidden, withheld.clone());
    let service = opened.map_err(|error| {
        let failure = Failure::io("serve", &args.folder, &error);
        match error.kind() {
            std::io::ErrorKind::NotADirectory => {
                failure.hint("name the folder that the file is in")
            }
            _ => failure,
        }
    })?;
    let what = format!("Serving {}", service.path().display());
    launch::serve(&args.server, handed, &what, &withheld, service).await
}
