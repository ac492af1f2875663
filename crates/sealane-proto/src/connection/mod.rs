//! A connection without its socket: the part that both roles share.
//!
//! The methods of a connection come in four kinds, and are named so: getters; `receive` and
//! `handle_*` (input from outside); plain verbs (commands of the caller); `poll_*` (output to act
//! upon). None blocks, none reads a clock. The moves of each role are in `server.rs` and
//! `client.rs`, the law of both halves in `joint.rs` (RFC 9112 §9).

use bytes::Bytes;
use http::HeaderMap;

use crate::body::{BodyDecoder, Decoded};
use crate::buffer::Buffer;
use crate::close::{CloseReason, InputEnd};
use crate::error::{IncompleteError, ProtocolError, Section, UsageError};
use crate::event::Event;
use crate::limits::Limits;
use crate::start_line::StartLine;

mod request;
mod client;
mod unserved;
mod respond;
mod server;
mod rules;
mod timer;
mod joint;
mod half;

pub use client::ClientConnection;
pub use request::{OutgoingFields, OutgoingHead};
pub use respond::HeadOptions;
pub use rules::{ClientRules, ServerRules};
pub use server::ServerConnection;
pub use timer::{Moment, Timeouts, Timer};

use half::{Receiving, Sending};
use joint::{Persistence, turn_over};

/// Buffer, halves, and what they are to become.
#[derive(Debug, Default)]
struct Core<L: Default> {
    /// Octets that no message has claimed yet.
    buffer: Buffer,
    /// What we may send next.
    sending: Sending,
    /// What the peer may send next.
    receiving: Receiving<L>,
    /// Whether there may be another exchange.
    persistence: Persistence,
    /// How the peer's side has ended, once it has.
    end: Option<InputEnd>,
    /// A message without a body is complete, but its [`Event::End`] has not been polled yet.
    end_due: bool,
}

/// What has become of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    /// It is still in progress.
    Open,
    /// It is over, and another may begin.
    Next,
    /// It is over, and so is the connection.
    Closed,
}

impl<L: StartLine> Core<L> {
    /// Keeps octets as long as anything may still be made of them.
    ///
    /// RFC 9112 §9.6: what comes behind a message that closes the connection is ignored.
    fn receive(&mut self, octets: &[u8], may_tunnel: bool) {
        if !octets.is_empty() && self.wants_input(may_tunnel) {
            self.buffer.append(octets);
        }
    }

    /// Whether anything may still be made of further octets.
    fn wants_input(&self, may_tunnel: bool) -> bool {
        match self.receiving {
            Receiving::Head(_) | Receiving::Body(_) | Receiving::Tunnel => true,
            Receiving::Done => may_tunnel || self.persistence == Persistence::Keep,
            Receiving::Closed(_) => false,
        }
    }

    /// Takes note that the peer's side has ended; the first report counts.
    fn handle_end(&mut self, end: InputEnd) {
        self.end.get_or_insert(end);
    }

    /// Goes from the head of a message to what follows it.
    fn begin_body(&mut self, body: Option<BodyDecoder>) {
        self.end_due = body.is_none();
        self.receiving = Receiving::behind_head(body);
    }

    /// Takes an [`Event::End`] that is due for a message without a body.
    fn take_due_end(&mut self) -> Option<Event> {
        std::mem::take(&mut self.end_due).then_some(Event::End(None))
    }

    /// Takes the next event of a body; `None` when more octets are needed.
    ///
    /// `accept_truncated` is [`ClientRules::accept_truncated`]. After an error nothing more may be
    /// read: the caller sees to that.
    fn poll_body(
        &mut self,
        limits: &Limits,
        accept_truncated: bool,
    ) -> Result<Option<Event>, ProtocolError> {
        let Receiving::Body(decoder) = &mut self.receiving else {
            return Ok(None);
        };
        match decoder.decode(&mut self.buffer, limits) {
            Ok(Decoded::Data(data)) => return Ok(Some(Event::Data(data))),
            Ok(Decoded::End(trailers)) => {
                self.receiving = Receiving::Done;
                return Ok(Some(Event::End(trailers)));
            }
            Ok(Decoded::More) => {}
            Err(error) => return Err(error),
        }
        let Some(end) = self.end else {
            return Ok(None);
        };
        decoder.end_input(end, accept_truncated)?;
        self.receiving = Receiving::Done;
        Ok(Some(Event::End(None)))
    }

