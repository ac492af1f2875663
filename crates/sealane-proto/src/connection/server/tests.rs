//! What a server makes of its input: events, clocks, persistence, ends.

use std::time::Duration;

use http::StatusCode;

use crate::connection::tests::{DATE, HEAD, START, respond, serve, server, server_events};
use crate::error::{ErrorKind, HostError, IncompleteError};
use crate::limits::Limits;

use super::*;

/// A complete request.
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/// A request of which the body is still to come.
const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";

/// A server connection with other limits.
fn server_with(limits: Limits) -> ServerConnection {
    let rules = ServerRules {
        limits,
        ..ServerRules::default()
    };
    ServerConnection::new(Arc::new(rules), Arc::default(), START)
}

/// The error that these octets lead to.
fn refusal(server: &mut ServerConnection, octets: &[u8]) -> ProtocolError {
    server.receive(octets, START);
    poll_error(server)
}

/// The error that comes after any number of events.
fn poll_error(server: &mut ServerConnection) -> ProtocolError {
    loop {
        match server.poll_event(START) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no error"),
            Err(error) => return error,
        }
    }
}

#[test]
fn an_idle_connection_holds_no_buffer() {
    let mut server = server();
    assert!(server.is_idle() && !server.in_exchange());
    serve(&mut server, GET);
    respond(&mut server, 200, b"x");
    assert!(server.is_idle());
    assert_eq!(server.buffered(), 0);
}

#[test]
fn pipelined_requests_wait_for_their_turn() {
    let mut server = server();
    let octets = [GET, POST, b"hello", GET].concat();
    assert_eq!(serve(&mut server, &octets), ["GET /", "end"]);
    assert!(server.buffered() > 0 && !server.is_idle());
    respond(&mut server, 200, b"1");
    assert_eq!(server_events(&mut server), ["POST /", "data hello", "end"]);
    respond(&mut server, 200, b"2");
    assert_eq!(server_events(&mut server), ["GET /", "end"]);
    respond(&mut server, 200, b"3");
    assert!(server.is_idle());
}

#[test]
fn blank_lines_before_a_request_are_bounded() {
    let mut server = server();
    assert_eq!(serve(&mut server, b"\r\n\r"), [""; 0]);
    assert!(!server.is_idle(), "a message has begun");
    assert_eq!(serve(&mut server, b"\n"), [""; 0]);
    assert_eq!(serve(&mut server, GET), ["GET /", "end"]);
    let error = refusal(&mut self::server(), &b"\r\n".repeat(9));
    assert_eq!(error.kind(), &StartLineError::BlankLines(8).into());
    assert_eq!(
        serve(&mut self::server(), &[&b"\r\n".repeat(8), GET].concat()).len(),
        2
    );
}

#[test]
fn blank_lines_are_counted_anew_for_each_request() {
    let mut server = server();
    for _ in 0..3 {
        assert_eq!(
            serve(&mut server, &[&b"\r\n".repeat(8), GET].concat()),
            ["GET /", "end"]
        );
        respond(&mut server, 200, b"");
    }
}

#[test]
fn after_an_error_nothing_more_is_read() {
    let mut server = server();
    let error = refusal(&mut server, b"BAD\r\n\r\n");
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(serve(&mut server, GET), [""; 0]);
    assert_eq!((server.buffered(), server.next_timeout()), (0, None));
    assert_eq!(server.close_reason(), None, "an answer is still due");
    assert!(server.refuse(StatusCode::BAD_REQUEST, b"", DATE, &mut Vec::new()));
    assert_eq!(server.close_reason(), Some(CloseReason::Refused));
}

#[test]
fn an_error_behind_a_request_leaves_its_response_whole() {
    let mut server = server();
    serve(&mut server, &[GET, b"G(T / HTTP/1.1\r\n"].concat());
    assert!(respond(&mut server, 200, b"1").contains("connection: keep-alive"));
    let error = poll_error(&mut server);
    assert_eq!(
        (error.offset(), error.status()),
        (1, Some(StatusCode::BAD_REQUEST))
    );
}

