//! Conditional requests: whether a client's copy is still good (RFC 9110 §13).
//!
//! Validators come from the file's facts; nothing is read or hashed. Dates that HTTP cannot write
//! (before 1970, after 9999) are left out, not bent.

use std::fs::Metadata;
use std::time::{Duration, SystemTime};

use http::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};
use http::{HeaderMap, HeaderValue};

#[cfg(test)]
mod tests;

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// The opaque tag, with its quotes and without `W/`.
    tag: Option<String>,
    /// Whether the file rested long enough for the tag and the date to be strong.
    strong: bool,
    /// The moment of the last change, in whole seconds, as `Last-Modified` shows it.
    modified: Option<SystemTime>,
}

/// What becomes of a conditional request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Answer as if there was no condition.
    Send,
    /// The client's copy is good: 304.
    NotModified,
    /// The client's assumption is wrong: 412.
    Failed,
}

impl Validators {
    /// Takes the validators of a file at a moment.
    pub fn of(found: &Metadata, now: SystemTime) -> Self {
        Self::from_facts(found.len(), found.modified().ok(), now)
    }

    /// Takes the validators of a file of this size and age.
    fn from_facts(size: u64, modified: Option<SystemTime>, now: SystemTime) -> Self {
        let since = modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        let tag = since.map(|since| {
            format!(
                "\"{:x}-{:x}-{size:x}\"",
                since.as_secs(),
                since.subsec_nanos()
            )
        });
        // A file changed twice within one tick of the clock shows the same tag twice, so a tag is
        // strong only once the file has rested (RFC 9110 §8.8.1, §8.8.2.2).
        let age = modified.and_then(|at| now.duration_since(at).ok());
        let strong = age.is_some_and(|age| age >= RESTED);
        // A date in the future is replaced by now (RFC 9110 §8.8.2.1).
        let shown = modified.map(|at| at.min(now));
        let modified = shown
            .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
            .map(|since| since.as_secs())
            .filter(|seconds| *seconds < YEAR_10000)
            .map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        Self {
            tag,
            strong,
            modified,
        }
    }

    /// The `ETag` field value.
    pub fn etag(&self) -> Option<String> {
        let weak = if self.strong { "" } else { "W/" };
        self.tag.as_ref().map(|tag| format!("{weak}{tag}"))
    }

    /// The `Last-Modified` field value.
    pub fn last_modified(&self) -> Option<String> {
        self.modified.map(httpdate::fmt_http_date)
    }

    /// Decides on the conditions of a GET or HEAD request, in the order of RFC 9110 §13.2.2.
    pub fn judge(&self, fields: &HeaderMap) -> Verdict {
        if fields.contains_key(IF_MATCH) {
            let strong = |weak: bool, tag: &[u8]| self.strong && !weak && self.is_tag(tag);
            if !self.any_tag(fields, &IF_MATCH, strong) {
                return Verdict::Failed;
            }
        } else if let (Some(limit), Some(modified)) =
            (date(fields, &IF_UNMODIFIED_SINCE), self.modified)
            && modified > limit
        {
            return Verdict::Failed;
        }
        if fields.contains_key(IF_NONE_MATCH) {
            if self.any_tag(fields, &IF_NONE_MATCH, |_, tag| self.is_tag(tag)) {
                return Verdict::NotModified;
            }
        } else if let (Some(limit), Some(modified)) =
            (date(fields, &IF_MODIFIED_SINCE), self.modified)
            && modified <= limit
        {
            return Verdict::NotModified;
        }
        Verdict::Send
    }

    /// Whether a `Range` may be honoured: no `If-Range`, or one that fits exactly (RFC 9110
    /// §13.1.5).
    ///
    /// Parts of two different states must never be joined, so only strong validators count.
    pub fn range_applies(&self, fields: &HeaderMap) -> bool {
        let mut lines = fields.get_all(IF_RANGE).iter();
        let Some(line) = lines.next() else {
            return true;
        };
        let (Ok(text), None, true) = (line.to_str(), lines.next(), self.strong) else {
            return false;
        };
        match httpdate::parse_http_date(text) {
            Ok(limit) => self.modified == Some(limit),
            Err(_) => self.is_tag(text.trim().as_bytes()),
        }
    }

    /// Whether an opaque tag is this file's.
    fn is_tag(&self, tag: &[u8]) -> bool {
        self.tag.as_deref().map(str::as_bytes) == Some(tag)
    }

    /// Whether a field is `*` or lists a tag that fits (RFC 9110 §13.1.1, §13.1.2).
    fn any_tag(
        &self,
        fields: &HeaderMap,
        name: &HeaderName,
        fits: impl Fn(bool, &[u8]) -> bool,
    ) -> bool {
        fields
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .any(|line| line.trim_ascii() == b"*" || Tags(line).any(|(weak, tag)| fits(weak, tag)))
    }
}

/// The entity tags of a list (RFC 9110 §8.8.3); it ends at the first thing that is none.
struct Tags<'a>(&'a [u8]);

impl<'a> Iterator for Tags<'a> {
    type Item = (bool, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let between = |octet: &u8| matches!(octet, b' ' | b'\t' | b',');
        let begin = self.0.iter().position(|octet| !between(octet))?;
        let rest = self.0.get(begin..)?;
        let (weak, rest) = match rest.strip_prefix(b"W/") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        // Octets, not text: the tags of other servers may have obs-text in them.
        let inside = rest.strip_prefix(b"\"")?;
        let end = inside.iter().position(|&octet| octet == b'"')?;
        let allowed = |octet: &u8| matches!(octet, 0x21 | 0x23..=0x7e | 0x80..);
        if !inside.iter().take(end).all(allowed) {
            return None;
        }
        let (tag, rest) = rest.split_at(end + 2);
        self.0 = rest;
        Some((weak, tag))
    }
}

/// The date in a field; none if it is no date or not alone (RFC 9110 §13.1.3: ignored then).
fn date(fields: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut lines = fields.get_all(name).iter();
    let line = lines.next()?.to_str().ok()?;
    if lines.next().is_some() {
        return None;
    }
    httpdate::parse_http_date(line).ok()
}

/// How long a file must have rested for its validators to be strong: two seconds, twice the grain
/// of the coarsest date (`Last-Modified`, and the clock of some file systems).
const RESTED: Duration = Duration::from_secs(2);

/// The first second that HTTP dates cannot express, four digits being all they have for the year.
const YEAR_10000: u64 = 253_402_300_800;
