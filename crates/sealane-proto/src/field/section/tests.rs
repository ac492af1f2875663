//! What a section keeps, and what it refuses.

use http::{HeaderName, HeaderValue};

use super::*;

/// Lines as text.
fn lines(section: &FieldSection) -> Vec<(String, String)> {
    let text = |octets: &[u8]| octets.escape_ascii().to_string();
    let line = |(name, value)| (text(name), text(value));
    section.iter().map(line).collect()
}

#[test]
fn lines_keep_their_order_their_case_and_their_repetitions() {
    let mut section = FieldSection::new();
    assert!(section.is_empty());
    for (name, value) in [("B", "1"), ("a", ""), ("b", "\u{e9} 2"), ("B", "1")] {
        section.push(name.as_bytes(), value.as_bytes()).unwrap();
    }
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let wanted = [("B", "1"), ("a", ""), ("b", r"\xc3\xa9 2"), ("B", "1")];
    assert_eq!(lines(&section), wanted.map(pair));
    assert_eq!(section.len(), 4);
    let values: Vec<_> = section.values_of("b").collect();
    assert_eq!(values, [&b"1"[..], "\u{e9} 2".as_bytes(), b"1"]);
    assert_eq!(section.values_of("c").count(), 0);
}

#[test]
fn what_would_be_another_line_is_refused_and_changes_nothing() {
    let mut section = FieldSection::new();
    section.push(b"A", b"1").unwrap();
    for name in ["", "a b", "a:", "a\r\nb", "\u{e9}", "a\0"] {
        let refused = section.push(name.as_bytes(), b"x").unwrap_err();
        assert!(matches!(refused, UsageError::FieldName(_)), "{name:?}");
    }
    for value in ["\r", "x\n", "x\r\nb: c", "\0", "\x7f", "x\x1b"] {
        let refused = section.push(b"b", value.as_bytes()).unwrap_err();
        assert!(
            matches!(refused, UsageError::FieldValue { .. }),
            "{value:?}"
        );
    }
    assert_eq!(section.len(), 1);
}

#[test]
fn there_is_an_end_of_room() {
    let mut section = FieldSection::new();
    for _ in 0..MOST_FIELDS {
        section.push(b"a", b"").unwrap();
    }
    let full = UsageError::TooManyFields(MOST_FIELDS);
    assert_eq!(section.push(b"a", b""), Err(full.clone()));
    let large = vec![b'x'; MOST_OCTETS];
    assert_eq!(FieldSection::new().push(b"a", &large), Err(full));
    let fits = FieldSection::new().push(b"a", &large[1..]);
    assert_eq!(fits, Ok(()));
}

#[test]
fn a_map_becomes_lines_and_no_value_is_shown() {
    let mut map = HeaderMap::new();
    map.append(
        HeaderName::from_static("x-token"),
        HeaderValue::from_static("hush"),
    );
    let section = FieldSection::try_from(&map).unwrap();
    let line = ("x-token".to_owned(), "hush".to_owned());
    assert_eq!(lines(&section), [line]);
    assert!(!format!("{section:?}").contains("hush"));
}
