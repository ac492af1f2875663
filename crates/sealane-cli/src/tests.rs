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
fn subcommands_and_options_are_not_abbreviated() {
    for words in [
        &["sealane", "ser"][..],
        &["sealane", "serve", "--head", "5s"],
        &["sealane", "server"],
    ] {
        assert!(Cli::try_parse_from(words).is_err(), "{words:?}");
    }
}
