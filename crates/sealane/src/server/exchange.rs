//! One request to one handler and its response back, as steps of a connection's turn.
//!
//! Nothing here waits: each step either moves something or says that nothing could be moved. A
//! handler runs inside the connection's own task, so no channel lies between the two.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use sealane_proto::{InputEnd, Moment, ServerConnection};
use tower_service::Service;

use super::connection::Clock;
use super::misdirection::Misdirection;
use super::options::Rules;
use super::options::questions::Reply;
use crate::body::{Body, Feeder};
use crate::driver::Outbox;
use crate::error::{Error, ErrorKind, Phase};
use crate::handler::BoxError;
use crate::info::ConnectionInfo;
use crate::responder::Speaker;
use crate::transport::ServerStream;
use crate::upgrade::{CountedUpgrade, UpgradeSender, Upgraded};
use crate::wheel::Link;

mod account;
mod answering;
mod errors;
mod leaving;
mod receiving;

use account::Account;
use leaving::Leaving;

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
    rules: Arc<Rules>,
    /// Where responders put what they say; made with the first request.
    speaker: Option<Speaker>,
    link: Arc<Link>,
    /// What observers will hear of the present exchange.
    account: Option<Box<Account>>,
    /// Exchanges whose responses are made, but have not left.
    leaving: Leaving,
    /// Tells for which hosts this connection is the wrong one.
    misdirection: Box<Misdirection>,
    /// An answer broke off after its head: what is finished leaves, then the connection is cut.
    failed: bool,
    /// The connection ends as soon as everything has left.
    closing: bool,
    /// The program was asked about an error of this client.
    asked_of_error: bool,
    /// Requests that have come.
    begun: u64,
    /// Exchanges whose responses are made.
    made: u64,
}

/// Where the answer to the present request stands.
enum Exchange<F, B> {
    /// No request is being answered.
    Idle,
    /// The service is not ready to take this request yet.
    Waiting(Box<Request<Body>>),
    /// The handler works on it.
    Handling(Pin<Box<F>>),
    /// A handler that stands in for the service works on it.
    Asked(Reply),
    /// The response's head has been encoded; its body is being sent.
    Sending(Pin<Box<B>>),
    /// The same for the response of a handler that stands in for the service.
    SendingReply(Pin<Box<Body>>),
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
        clock: &Clock,
    ) -> Self {
        Self {
            http,
            outbox: Outbox::default(),
            exchange: Exchange::Idle,
            service,
            feeder: None,
            upgrade: None,
            info,
            rules: Arc::clone(&clock.server.rules),
            speaker: None,
            link: Arc::clone(&clock.link),
            account: None,
            leaving: Leaving::default(),
            misdirection,
            failed: false,
            closing: false,
            asked_of_error: false,
            begun: 0,
            made: 0,
        }
    }

    /// Whether an answer broke off: nothing more is begun.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// How many requests have come.
    pub(super) fn requests(&self) -> u64 {
        self.begun
    }

    /// The limit on silence that holds for the present exchange in place of the server's, if a
    /// responder has set one; it lasts until the response has left.
    #[expect(clippy::option_option, reason = "no limit set, and a limit of none")]
    pub(super) fn inactivity_limit(&self) -> Option<Option<Duration>> {
        self.speaker.as_ref()?.limit(self.begun.saturating_sub(1))
    }

    /// Whether somebody waits for more of a request's body, and the client may send it.
    ///
    /// Not while it awaits a 100 (Continue), nor while an answer is given for which nobody needs
    /// the body: the answer's own clocks run then.
    pub(super) fn awaits_body(&self) -> bool {
        self.http.receiving_body()
            && !self.http.expects_continue()
            && self.wants_octets()
            && match &self.feeder {
                Some(feeder) => feeder.is_awaited(),
                None => self.is_quiet(),
            }
    }

    /// Whether nothing is being answered.
    pub(super) fn is_quiet(&self) -> bool {
        matches!(self.exchange, Exchange::Idle)
    }

    /// Whether a request awaits its answer's head.
    pub(super) fn awaits_head(&self) -> bool {
        matches!(
            self.exchange,
            Exchange::Waiting(_) | Exchange::Handling(_) | Exchange::Asked(_)
        )
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
        let error = Error::new(ErrorKind::Timeout, Phase::ReceiveBody, what)
            .with_code("ERR_HTTP_REQUEST_TIMEOUT");
        self.client_failed(error, StatusCode::REQUEST_TIMEOUT);
    }

    /// Takes note that the client has ended its side in order.
    pub(super) fn client_ended(&mut self) {
        self.http.handle_end(InputEnd::Orderly);
        if self.rules.questions.allow_half_open || self.is_quiet() {
            return;
        }
        tracing::debug!("a client ended its side while it was answered");
        if self.http.head_sent() {
            self.failed = true;
        } else {
            self.closing = true;
        }
        self.drop_exchange();
    }

    /// Takes note of what has left, though `waiting` sealed octets have not.
    ///
    /// Not only when nothing waits any more: a client that asks without pause and reads slowly
    /// could keep that from ever being so.
    pub(super) fn note_left(&mut self, waiting: usize, now: Moment) {
        if self.leaving.is_empty() {
            return;
        }
        let left = self.leaving.finish(self.outbox.left(waiting));
        if left.is_some() {
            self.http.rest_anew(now);
        }
        if let (Some(left), Some(speaker)) = (left, &self.speaker) {
            speaker.end_before(left);
        }
    }

    /// Gives a connection that has left HTTP to whoever waits for it.
    pub(super) fn hand_over(mut self, stream: ServerStream, counted: CountedUpgrade) {
        if let Some(sender) = self.upgrade {
            // Nobody waits for it: then it closes here, as the docs of `Upgrade` say.
            let ahead = self.http.take_leftover();
            let upgraded = Upgraded::new(Box::new(stream), ahead, self.info, Some(counted));
            let _ = sender.send(upgraded);
        }
    }

    /// Moves the exchange and takes events as far as both go without the socket.
    pub(super) fn advance(&mut self, context: &mut Context<'_>, now: Moment) {
        while self.outbox.has_room() && !self.failed {
            let moved = self.step_exchange(context, now);
            if !self.outbox.has_room() || self.failed {
                return;
            }
            self.send_interims();
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
                    Ok(Poll::Ready(Ok(response))) => self.answer(response, Exchange::Sending, now),
                    Ok(Poll::Ready(Err(error))) => self.handler_failed(&error.into()),
                    Err(Panicked) => self.handler_failed(&"the handler panicked".into()),
                }
                true
            }
            Exchange::Asked(reply) => {
                match guarded(|| reply.as_mut().poll(context)) {
                    Ok(Poll::Pending) => return false,
                    Ok(Poll::Ready(Ok(response))) => {
                        self.answer(response, Exchange::SendingReply, now);
                    }
                    Ok(Poll::Ready(Err(error))) => self.handler_failed(&error),
                    Err(Panicked) => self.handler_failed(&"the handler panicked".into()),
                }
                true
            }
            Exchange::Sending(_) | Exchange::SendingReply(_) => self.send_body(context, now),
        }
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
