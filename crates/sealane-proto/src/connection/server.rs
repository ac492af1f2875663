//! A connection as its server sees it: what comes in, which deadline runs, when it is over.
//!
//! How responses are written is in `respond.rs`; this file holds the state, the input and the
//! events. RFC 9112 §9 (connections), RFC 9110 §10.1.1 (Expect), §7.8 (Upgrade), §9.3.6 (CONNECT).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Version};

use crate::body::BodyDecoder;
use crate::close::{CloseReason, InputEnd};
use crate::connection::half::{Receiving, Sending};
use crate::connection::joint::Persistence;
use crate::connection::rules::ServerRules;
use crate::connection::timer::{Moment, Timeouts, Timer, Timers};
use crate::connection::{Core, Settled};
use crate::error::{ProtocolError, Section, StartLineError};
use crate::event::{Event, Rejected};
use crate::head::RequestHead;
use crate::start_line::RequestLine;

/// One connection, server side: octets in, events out, responses encoded.
///
/// Getters tell the state. [`receive`](Self::receive) and the `handle_*` methods take what happens
/// outside. [`poll_event`](Self::poll_event) and [`next_timeout`](Self::next_timeout) say what is
/// to be acted upon. All other methods are commands: they append octets to `out`, which the caller
/// sends.
///
/// After every input and every command, poll events until there is none. Holds no heap memory while
/// it is idle.
#[derive(Debug)]
pub struct ServerConnection {
    /// What this server asks of its clients.
    pub(super) rules: Arc<ServerRules>,
    /// How long a client may take.
    pub(super) timeouts: Arc<Timeouts>,
    /// The halves and the buffer.
    pub(super) core: Core<RequestLine>,
    /// The request being answered.
    pub(super) exchange: Option<Exchange>,
    /// The deadlines.
    timers: Timers,
    /// Blank lines that came before the next request line.
    blank_lines: usize,
    /// Requests that have come.
    requests: u64,
    /// The octets at which reading stopped, if they are wanted.
    pub(super) rejected: Option<Box<Rejected>>,
}

/// What must be remembered of a request while it is answered.
#[derive(Debug)]
pub(super) struct Exchange {
    /// The version of the request.
    pub(super) version: Version,
    /// Which of the methods that change the rules it was.
    pub(super) method: MethodKind,
    /// It named another protocol to go on with.
    pub(super) upgrade: bool,
    /// How it stands with 100 (Continue).
    pub(super) expectation: Expectation,
    /// How long its response has promised to keep the connection.
    pub(super) keep_alive: Option<Duration>,
    /// How much more of its body may be discarded, once nobody wants it.
    discard: Option<u64>,
}

/// The methods that change how a response is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MethodKind {
    /// HEAD: the response has no body (RFC 9110 §9.3.2).
    Head,
    /// CONNECT: a 2xx response makes the connection a tunnel (RFC 9110 §9.3.6).
    Connect,
    /// Any other.
    Other,
}

/// How it stands with the expectation of a 100 (Continue).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expectation {
    /// The client expects none.
    Absent,
    /// The client holds its body back until it gets one.
    Awaited,
    /// The client got tired of waiting: its body has begun to come, but maybe not all of it will.
    Overtaken,
    /// It was sent.
    Met,
}

impl ServerConnection {
    /// A connection that has just been established; the clocks of its first request start now.
    pub fn new(rules: Arc<ServerRules>, timeouts: Arc<Timeouts>, now: Moment) -> Self {
        Self {
            rules,
            timeouts,
            core: Core::default(),
            exchange: None,
            timers: Timers::new(now),
            blank_lines: 0,
            requests: 0,
            rejected: None,
        }
    }

    /// Lets other rules hold from now on, also for a message of which a part has been read.
    pub fn set_rules(&mut self, rules: Arc<ServerRules>) {
        self.rules = rules;
    }

