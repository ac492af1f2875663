//! `sealane echo`: a server that says what it was asked, for whoever debugs a client.
//!
//! Every request body is read to its end, counted and hashed on the way and never kept, so that any
//! length can be sent. What is told is what was parsed, in the octets of the wire.

pub mod accept;
pub mod describe;
pub mod pattern;

use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use aws_lc_rs::digest::{self, SHA256};
use bytes::{Buf, Bytes};
use clap::Args;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, Either, Full};
use sealane::{Body, ConnectionInfo, RawFields};

use crate::echo::describe::Description;
use crate::echo::pattern::{Asked, Pattern};
use crate::error::{Ended, Result};
use crate::folder::withheld::Withheld;
use crate::inherited::Handed;
use crate::launch;
use crate::options::ServerArgs;

#[cfg(test)]
mod tests;

/// The options of `sealane echo`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct EchoArgs {
    /// Where and how to serve.
    #[command(flatten)]
    server: ServerArgs,
}

/// What a person tries first.
const EXAMPLES: &str = "\
Examples:
  sealane echo                                    start at https://localhost:8443/
  curl --cacert ROOT https://localhost:8443/a?b   answers: GET /a?b 0
  curl --cacert ROOT -d hello https://localhost:8443/       POST / 5
  curl --cacert ROOT -H 'Accept: application/json' https://localhost:8443/
  curl --cacert ROOT https://localhost:8443/bytes/1000000 | wc -c

ROOT is the path of the root certificate that is printed at the start.";

/// Runs until it is told to end; `handed` is what was handed over to listen at.
///
/// # Errors
/// When the server cannot start, or accepting ends by itself.
pub async fn run(args: &EchoArgs, handed: Vec<Handed>) -> Result<Ended> {
    launch::serve(
        &args.server,
        handed,
        "Answering every request with what it was",
        &Withheld::default(),
        Echo,
    )
    .await
}

/// The service behind `sealane echo`.
#[derive(Debug, Clone, Copy)]
pub struct Echo;

/// What it answers with: a text, or octets of the pattern.
type Answer = Response<Either<Full<Bytes>, Pattern>>;

/// Why a request got no answer: its body broke, which ends the connection.
type Broken = Box<dyn std::error::Error + Send + Sync>;

impl tower_service::Service<Request<Body>> for Echo {
    type Response = Answer;
    type Error = Broken;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<Answer, Broken>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<std::result::Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(answer(request))
    }
}

/// Answers one request, after its body was read to the end.
async fn answer(request: Request<Body>) -> std::result::Result<Answer, Broken> {
    let (head, body) = request.into_parts();
    let raw = head
        .extensions
        .get::<RawFields>()
        .ok_or("the request came without its octets")?;
    if head.method == Method::CONNECT {
        // A 2xx would promise a tunnel (RFC 9110 §9.3.6), and there is none behind this server.
        let mut refused = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "no tunnels are opened here\n",
        );
        let allowed =
            HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE");
        refused.headers_mut().insert(header::ALLOW, allowed);
        return Ok(refused);
    }
    let content = Content::read(body).await?;
    if head.method == Method::GET || head.method == Method::HEAD {
        match Asked::of(head.uri.path()) {
            Asked::Octets(octets) => return Ok(octets_of(octets)),
            Asked::Wrong(why) => return Ok(text(StatusCode::BAD_REQUEST, why)),
            Asked::Nothing => {}
        }
    }
    if accept::wants_json(&head.headers) {
        let connection = head.extensions.get::<ConnectionInfo>();
        let description = Description::new(&head.method, head.version, raw, &content, connection);
        let mut answer = text(StatusCode::OK, description.to_json()?);
        let json = HeaderValue::from_static("application/json");
        answer.headers_mut().insert(header::CONTENT_TYPE, json);
        return Ok(answer);
    }
    Ok(text(
        StatusCode::OK,
        line(&head.method, raw.target(), content.length),
    ))
}

/// The line of text that describes a request: method, target, length of the body.
///
/// Nothing follows it, not even a line end: other programs compare it.
fn line(method: &Method, target: &[u8], length: u64) -> Vec<u8> {
    let mut line = Vec::with_capacity(method.as_str().len() + target.len() + 22);
    line.extend_from_slice(method.as_str().as_bytes());
    line.push(b' ');
    line.extend_from_slice(target);
    line.extend_from_slice(format!(" {length}").as_bytes());
    line
}

/// What a request carried after its head.
#[derive(Debug)]
pub struct Content {
    /// How many octets the body had.
    pub length: u64,
    /// The SHA-256 of the body in hexadecimal digits.
    pub sha256: String,
    /// The trailer section.
    pub trailers: HeaderMap,
}

impl Content {
    /// Reads a body to its end, keeping its length and digest only.
    async fn read<B>(mut body: B) -> std::result::Result<Self, B::Error>
    where
        B: http_body::Body + Unpin,
    {
        let mut hash = digest::Context::new(&SHA256);
        let mut length = 0;
        let mut trailers = HeaderMap::new();
        while let Some(frame) = body.frame().await {
            match frame?.into_data() {
                Ok(mut data) => {
                    while data.has_remaining() {
                        let piece = data.chunk();
                        hash.update(piece);
                        let octets = piece.len();
                        length += octets as u64;
                        data.advance(octets);
                    }
                }
                Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
            }
        }
        let mut sha256 = String::with_capacity(64);
        for octet in hash.finish().as_ref() {
            let _ = write!(sha256, "{octet:02x}");
        }
        Ok(Self {
            length,
            sha256,
            trailers,
        })
    }
}

/// An answer of text, which no browser shall take for more (the target in it is the client's word).
fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(text.into())));
    *answer.status_mut() = status;
    let length = answer.body().size_hint().exact().unwrap_or_default();
    let fields = answer.headers_mut();
    fields.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    fields.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    answer
}

/// An answer of so many octets.
fn octets_of(octets: u64) -> Answer {
    let mut answer = Response::new(Either::Right(Pattern::new(octets)));
    let fields = answer.headers_mut();
    fields.insert(header::CONTENT_LENGTH, HeaderValue::from(octets));
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    answer
}
