//! A server's side of a connection until it is known who answers.
//!
//! Only servers that choose by the ClientHello, perhaps asynchronously, begin this way: the octets
//! are read and kept, their owner chooses, and a stream of the chosen configuration gets the same
//! octets as if nobody had looked (engine decision 2). What speaks plain HTTP, no TLS or too much
//! is found out here as it is in `tls`; refusals are said in the clear, for there are no keys yet
//! (RFC 8446 §6.2, RFC 6066 §3, RFC 7301 §3.2).

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use sealane_tls::{Hello, HelloReader};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::alert;
use super::opening::{Opening, opening};
use super::scratch;
use super::socket::Socket;
use super::tls::{Parting, ServerStream, TransportError};

/// An accepted connection of which at most a ClientHello was read.
pub(crate) struct Greeting {
    socket: Socket,
    reader: HelloReader,
    /// The first octets, as long as they may be plain HTTP; then empty, for the reader has them.
    unclear: Vec<u8>,
    /// The reader has seen octets of TLS.
    is_tls: bool,
    /// The alert on its way to the peer.
    outgoing: Vec<u8>,
    /// Nothing is read any more: the peer has ended or was refused.
    ended: bool,
}

/// Why a ClientHello is not answered, as the peer is told (RFC 8446 §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// None of its application protocols is served (RFC 7301 §3.2).
    NoApplicationProtocol,
    /// Something failed here, such as the choice itself.
    InternalError,
}

impl Greeting {
    /// Begins with an accepted socket.
    pub(crate) fn new(socket: impl Into<Socket>) -> Self {
        Self {
            socket: socket.into(),
            reader: HelloReader::new(),
            unclear: Vec::new(),
            is_tls: false,
            outgoing: Vec::new(),
            ended: false,
        }
    }

    /// Reads until the ClientHello is whole; do not call it again after it was ready.
    ///
    /// After an error of the peer its alert waits to be sent by [`Parting::poll_close`].
    pub(crate) fn poll_hello(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Hello, TransportError>> {
        while !self.ended {
            let mut buffer = scratch::take_incoming(READ);
            let mut space = ReadBuf::new(&mut buffer[..READ]);
            let outcome = Pin::new(&mut self.socket).poll_read(context, &mut space);
            let read = space.filled().len();
            let looked = match read {
                0 => Ok(None),
                _ => self.look(&buffer[..read]),
            };
            scratch::put_incoming(buffer);
            self.ended = match &outcome {
                Poll::Ready(Ok(())) => read == 0 || looked.is_err(),
                Poll::Ready(Err(_)) => true,
                Poll::Pending => false,
            };
            ready!(outcome)?;
            if let Some(hello) = looked? {
                return Poll::Ready(Ok(hello));
            }
        }
        let end = io::Error::from(io::ErrorKind::UnexpectedEof);
        Poll::Ready(Err(end.into()))
    }

    /// Whether anything has come from the peer yet.
    pub(crate) fn has_heard(&self) -> bool {
        self.is_tls || !self.unclear.is_empty()
    }

    /// Lets `config` answer; errors that the ClientHello itself leads to come with the handshake.
    ///
    /// With `exporter`, the connection can export keying material, and costs more.
    pub(crate) fn answer(
        self,
        config: Arc<rustls::ServerConfig>,
        exporter: bool,
    ) -> Result<ServerStream, TransportError> {
        let octets = self.reader.into_octets();
        ServerStream::accept_read_ahead(self.socket, config, exporter, octets)
    }

    /// Answers with a fatal alert, which waits to be sent by [`Parting::poll_close`].
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.end_with(&alert::record(refusal.alert()));
    }

    /// Looks at what has come, and shows it to the reader unless it may be plain HTTP.
    fn look(&mut self, octets: &[u8]) -> Result<Option<Hello>, TransportError> {
        if self.is_tls {
            return self.show(octets);
        }
        self.unclear.extend_from_slice(octets);
        match opening(&self.unclear) {
            Opening::PlainHttp => Err(TransportError::PlainHttp),
            Opening::Unclear => Ok(None),
            Opening::Tls => {
                self.is_tls = true;
                let first = std::mem::take(&mut self.unclear);
                self.show(&first)
            }
        }
    }

    fn show(&mut self, octets: &[u8]) -> Result<Option<Hello>, TransportError> {
        self.reader.take(octets).map_err(|refused| {
            self.end_with(&refused.alert);
            TransportError::Tls(refused.error)
        })
    }

    /// Puts the last octets of our side; a second refusal is not heard any more.
    fn end_with(&mut self, alert: &[u8]) {
        self.ended = true;
        if self.outgoing.is_empty() {
            self.outgoing = alert.to_vec();
        }
    }
}

impl Refusal {
    /// The number of its alert.
    fn alert(self) -> u8 {
        match self {
            Self::NoApplicationProtocol => alert::NO_APPLICATION_PROTOCOL,
            Self::InternalError => alert::INTERNAL_ERROR,
        }
    }
}

impl Parting for Greeting {
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let sent = ready!(Pin::new(&mut self.socket).poll_write(context, &self.outgoing))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.drain(..sent);
        }
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        super::tls::discard(&mut self.socket, context)
    }

    async fn answer_in_the_clear(&mut self, octets: &[u8]) -> io::Result<()> {
        self.socket.write_all(octets).await
    }
}

impl fmt::Debug for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Greeting")
            .field("socket", &self.socket)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// Octets read at a time: more than any usual ClientHello.
const READ: usize = 8 * 1024;

#[cfg(test)]
mod tests;
