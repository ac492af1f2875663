//! A client against a server in virtual time: do two of our sides agree.
//!
//! The helpers at the top serve the tests of both roles as well.

use std::sync::Arc;

use http::header::{HeaderName, HeaderValue};
use http::{Method, StatusCode};

use crate::event::SendBody;
use crate::framing::BodyLength;

use super::*;

/// The Date of every response in these tests.
pub(super) const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";
/// What stands in every head that is sent here.
pub(super) const HEAD: HeadOptions<'static> = HeadOptions {
    date: Some(DATE),
    connection: true,
    reason: None,
};
/// The beginning of time.
pub(super) const START: Moment = Moment(0);

/// A server connection with default rules.
pub(super) fn server() -> ServerConnection {
    ServerConnection::new(Arc::default(), Arc::default(), START)
}

/// A client connection with default rules.
pub(super) fn client() -> ClientConnection {
    ClientConnection::new(Arc::default())
}

/// Fields from static lines.
pub(super) fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let line = |&(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    lines.iter().map(line).collect()
}

/// What an event says, short enough to compare: data is joined in the order it comes.
pub(super) fn describe(event: Event) -> String {
    match event {
        Event::Request(head) => format!("{} {}", head.method, head.uri),
        Event::Interim(head) => format!("interim {}", head.status.as_u16()),
        Event::Response(head) => format!("response {}", head.status.as_u16()),
        Event::Data(data) => format!("data {}", data.escape_ascii()),
        Event::End(None) => "end".to_string(),
        Event::End(Some(trailers)) => format!("end {:?}", trailers.fields),
        Event::Closed => "closed".to_string(),
    }
}

/// All events that a server has ready.
pub(super) fn server_events(server: &mut ServerConnection) -> Vec<String> {
    std::iter::from_fn(|| server.poll_event(START).expect("no error"))
        .map(describe)
        .collect()
}

/// All events that a client has ready.
pub(super) fn client_events(client: &mut ClientConnection) -> Vec<String> {
    std::iter::from_fn(|| client.poll_event().expect("no error"))
        .map(describe)
        .collect()
}

/// Takes octets, and all events they lead to.
pub(super) fn serve(server: &mut ServerConnection, octets: &[u8]) -> Vec<String> {
    server.receive(octets, START);
    server_events(server)
}

/// Takes octets, and all events they lead to.
pub(super) fn consume(client: &mut ClientConnection, octets: &[u8]) -> Vec<String> {
    client.receive(octets);
    client_events(client)
}

/// Sends a whole response with this body.
pub(super) fn respond(server: &mut ServerConnection, status: u16, body: &[u8]) -> String {
    let mut out = Vec::new();
    let status = StatusCode::from_u16(status).expect("a status");
    let known = BodyLength::Known(body.len() as u64);
    let sends = server.send_response(status, &HeaderMap::new(), known, &HEAD, &mut out);
    if sends.expect("a response is due") == SendBody::Yes {
        let end = server
            .send_data(body.len(), &mut out)
            .expect("room for the body");
        out.extend_from_slice(body);
        out.extend_from_slice(end);
    }
    server
        .send_end(None, &mut out, START)
        .expect("a complete body");
    String::from_utf8(out).expect("text")
}

/// Sends a whole request without a body.
pub(super) fn request(client: &mut ClientConnection, method: &Method, target: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let fields = fields(&[("host", "a")]);
    let sends = client.send_request(
        &OutgoingHead::new(method, target, &fields),
        BodyLength::Known(0),
        &mut out,
    );
    assert_eq!(sends, Ok(SendBody::No));
    client.send_end(None, &mut out).expect("a complete request");
    out
}

/// A client, a server, and the octets that are under way between them.
struct Pair {
    /// The side that asks.
    client: ClientConnection,
    /// The side that answers.
    server: ServerConnection,
    /// From the client, not yet received.
    upward: Vec<u8>,
    /// From the server, not yet received.
    downward: Vec<u8>,
}

