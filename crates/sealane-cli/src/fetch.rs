//! From options to responses: what `get` and `request` have in common.
//!
//! In order: are these requests that can be sent, whom do we trust, can the file be written; then
//! each request and its response, one after the other over connections that are kept. Everything
//! that is wrong with the command line is said before anything is sent.

mod transfer;
mod repeat;
mod agents;
pub mod asked;
mod upload;
mod route;
mod output;
mod coding;
pub mod options;
pub mod trust;
mod location;
pub mod failure;
pub mod tls;
pub mod escape;
pub mod write_out;
mod facts;
mod show;

use http::{Method, header};

use crate::error::{Ended, Failure, Result};
use crate::fetch::agents::Agents;
use crate::fetch::asked::{Asked, Upload};
use crate::fetch::location::Trail;
use crate::fetch::options::ClientArgs;
use crate::fetch::transfer::Transfer;
use crate::interrupt::Interrupts;
use crate::terminal::note;

/// Why an exchange did not come to its end.
enum Stop {
    /// Something failed.
    Failed(Failure),
    /// Whoever read our output has gone, and wants no more.
    Unread,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Sends all requests, one after the other, and shows their responses.
///
/// # Errors
/// When something is wrong before the first one is sent. What happens later is told at once, the
/// others still get their turn, and the first failure becomes the exit code.
pub async fn run(args: &ClientArgs, asked: &[Asked]) -> Result<Ended> {
    if args.insecure {
        note(INSECURE);
    }
    // From here on Ctrl-C is ours: a file that is not whole has to go away.
    let mut interrupts = Interrupts::begin()?;
    tokio::select! {
        ended = every(args, asked) => ended,
        () = interrupts.next() => Ok(Ended::Cut),
    }
}

/// Sends all requests.
async fn every(args: &ClientArgs, asked: &[Asked]) -> Result<Ended> {
    check(args, asked)?;
    let agents = Agents::new(args, asked)?;
    for asked in asked {
        // Made once more when its turn comes; here it is only seen that it can be.
        let trail = Trail::begin(&asked.url, &asked.method, 0);
        let options = asked::options(args, asked, trail.hop(), &[]);
        agents.request(trail.hop(), options)?;
    }
    let mut code = None;
    for asked in asked {
        let transfer = Transfer::new(args, &agents, asked);
        let outcome = match args.shown.repeat {
            Some(times) => repeat::run(&transfer, &asked.url, times).await,
            None => transfer.run().await.map(|()| None),
        };
        match outcome {
            Ok(failed) => code = code.or(failed),
            Err(Stop::Unread) => break,
            Err(Stop::Failed(failure)) => {
                note(&failure.to_string());
                code.get_or_insert(failure.exit_code());
            }
        }
    }
    Ok(code.map_or(Ended::Done, Ended::Failed))
}

/// Refuses what cannot be meant together.
fn check(args: &ClientArgs, asked: &[Asked]) -> Result<()> {
    if output::file(args).is_some() && asked.len() > 1 {
        let message = format!(
            "--output takes one body, and there are {} URLs",
            asked.len()
        );
        return Err(Failure::usage(message).hint("run sealane get once for each of them"));
    }
    for asked in asked {
        failure::check_scheme(&asked.url)?;
        if args.shown.continue_at.is_some() {
            check_continued(args, asked)?;
        }
    }
    let route = &args.route;
    if route.proxy.is_none() && !route.proxy_env {
        let lost = [
            ("--noproxy", route.noproxy.is_some()),
            ("--proxy-cacert", route.proxy_cacert.is_some()),
        ];
        if let Some((name, _)) = lost.iter().find(|(_, given)| *given) {
            let failure = Failure::usage(format!(
                "{name} says something about a proxy, and there is none"
            ));
            return Err(failure.hint("give --proxy or --proxy-env"));
        }
    }
    let reads = |asked: &Asked| asked.upload == Upload::StandardInput;
    if args.tls.takes_standard_input() && asked.iter().any(reads) {
        return Err(Failure::usage(
            "standard input cannot be both the body and the passphrase",
        ));
    }
    if args.shown.repeat.is_some() && asked.iter().any(reads) {
        let failure =
            Failure::usage("--repeat sends the body again, and standard input is read once");
        return Err(failure.hint("write it into a file, and send that"));
    }
    Ok(())
}

/// Refuses to go on with what is no file, or not simply got.
fn check_continued(args: &ClientArgs, asked: &Asked) -> Result<()> {
    if output::file(args).is_none() {
        return Err(Failure::usage(
            "--continue-at goes on with a file: name it with --output",
        ));
    }
    if asked.method != Method::GET || asked.upload != Upload::Nothing {
        return Err(Failure::usage("--continue-at is for GET without a body"));
    }
    let ranges = [header::RANGE, header::IF_RANGE];
    let given = args.fields.iter();
    match given
        .map(|field| &field.name)
        .find(|name| ranges.contains(name))
    {
        Some(name) => Err(Failure::usage(format!(
            "--continue-at says itself which part it wants, so {name} cannot be given"
        ))),
        None => Ok(()),
    }
}

/// What is said at each run that does not insist on who the server is.
const INSECURE: &str = "\
warning: --insecure: the server need not prove who it is; anybody on the way can read and change
warning: everything that is sent and received";
