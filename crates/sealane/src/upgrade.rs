//! A connection that has left HTTP: after 101 or a tunnel's 2xx it belongs to the caller.
//!
//! RFC 9110 §7.8 (upgrade) and §9.3.6 (CONNECT). At a server the handle stands in the request's
//! extensions, and the octets become the caller's once the answer has left. At a client the
//! connection itself stands in those of the response.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use crate::driver::at_once;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::info::ConnectionInfo;
use crate::transport::{Received, ServerStream, TransportError};

/// The right to take over a connection once the response that agrees to it has left.
///
/// A request that asks for an upgrade, or a CONNECT request, carries one. Take it with
/// [`Upgrade::of`], answer `101 Switching Protocols` with an `Upgrade` field (or 2xx to CONNECT),
/// and await it in a task of its own: it is ready only after the response has left. Dropping it
/// refuses the takeover; the connection then closes after such a response.
pub struct Upgrade {
    receiver: oneshot::Receiver<Upgraded>,
}

/// What stands in the extensions, which want everything to be `Clone`.
#[derive(Clone)]
pub(crate) struct UpgradeSlot(Arc<Mutex<Option<oneshot::Receiver<Upgraded>>>>);

/// Gives the connection to whoever holds the [`Upgrade`].
pub(crate) type UpgradeSender = oneshot::Sender<Upgraded>;

/// Makes both ends of a takeover.
pub(crate) fn upgrade() -> (UpgradeSender, UpgradeSlot) {
    let (sender, receiver) = oneshot::channel();
    (sender, UpgradeSlot(Arc::new(Mutex::new(Some(receiver)))))
}

impl Upgrade {
    /// Takes the handle out of a request; `None` if the request asked for no upgrade, or it has
    /// been taken.
    pub fn of<B>(request: &mut http::Request<B>) -> Option<Self> {
        let slot = request.extensions_mut().remove::<UpgradeSlot>()?;
        let receiver = slot
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        Some(Self { receiver })
    }
}

impl Future for Upgrade {
    type Output = Result<Upgraded>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context).map_err(|_| {
            let text = "the response did not agree to the upgrade, or the connection was lost";
            Error::new(ErrorKind::Closed, Phase::Tunnel, text)
        })
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upgrade")
    }
}

/// A connection after HTTP: plain octets both ways, TLS below.
///
/// At a server [`Upgrade`] becomes one. At a client the response has it that agreed to an upgrade
/// or to CONNECT: take it with [`Upgraded::of`]. Dropped with its response, it closes the
/// connection.
///
/// ```
/// use http::header::{CONNECTION, UPGRADE};
/// use sealane::{RequestOptions, Upgraded};
/// use tokio::io::AsyncWriteExt;
///
/// # async fn example() -> sealane::Result<()> {
/// let options = RequestOptions::new("https://example.com/chat")
///     .header(CONNECTION, "upgrade")
///     .header(UPGRADE, "chat");
/// let mut response = sealane::get(options).await?;
/// if let Some(mut chat) = Upgraded::of(&mut response) {
///     let _ = chat.write_all(b"hello").await;
/// }
/// # Ok(())
/// # }
/// ```
///
/// Reading starts with what the peer had sent right behind its head. The end of reading is an
/// error of kind `UnexpectedEof` when the peer ended without close_notify. Shutting down says
/// close_notify; dropping it tries to.
pub struct Upgraded {
    stream: Box<dyn Tunnel>,
    ahead: Bytes,
    arrived: BytesMut,
    info: ConnectionInfo,
    shut: bool,
    /// Who waits for the socket to take more; perhaps another task than the one that reads.
    blocked: Option<Waker>,
    /// Says at a server that it is gone when it goes.
    _counted: Option<CountedUpgrade>,
}