impl Pair {
    /// Two fresh sides.
    fn new() -> Self {
        Self {
            client: client(),
            server: server(),
            upward: Vec::new(),
            downward: Vec::new(),
        }
    }

    /// Delivers what is under way in pieces of `step` octets; the events of server and client.
    fn deliver(&mut self, step: usize) -> (Vec<String>, Vec<String>) {
        let mut seen = (Vec::new(), Vec::new());
        for piece in std::mem::take(&mut self.upward).chunks(step) {
            seen.0.extend(serve(&mut self.server, piece));
        }
        for piece in std::mem::take(&mut self.downward).chunks(step) {
            seen.1.extend(consume(&mut self.client, piece));
        }
        (join_data(seen.0), join_data(seen.1))
    }

    /// Sends a body from one side's `send_data` and `send_end`, in these pieces.
    fn upload(&mut self, pieces: &[&[u8]], trailers: Option<&HeaderMap>) {
        for piece in pieces {
            let end = self
                .client
                .send_data(piece.len(), &mut self.upward)
                .unwrap();
            self.upward.extend_from_slice(piece);
            self.upward.extend_from_slice(end);
        }
        self.client.send_end(trailers, &mut self.upward).unwrap();
    }

    /// Sends a response body of unknown length.
    fn download(&mut self, pieces: &[&[u8]], trailers: Option<&HeaderMap>) {
        let out = &mut self.downward;
        let body = BodyLength::Unknown;
        let sends = self
            .server
            .send_response(StatusCode::OK, &HeaderMap::new(), body, &HEAD, out);
        assert_eq!(sends, Ok(SendBody::Yes));
        for piece in pieces {
            let end = self.server.send_data(piece.len(), out).unwrap();
            out.extend_from_slice(piece);
            out.extend_from_slice(end);
        }
        self.server.send_end(trailers, out, START).unwrap();
    }
}

/// Joins neighbouring pieces of data, so that cuts do not show.
fn join_data(events: Vec<String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for event in events {
        match (joined.last_mut(), event.strip_prefix("data ")) {
            (Some(last), Some(more)) if last.starts_with("data ") => last.push_str(more),
            _ => joined.push(event),
        }
    }
    joined
}

#[test]
fn exchanges_follow_each_other_however_they_are_cut() {
    for step in [1, 2, 3, 7, 1000] {
        let mut pair = Pair::new();
        for target in ["/one", "/two"] {
            assert!(pair.client.reusable() && pair.server.is_idle());
            pair.upward = request(&mut pair.client, &Method::GET, target);
            assert_eq!(
                pair.deliver(step).0,
                [format!("GET {target}"), "end".into()]
            );
            pair.downward = respond(&mut pair.server, 200, b"hello").into_bytes();
            assert_eq!(pair.deliver(step).1, ["response 200", "data hello", "end"]);
        }
        assert!(
            pair.client.reusable() && pair.server.is_idle(),
            "step {step}"
        );
    }
}

#[test]
fn chunked_bodies_with_trailers_pass_both_ways() {
    let trailers = fields(&[("x-sum", "42")]);
    let end = "end {\"x-sum\": \"42\"}";
    for step in [1, 5, 1000] {
        let mut pair = Pair::new();
        let head = fields(&[("host", "a")]);
        let out = &mut pair.upward;
        let sends = pair.client.send_request(
            &OutgoingHead::new(&Method::PUT, "/", &head),
            BodyLength::Unknown,
            out,
        );
        assert_eq!(sends, Ok(SendBody::Yes));
        pair.upload(&[b"he", b"", b"llo"], Some(&trailers));
        assert_eq!(pair.deliver(step).0, ["PUT /", "data hello", end]);
        pair.download(&[b"wor", b"ld"], Some(&trailers));
        assert_eq!(pair.deliver(step).1, ["response 200", "data world", end]);
        assert!(
            pair.client.reusable() && pair.server.is_idle(),
            "step {step}"
        );
    }
}

