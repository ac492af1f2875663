//! Content codings of responses (RFC 9110 §8.4): what `--compressed` offers, and how it is undone.
//!
//! Piece by piece, in memory whose size no peer decides: a coding can promise gigabytes in a few
//! octets, so nothing is decoded before somebody takes it. Framing is the library's.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use async_compression::tokio::bufread::{
    BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use async_compression::zstd::DParameter;
use bytes::{Buf, Bytes};
use http::{HeaderMap, header};
use http_body::Body as _;
use sealane::Body;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, BufReader, ReadBuf};

use crate::fetch::show::octets;

#[cfg(test)]
mod tests;

/// What is offered, the best first where a server leaves the choice to us.
pub(super) const OFFERED: &str = "gzip, deflate, br, zstd";

/// The content of a response as its caller wants it.
pub(super) struct Content {
    /// As it comes, or decoded.
    kind: Kind,
    /// Octets of the body that came.
    received: Arc<AtomicU64>,
}

/// As it comes, or decoded.
enum Kind {
    /// As it comes.
    Plain(Body),
    /// Decoded; the buffer is what one piece may be.
    Coded(Box<dyn AsyncRead + Send + Unpin>, Box<[u8]>),
}

/// Why there is no next piece.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The body itself failed.
    Body(sealane::Error),
    /// It came, and cannot be decoded.
    Coding(String),
}

impl Content {
    /// A body as it comes.
    pub(super) fn plain(body: Body) -> Self {
        Self {
            kind: Kind::Plain(body),
            received: Arc::default(),
        }
    }

    /// A body whose codings are undone.
    ///
    /// # Errors
    /// A text that says which coding is not known, or that there are too many.
    pub(super) fn decoded(fields: &HeaderMap, body: Body) -> Result<Self, String> {
        let codings = codings(fields)?;
        if codings.is_empty() {
            return Ok(Self::plain(body));
        }
        let received = Arc::new(AtomicU64::new(0));
        let mut source: Source = Box::new(Octets {
            body,
            piece: Bytes::new(),
            received: Arc::clone(&received),
        });
        // The last one was applied last (RFC 9110 §8.4).
        for coding in codings.into_iter().rev() {
            source = Box::new(BufReader::new(Layer::new(coding, source)));
        }
        Ok(Self {
            kind: Kind::Coded(Box::new(source), vec![0; PIECE].into_boxed_slice()),
            received,
        })
    }

    /// How long it is, where that is known ahead.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.kind {
            Kind::Plain(body) => body.size_hint().exact(),
            Kind::Coded(..) => None,
        }
    }

    /// Octets of the body that came so far, before decoding.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// The body was cut or broken, or its coding was.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Trouble> {
        match &mut self.kind {
            Kind::Plain(body) => {
                let piece = body.chunk().await.map_err(Trouble::Body)?;
                let length = piece.as_ref().map_or(0, Bytes::len);
                self.received.fetch_add(length as u64, Ordering::Relaxed);
                Ok(piece)
            }
            Kind::Coded(reader, buffer) => match reader.read(buffer).await {
                Ok(0) => Ok(None),
                Ok(count) => Ok(Some(Bytes::copy_from_slice(&buffer[..count]))),
                Err(error) => Err(trouble(error)),
            },
        }
    }
}

/// Finds in an error of a reader what went wrong.
fn trouble(error: io::Error) -> Trouble {
    let text = error.to_string();
    let inner = error
        .into_inner()
        .map(<dyn std::error::Error + Send + Sync>::downcast);
    match inner {
        Some(Ok(body)) => Trouble::Body(*body),
        _ => Trouble::Coding(text),
    }
}

/// A coding that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// RFC 9110 §8.4.1.3.
    Gzip,
    /// RFC 9110 §8.4.1.2: in the wrapping of zlib, or, as old servers send it, bare.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

impl fmt::Display for Coding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        })
    }
}

