//! `--write-out`: facts of a transfer in a format of the caller's, for scripts.
//!
//! The names are curl's where they mean the same, so that scripts go on working; a name that is not
//! known is refused before anything is sent. Text of the peer is escaped like everywhere.

use std::fmt::Write;
use std::time::Duration;

use crate::fetch::facts::{Answer, CONNECT, Facts, LOOKUP, TLS};

#[cfg(test)]
mod tests;

/// A format that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format(Vec<Part>);

/// A part of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Text as it is.
    Text(String),
    /// The fact of this place in the table.
    Fact(usize),
}

/// Reads a format: text, `%{name}`, `%%`, and `\n`, `\r`, `\t`, `\\`.
///
/// # Errors
/// A text that says what cannot be read.
pub fn format(text: &str) -> Result<Format, String> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some('t') => plain.push('\t'),
                Some('\\') => plain.push('\\'),
                other => {
                    let other = other.map_or_else(String::new, |it| it.escape_debug().to_string());
                    return Err(format!("\\{other} is none of \\n, \\r, \\t and \\\\"));
                }
            },
            '%' => match letters.next() {
                Some('%') => plain.push('%'),
                Some('{') => {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                    let rest = letters.as_str();
                    let Some((name, behind)) = rest.split_once('}') else {
                        return Err("a %{ has no }".to_owned());
                    };
                    parts.push(Part::Fact(place(name)?));
                    letters = behind.chars();
                }
                _ => return Err("a % stands alone: write %{name}, or %% for itself".to_owned()),
            },
            other => plain.push(other),
        }
    }
    parts.push(Part::Text(plain));
    Ok(Format(parts))
}

/// The place of a name in the table.
fn place(name: &str) -> Result<usize, String> {
    let found = FACTS.iter().position(|(known, _)| *known == name);
    found.ok_or_else(|| {
        let known: Vec<_> = FACTS.iter().map(|(name, _)| *name).collect();
        let name = name.escape_debug();
        format!("%{{{name}}} is not known; known are {}", known.join(", "))
    })
}

impl Format {
    /// Fills it with facts.
    pub(super) fn filled(&self, facts: &Facts) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Fact(place) => {
                    if let Some((_, tell)) = FACTS.get(*place) {
                        // Writing to a string cannot fail.
                        let _ = tell(facts, &mut out);
                    }
                }
            }
        }
        out
    }
}

/// Writes one fact.
type Tell = fn(&Facts, &mut String) -> std::fmt::Result;

/// What can be told.
const FACTS: &[(&str, Tell)] = &[
    ("content_type", |facts, out| {
        out.write_str(
            answer(facts)
                .and_then(|it| it.media.as_deref())
                .unwrap_or(""),
        )
    }),
    ("errormsg", |facts, out| {
        out.write_str(facts.failure.as_ref().map_or("", |(_, text)| text))
    }),
    ("exitcode", |facts, out| {
        write!(
            out,
            "{}",
            facts.failure.as_ref().map_or(0, |(code, _)| *code)
        )
    }),
    ("http_code", code),
    ("http_version", |facts, out| match answer(facts) {
        Some(answer) => {
            let version = format!("{:?}", answer.version);
            out.write_str(version.trim_start_matches("HTTP/"))
        }
        None => out.write_str("0"),
    }),
    ("local_ip", |facts, out| end(facts, out, false, true)),
    ("local_port", |facts, out| end(facts, out, false, false)),
    ("method", |facts, out| out.write_str(&facts.method)),
    ("num_connects", |facts, out| write!(out, "{}", facts.opened)),
    ("num_redirects", |facts, out| {
        write!(out, "{}", facts.redirects)
    }),
    ("redirect_url", |facts, out| {
        out.write_str(
            answer(facts)
                .and_then(|it| it.location.as_deref())
                .unwrap_or(""),
        )
    }),
    ("remote_ip", |facts, out| end(facts, out, true, true)),
    ("remote_port", |facts, out| end(facts, out, true, false)),
    ("response_code", code),
    ("scheme", |_, out| out.write_str("https")),
    ("size_download", |facts, out| {
        write!(out, "{}", facts.received)
    }),
    ("size_upload", |facts, out| write!(out, "{}", facts.sent)),
    ("speed_download", |facts, out| {
        speed(out, facts.received, facts.whole_after)
    }),
    ("speed_upload", |facts, out| {
        speed(out, facts.sent, facts.whole_after)
    }),
    ("ssl_verify_result", |facts, out| {
        let connection = answer(facts).and_then(|it| it.connection.as_ref());
        let code = connection.map_or(facts.refused, |info| match info.tls().authorized() {
            true => None,
            false => Some(info.tls().authorization_error().map_or(1, verify_result)),
        });
        write!(out, "{}", code.unwrap_or(0))
    }),
    ("time_appconnect", |facts, out| {
        time(out, facts.opened_after(TLS))
    }),
    ("time_connect", |facts, out| {
        time(out, facts.opened_after(CONNECT))
    }),
    ("time_namelookup", |facts, out| {
        time(out, facts.opened_after(LOOKUP))
    }),
    ("time_pretransfer", |facts, out| {
        time(out, facts.opened_after(TLS).max(facts.redirected_after))
    }),
    ("time_redirect", |facts, out| {
        time(out, facts.redirected_after)
    }),
    ("time_starttransfer", |facts, out| {
        time(out, facts.head_after.unwrap_or_default())
    }),
    ("time_total", |facts, out| time(out, facts.whole_after)),
    ("url", |facts, out| out.write_str(&facts.asked)),
    ("url_effective", |facts, out| out.write_str(&facts.url)),
];

