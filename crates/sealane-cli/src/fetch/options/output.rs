//! Where an answer goes, and what is told of it.

use std::path::PathBuf;

use clap::Args;

use crate::fetch::write_out::{Format, format};

/// Where the answer goes, and what is told of it.
#[derive(Debug, Clone, Default, Args)]
pub struct OutputArgs {
    /// Write the body to this file; - is standard output.
    ///
    /// The file gets its name when the body is whole, and replaces one that was there; until then
    /// it stands beside it. A progress bar shows on a terminal.
    #[arg(short, long, value_name = "FILE", help_heading = SHOWN)]
    pub output: Option<PathBuf>,

    /// Print status line and field lines before the body, to standard output in any case.
    #[arg(short, long, help_heading = SHOWN)]
    pub include: bool,

    /// Offer gzip, deflate, br and zstd, and decode what comes; --output gets it decoded.
    #[arg(long, help_heading = SHOWN)]
    pub compressed: bool,

    /// Print facts of each URL behind its body, such as '%{http_code} %{time_total}\n'.
    ///
    /// The names are curl's: content_type, errormsg, exitcode, http_code, http_version, local_ip,
    /// local_port, method, num_connects, num_redirects, redirect_url, remote_ip, remote_port,
    /// response_code, scheme, size_download, size_upload, speed_download, speed_upload,
    /// ssl_verify_result, time_redirect, time_starttransfer, time_total, url, url_effective. \n, \r
    /// and \t are what they are elsewhere, %% is %.
    #[arg(short, long, value_name = "FORMAT", value_parser = format, help_heading = SHOWN)]
    pub write_out: Option<Format>,

    /// Tell about each connection: addresses, TLS, whether it is new.
    #[arg(short, long, help_heading = SHOWN)]
    pub verbose: bool,

    /// No progress and no notes. Errors and the warning of --insecure are still told.
    #[arg(short, long, conflicts_with = "verbose", help_heading = SHOWN)]
    pub silent: bool,

    /// Take a status of 400 or above for a failure: exit code 1, and nothing of the body.
    #[arg(short, long, help_heading = SHOWN)]
    pub fail: bool,
}

/// The heading of what is shown.
const SHOWN: &str = "Output";
