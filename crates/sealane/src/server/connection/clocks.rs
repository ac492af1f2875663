//! The deadlines of a connection: those the protocol knows, and those of its octets.
//!
//! Nothing runs here: each turn notes what moved, and the earliest deadline that follows is booked
//! on the server's wheel. Time that a client cannot be blamed for does not count against it.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use sealane_proto::{Moment, Timer};
use tower_service::Service;

use super::{Clock, Connection, Ending, saying};
use crate::body::Body;
use crate::event::{Deadline, Event, TimedOut};
use crate::handler::BoxError;
use crate::server::live::Live;
use crate::server::pace::Pace;

/// What moved when, and which limits hold.
pub(super) struct Clocks {
    /// The limits that this connection has seen last.
    live: Arc<Live>,
    /// When octets were last received, or taken by the socket.
    active: Moment,
    /// How long nothing may be received or sent.
    inactivity: Option<Duration>,
    /// `inactivity` was set for the present exchange alone.
    inactivity_is_own: bool,
    /// How many octets the socket has taken.
    sent: u64,
    /// Octets wait for a socket that takes nothing.
    stall: Option<Stall>,
    /// Since when received octets wait behind answers that a slow reader does not take.
    held_back: Option<Moment>,
    /// How fast the present request's body comes.
    pace: Option<Box<OnePace>>,
    /// When a connection whose answer broke off is cut, whatever has left by then.
    cut_by: Option<Moment>,
}

/// Since when the socket has taken next to nothing, and how much it had taken by then.
struct Stall {
    since: Moment,
    sent: u64,
}

/// The pace of one request's body.
struct OnePace {
    /// Which of the connection's requests it is.
    request: u64,
    pace: Pace,
}

impl Clocks {
    pub(super) fn new(live: Arc<Live>, now: Moment) -> Self {
        Self {
            inactivity: live.deadlines.inactivity,
            inactivity_is_own: false,
            live,
            active: now,
            sent: 0,
            stall: None,
            held_back: None,
            pace: None,
            cut_by: None,
        }
    }

    /// Cuts the connection when its last octets have had their time.
    pub(super) fn cut_soon(&mut self, now: Moment) {
        let saying = saying(&self.live);
        self.cut_by.get_or_insert(now.after(saying));
    }

    /// Takes note of octets that came; `rested` tells that no exchange was open.
    ///
    /// They are counted as they come, for a slow line takes long to bring a whole record.
    pub(super) fn note_received(&mut self, octets: u64, rested: bool, now: Moment) {
        if octets == 0 {
            return;
        }
        self.active = now;
        if rested {
            self.inactivity = self.live.deadlines.inactivity;
        }
        if let Some(one) = &mut self.pace {
            one.pace.take(octets, now);
        }
    }

    /// Takes the limit that the present exchange asks for itself, and begins to measure anew when
    /// it is another.
    fn note_own_limit(&mut self, own: Option<Option<Duration>>, now: Moment) {
        let limit = match own {
            Some(limit) => limit,
            None if self.inactivity_is_own => self.live.deadlines.inactivity,
            None => return,
        };
        self.inactivity_is_own = own.is_some();
        if limit != self.inactivity {
            self.inactivity = limit;
            self.active = now;
        }
    }

    fn stalled_at(&self) -> Option<Moment> {
        let limit = self.live.deadlines.write?;
        self.stall.as_ref().map(|stall| stall.since.after(limit))
    }

    fn inactive_at(&self) -> Option<Moment> {
        self.inactivity.map(|limit| self.active.after(limit))
    }

    fn too_slow_at(&self) -> Option<Moment> {
        self.pace.as_ref().and_then(|one| one.pace.deadline())
    }
}

