//! Streams that are no sockets of ours: a program's own, or TLS to a proxy.
//!
//! They carry connections like a socket, but nothing can be asked of a system below them, and what
//! they have taken may wait in them until it is flushed.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::hook;

/// A stream of octets both ways that can be asked what a socket is asked.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {
    /// Our address and the peer's, as far as there are any to tell.
    fn addresses(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        (None, None)
    }

    /// Whether the system below holds nothing of the peer's that reading has not brought yet.
    ///
    /// Where no system can be asked, reading has brought all there is.
    fn is_silent(&self) -> bool {
        true
    }
}

/// Such a stream, and whether anything may still wait in it.
pub(crate) struct Other<S: ?Sized = dyn Duplex> {
    unflushed: bool,
    /// Reached through `&mut` nearly always, which locks nothing; the lock lets others look too.
    stream: Mutex<S>,
}

impl Other {
    /// A program's own stream, of which nothing is known.
    pub(super) fn foreign<S>(stream: S) -> Box<Self>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self::known(Foreign(Some(stream)))
    }

    /// A stream that can be asked.
    pub(super) fn known(stream: impl Duplex + 'static) -> Box<Self> {
        Box::new(Other {
            unflushed: false,
            stream: Mutex::new(stream),
        })
    }

    pub(crate) fn addresses(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        self.look().addresses()
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.look().is_silent()
    }

    /// Whether octets that were taken may not have left.
    pub(crate) fn is_unflushed(&self) -> bool {
        self.unflushed
    }

    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, space)
    }

    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.unflushed = true;
        self.stream().poll_write(context, octets)
    }

    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(self.stream().poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    pub(crate) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }

    fn stream(&mut self) -> Pin<&mut dyn Duplex> {
        Pin::new(
            self.stream
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn look(&self) -> MutexGuard<'_, dyn Duplex + 'static> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Other").finish_non_exhaustive()
    }
}

/// A stream of a program's, of which nothing is known; it is there until it is dropped.
struct Foreign<S>(Option<S>);

impl<S: Unpin> Foreign<S> {
    /// Asks the stream; its panic is an error.
    fn ask<T>(
        &mut self,
        question: impl FnOnce(Pin<&mut S>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut self.0 {
            Some(stream) => contained(|| question(Pin::new(stream))),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<S> Drop for Foreign<S> {
    fn drop(&mut self) {
        let stream = self.0.take();
        if hook::contain(|| drop(stream)).is_err() {
            tracing::error!("the stream of create_connection panicked while it was dropped");
        }
    }
}

impl<S> Duplex for Foreign<S> where S: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + Unpin> AsyncRead for Foreign<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.ask(|stream| stream.poll_read(context, space))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Foreign<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = ready!(self.ask(|stream| stream.poll_write(context, octets)))?;
        Poll::Ready(match taken <= octets.len() {
            true => Ok(taken),
            false => Err(io::Error::other(
                "the stream of create_connection says that it took more than it was given",
            )),
        })
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ask(|stream| stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ask(|stream| stream.poll_shutdown(context))
    }
}

/// Runs a program's code; its panic is an error of its stream, which is asked no more after that.
fn contained<T>(call: impl FnOnce() -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
    hook::contain(call).unwrap_or_else(|_| {
        let text = "the stream of create_connection panicked";
        Poll::Ready(Err(io::Error::other(text)))
    })
}

#[cfg(test)]
mod tests;
