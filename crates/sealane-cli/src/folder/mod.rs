//! A folder as a service: files, parts of files, and a page for each folder (RFC 9110).
//!
//! Where a path may lead is decided in [`guard`]; this file turns what was found into a response.
//! It is an ordinary tower service and knows nothing of connections. All file work happens where
//! blocking is allowed; only the pieces of a large file follow later.

pub mod condition;
pub mod file_body;
pub mod guard;
pub mod listing;
pub mod media;
pub mod open;
pub mod range;
pub mod withheld;

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::future::Future;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use crate::folder::condition::{Validators, Verdict};
use crate::folder::file_body::FileBody;
use crate::folder::guard::{Names, Refusal, Root};
use crate::folder::listing::Line;
use crate::folder::open::{Folder, Opened};
use crate::folder::range::Part;
use crate::folder::withheld::Withheld;

#[cfg(test)]
mod tests;

/// The body of every response: a text, a page, or octets of a file.
pub type FolderBody = UnsyncBoxBody<Bytes, io::Error>;

/// Serves a folder.
#[derive(Debug, Clone)]
pub struct FolderService {
    /// What is served; shared by all connections.
    root: Arc<Root>,
}

impl FolderService {
    /// Opens a folder for serving; names that begin with a dot stay unseen unless `hidden`.
    ///
    /// What is withheld does not exist for clients, by any name.
    ///
    /// # Errors
    /// When it does not exist, is no folder, or cannot be read.
    pub fn open(folder: &Path, hidden: bool, withheld: Withheld) -> io::Result<Self> {
        Ok(Self {
            root: Arc::new(Root::open(folder, hidden, withheld)?),
        })
    }

    /// The path of the folder, without links.
    pub fn path(&self) -> &Path {
        self.root.path()
    }
}

impl<B> tower_service::Service<Request<B>> for FolderService {
    type Response = Response<FolderBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The body is dropped here: GET and HEAD give it no meaning (RFC 9110 §9.3.1).
        let asked = Asked::of(&request);
        let root = Arc::clone(&self.root);
        Box::pin(async move {
            let answered = tokio::task::spawn_blocking(move || asked.answer(&root)).await;
            Ok(answered.unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, FAILED)))
        })
    }
}

/// What of a request matters here.
#[derive(Debug)]
struct Asked {
    /// The method.
    method: Method,
    /// The path, still encoded.
    path: String,
    /// The query, which only a redirect repeats.
    query: Option<String>,
    /// The fields, for conditions and ranges.
    fields: HeaderMap,
}

impl Asked {
    /// Takes the parts out of a request.
    fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().map(str::to_owned),
            fields: request.headers().clone(),
        }
    }

    /// Answers from a folder; blocks on files.
    fn answer(&self, root: &Root) -> Response<FolderBody> {
        if self.method != Method::GET && self.method != Method::HEAD {
            let mut response = plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET and HEAD are served here\n",
            );
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let mut response =
            match Names::decode(&self.path).and_then(|names| self.found(root, &names)) {
                Ok(response) => response,
                Err(Refusal::Missing) => plain(StatusCode::NOT_FOUND, "there is nothing here\n"),
                Err(Refusal::Malformed(why)) => plain(StatusCode::BAD_REQUEST, why),
                Err(Refusal::Machine(_)) => plain(StatusCode::INTERNAL_SERVER_ERROR, FAILED),
            };
        if self.method == Method::HEAD {
            // The fields stay, the length among them (RFC 9110 §9.3.2).
            *response.body_mut() = text("");
        }
        response
    }

    /// Answers with what names lead to.
    fn found(&self, root: &Root, names: &Names) -> Result<Response<FolderBody>, Refusal> {
        match root.find(names)? {
            Opened::File(..) if names.is_folder() => Err(Refusal::Missing),
            Opened::File(file, facts) => self.file(names.last(), file, &facts),
            Opened::Folder(_) if !names.is_folder() => Ok(self.redirect(names)),
            Opened::Folder(folder) => {
                let index = names.with(INDEX.into());
                match root.find(&index) {
                    Ok(Opened::File(file, facts)) => self.file(index.last(), file, &facts),
                    Ok(Opened::Folder(_)) | Err(Refusal::Missing) => list(root, names, &folder),
                    Err(refusal) => Err(refusal),
                }
            }
        }
    }

    /// Answers with a file, a part of it, or the word that the client has it already.
    fn file(
        &self,
        name: Option<&OsString>,
        mut file: File,
        facts: &Metadata,
    ) -> Result<Response<FolderBody>, Refusal> {
        let validators = Validators::of(facts, SystemTime::now());
        let mut response = Response::new(text(""));
        validate(response.headers_mut(), &validators);
        match validators.judge(&self.fields) {
            Verdict::Send => {}
            Verdict::NotModified => {
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                return Ok(response);
            }
            Verdict::Failed => {
                return Ok(plain(
                    StatusCode::PRECONDITION_FAILED,
                    "the file is not as expected\n",
                ));
            }
        }
        let size = facts.len();
        let part = self.part(&validators, size);
        let (first, length) = match part {
            Part::Whole => (0, size),
            Part::Some(first, last) => (first, last - first + 1),
            Part::Outside => return Ok(outside(size)),
        };
        let fields = response.headers_mut();
        fields.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        fields.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        let kind = media::content_type(
            name.map_or(OsStr::new(""), |name| name),
            &sample(&mut file)?,
        );
        insert(fields, header::CONTENT_TYPE, &kind);
        if let Part::Some(first, last) = part {
            insert(
                fields,
                header::CONTENT_RANGE,
                &format!("bytes {first}-{last}/{size}"),
            );
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        if self.method == Method::GET {
            file.seek(SeekFrom::Start(first))?;
            *response.body_mut() = FileBody::begin(file, length)?.boxed_unsync();
        }
        Ok(response)
    }

    /// Which part of a file is asked for; only GET knows parts (RFC 9110 §14.2).
    fn part(&self, validators: &Validators, size: u64) -> Part {
        if self.method == Method::GET && validators.range_applies(&self.fields) {
            Part::of(&self.fields, size)
        } else {
            Part::Whole
        }
    }

    /// Sends a client on to the path with the slash, from which relative links in the folder work.
    fn redirect(&self, names: &Names) -> Response<FolderBody> {
        // Written anew from the decoded names, so that nothing of the request's own form remains.
        let mut place: String = names
            .iter()
            .map(|name| format!("/{}", listing::encoded(name)))
            .collect();
        place.push('/');
        if let Some(query) = &self.query {
            place.push('?');
            place.push_str(query);
        }
        // Temporary: a permanent one would outlive this folder in the client's memory.
        let mut response = plain(
            StatusCode::TEMPORARY_REDIRECT,
            "the folder's path ends in /\n",
        );
        insert(response.headers_mut(), header::LOCATION, &place);
        response
    }
}

