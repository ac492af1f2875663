//! The life of one connection: handshake, turns, and an end that loses no answer.
//!
//! One task, one loop: read, let the protocol and the handler act, write. Each turn moves a bounded
//! number of octets, then the others run. Deadlines come from the server's wheel.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use sealane_proto::{CloseReason, InputEnd, Moment, ServerConnection};
use tower_service::Service;

use super::Facts;
use super::admission;
use super::exchange::Conversation;
use super::handshake::{self, Opened, Patience};
use super::shutdown::Registered;
use crate::body::Body;
use crate::driver::{TURN, let_others_run};
use crate::event::{Closed, Event};
use crate::handler::BoxError;
use crate::info::Accepted;
use crate::transport::{Received, ServerStream, Socket, TransportError};
use crate::wheel::{Link, Order, Orders};

mod clocks;
mod parting;

use clocks::Clocks;
use parting::{MOST_SWALLOWED, PARTING_AT_REST, saying};
pub(super) use parting::{PARTING, part};

/// What the task of a connection starts from.
pub(super) struct Start {
    pub(super) socket: Socket,
    pub(super) link: Arc<Link>,
    pub(super) accepted: Accepted,
    pub(super) registered: Registered,
    pub(super) server: Facts,
}

/// A connection whose handshake is done.
struct Connection<S, B>
where
    S: Service<Request<Body>>,
{
    conversation: Conversation<S, B>,
    stream: Box<ServerStream>,
    clocks: Clocks,
    /// When its handshake was done.
    opened: Moment,
    /// The server closes: the exchange that runs, or a first one that is near, is the last.
    draining: bool,
    /// The protocol has been told that the peer's side has ended.
    peer_ended: bool,
    /// Octets read though the protocol had no use for them any more.
    ignored: usize,
    /// Orders that wait until the runtime has looked at the socket.
    postponed: Option<Orders>,
}

/// How the turns of a connection end.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// All is said: close_notify, then wait for the peer to stop sending.
    Close,
    /// The connection rested: close_notify, and hardly anything to wait for.
    Rested,
    /// An answer broke off: no close_notify, so that it looks as cut short as it is.
    CutShort,
    /// The connection belongs to another protocol now.
    Tunnel,
    /// The connection is gone, or was ordered away: not another octet.
    Cut,
    /// The client takes nothing: it is reset, so that the system keeps nothing for it either.
    Stalled,
}

/// Serves one connection to its end.
pub(super) async fn run<S, B>(start: Start, service: S)
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    let Start {
        socket,
        link,
        accepted,
        registered,
        server,
    } = start;
    let mut clock = Clock {
        link,
        accepted,
        registered,
        server,
    };
    clock.server.rules.sockets.apply(&socket);
    let began = clock.now();
    let mut patience = Patience::new(&clock);
    let Some(socket) = admission::enter(socket, &mut clock, &mut patience).await else {
        return;
    };
    let observers = &clock.server.rules.observers;
    observers.tell(Event::Connection(&clock.accepted));
    let requests = match handshake::run(socket, &clock, patience).await {
        Some(opened) => serve(opened, service, &clock).await,
        None => 0,
    };
    observers.tell(Event::Close(&Closed {
        accepted: &clock.accepted,
        requests,
        duration: Duration::from_millis(clock.now().0.saturating_sub(began.0)),
    }));
}

/// The link and the wheel: what makes a connection wake up in time; and which one it is.
pub(super) struct Clock {
    pub(super) link: Arc<Link>,
    pub(super) accepted: Accepted,
    pub(super) registered: Registered,
    pub(super) server: Facts,
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.link.retire();
    }
}

impl Clock {
    pub(super) fn now(&self) -> Moment {
        self.server.wheel.now()
    }

    pub(super) fn arm(&self, deadline: Option<Moment>) {
        self.server.wheel.arm(&self.link, deadline);
    }
}

