//! One request to one handler and its response back, as steps of a connection's turn.
//!
//! Nothing here waits: each step either moves something or says that nothing could be moved. A
//! handler runs inside the connection's own task, so no channel lies between the two.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use sealane_proto::{
    BodyLength, Event, Framing, Moment, ProtocolError, RequestHead, SendBody, ServerConnection,
};
use tower_service::Service;

use super::date;
use super::misdirection::Misdirection;
use crate::body::{Body, Feeder, cell};
use crate::driver::{Outbox, length_of};
use crate::error::{Error, ErrorKind, Phase};
use crate::handler::BoxError;
use crate::info::{ConnectionInfo, RawFields};
use crate::transport::ServerStream;
use crate::upgrade::{UpgradeSender, Upgraded, upgrade};

/// One side of an HTTP conversation: the protocol, the present exchange, and what is to be sent.
///
/// It knows no socket: octets are put into `http` and taken out of `outbox` by its connection.
pub(super) struct Conversation<S, B>
where
    S: Service<Request<Body>>,
{
    pub(super) http: ServerConnection,
    pub(super) outbox: Outbox,
    exchange: Exchange<S::Future, B>,
    service: S,
    /// Fills the body of the present request.
    feeder: Option<Feeder>,
    /// Waits for the connection, if the present request asked to take it over.
    upgrade: Option<UpgradeSender>,
    info: ConnectionInfo,
    /// Tells for which hosts this connection is the wrong one.
    misdirection: Box<Misdirection>,
    /// An answer broke off after its head: what is finished leaves, then the connection is cut.
    failed: bool,
    /// The connection ends as soon as everything has left.
    closing: bool,
    /// A request has come.
    served: bool,
}

/// Where the answer to the present request stands.
enum Exchange<F, B> {
    /// No request is being answered.
    Idle,
    /// The service is not ready to take this request yet.
    Waiting(Box<Request<Body>>),
    /// The handler works on it.
    Handling(Pin<Box<F>>),
    /// The response's head has been encoded; its body is being sent.
    Sending(Pin<Box<B>>),
}

