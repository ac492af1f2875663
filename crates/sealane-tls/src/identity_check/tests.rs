//! The identity check: cases of the module's own rules, and names made to deceive.

use std::error::Error as _;

use proptest::prelude::*;
use sealane_testkit::certificates::Template;

use super::*;
use crate::certificate::tests::certificate_of;

/// A subject with these common names.
fn subject(common_names: &[&str]) -> DistinguishedName {
    let attribute = |name: &&str| ("CN".into(), (*name).to_owned());
    common_names.iter().map(attribute).collect()
}

/// Whether a host fits a certificate that has these common names and no alternative names.
fn fits_common_name(host: &str, common_names: &[&str]) -> bool {
    check(host, &subject(common_names), None).is_ok()
}

/// Whether a host fits a certificate that has these alternative names and no common name.
fn fits_alt_names(host: &str, alt_names: &str) -> bool {
    check(host, &subject(&[]), Some(alt_names)).is_ok()
}

/// Why a host does not fit.
fn reason(host: &str, common_names: &[&str], alt_names: Option<&str>) -> String {
    let error = check(host, &subject(common_names), alt_names).unwrap_err();
    assert_eq!(error.code(), Some("ERR_TLS_CERT_ALTNAME_INVALID"));
    error.reason().to_owned()
}

#[test]
fn c169_common_names_are_compared_whole_without_case_and_last_dot() {
    for (common_name, expected) in [
        ("a.com", true),
        ("A.COM", true),
        ("a.com.", true),
        ("b.com", false),
        (".a.com", false),
    ] {
        assert_eq!(
            fits_common_name("a.com", &[common_name]),
            expected,
            "{common_name}"
        );
    }
}

#[test]
fn c170_a_wildcard_stands_for_one_label() {
    for (host, expected) in [
        ("b.a.com", true),
        ("a.com", false),
        ("ba.com", false),
        ("c.b.a.com", false),
    ] {
        assert_eq!(fits_common_name(host, &["*.a.com"]), expected, "{host}");
        assert_eq!(fits_alt_names(host, "DNS:*.a.com"), expected, "{host}");
    }
}

#[test]
fn c171_a_wildcard_has_two_labels_behind_it() {
    assert!(!fits_common_name("a.com", &["*"]));
    assert!(!fits_common_name("a.com", &["*.com"]));
    assert!(fits_common_name("a.co.uk", &["*.co.uk"]));
}

#[test]
fn c172_a_wildcard_within_an_a_label_stands_for_itself() {
    let host = "xn--bcher-kva.example.com";
    assert!(!fits_alt_names(host, "DNS:xn--*.example.com"));
    assert!(fits_alt_names(host, "DNS:*.example.com"));
}

#[test]
fn c173_the_common_name_is_ignored_beside_a_dns_name() {
    let reason = reason("b.a.com", &["*.a.com"], Some("DNS:omg.com"));
    assert_eq!(
        reason,
        "Host: b.a.com. is not in the cert's altnames: DNS:omg.com"
    );
}

#[test]
fn c174_other_kinds_of_names_are_no_hosts() {
    let reason = reason("a.b.a.com", &[], Some("URI:http://a.b.a.com/"));
    assert_eq!(reason, "Cert does not contain a DNS name");
}

#[test]
fn c175_an_address_must_stand_among_the_addresses() {
    assert!(!fits_common_name("8.8.8.8", &["8.8.8.8"]));
    assert!(!fits_alt_names("8.8.8.8", "DNS:8.8.8.8"));
    assert!(fits_alt_names("8.8.8.8", "IP Address:8.8.8.8"));
    assert!(!fits_alt_names("8.8.8.8", "IP Address:8.8.8.0/24"));
    assert_eq!(
        reason(
            "8.8.8.8",
            &["8.8.8.8"],
            Some("DNS:8.8.8.8, IP Address:8.8.4.4, IP Address:1.1.1.1")
        ),
        "IP: 8.8.8.8 is not in the cert's list: 8.8.4.4, 1.1.1.1"
    );
}

#[test]
fn c176_addresses_are_compared_in_one_form() {
    assert!(fits_alt_names("::1", "IP Address:0:0:0:0:0:0:0:1"));
    assert!(fits_alt_names(
        "::ffff:1.2.3.4",
        "IP Address:0:0:0:0:0:FFFF:102:304"
    ));
    assert!(!fits_alt_names(
        "1.2.3.4",
        "IP Address:0:0:0:0:0:FFFF:102:304"
    ));
    let listed = "IP Address:0:0:0:0:0:FFFF:102:304, IP Address:0:0:0:0:0:0:102:304";
    assert_eq!(
        reason("::1", &[], Some(listed)),
        "IP: ::1 is not in the cert's list: ::ffff:1.2.3.4, ::1.2.3.4"
    );
}

#[test]
fn c177_patterns_with_odd_labels_fit_nothing() {
    for pattern in [
        "b..a.com",
        ".a.com",
        "b a.com",
        "b\u{e9}.a.com",
        "*.\u{e9}.com",
        "",
    ] {
        for host in [
            pattern,
            "b.a.com",
            "x.\u{e9}.com",
            "b.x.a.com",
            "a.com",
            "b",
        ] {
            assert!(!fits_common_name(host, &[pattern]), "{pattern:?} {host:?}");
            let alt_names = format!("DNS:{pattern}");
            assert!(!fits_alt_names(host, &alt_names), "{pattern:?} {host:?}");
        }
    }
}

