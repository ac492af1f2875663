//! The `Date` of a response (RFC 9110 §6.6.1), formatted at most once a second per worker.

use std::cell::Cell;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

thread_local! {
    static LAST: Cell<(u64, Date)> = const { Cell::new((u64::MAX, [0; 29])) };
}

/// An IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) type Date = [u8; 29];

/// The date of this moment.
pub(super) fn now() -> Date {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (last, date) = LAST.get();
    if last == seconds {
        return date;
    }
    let date = format(seconds);
    LAST.set((seconds, date));
    date
}

fn format(seconds: u64) -> Date {
    let mut text = String::with_capacity(29);
    // The form has four digits for the year (RFC 9110 §5.6.7): a clock beyond stays at its end.
    let moment = UNIX_EPOCH + Duration::from_secs(seconds.min(LAST_SECOND));
    // Writing into a string cannot fail, and the form is always 29 octets long.
    let _ = write!(text, "{}", httpdate::HttpDate::from(moment));
    text.as_bytes()
        .try_into()
        .unwrap_or(*b"Thu, 01 Jan 1970 00:00:00 GMT")
}

/// The last second of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

#[cfg(test)]
mod tests;
