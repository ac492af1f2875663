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
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Phase, Result};
use crate::info::ConnectionInfo;
use crate::transport::{Plain, Tunnel};

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
    plain: Plain<Box<dyn Tunnel>>,
    info: ConnectionInfo,
    /// Says at a server that it is gone when it goes.
    _counted: Option<CountedUpgrade>,
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
            plain: Plain::new(stream, ahead.into()),
            info,
            _counted: counted,
        }
    }

    /// Facts of the connection.
    pub fn info(&self) -> &ConnectionInfo {
        &self.info
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.plain).poll_read(context, space)
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.plain).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.plain).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.plain).poll_shutdown(context)
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}
