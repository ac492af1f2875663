//! Whether octets that are here already can be gone on with (RFC 9110 §14, §13.1.5).
//!
//! Pure: what is known of them and a response in, a verdict out. In doubt the answer is no: a file
//! of two halves that never belonged together is worse than a second download.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use httpdate::parse_http_date;
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// What is here already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// How many octets.
    pub(super) length: u64,
    /// What is known of where they come from; nothing of a file that we did not write.
    pub(super) known: Option<Known>,
    /// When the last of them was written.
    pub(super) written: SystemTime,
}

/// What a response said of the content that its octets belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// The digest of the URL that was asked: what is in it may be secret.
    pub(super) of: String,
    /// A validator that proves that nothing has changed: an entity tag or a date.
    pub(super) validator: Option<String>,
    /// The length of the whole.
    pub(super) total: Option<u64>,
}

/// What becomes of the octets that are here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The body goes on behind them; all together are so many.
    Append(u64),
    /// The body is the whole, and takes their place; why, where somebody may wonder.
    Anew(Option<&'static str>),
    /// They are worth nothing, so the whole has to be asked for.
    Again(&'static str),
    /// They are the whole.
    Complete,
    /// The response is none that says anything about them.
    Other,
}

impl Kept {
    /// The fields that ask for the rest.
    pub(super) fn fields(&self) -> Vec<(HeaderName, HeaderValue)> {
        if self.length == 0 {
            return Vec::new();
        }
        let mut fields = Vec::new();
        if let Ok(range) = HeaderValue::try_from(format!("bytes={}-", self.length)) {
            fields.push((header::RANGE, range));
        }
        if let Some(Ok(validator)) = self.validator().map(HeaderValue::try_from) {
            fields.push((header::IF_RANGE, validator));
        }
        fields
    }

    /// Judges a response to a request with those fields.
    ///
    /// # Errors
    /// A text that says what is wrong with it.
    pub(super) fn judge(&self, status: StatusCode, fields: &HeaderMap) -> Result<Verdict, String> {
        match status {
            StatusCode::OK if self.length == 0 => Ok(Verdict::Anew(None)),
            StatusCode::OK if self.known.is_some() => Ok(Verdict::Anew(Some(
                "it has changed there, or the server gives no parts",
            ))),
            StatusCode::OK => Ok(Verdict::Anew(Some("the server gives no parts of it"))),
            StatusCode::PARTIAL_CONTENT if self.length == 0 => {
                Err("a part was sent, and nobody had asked for one".to_owned())
            }
            StatusCode::PARTIAL_CONTENT => self.part(fields),
            StatusCode::RANGE_NOT_SATISFIABLE if self.length > 0 => self.beyond(fields),
            _ => Ok(Verdict::Other),
        }
    }

    /// Judges a part.
    fn part(&self, fields: &HeaderMap) -> Result<Verdict, String> {
        let Some(range) = content_range(fields) else {
            return Err("a part was sent, and Content-Range does not say which".to_owned());
        };
        let Some((first, last)) = range.ends else {
            return Err("a part was sent, and Content-Range says that there is none".to_owned());
        };
        if first != self.length {
            return Err(format!(
                "the part that was sent begins at octet {first}, and {} was asked for",
                self.length
            ));
        }
        let Some(total) = range.total else {
            return Err("a part was sent, and not how long the whole is".to_owned());
        };
        if last < first || last >= total {
            return Err(format!(
                "the part that was sent is said to be octets {first} to {last} of {total}"
            ));
        }
        if self.is_other(fields) || self.total().is_some_and(|known| known != total) {
            return Ok(Verdict::Again(CHANGED));
        }
        if self.lacks_tag(fields) {
            return Ok(Verdict::Again(
                "the server does not say that it is the same",
            ));
        }
        if self.is_older(fields) {
            return Ok(Verdict::Again(
                "it has changed there since the file was written",
            ));
        }
        Ok(Verdict::Append(total))
    }

    /// Judges the answer that there is nothing behind what is here.
    fn beyond(&self, fields: &HeaderMap) -> Result<Verdict, String> {
        let Some(total) = content_range(fields).and_then(|range| range.total) else {
            return Err("there is nothing from here on, and not how long the whole is".to_owned());
        };
        let changed = self.is_other(fields) || self.total().is_some_and(|known| known != total);
        if total != self.length || changed || self.is_older(fields) {
            return Ok(Verdict::Again(CHANGED));
        }
        Ok(Verdict::Complete)
    }

    /// The length of the whole, as an earlier response said it.
    fn total(&self) -> Option<u64> {
        self.known.as_ref()?.total
    }

    /// Whether a response says by its validator that it is of other content.
    fn is_other(&self, fields: &HeaderMap) -> bool {
        let Some(known) = self.validator() else {
            return false;
        };
        let name = match known.starts_with('"') {
            true => header::ETAG,
            false => header::LAST_MODIFIED,
        };
        let said = fields.get(name);
        said.is_some_and(|said| said.as_bytes() != known.as_bytes())
    }

    /// Whether a part does not say the entity tag that is known: it has to (RFC 9110 §15.3.7), so
    /// who leaves it out may not have looked at If-Range either.
    fn lacks_tag(&self, fields: &HeaderMap) -> bool {
        let tagged = self.validator().is_some_and(|it| it.starts_with('"'));
        tagged && !fields.contains_key(header::ETAG)
    }

    /// What vouches for the octets that are here.
    fn validator(&self) -> Option<&str> {
        self.known.as_ref()?.validator()
    }

    /// Whether a response is of content that is younger than the file, of which no more is known.
    fn is_older(&self, fields: &HeaderMap) -> bool {
        let changed = date(fields, &header::LAST_MODIFIED);
        self.validator().is_none() && changed.is_some_and(|changed| changed > self.written)
    }
}

impl Known {
    /// What a response says of its content, asked for by a URL of this digest.
    pub(super) fn of(digest: &str, total: Option<u64>, fields: &HeaderMap) -> Self {
        Self {
            of: digest.to_owned(),
            validator: validator(fields),
            total,
        }
    }

    /// What proves that nothing has changed. What a file of ours says has been checked once; but
    /// somebody may have edited it.
    pub(super) fn validator(&self) -> Option<&str> {
        let validator = self.validator.as_deref()?;
        let strong = is_strong_tag(validator) || parse_http_date(validator).is_ok();
        (strong && HeaderValue::try_from(validator).is_ok()).then_some(validator)
    }
}

/// Whether this is an entity tag of which equal ones mean equal octets (RFC 9110 §8.8.3.2).
fn is_strong_tag(text: &str) -> bool {
    text.len() > 2 && text.starts_with('"') && text.ends_with('"')
}

/// What proves that content is the same to the last octet (RFC 9110 §8.8.1: a strong validator).
fn validator(fields: &HeaderMap) -> Option<String> {
    let text = |name| {
        let value = fields.get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    if let Some(tag) = text(header::ETAG) {
        // A weak one is none, and where there is one its date is no better.
        return Some(tag).filter(|tag| is_strong_tag(tag));
    }
    // RFC 9110 §8.8.2.2: within the same second content may change once more.
    let changed = date(fields, &header::LAST_MODIFIED)?;
    let sent = date(fields, &header::DATE)?;
    let strong = sent.duration_since(changed).ok()? >= Duration::from_secs(1);
    strong.then(|| text(header::LAST_MODIFIED)).flatten()
}

/// A date of a field.
fn date(fields: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    parse_http_date(fields.get(name)?.to_str().ok()?).ok()
}

/// What Content-Range says.
struct Range {
    /// The first and the last octet; nothing when no part is sent.
    ends: Option<(u64, u64)>,
    /// The length of the whole, if it is known.
    total: Option<u64>,
}

/// Reads Content-Range (RFC 9110 §14.4), of which there must be one.
fn content_range(fields: &HeaderMap) -> Option<Range> {
    let mut values = fields.get_all(header::CONTENT_RANGE).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (unit, rest) = value.split_once(' ')?;
    let (ends, total) = rest.split_once('/')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let total = match total {
        "*" => None,
        total => Some(number(total)?),
    };
    let ends = match ends {
        "*" => None,
        ends => {
            let (first, last) = ends.split_once('-')?;
            Some((number(first)?, number(last)?))
        }
    };
    Some(Range { ends, total })
}

/// Reads a number of digits alone.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// Why octets are worth nothing.
const CHANGED: &str = "it has changed there";