/// The codings of a body in the order in which they were applied.
fn codings(fields: &HeaderMap) -> Result<Vec<Coding>, String> {
    let mut found = Vec::new();
    for value in fields.get_all(header::CONTENT_ENCODING) {
        for word in value.as_bytes().split(|octet| *octet == b',') {
            match word.trim_ascii().to_ascii_lowercase().as_slice() {
                b"" | b"identity" => {}
                b"gzip" | b"x-gzip" => found.push(Coding::Gzip),
                b"deflate" => found.push(Coding::Deflate),
                b"br" => found.push(Coding::Brotli),
                b"zstd" => found.push(Coding::Zstd),
                _ => {
                    let word = octets(word.trim_ascii());
                    return Err(format!(
                        "the body is coded as {word}, which is not known here"
                    ));
                }
            }
        }
    }
    if found.len() > MOST {
        return Err(format!("the body is coded {} times over", found.len()));
    }
    Ok(found)
}

/// Where coded octets come from.
type Source = Box<dyn AsyncBufRead + Send + Unpin>;

/// A body as a reader.
struct Octets {
    /// The body.
    body: Body,
    /// What came of it and is not taken yet.
    piece: Bytes,
    /// How much came.
    received: Arc<AtomicU64>,
}

impl AsyncBufRead for Octets {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.piece.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                None => break,
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                Some(Ok(frame)) => this.piece = frame.into_data().unwrap_or_default(),
            }
            this.received
                .fetch_add(this.piece.len() as u64, Ordering::Relaxed);
        }
        Poll::Ready(Ok(&this.piece))
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        self.get_mut().piece.advance(count);
    }
}

impl AsyncRead for Octets {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let piece = ready!(self.as_mut().poll_fill_buf(context))?;
        let count = piece.len().min(into.remaining());
        into.put_slice(&piece[..count]);
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}

/// One coding that is undone.
struct Layer {
    /// Which one.
    coding: Coding,
    /// How far it is.
    state: State,
}

/// How far the undoing of a coding is.
enum State {
    /// Nothing has come.
    Closed(Source),
    /// Octets come.
    Open(Decoder),
    /// The coding has ended; the source may still have to.
    Ended(Decoder),
    /// It has failed, or is between two of these.
    Over,
}

/// The decoders.
enum Decoder {
    /// gzip.
    Gzip(GzipDecoder<Source>),
    /// deflate with its wrapping.
    Zlib(ZlibDecoder<Source>),
    /// deflate without.
    Bare(DeflateDecoder<Source>),
    /// br.
    Brotli(BrotliDecoder<Source>),
    /// zstd.
    Zstd(ZstdDecoder<Source>),
}

impl Decoder {
    /// The decoder of a coding, for octets that begin with this one.
    ///
    /// # Errors
    /// They ask for more memory than a peer may.
    fn new(coding: Coding, first: u8, source: Source) -> io::Result<Self> {
        Ok(match coding {
            Coding::Gzip => {
                let mut decoder = GzipDecoder::new(source);
                // RFC 1952 §2.2: a file is a series of members.
                decoder.multiple_members(true);
                Self::Gzip(decoder)
            }
            // RFC 1950 §2.2: method 8 and a window of at most 32 KiB.
            Coding::Deflate if first & 0x0f == 8 && first >> 4 <= 7 => {
                Self::Zlib(ZlibDecoder::new(source))
            }
            Coding::Deflate => Self::Bare(DeflateDecoder::new(source)),
            // The decoder would take windows of up to 1 GiB, which are no part of RFC 7932: its
            // §9.1 knows no window that begins like this.
            Coding::Brotli if first & 0x7f == 0x11 => {
                let text = "the body's content coding, br, wants a window of more than 16 MiB";
                return Err(io::Error::other(Broken(text.to_owned())));
            }
            Coding::Brotli => Self::Brotli(BrotliDecoder::new(source)),
            Coding::Zstd => {
                let limit = DParameter::window_log_max(ZSTD_WINDOW);
                let mut decoder = ZstdDecoder::with_params(source, &[limit]);
                // RFC 8878 §3.1: one frame or several.
                decoder.multiple_members(true);
                Self::Zstd(decoder)
            }
        })
    }

