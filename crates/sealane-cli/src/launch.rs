//! From options to a running server and to its end: what `serve` and `echo` have in common.
//!
//! In order: may these addresses be served, who are we, bind, tell, wait. Nothing is printed before
//! everything stands, so that an address that was printed answers.

mod identity;
mod listen;
mod places;

use std::future::Future;
use std::pin::{Pin, pin};

use bytes::Buf;
use http::{Request, Response};
use sealane::{Body, Server};
use time::OffsetDateTime;
use tower_service::Service;

use crate::banner::Banner;
use crate::error::{Ended, Failure, Result};
use crate::folder::withheld::Withheld;
use crate::inherited::Handed;
use crate::interrupt::{Interrupts, Wish, Wishes};
use crate::launch::identity::Proof;
use crate::options::ServerArgs;
use crate::quantity::TimeLimit;
use crate::terminal::{note, say};
use crate::watch::Watch;

/// Serves until told to end, at the places of the command line or at sockets that were handed over;
/// `what` is the first line of what is printed, `withheld` learns of each file that is the log.
///
/// # Errors
/// When the server cannot start, or accepting ends by itself.
pub async fn serve<S, B>(
    args: &ServerArgs,
    handed: Vec<Handed>,
    what: &str,
    withheld: &Withheld,
    service: S,
) -> Result<Ended>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: http_body::Body + Send + 'static,
    B::Data: Buf + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let plan = places::plan(args, handed).await?;
    let proof = Proof::find(args, &plan, OffsetDateTime::now_utc())?;
    let (watch, observer) = args.watch.begin(withheld)?;
    let options = args.options(proof.identity())?.observer(observer);
    let server = Server::with_service(options, service)
        .map_err(|error| args.limits.refused(&error.to_string()))?;
    // From here on Ctrl-C is ours: none may be lost between binding and waiting.
    let signals = Signals {
        interrupts: Interrupts::begin()?,
        wishes: Wishes::begin(args.watch.has_file())?,
    };
    let bound = listen::bind(&server, &args.sockets, plan).await?;
    let urls = listen::urls(&bound, &proof.names());
    say(&Banner {
        what,
        urls: &urls,
        paths: &listen::paths(&bound),
        trust: proof.trust(),
    }
    .text());
    let ended = attend(&server, &proof, signals, args.limits.grace, &watch).await;
    // Its last handle: what it still says of its connections is said before the log ends.
    drop(server);
    watch.finish();
    ended
}

/// What a running server is told from outside.
struct Signals {
    interrupts: Interrupts,
    wishes: Wishes,
}

/// Waits for the end of a running server.
async fn attend(
    server: &Server,
    proof: &Proof,
    mut signals: Signals,
    grace: Option<TimeLimit>,
    watch: &Watch,
) -> Result<Ended> {
    let mut ending: Pin<Box<dyn Future<Output = String> + Send + '_>> = Box::pin(proof.ending());
    loop {
        tokio::select! {
            ended = server.closed() => return ended.map(|()| Ended::Done).map_err(broken),
            () = signals.interrupts.next() => break,
            wish = signals.wishes.next() => heed(wish, watch),
            text = &mut ending => {
                note(&text);
                ending = Box::pin(std::future::pending());
            }
        }
    }
    end(server, signals, grace, watch).await
}

/// Does what a running server is asked for.
fn heed(wish: Wish, watch: &Watch) {
    match wish {
        Wish::Reopen => watch.reopen(),
        Wish::Tell => watch.tell(),
    }
}

/// Ends a server: what runs may finish, for as long as it may. Wishes are heeded meanwhile: without
/// a limit that may be hours.
async fn end(
    server: &Server,
    mut signals: Signals,
    grace: Option<TimeLimit>,
    watch: &Watch,
) -> Result<Ended> {
    let limit = grace.and_then(Option::from);
    match limit {
        None => note("ending: what runs may finish; Ctrl-C again ends at once"),
        Some(limit) => note(&format!(
            "ending: what runs may finish within {}; Ctrl-C again ends at once",
            TimeLimit(Some(limit))
        )),
    }
    let closing = async {
        match limit {
            None => server.close().await.map(|()| 0),
            Some(limit) => server.close_within(limit).await,
        }
    };
    let mut closing = pin!(closing);
    let cut = loop {
        tokio::select! {
            cut = &mut closing => break cut.map_err(broken)?,
            () = signals.interrupts.next() => return Ok(Ended::Cut),
            wish = signals.wishes.next() => heed(wish, watch),
        }
    };
    match cut {
        0 => {}
        1 => note("ending: 1 connection was cut"),
        cut => note(&format!("ending: {cut} connections were cut")),
    }
    Ok(Ended::Done)
}

/// Says that a server ended though nobody told it to.
#[allow(
    clippy::needless_pass_by_value,
    reason = "it stands where a mapping of errors is wanted"
)]
fn broken(error: sealane::Error) -> Failure {
    Failure::new(format!("the server ended by itself: {error}"))
}
