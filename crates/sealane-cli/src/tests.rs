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
fn arguments_are_not_repeated_raw() {
    for words in [
        &["serve", "--no\x07\u{202e}"][..],
        &["\x07\u{202e}serve"],
        &["echo", "--addr", "\x07\u{202e}"],
        &["echo", "--addr", "\x07\u{202e}:80"],
        &["echo", "--max-headers-count", "\x07\u{202e}\r"],
        &["echo", "--headers-timeout", "5\x07\u{202e}"],
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
