//! TLS over TCP through rustls (engine decision 2).
//!
//! Records are decrypted in place in the worker's buffer and handed to a sink; what is written is
//! sealed one record at a time into one buffer and leaves in one system call. At most one sealed
//! record waits behind a blocked socket. No policy is made here: who the peer must be is the
//! secure context's business, what the octets mean is the driver's.
//!
//! Which of rustls' APIs carries the connection is `engine`'s business; all rules here hold for
//! both. After an error nothing is read any more and only the alert is sent (RFC 8446 §6.2);
//! close_notify is said once; an end without it is told as what it is.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;
use sealane_tls::{HandshakeError, KeyLogLine, Observation};
use tokio::io::AsyncWriteExt;

use super::engine::buffered::Buffered;
use super::engine::{Common, Engine, Exporter};
use super::sealed::Sealed;
use super::session::Session;
use super::socket::Socket;

/// A stream whose TLS side is the server.
pub(crate) type ServerStream = TlsStream<UnbufferedServerConnection>;

/// A stream whose TLS side is the client.
pub(crate) type ClientStream = TlsStream<UnbufferedClientConnection>;

/// A connection with TLS on it, seen as plain octets.
pub(crate) struct TlsStream<S> {
    socket: Socket,
    engine: Engine<S>,
    /// What resolver or verifier saw during the handshake.
    seen: Observation,
    /// Octets received that rustls has not discarded: part of a record or handshake message, or a
    /// whole ClientHello that was read before it was known who answers.
    incoming: Vec<u8>,
    sealed: Sealed,
    /// Sealed octets that the system has taken.
    sent: u64,
    /// Octets that the system has given us, sealed as they came.
    received: u64,
    receiving: Receiving,
    /// We have sent close_notify (or a fatal alert): nothing may be sealed any more.
    finished: bool,
    /// rustls has seen nothing yet.
    untouched: bool,
    /// `incoming` was read by somebody else, and rustls has not seen it.
    read_ahead: bool,
}

/// How far the peer's side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receiving {
    /// Octets may come.
    Open,
    /// The peer said close_notify: it has sent all it wanted to.
    CloseNotify,
    /// The peer ended the TCP stream without close_notify, or broke the rules.
    Broken,
}

/// What one read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// So many octets went into the sink.
    Octets(usize),
    /// The peer ended its side in order, with close_notify.
    CloseNotify,
    /// The peer's side ended without close_notify: what it sent may have been cut short.
    Truncated,
}

/// Why a TLS stream failed.
#[derive(Debug)]
pub(crate) enum TransportError {
    /// The socket failed.
    Io(io::Error),
    /// A record or handshake message broke the rules; the alert, if any, waits to be flushed.
    Tls(HandshakeError),
    /// The first octets are a method and a space: the peer speaks HTTP without TLS.
    PlainHttp,
}

/// A connection that comes to its end without resetting what the peer still reads.
pub(crate) trait Parting {
    /// Says the last word of our side, sends all that waits and ends our side of the TCP stream.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Reads and forgets, so that the peer's octets do not turn our close into a reset.
    ///
    /// Ready with the number of octets, 0 at the end of the stream.
    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>>;

    /// Sends octets in the clear to a peer that speaks no TLS; nothing can be sealed afterwards.
    async fn answer_in_the_clear(&mut self, octets: &[u8]) -> io::Result<()>;
}

impl<S: Session> Parting for TlsStream<S> {
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        TlsStream::poll_close(self, context)
    }

    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        discard(&mut self.socket, context)
    }

    async fn answer_in_the_clear(&mut self, octets: &[u8]) -> io::Result<()> {
        self.finished = true;
        self.socket.write_all(octets).await
    }
}

impl From<io::Error> for TransportError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl ServerStream {
    /// Starts the server's side of TLS on an accepted socket.
    ///
    /// With `exporter`, the connection can export keying material, and costs more.
    pub(crate) fn accept(
        socket: impl Into<Socket>,
        config: Arc<rustls::ServerConfig>,
        exporter: bool,
    ) -> Result<Self, TransportError> {
        let engine = match exporter {
            false => UnbufferedServerConnection::new(config).map(Engine::Unbuffered),
            true => Buffered::server(config).map(Engine::Buffered),
        };
        let engine = engine.map_err(|error| tls_error::<UnbufferedServerConnection>(&error))?;
        Ok(Self::new(socket.into(), engine, true))
    }

