//! The time, asked of whoever owns it.
//!
//! Sessions and ticket keys live for a time, in calls that rustls makes when it pleases; so here
//! time cannot be an argument, and a clock is. The one of the system is for programs, any other
//! for tests, in which nothing waits.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls_pki_types::UnixTime;

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Seconds of Unix time. They may stand still or go back, as system clocks do.
    fn unix_seconds(&self) -> u64;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_seconds(&self) -> u64 {
        // rustls reads the clock, for its own needs too; without one, all is over.
        let now = DefaultTimeProvider.current_time();
        now.map_or(u64::MAX, |now| now.as_secs())
    }
}

/// A clock as rustls asks it.
#[derive(Debug)]
pub(crate) struct RustlsTime(pub(crate) Arc<dyn Clock>);

impl TimeProvider for RustlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        let since = Duration::from_secs(self.0.unix_seconds());
        Some(UnixTime::since_unix_epoch(since))
    }
}

/// How long sessions live at most, in seconds: seven days (RFC 8446 §4.6.1).
pub(crate) const LONGEST_SESSION: u64 = 7 * 24 * 60 * 60;

/// A lifetime in whole seconds, rounded up, of at most [`LONGEST_SESSION`].
pub(crate) fn session_seconds(lifetime: Duration) -> u64 {
    let part = u64::from(lifetime.subsec_nanos() > 0);
    lifetime.as_secs().saturating_add(part).min(LONGEST_SESSION)
}

/// Whether a session made then may still be resumed now.
///
/// One that was made later than now is refused beyond a minute: machines that share keys do not
/// agree to the second, but a clock that was set back must not lend sessions a longer life.
pub(crate) fn is_alive(made: u64, now: u64, lifetime: u64) -> bool {
    now.saturating_sub(made) <= lifetime && made.saturating_sub(now) <= 60
}
