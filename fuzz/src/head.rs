//! Target `head`: a request head and a response head, against `httparse`.
//!
//! RFC 9112 §3, §4, §5. What one of our connections accepts, httparse must accept with the same
//! method, target, version, status, and field lines in the same order.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Version};
use sealane_proto::{
    BodyLength, ClientConnection, ClientRules, Event, Moment, RawHead, RequestHead, ResponseHead,
    SendBody, ServerConnection, ServerRules,
};

use crate::reading;

/// Reads the input as requests and as a response.
pub fn head(input: &[u8]) {
    if let Some(head) = first_request(input) {
        check_request(&head, input);
    }
    if let Some(head) = first_response(input) {
        check_response(&head, input);
    }
    reading::same_at_every_cut(input, |pieces| reading::serve(pieces));
    reading::same_at_every_cut(input, |pieces| reading::fetch(&Method::GET, pieces));
}

/// The head of the first request, if it is accepted.
fn first_request(input: &[u8]) -> Option<RequestHead> {
    let rules = Arc::new(ServerRules::default());
    let mut connection = ServerConnection::new(rules, Arc::default(), Moment(0));
    connection.receive(input, Moment(0));
    match connection.poll_event(Moment(0)) {
        Ok(Some(Event::Request(head))) => Some(head),
        _ => None,
    }
}

/// The head of the first response, interim or final, if it is accepted.
fn first_response(input: &[u8]) -> Option<ResponseHead> {
    let mut connection = ClientConnection::new(Arc::new(ClientRules::default()));
    let fields = HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_static("a"))]);
    let mut out = Vec::new();
    let sent = connection.send_request(&Method::GET, "/", &fields, BodyLength::Known(0), &mut out);
    assert_eq!(sent, Ok(SendBody::No), "a plain request can be sent");
    connection
        .send_end(None, &mut out)
        .expect("an empty request can be ended");
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

/// Field lines that httparse gets room for: more than our own limit lets through.
const FIELD_LINES: usize = 2048;