    /// The same for a connection whose ClientHello has been read: `octets` is all that came.
    pub(super) fn accept_read_ahead(
        socket: Socket,
        config: Arc<rustls::ServerConfig>,
        exporter: bool,
        octets: Vec<u8>,
    ) -> Result<Self, TransportError> {
        let mut stream = Self::accept(socket, config, exporter)?;
        stream.incoming = octets;
        stream.untouched = false;
        stream.read_ahead = true;
        Ok(stream)
    }
}

impl ClientStream {
    /// Starts the client's side of TLS on a connected socket: its first octets wait to be flushed.
    pub(crate) fn connect(
        socket: impl Into<Socket>,
        config: Arc<rustls::ClientConfig>,
        name: ServerName<'static>,
        exporter: bool,
    ) -> Result<Self, TransportError> {
        let engine = match exporter {
            false => UnbufferedClientConnection::new(config, name).map(Engine::Unbuffered),
            true => Buffered::client(config, name).map(Engine::Buffered),
        };
        let engine = engine.map_err(|error| tls_error::<UnbufferedClientConnection>(&error))?;
        let mut stream = Self::new(socket.into(), engine, false);
        stream.process(&mut [], &mut |_| {})?;
        Ok(stream)
    }
}

impl<S: Session> TlsStream<S> {
    fn new(socket: Socket, engine: Engine<S>, untouched: bool) -> Self {
        Self {
            socket,
            engine,
            seen: Observation::default(),
            incoming: Vec::new(),
            sealed: Sealed::default(),
            sent: 0,
            received: 0,
            receiving: Receiving::Open,
            finished: false,
            untouched,
            read_ahead: false,
        }
    }

    /// What rustls knows of the connection, and what resolver or verifier saw.
    ///
    /// An exporter waits as long as this is kept: take what is needed and let go.
    pub(crate) fn facts(&self) -> (Common<'_>, &Observation) {
        (self.engine.common(), &self.seen)
    }

    /// Takes the key log lines that came since the last call; none unless the context keeps a log.
    ///
    /// Ask also when a handshake has failed: what it came to is then worth reading most.
    pub(crate) fn take_key_log(&mut self) -> Vec<KeyLogLine> {
        std::mem::take(&mut self.seen.key_log)
    }

    /// A handle that exports keying material; `None` unless the connection was begun with it.
    pub(crate) fn exporter(&self) -> Option<Exporter> {
        self.engine.exporter()
    }

    /// Goes on with the handshake; ready when it is done, though its last octets may still wait
    /// to be flushed together with what the caller writes.
    ///
    /// Octets that came right behind the handshake go into `sink`.
    pub(crate) fn poll_handshake(
        &mut self,
        context: &mut Context<'_>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Poll<Result<(), TransportError>> {
        if self.read_ahead {
            self.read_ahead = false;
            let mut octets = std::mem::take(&mut self.incoming);
            self.take_in(&mut octets, sink)?;
        }
        while self.engine.is_handshaking() {
            ready!(self.poll_flush(context))?;
            match ready!(self.poll_read(context, sink))? {
                Received::Octets(_) => {}
                Received::CloseNotify | Received::Truncated => {
                    let end = io::Error::from(io::ErrorKind::UnexpectedEof);
                    return Poll::Ready(Err(end.into()));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether anything has come from a client yet.
    pub(crate) fn has_heard(&self) -> bool {
        !self.untouched || !self.incoming.is_empty()
    }

    /// An error under the name it has now: a client's handshake has names of its own.
    fn explained(&self, error: &rustls::Error) -> TransportError {
        match self.engine.is_handshaking() {
            true => tls_error::<S>(error),
            false => TransportError::Tls(HandshakeError::from(error)),
        }
    }

    /// What carries the connection.
    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Whether the system holds nothing of the peer's ([`Socket::is_silent`]).
    pub(crate) fn is_silent(&self) -> bool {
        self.socket.is_silent()
    }
}

impl<S> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("socket", &self.socket)
            .field("receiving", &self.receiving)
            .finish_non_exhaustive()
    }
}

impl<S> Drop for TlsStream<S> {
    fn drop(&mut self) {
        self.sealed.give_back();
    }
}

/// An error of the handshake.
fn tls_error<S: Session>(error: &rustls::Error) -> TransportError {
    TransportError::Tls(S::explain(error))
}

mod receiving;
mod sending;

pub(super) use receiving::discard;

#[cfg(test)]
mod tests;
