//! A report for people: who the server is, what TLS agreed on, what is wrong, the chain.
//!
//! Pure: facts in, text out. Every text of the peer is escaped here.

mod chain;

use std::fmt::Write;

use crate::inspect::paint::{Meaning, Paint};
use crate::inspect::report::Report;
use crate::terminal::visible;

/// The whole report.
pub(super) fn text(report: &Report, paint: Paint) -> String {
    let mut out = title(report, paint);
    out.push('\n');
    for (label, value) in rows(report, paint) {
        let label = paint.text(Meaning::Label, &format!("{label:WIDTH$}"));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {label}{value}");
    }
    if let Some(told) = &report.diagnosis {
        out.push('\n');
        out.push_str(&diagnosis(&told.text, paint));
    }
    if !report.chain.is_empty() {
        out.push('\n');
        out.push_str(&chain::text(report, paint));
    }
    out
}

/// The first line: which server this is.
fn title(report: &Report, paint: Paint) -> String {
    let host = match report.host.contains(':') {
        true => format!("[{}]:{}", report.host, report.port),
        false => format!("{}:{}", report.host, report.port),
    };
    let title = paint.text(Meaning::Title, &visible(&host));
    match &report.address {
        Some(address) if *address != host => format!("{title} at {address}\n"),
        _ => format!("{title}\n"),
    }
}

/// What TLS agreed on, each with its name.
fn rows(report: &Report, paint: Paint) -> Vec<(&'static str, String)> {
    let tls = &report.tls;
    let suite = match tls.cipher == tls.standard_cipher {
        true => tls.cipher.clone(),
        false => format!("{} ({})", tls.cipher, tls.standard_cipher),
    };
    let mut rows = vec![("Trusted", trusted(report, paint))];
    match report.pinned {
        None => {}
        Some(true) => rows.push(("Pinned", paint.text(Meaning::Good, "yes"))),
        Some(false) => {
            let no = paint.text(Meaning::Bad, "no");
            let why = visible(report.pin_report.as_deref().unwrap_or_default());
            rows.push(("Pinned", format!("{no}: {why}")));
        }
    }
    // A server that was asked for another name than its host's gets a line for that.
    if let Some(name) = report.servername.as_deref()
        && name != report.host
    {
        rows.push(("Asked as", visible(name).into_owned()));
    }
    rows.extend([
        ("Protocol", tls.protocol.clone()),
        ("Suite", suite),
        ("Group", tls.group.as_deref().unwrap_or("none").to_owned()),
        (
            "ALPN",
            visible(tls.alpn.as_deref().unwrap_or("none")).into_owned(),
        ),
        ("Resumption", resumption(report, paint)),
        ("OCSP", ocsp(report)),
    ]);
    rows
}

/// Whether the server is believed, in one line.
fn trusted(report: &Report, paint: Paint) -> String {
    if report.authorized {
        let name = report.servername.as_deref().unwrap_or(&report.host);
        let yes = paint.text(Meaning::Good, "yes");
        return format!("{yes}, as {}", visible(name));
    }
    let no = paint.text(Meaning::Bad, "no");
    match &report.authorization_error {
        Some(code) => format!("{no}: {}", visible(code)),
        None => no,
    }
}

/// Whether the second connection resumed.
fn resumption(report: &Report, paint: Paint) -> String {
    match (&report.resumption.resumed, &report.resumption.error) {
        (Some(true), _) => "yes, a second connection took up the session".to_owned(),
        (Some(false), _) => "no, a second connection began anew".to_owned(),
        (None, why) => {
            let why = visible(why.as_deref().unwrap_or("not tried"));
            let unknown = paint.text(Meaning::Warning, "unknown");
            format!("{unknown}, a second connection failed: {why}")
        }
    }
}

/// What is known of the certificate's status.
fn ocsp(report: &Report) -> String {
    let ocsp = &report.ocsp;
    let stapled = match ocsp.stapled {
        true => format!("stapled, {} octets (not checked)", ocsp.length),
        false => "nothing stapled".to_owned(),
    };
    match ocsp.responders.as_slice() {
        [] => format!("{stapled}; the certificate names no responder"),
        all => {
            let all: Vec<_> = all.iter().map(|place| visible(place)).collect();
            format!("{stapled}; responder {}", all.join(", "))
        }
    }
}

/// The library's words for what is wrong, with their first line in colour.
fn diagnosis(text: &str, paint: Paint) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (index, line) in text.lines().enumerate() {
        let line = visible(line);
        match (index, line.split_once(": ")) {
            (0, _) => out.push_str(&paint.text(Meaning::Bad, &line)),
            (_, Some((label, said))) => {
                out.push_str(&paint.text(Meaning::Label, &format!("{label}:")));
                let _ = write!(out, " {said}");
            }
            (_, None) => out.push_str(&line),
        }
        out.push('\n');
    }
    out
}

/// How wide the names of the rows are, with the space behind them.
const WIDTH: usize = "Resumption".len() + 2;
