//! What `--addr` accepts, what it refuses, and what it says about it.

use super::*;

/// Reads an address that must be good.
fn read(text: &str) -> ListenAddress {
    text.parse().expect(text)
}

#[test]
fn a_port_alone_is_both_loopbacks() {
    for text in ["9000", ":9000", "localhost:9000", "LOCALHOST:9000"] {
        assert_eq!(read(text), ListenAddress::Loopback(9000), "{text}");
    }
    assert_eq!(read("0"), ListenAddress::Loopback(0));
}

#[test]
fn exact_addresses() {
    for text in ["127.0.0.1:80", "[::1]:443", "0.0.0.0:0", "[::]:8443"] {
        assert_eq!(
            read(text),
            ListenAddress::Exact(text.parse().unwrap()),
            "{text}"
        );
        assert_eq!(read(text).to_string(), text);
    }
}

#[test]
fn names() {
    assert_eq!(
        read("box.example:443"),
        ListenAddress::Name("box.example".into(), 443)
    );
}

#[test]
fn wrong_ones_are_refused() {
    let wrong = [
        "",
        ":",
        "host",
        "host:",
        "host:x",
        "host:65536",
        "70000",
        "+80",
        ":+80",
        "::1:80",
        "::1",
        "[::1]",
        "a b:80",
        "http://x:80",
        "[::1:80",
        "-1",
        "host:-1",
        "\x1b[m:80",
    ];
    for text in wrong {
        assert!(text.parse::<ListenAddress>().is_err(), "{text:?}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let said = |text: &str| text.parse::<ListenAddress>().unwrap_err();
    assert_eq!(
        said("example.com"),
        "the port is missing: write example.com:8443"
    );
    assert_eq!(said("[::1]"), "the port is missing: write [::1]:8443");
    assert_eq!(said(":99999"), "\"99999\" is no port: 0 to 65535 are");
    assert!(said("fe80::1:80").contains("[::1]:8443"));
}