/// Answers with the page of a folder.
fn list(root: &Root, names: &Names, folder: &Folder) -> Result<Response<FolderBody>, Refusal> {
    let (entries, more) = root.entries(folder, MOST)?;
    let mut lines = Vec::with_capacity(entries.len());
    for entry in entries {
        // A link is told as what it leads to; one that leads outside is not told at all.
        let facts = match entry.facts {
            Some(facts) => Ok(facts),
            None => root.look(&names.with(entry.name.clone())),
        };
        if let Ok(facts) = facts {
            lines.push(Line {
                name: entry.name,
                facts,
            });
        }
    }
    let above: Vec<&OsStr> = names.iter().map(OsString::as_os_str).collect();
    let page = listing::page(&above, lines, more);
    let mut response = Response::new(text(""));
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_LENGTH, HeaderValue::from(page.len()));
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    fields.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(listing::POLICY),
    );
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    fields.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    fields.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    keep_to_origin(fields);
    *response.body_mut() = text(page);
    Ok(response)
}

/// Answers that a file has no such part, and how long it is (RFC 9110 §15.5.17).
fn outside(size: u64) -> Response<FolderBody> {
    let line = "the file is not that long\n";
    let mut refused = plain(StatusCode::RANGE_NOT_SATISFIABLE, line);
    let whole = format!("bytes */{size}");
    insert(refused.headers_mut(), header::CONTENT_RANGE, &whole);
    refused
}

/// Reads a file's beginning to tell text from the rest.
fn sample(file: &mut File) -> io::Result<Vec<u8>> {
    let mut sample = Vec::with_capacity(media::SAMPLE);
    file.take(media::SAMPLE as u64).read_to_end(&mut sample)?;
    Ok(sample)
}

/// Keeps pages of other origins from loading this as their picture or script (Fetch,
/// Cross-Origin-Resource-Policy).
///
/// Every site that a browser shows can name localhost; what stands in a folder is not theirs.
fn keep_to_origin(fields: &mut HeaderMap) {
    fields.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
}

/// Sets the fields by which a client tells later whether its copy is still good.
fn validate(fields: &mut HeaderMap, validators: &Validators) {
    if let Some(etag) = validators.etag() {
        insert(fields, header::ETAG, &etag);
    }
    if let Some(date) = validators.last_modified() {
        insert(fields, header::LAST_MODIFIED, &date);
    }
    // Ask each time: without it a browser guesses a lifetime and shows yesterday's page.
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    keep_to_origin(fields);
    // A file is what its type says; a text that looks like a script shall not run as one.
    fields.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
}

/// Sets a field whose value is made of digits, names we wrote and encoded octets.
fn insert(fields: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        fields.insert(name, value);
    }
}

/// A response of one line of text.
fn plain(status: StatusCode, line: &'static str) -> Response<FolderBody> {
    let mut response = Response::new(text(line));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_LENGTH, HeaderValue::from(line.len()));
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    fields.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// A body of text.
fn text(text: impl Into<Bytes>) -> FolderBody {
    Full::new(text.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// The file that stands for its folder.
const INDEX: &str = "index.html";

/// The most entries of one listing: ten thousand; a folder of millions would otherwise fill memory
/// and stop a browser. The page itself stops at four megabytes, so long names make it fewer.
const MOST: usize = 10_000;

/// What is said when the machine failed; why is nobody else's business.
const FAILED: &str = "the server could not read this\n";