#[test]
fn a_body_waits_for_its_100() {
    let mut pair = Pair::new();
    let head = fields(&[("host", "a"), ("expect", "100-continue")]);
    let out = &mut pair.upward;
    let sends = pair.client.send_request(
        &OutgoingHead::new(&Method::POST, "/", &head),
        BodyLength::Known(5),
        out,
    );
    assert_eq!(sends, Ok(SendBody::Yes));
    assert_eq!(pair.deliver(1000).0, ["POST /"]);
    assert!(pair.server.expects_continue());
    pair.server.send_continue(&mut pair.downward).unwrap();
    assert!(!pair.server.expects_continue());
    assert_eq!(pair.deliver(1000).1, ["interim 100"]);
    pair.upload(&[b"hello"], None);
    assert_eq!(pair.deliver(1000).0, ["data hello", "end"]);
    pair.downward = respond(&mut pair.server, 204, b"").into_bytes();
    assert_eq!(pair.deliver(1000).1, ["response 204", "end"]);
    assert!(pair.client.reusable() && pair.server.is_idle());
}

#[test]
fn a_response_may_overtake_its_request() {
    let mut pair = Pair::new();
    let head = fields(&[("host", "a")]);
    let out = &mut pair.upward;
    let _ = pair
        .client
        .send_request(
            &OutgoingHead::new(&Method::POST, "/", &head),
            BodyLength::Known(5),
            out,
        )
        .unwrap();
    assert_eq!(pair.deliver(1000).0, ["POST /"]);
    pair.downward = respond(&mut pair.server, 200, b"early").into_bytes();
    assert_eq!(pair.deliver(1000).1, ["response 200", "data early", "end"]);
    assert!(!pair.client.reusable() && pair.server.in_exchange());
    pair.upload(&[b"hello"], None);
    assert!(pair.client.reusable());
    assert_eq!(pair.deliver(1000).0, ["data hello", "end"]);
    assert!(pair.server.is_idle());
}

#[test]
fn both_sides_leave_http_together() {
    let mut pair = Pair::new();
    let asked = fields(&[
        ("host", "a"),
        ("connection", "upgrade"),
        ("upgrade", "echo"),
    ]);
    let out = &mut pair.upward;
    let _ = pair
        .client
        .send_request(
            &OutgoingHead::new(&Method::GET, "/", &asked),
            BodyLength::Known(0),
            out,
        )
        .unwrap();
    pair.client.send_end(None, &mut pair.upward).unwrap();
    assert_eq!(pair.deliver(3).0, ["GET /", "end"]);
    let switch = StatusCode::SWITCHING_PROTOCOLS;
    let answer = fields(&[("upgrade", "echo")]);
    let out = &mut pair.downward;
    let sends = pair
        .server
        .send_response(switch, &answer, BodyLength::Known(0), &HEAD, out);
    assert_eq!(sends, Ok(SendBody::No));
    pair.downward.extend_from_slice(b"\x00raw");
    assert_eq!(pair.deliver(3).1, ["response 101"]);
    assert!(pair.client.is_tunnel() && pair.server.is_tunnel());
    assert_eq!(pair.client.take_leftover(), b"\x00raw"[..]);
    assert_eq!(
        pair.client.close_reason().or(pair.server.close_reason()),
        None
    );
}

#[test]
fn a_close_is_understood_by_both() {
    let mut pair = Pair::new();
    pair.upward = request(&mut pair.client, &Method::GET, "/");
    pair.deliver(1000);
    pair.server.close_after_exchange(CloseReason::Shutdown);
    pair.downward = respond(&mut pair.server, 200, b"bye").into_bytes();
    assert_eq!(pair.server.close_reason(), Some(CloseReason::Shutdown));
    assert_eq!(pair.deliver(4).1, ["response 200", "data bye", "end"]);
    assert_eq!(pair.client.close_reason(), Some(CloseReason::PeerAsked));
}