/// A connection on which HTTP is over.
pub(crate) trait Tunnel: Send + Sync {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Poll<Result<Received, TransportError>>;

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<Result<usize, TransportError>>;

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl Tunnel for ServerStream {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Poll<Result<Received, TransportError>> {
        ServerStream::poll_read(self, context, sink)
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<Result<usize, TransportError>> {
        ServerStream::poll_write(self, context, octets)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ServerStream::poll_flush(self, context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ServerStream::poll_close(self, context)
    }
}

/// What stands in the extensions of a response, which want everything to be `Clone`.
#[derive(Clone)]
struct UpgradedSlot(Arc<Mutex<Option<Upgraded>>>);

/// How many connections of a server have left HTTP and still live.
#[derive(Debug, Default)]
pub(crate) struct UpgradeCount(Arc<AtomicUsize>);

/// One of them.
#[derive(Debug)]
pub(crate) struct CountedUpgrade(Arc<AtomicUsize>);

impl UpgradeCount {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts another one, as long as what this gives lives.
    pub(crate) fn add(&self) -> CountedUpgrade {
        self.0.fetch_add(1, Ordering::Relaxed);
        CountedUpgrade(Arc::clone(&self.0))
    }
}

impl Drop for CountedUpgrade {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Upgraded {
    /// Takes the connection out of a response that has given it; `None` if it is an ordinary one,
    /// or the connection has been taken.
    ///
    /// That is a 101 that the request asked for with `Upgrade`, and any 2xx to CONNECT.
    pub fn of<B>(response: &mut http::Response<B>) -> Option<Self> {
        let slot = response.extensions_mut().remove::<UpgradedSlot>()?;
        slot.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Puts it where [`of`](Self::of) finds it.
    pub(crate) fn travel_with<B>(self, response: &mut http::Response<B>) {
        let slot = UpgradedSlot(Arc::new(Mutex::new(Some(self))));
        response.extensions_mut().insert(slot);
    }

    pub(crate) fn new(
        stream: Box<dyn Tunnel>,
        ahead: Bytes,
        info: ConnectionInfo,
        counted: Option<CountedUpgrade>,
    ) -> Self {
        Self {
            stream,
            ahead,
            arrived: BytesMut::new(),
            info,
            shut: false,
            blocked: None,
            _counted: counted,
        }
    }

    /// Facts of the connection.
    pub fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// Remembers who waits for the socket after a poll of the way out, if anybody does.
    fn note_sending<T>(&mut self, sent: Poll<T>, context: &Context<'_>) -> Poll<T> {
        self.blocked = sent.is_pending().then(|| context.waker().clone());
        sent
    }

    /// Sends what TLS itself has to say, on behalf of who reads.
    ///
    /// The socket knows one waker for this direction: that of a blocked writer must stay there.
    fn flush_for_reader(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let Some(writer) = self.blocked.take() else {
            return match self.stream.poll_flush(context) {
                Poll::Ready(Err(error)) => Err(error),
                Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
            };
        };
        match self.stream.poll_flush(&mut Context::from_waker(&writer)) {
            Poll::Pending => self.blocked = Some(writer),
            // An error is the writer's, too: it meets it, or the end that follows, by itself.
            Poll::Ready(flushed) => {
                writer.wake();
                return flushed;
            }
        }
        Ok(())
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if !this.ahead.is_empty() {
                hand_over(&mut this.ahead, space);
                return Poll::Ready(Ok(()));
            }
            if !this.arrived.is_empty() {
                hand_over(&mut this.arrived, space);
                if this.arrived.is_empty() {
                    // A tunnel at rest holds no buffer.
                    this.arrived = BytesMut::new();
                }
                return Poll::Ready(Ok(()));
            }
            let arrived = &mut this.arrived;
            let mut sink = |octets: &[u8]| arrived.extend_from_slice(octets);
            match ready!(this.stream.poll_read(context, &mut sink)).map_err(into_io)? {
                Received::Octets(_) => {
                    // What TLS itself has to say must not wait for the next write.
                    this.flush_for_reader(context)?;
                }
                Received::CloseNotify => return Poll::Ready(Ok(())),
                Received::Truncated => {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
            }
        }
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        if octets.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let sent = self.stream.poll_write(context, octets).map_err(into_io);
        self.note_sending(sent, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = self.stream.poll_flush(context);
        self.note_sending(sent, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shut = true;
        let sent = self.stream.poll_close(context);
        self.note_sending(sent, context)
    }
}

impl Drop for Upgraded {
    fn drop(&mut self) {
        if !self.shut {
            // Only what the socket takes at once; a blocked peer gets no goodbye.
            let _ = at_once(|context| self.stream.poll_close(context));
        }
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

fn hand_over(from: &mut impl Buf, space: &mut ReadBuf<'_>) {
    let count = from.remaining().min(space.remaining());
    space.put_slice(&from.chunk()[..count]);
    from.advance(count);
}

fn into_io(error: TransportError) -> io::Error {
    match error {
        TransportError::Io(error) => error,
        TransportError::Tls(error) => Error::from(error).into(),
        TransportError::PlainHttp => io::ErrorKind::InvalidData.into(),
    }
}
