//! Texts of the library with flags in them.

use super::*;

#[test]
fn options_are_named_by_their_flags() {
    for (text, wanted) in [
        ("option ciphers: nothing left", "--ciphers: nothing left"),
        ("option ecdh_curve: a: b", "--curves: a: b"),
        ("at x: option key: damaged", "at x: --key: damaged"),
        ("option other: y", "option other: y"),
        ("no option at all", "no option at all"),
    ] {
        assert_eq!(of(text), wanted);
    }
}

#[test]
fn limits_are_named_by_their_flags_wherever_they_stand() {
    for (text, wanted) in [
        ("timeout is 0ns", "--timeout is 0ns"),
        (
            "headers_timeout (2s) must not be longer than request_timeout (1s)",
            "--headers-timeout (2s) must not be longer than --request-timeout (1s)",
        ),
        (
            "a timeouts é max_connections",
            "a timeouts é --max-connections",
        ),
        ("option --timeout: no", "option --timeout: no"),
        (
            "max_connections_per_address",
            "--max-connections-per-address",
        ),
    ] {
        assert_eq!(named(text), wanted);
    }
}
