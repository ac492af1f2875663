//! The way in: octets from the socket through rustls into a sink, and what a failure leaves behind.
//!
//! The two rules of the unbuffered API are kept here: every call gets all octets that were not
//! discarded, and after an error only the alert is fetched (RFC 8446 §6.2).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::unbuffered::{AppDataRecord, ConnectionState, UnbufferedStatus};
use sealane_tls::{Observation, observe};
use tokio::io::{AsyncRead, ReadBuf};

use super::super::scratch;
use super::super::sealed::Sealed;
use super::super::session::Session;
use super::opening::{Opening, opening};
use super::{Received, Receiving, TlsStream, TransportError, tls_error};

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
    pub(super) fn process(
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
}

/// How far one run of [`TlsStream::process`] came.
pub(super) struct Taken {
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

/// Octets read at a time: one turn's budget.
const READ: usize = 64 * 1024;

/// The longest partial handshake message that is kept: rustls takes 64 KiB (RFC 8446 §4 would allow
/// 16 MiB), and a record more may have come with it.
const LARGEST_MESSAGE: usize = 84 * 1024;

/// A fatal `decode_error` in the clear (RFC 8446 §5.1, §6).
const DECODE_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 50];
