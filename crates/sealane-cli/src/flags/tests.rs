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
