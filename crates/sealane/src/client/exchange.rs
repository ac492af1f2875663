//! One request and its response on one connection.
//!
//! Driven by whoever waits for it: the caller's future until the head of the response is there,
//! the reader of the body after that. No task of its own, no channel. Both directions move at the
//! same time, so a response that comes before its request has been sent whole is read, not missed
//! (RFC 9112 §9.5).

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::SizeHint;
use sealane_proto::{
    BodyLength, ClientConnection, Event, Framing, InputEnd, ResponseHead, SendBody,
};
use tokio::time::Instant;

use super::connection::Connection;
use super::hint::{Hint, keep_alive_hint};
use super::information::Information;
use super::lease::Lease;
use super::outgoing::Outgoing;
use super::settings::Terms;
use crate::body::Body;
use crate::driver::{TURN, length_of, let_others_run};
use crate::error::{Error, Phase, Result};
use crate::folding::fold;
use crate::info::{ConnectionInfo, ExchangeTimings, RawFields};
use crate::transport::{Received, TransportError};

mod deadline;
mod expectation;
mod failing;
mod reading;
mod stopping;
mod takeover;
mod upload;

use expectation::Hold;
pub(super) use failing::Failure;
use failing::{lost, unexpected, unusable};
use stopping::Stopping;

/// One request on its connection, until its response is complete.
pub(super) struct Exchange {
    /// The connection and its place; gone once the exchange is over.
    held: Option<(Box<Connection>, Lease)>,
    /// The place of a connection that has failed, for a repetition.
    place: Option<Lease>,
    /// What is still to be sent of the request's body.
    upload: Option<Body>,
    /// The request is not sent whole; an answer may come all the same (RFC 9112 §9.5).
    ceased: bool,
    /// What has kept it from being sent.
    broken: Option<Error>,
    /// When the request began to look for a connection.
    begun: Instant,
    timings: ExchangeTimings,
    terms: Arc<Terms>,
    /// What the body waits for, if it was asked to.
    hold: Option<Hold>,
    stopping: Stopping,
    /// When the response's head is late; set once the request has left.
    head_by: Option<Instant>,
    /// Since when nothing has moved while somebody waited.
    still_since: Option<Instant>,
    progress: Progress,
    /// Sealed octets that were ahead of the request, the handshake's last ones among them.
    ahead_of_it: u64,
    /// An octet of the request has left this process.
    sent: bool,
    /// An octet has come.
    answered: bool,
    /// The peer's side has ended, or the connection was lost.
    died: bool,
    /// The body of the request has failed.
    producer_failed: bool,
    /// The protocol has been told that the peer's side has ended.
    ended: bool,
    /// How long the connection may rest afterwards; `None` when it may not at all.
    rest: Option<Option<Duration>>,
    /// What of the body is known to be still to come.
    length: SizeHint,
    /// Octets that its head has promised.
    promised: Option<u64>,
    /// Octets of the body that have come.
    received: u64,
    /// What came with the head: pieces of the body, and what is wrong behind them.
    ahead: VecDeque<Bytes>,
    wrong: Option<Error>,
}

/// When the caller gets a response that comes before the request is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// At once: reading its body sends the rest of the request, too.
    AtOnce,
    /// When the request has left: nobody can read before.
    AfterUpload,
}

/// How far the response is.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Head,
    Body,
    /// All has come, but the request is still leaving.
    Early(Option<HeaderMap>),
    /// All has come; the trailers may still be to be told.
    Whole(Option<HeaderMap>),
    /// There will be nothing more.
    Over,
}

/// What came next of a response.
enum Step {
    Head(ResponseHead),
    Data(Bytes),
    End,
}

/// Refuses a request that could not be put into words, before anything is opened for it.
///
/// Only what the caller says about framing can be wrong; everything else has been checked.
pub(super) fn check_framing(request: &Outgoing, body: &Body) -> Result<()> {
    if !request.may_contradict() {
        return Ok(());
    }
    let length = length_for(request, body);
    ClientConnection::new(Arc::clone(&request.terms.rules))
        .send_request(&request.head(), length, &mut Vec::new())
        .map(drop)
        .map_err(unusable)
}

/// What the head of a request says of its body's length.
fn length_for(request: &Outgoing, body: &Body) -> BodyLength {
    match length_of(body) {
        // Trailers may be all that it has; only behind chunks is there a place for them.
        BodyLength::Known(0)
            if !http_body::Body::is_end_stream(body)
                && request.may_have_trailers()
                && !request.is_all_head() =>
        {
            BodyLength::Unknown
        }
        length => length,
    }
}

