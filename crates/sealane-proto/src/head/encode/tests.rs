//! What is written, and what a caller's own fields lead to.

use http::header::{HeaderName, HeaderValue};

use super::*;

/// Text that a writer appends.
fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

/// Fields from static lines.
fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let line = |&(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    lines.iter().map(line).collect()
}

/// What a caller's fields say.
fn noted(lines: &[(&'static str, &'static str)]) -> Result<CallerFields, UsageError> {
    CallerFields::write(&fields(lines), &[], &mut Vec::new())
}

#[test]
fn numbers_have_no_leading_zeros() {
    for number in [0, 7, 10, 12_345, u64::MAX] {
        assert_eq!(
            written(|out| write_decimal(number, out)),
            number.to_string()
        );
        assert_eq!(
            written(|out| write_hexadecimal(number, out)),
            format!("{number:x}")
        );
    }
}

#[test]
fn status_lines_have_a_reason() {
    let line =
        |code| written(|out| write_status_line(StatusCode::from_u16(code).unwrap(), None, out));
    assert_eq!(line(200), "HTTP/1.1 200 OK\r\n");
    assert_eq!(line(799), "HTTP/1.1 799 unknown\r\n");
}

#[test]
fn fields_keep_their_order_and_lose_what_frames() {
    let fields = fields(&[
        ("b", "1"),
        ("content-length", "5"),
        ("a", "2"),
        ("host", "x"),
    ]);
    let text = written(|out| {
        let caller = CallerFields::write(&fields, &["host"], out).unwrap();
        assert_eq!(caller.length, Some(5));
    });
    assert_eq!(text, "b: 1\r\na: 2\r\n");
}

#[test]
fn a_callers_fields_are_noted() {
    let caller = noted(&[
        ("connection", "Upgrade, close"),
        ("upgrade", "x"),
        ("date", "d"),
    ])
    .unwrap();
    assert_eq!(
        caller.connection,
        Some(ConnectionOptions {
            close: true,
            keep_alive: false,
            upgrade: true
        })
    );
    assert!(caller.upgrade && caller.date && !caller.keep_alive);
    assert!(noted(&[("keep-alive", "timeout=1")]).unwrap().keep_alive);
}

#[test]
fn a_callers_framing_fields_must_be_right() {
    let invalid = |lines: &[(&'static str, &'static str)]| noted(lines).unwrap_err();
    let length = |value: &str| UsageError::LengthInvalid(Excerpt::new(value.as_bytes()));
    assert_eq!(invalid(&[("content-length", "x")]), length("x"));
    assert_eq!(
        invalid(&[("content-length", "5"), ("content-length", "5")]),
        length("5")
    );
    let coding = |value: &str| UsageError::Coding(Excerpt::new(value.as_bytes()));
    assert_eq!(
        invalid(&[("transfer-encoding", "gzip, chunked")]),
        coding("gzip, chunked")
    );
    let twice = [
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "chunked"),
    ];
    assert_eq!(invalid(&twice), coding("chunked"));
}

#[test]
fn a_body_is_framed_by_what_is_known_of_it() {
    use BodyLength::{Known, Unknown};
    let length: &[_] = &[("content-length", "5")];
    let coding: &[_] = &[("transfer-encoding", "Chunked")];
    let contradiction = UsageError::LengthContradicts { field: 5, body: 6 };
    for (lines, body, chunking, framing) in [
        (&[][..], Known(5), true, Ok(Framing::Length(5))),
        (&[], Known(0), false, Ok(Framing::Length(0))),
        (&[], Unknown, true, Ok(Framing::Chunked)),
        (&[], Unknown, false, Ok(Framing::UntilClose)),
        (length, Unknown, true, Ok(Framing::Length(5))),
        (length, Known(5), false, Ok(Framing::Length(5))),
        (length, Known(6), true, Err(contradiction)),
        (coding, Unknown, true, Ok(Framing::Chunked)),
        (coding, Known(5), true, Ok(Framing::Chunked)),
        (coding, Unknown, false, Ok(Framing::UntilClose)),
        (coding, Known(5), false, Ok(Framing::Length(5))),
    ] {
        let caller = noted(lines).unwrap();
        assert_eq!(
            caller.frame(body, chunking),
            framing,
            "{lines:?} {body:?} {chunking}"
        );
    }
    let both = noted(&[("content-length", "5"), ("transfer-encoding", "chunked")]).unwrap();
    assert_eq!(both.frame(Known(5), true), Err(UsageError::CodingAndLength));
}

#[test]
fn framing_is_written_as_one_field_or_none() {
    let line = |framing| written(|out| write_framing(framing, out));
    assert_eq!(line(Framing::Length(0)), "content-length: 0\r\n");
    assert_eq!(line(Framing::Chunked), "transfer-encoding: chunked\r\n");
    assert_eq!(line(Framing::Empty) + &line(Framing::UntilClose), "");
}
