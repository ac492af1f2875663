//! One request and its response on one connection.
//!
//! Driven by whoever waits for it: the caller's future until the head of the response is there,
//! the reader of the body after that. No task of its own, no channel. Both directions move at the
//! same time, so a response that comes before its request has been sent whole is read, not missed
//! (RFC 9112 §9.5).

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::SizeHint;
use sealane_proto::{Event, Framing, InputEnd, ProtocolError, ResponseHead, SendBody};
use tokio::time::Instant;

use super::connection::Connection;
use super::hint::{Hint, keep_alive_hint};
use super::lease::Lease;
use super::options::Timeouts;
use super::outgoing::Outgoing;
use crate::body::Body;
use crate::driver::{TURN, length_of, let_others_run};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::info::RawFields;
use crate::transport::{Received, TransportError};

mod reading;
mod upload;

/// One request on its connection, until its response is complete.
pub(super) struct Exchange {
    /// The connection and its place; gone once the exchange is over.
    held: Option<(Box<Connection>, Lease)>,
    /// What is still to be sent of the request's body.
    upload: Option<Body>,
    /// The request could not be sent whole; an answer may come all the same (RFC 9112 §9.5).
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
    pub(super) sent: bool,
    pub(super) answered: bool,
    pub(super) died: bool,
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
        let (method, fields) = (&request.method, &request.fields);
        let sends = http
            .send_request(method, &request.path, fields, length, outbox.plain())
            .map_err(unusable)?;
        let upload = match sends {
            SendBody::Yes => Some(body),
            SendBody::No => {
                http.send_end(None, outbox.plain()).map_err(unusable)?;
                None
            }
        };
        Ok(Self {
            held: Some((connection, lease)),
            upload,
            broken: None,
            limits: request.timeouts,
            head_by: None,
            still_since: None,
            progress: Progress::Head,
            sent: false,
            answered: false,
            died: false,
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
        if answer == Answer::AfterUpload
            && let Err(error) = poll_fn(|context| self.poll_rest(context)).await
        {
            return Err(self.failure(error));
        }
        Ok(self.into_response(head, reused))
    }

    fn failure(&mut self, error: Error) -> Failure {
        let error = self.broken.take().unwrap_or(error);
        Failure {
            error: if self.sent { error } else { error.unsent() },
            sent: self.sent,
            answered: self.answered,
            died: self.died,
        }
    }

    /// Makes the caller's response; what has already come of a small body comes with it, so that
    /// the connection is free at once.
    fn into_response(self, head: ResponseHead, reused: bool) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = head.status;
        *response.version_mut() = head.version;
        *response.headers_mut() = head.fields;
        if let Some((connection, _)) = &self.held {
            let info = connection.info.clone().with_reuse(reused);
            response.extensions_mut().insert(info);
        }
        response.extensions_mut().insert(RawFields::new(head.raw));
        *response.body_mut() = self.into_body();
        response
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
        self.poll_alarm(context)
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
                    self.held = None;
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
        self.length = match head.framing {
            Framing::Empty => SizeHint::with_exact(0),
            Framing::Length(octets) => SizeHint::with_exact(octets),
            Framing::Chunked | Framing::UntilClose => SizeHint::default(),
        };
    }

    /// The response is complete: lets go of the connection.
    ///
    /// It can be used again only if the request, too, has left whole; an upload that goes on after
    /// its answer would otherwise end up in front of the next request.
    fn finish(&mut self, trailers: Option<HeaderMap>) {
        self.progress = Progress::Whole(trailers);
        let Some((connection, lease)) = self.held.take() else {
            return;
        };
        let whole = self.upload.is_none() && self.broken.is_none();
        let quiet = connection.outbox.is_empty() && !connection.stream.is_blocked();
        self.upload = None;
        if let Some(rest) = self.rest
            && whole
            && quiet
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
            Poll::Ready(Ok(Received::CloseNotify)) => self.ended(InputEnd::Orderly),
            Poll::Ready(Ok(Received::Truncated)) => self.ended(InputEnd::Truncated),
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

    fn ended(&mut self, how: InputEnd) {
        self.died = true;
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

    /// Fails the exchange when one of its deadlines has passed while nothing moved.
    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<Result<Step>> {
        let Some((connection, lease)) = &mut self.held else {
            return Poll::Ready(Err(unexpected()));
        };
        let still_since = self.still_since;
        let idle_by = self.limits.idle.and_then(|limit| {
            let since = still_since.unwrap_or_else(Instant::now);
            self.still_since = Some(since);
            since.checked_add(limit)
        });
        let head_by = self.head_by.filter(|_| self.progress == Progress::Head);
        let Some(deadline) = [idle_by, head_by].into_iter().flatten().min() else {
            return Poll::Pending;
        };
        if connection.alarm.poll(context, deadline).is_pending() {
            return Poll::Pending;
        }
        let key = lease.key();
        let (phase, text) = match self.progress {
            Progress::Head if Some(deadline) == head_by => (
                Phase::ReceiveHead,
                format!(
                    "{key} sent no response within {:?}",
                    self.limits.head.unwrap_or_default()
                ),
            ),
            Progress::Head => (
                Phase::ReceiveHead,
                format!(
                    "nothing moved on the connection to {key} for {:?}",
                    self.limits.idle.unwrap_or_default()
                ),
            ),
            _ => (
                Phase::ReceiveBody,
                format!(
                    "nothing came for {:?} after {} octets of the response's body",
                    self.limits.idle.unwrap_or_default(),
                    self.received
                ),
            ),
        };
        let error = Error::new(ErrorKind::Timeout, phase, text).with_code("ETIMEDOUT");
        Poll::Ready(Err(error))
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
