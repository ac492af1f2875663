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

/// The clocks that run on one connection.
///
/// A message's clocks are kept as the moment it began: how long they run is looked up when it is
/// asked for, so that other timeouts hold at once.
#[derive(Debug)]
pub(super) struct Timers {
    /// When the message began; set until it is over, so that further octets of it restart nothing.
    started: Option<Moment>,
    /// The head is awaited.
    head: bool,
    /// The rest of the request is awaited.
    request: bool,
    /// Since when the next request is awaited, and for how long.
    keep_alive: Option<(Moment, Duration)>,
}

impl Timers {
    /// The clocks of a new connection: its first message begins with the connection itself.
    pub(super) fn new(now: Moment) -> Self {
        let mut timers = Self::stopped();
        timers.begin_message(now);
        timers
    }

    /// No clock runs.
    fn stopped() -> Self {
        Self {
            started: None,
            head: false,
            request: false,
            keep_alive: None,
        }
    }

    /// Starts the clocks of a message, unless it has begun before.
    pub(super) fn begin_message(&mut self, now: Moment) {
        if self.started.is_none() {
            *self = Self {
                started: Some(now),
                head: true,
                request: true,
                keep_alive: None,
            };
        }
    }

    /// Puts off the clocks of a message by a time that does not count.
    pub(super) fn excuse(&mut self, length: Duration) {
        self.started = self.started.map(|started| started.after(length));
    }

    /// The head is complete.
    pub(super) fn complete_head(&mut self) {
        self.head = false;
    }

    /// The request is complete, or nothing more of it is read.
    pub(super) fn complete_message(&mut self) {
        self.head = false;
        self.request = false;
    }

    /// An exchange is over and nothing of the next one has come; `keep_alive` is what its response
    /// has advertised.
    pub(super) fn become_idle(&mut self, keep_alive: Option<Duration>, now: Moment) {
        self.stop();
        self.keep_alive = keep_alive.map(|length| (now, length));
    }

    /// The last response has left only now: the time until the next request begins anew.
    pub(super) fn rest_anew(&mut self, now: Moment) {
        self.keep_alive = self.keep_alive.map(|(_, length)| (now, length));
    }

    /// An exchange is over and octets of the next request have been waiting behind it.
    pub(super) fn begin_next(&mut self, now: Moment) {
        self.stop();
        self.begin_message(now);
    }

    /// Stops every clock.
    pub(super) fn stop(&mut self) {
        *self = Self::stopped();
    }

    /// The earliest deadline that runs.
    pub(super) fn next(&self, timeouts: &Timeouts) -> Option<Moment> {
        self.deadlines(timeouts)
            .into_iter()
            .filter_map(|(_, deadline)| deadline)
            .min()
    }

    /// The deadline that has passed by `now`, if any; the head's before the request's.
    pub(super) fn passed(&self, timeouts: &Timeouts, now: Moment) -> Option<Timer> {
        self.deadlines(timeouts)
            .into_iter()
            .find(|(_, deadline)| deadline.is_some_and(|deadline| deadline <= now))
            .map(|(timer, _)| timer)
    }

    /// Every deadline that runs.
    fn deadlines(&self, timeouts: &Timeouts) -> [(Timer, Option<Moment>); 3] {
        let due = |awaited: bool, length: Option<Duration>| {
            let started = self.started.filter(|_| awaited)?;
            Some(started.after(length?))
        };
        let rests = |(since, length): (Moment, Duration)| since.after(length).after(MARGIN);
        [
            (Timer::Head, due(self.head, timeouts.head)),
            (Timer::Request, due(self.request, timeouts.request)),
            (Timer::KeepAlive, self.keep_alive.map(rests)),
        ]
    }
}

/// By how much a keep-alive deadline is later than what is advertised: one second, for a request
/// that is already on its way when the advertised time is over.
const MARGIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
