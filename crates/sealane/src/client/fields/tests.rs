//! What is kept of the caller's fields, and what is joined.

use http::header::{COOKIE, HOST};

use super::*;

/// Lines from text.
fn lines(pairs: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in pairs {
        fields.push(name, value.as_bytes()).unwrap();
    }
    fields
}

fn text(fields: &Fields) -> Vec<(String, String)> {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let line = |(name, value)| (text(name), text(value));
    fields.lines().map(line).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(pair).collect()
}

#[test]
fn lines_added_to_a_map_follow_it() {
    let mut map = HeaderMap::new();
    map.append(HOST, HeaderValue::from_static("a"));
    let mut fields = Fields::Map(map);
    assert!(fields.has(&HOST) && !fields.has(&COOKIE));
    fields.push("X-Y", b"1").unwrap();
    assert_eq!(text(&fields), pairs(&[("host", "a"), ("X-Y", "1")]));
    assert_eq!(fields.len(), 2);
    assert_eq!(fields.values_of(&HOST).collect::<Vec<_>>(), [b"a"]);
}

#[test]
fn cookies_are_one_line_and_so_is_what_shall_be_unique() {
    let given = [
        ("Cookie", "a=1"),
        ("X-One", "1"),
        ("b", "2"),
        ("cookie", "c=3"),
        ("x-one", "4"),
        ("b", "5"),
    ];
    let unique = [HeaderName::from_static("x-one")];
    let joined = lines(&given).joined(&unique).unwrap();
    let wanted = [
        ("Cookie", "a=1; c=3"),
        ("X-One", "1; 4"),
        ("b", "2"),
        ("b", "5"),
    ];
    assert_eq!(text(&joined), pairs(&wanted));
    let single = lines(&given[..3]).joined(&unique).unwrap();
    assert_eq!(text(&single), pairs(&given[..3]));
    let mut map = HeaderMap::new();
    map.append(COOKIE, HeaderValue::from_static("a=1"));
    map.append(COOKIE, HeaderValue::from_static("b=2"));
    let joined = Fields::Map(map).joined(&[]).unwrap();
    assert_eq!(text(&joined), pairs(&[("cookie", "a=1; b=2")]));
}

#[test]
fn lines_that_cannot_be_sent_have_the_modules_codes() {
    let mut fields = Fields::default();
    let (_, code) = fields.push("a b", b"").unwrap_err();
    assert_eq!(code, "ERR_INVALID_HTTP_TOKEN");
    let (text, code) = fields.push("a", b"x\r\ny").unwrap_err();
    assert_eq!(code, "ERR_INVALID_CHAR");
    assert!(text.contains("[\"a\"]"), "{text}");
    assert_eq!(fields.len(), 0);
}
