//! Body: the one type for the content of messages, both ways.
//!
//! Whatever fills a body, octets move only when the reader asks: back-pressure is simply not
//! asking for more (RFC 9112 §6 frames what moves here; this file knows nothing of framing).

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use crate::error::{Error, ErrorKind, Phase, Result};

mod cell;
mod file;

use cell::Reader;
pub(crate) use cell::{Feeder, cell};
use file::FileReader;

/// The content of a request or a response.
///
/// Made from nothing, octets, text, a file, any [`http_body::Body`], or a channel that is written
/// piece by piece. Read with [`Body::chunk`], or as an [`http_body::Body`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sealane::Result<()> {
/// use sealane::Body;
///
/// let (mut sender, mut body) = Body::channel();
/// let producer = async move {
///     sender.send("part one, ").await?;
///     sender.send("part two").await
/// };
/// let consumer = async {
///     let mut text = Vec::new();
///     while let Some(chunk) = body.chunk().await? {
///         text.extend_from_slice(&chunk);
///     }
///     Ok::<_, sealane::Error>(text)
/// };
/// let (sent, text) = tokio::join!(producer, consumer);
/// sent?;
/// assert_eq!(text?, b"part one, part two");
/// # Ok(())
/// # }
/// ```
pub struct Body {
    kind: Kind,
    trailers: Option<HeaderMap>,
}

/// Where the octets of a body come from.
enum Kind {
    /// There are none, or no more.
    Empty,
    /// One piece that is already here.
    Full(Bytes),
    /// A connection or a [`BodySender`] fills it.
    Cell(Reader),
    /// A file, read as it is asked for.
    File(FileReader),
    /// A body that polls itself: another library's, or a response still on its connection.
    Streamed(Pin<Box<dyn http_body::Body<Data = Bytes, Error = Error> + Send>>),
}

impl Body {
    /// A body without octets.
    pub fn empty() -> Self {
        Self::of(Kind::Empty)
    }

