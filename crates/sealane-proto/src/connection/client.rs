//! A connection as its client sees it: requests out, responses in.
//!
//! One request at a time; it has no clocks of its own, for a client knows better than its
//! connection how long it wants to wait. Heads are written in `request.rs`. RFC 9112 §6.3, §9;
//! RFC 9110 §7.8 (Upgrade), §9.3.6 (CONNECT), §15.2 (1xx).

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version};

use crate::body::BodyDecoder;
use crate::close::{CloseReason, InputEnd};
use crate::connection::half::{Receiving, Sending};
use crate::connection::joint::Persistence;
use crate::connection::rules::ClientRules;
use crate::connection::{Core, Settled};
use crate::error::{IncompleteError, ProtocolError, ResponseError, Section, UsageError};
use crate::event::Event;
use crate::field::ConnectionOptions;
use crate::framing::Framing;
use crate::head::ResponseHead;
use crate::limits::INTERIM_RESPONSES;
use crate::start_line::StatusLine;

/// One connection, client side: requests encoded, octets in, events out.
///
/// The mirror of [`ServerConnection`](crate::ServerConnection), with the same four kinds of method.
/// A response may come before its request has been sent whole; the connection is reusable when both
/// are complete. If that response ends the connection, the caller need not send the rest: see
/// [`abandon_body`](Self::abandon_body).
#[derive(Debug)]
pub struct ClientConnection {
    /// What this client asks of its servers.
    rules: Arc<ClientRules>,
    /// The halves and the buffer.
    pub(super) core: Core<StatusLine>,
    /// The request being answered.
    pub(super) exchange: Option<Exchange>,
}

/// What must be remembered of a request until its response is complete.
#[derive(Debug)]
pub(super) struct Exchange {
    /// It was HEAD: the response has no body.
    pub(super) is_head: bool,
    /// It was CONNECT: a 2xx response makes the connection a tunnel.
    pub(super) is_connect: bool,
    /// It named another protocol to go on with.
    pub(super) upgrade: bool,
    /// It was sent as HTTP/1.0: the connection persists only if the response says so.
    pub(super) is_old: bool,
    /// Its body is to wait for 100 (Continue).
    pub(super) expects_continue: bool,
    /// Interim responses that have come.
    pub(super) interim: usize,
}

impl ClientConnection {
    /// A connection that has just been established.
    pub fn new(rules: Arc<ClientRules>) -> Self {
        Self {
            rules,
            core: Core::default(),
            exchange: None,
        }
    }

    /// Takes other rules, for the exchange that comes next.
    ///
    /// Many callers may share a connection one after the other, and each has limits of its own.
    /// Said in the middle of an exchange it holds for what has not been read yet.
    pub fn set_rules(&mut self, rules: Arc<ClientRules>) {
        self.rules = rules;
    }

