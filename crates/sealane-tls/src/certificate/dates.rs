//! The dates of a certificate as text and as days (RFC 5280 §4.1.2.5).

use std::time::{SystemTime, UNIX_EPOCH};

use x509_parser::time::ASN1Time;

/// A moment as the https module writes it: `Feb  8 12:00:13 2035 GMT`.
pub(super) fn text(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let month = MONTHS[usize::from(u8::from(time.month())) - 1];
    format!(
        "{month} {:2} {:02}:{:02}:{:02} {} GMT",
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.year()
    )
}

/// The whole days from one moment to another in Unix time, rounded down.
pub(super) fn days(now: SystemTime, until: i64) -> i64 {
    let seconds = |duration: std::time::Duration| i64::try_from(duration.as_secs());
    let now = match now.duration_since(UNIX_EPOCH) {
        Ok(since) => seconds(since).unwrap_or(i64::MAX),
        Err(before) => seconds(before.duration()).map_or(i64::MIN, |seconds| -seconds),
    };
    until.saturating_sub(now).div_euclid(SECONDS_OF_A_DAY)
}

/// The months in English, whatever the language of the machine.
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The seconds of a day; certificates know no leap seconds.
const SECONDS_OF_A_DAY: i64 = 86_400;