    /// It as a reader.
    fn reader(&mut self) -> Pin<&mut (dyn AsyncRead + Send + Unpin)> {
        match self {
            Self::Gzip(decoder) => Pin::new(decoder),
            Self::Zlib(decoder) => Pin::new(decoder),
            Self::Bare(decoder) => Pin::new(decoder),
            Self::Brotli(decoder) => Pin::new(decoder),
            Self::Zstd(decoder) => Pin::new(decoder),
        }
    }

    /// Where its octets come from.
    fn source(&mut self) -> Pin<&mut (dyn AsyncBufRead + Send + Unpin)> {
        let source = match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zlib(decoder) => decoder.get_mut(),
            Self::Bare(decoder) => decoder.get_mut(),
            Self::Brotli(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => decoder.get_mut(),
        };
        Pin::new(&mut **source)
    }
}

impl Layer {
    /// Undoes a coding.
    fn new(coding: Coding, source: Source) -> Self {
        Self {
            coding,
            state: State::Closed(source),
        }
    }

    /// Goes on until there are octets, or the end.
    fn poll(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.state {
                State::Closed(source) => {
                    let first = ready!(Pin::new(source).poll_fill_buf(context))?
                        .first()
                        .copied();
                    // A body of nothing is one, whatever coding is said to be on it.
                    let (Some(first), State::Closed(source)) =
                        (first, std::mem::replace(&mut self.state, State::Over))
                    else {
                        return Poll::Ready(Ok(()));
                    };
                    self.state = State::Open(Decoder::new(self.coding, first, source)?);
                }
                State::Open(decoder) => {
                    let before = into.filled().len();
                    ready!(decoder.reader().poll_read(context, into))?;
                    if into.filled().len() > before || into.remaining() == 0 {
                        return Poll::Ready(Ok(()));
                    }
                    if let State::Open(decoder) = std::mem::replace(&mut self.state, State::Over) {
                        self.state = State::Ended(decoder);
                    }
                }
                State::Ended(decoder) => {
                    // To its end: a body that is cut behind its content is cut all the same.
                    if !ready!(decoder.source().poll_fill_buf(context))?.is_empty() {
                        let coding = self.coding;
                        let text = format!(
                            "the body goes on behind the end of its content coding, {coding}"
                        );
                        return Poll::Ready(Err(io::Error::other(Broken(text))));
                    }
                    self.state = State::Over;
                }
                State::Over => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Says of an error of the decoder what coding it was; those of the body stay what they are.
    fn told(&self, error: io::Error) -> io::Error {
        let coding = self.coding;
        match error.get_ref() {
            Some(inner) if inner.is::<sealane::Error>() || inner.is::<Broken>() => error,
            _ if error.kind() == io::ErrorKind::UnexpectedEof => io::Error::other(Broken(format!(
                "the body ended in the middle of its content coding, {coding}"
            ))),
            _ => io::Error::other(Broken(format!(
                "the body's content coding, {coding}, is broken: {error}"
            ))),
        }
    }
}

impl AsyncRead for Layer {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll(context, into).map_err(|error| this.told(error))
    }
}

/// A coding that is broken, in words.
#[derive(Debug)]
struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

/// The most codings on top of each other: each multiplies what a few octets can grow to.
const MOST: usize = 3;

/// The base-2 logarithm of the largest window of zstd: 8 MiB, which RFC 9659 §3 has servers keep to
/// and lets us refuse to go beyond.
const ZSTD_WINDOW: u32 = 23;

/// Octets decoded at a time.
const PIECE: usize = 64 * 1024;
