//! From options to responses: what `get` and `request` have in common.
//!
//! In order: are these requests that can be sent, whom do we trust, can the file be written; then
//! each request and its response, one after the other over connections that are kept. Everything
//! that is wrong with the command line is said before anything is sent.

mod agents;
mod output;
pub mod options;
pub mod trust;
pub mod failure;
pub mod tls;
pub mod escape;
mod show;

use std::path::PathBuf;

use http::{Method, Response, header};
use http_body::Body as _;
use sealane::{Body, ClientRequest, ConnectionInfo, RequestOptions};
use tokio::io::AsyncReadExt;

use crate::error::{Ended, Failure, Result};
use crate::fetch::agents::Agents;
use crate::fetch::options::ClientArgs;
use crate::fetch::output::Output;
use crate::interrupt::Interrupts;
use crate::terminal::{note, visible};

/// One request, as the command line states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Where to.
    pub url: String,
    /// The method.
    pub method: Method,
    /// The body to send.
    pub upload: Upload,
}

/// Where the body of a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upload {
    /// There is none.
    Nothing,
    /// The command line itself.
    Text(String),
    /// A file.
    File(PathBuf),
    /// Standard input, as it comes.
    StandardInput,
}

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
    if output::file(args).is_some() && asked.len() > 1 {
        let message = format!(
            "--output takes one body, and there are {} URLs",
            asked.len()
        );
        return Err(Failure::usage(message).hint("run sealane get once for each of them"));
    }
    for asked in asked {
        failure::check_scheme(&asked.url)?;
    }
    if args.tls.takes_standard_input()
        && asked
            .iter()
            .any(|asked| asked.upload == Upload::StandardInput)
    {
        return Err(Failure::usage(
            "standard input cannot be both the body and the passphrase",
        ));
    }
    let agents = Agents::new(args, asked)?;
    let begin = |asked: &Asked| agents.of(&asked.url).request(request_options(args, asked));
    let requests: std::result::Result<Vec<_>, _> = asked.iter().map(begin).collect();
    let requests = requests.map_err(|error| failure::of(&error, &args.tls))?;
    let mut code = None;
    for (asked, request) in asked.iter().zip(requests) {
        match exchange(args, asked, request).await {
            Ok(()) => {}
            Err(Stop::Unread) => break,
            Err(Stop::Failed(failure)) => {
                note(&failure.to_string());
                code.get_or_insert(failure.exit_code());
            }
        }
    }
    Ok(code.map_or(Ended::Done, Ended::Failed))
}

/// Sends one request and shows its response.
async fn exchange(
    args: &ClientArgs,
    asked: &Asked,
    request: ClientRequest,
) -> std::result::Result<(), Stop> {
    let failed = |error: sealane::Error| failure::of(&error, &args.tls);
    // Before anything is sent: a request that was carried out cannot be taken back.
    let mut output = Output::open(args).await?;
    let body = body(&asked.upload).await.map_err(failed)?;
    let mut response = request.end_with(body).await.map_err(failed)?;
    tell_connection(args, &response);
    if args.include {
        output.head(&show::head(&response)).await?;
    }
    let status = response.status();
    if args.fail && status.as_u16() >= 400 {
        let (url, status) = (
            failure::without_secrets(&asked.url),
            show::status(&response),
        );
        return Err(Failure::new(format!("{url} was answered with {status}")).into());
    }
    if !args.silent
        && status.is_redirection()
        && let Some(place) = response.headers().get(header::LOCATION)
    {
        let (status, place) = (show::status(&response), show::octets(place.as_bytes()));
        note(&format!(
            "note: {status} leads to {place}; redirects are not followed"
        ));
    }
    output.begin(response.body().size_hint().exact());
    while let Some(piece) = response.body_mut().chunk().await.map_err(failed)? {
        output.write(&piece).await?;
    }
    output.finish().await
}

/// Tells what the connection of a response is like, as far as that was asked for.
fn tell_connection<B>(args: &ClientArgs, response: &Response<B>) {
    let Some(info) = response.extensions().get::<ConnectionInfo>() else {
        return;
    };
    if args.verbose {
        note(&show::connection(info));
    }
    if args.insecure && !info.tls().authorized() && !info.reused() {
        let code = info.tls().authorization_error().unwrap_or("no certificate");
        note(&format!(
            "warning: --insecure: {} was ignored",
            visible(code)
        ));
    }
}

/// The request as the library takes it.
fn request_options(args: &ClientArgs, asked: &Asked) -> RequestOptions {
    let mut options = RequestOptions::new(&asked.url).method(asked.method.clone());
    let given = |name| args.fields.iter().any(|(field, _)| field == name);
    // Some servers refuse whoever does not say these two.
    if !given(header::USER_AGENT) {
        options = options.header(header::USER_AGENT, NAME);
    }
    if !given(header::ACCEPT) {
        options = options.header(header::ACCEPT, "*/*");
    }
    if asked.upload != Upload::Nothing && !given(header::CONTENT_TYPE) {
        options = options.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    let add = |options: RequestOptions, (name, value): &(_, _)| {
        let (name, value): (&header::HeaderName, &header::HeaderValue) = (name, value);
        options.header(name.clone(), value.clone())
    };
    args.fields.iter().fold(options, add)
}

/// The body of a request.
async fn body(upload: &Upload) -> sealane::Result<Body> {
    match upload {
        Upload::Nothing => Ok(Body::empty()),
        Upload::Text(text) => Ok(text.clone().into()),
        Upload::File(path) => Body::file(path).await,
        Upload::StandardInput => Ok(standard_input()),
    }
}

/// Standard input as a body of unknown length.
fn standard_input() -> Body {
    let (mut sender, body) = Body::channel();
    tokio::spawn(async move {
        let mut input = tokio::io::stdin();
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            match input.read_buf(&mut piece).await {
                Ok(0) => return,
                // A body that nobody takes any more needs no further input.
                Ok(_) => match sender.send(piece).await {
                    Ok(()) => {}
                    Err(_) => return,
                },
                Err(error) => return sender.abort(format!("cannot read standard input: {error}")),
            }
        }
    });
    body
}

/// What is said at each run that does not insist on who the server is.
const INSECURE: &str = "\
warning: --insecure: the server need not prove who it is; anybody on the way can read and change
warning: everything that is sent and received";

/// How the program calls itself to servers.
const NAME: &str = concat!("sealane/", env!("CARGO_PKG_VERSION"));

/// Octets read from standard input at a time: as many as a body holds back.
const PIECE: usize = 64 * 1024;
