//! What is taken for a proxy, which servers are excluded, and what the environment says.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use proptest::prelude::{prop_assert_eq, proptest};

use super::{Exclusions, Proxy, environment};
use crate::error::Result;

fn has(list: &str, host: &str, port: u16) -> bool {
    let list = Exclusions::parse(list).expect("a list");
    list.has(host, port)
}

#[test]
fn a_url_becomes_a_proxy_and_its_credentials_a_field() {
    let proxy = Proxy::new("http://us%65r:p%40ss@Proxy.example:3128/").expect("a proxy");
    let relay = proxy.relay().expect("it can be used");
    assert_eq!(relay.to_string(), "http://proxy.example:3128");
    let credentials = relay.credentials.as_ref().expect("they were given");
    assert_eq!(credentials.as_bytes(), b"Basic dXNlcjpwQHNz");
    for (url, text) in [
        ("proxy.example:8080", "http://proxy.example:8080"),
        ("http://proxy.example", "http://proxy.example:80"),
        ("http://[::1]:1", "http://[::1]:1"),
        ("10.0.0.7:3128", "http://10.0.0.7:3128"),
    ] {
        let proxy = Proxy::new(url).expect(url);
        assert_eq!(proxy.relay().expect(url).to_string(), text);
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn an_https_proxy_has_a_tls_context_of_its_own() {
    let proxy = Proxy::new("https://proxy.example").expect("a proxy");
    let relay = proxy.relay().expect("it can be used");
    assert_eq!(relay.to_string(), "https://proxy.example:443");
    let secure = relay.secure.as_ref().expect("it is asked by HTTPS");
    assert_eq!(secure.name.to_str(), "proxy.example");
}

#[test]
fn what_is_no_proxy_is_refused_without_showing_its_password() {
    for url in [
        "",
        "socks5://user:secret@proxy.example:1080",
        "http://user:secret@proxy.example:99999",
        "http://user:secret@/",
        "http://us%3Aer:secret@proxy.example",
        "http://user:secret@proxy.example/path",
        "http://user:secret@proxy.example?query",
        "http://user:secret@pro xy.example",
    ] {
        let error = Proxy::new(url).expect_err(url);
        assert_eq!(error.code(), Some("ERR_PROXY_INVALID_CONFIG"), "{url}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[test]
fn credentials_are_part_of_what_a_proxy_is_and_never_shown() {
    let hash = |proxy: &Proxy| {
        let mut hasher = DefaultHasher::new();
        proxy.relay().expect("a proxy").hash(&mut hasher);
        hasher.finish()
    };
    let proxy = Proxy::new("http://proxy.example:3128").expect("a proxy");
    let (one, other) = (
        proxy.clone().auth("a:secret"),
        proxy.clone().auth("b:secret"),
    );
    assert_ne!(*one.relay().expect("one"), *other.relay().expect("other"));
    assert_ne!(hash(&one), hash(&other));
    let same = Proxy::new("http://a:secret@proxy.example:3128").expect("a proxy");
    assert_eq!(*one.relay().expect("one"), *same.relay().expect("the same"));
    let relay = one.relay().expect("one");
    for shown in [format!("{one:?}"), format!("{relay:?} {relay}")] {
        assert!(
            !shown.contains("secret") && !shown.contains("YTpz"),
            "{shown}"
        );
    }
}

#[test]
fn options_of_tls_are_refused_for_a_proxy_that_is_asked_without() {
    let proxy = Proxy::new("http://proxy.example").expect("a proxy");
    let error = proxy.ca(crate::trust::Roots::bundled()).relay();
    let error = error.expect_err("nobody would use them");
    assert_eq!(error.code(), Some("ERR_PROXY_INVALID_CONFIG"));
}

#[test]
fn names_are_excluded_with_all_below_them() {
    for entry in [
        "example.com",
        ".example.com",
        "*.example.com",
        "EXAMPLE.com.",
    ] {
        assert!(has(entry, "example.com", 443), "{entry}");
        assert!(has(entry, "a.b.example.com", 443), "{entry}");
        assert!(has(entry, "example.com.", 443), "{entry}");
        assert!(!has(entry, "badexample.com", 443), "{entry}");
        assert!(!has(entry, "example.com.evil", 443), "{entry}");
        assert!(!has(entry, "com", 443), "{entry}");
    }
    assert!(has("*", "anything", 1));
    assert!(has("*", "::1", 1));
    assert!(!has("", "anything", 1));
    assert!(has("a, b  c,,d", "c", 1));
    assert!(has("bücher.example", "xn--bcher-kva.example", 443));
}

#[test]
fn a_port_narrows_an_entry() {
    assert!(has("example.com:8443", "a.example.com", 8443));
    assert!(!has("example.com:8443", "a.example.com", 443));
    assert!(has("[::1]:8443", "::1", 8443));
    assert!(!has("[::1]:8443", "::1", 443));
    assert!(has("10.0.0.7:1", "10.0.0.7", 1));
}

#[test]
fn addresses_and_networks_are_compared_as_such() {
    for (list, host, wanted) in [
        ("10.0.0.7", "10.0.0.7", true),
        ("10.0.0.7", "10.0.0.70", false),
        ("10.0.0.7", "a.10.0.0.7", false),
        ("::1", "::1", true),
        ("[::1]", "::1", true),
        ("10.0.0.0/8", "10.255.1.2", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.0/8", "ten.example", false),
        ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("192.168.1.128/25", "192.168.1.127", false),
        ("192.168.1.128/25", "192.168.1.129", true),
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "::1", false),
        ("::ffff:10.0.0.0/104", "10.1.2.3", true),
        ("::ffff:10.0.0.0/104", "11.1.2.3", false),
        ("fd00::/8", "fdff::1", true),
        ("fd00::/8", "fe00::1", false),
        ("[fd00::]/8", "fd00::1", true),
        ("::/0", "::1", true),
        ("10.0.0.7/32", "10.0.0.7", true),
    ] {
        assert_eq!(has(list, host, 443), wanted, "{host} on {list}");
    }
}

#[test]
fn entries_that_mean_nothing_are_refused() {
    for list in [
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "fd00::/129",
        "name/8",
        "example.com:99999",
        "example.com:",
        "exa*mple.com",
        "*example.com",
        "example.com:+80",
        "example.com:0",
        "[::1]:-1",
        "a:b:c",
        "http://example.com",
        ".",
        "[::1",
    ] {
        let error = Exclusions::parse(list).expect_err(list);
        assert_eq!(error.code(), Some("ERR_PROXY_INVALID_CONFIG"), "{list}");
    }
}

proptest! {
    /// Whatever stands in a list or a URL, it is taken or refused by name, and nothing else.
    #[test]
    fn no_text_is_too_strange(text in "[a-z0-9.*:/,\\[\\] @%-]{0,24}|\\PC{0,12}") {
        match Exclusions::parse(&text) {
            Ok(list) => {
                for host in ["example.com", "10.0.0.7", "::1", ""] {
                    list.has(host, 443);
                }
            }
            Err(error) => prop_assert_eq!(error.code(), Some("ERR_PROXY_INVALID_CONFIG")),
        }
        if let Err(error) = Proxy::new(&text) {
            prop_assert_eq!(error.code(), Some("ERR_PROXY_INVALID_CONFIG"));
        }
    }
}

/// What `environment` makes of these variables.
fn environment(variables: &[(&str, &str)]) -> Result<Option<Proxy>> {
    environment::proxy(|name| {
        let mut found = variables.iter().filter(|(known, _)| *known == name);
        Ok(found.next().map(|(_, value)| (*value).to_owned()))
    })
}

#[test]
fn the_environment_names_a_proxy_in_the_usual_order() {
    let proxy = |variables: &[(&str, &str)]| {
        let proxy = environment(variables).expect("good variables");
        proxy.map(|proxy| proxy.relay().expect("a proxy").to_string())
    };
    assert_eq!(proxy(&[]), None);
    assert_eq!(proxy(&[("http_proxy", "http://plain:1")]), None);
    assert_eq!(proxy(&[("https_proxy", "")]), None);
    let all = [
        ("ALL_PROXY", "http://d:4"),
        ("all_proxy", "http://c:3"),
        ("HTTPS_PROXY", "http://b:2"),
        ("https_proxy", " a:1 "),
    ];
    for (count, wanted) in [(4, "a:1"), (3, "b:2"), (2, "c:3"), (1, "d:4")] {
        let wanted = format!("http://{wanted}");
        assert_eq!(proxy(&all[..count]).as_deref(), Some(&*wanted));
    }
}

#[test]
fn the_environment_excludes_servers() {
    let variables = [
        ("https_proxy", "a:1"),
        ("NO_PROXY", "loud.example"),
        ("no_proxy", "quiet.example"),
    ];
    for (count, name) in [(2, "loud.example"), (3, "quiet.example")] {
        let proxy = environment(&variables[..count]).expect("good variables");
        let proxy = proxy.expect("there is one");
        assert!(proxy.exclusions().has(name, 443), "{name}");
    }
}

#[test]
fn a_variable_that_makes_no_sense_is_named_and_not_shown() {
    let wrong = [("https_proxy", "ftp://user:secret@a:1")];
    let error = environment(&wrong).expect_err("it is no proxy");
    assert_eq!(error.code(), Some("ERR_PROXY_INVALID_CONFIG"));
    assert!(error.to_string().contains("https_proxy"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let wrong = [("https_proxy", "a:1"), ("no_proxy", "10.0.0.0/99")];
    let error = environment(&wrong).expect_err("it is no network");
    assert!(error.to_string().contains("no_proxy"), "{error}");
}
