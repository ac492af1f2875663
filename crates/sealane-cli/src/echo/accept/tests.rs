//! Which `Accept` fields ask for JSON (RFC 9110 §12.5.1).

use http::HeaderValue;

use super::*;

/// Whether these lines ask for JSON.
fn wants(lines: &[&str]) -> bool {
    let mut fields = HeaderMap::new();
    for line in lines {
        fields.append(ACCEPT, HeaderValue::from_str(line).unwrap());
    }
    wants_json(&fields)
}

#[test]
fn json_by_name() {
    assert!(wants(&["application/json"]));
    assert!(wants(&["Application/JSON; charset=utf-8"]));
    assert!(wants(&["text/html, application/json;q=0.1"]));
    assert!(wants(&["text/html", "application/json"]));
}

#[test]
fn all_else_is_no_wish() {
    assert!(!wants(&[]));
    for line in [
        "*/*",
        "application/*",
        "text/plain",
        "application/json;q=0",
        "application/json; q=0.000",
        "application/jsonp",
        "",
        ",;,",
        "application/problem+json",
    ] {
        assert!(!wants(&[line]), "{line}");
    }
}
