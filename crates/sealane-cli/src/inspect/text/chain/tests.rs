//! Dates, names and keys as people read them.

use super::*;

/// A certificate with nothing in it.
fn nothing() -> Certificate {
    Certificate {
        subject: Name { attributes: vec![] },
        issuer: Name { attributes: vec![] },
        names: vec![],
        valid_from: String::new(),
        valid_to: String::new(),
        not_before: None,
        not_after: None,
        days_left: None,
        begins_in: None,
        ca: false,
        self_issued: false,
        key: Key {
            kind: None,
            bits: None,
            curve: None,
        },
        fingerprint: String::new(),
        fingerprint256: "AA:BB".to_owned(),
        fingerprint512: String::new(),
        spki_sha256: String::new(),
        pubkey_sha256: None,
        ext_key_usage: None,
        serial_number: String::new(),
        pem: String::new(),
    }
}

#[test]
fn the_days_that_are_left() {
    for (begins_in, left, wanted) in [
        (None, 90, "90 days left"),
        (None, 7, "7 days left"),
        (None, 1, "1 day left"),
        (None, 0, "less than a day left"),
        (None, -1, "ended within the last day"),
        (None, -2, "ended 1 day ago"),
        (None, -400, "ended 399 days ago"),
        (Some(0), 90, "begins within a day"),
        (Some(12), 90, "begins in 12 days"),
    ] {
        let certificate = Certificate {
            not_before: Some(0),
            not_after: Some(86_400),
            days_left: Some(left),
            begins_in,
            ..nothing()
        };
        let said = validity(&certificate, Paint::new(false));
        assert_eq!(said, format!("1970-01-01 to 1970-01-02, {wanted}"));
    }
    let said = validity(&nothing(), Paint::new(false));
    assert_eq!(said, "unreadable");
}

#[test]
fn a_certificate_that_cannot_be_read_is_still_told_by_its_fingerprint() {
    let paint = Paint::new(false);
    let certificate = nothing();
    let lines = lines(&certificate, true, paint);
    assert_eq!(lines[0].1, "AA:BB");
    let labels: Vec<_> = lines.iter().map(|(label, _)| *label).collect();
    assert!(!labels.contains(&"Pin") && !labels.contains(&"Public key ping-sha256"));
}

#[test]
fn many_names_take_several_lines() {
    let all: Vec<_> = (0..20).map(|it| format!("DNS:host{it}.example")).collect();
    let said = names(&all);
    assert!(said.lines().count() > 3, "{said}");
    for (index, line) in said.lines().enumerate() {
        let indented = if index == 0 { 9 } else { 0 };
        assert!(line.chars().count() + indented < LINE, "{line:?}");
        assert!(index == 0 || line.starts_with("         host"), "{line:?}");
    }
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted: Vec<_> = (0..20).map(|it| format!("host{it}.example")).collect();
    assert_eq!(flat, wanted.join(", "));
}

#[test]
fn kinds_of_names_and_keys() {
    let all = ["DNS:a", "IP Address:::1", "URI:https://x/\u{202e}"].map(str::to_owned);
    assert_eq!(names(&all), "a, ::1, URI:https://x/\\u{202e}");
    let key = |kind, bits, curve| super::key(&Key { kind, bits, curve });
    assert_eq!(key(Some("RSA"), Some(2048), None), "RSA, 2048 bits");
    assert_eq!(key(Some("EC"), Some(256), Some("P-256")), "EC, P-256");
    assert_eq!(key(Some("Ed25519"), None, None), "Ed25519");
    assert_eq!(key(None, None, None), "of a kind that is not known here");
}
