//! Lengths of time, sizes and numbers as people write them: `5s`, `500ms`, `2m`, `16KiB`, `off`.
//!
//! A number of seconds without its unit is refused: half of all tools mean milliseconds, and a
//! limit that is a thousand times too long protects nobody.

use std::fmt;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// A limit in time as an option states it: a length, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimit(pub Option<Duration>);

impl From<TimeLimit> for Option<Duration> {
    fn from(limit: TimeLimit) -> Self {
        limit.0
    }
}

impl fmt::Display for TimeLimit {
    /// Writes it as an option takes it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => out.write_str("off"),
            Some(length) if length.subsec_millis() == 0 => write!(out, "{}s", length.as_secs()),
            Some(length) => write!(out, "{}ms", length.as_millis()),
        }
    }
}

/// Reads a limit in time: a whole number with `ms`, `s`, `m` or `h`, or `off`.
///
/// # Errors
/// A text that says what is expected.
pub fn time_limit(text: &str) -> Result<TimeLimit, String> {
    if text == "off" || text == "none" {
        return Ok(TimeLimit(None));
    }
    let (number, unit) = split(text)?;
    let milliseconds = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "" => return Err(format!("a unit is missing: write {text}s or {text}ms")),
        _ => return Err(format!("unknown unit {unit:?}; known are ms, s, m, h")),
    };
    match milliseconds {
        Some(0) => Err("no time at all would end every connection; write off for no limit".into()),
        Some(length) if length <= LONGEST => Ok(TimeLimit(Some(Duration::from_millis(length)))),
        _ => Err("longer than 365 days; write off for no limit".into()),
    }
}

/// Reads a length of time, which cannot be none.
///
/// # Errors
/// A text that says what is expected.
pub fn length(text: &str) -> Result<Duration, String> {
    let limit = time_limit(text)?;
    limit.0.ok_or_else(|| "a length of time is expected".into())
}

/// A least rate as an option states it: octets in each second, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit(pub Option<u64>);

/// Reads a least rate: octets in each second as a size, with or without `/s`, or `off`.
///
/// # Errors
/// A text that says what is expected.
pub fn rate_limit(text: &str) -> Result<RateLimit, String> {
    if text == "off" || text == "none" {
        return Ok(RateLimit(None));
    }
    match size(text.strip_suffix("/s").unwrap_or(text)) {
        Ok(octets) => Ok(RateLimit(Some(octets as u64))),
        Err(_) if text == "0" || text == "0/s" => Err("write off for no limit".into()),
        Err(why) => Err(why),
    }
}

/// A limit in number as an option states it: so many, or as many as there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountLimit(pub Option<usize>);

impl From<CountLimit> for Option<usize> {
    fn from(limit: CountLimit) -> Self {
        limit.0
    }
}

impl From<CountLimit> for Option<u64> {
    fn from(limit: CountLimit) -> Self {
        limit.0.map(|count| count as u64)
    }
}

/// Reads a limit in number: a whole one, or `off`.
///
/// # Errors
/// A text that says what is expected.
pub fn count_limit(text: &str) -> Result<CountLimit, String> {
    if text == "off" || text == "none" {
        return Ok(CountLimit(None));
    }
    match split(text)? {
        (0, "") => Err("none at all would serve nobody; write off for no limit".into()),
        (count, "") => usize::try_from(count)
            .map(|count| CountLimit(Some(count)))
            .map_err(|_| "larger than this machine can count".into()),
        (_, unit) => Err(format!(
            "{unit:?} is one too many; write a whole number, or off"
        )),
    }
}

/// Reads a size in octets: a whole number, plain or with `KiB`, `MiB`, `kB`, `MB`.
///
/// # Errors
/// A text that says what is expected.
pub fn size(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "kb" => 1_000,
        "mb" => 1_000_000,
        _ => {
            return Err(format!(
                "unknown unit {unit:?}; known are B, KiB, MiB, kB, MB"
            ));
        }
    };
    let octets = number
        .checked_mul(factor)
        .and_then(|octets| usize::try_from(octets).ok());
    match octets {
        Some(0) => Err("a size of nothing would refuse every request".into()),
        Some(octets) => Ok(octets),
        None => Err("larger than this machine can count".into()),
    }
}

/// A size as an option states it: so many octets, or what the system finds good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeLimit(pub Option<usize>);

impl From<SizeLimit> for Option<usize> {
    fn from(limit: SizeLimit) -> Self {
        limit.0
    }
}

/// Reads a size in octets, or `off`.
///
/// # Errors
/// A text that says what is expected.
pub fn size_limit(text: &str) -> Result<SizeLimit, String> {
    if text == "off" || text == "none" {
        return Ok(SizeLimit(None));
    }
    match size(text) {
        Ok(octets) => Ok(SizeLimit(Some(octets))),
        Err(_) if text == "0" => Err("write off to let the system decide".into()),
        Err(why) => Err(why),
    }
}

/// Parts a quantity into its digits and what follows them.
fn split(text: &str) -> Result<(u64, &str), String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err("a whole number is expected, such as in 5s or 16KiB".into());
    }
    let number = number
        .parse()
        .map_err(|_| "the number is too large".to_owned())?;
    Ok((number, unit))
}

/// The longest limit in milliseconds, 365 days: beyond it a deadline is a mistake, and far beyond
/// it the clock of the system can no longer express the moment.
const LONGEST: u64 = 365 * 24 * 3_600_000;