#[test]
fn an_error_inside_a_body_ends_with_the_response() {
    let mut server = server();
    let octets = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxX";
    assert!(matches!(
        refusal(&mut server, octets).kind(),
        ErrorKind::Chunked(_)
    ));
    assert!(respond(&mut server, 200, b"").contains("connection: close"));
    assert_eq!(server.close_reason(), Some(CloseReason::ProtocolError));
}

#[test]
fn persistence_follows_version_and_connection() {
    for (head, reason) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n", None),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n", None),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: CLOSE\r\n",
            Some(CloseReason::PeerAsked),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: x, close\r\n",
            Some(CloseReason::PeerAsked),
        ),
        ("GET / HTTP/1.0\r\n", Some(CloseReason::Http10)),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", None),
        (
            "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n",
            Some(CloseReason::PeerAsked),
        ),
    ] {
        let mut server = server();
        serve(&mut server, format!("{head}\r\n").as_bytes());
        let said = respond(&mut server, 200, b"x");
        assert_eq!(server.close_reason(), reason, "{head}");
        assert_eq!(
            said.contains("connection: close"),
            reason.is_some(),
            "{head}"
        );
        assert_eq!(
            said.contains("connection: keep-alive"),
            reason.is_none(),
            "{head}"
        );
    }
}

#[test]
fn octets_behind_a_close_are_ignored() {
    let mut server = server();
    serve(
        &mut server,
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(serve(&mut server, GET), [""; 0]);
    assert_eq!(server.buffered(), 0, "not even kept");
    respond(&mut server, 200, b"x");
    assert_eq!(serve(&mut server, GET), [""; 0]);
}

#[test]
fn input_is_wanted_as_long_as_something_can_be_made_of_it() {
    let mut keeping = server();
    assert!(keeping.wants_input());
    serve(&mut keeping, GET);
    assert!(keeping.wants_input(), "the next request may come");
    keeping.close_after_exchange(CloseReason::Shutdown);
    assert!(!keeping.wants_input(), "it was the last one");

    let mut failed = server();
    refusal(&mut failed, b"BAD\r\n\r\n");
    assert!(!failed.wants_input(), "an error ends it");

    let mut closing = server();
    let last = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nh";
    serve(&mut closing, last);
    assert!(closing.wants_input(), "the rest of the body");
    serve(&mut closing, b"i");
    assert!(!closing.wants_input());

    let mut upgrading = server();
    let last = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade, close\r\n\r\n";
    serve(&mut upgrading, last);
    assert!(upgrading.wants_input(), "a tunnel may follow");
    respond(&mut upgrading, 200, b"");
    assert!(!upgrading.wants_input(), "none did");
}

#[test]
fn a_half_closed_client_gets_all_its_answers() {
    let mut server = server();
    server.receive(&[GET, GET].concat(), START);
    server.handle_end(InputEnd::Orderly);
    assert_eq!(server_events(&mut server), ["GET /", "end"]);
    assert!(respond(&mut server, 200, b"1").contains("connection: keep-alive"));
    assert_eq!(server_events(&mut server), ["GET /", "end"]);
    assert!(
        respond(&mut server, 200, b"2").contains("connection: close"),
        "nothing can follow"
    );
    assert_eq!(server.close_reason(), Some(CloseReason::PeerEnded));
}

#[test]
fn an_end_between_messages_closes() {
    for (end, reason) in [
        (InputEnd::Orderly, CloseReason::PeerEnded),
        (InputEnd::Truncated, CloseReason::PeerTruncated),
    ] {
        let mut server = server();
        serve(&mut server, b"\r\n");
        server.handle_end(end);
        assert_eq!(server_events(&mut server), ["closed"]);
        assert_eq!(server.close_reason(), Some(reason));
        assert_eq!(server.next_timeout(), None);
        assert_eq!(server_events(&mut server), [""; 0]);
    }
}

#[test]
fn an_end_after_the_response_closes_too() {
    let mut server = server();
    serve(&mut server, GET);
    respond(&mut server, 200, b"x");
    server.handle_end(InputEnd::Orderly);
    assert_eq!(server_events(&mut server), ["closed"]);
}

#[test]
fn an_end_inside_a_message_is_an_error() {
    for (octets, kind) in [
        (&b"GET / HTTP/1.1\r\nHo"[..], IncompleteError::Head(18)),
        (b"\r\nGET", IncompleteError::Head(3)),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhello",
            IncompleteError::Length {
                received: 5,
                announced: 50,
            },
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
            IncompleteError::Chunked(1),
        ),
    ] {
        let mut server = server();
        server.receive(octets, START);
        server.handle_end(InputEnd::Orderly);
        let error = poll_error(&mut server);
        assert_eq!(error.kind(), &kind.into());
        assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
    }
}

