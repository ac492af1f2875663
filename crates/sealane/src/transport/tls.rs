//! TLS over TCP through rustls' unbuffered API (engine decision 2).
//!
//! Records are decrypted in place in the worker's buffer and handed to a sink; what is written is
//! sealed one record at a time into one buffer and leaves in one system call. At most one sealed
//! record waits behind a blocked socket. No policy is made here: who the peer must be is the
//! secure context's business, what the octets mean is the driver's.
//!
//! Two rules of the unbuffered API are kept here and nowhere else. It may hold offsets into octets
//! that it has not discarded, so every call gets all of them. After an error it must not read
//! again, so only its alert is fetched.

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::CommonState;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;
use sealane_tls::{HandshakeError, Observation, TlsInfo};
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::sealed::Sealed;
use super::session::Session;

/// A stream whose TLS side is the server.
pub(crate) type ServerStream = TlsStream<UnbufferedServerConnection>;

/// A stream whose TLS side is the client.
pub(crate) type ClientStream = TlsStream<UnbufferedClientConnection>;

/// A TCP connection with TLS on it, seen as plain octets.
pub(crate) struct TlsStream<S> {
    socket: TcpStream,
    session: S,
    /// What resolver or verifier saw during the handshake.
    seen: Observation,
    /// Octets received that rustls has not discarded: part of a record or handshake message.
    incoming: Vec<u8>,
    sealed: Sealed,
    receiving: Receiving,
    /// We have sent close_notify (or a fatal alert): nothing may be sealed any more.
    finished: bool,
    /// rustls has seen nothing yet.
    untouched: bool,
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

impl From<io::Error> for TransportError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl ServerStream {
    /// Starts the server's side of TLS on an accepted socket.
    pub(crate) fn accept(
        socket: TcpStream,
        config: Arc<rustls::ServerConfig>,
    ) -> Result<Self, TransportError> {
        let session = UnbufferedServerConnection::new(config);
        let session = session.map_err(|error| tls_error::<UnbufferedServerConnection>(&error))?;
        Ok(Self::new(socket, session, true))
    }

    /// Sends octets in the clear to a peer that speaks no TLS; nothing can be sealed afterwards.
    pub(crate) async fn answer_in_the_clear(&mut self, octets: &[u8]) -> io::Result<()> {
        self.finished = true;
        self.socket.write_all(octets).await
    }

    /// What the handshake settled, once it is done.
    pub(crate) fn info(&self) -> Option<TlsInfo> {
        TlsInfo::new(&self.session, self.seen.servername.as_deref())
    }
}

impl ClientStream {
    /// Starts the client's side of TLS on a connected socket: its first octets wait to be flushed.
    pub(crate) fn connect(
        socket: TcpStream,
        config: Arc<rustls::ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<Self, TransportError> {
        let session = UnbufferedClientConnection::new(config, name);
        let session = session.map_err(|error| tls_error::<UnbufferedClientConnection>(&error))?;
        let mut stream = Self::new(socket, session, false);
        stream.process(&mut [], &mut |_| {})?;
        Ok(stream)
    }

    /// What rustls knows of the connection, and what its verifier saw.
    pub(crate) fn facts(&self) -> (&CommonState, &Observation) {
        (self.session.common(), &self.seen)
    }
}

impl<S: Session> TlsStream<S> {
    fn new(socket: TcpStream, session: S, untouched: bool) -> Self {
        Self {
            socket,
            session,
            seen: Observation::default(),
            incoming: Vec::new(),
            sealed: Sealed::default(),
            receiving: Receiving::Open,
            finished: false,
            untouched,
        }
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
        while self.session.common().is_handshaking() {
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

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Whether the system holds nothing of the peer's: no octet, no end, no error.
    ///
    /// Asks the system itself. What the runtime knows is as old as its last look at its sockets,
    /// and a program may have been busy since.
    pub(crate) fn is_silent(&self) -> bool {
        let looked = SockRef::from(&self.socket).peek(&mut [MaybeUninit::uninit()]);
        looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
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

fn tls_error<S: Session>(error: &rustls::Error) -> TransportError {
    TransportError::Tls(S::explain(error))
}

mod receiving;
mod sending;
mod opening;