    /// Lets other timeouts hold from now on: ask [`next_timeout`](Self::next_timeout) again.
    ///
    /// The clocks of a message in progress are measured anew from its start, so that one made
    /// shorter may be due at once. The time between two requests changes with the next response:
    /// what the last one has advertised holds.
    pub fn set_timeouts(&mut self, timeouts: Arc<Timeouts>) {
        self.timeouts = timeouts;
    }

    /// Gives the client time back in which nobody took what it had sent.
    ///
    /// The clocks of a message in progress end later by `length`. Whoever stops reading cannot know
    /// when what comes afterwards was sent.
    pub fn excuse(&mut self, length: Duration) {
        self.timers.excuse(length);
    }

    /// Lets the time until the next request begin anew, if it runs: all responses have left.
    ///
    /// It starts when a response is encoded, and a slow reader may have taken it much later. What
    /// has been advertised (RFC 2068 §19.7.1.1) would be over before the client knew of it.
    pub fn rest_anew(&mut self, now: Moment) {
        self.timers.rest_anew(now);
    }

    /// Takes octets that the client sent.
    ///
    /// They are kept until [`poll_event`](Self::poll_event) finds a use for them: whoever wants
    /// memory bounded stops reading while [`buffered`](Self::buffered) is high.
    pub fn receive(&mut self, octets: &[u8], now: Moment) {
        self.core.receive(octets, self.may_tunnel());
        if octets.is_empty() {
            return;
        }
        match (&self.core.receiving, &mut self.exchange) {
            (Receiving::Head(_), None) => self.timers.begin_message(now),
            (Receiving::Body(_), Some(exchange)) => exchange.see_body(),
            _ => {}
        }
    }

    /// Takes note that the client's side of the transport has ended.
    ///
    /// Requests that are complete still come out as events and can be answered (RFC 9112 §9.6).
    pub fn handle_end(&mut self, end: InputEnd) {
        self.core.handle_end(end);
    }

    /// Says which deadline has passed, if one has; all clocks stop, and nothing more is read.
    ///
    /// After [`Timer::KeepAlive`] the connection is closed. After the others the caller must answer
    /// 408 with [`refuse`](Self::refuse); where that is no longer possible, or not wanted, it must
    /// call [`close_after_exchange`](Self::close_after_exchange), without which
    /// [`close_reason`](Self::close_reason) stays `None` as long as no response ends.
    pub fn handle_timeout(&mut self, now: Moment) -> Option<Timer> {
        let timer = self.timers.passed(&self.timeouts, now)?;
        self.timers.stop();
        match timer {
            Timer::Head => self.core.close_receiving(CloseReason::HeadTimeout),
            Timer::Request => self.core.close_receiving(CloseReason::RequestTimeout),
            Timer::KeepAlive => self.core.close(CloseReason::KeepAliveTimeout),
        }
        self.settle(now);
        Some(timer)
    }

    /// Says what the client did next; `None` when more octets are needed, or the response first.
    ///
    /// After an error nothing more is read, and there is no further event. The caller must then
    /// [`refuse`](Self::refuse), or call [`close_after_exchange`](Self::close_after_exchange) if it
    /// does not want to answer or it is too late: the connection waits for one of them.
    pub fn poll_event(&mut self, now: Moment) -> Result<Option<Event>, ProtocolError> {
        if let Some(end) = self.core.take_due_end() {
            return Ok(Some(end));
        }
        match self.core.receiving {
            Receiving::Head(_) => self.poll_head(),
            Receiving::Body(_) => self.poll_body(now),
            Receiving::Done | Receiving::Tunnel | Receiving::Closed(_) => Ok(None),
        }
    }

    /// The earliest moment at which [`handle_timeout`](Self::handle_timeout) has something to say.
    pub fn next_timeout(&self) -> Option<Moment> {
        self.timers.next(&self.timeouts)
    }

