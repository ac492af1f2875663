//! Does a request's body come fast enough? Pure: time comes as an argument.
//!
//! Only time in which the server wants octets counts: a handler that reads slowly makes no slow
//! client. That time is divided into buckets, and the last few of them are the window over which
//! the rate is averaged.

use std::time::Duration;

use sealane_proto::Moment;

use crate::error::{Error, Result};

/// The slowest that a request's body may come.
///
/// Measured in octets as they are received, those of TLS included, and only while a reader waits
/// for them: not while a handler does something else, nor before a `100 Continue` that the client
/// awaits. Without such a limit a client can hold a handler for the whole `request_timeout` by
/// sending an octet now and then.
///
/// ```
/// use std::time::Duration;
///
/// use sealane::BodyRate;
///
/// // At least 10,000 octets in any 5 s, after a start of 2 s in which nothing is asked.
/// let rate = BodyRate::new(2_000)
///     .window(Duration::from_secs(5))
///     .grace(Duration::from_secs(2));
/// # drop(rate);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyRate {
    octets_per_second: u64,
    window: Duration,
    grace: Duration,
}

impl BodyRate {
    /// So many octets each second, on average over 10 s, after 20 s in which nothing is asked.
    pub fn new(octets_per_second: u64) -> Self {
        Self {
            octets_per_second,
            window: WINDOW,
            grace: GRACE,
        }
    }

    /// The time over which the rate is averaged; default 10 s, so that a line that pauses for a
    /// few seconds is not blamed.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// The time before the first window begins; default 20 s, in which a connection finds its
    /// speed.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Refuses a rate that is none, or none within its window, and a window too short to be
    /// measured.
    pub(super) fn check(&self) -> Result<()> {
        if self.octets_per_second == 0 {
            let text = "min_body_rate is 0 octets a second; give None for no limit";
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
        if self.window < SHORTEST_WINDOW {
            let text = format!(
                "min_body_rate has a window of {:?}, but it must be {SHORTEST_WINDOW:?} or more",
                self.window
            );
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
        if self.needed() == 0 {
            let text = format!(
                "min_body_rate asks for {} octets a second in windows of {:?}, which is less than \
                 one octet each; give a longer window, or None for no limit",
                self.octets_per_second, self.window
            );
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
        Ok(())
    }

    /// Octets that each window must have.
    fn needed(&self) -> u64 {
        let octets =
            u128::from(self.octets_per_second).saturating_mul(self.window.as_millis()) / 1000;
        u64::try_from(octets).unwrap_or(u64::MAX)
    }
}

impl Default for BodyRate {
    /// 500 octets a second on average over 10 s, after 20 s of grace.
    fn default() -> Self {
        Self::new(OCTETS_PER_SECOND)
    }
}

/// The pace of one body.
#[derive(Debug)]
pub(super) struct Pace {
    /// Octets that each window must have.
    needed: u64,
    /// The length of a bucket in milliseconds; ten are a window.
    bucket: u64,
    /// The bucket whose start ends the first window.
    first: u64,
    /// Wanted time up to `since`, in milliseconds.
    wanted: u64,
    /// Since when octets are wanted, if they are.
    since: Option<Moment>,
    /// Octets of the bucket that runs and of the ten before it.
    octets: [u64; BUCKETS],
    /// The bucket that runs, counted from the start of the body.
    current: u64,
}

impl Pace {
    /// The pace of a body that begins now; nothing is wanted yet.
    pub(super) fn new(rate: &BodyRate) -> Self {
        let bucket = milliseconds(rate.window).div_ceil(IN_WINDOW).max(1);
        let first = milliseconds(rate.grace).div_ceil(bucket);
        Self {
            needed: rate.needed(),
            bucket,
            first: first.saturating_add(IN_WINDOW),
            wanted: 0,
            since: None,
            octets: [0; BUCKETS],
            current: 0,
        }
    }

    /// Takes note whether octets are wanted from now on.
    pub(super) fn want(&mut self, wanted: bool, now: Moment) {
        if wanted != self.since.is_some() {
            self.wanted = self.wanted_by(now);
            self.since = wanted.then_some(now);
            self.turn_over(self.wanted);
        }
    }

    /// Takes note of octets that have come.
    pub(super) fn take(&mut self, octets: u64, now: Moment) {
        self.turn_over(self.wanted_by(now));
        let place = place_of(self.current);
        self.octets[place] = self.octets[place].saturating_add(octets);
    }

    /// When the body is too slow if nothing more comes; `None` while nothing is wanted.
    ///
    /// Judged are the bucket that runs and the ten before it, so that octets that are looked at
    /// late still count for the window that they came in.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let since = self.since.filter(|_| self.needed > 0)?;
        let mut last = self.first.max(self.current);
        let mut octets = (last.saturating_sub(IN_WINDOW)..=self.current)
            .map(|bucket| self.octets[place_of(bucket)])
            .fold(0, u64::saturating_add);
        while octets >= self.needed {
            octets -= self.octets[place_of(last.saturating_sub(IN_WINDOW))].min(octets);
            last = last.saturating_add(1);
        }
        let due = last.saturating_mul(self.bucket).saturating_sub(self.wanted);
        Some(since.after(Duration::from_millis(due)))
    }

    /// Wanted time by `now`.
    fn wanted_by(&self, now: Moment) -> u64 {
        let running = self.since.map_or(0, |since| now.0.saturating_sub(since.0));
        self.wanted.saturating_add(running)
    }

    /// Goes on to the bucket of a wanted time, past empty ones.
    fn turn_over(&mut self, wanted: u64) {
        let bucket = wanted / self.bucket;
        let passed = bucket.saturating_sub(self.current).min(BUCKETS as u64);
        for step in 0..passed {
            self.octets[place_of(bucket - step)] = 0;
        }
        self.current = self.current.max(bucket);
    }
}

fn place_of(bucket: u64) -> usize {
    usize::try_from(bucket % BUCKETS as u64).unwrap_or(0)
}

fn milliseconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

/// A line that is slower than this carries no web page; one octet every two milliseconds.
const OCTETS_PER_SECOND: u64 = 500;

/// Long enough for a line that loses packets to catch up.
const WINDOW: Duration = Duration::from_secs(10);

/// Long enough for a client that has to fetch or compute what it sends.
const GRACE: Duration = Duration::from_secs(20);

/// The step of the wheel that looks at deadlines.
const SHORTEST_WINDOW: Duration = Duration::from_millis(100);

/// Buckets of a window.
const IN_WINDOW: u64 = 10;

/// A whole window behind the bucket that runs.
const BUCKETS: usize = 11;

#[cfg(test)]
mod tests;
