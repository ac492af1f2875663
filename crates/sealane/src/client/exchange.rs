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
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Response};
use http_body::SizeHint;
use sealane_proto::{
    BodyLength, ClientConnection, Event, Framing, InputEnd, ProtocolError, ResponseHead, SendBody,
};
use tokio::time::Instant;

use super::connection::Connection;
use super::hint::{Hint, keep_alive_hint};
use super::lease::Lease;
use super::outgoing::Outgoing;
use super::settings::times::Timeouts;
use crate::body::Body;
use crate::driver::{TURN, length_of, let_others_run};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::info::RawFields;
use crate::transport::{Received, TransportError};

mod deadline;
mod reading;
mod upload;

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
    limits: Timeouts,
    /// When the response's head is late; set once the request has left.
    head_by: Option<Instant>,
    /// Since when nothing has moved while somebody waited.
    still_since: Option<Instant>,
    progress: Progress,
    /// An octet of the request may have left.
    sent: bool,
    /// An octet has come.
    answered: bool,
    /// The peer's side has ended, or the connection was lost.
    died: bool,
    /// The protocol has been told that the peer's side has ended.
    ended: bool,
    /// How long the connection may rest afterwards; `None` when it may not at all.
    rest: Option<Option<Duration>>,
    /// What of the body is known to be still to come.
    length: SizeHint,
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

/// What is known of an exchange that failed before its head came.
pub(super) struct Failure {
    pub(super) error: Error,
    /// The place of the connection, which is gone.
    pub(super) place: Option<Lease>,
    pub(super) sent: bool,
    pub(super) answered: bool,
    pub(super) died: bool,
}

/// Refuses a request that could not be put into words, before anything is opened for it.
///
/// Only what the caller says about framing can be wrong; everything else has been checked.
pub(super) fn check_framing(request: &Outgoing, body: &Body) -> Result<()> {
    let fields = &request.fields;
    let says = fields.contains_key(CONTENT_LENGTH) || fields.contains_key(TRANSFER_ENCODING);
    if !says && request.method != Method::TRACE {
        return Ok(());
    }
    let length = length_of(body);
    ClientConnection::new(Arc::clone(&request.terms.rules))
        .send_request(&request.head(), length, &mut Vec::new())
        .map(drop)
        .map_err(unusable)
}