    /// The error when the peer's side ends inside the head that is in the buffer.
    fn head_incomplete(&self) -> ProtocolError {
        let received = self.buffer.len() as u64;
        ProtocolError::remote(IncompleteError::Head(received), Section::Head, received)
    }

    /// Reads nothing more after an error of the peer, and hands the error on.
    fn fail(&mut self, error: ProtocolError) -> ProtocolError {
        self.close_receiving(CloseReason::ProtocolError);
        error
    }

    /// Reads nothing more; what is being sent may still be finished.
    fn close_receiving(&mut self, why: CloseReason) {
        self.persistence.close(why);
        self.receiving = Receiving::Closed(why);
        self.end_due = false;
        self.buffer.clear();
    }

    /// Closes both halves at once.
    fn close(&mut self, why: CloseReason) {
        self.close_receiving(why);
        self.sending = Sending::Closed(why);
    }

    /// Leaves HTTP: what is in the buffer belongs to the other protocol.
    fn enter_tunnel(&mut self) {
        self.sending = Sending::Tunnel;
        self.receiving = Receiving::Tunnel;
    }

    /// Sends octets of a body: see the roles' `send_data`.
    fn send_data(
        &mut self,
        octets: usize,
        out: &mut Vec<u8>,
    ) -> Result<&'static [u8], ProtocolError> {
        match &mut self.sending {
            Sending::Body(encoder) => Ok(encoder.announce(octets, out)?),
            Sending::Head => Err(UsageError::HeadUnsent.into()),
            Sending::Done | Sending::Tunnel | Sending::Closed(_) => {
                Err(UsageError::MessageEnded.into())
            }
        }
    }

    /// Ends the message being sent: see the roles' `send_end`.
    fn send_end(
        &mut self,
        trailers: Option<&HeaderMap>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        match &self.sending {
            Sending::Body(encoder) => match encoder.finish(trailers, out) {
                Ok(()) => {
                    self.sending = Sending::Done;
                    Ok(())
                }
                Err(error) => {
                    // The peer waits for octets that will never come: only closing tells it so.
                    if matches!(error, UsageError::TooLittle { .. }) {
                        self.close(CloseReason::MessageCut);
                    }
                    Err(error.into())
                }
            },
            // The head of a tunnel is a whole message; ending it changes nothing.
            Sending::Tunnel => Ok(()),
            Sending::Head => Err(UsageError::HeadUnsent.into()),
            Sending::Done | Sending::Closed(_) => Err(UsageError::MessageEnded.into()),
        }
    }

    /// Applies the joint table.
    fn settle(&mut self) -> Settled {
        if !matches!(self.sending, Sending::Done | Sending::Closed(_)) {
            return Settled::Open;
        }
        let sending = std::mem::take(&mut self.sending);
        let receiving = std::mem::take(&mut self.receiving);
        (self.sending, self.receiving) = turn_over(sending, receiving, self.persistence);
        match (&self.sending, &self.receiving) {
            (Sending::Head, Receiving::Head(_)) => Settled::Next,
            (Sending::Closed(_), Receiving::Closed(why)) => {
                // What stood behind the last request is not served, but may be counted.
                if *why != CloseReason::RequestLimit {
                    self.buffer.clear();
                }
                Settled::Closed
            }
            _ => Settled::Open,
        }
    }

    /// Takes the octets that came behind the head of a tunnel.
    fn take_leftover(&mut self) -> Bytes {
        match self.is_tunnel() {
            true => self.buffer.take(self.buffer.len()),
            false => Bytes::new(),
        }
    }

    /// Whether a body is being received.
    fn receiving_body(&self) -> bool {
        matches!(self.receiving, Receiving::Body(_))
    }

    /// Whether both halves wait for a message of which nothing is in the buffer.
    fn is_idle(&self) -> bool {
        let at_head = matches!(self.receiving, Receiving::Head(_));
        let quiet = self.buffer.is_empty() && !self.end_due;
        at_head && matches!(self.sending, Sending::Head) && quiet
    }

    /// Whether the connection has left HTTP.
    fn is_tunnel(&self) -> bool {
        matches!(self.receiving, Receiving::Tunnel)
    }

    /// Why both halves are closed, once they are.
    fn close_reason(&self) -> Option<CloseReason> {
        match (&self.sending, &self.receiving) {
            (Sending::Closed(_), Receiving::Closed(why)) => Some(*why),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
