//! Hosts and ports, good and bad.

use super::*;

#[test]
fn hosts_with_and_without_port() {
    for (value, host, port) in [
        ("a", "a", None),
        ("localhost.", "localhost.", None),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
        ("a_b-c.~!$&'()*+,;=", "a_b-c.~!$&'()*+,;=", None),
        ("%41%e9", "%41%e9", None),
        ("127.0.0.1:8443", "127.0.0.1", Some("8443")),
        ("localhost:", "localhost", Some("")),
        ("[::1]", "[::1]", None),
        ("[2001:db8::1]:443", "[2001:db8::1]", Some("443")),
        ("[::ffff:127.0.0.1]:0", "[::ffff:127.0.0.1]", Some("0")),
        ("a:65535", "a", Some("65535")),
        ("a:00080", "a", Some("00080")),
    ] {
        let wanted = Authority {
            host: host.as_bytes(),
            port: port.map(str::as_bytes),
        };
        assert_eq!(Authority::parse(value.as_bytes()), Some(wanted), "{value}");
        assert!(is_host_value(value.as_bytes()), "{value}");
    }
}

#[test]
fn what_is_no_host() {
    for value in [
        "a/b",
        "u@a",
        "a?b",
        "a#b",
        "a b",
        "%zz",
        "%4",
        "%",
        "[::1",
        "::1",
        "[::1]x",
        "[]",
        "[::g]",
        "[v1.x]",
        "[fe80::1%25eth0]",
        "a:port",
        "a:80:80",
        "a:65536",
        "a:999999",
        "a:-1",
        "a:+80",
        ":80",
        "a\\b",
        "<a>",
        "\"a\"",
        "a\u{e9}",
        "a,b c",
        "[::1]:x",
        "[::1]]",
        "a|b",
        "a^b",
        "{a}",
    ] {
        assert!(!is_host_value(value.as_bytes()), "{value}");
        assert_eq!(Authority::parse(value.as_bytes()), None, "{value}");
    }
}

#[test]
fn an_empty_host_value_is_fine_but_no_authority() {
    assert!(is_host_value(b""));
    assert_eq!(Authority::parse(b""), None);
}

#[test]
fn ports_are_numbers_when_there_are_digits() {
    let port = |value: &'static str| Authority::parse(value.as_bytes()).unwrap().port_number();
    assert_eq!(port("a:443"), Some(443));
    assert_eq!(port("a:"), None);
    assert_eq!(port("a"), None);
}