#[test]
fn host_may_be_optional_but_never_wrong() {
    let rules = Arc::new(ServerRules {
        require_host: false,
        ..ServerRules::default()
    });
    let mut server = ServerConnection::new(rules.clone(), Arc::default(), START);
    assert_eq!(
        serve(&mut server, b"GET / HTTP/1.1\r\n\r\n"),
        ["GET /", "end"]
    );
    let mut server = ServerConnection::new(rules, Arc::default(), START);
    let error = refusal(&mut server, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    assert_eq!(error.kind(), &HostError::Repeated.into());
}

#[test]
fn the_head_clock_runs_from_the_connection_then_from_the_first_octet() {
    let mut server = server();
    assert_eq!(server.next_timeout(), Some(Moment(60_000)));
    server.receive(b"GET / HTTP/1.1\r\n", Moment(50_000));
    assert_eq!(server.handle_timeout(Moment(59_999)), None);
    server.receive(b"Host: a\r\n\r\n", Moment(59_999));
    server.poll_event(Moment(59_999)).unwrap();
    assert_eq!(server.next_timeout(), None, "the request is complete");
    let mut out = Vec::new();
    let empty = crate::BodyLength::Known(0);
    let _ = server.send_response(
        StatusCode::OK,
        &http::HeaderMap::new(),
        empty,
        &HEAD,
        &mut out,
    );
    server.send_end(None, &mut out, Moment(70_000)).unwrap();
    assert_eq!(
        server.next_timeout(),
        Some(Moment(76_000)),
        "5 s advertised, and one more"
    );
    while let Ok(Some(_)) = server.poll_event(Moment(70_000)) {}
    server.receive(b"\r\n", Moment(71_000));
    assert_eq!(server.next_timeout(), Some(Moment(131_000)), "blank or not");
}

#[test]
fn a_late_head_can_be_answered() {
    let mut server = server();
    server.receive(b"GET /", START);
    assert_eq!(server.handle_timeout(Moment(60_000)), Some(Timer::Head));
    assert_eq!(server.next_timeout(), None);
    assert_eq!(
        serve(&mut server, b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        [""; 0],
        "too late"
    );
    assert!(server.refuse(StatusCode::REQUEST_TIMEOUT, b"", DATE, &mut Vec::new()));
}

#[test]
fn a_late_body_stops_the_request_clock_only_when_complete() {
    let mut server = server();
    serve(&mut server, POST);
    assert_eq!(server.next_timeout(), Some(Moment(300_000)));
    serve(&mut server, b"hell");
    assert_eq!(server.handle_timeout(Moment(300_000)), Some(Timer::Request));
    assert!(server.in_exchange() && !server.head_sent());
    let mut server = self::server();
    serve(&mut server, POST);
    serve(&mut server, b"hello");
    assert_eq!(server.next_timeout(), None);
}

#[test]
fn a_late_body_behind_a_response_closes() {
    let mut server = server();
    serve(&mut server, POST);
    respond(&mut server, 200, b"early");
    assert_eq!(server.handle_timeout(Moment(300_000)), Some(Timer::Request));
    assert_eq!(server.close_reason(), Some(CloseReason::RequestTimeout));
    assert!(!server.refuse(StatusCode::REQUEST_TIMEOUT, b"", DATE, &mut Vec::new()));
}

#[test]
fn a_connection_that_failed_between_exchanges_can_be_closed_without_an_answer() {
    let mut failed = server();
    refusal(&mut failed, b"BAD\r\n\r\n");
    failed.close_after_exchange(CloseReason::Shutdown);
    assert_eq!(failed.close_reason(), Some(CloseReason::ProtocolError));

    let mut late = server();
    late.receive(b"GET /", START);
    assert_eq!(late.handle_timeout(Moment(60_000)), Some(Timer::Head));
    assert_eq!(late.close_reason(), None, "an answer is still due");
    late.close_after_exchange(CloseReason::Shutdown);
    assert_eq!(late.close_reason(), Some(CloseReason::HeadTimeout));
    assert!(!late.refuse(StatusCode::REQUEST_TIMEOUT, b"", DATE, &mut Vec::new()));

    let mut answering = server();
    serve(&mut answering, POST);
    assert_eq!(
        answering.handle_timeout(Moment(300_000)),
        Some(Timer::Request)
    );
    answering.close_after_exchange(CloseReason::Shutdown);
    assert_eq!(
        answering.close_reason(),
        None,
        "the response may still be sent"
    );
}

#[test]
fn an_idle_connection_is_closed_in_time() {
    let mut server = server();
    serve(&mut server, GET);
    respond(&mut server, 200, b"x");
    assert_eq!(server.handle_timeout(Moment(6_000)), Some(Timer::KeepAlive));
    assert_eq!(server.close_reason(), Some(CloseReason::KeepAliveTimeout));
}

#[test]
fn a_request_that_waited_has_all_its_time() {
    let timeouts = Timeouts {
        head: Some(Duration::from_secs(1)),
        ..Timeouts::default()
    };
    let mut server = ServerConnection::new(Arc::default(), timeouts.into(), START);
    serve(&mut server, &[GET, b"GET /"].concat());
    let mut out = Vec::new();
    let empty = crate::BodyLength::Known(0);
    let _ = server.send_response(
        StatusCode::OK,
        &http::HeaderMap::new(),
        empty,
        &HEAD,
        &mut out,
    );
    server.send_end(None, &mut out, Moment(5_000)).unwrap();
    assert_eq!(server.next_timeout(), Some(Moment(6_000)));
}

#[test]
fn closing_an_idle_connection_is_at_once() {
    let mut server = server();
    server.close_after_exchange(CloseReason::Shutdown);
    assert_eq!(server.close_reason(), Some(CloseReason::Shutdown));
    assert_eq!(server.next_timeout(), None);
    assert_eq!(serve(&mut server, GET), [""; 0]);
}

#[test]
fn a_request_that_has_begun_is_still_served_before_a_close() {
    let mut server = server();
    serve(&mut server, &GET[..10]);
    server.close_after_exchange(CloseReason::Shutdown);
    assert_eq!(serve(&mut server, &GET[10..]), ["GET /", "end"]);
    assert!(respond(&mut server, 200, b"x").contains("connection: close"));
    assert_eq!(server.close_reason(), Some(CloseReason::Shutdown));
}

#[test]
fn an_unwanted_body_is_swallowed_within_its_limit() {
    let mut server = server();
    serve(&mut server, &[POST, b"he"].concat());
    server.discard_body();
    respond(&mut server, 200, b"x");
    assert!(server.receiving_body());
    assert_eq!(
        serve(&mut server, &[b"llo", GET].concat()),
        ["end", "GET /", "end"]
    );
}

#[test]
fn an_unwanted_body_beyond_its_limit_closes() {
    let limits = Limits {
        discarded_body_octets: 4,
        ..Limits::default()
    };
    let mut server = server_with(limits);
    serve(&mut server, POST);
    server.discard_body();
    assert!(
        respond(&mut server, 200, b"x").contains("connection: close"),
        "known to be too long"
    );
    assert_eq!(server.close_reason(), Some(CloseReason::BodyUnwanted));
}

#[test]
fn an_unwanted_body_is_counted_as_it_comes_from_the_wire() {
    let put = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    // Ten octets each, of which some are content and some are not.
    for further in ["5\r\nabcde\r\n", "1;a=bcd\r\nx", "0000000001", "1;abcdefgh"] {
        let limits = Limits {
            discarded_body_octets: 19,
            ..Limits::default()
        };
        let mut server = server_with(limits);
        serve(&mut server, put);
        server.discard_body();
        assert!(respond(&mut server, 200, b"x").contains("connection: keep-alive"));
        assert_eq!(serve(&mut server, b"5\r\nabcde\r\n"), [""; 0]);
        assert_eq!(server.close_reason(), None, "10 of 19");
        assert_eq!(serve(&mut server, &further.as_bytes()[..9]), [""; 0]);
        assert_eq!(server.close_reason(), None, "19 of 19: {further}");
        assert_eq!(serve(&mut server, &further.as_bytes()[9..]), [""; 0]);
        assert_eq!(
            server.close_reason(),
            Some(CloseReason::BodyUnwanted),
            "{further}"
        );
    }
}

#[test]
fn a_closing_connection_does_not_wait_for_an_unwanted_body() {
    let mut server = server();
    serve(
        &mut server,
        b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhe",
    );
    server.discard_body();
    respond(&mut server, 200, b"x");
    assert_eq!(server.close_reason(), Some(CloseReason::Http10));
}

#[test]
fn a_wanted_body_is_received_to_its_end_before_a_close() {
    let mut server = server();
    serve(
        &mut server,
        b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhe",
    );
    respond(&mut server, 200, b"x");
    assert_eq!(server.close_reason(), None);
    assert_eq!(serve(&mut server, b"llo"), ["data llo", "end"]);
    assert_eq!(server.close_reason(), Some(CloseReason::Http10));
}

#[test]
fn octets_of_a_body_make_a_100_useless() {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    let mut server = server();
    serve(&mut server, head);
    assert!(server.expects_continue());
    serve(&mut server, b"h");
    assert!(!server.expects_continue());
    let mut server = self::server();
    serve(&mut server, &[&head[..], b"h"].concat());
    assert!(!server.expects_continue());
}

#[test]
fn debug_shows_no_octets() {
    let mut server = server();
    server.receive(b"GET /?token=secret HTTP/1.1\r\nCookie: secret", START);
    let shown = format!("{server:?}");
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn no_event_follows_a_refusal() {
    let mut server = server();
    server.receive(GET, START);
    assert!(matches!(
        server.poll_event(START),
        Ok(Some(Event::Request(_)))
    ));
    assert!(server.refuse(StatusCode::BAD_REQUEST, b"", DATE, &mut Vec::new()));
    assert_eq!(
        server_events(&mut server),
        [""; 0],
        "not even the end that was due"
    );
}

#[test]
fn other_timeouts_hold_at_once_for_a_message_that_has_begun() {
    let mut server = server();
    serve(&mut server, b"GET / HT");
    let shorter = Timeouts {
        head: Some(Duration::from_secs(2)),
        ..Timeouts::default()
    };
    server.set_timeouts(Arc::new(shorter));
    assert_eq!(server.next_timeout(), Some(Moment(2_000)));
    assert_eq!(server.handle_timeout(Moment(3_000)), Some(Timer::Head));
}

#[test]
fn a_promise_to_keep_a_connection_holds_until_the_next_response() {
    let mut server = server();
    serve(&mut server, GET);
    let (mut out, none) = (Vec::new(), http::HeaderMap::new());
    let empty = crate::BodyLength::Known(0);
    server
        .send_response(StatusCode::OK, &none, empty, &HEAD, &mut out)
        .unwrap();
    let shorter = Timeouts {
        keep_alive: Some(Duration::from_secs(1)),
        ..Timeouts::default()
    };
    server.set_timeouts(Arc::new(shorter));
    server.send_end(None, &mut out, START).unwrap();
    assert_eq!(server.next_timeout(), Some(Moment(6_000)), "as advertised");
    serve(&mut server, GET);
    assert!(respond(&mut server, 200, b"x").contains("keep-alive: timeout=1\r\n"));
    assert_eq!(server.next_timeout(), Some(Moment(2_000)));
}