impl Exchange {
    /// Puts a request on a connection; nothing leaves before the first poll.
    pub(super) fn begin(
        mut connection: Box<Connection>,
        lease: Lease,
        request: &Outgoing,
        body: Body,
        begun: Instant,
    ) -> Result<Self> {
        let length = length_for(request, &body);
        let Connection { http, outbox, .. } = &mut *connection;
        http.set_rules(Arc::clone(&request.terms.rules));
        let sends = http
            .send_request(&request.head(), length, outbox.plain())
            .map_err(unusable)?;
        let upload = match (sends, length) {
            (SendBody::No, BodyLength::Known(0)) => {
                http.send_end(None, outbox.plain()).map_err(unusable)?;
                None
            }
            // Also a body that the head has no room for: it must fail, not vanish.
            _ => Some(body),
        };
        let hold = http
            .expects_continue()
            .then(|| Hold::new(request.terms.exchanging.expect_continue));
        let ahead_of_it = connection.stream.sent() + connection.stream.waiting() as u64;
        let timings = ExchangeTimings {
            connected: Some(begun.elapsed()),
            ..ExchangeTimings::default()
        };
        Ok(Self {
            held: Some((connection, lease)),
            place: None,
            upload,
            ceased: false,
            broken: None,
            begun,
            timings,
            terms: Arc::clone(&request.terms),
            hold,
            stopping: Stopping::of(&request.terms),
            head_by: None,
            still_since: None,
            progress: Progress::Head,
            ahead_of_it,
            sent: false,
            answered: false,
            died: false,
            producer_failed: false,
            ended: false,
            rest: Some(None),
            length: SizeHint::default(),
            promised: None,
            received: 0,
            ahead: VecDeque::new(),
            wrong: None,
        })
    }

    /// Waits for the head of the final response.
    pub(super) async fn response(
        mut self,
        reused: bool,
        answer: Answer,
    ) -> Result<Response<Body>, Failure> {
        let step = poll_fn(|context| self.poll_step(context)).await;
        let mut head = match step {
            Ok(Step::Head(head)) => head,
            Ok(_) => return Err(self.failure(unexpected())),
            Err(error) => return Err(self.failure(error)),
        };
        if self.terms.style.join_duplicates {
            fold(&mut head.fields);
        }
        let Some(info) = self.held.as_ref().map(|(held, _)| held.info.clone()) else {
            return Err(self.failure(unexpected()));
        };
        let info = info.with_reuse(reused).with_exchange(self.timings);
        if self.has_switched() {
            return self.hand_over(head, info).await;
        }
        self.gather();
        // Nobody need read what has come whole, so nobody else would send the rest.
        if answer == Answer::AfterUpload || matches!(self.progress, Progress::Early(_)) {
            self.rest_of_upload().await?;
            self.end_early();
        }
        let mut response = response_of(head, info);
        *response.body_mut() = self.into_body();
        Ok(response)
    }

    async fn rest_of_upload(&mut self) -> Result<(), Failure> {
        let outcome = poll_fn(|context| self.poll_rest(context)).await;
        outcome.map_err(|error| self.failure(error))
    }

    /// Moves both directions until the response goes on; gives way after a turn's worth of octets.
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Result<Step>> {
        if let Some(stopped) = self.stopped() {
            return Poll::Ready(Err(stopped));
        }
        let mut budget = TURN;
        loop {
            if let Some(step) = self.next_event().transpose() {
                self.still_since = None;
                return Poll::Ready(step);
            }
            self.poll_upload(context, &mut budget)?;
            if budget == 0 {
                self.still_since = None;
                let_others_run(context);
                return Poll::Pending;
            }
            match self.poll_receive(context, &mut budget)? {
                Poll::Ready(()) => self.still_since = None,
                Poll::Pending => break,
            }
        }
        if budget < TURN {
            self.still_since = None;
        }
        self.poll_end(context).map(Err)
    }

    /// Takes what the connection has understood so far.
    fn next_event(&mut self) -> Result<Option<Step>> {
        loop {
            let Some((connection, _)) = &mut self.held else {
                return Ok(None);
            };
            match connection.http.poll_event() {
                Ok(None) => return Ok(None),
                Ok(Some(Event::Response(head))) => {
                    self.begin_body(&head);
                    return Ok(Some(Step::Head(head)));
                }
                Ok(Some(Event::Data(piece))) => {
                    self.received += piece.len() as u64;
                    return Ok(Some(Step::Data(piece)));
                }
                Ok(Some(Event::End(trailers))) => {
                    self.finish(trailers.map(|trailers| trailers.fields));
                    return Ok(Some(Step::End));
                }
                Ok(Some(Event::Interim(head))) => self.take_interim(head),
                Ok(Some(Event::Request(_) | Event::Closed)) => {}
                Err(error) => {
                    let error = self.misunderstood(error);
                    // There is no way on after it: nothing may wait here for more.
                    self.place = self.held.take().map(|(_, lease)| lease);
                    return Err(error);
                }
            }
        }
    }

