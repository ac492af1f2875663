//! One function decides where a message ends; here is every way to ask it.

use http::header::{HeaderName, HeaderValue};

use super::*;

/// A field section from lines.
fn fields(lines: &[(&str, &str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
        })
        .collect()
}

/// Frames an HTTP/1.1 request with these field lines.
fn request(lines: &[(&str, &str)]) -> Result<Framing, FramingError> {
    of_request(Version::HTTP_11, &fields(lines))
}

/// Frames an HTTP/1.1 response to GET with this status and these field lines.
fn response(status: u16, lines: &[(&str, &str)]) -> Result<Framing, FramingError> {
    let status = StatusCode::from_u16(status).unwrap();
    of_response(false, status, Version::HTTP_11, &fields(lines))
}

const CODING: &str = "transfer-encoding";
const LENGTH: &str = "content-length";

#[test]
fn a_request_without_framing_fields_is_empty() {
    assert_eq!(request(&[]), Ok(Framing::Empty));
    assert_eq!(
        request(&[("content-type", "text/plain")]),
        Ok(Framing::Empty)
    );
}

#[test]
fn a_length_is_plain_digits_within_64_bits() {
    for (value, octets) in [
        ("0", 0),
        ("5", 5),
        ("00005", 5),
        ("00000000000000000005", 5),
        ("9223372036854775808", 1 << 63),
        ("18446744073709551615", u64::MAX),
    ] {
        assert_eq!(
            request(&[(LENGTH, value)]),
            Ok(Framing::Length(octets)),
            "{value}"
        );
    }
    for value in [
        "",
        "+5",
        "-5",
        "-0",
        "5,6",
        "5, 5",
        "5,5",
        ",5",
        "5,",
        "0x5",
        "5e0",
        "five",
        "1_0",
        "5 5",
        "5;",
        "=5",
        "5.0",
        "\u{b2}5",
        "000000000000000000005",
        "18446744073709551616",
        "99999999999999999999999999",
    ] {
        let error = request(&[(LENGTH, value)]).unwrap_err();
        assert!(
            matches!(error, FramingError::LengthInvalid(_)),
            "{value}: {error:?}"
        );
    }
}

#[test]
fn two_length_lines_are_refused_even_if_equal() {
    for second in ["5", "6", "05"] {
        let lines = [(LENGTH, "5"), (LENGTH, second)];
        assert_eq!(
            request(&lines),
            Err(FramingError::LengthRepeated),
            "{second}"
        );
    }
}

#[test]
fn chunked_has_no_letter_case() {
    for value in ["chunked", "Chunked", "CHUNKED"] {
        assert_eq!(request(&[(CODING, value)]), Ok(Framing::Chunked), "{value}");
    }
}

#[test]
fn coding_and_length_together_are_refused() {
    for lines in [
        [(CODING, "chunked"), (LENGTH, "5")],
        [(LENGTH, "0"), (CODING, "chunked")],
    ] {
        assert_eq!(request(&lines), Err(FramingError::CodingAndLength));
        assert_eq!(response(200, &lines), Err(FramingError::CodingAndLength));
    }
}

#[test]
fn http_10_knows_no_coding() {
    let fields = fields(&[(CODING, "chunked")]);
    let refused = Err(FramingError::CodingInHttp10);
    assert_eq!(of_request(Version::HTTP_10, &fields), refused);
    assert_eq!(
        of_response(false, StatusCode::OK, Version::HTTP_10, &fields),
        refused
    );
}

#[test]
fn the_last_coding_is_chunked_and_no_other_is_known() {
    type Check = fn(&FramingError) -> bool;
    let not_last: Check = |error| matches!(error, FramingError::ChunkedNotLast(_));
    let unknown: Check = |error| matches!(error, FramingError::CodingUnknown(_));
    let invalid: Check = |error| matches!(error, FramingError::CodingInvalid(_));
    let repeated: Check = |error| matches!(error, FramingError::ChunkedRepeated);
    for (value, check) in [
        ("foo", not_last),
        ("identity", not_last),
        ("chunkedd", not_last),
        ("chunked, gzip", not_last),
        ("identity, chunked, identity", not_last),
        ("chunked;foo=bar", not_last),
        ("chunked; foo=bar", not_last),
        ("'chunked'", not_last),
        ("gzip, chunked", unknown),
        ("deflate,chunked", unknown),
        ("gzip;q=1, chunked", unknown),
        ("chunked, chunked", repeated),
        ("gzip, chunked, chunked", repeated),
        ("", invalid),
        (",", invalid),
        (", chunked", invalid),
        ("chunked,", invalid),
        ("chunked, , chunked", invalid),
        ("\"chunked\"", invalid),
        ("[chunked]", invalid),
        ("chunked gzip", invalid),
        ("\u{a0}chunked", invalid),
    ] {
        let error = request(&[(CODING, value)]).unwrap_err();
        assert!(check(&error), "{value}: {error:?}");
    }
}

#[test]
fn codings_on_several_lines_are_one_list() {
    let lines = [(CODING, "gzip"), (CODING, "chunked")];
    assert!(matches!(
        request(&lines),
        Err(FramingError::CodingUnknown(_))
    ));
    let lines = [(CODING, "chunked"), (CODING, "identity")];
    assert!(matches!(
        request(&lines),
        Err(FramingError::ChunkedNotLast(_))
    ));
    let lines = [(CODING, "chunked"), (CODING, "chunked")];
    assert_eq!(request(&lines), Err(FramingError::ChunkedRepeated));
}

#[test]
fn a_response_that_says_nothing_ends_with_the_connection() {
    assert_eq!(response(200, &[]), Ok(Framing::UntilClose));
    assert_eq!(response(404, &[(LENGTH, "0")]), Ok(Framing::Length(0)));
    assert_eq!(response(200, &[(CODING, "chunked")]), Ok(Framing::Chunked));
}

#[test]
fn some_responses_have_no_body_whatever_they_say() {
    for status in [100, 101, 103, 204, 304] {
        assert_eq!(
            response(status, &[(LENGTH, "500")]),
            Ok(Framing::Empty),
            "{status}"
        );
        assert_eq!(
            response(status, &[(CODING, "gzip")]),
            Ok(Framing::Empty),
            "{status}"
        );
    }
    let fields = fields(&[(LENGTH, "500")]);
    let head = of_response(true, StatusCode::OK, Version::HTTP_11, &fields);
    assert_eq!(head, Ok(Framing::Empty));
}