    /// Takes in any body, with its trailers.
    ///
    /// An error of `body` becomes an [`Error`] of kind [`ErrorKind::Body`] with that error as its
    /// source.
    pub fn new<B>(body: B) -> Self
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self::of(Kind::Streamed(Box::pin(Foreign {
            body: Box::pin(body),
        })))
    }

    /// A body that another task writes piece by piece, and the sender that writes it.
    ///
    /// At most 64 KiB wait between the two. Dropping the sender ends the body; dropping the body
    /// makes the sender fail.
    pub fn channel() -> (BodySender, Self) {
        let (feeder, reader) = cell(SizeHint::default());
        (
            BodySender {
                feeder: Some(feeder),
            },
            Self::of(Kind::Cell(reader)),
        )
    }

    /// Opens a file as a body of known length; it is read as it is sent, 64 KiB at a time.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is a folder. Should it later turn out shorter than it was,
    /// reading the body fails.
    pub async fn file(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::of(Kind::File(FileReader::open(path.as_ref()).await?)))
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// Dropping the returned future loses nothing.
    ///
    /// # Errors
    ///
    /// The body was cut short, broke its framing, or its producer failed.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        loop {
            let frame = std::future::poll_fn(|context| self.poll_any(context)).await;
            match frame.transpose()?.map(Frame::into_data) {
                None => return Ok(None),
                Some(Ok(data)) => return Ok(Some(data)),
                Some(Err(frame)) => self.trailers = frame.into_trailers().ok(),
            }
        }
    }

    /// The trailer section, once [`Body::chunk`] has given `None`, if there is one (RFC 9110 §6.5).
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_ref()
    }

    pub(crate) fn from_reader(reader: Reader) -> Self {
        Self::of(Kind::Cell(reader))
    }

    /// A body that is polled where it stands.
    pub(crate) fn streamed(
        body: impl http_body::Body<Data = Bytes, Error = Error> + Send + 'static,
    ) -> Self {
        Self::of(Kind::Streamed(Box::pin(body)))
    }

    /// The same body once more, if it can be given from its start.
    pub(crate) fn again(&self) -> Option<Self> {
        match &self.kind {
            Kind::Empty => Some(Self::empty()),
            Kind::Full(octets) => Some(Self::of(Kind::Full(octets.clone()))),
            Kind::Cell(_) | Kind::File(_) | Kind::Streamed(_) => None,
        }
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            trailers: None,
        }
    }

    fn poll_any(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        match &mut self.kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(octets) => {
                let octets = std::mem::take(octets);
                self.kind = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(octets))))
            }
            Kind::Cell(reader) => reader.poll_frame(context),
            Kind::File(file) => file
                .poll_read(context)
                .map(|read| read.map(|r| r.map(Frame::data))),
            Kind::Streamed(body) => body.as_mut().poll_frame(context),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        self.get_mut().poll_any(context)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Full(_) => false,
            Kind::Cell(reader) => reader.is_end(),
            Kind::File(file) => file.remaining() == 0,
            Kind::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(octets) => SizeHint::with_exact(octets.len() as u64),
            Kind::Cell(reader) => reader.size_hint(),
            Kind::File(file) => SizeHint::with_exact(file.remaining()),
            Kind::Streamed(body) => body.size_hint(),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Empty => "empty",
            Kind::Full(_) => "octets",
            Kind::Cell(_) => "stream",
            Kind::File(_) => "file",
            Kind::Streamed(_) => "streamed",
        };
        write!(f, "Body({kind})")
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(octets: Bytes) -> Self {
        if octets.is_empty() {
            Self::empty()
        } else {
            Self::of(Kind::Full(octets))
        }
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<&'static [u8]> for Body {
    fn from(octets: &'static [u8]) -> Self {
        Bytes::from_static(octets).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<Vec<u8>> for Body {
    fn from(octets: Vec<u8>) -> Self {
        Bytes::from(octets).into()
    }
}

/// Writes a [`Body::channel`] piece by piece.
///
/// Dropped, it ends the body well; [`BodySender::abort`] ends it with an error instead, and so does
/// a panic that drops it.
#[derive(Debug)]
pub struct BodySender {
    feeder: Option<Feeder>,
}

impl BodySender {
    /// Hands over one piece, waiting until there is room for it.
    ///
    /// A future dropped before it is ready has handed over nothing.
    ///
    /// # Errors
    ///
    /// Nobody reads any more: the body was dropped.
    pub async fn send(&mut self, piece: impl Into<Bytes>) -> Result<()> {
        let Some(feeder) = &mut self.feeder else {
            return Err(gone());
        };
        std::future::poll_fn(|context| feeder.poll_room(context))
            .await
            .map_err(|()| gone())?;
        feeder.push(piece.into());
        Ok(())
    }

    /// Ends the body with a trailer section (RFC 9110 §6.5).
    pub fn end_with_trailers(mut self, trailers: HeaderMap) {
        if let Some(feeder) = self.feeder.take() {
            feeder.finish(Some(trailers));
        }
    }

    /// Ends the body with an error, so that the reader does not take it for whole.
    pub fn abort(mut self, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) {
        if let Some(feeder) = self.feeder.take() {
            feeder.fail(producer_failed(why));
        }
    }
}

impl Drop for BodySender {
    fn drop(&mut self) {
        match self.feeder.take() {
            Some(feeder) if std::thread::panicking() => {
                feeder.fail(producer_failed("it panicked"));
            }
            Some(feeder) => feeder.finish(None),
            None => {}
        }
    }
}

/// Adapts a body of another library: its data to `Bytes`, its error to ours.
struct Foreign<B> {
    body: Pin<Box<B>>,
}

impl<B> http_body::Body for Foreign<B>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        let frame = self.get_mut().body.as_mut().poll_frame(context);
        frame
            .map_ok(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
            .map_err(producer_failed)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The error of a body whose producer failed.
pub(crate) fn producer_failed(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let why = why.into();
    match why.downcast::<Error>() {
        Ok(ours) => *ours,
        Err(foreign) => {
            let text = format!("the producer of the body failed: {foreign}");
            Error::new(ErrorKind::Body, Phase::SendBody, text).with_source(foreign)
        }
    }
}

fn gone() -> Error {
    Error::new(
        ErrorKind::Closed,
        Phase::SendBody,
        "nobody reads this body any more",
    )
}

#[cfg(test)]
mod tests;
