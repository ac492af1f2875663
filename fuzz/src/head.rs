//! Target `head`: a request head and a response head, against `httparse`.
//!
//! RFC 9112 §3, §4, §5. What one of our connections accepts, httparse must accept with the same
//! method, target, version, status, and field lines in the same order. What a lenient one accepts
//! beyond that, a strict one must accept once it is written as it was understood.

use http::{HeaderMap, HeaderValue, Method, Version};
use sealane_proto::{Event, Moment, RawHead, RequestHead, ResponseHead};

use crate::reading::{self, LENIENT, READERS, STRICT};

/// Reads the input as requests and as a response.
pub fn head(input: &[u8]) {
    if let Some(head) = first_request(STRICT, input) {
        check_request(&head, input);
    }
    if let Some(head) = first_response(STRICT, input) {
        check_response(&head, input);
    }
    for lenient in READERS {
        reading::same_at_every_cut(input, |pieces| reading::serve(lenient, pieces));
        reading::same_at_every_cut(input, |pieces| {
            reading::fetch(lenient, &Method::GET, pieces)
        });
    }
    let serve = |lenient| reading::serve(lenient, [input]);
    serve(STRICT).check_lenient(&serve(LENIENT));
    let fetch = |lenient| reading::fetch(lenient, &Method::GET, [input]);
    fetch(STRICT).check_lenient(&fetch(LENIENT));
    // Written anew a head is longer by the white space that it did without.
    if input.len() <= REWRITTEN {
        check_understood(input);
    }
}

/// Writes what a lenient reader has understood, and lets a strict one read it.
fn check_understood(input: &[u8]) {
    if let Some(head) = first_request(LENIENT, input) {
        let line = [head.method.as_str().as_bytes(), b" ", head.raw.target()].concat();
        let line = [&line[..], b" HTTP/1.", minor_digit(head.version)].concat();
        let strict = first_request(STRICT, &written(&line, &head.fields));
        let strict = strict.expect("what is understood is well-formed");
        assert_eq!(strict.uri, head.uri);
        assert_eq!(strict.fields, head.fields);
        assert_eq!(format!("{strict:?}"), format!("{head:?}"));
    }
    if let Some(head) = first_response(LENIENT, input) {
        let status = head.status.as_str().as_bytes();
        let version = minor_digit(head.version);
        let line = [b"HTTP/1.", version, b" ", status, b" ", &head.reason].concat();
        let strict = first_response(STRICT, &written(&line, &head.fields));
        let strict = strict.expect("what is understood is well-formed");
        assert_eq!((strict.fields, strict.reason), (head.fields, head.reason));
        assert_eq!((strict.status, strict.framing), (head.status, head.framing));
    }
}

/// A head of this start line and these fields.
fn written(line: &[u8], fields: &HeaderMap) -> Vec<u8> {
    let mut octets = [line, b"\r\n"].concat();
    for (name, value) in fields {
        let name = name.as_str().as_bytes();
        octets.extend([name, b": ", value.as_bytes(), b"\r\n"].concat());
    }
    octets.extend(b"\r\n");
    octets
}

/// What stands behind `HTTP/1.` in a version.
fn minor_digit(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_10 => b"0",
        _ => b"1",
    }
}

/// The head of the first request, if it is accepted.
fn first_request(lenient: bool, input: &[u8]) -> Option<RequestHead> {
    let mut connection = reading::server(lenient);
    connection.receive(input, Moment(0));
    match connection.poll_event(Moment(0)) {
        Ok(Some(Event::Request(head))) => Some(head),
        _ => None,
    }
}

/// The head of the first response, interim or final, if it is accepted.
fn first_response(lenient: bool, input: &[u8]) -> Option<ResponseHead> {
    let mut connection = reading::client(lenient, &Method::GET);
    connection.receive(input);
    match connection.poll_event() {
        Ok(Some(Event::Interim(head) | Event::Response(head))) => Some(head),
        _ => None,
    }
}

/// Compares an accepted request head with what httparse makes of it.
fn check_request(head: &RequestHead, input: &[u8]) {
    let mut lines = vec![httparse::EMPTY_HEADER; FIELD_LINES];
    let mut parsed = httparse::Request::new(&mut lines);
    let status = parsed
        .parse(input)
        .expect("httparse accepts what we accept");
    assert!(status.is_complete(), "httparse takes the head for complete");
    assert_eq!(parsed.method, Some(head.method.as_str()));
    assert_eq!(parsed.path.map(str::as_bytes), Some(head.raw.target()));
    assert_eq!(parsed.version, Some(minor(head.version)));
    check_fields(parsed.headers, &head.raw, &head.fields);
    let wire = [
        head.method.as_str().as_bytes(),
        b" ",
        head.raw.target(),
        b" HTTP/1.",
    ]
    .concat();
    assert!(
        head.raw.start_line().starts_with(&wire),
        "the raw start line is the start line"
    );
}

/// Compares an accepted response head with what httparse makes of it.
fn check_response(head: &ResponseHead, input: &[u8]) {
    let mut lines = vec![httparse::EMPTY_HEADER; FIELD_LINES];
    let mut parsed = httparse::Response::new(&mut lines);
    let status = parsed
        .parse(input)
        .expect("httparse accepts what we accept");
    assert!(status.is_complete(), "httparse takes the head for complete");
    assert_eq!(parsed.code, Some(head.status.as_u16()));
    assert_eq!(parsed.version, Some(minor(head.version)));
    // It gives an empty text for a phrase with octets beyond ASCII, which it cannot show.
    if head.reason.is_ascii() {
        assert_eq!(parsed.reason.map(str::as_bytes), Some(&head.reason[..]));
    }
    check_fields(parsed.headers, &head.raw, &head.fields);
}

/// Compares field lines: the raw ones in their order, and the map by name.
fn check_fields(theirs: &[httparse::Header<'_>], raw: &RawHead, map: &HeaderMap) {
    let theirs: Vec<_> = theirs
        .iter()
        .map(|line| (line.name.as_bytes(), line.value))
        .collect();
    let ours: Vec<_> = raw.fields().collect();
    assert_eq!(ours, theirs, "raw field lines");
    assert_eq!(map.len(), theirs.len(), "lines in the map");
    for name in map.keys() {
        let mapped = map.get_all(name).iter().map(HeaderValue::as_bytes);
        let named = theirs
            .iter()
            .filter(|line| line.0.eq_ignore_ascii_case(name.as_ref()));
        assert!(mapped.eq(named.map(|line| line.1)), "values of {name}");
    }
}

/// The digit of a version that httparse reports.
fn minor(version: Version) -> u8 {
    u8::from(version == Version::HTTP_11)
}

/// Octets of an input that is written anew at most: even `a:` and LF grows to less than twice that.
const REWRITTEN: usize = 8 * 1024;
/// Field lines that httparse gets room for: more than our own limit lets through.
const FIELD_LINES: usize = 2048;
