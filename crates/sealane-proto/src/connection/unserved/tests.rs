//! What is not served can be seen, by those who ask.

use std::num::NonZeroU64;
use std::sync::Arc;

use http::Method;

use crate::connection::rules::ServerRules;
use crate::connection::tests::{START, respond, serve, server, server_events};

use super::*;

/// A complete request.
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A server that keeps what it rejects.
fn keeping() -> ServerConnection {
    let rules = ServerRules {
        keep_rejected: true,
        ..ServerRules::default()
    };
    ServerConnection::new(Arc::new(rules), Arc::default(), START)
}

/// A server that takes this many requests.
fn limited(most: u64) -> ServerConnection {
    let rules = ServerRules {
        max_requests: NonZeroU64::new(most),
        ..ServerRules::default()
    };
    ServerConnection::new(Arc::new(rules), Arc::default(), START)
}

/// What is rejected of these octets, and where.
fn rejected(server: &mut ServerConnection, octets: &[u8]) -> (String, usize) {
    server.receive(octets, START);
    while let Ok(event) = server.poll_event(START) {
        assert!(event.is_some(), "no error");
    }
    let rejected = server.take_rejected().expect("octets");
    assert!(server.take_rejected().is_none(), "taken once");
    (rejected.octets.escape_ascii().to_string(), rejected.parsed)
}

#[test]
fn rejected_octets_are_kept_with_the_place_of_the_fault() {
    let cases: [(&[u8], &str, usize); 6] = [
        (
            b"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
            "GET / HTTP/1.1\\r\\nA b: c\\r\\n\\r\\n",
            17,
        ),
        // Judged when the whole head was read: what stood behind it is there all the same.
        (
            b"GET / HTTP/1.1\r\nHost: a b\r\n\r\nGET",
            "GET / HTTP/1.1\\r\\nHost: a b\\r\\n\\r\\nGET",
            16,
        ),
        (b"\r\n\xffGET", "\\xffGET", 0),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz",
            "yz",
            0,
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: b\r\nc d\r\n",
            "a: b\\r\\nc d\\r\\n",
            7,
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
              0\r\na: b\r\nhost: d\r\n\r\n",
            "a: b\\r\\nhost: d\\r\\n\\r\\n",
            6,
        ),
    ];
    for (octets, kept, parsed) in cases {
        let seen = rejected(&mut keeping(), octets);
        assert_eq!(seen, (kept.to_string(), parsed));
    }
}

#[test]
fn a_head_that_ends_too_soon_was_read_to_its_end() {
    let mut server = keeping();
    server.handle_end(crate::InputEnd::Orderly);
    assert_eq!(
        rejected(&mut server, b"GET / HT"),
        ("GET / HT".to_string(), 8)
    );
}

#[test]
fn nothing_is_kept_unless_it_is_wanted() {
    let mut server = server();
    server.receive(b"\xff", START);
    assert!(server.poll_event(START).is_err());
    assert!(server.take_rejected().is_none());
    let mut server = keeping();
    serve(&mut server, GET);
    assert!(server.take_rejected().is_none(), "nothing was wrong");
}

#[test]
fn the_last_allowed_response_closes_and_those_before_say_how_many_there_are() {
    let mut server = limited(2);
    serve(&mut server, GET);
    let first = respond(&mut server, 200, b"x");
    assert!(
        first.contains("connection: keep-alive\r\nkeep-alive: timeout=5, max=2\r\n"),
        "{first}"
    );
    serve(&mut server, GET);
    let second = respond(&mut server, 200, b"x");
    assert!(second.contains("connection: close\r\n"), "{second}");
    assert!(!second.contains("keep-alive"), "{second}");
    assert_eq!(server.close_reason(), Some(CloseReason::RequestLimit));
    assert_eq!(serve(&mut server, GET), [""; 0]);
    assert!(server.take_dropped_request().is_none(), "it came too late");
}

#[test]
fn requests_behind_the_last_one_are_not_served_but_can_be_counted() {
    let mut server = limited(1);
    let put = b"\r\nPUT /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    let post = b"POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let octets = [GET, put, GET, post, GET].concat();
    assert_eq!(serve(&mut server, &octets), ["GET /", "end"]);
    assert!(
        server.take_dropped_request().is_none(),
        "the answer may still be a tunnel, or an error"
    );
    respond(&mut server, 200, b"x");
    assert_eq!(server_events(&mut server), [""; 0]);
    let dropped: Vec<_> = std::iter::from_fn(|| server.take_dropped_request())
        .map(|head| (head.method, head.raw.target().to_vec()))
        .collect();
    let wanted = [
        (Method::PUT, b"/2".to_vec()),
        (Method::GET, b"/".to_vec()),
        (Method::POST, b"/3".to_vec()),
    ];
    assert_eq!(dropped, wanted);
    assert_eq!(server.buffered(), 0);
}

#[test]
fn half_a_request_behind_the_last_one_is_none() {
    let mut server = limited(1);
    serve(&mut server, &[GET, b"GET / HT"].concat());
    respond(&mut server, 200, b"x");
    assert!(server.take_dropped_request().is_none());
    assert_eq!(server.buffered(), 0);
}

#[test]
fn what_stands_behind_another_close_was_not_dropped_for_a_limit() {
    let mut server = server();
    let close = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    serve(&mut server, &[close, GET].concat());
    respond(&mut server, 200, b"x");
    assert!(server.take_dropped_request().is_none());
    assert_eq!(server.buffered(), 0);
}

#[test]
fn another_limit_holds_for_connections_that_are_open() {
    let mut server = server();
    serve(&mut server, GET);
    respond(&mut server, 200, b"x");
    let rules = ServerRules {
        max_requests: NonZeroU64::new(2),
        ..ServerRules::default()
    };
    server.set_rules(Arc::new(rules));
    serve(&mut server, GET);
    respond(&mut server, 200, b"x");
    assert_eq!(server.close_reason(), Some(CloseReason::RequestLimit));
}
