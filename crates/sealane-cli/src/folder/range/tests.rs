//! Ranges in every form of RFC 9110 §14.1.2, inside, outside and malformed.

use http::HeaderValue;

use super::*;

/// The part that a value asks of a file of ten octets.
fn part(value: &str) -> Part {
    of(value, 10)
}

/// The part that a value asks of a file of this size.
fn of(value: &str, size: u64) -> Part {
    let mut fields = HeaderMap::new();
    fields.insert(RANGE, HeaderValue::from_str(value).unwrap());
    Part::of(&fields, size)
}

#[test]
fn one_range_in_every_form() {
    assert_eq!(part("bytes=0-0"), Part::Some(0, 0));
    assert_eq!(part("bytes=2-5"), Part::Some(2, 5));
    assert_eq!(part("bytes=9-"), Part::Some(9, 9));
    assert_eq!(part("bytes=0-"), Part::Some(0, 9));
    assert_eq!(part("bytes=5-99999999999999999999999999"), Part::Some(5, 9));
    assert_eq!(part("bytes=-3"), Part::Some(7, 9));
    assert_eq!(part("bytes=-99"), Part::Some(0, 9));
    assert_eq!(part("Bytes=1-2"), Part::Some(1, 2));
}

#[test]
fn outside_of_the_file() {
    for value in [
        "bytes=10-",
        "bytes=10-11",
        "bytes=-0",
        "bytes=99999999999999999999999-",
    ] {
        assert_eq!(part(value), Part::Outside, "{value}");
    }
    for value in ["bytes=0-", "bytes=0-0", "bytes=-5"] {
        assert_eq!(of(value, 0), Part::Outside, "{value}");
    }
}

#[test]
fn what_is_not_understood_is_ignored() {
    let odd = [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-2",
        "bytes=0-1,3-4",
        "bytes= 1 - 2",
        "items=0-1",
        "bytes=+1-2",
        "bytes=1--2",
        "bytes=0x1-2",
        "bytes 0-1",
    ];
    for value in odd {
        assert_eq!(part(value), Part::Whole, "{value}");
    }
}

#[test]
fn two_fields_are_ignored() {
    let mut fields = HeaderMap::new();
    assert_eq!(Part::of(&fields, 10), Part::Whole);
    fields.append(RANGE, HeaderValue::from_static("bytes=0-1"));
    fields.append(RANGE, HeaderValue::from_static("bytes=2-3"));
    assert_eq!(Part::of(&fields, 10), Part::Whole);
}
