//! Heads and connections as text: what `-i` and `-v` print.
//!
//! Pure: facts in, text out. Every octet of the peer is escaped.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use http::Response;
use sealane::{ConnectionInfo, Information, RawFields};

use crate::fetch::facts::Facts;
use crate::terminal::visible;

#[cfg(test)]
mod tests;

/// The status line and the field lines of a response, in their order and letter case, with the
/// blank line after them.
pub(super) fn head<B>(response: &Response<B>) -> String {
    let mut out = String::new();
    let mut put = |name: &[u8], value: &[u8]| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}: {}", octets(name), octets(value));
    };
    let line = match response.extensions().get::<RawFields>() {
        Some(raw) => {
            raw.iter().for_each(|(name, value)| put(name, value));
            octets(raw.start_line())
        }
        None => {
            for (name, value) in response.headers() {
                put(name.as_str().as_bytes(), value.as_bytes());
            }
            format!("{:?} {}", response.version(), status(response))
        }
    };
    format!("{line}\n{out}\n")
}

/// The status code with its usual phrase, for messages of ours: what phrase a server sends has no
/// meaning (RFC 9112 §4).
pub(super) fn status<B>(response: &Response<B>) -> String {
    let status = response.status();
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_str()),
        None => status.as_str().to_owned(),
    }
}

/// What is known of the connection that brought a response, line by line.
pub(super) fn connection(info: &ConnectionInfo) -> String {
    let address = |address: Option<SocketAddr>| match address {
        Some(address) => address.to_string(),
        None => "an unknown address".to_owned(),
    };
    let tls = info.tls();
    let kind = if info.reused() { "reused" } else { "new" };
    let session = if tls.resumed() { "resumed" } else { "new" };
    let trusted = match tls.authorization_error() {
        _ if tls.authorized() => "yes".to_owned(),
        Some(code) => format!("no: {code}"),
        None => "no".to_owned(),
    };
    format!(
        "* connection: {kind}, {} {}, from {}\n\
         * TLS: {}, {}, {}, ALPN {}, session {session}\n\
         * authorized: {trusted}",
        match info.timings().proxy {
            Some(_) => "through a proxy at",
            None => "to",
        },
        address(info.remote_addr()),
        address(info.local_addr()),
        tls.protocol(),
        tls.cipher(),
        tls.group().unwrap_or("no key exchange"),
        visible(tls.alpn().unwrap_or("none")),
    )
}

/// An interim response, in a line.
pub(super) fn interim(information: &Information) -> String {
    let status = information.status();
    let reason = status.canonical_reason().unwrap_or_default();
    format!("* interim: {} {reason}", status.as_str())
}

/// A length of time in milliseconds, to the microsecond.
pub(super) fn milliseconds(length: Duration) -> String {
    format!(
        "{}.{:03} ms",
        length.as_millis(),
        length.subsec_micros() % 1000
    )
}

/// What the time of a transfer went into.
pub(super) fn timings(facts: &Facts) -> String {
    let mut parts = Vec::new();
    let mut told = |name: &str, length: Duration| {
        parts.push(format!("{name} {}", milliseconds(length)));
    };
    if facts.redirects > 0 {
        told("redirects", facts.redirected_after);
    }
    let before = facts.opening();
    for (name, length) in &before {
        told(name, *length);
    }
    if let Some(head) = facts.head_after {
        let opened: Duration = before.into_iter().map(|(_, length)| length).sum();
        let waited = head.saturating_sub(facts.redirected_after);
        told("waiting", waited.saturating_sub(opened));
        told("body", facts.whole_after.saturating_sub(head));
    }
    parts.push(format!("all {}", milliseconds(facts.whole_after)));
    format!("* time: {}", parts.join(", "))
}

/// Octets of a field line for people: text where it is text, escaped where it is not.
pub(super) fn octets(octets: &[u8]) -> String {
    let mut out = String::with_capacity(octets.len());
    for part in octets.utf8_chunks() {
        let text: Cow<'_, str> = visible(part.valid());
        out.push_str(&text);
        for octet in part.invalid() {
            let _ = write!(out, "\\x{octet:02x}");
        }
    }
    out
}
