//! `sealane inspect`: who a server says it is, what TLS agrees on with it, and what is wrong.
//!
//! It asks twice, shows everything even of a server that cannot prove who it is, and ends with 3
//! then. Nothing of an answer is shown but its status, in JSON.

mod chain_file;
mod paint;
mod report;
mod target;
mod text;
mod visit;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use sealane::{Agent, Error, ErrorKind, Pins};

use crate::error::{Ended, Failure, Result, USAGE, reason};
use crate::fetch::failure;
use crate::fetch::tls::TlsArgs;
use crate::fetch::trust::{Talk, Tls, is_local};
use crate::inspect::paint::Paint;
use crate::inspect::report::Report;
use crate::inspect::target::Target;
use crate::interrupt::Interrupts;
use crate::quantity::{TimeLimit, time_limit};

/// The options of `sealane inspect`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct InspectArgs {
    /// The server: HOST, HOST:PORT, [IPV6]:PORT, or an https:// URL, of which only host and port
    /// count. Without a port, 443.
    #[arg(value_name = "HOST[:PORT]")]
    target: Target,

    /// Print JSON instead of text: one object, whose names stay the same from version to version.
    #[arg(long, help_heading = OUTPUT)]
    json: bool,

    /// Save the chain in PEM, the server's own certificate first; - is standard output, and then
    /// the report goes to standard error. A file that exists is not overwritten.
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pem: Option<PathBuf>,

    /// Whom to trust, and who to be.
    #[command(flatten)]
    tls: TlsArgs,

    /// The longest time to find and open a connection; its TLS handshake may take as long again,
    /// and so may the answer. [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = time_limit, help_heading = LIMITS)]
    connect_timeout: Option<TimeLimit>,
}

/// What a person tries first.
const EXAMPLES: &str = "\
Examples:
  sealane inspect www.example.com
  sealane inspect localhost:8443                    what sealane serve shows
  sealane inspect 192.0.2.7 --servername files.example
  sealane inspect --pem chain.pem mail.example:8443
  sealane inspect --json www.example.com | jq .chain[0].days_left

Exit codes:
  0     the server has proved who it is, and has one of the pins if there are any
  2     wrong arguments, or a file that cannot be read or written
  3     no connection, TLS failed, or the server cannot prove who it is
  4     the server speaks TLS, and then no HTTP
  130   ended by Ctrl-C";

/// Inspects a server.
///
/// # Errors
/// When there is nothing to show: no connection, no handshake, no answer.
pub async fn run(args: &InspectArgs) -> Result<Ended> {
    check(args)?;
    let mut interrupts = Interrupts::begin()?;
    tokio::select! {
        ended = inspect(args) => ended,
        () = interrupts.next() => Ok(Ended::Cut),
    }
}

/// Refuses options that cannot be meant together, and a file that would be overwritten.
fn check(args: &InspectArgs) -> Result<()> {
    match file(args) {
        Some(path) => chain_file::must_be_free(path),
        None if args.json && args.pem.is_some() => {
            let message = "--json and --pem - would both write to standard output";
            Err(Failure::usage(message)
                .hint("the JSON has each certificate in PEM, as .chain[].pem"))
        }
        None => Ok(()),
    }
}

/// Visits the server and shows what was found.
async fn inspect(args: &InspectArgs) -> Result<Ended> {
    let agent = agent(args)?;
    let visit = visit::visit(&agent, &args.target.url()).await;
    let visit = visit.map_err(|error| failed(&error, args))?;
    let pins = !args.tls.pins.is_empty();
    let report = Report::new(&args.target, &visit, pins, SystemTime::now());
    if let Some(path) = file(args) {
        chain_file::write(path, &chain_file::text(&report))?;
    }
    show(args, &report)?;
    Ok(match report.authorized && report.pinned != Some(false) {
        true => Ended::Done,
        false => Ended::Failed(UNTRUSTED),
    })
}

/// Says why there is nothing to show. One option governs all times here.
fn failed(error: &Error, args: &InspectArgs) -> Failure {
    let failure = failure::of(error, &args.tls);
    match error.kind() {
        ErrorKind::Timeout => {
            failure.hint("if the server is only slow, give it more time with --connect-timeout")
        }
        ErrorKind::Protocol => failure
            .hint("it speaks TLS, and then no HTTP/1.1, without which nothing of it can be shown"),
        _ => failure,
    }
}

/// An agent that keeps sessions and no connections, and goes on whoever the server is.
fn agent(args: &InspectArgs) -> Result<Agent> {
    let url = args.target.url();
    let tls = Tls::read(&args.tls, &[&url], Talk::Usual)?;
    let limit = args.connect_timeout.unwrap_or(LIMIT);
    let mut options = tls
        .options(is_local(&url))
        .keep_alive(false)
        .reject_unauthorized(false)
        .connect_timeout(limit)
        .handshake_timeout(limit)
        .head_timeout(limit)
        .inactivity_timeout(limit);
    if !args.tls.pins.is_empty() {
        // Nobody is refused here, so pins report; the exit code heeds what they say.
        let pins = args.tls.pins.iter().cloned();
        options = options.pins(pins.collect::<Pins>().report_only(true));
    }
    Agent::new(options).map_err(|error| failure::of(&error, &args.tls).exit(USAGE))
}

/// Prints the report, and the chain where it goes the same way.
fn show(args: &InspectArgs, report: &Report) -> Result<()> {
    if args.json {
        let json = report.to_json();
        let json = json.map_err(|error| Failure::new(format!("cannot write JSON: {error}")))?;
        return print(&mut io::stdout(), &json);
    }
    if args.pem.as_deref() == Some(Path::new("-")) {
        let paint = Paint::for_stream(&io::stderr());
        print(&mut io::stderr(), &text::text(report, paint))?;
        return print(&mut io::stdout(), &chain_file::text(report));
    }
    let paint = Paint::for_stream(&io::stdout());
    print(&mut io::stdout(), &text::text(report, paint))
}

/// Writes to a standard stream; a reader that has gone wanted no more.
fn print(out: &mut impl Write, text: &str) -> Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let message = format!("cannot write to standard output: {}", reason(&error));
            Err(Failure::new(message).exit(USAGE))
        }
        _ => Ok(()),
    }
}

/// The file that the chain goes to, if it is one.
fn file(args: &InspectArgs) -> Option<&Path> {
    let path = args.pem.as_deref();
    path.filter(|path| *path != Path::new("-"))
}

/// How long each step may take: as long as connections of the other clients. The head of an
/// answer takes no longer where all is well.
const LIMIT: TimeLimit = TimeLimit(Some(Duration::from_secs(10)));

/// The exit code when the server has not proved who it is, or has none of the pins: that of a
/// client whose TLS failed.
const UNTRUSTED: u8 = 3;

/// The heading of what is shown.
const OUTPUT: &str = "Output";

/// The heading of the time limits.
const LIMITS: &str = "Limits (times such as 5s, 500ms, 2m, or off)";
