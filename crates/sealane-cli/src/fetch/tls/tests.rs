//! Pins and versions as clap reads them.

use clap::Parser;

use super::*;
use crate::parameters::Version;

/// A command of nothing but these options.
#[derive(Debug, Parser)]
struct Only {
    /// The options.
    #[command(flatten)]
    tls: TlsArgs,
}

/// Reads options.
fn read(words: &[&str]) -> Result<TlsArgs, String> {
    let words = ["sealane"].iter().chain(words);
    let read = Only::try_parse_from(words);
    read.map(|only| only.tls).map_err(|error| error.to_string())
}

#[test]
fn pins_are_of_keys_or_of_certificates() {
    let key = "SIXvRyDmBJSgatgTQRGbInBaAK+hZOQ18UmrSwnDlK8=";
    let hexadecimal = "ab".repeat(32);
    let colons = ["AB"; 32].join(":");
    let args = read(&[
        "--pin",
        key,
        "--pin",
        &format!("sha256//{key}"),
        "--pin",
        &hexadecimal,
        "--pin",
        &colons,
    ]);
    let pins = args.unwrap().pins;
    assert_eq!(pins[0], pins[1]);
    assert_eq!(pins[2], pins[3]);
    assert_ne!(pins[0], pins[2]);
    for wrong in ["", "sha256//", "sha1//AAAA", "AB:CD", "\x07"] {
        let said = read(&["--pin", wrong]).unwrap_err();
        assert!(
            said.contains("--pin") && !said.contains("option pins"),
            "{said}"
        );
    }
}

#[test]
fn options_that_need_or_exclude_each_other() {
    for words in [
        &["--allow-partial-chain"][..],
        &["--pfx", "a", "--cert", "b", "--key", "c"],
        &["--tls-min", "1.1"],
        &["--tls-max", "1.4"],
    ] {
        assert!(read(words).is_err(), "{words:?}");
    }
    let args = read(&[
        "--tls-min",
        "1.2",
        "--tls-max=1.3",
        "--passphrase-file",
        "-",
    ])
    .unwrap();
    assert!(args.takes_standard_input());
    let versions = (args.parameters.tls_min, args.parameters.tls_max);
    assert_eq!(versions, (Some(Version::Tls12), Some(Version::Tls13)));
}