    /// Makes the exchange in progress the last one; an idle connection closes at once.
    ///
    /// So does one that reads nothing more and has no exchange open: after an error or a late head
    /// for which no answer is to be sent. A response whose head has not left yet will say
    /// `Connection: close`. The first reason given stays.
    pub fn close_after_exchange(&mut self, why: CloseReason) {
        if self.core.is_tunnel() {
            return;
        }
        match self.core.receiving {
            Receiving::Closed(first) if self.exchange.is_none() => self.core.close(first),
            _ if self.is_idle() => self.core.close(why),
            _ => {
                self.core.persistence.close(why);
                return;
            }
        }
        self.timers.stop();
    }

    /// Says that nobody wants the rest of the request body.
    ///
    /// It is swallowed without events, up to
    /// [`Limits::discarded_body_octets`](crate::Limits::discarded_body_octets) of the wire; a
    /// longer one ends the connection once the response is complete. Its [`Event::End`] still
    /// comes, if it comes to that.
    pub fn discard_body(&mut self) {
        let allowance = self.rules.limits.discarded_body_octets;
        let (Some(exchange), Receiving::Body(decoder)) = (&mut self.exchange, &self.core.receiving)
        else {
            return;
        };
        exchange.discard.get_or_insert(allowance);
        // Known to be too long: the head of the response shall say `close`, if it has not left yet.
        if decoder.owed() > allowance {
            self.core.persistence.close(CloseReason::BodyUnwanted);
        }
    }

    /// Takes the octets that came behind the head of a tunnel; empty when there is no tunnel.
    pub fn take_leftover(&mut self) -> Bytes {
        self.core.take_leftover()
    }

    /// Whether no exchange is open and nothing of a next request has come.
    pub fn is_idle(&self) -> bool {
        self.exchange.is_none() && self.blank_lines == 0 && self.core.is_idle()
    }

    /// Whether a request has come whose exchange is not over.
    pub fn in_exchange(&self) -> bool {
        self.exchange.is_some()
    }

    /// Whether the final head for this exchange has left, so that the status is decided.
    pub fn head_sent(&self) -> bool {
        !matches!(self.core.sending, Sending::Head)
    }

    /// Whether a request body is still being received.
    pub fn receiving_body(&self) -> bool {
        self.core.receiving_body()
    }

    /// Whether the client holds its body back until it gets a 100 (Continue).
    pub fn expects_continue(&self) -> bool {
        let awaited = |exchange: &Exchange| exchange.expectation == Expectation::Awaited;
        self.receiving_body() && !self.head_sent() && self.exchange.as_ref().is_some_and(awaited)
    }

    /// Whether any further octet can matter; once it is `false`, the caller can stop reading.
    ///
    /// `false` when nothing more is read, and when a complete request is the connection's last one
    /// and no tunnel can follow it: [`receive`](Self::receive) would drop the octets (RFC 9112
    /// §9.6). It never becomes `true` again. The peer's end is not looked at: whoever has reported
    /// it knows that nothing more comes.
    pub fn wants_input(&self) -> bool {
        self.core.wants_input(self.may_tunnel())
    }

    /// Number of octets received that no event has claimed yet.
    pub fn buffered(&self) -> usize {
        self.core.buffer.len()
    }

