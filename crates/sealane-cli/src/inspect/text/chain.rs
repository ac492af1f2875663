//! The chain for people, in the form in which the module's pinning example prints it.
//!
//! The first three lines of a certificate are that example's, letter by letter and value by value;
//! what is behind them is ours.

use std::borrow::Cow;
use std::fmt::Write;

use time::OffsetDateTime;

use crate::inspect::paint::{Meaning, Paint};
use crate::inspect::report::{Certificate, Key, Name, Report};
use crate::terminal::visible;

#[cfg(test)]
mod tests;

/// All certificates, the server's own first.
pub(super) fn text(report: &Report, paint: Paint) -> String {
    let mut out = String::new();
    let last = report.chain.len().saturating_sub(1);
    for (index, certificate) in report.chain.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let subject = visible(certificate.subject.common_name().unwrap_or("(none)"));
        let subject = paint.text(Meaning::Title, &subject);
        let label = paint.text(Meaning::Label, "Subject Common Name:");
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{label} {subject}");
        for (label, value) in lines(certificate, index == last, paint) {
            let label = paint.text(Meaning::Label, &format!("{label}:"));
            let _ = writeln!(out, "  {label} {value}");
        }
    }
    out
}

/// What is told of one certificate, below its common name.
fn lines<'a>(
    of: &'a Certificate,
    is_last: bool,
    paint: Paint,
) -> Vec<(&'static str, Cow<'a, str>)> {
    let mut lines: Vec<(_, Cow<'_, str>)> = vec![(
        "Certificate SHA256 fingerprint",
        (&of.fingerprint256).into(),
    )];
    if let Some(hash) = &of.pubkey_sha256 {
        lines.push(("Public key ping-sha256", hash.into()));
    }
    if !of.spki_sha256.is_empty() {
        lines.push(("Pin", format!("sha256//{}", of.spki_sha256).into()));
    }
    // A common name stands in the first line already.
    if of.subject.common_name().is_none() || of.subject.attributes.len() > 1 {
        lines.push(("Subject", name(&of.subject).into()));
    }
    if !of.names.is_empty() {
        lines.push(("Names", names(&of.names).into()));
    }
    lines.push(("Key", key(&of.key).into()));
    lines.push(("Valid", validity(of, paint).into()));
    if of.self_issued {
        lines.push(("Issuer", "itself".into()));
    } else if is_last {
        let issuer = format!("{}, which was not sent", name(&of.issuer));
        lines.push(("Issuer", issuer.into()));
    }
    lines
}

/// A distinguished name in one line.
fn name(name: &Name) -> String {
    let parts = name.attributes.iter();
    let parts: Vec<_> = parts
        .map(|(name, value)| format!("{}={}", visible(name), visible(value)))
        .collect();
    match parts.is_empty() {
        true => "(empty)".to_owned(),
        false => parts.join(", "),
    }
}

/// Alternative names, as many in a line as fit. The two kinds that a host can have need no word
/// for their kind.
fn names(names: &[String]) -> String {
    let short = |name: &'_ String| {
        let plain = name
            .strip_prefix("DNS:")
            .or_else(|| name.strip_prefix("IP Address:"));
        visible(plain.unwrap_or(name)).into_owned()
    };
    let mut out = String::new();
    let mut column = "  Names: ".len();
    for (index, name) in names.iter().map(short).enumerate() {
        if index > 0 {
            out.push(',');
            column += 1;
            let fits = column + 1 + name.chars().count() < LINE;
            let (gap, width) = if fits { (" ", 1) } else { ("\n         ", 9) };
            out.push_str(gap);
            column = if fits { column + width } else { width };
        }
        column += name.chars().count();
        out.push_str(&name);
    }
    out
}

/// A key in a few words.
fn key(key: &Key) -> String {
    match (key.kind, key.curve, key.bits) {
        (Some(kind), Some(curve), _) => format!("{kind}, {curve}"),
        (Some(kind), None, Some(bits)) => format!("{kind}, {bits} bits"),
        (Some(kind), None, None) => kind.to_owned(),
        (None, ..) => "of a kind that is not known here".to_owned(),
    }
}

/// The days between which it is valid, and what is left of them.
fn validity(of: &Certificate, paint: Paint) -> String {
    let (Some(from), Some(to), Some(left)) = (of.not_before, of.not_after, of.days_left) else {
        return "unreadable".to_owned();
    };
    let (meaning, said) = match (of.begins_in, left) {
        (Some(0), _) => (Meaning::Bad, "begins within a day".to_owned()),
        (Some(days), _) => (Meaning::Bad, format!("begins in {}", counted(days))),
        // The days are rounded down, so that -1 is the first day after the end.
        (None, -1) => (Meaning::Bad, "ended within the last day".to_owned()),
        (None, ..-1) => (Meaning::Bad, format!("ended {} ago", counted(-1 - left))),
        (None, 0) => (Meaning::Warning, "less than a day left".to_owned()),
        (None, 1..SOON) => (Meaning::Warning, format!("{} left", counted(left))),
        (None, SOON..) => (Meaning::Good, format!("{} left", counted(left))),
    };
    format!(
        "{} to {}, {}",
        day(from),
        day(to),
        paint.text(meaning, &said)
    )
}

/// A number of days with its noun.
fn counted(days: i64) -> String {
    match days {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// The day of a second of Unix time.
fn day(second: i64) -> String {
    match OffsetDateTime::from_unix_timestamp(second) {
        Ok(time) => time.date().to_string(),
        Err(_) => "a day beyond the calendar".to_owned(),
    }
}

/// How many columns a line of names may take: a terminal has 80.
const LINE: usize = 80;

/// From how many days on an end is not soon: a week is what it takes to renew by hand.
const SOON: i64 = 7;