    /// Announces `octets` octets of the body: appends what must stand before them, and returns what
    /// must follow them.
    ///
    /// The caller appends the octets and that end himself. 0 octets write nothing, and never end a
    /// body. On an error nothing has been written.
    pub fn send_data(
        &mut self,
        octets: usize,
        out: &mut Vec<u8>,
    ) -> Result<&'static [u8], ProtocolError> {
        if self.exchange.is_none() && !self.is_tunnel() {
            return Err(UsageError::NoExchange.into());
        }
        self.core.send_data(octets, out)
    }

    /// Ends the request, with a trailer section if its body is chunked.
    ///
    /// Must be called for every request, also for one without a body. An error leaves everything as
    /// it was, but for one: a body that is shorter than its announced length closes the connection.
    pub fn send_end(
        &mut self,
        trailers: Option<&HeaderMap>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        if self.exchange.is_none() && !self.is_tunnel() {
            return Err(UsageError::NoExchange.into());
        }
        let result = self.core.send_end(trailers, out);
        self.settle();
        result
    }

    /// Gives up sending the rest of the request body; the response is still received, then the
    /// connection closes (RFC 9112 §9.3: a body can only be ended early by closing).
    ///
    /// For a final response that came before the body was sent, or instead of a 100 (Continue).
    pub fn abandon_body(&mut self) {
        if matches!(self.core.sending, Sending::Body(_)) {
            self.core.persistence.close(CloseReason::BodyAbandoned);
            self.core.sending = Sending::Closed(CloseReason::BodyAbandoned);
            self.settle();
        }
    }

    /// Makes the exchange in progress the last one; an idle connection closes at once.
    ///
    /// The first reason given stays.
    pub fn close_after_exchange(&mut self, why: CloseReason) {
        match (self.is_tunnel(), self.is_idle()) {
            (true, _) => {}
            (false, true) => self.core.close(why),
            (false, false) => self.core.persistence.close(why),
        }
    }

    /// Takes octets that the server sent.
    ///
    /// They are kept until [`poll_event`](Self::poll_event) finds a use for them.
    pub fn receive(&mut self, octets: &[u8]) {
        let may_tunnel = |exchange: &Exchange| exchange.upgrade || exchange.is_connect;
        let may_tunnel = self.exchange.as_ref().is_some_and(may_tunnel);
        self.core.receive(octets, may_tunnel);
    }

    /// Takes note that the server's side of the transport has ended.
    pub fn handle_end(&mut self, end: InputEnd) {
        self.core.handle_end(end);
    }

    /// Says what the server did next; `None` when more octets are needed.
    ///
    /// After an error both halves are closed, and there is no further event.
    pub fn poll_event(&mut self) -> Result<Option<Event>, ProtocolError> {
        if let Some(end) = self.core.take_due_end() {
            if let Persistence::Close(why) = self.core.persistence
                && self.is_idle()
            {
                self.core.close(why);
            }
            return Ok(Some(end));
        }
        let event = match (&self.core.receiving, &self.exchange) {
            (Receiving::Head(_), None) => self.poll_idle(),
            (Receiving::Head(_), Some(_)) => self.poll_head(),
            (Receiving::Body(_), _) => self.poll_body(),
            (Receiving::Done | Receiving::Tunnel | Receiving::Closed(_), _) => Ok(None),
        };
        if event.is_err() {
            // Half a response is no response, and what follows it cannot be told from it.
            self.core.close(CloseReason::ProtocolError);
        }
        self.settle();
        event
    }

    /// Takes the octets that came behind the head of a tunnel; empty when there is no tunnel.
    pub fn take_leftover(&mut self) -> Bytes {
        self.core.take_leftover()
    }

    /// Whether no exchange is open and nothing unsolicited has come.
    pub fn is_idle(&self) -> bool {
        self.exchange.is_none() && self.core.is_idle()
    }

    /// Whether another request may be sent: idle, and nothing speaks against it.
    pub fn reusable(&self) -> bool {
        let open = self.core.persistence == Persistence::Keep && self.core.end.is_none();
        open && self.is_idle()
    }

    /// Whether a request has been begun whose exchange is not over.
    pub fn in_exchange(&self) -> bool {
        self.exchange.is_some()
    }

    /// Whether the head that was sent has announced a body that waits for 100 (Continue).
    ///
    /// How long it waits, and whether it is still worth waiting, is for the caller to say
    /// (RFC 9110 §10.1.1).
    pub fn expects_continue(&self) -> bool {
        let exchange = self.exchange.as_ref();
        exchange.is_some_and(|exchange| exchange.expects_continue)
    }

    /// Whether a response body is still being received.
    pub fn receiving_body(&self) -> bool {
        self.core.receiving_body()
    }

    /// Number of octets received that no event has claimed yet.
    pub fn buffered(&self) -> usize {
        self.core.buffer.len()
    }

    /// Why the connection is finished, once it is: send what is encoded, then close it.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.core.close_reason()
    }

    /// Whether the connection has left HTTP: a 101, or a 2xx to CONNECT, has come.
    pub fn is_tunnel(&self) -> bool {
        self.core.is_tunnel()
    }

    /// Takes the next event of a response's body.
    fn poll_body(&mut self) -> Result<Option<Event>, ProtocolError> {
        let rules = &self.rules;
        self.core.poll_body(&rules.limits, rules.accept_truncated)
    }

    /// Judges what comes while no request is open: an end is fine, octets are not (RFC 9112 §9.2).
    ///
    /// A response that nobody asked for would be taken for the answer to the next request.
    fn poll_idle(&mut self) -> Result<Option<Event>, ProtocolError> {
        if !self.core.buffer.is_empty() {
            return Err(ProtocolError::remote(
                ResponseError::Unsolicited,
                Section::Head,
                0,
            ));
        }
        let Some(end) = self.core.end else {
            return Ok(None);
        };
        self.core.close(end.close_reason());
        Ok(Some(Event::Closed))
    }

    /// Takes the next response head from the buffer.
    fn poll_head(&mut self) -> Result<Option<Event>, ProtocolError> {
        let (Receiving::Head(scanner), Some(exchange)) =
            (&mut self.core.receiving, &mut self.exchange)
        else {
            return Ok(None);
        };
        let buffer = &mut self.core.buffer;
        let Some(scanned) = scanner.scan(buffer, &self.rules.limits, self.rules.lenient)? else {
            return match (self.core.end, self.core.buffer.is_empty()) {
                (None, _) => Ok(None),
                (Some(_), true) if exchange.interim == 0 => Err(ProtocolError::remote(
                    IncompleteError::Silent,
                    Section::Head,
                    0,
                )),
                (Some(_), _) => Err(self.core.head_incomplete()),
            };
        };
        let head = scanned.build(exchange.is_head, exchange.is_connect)?;
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch_protocols(head);
        }
        if head.status.is_informational() {
            exchange.interim += 1;
            if exchange.interim > INTERIM_RESPONSES {
                let error = ResponseError::TooManyInterim(INTERIM_RESPONSES);
                return Err(ProtocolError::remote(error, Section::Head, 0));
            }
            return Ok(Some(Event::Interim(head)));
        }
        let is_tunnel = exchange.is_connect && head.status.is_success();
        match is_tunnel {
            true => self.core.enter_tunnel(),
            false => self.begin_response(&head),
        }
        Ok(Some(Event::Response(head)))
    }

    /// Takes a 101, if the request asked for it and is complete, and it names the protocol in
    /// HTTP/1.1 (RFC 9110 §7.8, §15.2.2).
    ///
    /// Without Upgrade nobody knows in which protocol to go on; without `Connection: upgrade` it
    /// may be meant for another connection, which an intermediary has passed on unread.
    fn switch_protocols(&mut self, head: ResponseHead) -> Result<Option<Event>, ProtocolError> {
        let wanted = self
            .exchange
            .as_ref()
            .is_some_and(|exchange| exchange.upgrade);
        if !wanted || !head.is_switch() || !matches!(self.core.sending, Sending::Done) {
            return Err(ProtocolError::remote(
                ResponseError::UnexpectedSwitch,
                Section::Head,
                0,
            ));
        }
        self.core.enter_tunnel();
        Ok(Some(Event::Response(head)))
    }

    /// Goes from the head of a final response to its body.
    fn begin_response(&mut self, head: &ResponseHead) {
        let options = ConnectionOptions::of(&head.fields);
        let asked_as_old = self.exchange.as_ref().is_some_and(|asked| asked.is_old);
        let is_old = asked_as_old || head.version == Version::HTTP_10;
        if options.close {
            self.core.persistence.close(CloseReason::PeerAsked);
        } else if is_old && !options.keep_alive {
            self.core.persistence.close(CloseReason::Http10);
        } else if head.framing == Framing::UntilClose {
            self.core.persistence.close(CloseReason::UntilClose);
        }
        self.core.begin_body(BodyDecoder::new(head.framing));
    }

    /// Ends the exchange when both halves are done with it.
    fn settle(&mut self) {
        if self.core.settle() != Settled::Open {
            self.exchange = None;
        }
    }
}

#[cfg(test)]
mod tests;
