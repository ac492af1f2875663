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
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::CommonState;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    AppDataRecord, ConnectionState, EncryptError, UnbufferedStatus, WriteTraffic,
};
use sealane_tls::{HandshakeError, Observation, TlsInfo, observe};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use super::scratch;
use super::sealed::{RECORD, Sealed};
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

    /// Reads once from the socket and hands what could be decrypted to `sink`.
    ///
    /// Returns `Octets(0)` when only handshake records came, so that the caller can look around.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Poll<Result<Received, TransportError>> {
        match self.receiving {
            Receiving::Open => {}
            Receiving::CloseNotify => return Poll::Ready(Ok(Received::CloseNotify)),
            Receiving::Broken => return Poll::Ready(Ok(Received::Truncated)),
        }
        let kept = self.incoming.len();
        let mut buffer = scratch::take_incoming(kept + READ);
        buffer[..kept].copy_from_slice(&self.incoming);
        let mut space = ReadBuf::new(&mut buffer[kept..]);
        let read = match Pin::new(&mut self.socket).poll_read(context, &mut space) {
            Poll::Ready(Ok(())) => space.filled().len(),
            Poll::Ready(Err(error)) => {
                scratch::put_incoming(buffer);
                self.receiving = Receiving::Broken;
                return Poll::Ready(Err(error.into()));
            }
            Poll::Pending => {
                scratch::put_incoming(buffer);
                return Poll::Pending;
            }
        };
        let outcome = self.receive(&mut buffer[..kept + read], read, sink);
        scratch::put_incoming(buffer);
        Poll::Ready(outcome)
    }

    /// Takes in `octets`, of which the last `read` are new.
    fn receive(
        &mut self,
        octets: &mut [u8],
        read: usize,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Received, TransportError> {
        if read == 0 {
            // What rustls has not discarded stays, for it may hold offsets into it while we write.
            self.receiving = Receiving::Broken;
            return Ok(Received::Truncated);
        }
        // Only the server meets strangers; what a stranger says first decides how it is answered.
        if self.untouched {
            match opening(octets) {
                Opening::Tls => self.untouched = false,
                Opening::PlainHttp => {
                    self.receiving = Receiving::Broken;
                    return Err(TransportError::PlainHttp);
                }
                Opening::Unclear => {
                    self.incoming = octets.to_vec();
                    return Ok(Received::Octets(0));
                }
            }
        }
        let mut count = 0;
        let mut counted = |data: &[u8]| {
            count += data.len();
            sink(data);
        };
        let taken = self.process(octets, &mut counted)?;
        let rest = &octets[taken.octets..];
        self.incoming.clear();
        if taken.peer_closed {
            // RFC 8446 §6.1: whatever follows a closure alert is ignored.
            self.receiving = Receiving::CloseNotify;
        } else if rest.len() > LARGEST_MESSAGE {
            self.receiving = Receiving::Broken;
            self.finished = true;
            self.alert_in_the_clear();
            let error = rustls::InvalidMessage::HandshakePayloadTooLarge;
            return Err(tls_error::<S>(&error.into()));
        } else {
            self.incoming.extend_from_slice(rest);
        }
        if self.incoming.is_empty() {
            self.incoming = Vec::new();
        }
        if count == 0 && taken.peer_closed {
            return Ok(Received::CloseNotify);
        }
        Ok(Received::Octets(count))
    }

    /// Lets rustls work until it needs more octets.
    fn process(
        &mut self,
        octets: &mut [u8],
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Taken, TransportError> {
        let mut taken = Taken {
            octets: 0,
            peer_closed: false,
        };
        loop {
            let rest = &mut octets[taken.octets..];
            let digested = if self.session.common().is_handshaking() {
                let (status, seen) = observe(|| self.session.process(rest));
                if seen != Observation::default() {
                    self.seen = seen;
                }
                digest(status, sink, &mut self.sealed)
            } else {
                digest(self.session.process(rest), sink, &mut self.sealed)
            };
            match digested {
                Ok((discard, step)) => {
                    taken.octets += discard;
                    match step {
                        Step::Again => {}
                        Step::PeerClosed => taken.peer_closed = true,
                        Step::Blocked => return Ok(taken),
                    }
                }
                Err(error) => {
                    self.receiving = Receiving::Broken;
                    self.incoming = Vec::new();
                    self.fetch_alert();
                    return Err(tls_error::<S>(&error));
                }
            }
        }
    }

    /// Puts the alert that explains an error with the octets to be flushed.
    fn fetch_alert(&mut self) {
        self.finished = true;
        if !self.session.common().wants_write() {
            self.alert_in_the_clear();
        }
        while self.session.common().wants_write() {
            let UnbufferedStatus { state, .. } = self.session.process(&mut []);
            let Ok(ConnectionState::EncodeTlsData(mut record)) = state else {
                return;
            };
            if self.sealed.append(&mut record).is_err() {
                return;
            }
        }
    }

    /// Says `decode_error` where rustls gives no alert, as long as nothing is sealed yet.
    fn alert_in_the_clear(&mut self) {
        if self.session.common().protocol_version().is_none() {
            self.sealed.append_octets(&DECODE_ERROR);
        }
    }

    /// Whether sealed octets wait for the socket.
    pub(crate) fn is_blocked(&self) -> bool {
        !self.sealed.is_empty()
    }

    /// Seals at most one record's worth of `plain` and tries to send it; tells how much was taken.
    ///
    /// What is taken but could not be sent waits, and nothing more is taken until it has left.
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        plain: &[u8],
    ) -> Poll<Result<usize, TransportError>> {
        if self.sealed.is_full() {
            ready!(self.poll_flush(context))?;
        }
        if self.finished {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::BrokenPipe).into()));
        }
        let record = &plain[..plain.len().min(RECORD)];
        self.with_writer(|writer, space| writer.encrypt(record, space))?;
        match self.poll_flush(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(record.len())),
        }
    }

    /// Ready once nothing sealed waits any more.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.sealed.is_empty() {
            let sent =
                ready!(Pin::new(&mut self.socket).poll_write(context, self.sealed.octets()))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sealed.sent(sent);
        }
        Poll::Ready(Ok(()))
    }

    /// Keeps close_notify back: what was sent must look cut short.
    pub(crate) fn cut_short(&mut self) {
        self.finished = true;
    }

    /// Says close_notify, sends it and ends our side of the TCP stream.
    pub(crate) fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.finished {
            self.seal_close_notify();
        }
        ready!(self.poll_flush(context))?;
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn seal_close_notify(&mut self) {
        // A session that cannot seal any more has said its last word already.
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "its lifetimes are too narrow"
        )]
        let _ = self.with_writer(|writer, space| writer.queue_close_notify(space));
        self.finished = true;
    }

    /// Reads and forgets, so that the peer's octets do not turn our close into a reset.
    ///
    /// Ready with the number of octets, 0 at the end of the stream.
    pub(crate) fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut buffer = scratch::take_incoming(READ);
        let mut space = ReadBuf::new(&mut buffer);
        let outcome = Pin::new(&mut self.socket).poll_read(context, &mut space);
        let read = space.filled().len();
        scratch::put_incoming(buffer);
        outcome.map_ok(|()| read)
    }

    /// Runs `seal` with rustls' writer and enough space, giving it more if it asks.
    fn with_writer(
        &mut self,
        seal: impl Fn(&mut WriteTraffic<'_, S::Data>, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> Result<(), TransportError> {
        loop {
            let UnbufferedStatus { discard, state } = self.session.process(&mut self.incoming);
            let mut done = false;
            let state = state.map_err(|error| {
                self.finished = true;
                tls_error::<S>(&error)
            })?;
            let step = match state {
                ConnectionState::WriteTraffic(mut writer) => {
                    done = true;
                    self.sealed.fill(|space| seal(&mut writer, space))
                }
                ConnectionState::EncodeTlsData(mut record) => self.sealed.append(&mut record),
                ConnectionState::TransmitTlsData(sent) => {
                    sent.done();
                    Ok(())
                }
                ConnectionState::PeerClosed => {
                    self.receiving = Receiving::CloseNotify;
                    Ok(())
                }
                _ => Err(io::ErrorKind::NotConnected.into()),
            };
            self.incoming.drain(..discard);
            step?;
            if done {
                return Ok(());
            }
        }
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

/// How far one run of [`TlsStream::process`] came.
struct Taken {
    octets: usize,
    peer_closed: bool,
}

/// What to do after one state of rustls was dealt with.
enum Step {
    Again,
    PeerClosed,
    Blocked,
}

/// Deals with one state of rustls: data into `sink`, records to be sent into `sealed`.
fn digest<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    sink: &mut dyn FnMut(&[u8]),
    sealed: &mut Sealed,
) -> Result<(usize, Step), rustls::Error> {
    let UnbufferedStatus { mut discard, state } = status;
    let step = match state? {
        ConnectionState::ReadTraffic(mut records) => {
            while let Some(record) = records.next_record() {
                let AppDataRecord {
                    discard: more,
                    payload,
                } = record?;
                discard += more;
                sink(payload);
            }
            Step::Again
        }
        ConnectionState::EncodeTlsData(mut record) => {
            sealed.append(&mut record).map_err(|_| {
                rustls::Error::General("a handshake record could not be encoded".into())
            })?;
            Step::Again
        }
        ConnectionState::TransmitTlsData(sent) => {
            // The octets are ours now and leave with the next flush, in order.
            sent.done();
            Step::Again
        }
        ConnectionState::PeerClosed => Step::PeerClosed,
        ConnectionState::BlockedHandshake
        | ConnectionState::WriteTraffic(_)
        | ConnectionState::Closed => Step::Blocked,
        ConnectionState::ReadEarlyData(_) | _ => {
            return Err(rustls::Error::General(
                "early data, which was never offered".into(),
            ));
        }
    };
    Ok((discard, step))
}

/// What the first octets of a connection look like.
enum Opening {
    Tls,
    PlainHttp,
    /// Too few octets to tell.
    Unclear,
}

/// Tells a plain HTTP request from everything else by a method and a space.
///
/// No TLS record begins with a capital letter, so nothing is taken from rustls by looking.
fn opening(octets: &[u8]) -> Opening {
    let method = octets
        .iter()
        .take(LONGEST_METHOD)
        .take_while(|octet| octet.is_ascii_uppercase() || **octet == b'-');
    match (method.count(), octets) {
        (0, _) => Opening::Tls,
        (length, _) if octets.get(length) == Some(&b' ') => Opening::PlainHttp,
        (length, _) if length == octets.len() && length < LONGEST_METHOD => Opening::Unclear,
        _ => Opening::Tls,
    }
}

fn tls_error<S: Session>(error: &rustls::Error) -> TransportError {
    TransportError::Tls(S::explain(error))
}

/// No registered method is longer (RFC 9110 §16.1.1; `UPDATEREDIRECTREF` has 17 letters).
const LONGEST_METHOD: usize = 17;

/// Octets read at a time: one turn's budget.
const READ: usize = 64 * 1024;

/// The longest partial handshake message that is kept: rustls takes 64 KiB (RFC 8446 §4 would allow
/// 16 MiB), and a record more may have come with it.
const LARGEST_MESSAGE: usize = 84 * 1024;

/// A fatal `decode_error` in the clear (RFC 8446 §5.1, §6).
const DECODE_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 50];