#[test]
fn c178_quoted_names_are_read_as_one() {
    let line = r#"DNS:"good\u002c DNS:evil""#;
    assert!(!fits_alt_names("evil", line));
    assert!(!fits_alt_names("evil", r#"DNS:"good, DNS:evil""#));
    assert!(fits_alt_names("evil", r#"DNS:"good, DNS:bad", DNS:evil"#));
    for line in [
        r#"DNS:"a"#,
        r#"DNS:"a\x""#,
        r#"DNS:"a\u00g0""#,
        "DNS:\"a\nb\"",
        r#"DNS:evil, DNS:"\"#,
    ] {
        let error = check("evil", &subject(&["evil"]), Some(line)).unwrap_err();
        assert_eq!(error.code(), Some("ERR_TLS_CERT_ALTNAME_FORMAT"), "{line}");
        assert_eq!(error.to_string(), "invalid subject alternative name string");
    }
}

#[test]
fn c179_any_of_several_common_names_fits() {
    assert!(fits_common_name("b.com", &["a.com", "b.com"]));
    assert_eq!(
        reason("c.com.", &["a.com", "b.com"], None),
        "Host: c.com. is not cert's CN: a.com,b.com"
    );
}

#[test]
fn part_of_a_label_may_be_a_wildcard() {
    assert!(fits_alt_names("foo1bar.a.com", "DNS:foo*bar.a.com"));
    assert!(fits_alt_names("foobar.a.com", "DNS:foo*bar.a.com"));
    assert!(!fits_alt_names("foobar.a.com", "DNS:foo*obar.a.com"));
    assert!(!fits_alt_names("foobar.a.com", "DNS:f*o*r.a.com"));
}

#[test]
fn escapes_are_decoded_before_the_comparison() {
    assert!(fits_alt_names("a.com", r#"DNS:"\u0061.com""#));
    assert!(fits_alt_names("a.com", r#"D"NS:a".com"#));
    assert!(!fits_alt_names("a.com", r#"DNS:"\ud800.com""#));
}

#[test]
fn a_certificate_is_checked_by_what_it_says() {
    let certificate = certificate_of(&Template::server(&["localhost", "127.0.0.1"]));
    check_server_identity("localhost", &certificate).unwrap();
    check_server_identity("127.0.0.1", &certificate).unwrap();
    let error = check_server_identity("example.com", &certificate).unwrap_err();
    assert_eq!(error.host(), Some("example.com"));
    assert_eq!(
        error.to_string(),
        "hostname/IP does not match certificate's altnames: Host: example.com. is not in the \
         cert's altnames: DNS:localhost, IP Address:127.0.0.1"
    );
}

#[test]
fn a_callers_error_keeps_text_code_and_source() {
    let cause = std::io::Error::other("the list could not be read");
    let error = IdentityError::new("not on our list").with_code("NOT_LISTED");
    let error = error.with_source(cause);
    assert_eq!(error.to_string(), "not on our list");
    assert_eq!((error.code(), error.host()), (Some("NOT_LISTED"), None));
    let source = error.source().unwrap().to_string();
    assert_eq!(source, "the list could not be read");
}

#[test]
fn what_the_peer_wrote_is_shown_in_one_line() {
    let error = check("a.com", &subject(&["b\r\n\u{1b}[31m\u{202e}.com"]), None).unwrap_err();
    let shown = error.to_string();
    assert!(shown.ends_with(r"b\r\n\u{1b}[31m\u{202e}.com"), "{shown}");
    assert!(error.reason().contains("b\r\n"));
}

proptest! {
    #[test]
    fn any_line_is_read_without_panic(host in ".{0,20}", name in ".{0,20}", line in ".{0,60}") {
        let _ = check(&host, &subject(&[&name]), Some(&line));
    }

    #[test]
    fn a_quoted_name_never_becomes_another(name in r#"[a-z,"'\\ :DNS.]{0,20}"#) {
        let quoted: String = name
            .chars()
            .map(|character| format!("\\u{:04x}", u32::from(character)))
            .collect();
        let split = names::split(&format!("DNS:\"{quoted}\", DNS:last")).unwrap();
        prop_assert_eq!(split, [format!("DNS:{name}"), "DNS:last".to_owned()]);
    }

    #[test]
    fn a_plain_name_fits_itself_and_its_wildcard(host in "[a-w]{1,5}(\\.[a-z0-9]{1,5}){2,3}") {
        let (_, above) = host.split_once('.').unwrap();
        let longer = format!("x{host}");
        let deeper = format!("x.{host}");
        for alt_names in [format!("DNS:{host}"), format!("DNS:*.{above}")] {
            prop_assert!(fits_alt_names(&host, &alt_names));
            prop_assert!(fits_alt_names(&host.to_uppercase(), &alt_names));
            prop_assert!(!fits_alt_names(&deeper, &alt_names));
        }
        let exact = format!("DNS:{host}");
        prop_assert!(!fits_alt_names(&longer, &exact));
    }
}