/// Serves a connection whose client may ask; tells how many requests have come.
async fn serve<S, B>(opened: Opened, service: S, clock: &Clock) -> u64
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    let Opened {
        stream,
        early,
        info,
        misdirection,
    } = opened;
    let now = clock.now();
    let live = clock.server.rules.live.now();
    let (rules, timeouts) = (Arc::clone(&live.http), Arc::clone(&live.timeouts));
    let mut http = ServerConnection::new(rules, timeouts, now);
    http.receive(&early, now);
    drop(early);
    let mut connection = Connection {
        conversation: Conversation::new(http, service, info, misdirection, clock),
        stream,
        clocks: Clocks::new(live, now),
        opened: now,
        draining: false,
        peer_ended: false,
        ignored: 0,
        postponed: None,
    };
    let ending = std::future::poll_fn(|context| connection.poll_turn(context, clock)).await;
    let requests = connection.conversation.requests();
    if let Some((mut stream, patience)) = connection.wind_up(ending, clock) {
        part(&mut *stream, clock, patience).await;
    }
    requests
}

impl<S, B> Connection<S, B>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    /// One turn: moves what can be moved within the budget; ready when the connection ends.
    fn poll_turn(&mut self, context: &mut Context<'_>, clock: &Clock) -> Poll<Ending> {
        clock.link.register(context);
        let now = clock.now();
        let mut budget = TURN;
        self.conversation.watch(context);
        self.look_at_limits(clock);
        let postponed = self.postponed.take();
        let orders = clock.link.take_orders().and(postponed.unwrap_or_default());
        if orders.has(Order::Abort) {
            return Poll::Ready(Ending::Cut);
        }
        if postponed.is_some() || orders != Orders::default() || self.is_due(now) {
            // What came or was taken in time counts, however late it is looked at.
            if let Poll::Ready(Err(ending)) = self.poll_receive(context, now, &mut budget) {
                return Poll::Ready(ending);
            }
            if let Poll::Ready(Err(ending)) = self.poll_send(context, now, &mut budget) {
                return Poll::Ready(ending);
            }
            self.draining |= orders.has(Order::Drain);
            self.make_last(false);
            self.conversation.advance(context, now);
            if let Some(ending) = self
                .obey(orders, now, context)
                .or_else(|| self.check_deadlines(clock, now))
            {
                return Poll::Ready(ending);
            }
        }
        loop {
            self.make_last(self.has_served() && self.postponed.is_none());
            self.conversation.advance(context, now);
            if self.conversation.has_failed() {
                self.clocks.cut_soon(now);
            }
            let held_back = !self.conversation.outbox.has_room();
            let sent = match self.poll_send(context, now, &mut budget) {
                Poll::Ready(Err(ending)) => return Poll::Ready(ending),
                Poll::Ready(Ok(all)) => all,
                Poll::Pending => false,
            };
            if let Some(ending) = self.ending(sent) {
                return Poll::Ready(ending);
            }
            if budget == 0 {
                let_others_run(context);
                break;
            }
            if sent && held_back {
                continue;
            }
            match self.poll_receive(context, now, &mut budget) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(ending)) => return Poll::Ready(ending),
                Poll::Pending => break,
            }
        }
        self.set_clocks(now);
        clock.arm(self.deadline());
        Poll::Pending
    }

    /// Sends what waits; ready with true when all has left.
    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        now: Moment,
        budget: &mut usize,
    ) -> Poll<Result<bool, Ending>> {
        let outbox = &mut self.conversation.outbox;
        let sent = outbox.poll_send(&mut self.stream, context, budget);
        self.note_sending(sent.is_pending(), now);
        self.conversation.note_left(self.stream.waiting(), now);
        sent.map_err(|error| lost(&error))
    }

    /// Until when a connection that has carried nothing yet is kept though the server closes.
    ///
    /// Its client may have sent a request the moment its own side of the handshake was done, and
    /// could not know whether that may be repeated.
    fn first_by(&self) -> Option<Moment> {
        let unused = !self.has_served() && self.conversation.http.is_idle();
        (self.draining && unused).then(|| self.opened.after(FIRST_REQUEST))
    }

    fn has_served(&self) -> bool {
        self.conversation.requests() > 0
    }

    /// Ends all that ran for this connection; gives the stream back if a goodbye is still due, and
    /// how long the peer may take for its own.
    fn wind_up(mut self, ending: Ending, clock: &Clock) -> Option<(Box<ServerStream>, Duration)> {
        match ending {
            Ending::Close => Some((self.stream, PARTING)),
            Ending::Rested => Some((self.stream, PARTING_AT_REST)),
            Ending::CutShort => {
                self.stream.cut_short();
                Some((self.stream, PARTING))
            }
            Ending::Tunnel => {
                let counted = clock.registered.upgraded();
                self.conversation.hand_over(*self.stream, counted);
                None
            }
            Ending::Cut => None,
            Ending::Stalled => {
                self.stream.reset_when_dropped();
                None
            }
        }
    }

    /// Makes the exchange that runs the last one if the server closes, and its answer says so; with
    /// `served`, a connection that has none to answer any more ends.
    fn make_last(&mut self, served: bool) {
        if self.draining && (served || !self.conversation.http.is_idle()) {
            let http = &mut self.conversation.http;
            http.close_after_exchange(CloseReason::Shutdown);
        }
    }

    /// Does what the server's handle has ordered since the last turn.
    ///
    /// A request that the system holds already is answered, though the runtime has not looked at
    /// the socket since it came: its client could not know that nobody has read it.
    fn obey(&mut self, orders: Orders, now: Moment, context: &mut Context<'_>) -> Option<Ending> {
        let served = self.has_served();
        let asked = self.draining || served && orders.has(Order::CloseIfIdle);
        let rests = self.conversation.http.is_idle() && self.is_quiet();
        let near = self.first_by().is_some_and(|first_by| now < first_by);
        if !rests || !asked || near {
            return None;
        }
        if self.peer_ended || self.stream.is_silent() {
            return Some(Ending::Rested);
        }
        self.postponed = Some(orders);
        let_others_run(context);
        None
    }

    /// Whether nothing is being answered and nothing waits to be sent.
    fn is_quiet(&self) -> bool {
        self.conversation.is_quiet() && !self.has_unsent()
    }

    /// Whether something waits to be sent.
    fn has_unsent(&self) -> bool {
        !self.conversation.outbox.is_empty() || self.stream.is_blocked()
    }

    /// Whether all is said, once everything has left.
    fn ending(&self, all_sent: bool) -> Option<Ending> {
        if !all_sent || !self.conversation.is_quiet() {
            return None;
        }
        if self.conversation.has_failed() {
            return Some(Ending::CutShort);
        }
        if self.conversation.http.is_tunnel() {
            return Some(Ending::Tunnel);
        }
        self.conversation.is_over().then_some(Ending::Close)
    }

    /// Reads once, if octets are wanted.
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        now: Moment,
        budget: &mut usize,
    ) -> Poll<Result<(), Ending>> {
        let used = self.conversation.http.wants_input();
        let enough = self.peer_ended || self.ignored > MOST_SWALLOWED;
        if enough || !self.conversation.wants_octets() {
            return Poll::Pending;
        }
        let rests = self.conversation.http.is_idle();
        let http = &mut self.conversation.http;
        let mut sink = |octets: &[u8]| http.receive(octets, now);
        let before = self.stream.received();
        Poll::Ready(match self.stream.poll_read(context, &mut sink) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(Received::Octets(count))) => {
                // Records without content cost their turn, too.
                *budget = budget.saturating_sub(count.max(LEAST_COST));
                let received = self.stream.received() - before;
                self.clocks.note_received(received, rests, now);
                self.ignored += if used { 0 } else { count.max(LEAST_COST) };
                Ok(())
            }
            Poll::Ready(Ok(Received::CloseNotify)) => {
                self.peer_ended = true;
                self.conversation.client_ended();
                Ok(())
            }
            Poll::Ready(Ok(Received::Truncated)) => {
                self.peer_ended = true;
                // A client that awaits an answer and ends like this is gone (RFC 8446 §6.1).
                if self.conversation.awaits_head() {
                    return Poll::Ready(Err(Ending::Cut));
                }
                self.conversation.http.handle_end(InputEnd::Truncated);
                Ok(())
            }
            Poll::Ready(Err(error)) => Err(lost(&error)),
        })
    }
}

/// What a failed transport leaves to do: an alert may still be said, a dead socket takes nothing.
fn lost(error: &TransportError) -> Ending {
    match error {
        TransportError::Io(error) => {
            tracing::debug!(%error, "a connection was lost");
            Ending::Cut
        }
        TransportError::Tls(error) => {
            tracing::debug!(%error, "a connection broke the rules of TLS");
            Ending::Close
        }
        TransportError::PlainHttp => Ending::Cut,
    }
}

/// What a read counts for in a turn, however little it brought.
const LEAST_COST: usize = 1024;

/// How long a first request may take after its handshake when the server closes: two ways there and
/// back on a bad network.
const FIRST_REQUEST: Duration = Duration::from_secs(1);
