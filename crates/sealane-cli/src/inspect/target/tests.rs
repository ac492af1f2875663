//! Everything that can stand for a host and a port.

use super::*;

#[test]
fn hosts_ports_and_urls() {
    for (text, host, port, shown) in [
        ("a.example", "a.example", 443, "a.example:443"),
        ("a.example:8443", "a.example", 8443, "a.example:8443"),
        ("A.Example:443", "a.example", 443, "a.example:443"),
        ("127.0.0.1:1", "127.0.0.1", 1, "127.0.0.1:1"),
        ("::1", "::1", 443, "[::1]:443"),
        ("[::1]", "::1", 443, "[::1]:443"),
        ("[::1]:8443", "::1", 8443, "[::1]:8443"),
        ("2001:db8::2", "2001:db8::2", 443, "[2001:db8::2]:443"),
        ("https://a.example", "a.example", 443, "a.example:443"),
        (
            "https://u:p@a.example:9/path?q#f",
            "a.example",
            9,
            "a.example:9",
        ),
        ("https://[::1]:9/", "::1", 9, "[::1]:9"),
        ("a.example/path", "a.example", 443, "a.example:443"),
        (
            "bücher.example",
            "xn--bcher-kva.example",
            443,
            "xn--bcher-kva.example:443",
        ),
    ] {
        let target: Target = text.parse().unwrap();
        assert_eq!(target.host(), host, "{text}");
        assert_eq!(target.port(), port, "{text}");
        assert_eq!(target.to_string(), shown, "{text}");
        assert_eq!(target.url(), format!("https://{shown}/"), "{text}");
    }
}

#[test]
fn what_is_none_says_how_one_looks() {
    for (text, wanted) in [
        ("", "names no host"),
        (":443", "names no host"),
        ("a.example:99999", "0 to 65535"),
        ("a.example:https", "0 to 65535"),
        ("::1:8443:zz", "in brackets"),
        ("2001:db8::1:zz", "in brackets"),
        ("[::1", "in brackets"),
        ("[::zz]:1", "in brackets"),
        ("http://a.example/", "https://"),
        ("a b", "HOST[:PORT]"),
        ("a\u{202e}b c", "\\u{202e}"),
    ] {
        let said = text.parse::<Target>().unwrap_err();
        assert!(said.contains(wanted), "{text:?}: {said}");
        assert!(!said.contains('\u{202e}'), "{said}");
    }
}