/// The last response.
fn answer(facts: &Facts) -> Option<&Answer> {
    facts.answer.as_ref()
}

/// The status, three digits in any case.
fn code(facts: &Facts, out: &mut String) -> std::fmt::Result {
    write!(
        out,
        "{:03}",
        answer(facts).map_or(0, |it| it.status.as_u16())
    )
}

/// One end of the connection: its address, or its port.
fn end(facts: &Facts, out: &mut String, remote: bool, address: bool) -> std::fmt::Result {
    let info = answer(facts).and_then(|it| it.connection.as_ref());
    let end = info.and_then(|info| {
        if remote {
            info.remote_addr()
        } else {
            info.local_addr()
        }
    });
    match end {
        Some(end) if address => write!(out, "{}", end.ip()),
        Some(end) => write!(out, "{}", end.port()),
        None if address => Ok(()),
        None => out.write_str("0"),
    }
}

/// Seconds, with microseconds behind the point.
fn time(out: &mut String, length: Duration) -> std::fmt::Result {
    write!(out, "{}.{:06}", length.as_secs(), length.subsec_micros())
}

/// Octets in each second.
fn speed(out: &mut String, octets: u64, length: Duration) -> std::fmt::Result {
    let nanoseconds = length.as_nanos().max(1);
    write!(out, "{}", u128::from(octets) * 1_000_000_000 / nanoseconds)
}

/// The number that OpenSSL has for a refused certificate; 1 where it has none.
pub(super) fn verify_result(code: &str) -> u8 {
    let found = VERIFY.iter().find(|(name, _)| *name == code);
    found.map_or(1, |(_, number)| *number)
}

/// Whether an error says that a certificate was refused.
pub(super) fn is_verify_code(code: &str) -> bool {
    VERIFY.iter().any(|(name, _)| *name == code)
}

/// Names of the module for refused certificates, and OpenSSL's numbers (`X509_V_ERR_…`).
const VERIFY: &[(&str, u8)] = &[
    ("UNABLE_TO_GET_ISSUER_CERT", 2),
    ("UNABLE_TO_GET_CRL", 3),
    ("CERT_SIGNATURE_FAILURE", 7),
    ("CRL_SIGNATURE_FAILURE", 8),
    ("CERT_NOT_YET_VALID", 9),
    ("CERT_HAS_EXPIRED", 10),
    ("CRL_NOT_YET_VALID", 11),
    ("CRL_HAS_EXPIRED", 12),
    ("DEPTH_ZERO_SELF_SIGNED_CERT", 18),
    ("SELF_SIGNED_CERT_IN_CHAIN", 19),
    ("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", 20),
    ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", 21),
    ("CERT_CHAIN_TOO_LONG", 22),
    ("CERT_REVOKED", 23),
    ("INVALID_CA", 24),
    ("PATH_LENGTH_EXCEEDED", 25),
    ("INVALID_PURPOSE", 26),
    ("CERT_UNTRUSTED", 27),
    ("CERT_REJECTED", 28),
    ("ERR_TLS_CERT_ALTNAME_INVALID", 62),
];
