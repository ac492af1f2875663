//! Which lines become one, and which stay apart?

use http::{HeaderMap, HeaderName, HeaderValue};

use super::fold;

fn folded(lines: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
    let mut fields = HeaderMap::new();
    for (name, value) in lines {
        fields.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    fold(&mut fields);
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.to_string(), value.to_str().unwrap().to_owned())
    };
    let mut all: Vec<_> = fields.iter().map(text).collect();
    all.sort();
    all
}

#[test]
fn lines_are_joined_as_their_field_asks() {
    let lines = [
        ("cookie", "a=1"),
        ("x-f", "1"),
        ("cookie", "b=2"),
        ("authorization", "one"),
        ("x-f", "2"),
        ("authorization", "two"),
        ("x-f", "3"),
        ("accept", "*/*"),
    ];
    let expected = [
        ("accept", "*/*"),
        ("authorization", "one, two"),
        ("cookie", "a=1; b=2"),
        ("x-f", "1, 2, 3"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    assert_eq!(folded(&lines), expected);
}

#[test]
fn set_cookie_stays_apart() {
    let lines = [("set-cookie", "a=1"), ("set-cookie", "b=2")];
    assert_eq!(folded(&lines).len(), 2);
}