impl<S, B> Connection<S, B>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    /// Takes over limits that have changed since the last turn.
    pub(super) fn look_at_limits(&mut self, clock: &Clock) {
        if let Some(live) = clock.server.rules.live.newer_than(&self.clocks.live) {
            self.conversation
                .http
                .set_timeouts(Arc::clone(&live.timeouts));
            self.clocks.live = live;
        }
    }

    /// Takes note of what the socket took; `blocked` tells that it would not take all.
    pub(super) fn note_sending(&mut self, blocked: bool, now: Moment) {
        let (clocks, sent) = (&mut self.clocks, self.stream.sent());
        if sent != clocks.sent {
            clocks.sent = sent;
            clocks.active = now;
        }
        match &mut clocks.stall {
            _ if !blocked => clocks.stall = None,
            Some(stall) if sent - stall.sent < LEAST_TAKEN => {}
            stall => *stall = Some(Stall { since: now, sent }),
        }
        if clocks.held_back.is_some() && !self.is_held_back() {
            // Nothing was read meanwhile: what comes now may have been sent long ago.
            let since = self.clocks.held_back.take().unwrap_or(now);
            let length = Duration::from_millis(now.0.saturating_sub(since.0));
            self.conversation.http.excuse(length);
        }
    }

    /// Starts and stops the clocks at the end of a turn.
    pub(super) fn set_clocks(&mut self, now: Moment) {
        if self.is_held_back() {
            self.clocks.held_back.get_or_insert(now);
        }
        let own = self.conversation.inactivity_limit();
        self.clocks.note_own_limit(own, now);
        self.set_pace(now);
    }

    /// Whether octets that came in time wait until a slow reader has taken answers before them.
    fn is_held_back(&self) -> bool {
        !self.conversation.outbox.has_room() && self.conversation.http.buffered() > 0
    }

    fn set_pace(&mut self, now: Moment) {
        if self.clocks.live.deadlines.body_rate.is_none() {
            self.clocks.pace = None;
            return;
        }
        let request = self.conversation.requests();
        let wanted = self.conversation.awaits_body();
        let measured = self.clocks.pace.as_ref().map(|one| one.request);
        if !self.conversation.http.receiving_body() {
            self.clocks.pace = None;
        } else if wanted && measured != Some(request) {
            let rate = &self.clocks.live.deadlines.body_rate;
            self.clocks.pace = rate.as_ref().map(|rate| {
                let pace = Pace::new(rate);
                Box::new(OnePace { request, pace })
            });
        }
        if let Some(one) = &mut self.clocks.pace {
            one.pace.want(wanted, now);
        }
    }

    /// When this connection must be looked at next, whatever happens.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let clocks = &self.clocks;
        [
            clocks.cut_by,
            clocks.stalled_at(),
            self.message_due_at(),
            clocks.too_slow_at(),
            clocks.inactive_at(),
            self.first_by(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn is_due(&self, now: Moment) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// The deadline that the protocol knows.
    ///
    /// While answers wait for a slow reader nothing is taken out of the protocol's buffer; what
    /// waits there has come in time, so its clock does not count. Nor can a client ask anew that is
    /// still being answered: its time to do so begins when all has left.
    fn message_due_at(&self) -> Option<Moment> {
        let http = &self.conversation.http;
        let is_answered = self.has_served() && http.is_idle() && self.has_unsent();
        let next = http.next_timeout();
        next.filter(|_| !is_answered && !self.is_held_back())
    }

    /// Does what follows from deadlines that have passed.
    pub(super) fn check_deadlines(&mut self, clock: &Clock, now: Moment) -> Option<Ending> {
        let passed = |deadline: Option<Moment>| deadline.is_some_and(|deadline| deadline <= now);
        if passed(self.clocks.cut_by) {
            return Some(Ending::Cut);
        }
        if passed(self.clocks.stalled_at()) {
            tracing::debug!("a client takes nothing of what is sent to it");
            tell(clock, Deadline::Write);
            return Some(Ending::Stalled);
        }
        if passed(self.first_by()) {
            // The server closes, and nothing was asked in time.
            let rests = self.is_quiet();
            return Some(if rests { Ending::Rested } else { Ending::Cut });
        }
        if passed(self.message_due_at())
            && let Some(timer) = self.conversation.http.handle_timeout(now)
        {
            return self.message_is_late(clock, timer);
        }
        if passed(self.clocks.too_slow_at()) {
            self.clocks.pace = None;
            tell(clock, Deadline::BodyRate);
            self.conversation
                .time_out("the request's body came too slowly");
            return None;
        }
        if passed(self.clocks.inactive_at()) {
            tell(clock, Deadline::Inactivity);
            return self.nothing_moves(now);
        }
        None
    }

    fn message_is_late(&mut self, clock: &Clock, timer: Timer) -> Option<Ending> {
        let (deadline, what) = match timer {
            Timer::KeepAlive => {
                tell(clock, Deadline::KeepAlive);
                // Complete, but not all of it has left yet: then it ends when that has.
                return self.is_quiet().then_some(Ending::Rested);
            }
            Timer::Head => (
                Deadline::Headers,
                "the request's head was not complete in time",
            ),
            Timer::Request => (Deadline::Request, "the request was not complete in time"),
        };
        tell(clock, deadline);
        self.conversation.time_out(what);
        None
    }

    /// Ends a connection on which nothing was received or sent for too long.
    fn nothing_moves(&mut self, now: Moment) -> Option<Ending> {
        let (http, outbox) = (&self.conversation.http, &self.conversation.outbox);
        if http.is_idle() {
            return Some(if self.is_quiet() {
                Ending::Rested
            } else {
                Ending::Cut
            });
        }
        let incomplete = http.receiving_body() || !http.in_exchange();
        if !incomplete || http.head_sent() || !outbox.has_room() {
            return Some(Ending::Cut);
        }
        // The answer has as much time to leave.
        self.clocks.active = now;
        self.conversation
            .time_out("nothing was received or sent for too long");
        None
    }
}

fn tell(clock: &Clock, deadline: Deadline) {
    let accepted = &clock.accepted;
    let timed_out = TimedOut { accepted, deadline };
    clock
        .server
        .rules
        .observers
        .tell(Event::Timeout(&timed_out));
}

/// What a client must take for its clock to start anew: a record's worth. Together with the default
/// limit that is as slow as a request's body may come.
const LEAST_TAKEN: u64 = 16 * 1024;
