//! Formats, and the facts in them.

use http::{Method, Response, StatusCode, header};

use super::*;

/// Facts of a made-up transfer.
fn facts() -> Facts {
    let mut facts = Facts::begin("https://h/a");
    facts.asking("https://h/b".to_owned(), &Method::PUT, 1);
    let response = Response::builder()
        .status(StatusCode::NOT_FOUND)
        .header(header::CONTENT_TYPE, "text/\tplain")
        .body(())
        .unwrap();
    facts.answered(&response);
    facts.received = 1500;
    facts.sent = 7;
    facts.head_after = Some(Duration::from_micros(12_345));
    facts.whole_after = Duration::from_millis(1500);
    facts
}

#[test]
fn facts_stand_where_they_are_named() {
    let text = r"%{http_code}|%{response_code} %%\t%{content_type}\n%{url} %{url_effective}";
    let filled = format(text).unwrap().filled(&facts());
    assert_eq!(filled, "404|404 %\ttext/\\tplain\nhttps://h/a https://h/b");
    let text = "%{size_download} %{size_upload} %{speed_download} %{num_redirects} %{method}";
    let filled = format(text).unwrap().filled(&facts());
    assert_eq!(filled, "1500 7 1000 1 PUT");
    let text = "%{time_starttransfer} %{time_total} %{http_version} %{exitcode} %{errormsg}.";
    let filled = format(text).unwrap().filled(&facts());
    assert_eq!(filled, "0.012345 1.500000 1.1 0 .");
}

#[test]
fn nothing_known_has_its_form_too() {
    let mut facts = Facts::begin("https://h/");
    facts.failure = Some((3, "no".to_owned()));
    let text = "%{http_code} [%{remote_ip}] %{remote_port} %{http_version} %{exitcode} %{errormsg}";
    let filled = format(text).unwrap().filled(&facts);
    assert_eq!(filled, "000 [] 0 0 3 no");
    facts.refused = Some(verify_result("CERT_HAS_EXPIRED"));
    let filled = format("%{ssl_verify_result}").unwrap().filled(&facts);
    assert_eq!(filled, "10");
}

#[test]
fn every_fact_can_be_told_and_is_named_once_in_order() {
    let names: Vec<_> = FACTS.iter().map(|(name, _)| *name).collect();
    assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
    for name in names {
        let read = format(&format!("%{{{name}}}")).unwrap();
        read.filled(&facts());
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    for (text, wanted) in [
        (
            "%{no_such}",
            "%{no_such} is not known; known are content_type, ",
        ),
        ("%{http_code", "has no }"),
        ("100%", "stands alone"),
        ("%x", "stands alone"),
        ("\\x", "\\x is none of"),
        ("\\", "is none of"),
        ("%{\u{7}}", "\\u{7}"),
    ] {
        let said = format(text).unwrap_err();
        assert!(said.contains(wanted), "{text:?}: {said}");
    }
    assert_eq!(format("").unwrap().filled(&facts()), "");
}
