//! The way in: octets from the socket through rustls into a sink, and what a failure leaves behind.
//!
//! rustls gets all octets that it has not discarded at every call. After an error only its alert is
//! fetched (RFC 8446 §6.2); where it has none, `decode_error` is said as long as that can be read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use super::super::alert;
use super::super::engine::Taken;
use super::super::opening::{Opening, opening};
use super::super::scratch;
use super::super::session::Session;
use super::super::socket::Socket;
use super::{Received, Receiving, TlsStream, TransportError};

impl<S: Session> TlsStream<S> {
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
        self.received += read as u64;
        let outcome = self.receive(&mut buffer[..kept + read], read, sink);
        scratch::put_incoming(buffer);
        Poll::Ready(outcome)
    }

    /// How many sealed octets have come in all, also of records that are not whole yet.
    pub(crate) fn received(&self) -> u64 {
        self.received
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
        self.take_in(octets, sink)
    }

    /// Takes in octets of a peer that speaks TLS: all that rustls has not discarded, and the new.
    pub(super) fn take_in(
        &mut self,
        octets: &mut [u8],
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Received, TransportError> {
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
            return Err(self.explained(&error.into()));
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
    pub(super) fn process(
        &mut self,
        octets: &mut [u8],
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Taken, TransportError> {
        let taken = self
            .engine
            .take_in(octets, sink, &mut self.sealed, &mut self.seen);
        taken.map_err(|error| {
            self.receiving = Receiving::Broken;
            self.incoming = Vec::new();
            self.finished = true;
            if !self.engine.fetch_alert(&mut self.sealed) {
                self.alert_in_the_clear();
            }
            self.explained(&error)
        })
    }

    /// Says `decode_error` where rustls gives no alert, as long as nothing is sealed yet.
    fn alert_in_the_clear(&mut self) {
        if self.engine.common().protocol_version().is_none() {
            self.sealed
                .append_octets(&alert::record(alert::DECODE_ERROR));
        }
    }
}

/// Reads from a socket and forgets; ready with the number of octets, 0 at the end of the stream.
pub(in super::super) fn discard(
    socket: &mut Socket,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut buffer = scratch::take_incoming(READ);
    let mut space = ReadBuf::new(&mut buffer);
    let outcome = Pin::new(socket).poll_read(context, &mut space);
    let read = space.filled().len();
    scratch::put_incoming(buffer);
    outcome.map_ok(|()| read)
}

/// Octets read at a time: one turn's budget.
const READ: usize = 64 * 1024;

/// The longest partial handshake message that is kept: rustls takes 64 KiB (RFC 8446 §4 would allow
/// 16 MiB), and a record more may have come with it.
const LARGEST_MESSAGE: usize = 84 * 1024;