impl<S, B> Conversation<S, B>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(
        http: ServerConnection,
        service: S,
        info: ConnectionInfo,
        misdirection: Box<Misdirection>,
    ) -> Self {
        Self {
            http,
            outbox: Outbox::default(),
            exchange: Exchange::Idle,
            service,
            feeder: None,
            upgrade: None,
            info,
            misdirection,
            failed: false,
            closing: false,
            served: false,
        }
    }

    /// Whether an answer broke off: nothing more is begun.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether a request has come yet.
    pub(super) fn has_served(&self) -> bool {
        self.served
    }

    /// Whether nothing is being answered.
    pub(super) fn is_quiet(&self) -> bool {
        matches!(self.exchange, Exchange::Idle)
    }

    /// Whether a request awaits its answer's head.
    pub(super) fn awaits_head(&self) -> bool {
        matches!(self.exchange, Exchange::Waiting(_) | Exchange::Handling(_))
    }

    /// Whether all is said and the connection ends.
    pub(super) fn is_over(&self) -> bool {
        self.closing || self.http.close_reason().is_some()
    }

    /// Keeps `context` to be woken by whoever reads the present request's body.
    pub(super) fn watch(&self, context: &Context<'_>) {
        if let Some(feeder) = &self.feeder {
            feeder.watch(context);
        }
    }

    /// Not asking for more is all the back-pressure there is.
    ///
    /// While a request is answered, one read's worth of the next one may wait: reading on is how
    /// a lost client is noticed. While answers wait for a slow reader nothing takes octets out of
    /// the protocol's buffer, so nothing more may come in behind one read's worth either.
    pub(super) fn wants_octets(&self) -> bool {
        if self.closing || self.failed {
            return false;
        }
        if !self.http.wants_input() {
            // What comes is dropped; that it ends is how a lost client is noticed.
            return !self.is_quiet();
        }
        if matches!(self.exchange, Exchange::Waiting(_)) {
            return false;
        }
        if !self.outbox.has_room() && self.http.buffered() > 0 {
            return false;
        }
        if self.http.receiving_body() {
            return self.feeder.as_ref().is_none_or(Feeder::has_room);
        }
        !self.http.in_exchange() || self.http.buffered() == 0
    }

    /// Fails the request's body and answers 408, if that can still be said.
    pub(super) fn time_out(&mut self, what: &str) {
        tracing::debug!("{what}");
        self.body_has_room();
        if self.feeder.is_none() && self.http.head_sent() && !self.is_quiet() {
            return; // nobody waits for the rest of this request: its answer goes on, as the last
        }
        if let Some(feeder) = self.feeder.take() {
            let error = Error::new(ErrorKind::Timeout, Phase::ReceiveBody, what);
            feeder.fail(error.with_code("ERR_HTTP_REQUEST_TIMEOUT"));
        }
        self.refuse(StatusCode::REQUEST_TIMEOUT, b"");
    }

    /// Gives a connection that has left HTTP to whoever waits for it.
    pub(super) fn hand_over(mut self, stream: ServerStream) {
        if let Some(sender) = self.upgrade {
            // Nobody waits for it: then it closes here, as the docs of `Upgrade` say.
            let _ = sender.send(Upgraded::new(stream, self.http.take_leftover(), self.info));
        }
    }

    /// Moves the exchange and takes events as far as both go without the socket.
    pub(super) fn advance(&mut self, context: &mut Context<'_>, now: Moment) {
        while self.outbox.has_room() && !self.failed {
            let moved = self.step_exchange(context, now);
            if !self.outbox.has_room() || self.failed {
                return;
            }
            self.send_continue_if_asked();
            if !self.step_events(context, now) && !moved {
                return;
            }
        }
    }

    fn step_exchange(&mut self, context: &mut Context<'_>, now: Moment) -> bool {
        match &mut self.exchange {
            Exchange::Idle => false,
            Exchange::Waiting(_) => match std::mem::replace(&mut self.exchange, Exchange::Idle) {
                Exchange::Waiting(request) => self.start_handler(*request, context),
                _ => false,
            },
            Exchange::Handling(future) => {
                match guarded(|| future.as_mut().poll(context)) {
                    Ok(Poll::Pending) => return false,
                    Ok(Poll::Ready(Ok(response))) => self.answer(response, now),
                    Ok(Poll::Ready(Err(error))) => self.handler_failed(&error.into()),
                    Err(Panicked) => self.handler_failed(&"the handler panicked".into()),
                }
                true
            }
            Exchange::Sending(_) => self.send_body(context, now),
        }
    }

    /// Hands a request to the service, or keeps it until the service is ready.
    fn start_handler(&mut self, request: Request<Body>, context: &mut Context<'_>) -> bool {
        let service = &mut self.service;
        match guarded(|| service.poll_ready(context)) {
            Ok(Poll::Ready(Ok(()))) => {}
            Ok(Poll::Ready(Err(error))) => {
                self.handler_failed(&error.into());
                return true;
            }
            Ok(Poll::Pending) => {
                self.exchange = Exchange::Waiting(Box::new(request));
                return false;
            }
            Err(Panicked) => {
                self.handler_failed(&"the service panicked".into());
                return true;
            }
        }
        match guarded(|| Box::pin(service.call(request))) {
            Ok(future) => self.exchange = Exchange::Handling(future),
            Err(Panicked) => self.handler_failed(&"the handler panicked".into()),
        }
        true
    }

    /// Encodes a response's head and lets its body follow.
    fn answer(&mut self, response: Response<B>, now: Moment) {
        let (parts, body) = response.into_parts();
        let Ok(length) = guarded(|| length_of(&body)) else {
            self.handler_failed(&"the response's body panicked".into());
            return;
        };
        self.settle_request_body();
        let out = self.outbox.plain();
        let before = out.len();
        match self
            .http
            .send_response(parts.status, &parts.headers, length, &date::now(), out)
        {
            Ok(SendBody::Yes) => self.exchange = Exchange::Sending(Box::pin(body)),
            Ok(SendBody::No) => self.end_response(None, now),
            Err(error) => {
                out.truncate(before);
                self.handler_failed(&error.into());
            }
        }
        if !self.http.is_tunnel() {
            // Whoever waits to take the connection over learns that it stays with HTTP.
            self.upgrade = None;
        }
    }

    /// Does for the request's body what can only be done before the response's head is written.
    ///
    /// A body that nobody wants may make this the connection's last exchange, which the head must
    /// say. One that somebody still reads, perhaps the response itself, needs its 100 now: after
    /// the final head there is no way to send it, and both sides would wait for each other.
    fn settle_request_body(&mut self) {
        self.body_has_room();
        if self.feeder.is_some() && self.http.expects_continue() {
            // It is only expected while it may still be sent.
            let _ = self.http.send_continue(self.outbox.plain());
        }
    }

    /// Moves pieces of the response's body into the outbox.
    fn send_body(&mut self, context: &mut Context<'_>, now: Moment) -> bool {
        let mut moved = false;
        for _ in 0..MOST_FRAMES {
            if !self.outbox.has_room() {
                return moved;
            }
            let Exchange::Sending(body) = &mut self.exchange else {
                return moved;
            };
            let frame = match guarded(|| body.as_mut().poll_frame(context)) {
                Ok(Poll::Pending) => return moved,
                Ok(Poll::Ready(Some(Ok(frame)))) => frame,
                Ok(Poll::Ready(None)) => {
                    self.end_response(None, now);
                    return true;
                }
                Ok(Poll::Ready(Some(Err(error)))) => {
                    self.body_failed(&error.into());
                    return true;
                }
                Err(Panicked) => {
                    self.body_failed(&"the response's body panicked".into());
                    return true;
                }
            };
            moved = true;
            self.send_frame(frame, now);
        }
        // Frames without octets fill no outbox: the others get their turn all the same.
        context.waker().wake_by_ref();
        false
    }

    fn send_frame(&mut self, frame: Frame<B::Data>, now: Moment) {
        let frame = frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
        match frame.into_data() {
            Ok(data) if data.is_empty() => {}
            Ok(data) => self.send_piece(data),
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    self.end_response(Some(&trailers), now);
                }
            }
        }
    }

    fn send_piece(&mut self, piece: Bytes) {
        match self.http.send_data(piece.len(), self.outbox.plain()) {
            Ok(behind) => self.outbox.push(piece, behind),
            Err(error) => self.body_failed(&error.into()),
        }
    }

    fn end_response(&mut self, trailers: Option<&HeaderMap>, now: Moment) {
        self.exchange = Exchange::Idle;
        let out = self.outbox.plain();
        let before = out.len();
        let Err(error) = self.http.send_end(trailers, out, now) else {
            return;
        };
        out.truncate(before);
        // Only a chunked body can carry trailers (RFC 9112 §7.1.2); the content is whole without.
        match trailers.map(|_| self.http.send_end(None, out, now)) {
            Some(Ok(())) => tracing::warn!(%error, "a response's trailers were not sent"),
            _ => self.body_failed(&error.into()),
        }
    }

    /// Answers 500: the head of the response has not left.
    fn handler_failed(&mut self, error: &BoxError) {
        tracing::error!(%error, "a handler failed; its request is answered 500");
        self.refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            b"Internal Server Error\n",
        );
    }

    /// Ends the connection without the end of the body, so that the client sees it cut short.
    fn body_failed(&mut self, error: &BoxError) {
        tracing::error!(%error, "a response's body failed; its connection is cut");
        self.exchange = Exchange::Idle;
        self.failed = true;
    }

    /// Answers with an error of our own and ends the connection after it, or cuts the connection
    /// when an answer has begun already.
    fn refuse(&mut self, status: StatusCode, text: &[u8]) {
        let answering = !matches!(self.exchange, Exchange::Idle);
        self.exchange = Exchange::Idle;
        self.upgrade = None;
        let refused = !self.http.head_sent()
            && self
                .http
                .refuse(status, text, &date::now(), self.outbox.plain());
        if !refused && !answering {
            self.closing = true;
        } else if !refused {
            self.failed = true;
        }
    }

    fn send_continue_if_asked(&mut self) {
        let asked = || self.feeder.as_ref().is_some_and(Feeder::is_asked);
        if self.http.expects_continue() && !self.http.head_sent() && asked() {
            // It is only expected while it may still be sent.
            let _ = self.http.send_continue(self.outbox.plain());
        }
    }

    /// Takes one event of the peer; false when there is none or nobody to take it.
    fn step_events(&mut self, context: &mut Context<'_>, now: Moment) -> bool {
        if matches!(self.exchange, Exchange::Waiting(_)) || !self.body_has_room() {
            return false;
        }
        match self.http.poll_event(now) {
            Ok(None) => return false,
            Ok(Some(Event::Request(head))) => self.begin(head, context, now),
            Ok(Some(Event::Data(octets))) => {
                if let Some(feeder) = &self.feeder {
                    feeder.push(octets);
                }
            }
            Ok(Some(Event::End(trailers))) => {
                if let Some(feeder) = self.feeder.take() {
                    feeder.finish(trailers.map(|trailers| trailers.fields));
                }
            }
            Ok(Some(Event::Closed | Event::Interim(_) | Event::Response(_))) => {}
            Err(error) => self.request_broke(error),
        }
        true
    }

    /// Whether the request's body can take more; a body that nobody wants can.
    fn body_has_room(&mut self) -> bool {
        match &self.feeder {
            Some(feeder) if feeder.is_abandoned() => {
                self.feeder = None;
                self.http.discard_body();
                true
            }
            Some(feeder) => feeder.has_room(),
            None => true,
        }
    }

    /// Hands a request to the service.
    fn begin(&mut self, head: RequestHead, context: &mut Context<'_>, now: Moment) {
        self.served = true;
        if head.has_unknown_expectation() {
            // Nobody here knows it (RFC 9110 §10.1.1).
            self.decline(StatusCode::EXPECTATION_FAILED, now);
            return;
        }
        if self.misdirection.concerns(&head.uri, &head.fields) {
            tracing::debug!("a request is for a host that asks other things of clients");
            self.decline(StatusCode::MISDIRECTED_REQUEST, now);
            return;
        }
        let body = match head.framing {
            Framing::Empty | Framing::Length(0) => Body::empty(),
            Framing::Length(octets) => self.feed(SizeHint::with_exact(octets), context),
            Framing::Chunked | Framing::UntilClose => self.feed(SizeHint::default(), context),
        };
        let mut request = Request::new(body);
        *request.method_mut() = head.method;
        *request.uri_mut() = head.uri;
        *request.version_mut() = head.version;
        *request.headers_mut() = head.fields;
        let extensions = request.extensions_mut();
        extensions.insert(self.info.clone());
        extensions.insert(RawFields::new(head.raw));
        if head.upgrade {
            let (sender, slot) = upgrade();
            extensions.insert(slot);
            self.upgrade = Some(sender);
        }
        self.start_handler(request, context);
    }

    /// Answers a request that no handler sees with a status and nothing else.
    fn decline(&mut self, status: StatusCode, now: Moment) {
        let none = HeaderMap::new();
        // Before the head, which must say so if the body is too long to be read for nothing.
        self.http.discard_body();
        let out = self.outbox.plain();
        match self
            .http
            .send_response(status, &none, BodyLength::Known(0), &date::now(), out)
        {
            Ok(_) => self.end_response(None, now),
            Err(error) => self.body_failed(&error.into()),
        }
    }

    fn feed(&mut self, length: SizeHint, context: &Context<'_>) -> Body {
        let (feeder, reader) = cell(length);
        // The handler may read in a task of its own, before this turn is over.
        feeder.watch(context);
        self.feeder = Some(feeder);
        Body::from_reader(reader)
    }

    /// The request broke the rules: its body fails, and it is refused if that can still be said.
    fn request_broke(&mut self, error: ProtocolError) {
        tracing::debug!(%error, "a request broke the rules");
        let status = error.status().unwrap_or(StatusCode::BAD_REQUEST);
        if let Some(feeder) = self.feeder.take() {
            feeder.fail(Error::protocol(Phase::ReceiveBody, error));
        }
        self.refuse(status, b"");
    }
}

/// User code panicked.
struct Panicked;

/// Keeps a panic of user code inside its exchange.
///
/// What the panic may have left half-done is dropped with the future or body it happened in.
fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| Panicked)
}

/// Frames of a body taken in one go; small ones fill the outbox long before.
const MOST_FRAMES: usize = 16 * 1024;
