//! The table of subcommands and its help.

use clap::CommandFactory;

use super::*;

#[test]
fn the_table_of_options_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn help_fits_and_tells_the_defaults() {
    let mut command = Cli::command();
    command.build();
    for name in ["serve", "echo"] {
        let help = command
            .find_subcommand_mut(name)
            .unwrap()
            .render_long_help()
            .to_string();
        for word in [
            "[default: 8443]",
            "[default: 16KiB]",
            "Examples:",
            "SEALANE_DATA_DIR",
            "--max-headers-count",
        ] {
            assert!(help.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn the_help_of_clients_tells_defaults_limits_and_exit_codes() {
    let mut command = Cli::command();
    command.build();
    let mut said = |name: &str, words: &[&str]| {
        let subcommand = command.find_subcommand_mut(name).unwrap();
        let help = subcommand.render_long_help().to_string();
        // Lines are broken where the terminal ends.
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(help.contains(word), "{name}: {word}: {help}");
        }
    };
    let both = [
        "Examples:",
        "[default: 10s]",
        "[default: 300s]",
        "SEALANE_DATA_DIR",
        "Redirects are followed with --location",
        "[default: 20]",
        "--max-time",
        "No other scheme is spoken",
        "Exit codes: 0",
        "4 the response was cut, malformed or missing",
        "130",
    ];
    said("get", &both);
    said("request", &both);
    said(
        "request",
        &[
            "[default: GET, POST with --data, PUT with --upload-file]",
            "@FILE",
        ],
    );
    said(
        "cert",
        &[
            "Examples:",
            "[default: 365]",
            "never overwritten",
            "Exit codes:",
        ],
    );
    said(
        "inspect",
        &[
            "HOST[:PORT]",
            "Examples:",
            "[default: 10s]",
            "GET / with Connection: close",
            "of which only host and port count",
            "3 no connection, TLS failed, or the server cannot prove who it is",
            "130",
        ],
    );
    said("serve", &["Nothing outside the folder can be reached"]);
    said("echo", &["METHOD TARGET LENGTH"]);
}

#[test]
fn arguments_are_not_repeated_raw() {
    for words in [
        &["serve", "--no\x07\u{202e}"][..],
        &["\x07\u{202e}serve"],
        &["echo", "--addr", "\x07\u{202e}"],
        &["echo", "--addr", "\x07\u{202e}:80"],
        &["echo", "--max-headers-count", "\x07\u{202e}\r"],
        &["echo", "--headers-timeout", "5\x07\u{202e}"],
        &["get", "-H", "\x07\u{202e}", "u"],
        &["get", "-H", "\x07\u{202e}: x", "u"],
        &["get", "-H", "x: \x07\u{202e}", "u"],
        &["request", "-X", "\x07\u{202e}", "u"],
        &["inspect", "\x07\u{202e} a"],
        &["inspect", "--tls-min", "\x07\u{202e}", "a"],
        &["cert", "\x07\u{202e}"],
        &["cert", "a.\x07\u{202e}"],
    ] {
        let words = ["sealane"].iter().chain(words);
        let said = harmless(&Cli::try_parse_from(words).unwrap_err());
        assert!(
            said.starts_with("error: ") && said.contains("\nFor more"),
            "{said}"
        );
        let raw = |letter: char| letter.is_control() && letter != '\n';
        assert!(!said.contains(raw), "{said:?}");
        assert!(said.contains("\\u{202e}"), "{said}");
    }
}

#[test]
fn subcommands_and_options_are_not_abbreviated() {
    for words in [
        &["sealane", "ser"][..],
        &["sealane", "serve", "--head", "5s"],
        &["sealane", "server"],
    ] {
        assert!(Cli::try_parse_from(words).is_err(), "{words:?}");
    }
}