    fn begin_body(&mut self, head: &ResponseHead) {
        self.progress = Progress::Body;
        self.rest = match keep_alive_hint(&head.fields) {
            Hint::None => Some(None),
            Hint::Rest(length) => Some(Some(length)),
            Hint::Spent => None,
        };
        let refused = head.status.is_client_error() || head.status.is_server_error();
        let unwanted = self.hold.take().is_some() && !head.status.is_success();
        if (refused || unwanted) && (self.upload.is_some() || self.is_leaving()) {
            // RFC 9112 §9.5: who has refused a request need not be sent the rest of it; nor who was
            // asked before and does not want it (RFC 9110 §10.1.1). Any other answer may come from
            // a server that goes on reading, `Connection: close` or not.
            self.give_up_upload();
        }
        self.promised = match head.framing {
            Framing::Empty => Some(0),
            Framing::Length(octets) => Some(octets),
            Framing::Chunked | Framing::UntilClose => None,
        };
        self.length = self
            .promised
            .map_or_else(SizeHint::default, SizeHint::with_exact);
    }

    /// Tells of an interim response; 100 (Continue) lets the body go.
    fn take_interim(&mut self, head: ResponseHead) {
        if head.status == StatusCode::CONTINUE {
            self.hold = None;
        }
        if let Some(target) = &self.terms.exchanging.on_information {
            target.tell(&Information::new(head));
        }
    }

    /// The response is complete; so is the exchange, if its request has left.
    fn finish(&mut self, trailers: Option<HeaderMap>) {
        let leaving = self.upload.is_some() || self.is_leaving();
        if leaving && !self.ceased {
            self.progress = Progress::Early(trailers);
        } else {
            self.progress = Progress::Whole(trailers);
            self.let_go();
        }
    }

    /// Whether octets of the request wait for the socket.
    fn is_leaving(&self) -> bool {
        self.held.as_ref().is_some_and(|(connection, _)| {
            !connection.outbox.is_empty() || connection.stream.is_blocked()
        })
    }

    /// The request, too, has left, or will not leave any more.
    fn end_early(&mut self) {
        if let Progress::Early(trailers) = &mut self.progress {
            self.progress = Progress::Whole(trailers.take());
            self.let_go();
        }
    }

    /// Gives the connection back, if it can carry another exchange.
    fn let_go(&mut self) {
        let Some((connection, lease)) = self.held.take() else {
            return;
        };
        let quiet = connection.outbox.is_empty() && !connection.stream.is_blocked();
        let whole = self.upload.is_none() && !self.ceased && quiet;
        if let Some(rest) = self.rest
            && whole
            && connection.http.reusable()
        {
            lease.give_back(connection, rest);
        }
    }

    /// Reads once.
    fn poll_receive(&mut self, context: &mut Context<'_>, budget: &mut usize) -> Result<Poll<()>> {
        let Some((connection, lease)) = &mut self.held else {
            return Err(unexpected());
        };
        let Connection { stream, http, .. } = &mut **connection;
        match stream.poll_read(context, &mut |octets| http.receive(octets)) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(Ok(Received::Octets(count))) => {
                if count > 0 && !self.answered {
                    self.answered = true;
                    self.timings.first_octet = Some(self.begun.elapsed());
                }
                *budget = budget.saturating_sub(count.max(LEAST_COST));
            }
            // Told once already, and nothing has come of it.
            Poll::Ready(Ok(Received::CloseNotify | Received::Truncated)) if self.ended => {
                return Err(unexpected());
            }
            Poll::Ready(Ok(Received::CloseNotify)) => self.end(InputEnd::Orderly),
            Poll::Ready(Ok(Received::Truncated)) => self.end(InputEnd::Truncated),
            Poll::Ready(Err(error)) => {
                // An alert, or a record that cannot be read, is no silence.
                self.died = matches!(error, TransportError::Io(_));
                let (phase, what) = match self.progress {
                    Progress::Head => (
                        Phase::ReceiveHead,
                        format!("waiting for the response of {}", lease.key()),
                    ),
                    _ => (
                        Phase::ReceiveBody,
                        format!("after {} of the response's body", self.so_far()),
                    ),
                };
                return Err(lost(phase, &what, error));
            }
        }
        Ok(Poll::Ready(()))
    }

    fn end(&mut self, how: InputEnd) {
        (self.died, self.ended) = (true, true);
        if let Some((connection, _)) = &mut self.held {
            connection.http.handle_end(how);
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("progress", &self.progress)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

/// A response without its body.
fn response_of(head: ResponseHead, info: ConnectionInfo) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = head.status;
    *response.version_mut() = head.version;
    *response.headers_mut() = head.fields;
    let extensions = response.extensions_mut();
    extensions.insert(info);
    extensions.insert(RawFields::new(head.raw));
    response
}

/// What a read counts for in a turn, however little it brought.
const LEAST_COST: usize = 1024;
