//! Is a host read in one way only?

use proptest::prelude::{any, prop_assert, proptest};
use rustls_pki_types::ServerName;

use super::reference_name;

fn read(host: &str) -> String {
    match reference_name(host).unwrap() {
        ServerName::DnsName(name) => format!("name {}", name.as_ref()),
        ServerName::IpAddress(_) => {
            let name = reference_name(host).unwrap();
            format!("address {}", name.to_str())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_come_out_in_lower_case_without_their_last_dot() {
    assert_eq!(read("Example.COM"), "name example.com");
    assert_eq!(read("example.com."), "name example.com");
    assert_eq!(read("localhost"), "name localhost");
    assert_eq!(read("xn--bcher-kva.example"), "name xn--bcher-kva.example");
    assert_eq!(read("1.2.3.4.example"), "name 1.2.3.4.example");
    assert_eq!(read("under_score.example"), "name under_score.example");
    let longest = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
    assert_eq!(read(&longest), format!("name {longest}"));
}

#[test]
fn addresses_may_wear_brackets_when_they_are_ipv6() {
    assert_eq!(read("127.0.0.1"), "address 127.0.0.1");
    assert_eq!(read("::1"), "address ::1");
    assert_eq!(read("[::1]"), "address ::1");
    assert_eq!(read("[2001:DB8:0:0::1]"), "address 2001:db8::1");
    assert_eq!(read("[::ffff:127.0.0.1]"), "address ::ffff:127.0.0.1");
}

#[test]
fn everything_else_is_refused_and_shown_escaped() {
    for host in [
        "",
        ".",
        "..",
        "a..b",
        "example.com..",
        ".example.com",
        "a b",
        "a\0b",
        "a\n",
        "-a.b",
        "a-.b",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "127.0.0.1.",
        "1.2.3.4.5",
        "127.0.0.01",
        "256.0.0.1",
        "example.1",
        "example.0x1f",
        "[127.0.0.1]",
        "[::1",
        "::1]",
        "[example.com]",
        "[]",
        "fe80::1%eth0",
        "[fe80::1%25eth0]",
        "a:443",
        "[::1]:443",
        "*.b",
        "a/b",
        "user@b",
        "bücher.example",
        &"a".repeat(64),
        &"a.".repeat(128),
    ] {
        let error = reference_name(host).expect_err(host);
        assert_eq!(
            (error.option(), error.code()),
            ("host", "ERR_INVALID_ARG_VALUE")
        );
        let text = error.to_string();
        assert!(text.chars().all(|it| !it.is_control()), "{text:?}");
        assert!(text.len() < 450, "{text}");
    }
    let text = reference_name("a\n\"").unwrap_err().to_string();
    assert!(text.contains("\"a\\n\\\"\" is neither"), "{text}");
    let text = reference_name("bücher.example").unwrap_err().to_string();
    assert!(text.contains("xn--"), "{text}");
}

#[test]
fn whatever_is_taken_reads_the_same_again() {
    proptest!(|(host in "[a-zA-Z0-9.:x_\\[\\]-]{0,20}")| {
        if let Ok(name) = reference_name(&host) {
            let again = reference_name(&name.to_str()).unwrap();
            prop_assert!(again == name);
        }
    });
    proptest!(|(host in any::<String>())| {
        if reference_name(&host).is_ok() {
            prop_assert!(host.is_ascii());
        }
    });
}
