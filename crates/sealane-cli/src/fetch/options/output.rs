//! Where an answer goes, and what is told of it.

use std::path::PathBuf;

use clap::Args;

use crate::fetch::write_out::{Format, format};

#[cfg(test)]
mod tests;

/// Where the answer goes, and what is told of it.
#[derive(Debug, Clone, Default, Args)]
pub struct OutputArgs {
    /// Write the body to this file; - is standard output.
    ///
    /// The file gets its name when the body is whole, and replaces one that was there; until then
    /// it stands beside it. A progress bar shows on a terminal.
    #[arg(short, long, value_name = "FILE", help_heading = SHOWN)]
    pub output: Option<PathBuf>,

    /// Go on with a download that broke off; - is where the file ends, else a number of octets.
    ///
    /// What has come stays in FILE.part until all is there, with a note beside it of what it is. -
    /// goes on where the server proves, by a strong ETag or an old date, that it is still the same;
    /// else it is got from its beginning, which is told. OFFSET goes on without proof.
    #[arg(short = 'C', long, value_name = "OFFSET", value_parser = continue_at,
          requires = "output", conflicts_with = "compressed", help_heading = SHOWN)]
    pub continue_at: Option<ContinueAt>,

    /// Print status line and field lines before the body, to standard output in any case.
    #[arg(short, long, help_heading = SHOWN)]
    pub include: bool,

    /// Offer gzip, deflate, br and zstd, and decode what comes; --output gets it decoded.
    #[arg(long, help_heading = SHOWN)]
    pub compressed: bool,

    /// Send the request so many times over kept connections, and print what each took, and all
    /// together, instead of bodies.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=MOST),
          conflicts_with_all = ["output", "include", "write_out", "location"],
          help_heading = SHOWN)]
    pub repeat: Option<u32>,

    /// Tell what the time went into: lookup, connection, proxy, TLS, waiting, body.
    #[arg(long, conflicts_with = "repeat", help_heading = SHOWN)]
    pub timings: bool,

    /// Print facts of each URL behind its body, such as '%{http_code} %{time_total}\n'.
    ///
    /// The names are curl's: content_type, errormsg, exitcode, http_code, http_version, local_ip,
    /// local_port, method, num_connects, num_redirects, redirect_url, remote_ip, remote_port,
    /// response_code, scheme, size_download, size_upload, speed_download, speed_upload,
    /// ssl_verify_result, time_appconnect, time_connect, time_namelookup, time_pretransfer,
    /// time_redirect, time_starttransfer, time_total, url, url_effective. \n, \r
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

/// The most rounds: their times are kept until the end.
const MOST: i64 = 1_000_000;

/// Where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContinueAt {
    /// Where what is here ends.
    End,
    /// At this octet.
    Offset(u64),
}

/// Reads where to go on: `-`, or a number of octets.
fn continue_at(text: &str) -> std::result::Result<ContinueAt, String> {
    if text == "-" {
        return Ok(ContinueAt::End);
    }
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    let offset = text.parse().ok().filter(|_| digits);
    offset
        .map(ContinueAt::Offset)
        .ok_or_else(|| "write - for where the file ends, or a number of octets".to_owned())
}

/// The heading of what is shown.
const SHOWN: &str = "Output";
