//! A connection with TLS on it, as a stream of plain octets for whoever knows nothing of TLS.
//!
//! Shutting down says close_notify, and dropping tries to (RFC 8446 §6.1). An end without it is an
//! error, so that nothing cut short looks whole.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::at_once::at_once;
use super::duplex::{Duplex, Other};
use super::session::Session;
use super::socket::Socket;
use super::tls::{ClientStream, Received, TlsStream, TransportError};
use crate::error::Error;

/// A connection seen as plain octets: inside a proxy's TLS, or after HTTP.
pub(crate) struct Plain<T: Tunnel> {
    stream: T,
    /// Octets that have come and that nobody has taken.
    arrived: BytesMut,
    shut: bool,
    /// Who waits for the socket to take more; perhaps another task than the one that reads.
    blocked: Option<Waker>,
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

impl<S: Session> Tunnel for TlsStream<S>
where
    Self: Send + Sync,
{
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Poll<Result<Received, TransportError>> {
        TlsStream::poll_read(self, context, sink)
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<Result<usize, TransportError>> {
        TlsStream::poll_write(self, context, octets)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        TlsStream::poll_flush(self, context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        TlsStream::poll_close(self, context)
    }
}

impl Tunnel for Box<dyn Tunnel> {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Poll<Result<Received, TransportError>> {
        (**self).poll_read(context, sink)
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<Result<usize, TransportError>> {
        (**self).poll_write(context, octets)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_flush(context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_close(context)
    }
}

impl Plain<ClientStream> {
    /// Takes a stream whose handshake is done; `arrived` is what came right behind it.
    pub(crate) fn socket(stream: ClientStream, arrived: BytesMut) -> Socket {
        Socket::Other(Other::known(Self::new(stream, arrived)))
    }
}

impl<T: Tunnel> Plain<T> {
    /// Takes a stream; `arrived` is what has come on it and belongs to its reader.
    pub(crate) fn new(stream: T, arrived: BytesMut) -> Self {
        Self {
            stream,
            arrived,
            shut: false,
            blocked: None,
        }
    }

    /// Remembers who waits for the socket after a poll of the way out, if anybody does.
    fn note_sending<R>(&mut self, sent: Poll<R>, context: &Context<'_>) -> Poll<R> {
        self.blocked = sent.is_pending().then(|| context.waker().clone());
        sent
    }

    /// Sends what TLS itself has to say, on behalf of who reads.
    ///
    /// The socket knows one waker for this direction: that of a blocked writer must stay there.
    fn flush_for_reader(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let Some(writer) = self.blocked.take() else {
            let flushed = self.stream.poll_flush(context);
            return match flushed {
                Poll::Ready(flushed) => flushed,
                Poll::Pending => Ok(()),
            };
        };
        match self.stream.poll_flush(&mut Context::from_waker(&writer)) {
            Poll::Pending => self.blocked = Some(writer),
            Poll::Ready(flushed) => {
                writer.wake();
                return flushed;
            }
        }
        Ok(())
    }
}

impl Duplex for Plain<ClientStream> {
    fn addresses(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        let socket = self.stream.socket();
        (socket.local_addr(), socket.peer_addr())
    }

    fn is_silent(&self) -> bool {
        self.arrived.is_empty() && self.stream.is_silent()
    }
}

impl<T: Tunnel + Unpin> AsyncRead for Plain<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if !this.arrived.is_empty() {
                hand_over(&mut this.arrived, space);
                return Poll::Ready(Ok(()));
            }
            let arrived = &mut this.arrived;
            let mut sink = |octets: &[u8]| {
                // What fits goes where it is wanted; more than that is seldom.
                let fits = match arrived.is_empty() {
                    true => octets.len().min(space.remaining()),
                    false => 0,
                };
                space.put_slice(&octets[..fits]);
                arrived.extend_from_slice(&octets[fits..]);
            };
            match ready!(this.stream.poll_read(context, &mut sink)).map_err(into_io)? {
                Received::Octets(count) => {
                    // What TLS itself has to say must not wait for the next write.
                    this.flush_for_reader(context)?;
                    if count > 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                Received::CloseNotify => return Poll::Ready(Ok(())),
                Received::Truncated => {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
            }
        }
    }
}

impl<T: Tunnel + Unpin> AsyncWrite for Plain<T> {
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

impl<T: Tunnel> Drop for Plain<T> {
    fn drop(&mut self) {
        if !self.shut {
            // Only what the socket takes at once; a blocked peer gets no goodbye.
            let _ = at_once(|context| self.stream.poll_close(context));
        }
    }
}

fn hand_over(arrived: &mut BytesMut, space: &mut ReadBuf<'_>) {
    let count = arrived.remaining().min(space.remaining());
    space.put_slice(&arrived[..count]);
    arrived.advance(count);
    if arrived.is_empty() {
        // A tunnel at rest holds no buffer.
        *arrived = BytesMut::new();
    }
}

fn into_io(error: TransportError) -> io::Error {
    match error {
        TransportError::Io(error) => error,
        TransportError::Tls(error) => Error::from(error).into(),
        TransportError::PlainHttp => io::ErrorKind::InvalidData.into(),
    }
}
