//! The shared options of the client as clap reads them.

use clap::Parser;

use super::*;
use crate::quantity::TimeLimit;

/// A command of nothing but these options.
#[derive(Debug, Parser)]
struct Only {
    /// The options.
    #[command(flatten)]
    client: ClientArgs,
}

/// Reads options.
fn read(words: &[&str]) -> Result<ClientArgs, String> {
    let words = ["sealane"].iter().chain(words);
    let read = Only::try_parse_from(words);
    read.map(|only| only.client)
        .map_err(|error| error.to_string())
}

#[test]
fn fields_keep_order_repeats_and_octets() {
    let args = read(&[
        "-H",
        "X-A:  one two \t",
        "--header=x-a:",
        "-H",
        "B: gr\u{fc}n:x",
    ])
    .unwrap();
    let fields: Vec<_> = args
        .fields
        .iter()
        .map(|field| (field.name.as_str(), field.value.as_bytes()))
        .collect();
    let wanted: [(&str, &[u8]); 3] = [
        ("x-a", b"one two"),
        ("x-a", b""),
        ("b", "gr\u{fc}n:x".as_bytes()),
    ];
    assert_eq!(fields, wanted);
    assert_eq!(args.fields[0].spelled, "X-A");
}

#[test]
fn fields_that_would_break_out_are_refused() {
    for (text, wanted) in [
        ("X", "has no colon"),
        (": v", "is no field name"),
        ("a b: v", "is no field name"),
        ("X: a\r\nEvil: b", "control characters"),
        ("X: \0", "control characters"),
    ] {
        let said = read(&["-H", text]).unwrap_err();
        assert!(said.contains(wanted), "{text:?}: {said}");
    }
}

#[test]
fn options_that_cannot_be_meant_together() {
    for words in [
        &["-s", "-v"][..],
        &["--cert", "c.pem"],
        &["--key", "k.pem"],
        &["--cacert", "a.pem", "--data-dir", "d"],
        &["--timeout", "5"],
        &["--max-time", "1"],
        &["--max-redirs", "3"],
    ] {
        assert!(read(words).is_err(), "{words:?}");
    }
    let args = read(&["-ivfk", "--timeout", "off", "--connect-timeout=500ms"]).unwrap();
    assert!(args.shown.include && args.shown.verbose && args.shown.fail && args.insecure);
    assert_eq!(args.limits.timeout, Some(TimeLimit(None)));
}

#[test]
fn the_defaults_told_are_the_library_s() {
    // The library says its defaults in one table, and shows no others.
    let table = include_str!("../../../../sealane/src/client/options.rs");
    for told in [
        "| `connect_timeout` | 10 s |",
        "| `handshake_timeout` | 10 s |",
        "| `head_timeout` | 300 s |",
        "| `inactivity_timeout` | 300 s |",
    ] {
        assert!(table.contains(told), "{told}");
    }
    let help = <Only as clap::CommandFactory>::command()
        .render_long_help()
        .to_string();
    for told in ["[default: 10s]", "[default: 300s]"] {
        assert!(help.contains(told), "{told}: {help}");
    }
}