    /// Why the connection is finished, once it is: send what is encoded, then close it.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.core.close_reason()
    }

    /// Whether the connection has left HTTP: 101, or 2xx to CONNECT, has been sent.
    pub fn is_tunnel(&self) -> bool {
        self.core.is_tunnel()
    }

    /// Whether octets behind the request may still come to belong to another protocol.
    fn may_tunnel(&self) -> bool {
        !self.head_sent() && self.exchange.as_ref().is_some_and(Exchange::may_tunnel)
    }

    /// Takes the next request head from the buffer, or the end of the connection.
    fn poll_head(&mut self) -> Result<Option<Event>, ProtocolError> {
        if !self.skip_blank_lines()? {
            return self.end_between_messages();
        }
        let Receiving::Head(scanner) = &mut self.core.receiving else {
            return Ok(None);
        };
        let (buffer, limits) = (&mut self.core.buffer, &self.rules.limits);
        let scanned = match scanner.scan(buffer, limits, self.rules.lenient) {
            Ok(Some(scanned)) => scanned,
            Ok(None) => return self.end_between_messages(),
            Err(error) => return Err(self.fail(error)),
        };
        // Its octets share the head's: a handle, no copy.
        let octets = self.rules.keep_rejected.then(|| scanned.octets().clone());
        match scanned.build(self.rules.require_host) {
            Ok(head) => {
                self.open_exchange(&head);
                Ok(Some(Event::Request(head)))
            }
            Err(error) => {
                if let Some(octets) = octets {
                    self.core.buffer.restore(&octets);
                }
                Err(self.fail(error))
            }
        }
    }

    /// Takes blank lines before a request line, within their limit (RFC 9112 §2.2).
    ///
    /// `false` when there is nothing else, or only the CR of what may become another one.
    fn skip_blank_lines(&mut self) -> Result<bool, ProtocolError> {
        let mut skipped = 0;
        while let Some(octets) = self.blank_line(skipped) {
            skipped += octets;
            self.blank_lines += 1;
            if self.blank_lines > self.rules.limits.blank_lines {
                let error = StartLineError::BlankLines(self.rules.limits.blank_lines);
                return Err(self.fail(ProtocolError::remote(error, Section::Head, 0)));
            }
        }
        self.core.buffer.consume(skipped);
        Ok(!matches!(self.core.buffer.octets(), b"" | b"\r"))
    }

    /// Octets of the blank line at this place of the buffer, if there is one.
    pub(super) fn blank_line(&self, at: usize) -> Option<usize> {
        match self.core.buffer.octets()[at..] {
            [b'\r', b'\n', ..] => Some(2),
            [b'\n', ..] if self.rules.lenient => Some(1),
            _ => None,
        }
    }

    /// Judges the end of the client's side when no complete head is in the buffer.
    fn end_between_messages(&mut self) -> Result<Option<Event>, ProtocolError> {
        let Some(end) = self.core.end else {
            return Ok(None);
        };
        if !self.core.buffer.is_empty() {
            let error = self.core.head_incomplete();
            return Err(self.fail(error));
        }
        self.timers.stop();
        self.core.close(end.close_reason());
        Ok(Some(Event::Closed))
    }

    /// Reads nothing more after an error of the client, and hands the error on.
    fn fail(&mut self, error: ProtocolError) -> ProtocolError {
        self.timers.stop();
        if self.rules.keep_rejected {
            let octets = self.core.buffer.take(self.core.buffer.len());
            self.rejected = Some(Box::new(Rejected::new(octets, &error)));
        }
        self.core.fail(error)
    }

    /// Whether the request being answered is the last one that this connection may bring.
    pub(super) fn is_last_request(&self) -> bool {
        let limit = self.rules.max_requests;
        limit.is_some_and(|limit| self.requests >= limit.get())
    }

    /// Opens the exchange of a request whose head has just come.
    fn open_exchange(&mut self, head: &RequestHead) {
        self.requests += 1;
        self.blank_lines = 0;
        self.timers.complete_head();
        let options = head.connection_options();
        if options.close {
            self.core.persistence.close(CloseReason::PeerAsked);
        } else if head.version == Version::HTTP_10 && !options.keep_alive {
            self.core.persistence.close(CloseReason::Http10);
        }
        self.core.begin_body(BodyDecoder::new(head.framing));
        let mut exchange = Exchange::new(head);
        match self.core.receiving_body() {
            false => self.timers.complete_message(),
            true if !self.core.buffer.is_empty() => exchange.see_body(),
            true => {}
        }
        self.exchange = Some(exchange);
    }

    /// Takes the next event of the request body, swallowing what nobody wants.
    fn poll_body(&mut self, now: Moment) -> Result<Option<Event>, ProtocolError> {
        loop {
            self.refuse_long_body(0);
            let before = self.core.buffer.len();
            let event = self.core.poll_body(&self.rules.limits, false);
            let event = event.map_err(|error| self.fail(error));
            let discarding = self
                .exchange
                .as_ref()
                .is_some_and(|exchange| exchange.discard.is_some());
            // Counted where they leave the buffer: chunk lines are work, whether content comes of
            // them or not.
            let swallowed = before.saturating_sub(self.core.buffer.len());
            self.refuse_long_body(swallowed as u64);
            if discarding && matches!(event, Ok(Some(Event::Data(_)))) {
                continue;
            }
            if !self.core.receiving_body() {
                self.timers.complete_message();
            }
            self.settle(now);
            return event;
        }
    }

    /// Counts octets of a body that nobody wants, and reads nothing more of one that has too many
    /// of them.
    fn refuse_long_body(&mut self, swallowed: u64) {
        let (Some(exchange), Receiving::Body(decoder)) = (&mut self.exchange, &self.core.receiving)
        else {
            return;
        };
        let Some(allowance) = exchange.discard else {
            return;
        };
        match allowance.checked_sub(swallowed) {
            Some(rest) if decoder.owed() <= rest => exchange.discard = Some(rest),
            _ => self.core.close_receiving(CloseReason::BodyUnwanted),
        }
    }

    /// Ends the exchange when both halves are done with it, and starts the clocks of what is next.
    pub(super) fn settle(&mut self, now: Moment) {
        // Nobody wants the rest of the body, or the client never sends it; and the connection is
        // not to be kept: there is nothing to wait for.
        let unwanted = |exchange: &Exchange| {
            exchange.discard.is_some() || exchange.expectation == Expectation::Awaited
        };
        if matches!(self.core.sending, Sending::Done)
            && self.core.receiving_body()
            && self.exchange.as_ref().is_some_and(unwanted)
            && let Persistence::Close(why) = self.core.persistence
        {
            self.core.close_receiving(why);
        }
        match self.core.settle() {
            Settled::Open => {}
            Settled::Next => {
                let over = self.exchange.take();
                let keep_alive = over.and_then(|exchange| exchange.keep_alive);
                match self.core.buffer.is_empty() {
                    true => self.timers.become_idle(keep_alive, now),
                    false => self.timers.begin_next(now),
                }
            }
            Settled::Closed => {
                self.exchange = None;
                self.timers.stop();
            }
        }
    }

    /// Leaves HTTP behind.
    pub(super) fn enter_tunnel(&mut self) {
        self.core.enter_tunnel();
        self.timers.stop();
    }

    /// Closes both halves after an error reply.
    pub(super) fn close_refused(&mut self) {
        self.core.close(CloseReason::Refused);
        self.exchange = None;
        self.timers.stop();
    }
}

impl Exchange {
    /// What is to be remembered of a request.
    fn new(head: &RequestHead) -> Self {
        Self {
            version: head.version,
            method: match head.method {
                Method::HEAD => MethodKind::Head,
                Method::CONNECT => MethodKind::Connect,
                _ => MethodKind::Other,
            },
            upgrade: head.upgrade && head.method != Method::CONNECT,
            expectation: match head.expects_continue {
                true => Expectation::Awaited,
                false => Expectation::Absent,
            },
            keep_alive: None,
            discard: None,
        }
    }

    /// Takes note that octets of the body have come.
    fn see_body(&mut self) {
        if self.expectation == Expectation::Awaited {
            self.expectation = Expectation::Overtaken;
        }
    }

    /// Whether octets behind this request may belong to another protocol.
    fn may_tunnel(&self) -> bool {
        self.upgrade || self.method == MethodKind::Connect
    }
}

#[cfg(test)]
mod tests;
