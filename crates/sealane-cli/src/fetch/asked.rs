//! One request: as the command line states it, and as the library takes it.

use std::path::PathBuf;

use http::{HeaderName, HeaderValue, Method, Version, header};
use sealane::{Body, RequestOptions};
use tokio::io::AsyncReadExt;

use crate::fetch::coding;
use crate::fetch::location::{Hop, describes_body, stays};
use crate::fetch::options::ClientArgs;

/// One request, as the command line states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Where to.
    pub url: String,
    /// The method.
    pub method: Method,
    /// The body to send.
    pub upload: Upload,
    /// What the body is said to be, unless a field says so.
    pub media: Option<&'static str>,
    /// Whether a large body waits until the server wants it.
    pub patient: bool,
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

impl Upload {
    /// The body.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) async fn body(&self) -> sealane::Result<Body> {
        match self {
            Self::Nothing => Ok(Body::empty()),
            Self::Text(text) => Ok(text.clone().into()),
            Self::File(path) => Body::file(path).await,
            Self::StandardInput => Ok(standard_input()),
        }
    }
}

/// The request of a hop as the library takes it, with these fields of ours beside those given.
pub(super) fn options(
    args: &ClientArgs,
    asked: &Asked,
    hop: &Hop,
    ours: &[(HeaderName, HeaderValue)],
) -> RequestOptions {
    let mut options = RequestOptions::new(&hop.url).method(hop.method.clone());
    if args.route.http10 {
        options = options.version(Version::HTTP_10);
    }
    let given = |name| args.fields.iter().any(|field| field.name == name);
    // Some servers refuse whoever does not say these two.
    if !given(header::USER_AGENT) {
        options = options.header(header::USER_AGENT, NAME);
    }
    if !given(header::ACCEPT) {
        options = options.header(header::ACCEPT, "*/*");
    }
    if args.shown.compressed && !given(header::ACCEPT_ENCODING) {
        options = options.header(header::ACCEPT_ENCODING, coding::OFFERED);
    }
    let bodied = hop.body && asked.upload != Upload::Nothing;
    if let Some(media) = asked.media.filter(|_| bodied)
        && !given(header::CONTENT_TYPE)
    {
        options = options.header(header::CONTENT_TYPE, media);
    }
    let goes = |name: &HeaderName| (hop.own || !stays(name)) && (hop.body || !describes_body(name));
    for field in args.fields.iter().filter(|field| goes(&field.name)) {
        options = options.header(field.spelled.as_str(), field.value.clone());
    }
    for (name, value) in ours {
        options = options.header(name.clone(), value.clone());
    }
    options
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

/// How the program calls itself to servers.
const NAME: &str = concat!("sealane/", env!("CARGO_PKG_VERSION"));

/// Octets read from standard input at a time: as many as a body holds back.
const PIECE: usize = 64 * 1024;