impl Exchange {
    /// Puts a request on a connection; nothing leaves before the first poll.
    pub(super) fn begin(
        mut connection: Box<Connection>,
        lease: Lease,
        request: &Outgoing,
        body: Body,
    ) -> Result<Self> {
        let length = length_of(&body);
        let Connection { http, outbox, .. } = &mut *connection;
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
        Ok(Self {
            held: Some((connection, lease)),
            place: None,
            upload,
            ceased: false,
            broken: None,
            limits: request.terms.timeouts,
            head_by: None,
            still_since: None,
            progress: Progress::Head,
            sent: false,
            answered: false,
            died: false,
            ended: false,
            rest: Some(None),
            length: SizeHint::default(),
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
        let head = match step {
            Ok(Step::Head(head)) => head,
            Ok(_) => return Err(self.failure(unexpected())),
            Err(error) => return Err(self.failure(error)),
        };
        let Some(info) = self.held.as_ref().map(|(held, _)| held.info.clone()) else {
            return Err(self.failure(unexpected()));
        };
        self.gather();
        // Nobody need read what has come whole, so nobody else would send the rest.
        if answer == Answer::AfterUpload || matches!(self.progress, Progress::Early(_)) {
            self.rest_of_upload().await?;
            self.end_early();
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = head.status;
        *response.version_mut() = head.version;
        *response.headers_mut() = head.fields;
        let extensions = response.extensions_mut();
        extensions.insert(info.with_reuse(reused));
        extensions.insert(RawFields::new(head.raw));
        *response.body_mut() = self.into_body();
        Ok(response)
    }

    async fn rest_of_upload(&mut self) -> Result<(), Failure> {
        let outcome = poll_fn(|context| self.poll_rest(context)).await;
        outcome.map_err(|error| self.failure(error))
    }

    fn failure(&mut self, error: Error) -> Failure {
        // A write that failed explains a silent end, but not what the peer has said about it.
        let error = match error.kind() {
            ErrorKind::Io | ErrorKind::Closed => self.broken.take().unwrap_or(error),
            _ => error,
        };
        let held = self.held.take().map(|(_, lease)| lease);
        Failure {
            error: if self.sent { error } else { error.unsent() },
            place: held.or(self.place.take()),
            sent: self.sent,
            answered: self.answered,
            died: self.died,
        }
    }

    /// Moves both directions until the response goes on; gives way after a turn's worth of octets.
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Result<Step>> {
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
        self.poll_alarm(context).map(Err)
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
                Ok(Some(Event::Interim(_) | Event::Request(_) | Event::Closed)) => {}
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
        if refused && (self.upload.is_some() || self.is_leaving()) {
            // RFC 9112 §9.5: who has refused a request need not be sent the rest of it. Any other
            // answer may come from a server that goes on reading, `Connection: close` or not.
            self.give_up_upload();
        }
        self.length = match head.framing {
            Framing::Empty => SizeHint::with_exact(0),
            Framing::Length(octets) => SizeHint::with_exact(octets),
            Framing::Chunked | Framing::UntilClose => SizeHint::default(),
        };
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
                self.answered |= count > 0;
                *budget = budget.saturating_sub(count.max(LEAST_COST));
            }
            // Told once already, and nothing has come of it.
            Poll::Ready(Ok(Received::CloseNotify | Received::Truncated)) if self.ended => {
                return Err(unexpected());
            }
            Poll::Ready(Ok(Received::CloseNotify)) => self.end(InputEnd::Orderly),
            Poll::Ready(Ok(Received::Truncated)) => self.end(InputEnd::Truncated),
            Poll::Ready(Err(error)) => {
                self.died = true;
                let (phase, what) = match self.progress {
                    Progress::Head => (
                        Phase::ReceiveHead,
                        format!("waiting for the response of {}", lease.key()),
                    ),
                    _ => (
                        Phase::ReceiveBody,
                        format!("after {} octets of the response's body", self.received),
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

    /// The response broke the rules, or broke off.
    fn misunderstood(&mut self, error: ProtocolError) -> Error {
        let phase = match self.progress {
            Progress::Head => Phase::ReceiveHead,
            _ => Phase::ReceiveBody,
        };
        if !matches!(error.kind(), sealane_proto::ErrorKind::Incomplete(_)) {
            return Error::protocol(phase, error);
        }
        let kind = match (phase, self.answered) {
            (Phase::ReceiveBody, _) => ErrorKind::Body,
            (_, true) => ErrorKind::Protocol,
            (_, false) => ErrorKind::Closed,
        };
        let text = match &self.held {
            Some((_, lease)) => format!("the response of {} was cut short: {error}", lease.key()),
            None => error.to_string(),
        };
        Error::new(kind, phase, text)
            .with_code("ECONNRESET")
            .with_source(error)
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

/// A request that cannot be put into words: its framing fields contradict its body, and such.
fn unusable(error: ProtocolError) -> Error {
    Error::new(ErrorKind::Options, Phase::SendHead, error.to_string())
        .with_code(error.code())
        .with_source(error)
}

fn lost(phase: Phase, what: &str, error: TransportError) -> Error {
    match error {
        TransportError::Io(error) => Error::io(phase, what, error),
        TransportError::Tls(error) => Error::new(ErrorKind::Tls, phase, format!("{what}: {error}"))
            .with_code(error.code())
            .with_source(error),
        TransportError::PlainHttp => Error::from(sealane_tls::HandshakeError::plain_http()),
    }
}

fn unexpected() -> Error {
    let text = "the exchange was over before its response";
    Error::new(ErrorKind::Closed, Phase::ReceiveHead, text)
}

/// What a read counts for in a turn, however little it brought.
const LEAST_COST: usize = 1024;
