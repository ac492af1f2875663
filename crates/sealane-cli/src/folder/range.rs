//! Parts of a file: the `Range` field (RFC 9110 §14.2).
//!
//! One range is served; several are answered with the whole, as §14.2 allows: a list of thousands
//! of overlapping ranges is a known way to make a server work for nothing (§17.15).

use http::HeaderMap;
use http::header::RANGE;

#[cfg(test)]
mod tests;

/// Which part of a file to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it: no range was asked for, or none that is understood.
    Whole,
    /// From the first to the last of these octets, both included.
    Some(u64, u64),
    /// What was asked for lies outside the file: 416.
    Outside,
}

impl Part {
    /// Reads the request's `Range` for a file of this size.
    pub fn of(fields: &HeaderMap, size: u64) -> Self {
        let mut lines = fields.get_all(RANGE).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Self::Whole;
        };
        line.to_str()
            .ok()
            .and_then(|line| Self::read(line, size))
            .unwrap_or(Self::Whole)
    }

    /// Reads one field value; nothing when its syntax is not ours.
    fn read(line: &str, size: u64) -> Option<Self> {
        let (unit, range) = line.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = range.trim().split_once('-')?;
        if first.is_empty() {
            // The last so many octets; more than there are is all of them (§14.1.2).
            let length = number(last)?;
            if length == 0 || size == 0 {
                return Some(Self::Outside);
            }
            return Some(Self::Some(size.saturating_sub(length), size - 1));
        }
        let first = number(first)?;
        let last = if last.is_empty() {
            u64::MAX
        } else {
            number(last)?
        };
        if last < first {
            return None;
        }
        if first >= size {
            return Some(Self::Outside);
        }
        Some(Self::Some(first, last.min(size - 1)))
    }
}

/// Reads a position; one beyond what can be counted lies beyond every file.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}
