//! The server's Keep-Alive hint: how long it will hold an idle connection (RFC 2068 §19.7.1.1).

use std::time::Duration;

use http::HeaderMap;

/// What a response says about keeping its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// Nothing that can be used.
    None,
    /// Do not use this connection again.
    Spent,
    /// It may rest for so long; the margin has been taken off.
    Rest(Duration),
}

/// Reads `Keep-Alive: timeout=<seconds>`, and takes a second of margin off (reference §2.6).
///
/// Without the margin a request could meet the server's close half way. Like the module, only a
/// field that begins with this parameter counts.
pub(super) fn keep_alive_hint(fields: &HeaderMap) -> Hint {
    let seconds = fields
        .get("keep-alive")
        .and_then(|value| value.as_bytes().strip_prefix(b"timeout="))
        .and_then(leading_number);
    match seconds {
        None => Hint::None,
        Some(0 | 1) => Hint::Spent,
        Some(seconds) => Hint::Rest(Duration::from_secs(seconds) - MARGIN),
    }
}

/// The digits a value begins with; a number too large for anything means the largest there is.
fn leading_number(value: &[u8]) -> Option<u64> {
    let digits = value.iter().take_while(|octet| octet.is_ascii_digit());
    let number = digits.clone().fold(0_u64, |number, digit| {
        let digit = u64::from(digit - b'0');
        number.saturating_mul(10).saturating_add(digit)
    });
    (digits.count() > 0).then_some(number.min(LONGEST))
}

/// Taken off what the server promises.
const MARGIN: Duration = Duration::from_secs(1);

/// Seconds of the longest rest that is believed: a year.
const LONGEST: u64 = 365 * 24 * 3600;

#[cfg(test)]
mod tests;
