//! Named deadlines: head, request, keep-alive; time comes as an argument.
//!
//! Not a clock and not a timer wheel: this table only knows which deadline runs and when it passes.
//! RFC 9112 §9.5 leaves the lengths to the implementation.

use std::time::Duration;

/// A moment: milliseconds since an epoch of the caller's choosing.
///
/// The crate never reads a clock; whoever drives a connection says what time it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// The moment `length` later; the end of time when there is no such moment.
    #[must_use]
    pub fn after(self, length: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)),
        )
    }
}

/// How long a client may take; `None` is without limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the start of a message (of the connection, for the first) until its head is complete
    /// (default 60 s: against clients that send a head an octet at a time to hold a connection).
    pub head: Option<Duration>,
    /// From the same start until the request is complete, body included (default 300 s: an upload
    /// of 100 MB on a slow line, but not a body that never ends).
    pub request: Option<Duration>,
    /// From the end of an exchange until the first octet of the next request, as advertised in
    /// `Keep-Alive` (default 5 s). The deadline lies one second later than advertised: a request
    /// that a client sends in the last advertised moment must not meet a closing connection.
    pub keep_alive: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Some(Duration::from_secs(60)),
            request: Some(Duration::from_secs(300)),
            keep_alive: Some(Duration::from_secs(5)),
        }
    }
}

/// Which deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The head of a request is not complete in time: answer 408.
    Head,
    /// A request is not complete in time: answer 408 while no response head has left, else close.
    Request,
    /// No further request has begun in time: close without a word (RFC 9112 §9.5).
    KeepAlive,
}

/// The deadlines that run on one connection.
#[derive(Debug)]
pub(super) struct Timers {
    /// Until when the head must be complete.
    head: Option<Moment>,
    /// Until when the request must be complete.
    request: Option<Moment>,
    /// Until when the next request must begin.
    keep_alive: Option<Moment>,
    /// Whether a message has begun, so that further octets of it restart nothing.
    begun: bool,
}

impl Timers {
    /// The clocks of a new connection: its first message begins with the connection itself.
    pub(super) fn new(timeouts: &Timeouts, now: Moment) -> Self {
        let mut timers = Self {
            head: None,
            request: None,
            keep_alive: None,
            begun: false,
        };
        timers.begin_message(timeouts, now);
        timers
    }

    /// Starts the clocks of a message, unless it has begun before.
    pub(super) fn begin_message(&mut self, timeouts: &Timeouts, now: Moment) {
        if !self.begun {
            self.begun = true;
            self.head = timeouts.head.map(|length| now.after(length));
            self.request = timeouts.request.map(|length| now.after(length));
            self.keep_alive = None;
        }
    }

    /// The head is complete.
    pub(super) fn complete_head(&mut self) {
        self.head = None;
    }

    /// The request is complete, or nothing more of it is read.
    pub(super) fn complete_message(&mut self) {
        self.head = None;
        self.request = None;
    }

    /// An exchange is over and nothing of the next one has come.
    pub(super) fn become_idle(&mut self, timeouts: &Timeouts, now: Moment) {
        self.stop();
        self.keep_alive = timeouts
            .keep_alive
            .map(|length| now.after(length).after(MARGIN));
    }

    /// An exchange is over and octets of the next request have been waiting behind it.
    pub(super) fn begin_next(&mut self, timeouts: &Timeouts, now: Moment) {
        self.stop();
        self.begin_message(timeouts, now);
    }

    /// Stops every clock.
    pub(super) fn stop(&mut self) {
        *self = Self {
            head: None,
            request: None,
            keep_alive: None,
            begun: false,
        };
    }

    /// The earliest deadline that runs.
    pub(super) fn next(&self) -> Option<Moment> {
        [self.head, self.request, self.keep_alive]
            .into_iter()
            .flatten()
            .min()
    }

    /// The deadline that has passed by `now`, if any; the head's before the request's.
    pub(super) fn passed(&self, now: Moment) -> Option<Timer> {
        let passed = |deadline: Option<Moment>| deadline.is_some_and(|deadline| deadline <= now);
        match () {
            () if passed(self.head) => Some(Timer::Head),
            () if passed(self.request) => Some(Timer::Request),
            () if passed(self.keep_alive) => Some(Timer::KeepAlive),
            () => None,
        }
    }
}

/// By how much a keep-alive deadline is later than what is advertised: one second, for a request
/// that is already on its way when the advertised time is over.
const MARGIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
