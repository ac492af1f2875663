//! What a server writes, octet for octet, and what it refuses to write.

use http::Method;

use crate::connection::tests::{DATE, HEAD, START, fields, respond, serve, server, server_events};

use super::*;

mod options;

/// The Date line of these tests.
const DATE_LINE: &str = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
/// What is said about a connection that goes on.
const KEPT: &str = "connection: keep-alive\r\nkeep-alive: timeout=5\r\n";

/// A server that has received a complete request of this method.
fn asked(method: &Method) -> ServerConnection {
    let mut server = server();
    let target = if *method == Method::CONNECT {
        "a:443"
    } else {
        "/"
    };
    let head = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(serve(&mut server, head.as_bytes()).len(), 2);
    server
}

/// A server that has received this head.
fn asked_by(head: &str) -> ServerConnection {
    let mut server = server();
    serve(&mut server, head.as_bytes());
    server
}

/// Sends a head; what was written, and whether a body follows.
fn head(
    server: &mut ServerConnection,
    status: u16,
    lines: &[(&'static str, &'static str)],
    body: BodyLength,
) -> Result<(String, SendBody), ProtocolError> {
    let mut out = b"before ".to_vec();
    let status = StatusCode::from_u16(status).unwrap();
    let result = server.send_response(status, &fields(lines), body, &HEAD, &mut out);
    let written = String::from_utf8(out)
        .unwrap()
        .strip_prefix("before ")
        .unwrap()
        .to_string();
    match result {
        Ok(sends) => Ok((written, sends)),
        Err(error) => {
            assert_eq!(written, "", "nothing is written on an error");
            Err(error)
        }
    }
}

/// The error of a command of ours.
fn usage<T: std::fmt::Debug>(result: Result<T, ProtocolError>) -> UsageError {
    match result.expect_err("an error").kind() {
        crate::ErrorKind::Usage(error) => error.clone(),
        kind => panic!("{kind:?}"),
    }
}

const NONE: BodyLength = BodyLength::Known(0);

#[test]
fn a_head_has_its_lines_in_order() {
    let mut server = asked(&Method::GET);
    let lines = [("x-b", "1"), ("content-type", "text/plain"), ("x-a", "2")];
    let (written, sends) = head(&mut server, 200, &lines, BodyLength::Known(5)).unwrap();
    let wanted = format!(
        "HTTP/1.1 200 OK\r\nx-b: 1\r\ncontent-type: text/plain\r\nx-a: 2\r\n{DATE_LINE}{KEPT}\
         content-length: 5\r\n\r\n"
    );
    assert_eq!((written, sends), (wanted, SendBody::Yes));
}

#[test]
fn bodies_of_unknown_length_depend_on_the_version() {
    let (written, sends) = head(&mut asked(&Method::GET), 200, &[], BodyLength::Unknown).unwrap();
    assert!(written.ends_with("transfer-encoding: chunked\r\n\r\n") && sends == SendBody::Yes);
    let mut server = asked_by("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let lines = [("transfer-encoding", "chunked")];
    let (written, _) = head(&mut server, 200, &lines, BodyLength::Unknown).unwrap();
    assert_eq!(
        written,
        format!("HTTP/1.1 200 OK\r\n{DATE_LINE}connection: close\r\n\r\n")
    );
    assert_eq!(server.send_data(5, &mut Vec::new()), Ok(&b""[..]));
    server.send_end(None, &mut Vec::new(), START).unwrap();
    assert_eq!(server.close_reason(), Some(CloseReason::UntilClose));
}

#[test]
fn a_client_of_http_10_gets_no_chunks_whatever_its_te_says() {
    // RFC 9112 §6.1: only the version says that a client knows transfer codings.
    let mut server =
        asked_by("GET / HTTP/1.0\r\nTE: chunked\r\nConnection: TE, keep-alive\r\n\r\n");
    let (written, _) = head(&mut server, 200, &[], BodyLength::Unknown).unwrap();
    assert_eq!(
        written,
        format!("HTTP/1.1 200 OK\r\n{DATE_LINE}connection: close\r\n\r\n")
    );
}

#[test]
fn the_callers_own_lines_stand() {
    let lines = [
        ("date", "now"),
        ("connection", "x"),
        ("keep-alive", "timeout=9"),
    ];
    let (written, _) = head(&mut asked(&Method::GET), 200, &lines, NONE).unwrap();
    assert_eq!(
        written,
        "HTTP/1.1 200 OK\r\ndate: now\r\nconnection: x, keep-alive\r\nkeep-alive: timeout=9\r\n\
         content-length: 0\r\n\r\n"
    );
    let lines = [("keep-alive", "timeout=9")];
    let (written, _) = head(&mut asked(&Method::GET), 200, &lines, NONE).unwrap();
    assert_eq!(written.matches("keep-alive: ").count(), 1);
    assert!(written.contains("connection: keep-alive\r\n"));
}

#[test]
fn a_caller_may_close() {
    let mut server = asked(&Method::GET);
    let (written, _) = head(&mut server, 200, &[("connection", "x, Close")], NONE).unwrap();
    assert!(written.contains("connection: x, close\r\n"), "{written}");
    server.send_end(None, &mut Vec::new(), START).unwrap();
    assert_eq!(server.close_reason(), Some(CloseReason::CallerAsked));
}

#[test]
fn one_line_says_what_becomes_of_the_connection() {
    let kept = "connection: x, y, keep-alive\r\nkeep-alive: timeout=5\r\n";
    let own = "connection: keep-alive\r\nkeep-alive: max=3\r\n";
    // The server ends; the caller's Connection and Keep-Alive; what is said in the end.
    for (ends, connection, keep_alive, said) in [
        (false, "x, , y", "", kept),
        (false, "Keep-Alive, x, y", "", kept),
        (false, "", "max=3", own),
        (false, "close", "max=3", "connection: close\r\n"),
        (
            false,
            "keep-alive, close, x",
            "",
            "connection: x, close\r\n",
        ),
        (true, "keep-alive", "", "connection: close\r\n"),
        (true, "upgrade", "max=3", "connection: upgrade, close\r\n"),
    ] {
        let lines = [("connection", connection), ("keep-alive", keep_alive)];
        let lines: Vec<_> = lines
            .into_iter()
            .filter(|line| !line.1.is_empty())
            .collect();
        let mut server = asked(&Method::GET);
        if ends {
            server.close_after_exchange(CloseReason::Shutdown);
        }
        let (written, _) = head(&mut server, 200, &lines, NONE).unwrap();
        let wanted = format!("HTTP/1.1 200 OK\r\n{DATE_LINE}{said}content-length: 0\r\n\r\n");
        assert_eq!(written, wanted, "{lines:?}");
    }
}

#[test]
fn a_kept_http_10_connection_is_always_told_so() {
    let mut server = asked_by("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let (written, _) = head(&mut server, 200, &[("connection", "x")], NONE).unwrap();
    assert!(
        written.contains("connection: x, keep-alive\r\n"),
        "{written}"
    );
}

#[test]
fn no_keep_alive_is_advertised_without_a_length_of_time() {
    use crate::connection::timer::Timeouts;
    for keep_alive in [None, Some(std::time::Duration::from_millis(999))] {
        let timeouts = Timeouts {
            keep_alive,
            ..Timeouts::default()
        };
        let mut server = ServerConnection::new(std::sync::Arc::default(), timeouts.into(), START);
        serve(
            &mut server,
            b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        );
        let (written, _) = head(&mut server, 200, &[], NONE).unwrap();
        assert!(written.contains("connection: keep-alive\r\n") && !written.contains("timeout="));
    }
}

#[test]
fn the_callers_framing_wins_but_may_not_contradict() {
    let length = [("content-length", "5")];
    let (written, _) = head(&mut asked(&Method::GET), 200, &length, BodyLength::Unknown).unwrap();
    assert!(written.ends_with("content-length: 5\r\n\r\n"));
    let refused = usage(head(
        &mut asked(&Method::GET),
        200,
        &length,
        BodyLength::Known(6),
    ));
    assert_eq!(refused, UsageError::LengthContradicts { field: 5, body: 6 });
    let coding = [("transfer-encoding", "chunked")];
    let (written, _) = head(&mut asked(&Method::GET), 200, &coding, BodyLength::Known(5)).unwrap();
    assert!(written.ends_with("transfer-encoding: chunked\r\n\r\n"));
    for lines in [
        &[("transfer-encoding", "gzip")][..],
        &[("transfer-encoding", "chunked"), ("content-length", "5")],
        &[("content-length", "5"), ("content-length", "5")],
        &[("content-length", "five")],
    ] {
        let mut server = asked(&Method::GET);
        usage(head(&mut server, 200, lines, BodyLength::Unknown));
        assert!(!server.head_sent(), "another response can be sent");
        respond(&mut server, 500, b"");
    }
}

#[test]
fn responses_without_a_body_have_no_length_of_our_making() {
    let five = BodyLength::Known(5);
    for (method, status, body) in [
        (Method::HEAD, 200, NONE),
        (Method::HEAD, 200, BodyLength::Unknown),
        (Method::HEAD, 304, five),
        (Method::GET, 304, five),
        (Method::GET, 204, five),
    ] {
        let mut server = asked(&method);
        let (written, sends) = head(&mut server, status, &[], body).unwrap();
        assert!(
            written.ends_with("timeout=5\r\n\r\n"),
            "{method} {status}: {written}"
        );
        assert_eq!(sends, SendBody::No);
        assert_eq!(
            usage(server.send_data(5, &mut Vec::new())),
            UsageError::BodyNotAllowed
        );
        let mut out = Vec::new();
        server
            .send_end(Some(&fields(&[("etag", "x")])), &mut out, START)
            .unwrap();
        assert!(out.is_empty() && server.is_idle(), "{method} {status}");
    }
}

#[test]
fn head_says_the_length_its_get_would_have() {
    let five = BodyLength::Known(5);
    let (written, sends) = head(&mut asked(&Method::HEAD), 200, &[], five).unwrap();
    assert!(written.ends_with("\r\ncontent-length: 5\r\n\r\n"));
    assert_eq!(sends, SendBody::No);
    let coding = [("transfer-encoding", "chunked")];
    let (written, _) = head(&mut asked(&Method::HEAD), 200, &coding, five).unwrap();
    assert!(written.ends_with("\r\ntransfer-encoding: chunked\r\n\r\n"));
    let mut old = asked_by("HEAD / HTTP/1.0\r\n\r\n");
    let (written, _) = head(&mut old, 200, &coding, five).unwrap();
    assert!(written.ends_with("\r\ncontent-length: 5\r\n\r\n"));
}

#[test]
fn a_length_may_not_contradict_a_body_that_is_not_sent() {
    let six = [("content-length", "6")];
    for (method, status) in [(Method::HEAD, 200), (Method::GET, 304)] {
        let refused = usage(head(
            &mut asked(&method),
            status,
            &six,
            BodyLength::Known(5),
        ));
        assert_eq!(refused, UsageError::LengthContradicts { field: 6, body: 5 });
        for body in [BodyLength::Known(6), NONE, BodyLength::Unknown] {
            let (written, sends) = head(&mut asked(&method), status, &six, body).unwrap();
            assert!(written.ends_with("\r\ncontent-length: 6\r\n\r\n"));
            assert_eq!(sends, SendBody::No);
        }
    }
}

#[test]
fn a_205_has_no_content_and_says_so() {
    for (lines, body) in [
        (&[][..], NONE),
        (&[], BodyLength::Unknown),
        (&[("content-length", "0")], NONE),
        (&[("transfer-encoding", "chunked")], BodyLength::Unknown),
    ] {
        let mut server = asked(&Method::GET);
        let (written, sends) = head(&mut server, 205, lines, body).unwrap();
        assert!(written.ends_with("timeout=5\r\ncontent-length: 0\r\n\r\n"));
        assert_eq!(sends, SendBody::No);
        let refused = usage(server.send_data(1, &mut Vec::new()));
        assert_eq!(refused, UsageError::BodyNotAllowed);
    }
    for (lines, body) in [
        (&[][..], BodyLength::Known(5)),
        (&[("content-length", "5")], BodyLength::Unknown),
        (&[("content-length", "5")], NONE),
    ] {
        let refused = usage(head(&mut asked(&Method::GET), 205, lines, body));
        assert_eq!(refused, UsageError::BodyNotAllowed);
    }
}

#[test]
fn head_and_304_keep_the_callers_framing_and_204_loses_it() {
    for (method, status, keeps) in [
        (Method::HEAD, 200, true),
        (Method::GET, 304, true),
        (Method::GET, 204, false),
    ] {
        for line in [("content-length", "500"), ("transfer-encoding", "chunked")] {
            let (written, sends) = head(&mut asked(&method), status, &[line], NONE).unwrap();
            let kept = written.contains(&format!("{}: {}\r\n", line.0, line.1));
            assert_eq!(
                (kept, sends),
                (keeps, SendBody::No),
                "{method} {status} {line:?}"
            );
        }
    }
}

#[test]
fn data_is_counted_against_the_length() {
    let mut server = asked(&Method::GET);
    head(&mut server, 200, &[], BodyLength::Known(5)).unwrap();
    let mut out = Vec::new();
    assert_eq!(server.send_data(3, &mut out), Ok(&b""[..]));
    let refused = usage(server.send_data(3, &mut out));
    assert_eq!(
        refused,
        UsageError::TooMuch {
            owed: 2,
            offered: 3
        }
    );
    assert_eq!(server.send_data(2, &mut out), Ok(&b""[..]));
    server.send_end(None, &mut out, START).unwrap();
    assert!(out.is_empty() && server.is_idle());
    assert_eq!(usage(server.send_data(1, &mut out)), UsageError::NoExchange);
}

#[test]
fn a_short_body_closes_the_connection() {
    let mut server = asked(&Method::GET);
    head(&mut server, 200, &[], BodyLength::Known(5)).unwrap();
    server.send_data(3, &mut Vec::new()).unwrap();
    let refused = usage(server.send_end(None, &mut Vec::new(), START));
    assert_eq!(refused, UsageError::TooLittle { owed: 2 });
    assert_eq!(server.close_reason(), Some(CloseReason::MessageCut));
    assert!(!server.in_exchange());
}

#[test]
fn wrong_trailers_leave_the_body_open() {
    let mut server = asked(&Method::GET);
    head(&mut server, 200, &[], BodyLength::Unknown).unwrap();
    let mut out = Vec::new();
    usage(server.send_end(Some(&fields(&[("host", "a")])), &mut out, START));
    assert!(out.is_empty() && server.in_exchange());
    server.send_end(None, &mut out, START).unwrap();
    assert_eq!(out, b"0\r\n\r\n");
}

#[test]
fn commands_out_of_turn_are_errors() {
    let mut out = Vec::new();
    let none = &HeaderMap::new();
    let mut server = server();
    let refused = usage(server.send_response(StatusCode::OK, none, NONE, &HEAD, &mut out));
    assert_eq!(refused, UsageError::NoExchange);
    assert_eq!(
        usage(server.send_end(None, &mut out, START)),
        UsageError::NoExchange
    );
    let mut server = asked(&Method::GET);
    assert_eq!(usage(server.send_data(1, &mut out)), UsageError::HeadUnsent);
    assert_eq!(
        usage(server.send_end(None, &mut out, START)),
        UsageError::HeadUnsent
    );
    assert_eq!(
        usage(head(&mut server, 102, &[], NONE)),
        UsageError::Status(102)
    );
    head(&mut server, 200, &[], NONE).unwrap();
    assert_eq!(
        usage(head(&mut server, 200, &[], NONE)),
        UsageError::HeadSent
    );
    assert_eq!(usage(server.send_continue(&mut out)), UsageError::HeadSent);
    assert!(out.is_empty());
}

#[test]
fn interim_responses_come_before_the_final_one() {
    let mut server = asked(&Method::GET);
    let mut out = Vec::new();
    let hints = fields(&[
        ("link", "</a>"),
        ("content-length", "5"),
        ("connection", "close"),
        ("keep-alive", "timeout=9"),
    ]);
    server
        .send_interim(StatusCode::EARLY_HINTS, &hints, &mut out)
        .unwrap();
    assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
    for status in [StatusCode::OK, StatusCode::SWITCHING_PROTOCOLS] {
        let refused = usage(server.send_interim(status, &hints, &mut out));
        assert_eq!(refused, UsageError::Status(status.as_u16()));
    }
    respond(&mut server, 200, b"");
    let mut server = asked_by("GET / HTTP/1.0\r\n\r\n");
    let refused = usage(server.send_interim(StatusCode::PROCESSING, &hints, &mut out));
    assert_eq!(refused, UsageError::InterimToHttp10);
}

/// A request that holds its body back.
const EXPECTING: &str =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";

#[test]
fn a_100_is_sent_once_and_only_to_those_who_wait() {
    let mut server = asked_by(EXPECTING);
    let mut out = Vec::new();
    server.send_continue(&mut out).unwrap();
    assert_eq!(out, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(
        usage(server.send_continue(&mut out)),
        UsageError::ContinueUnwanted
    );
    let refused = usage(asked(&Method::GET).send_continue(&mut out));
    assert_eq!(refused, UsageError::ContinueUnwanted);
    let mut server = asked_by(EXPECTING);
    server
        .send_interim(StatusCode::CONTINUE, &HeaderMap::new(), &mut out)
        .unwrap();
    assert!(!server.expects_continue());
}

#[test]
fn a_final_response_instead_of_a_100_closes() {
    let mut server = asked_by(EXPECTING);
    assert!(respond(&mut server, 403, b"no").contains("connection: close"));
    assert_eq!(
        server.close_reason(),
        Some(CloseReason::ContinueUnsent),
        "nothing to wait for"
    );

    let mut server = asked_by(EXPECTING);
    serve(&mut server, b"h");
    assert!(respond(&mut server, 403, b"no").contains("connection: close"));
    assert_eq!(
        server.close_reason(),
        None,
        "the body has begun to come, and is wanted"
    );
    assert_eq!(serve(&mut server, b"ello"), ["data ello", "end"]);
    assert_eq!(server.close_reason(), Some(CloseReason::ContinueUnsent));

    let mut server = asked_by(EXPECTING);
    serve(&mut server, b"hello");
    assert!(
        respond(&mut server, 200, b"").contains("connection: keep-alive"),
        "all of it came"
    );
}

/// A request to go on in another protocol.
const UPGRADING: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

#[test]
fn a_101_makes_a_tunnel() {
    let mut server = asked_by(UPGRADING);
    server.receive(b"\x01\x02", START);
    let lines = [("upgrade", "x"), ("content-length", "0")];
    let (written, sends) = head(&mut server, 101, &lines, NONE).unwrap();
    let wanted = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n{DATE_LINE}connection: upgrade\r\n\r\n"
    );
    assert_eq!((written, sends), (wanted, SendBody::No));
    assert!(server.is_tunnel() && server.head_sent());
    assert_eq!((server.close_reason(), server.next_timeout()), (None, None));
    server.receive(b"\x03", START);
    assert_eq!(server_events(&mut server), [""; 0]);
    assert_eq!(server.take_leftover(), b"\x01\x02\x03"[..]);
    server.send_end(None, &mut Vec::new(), START).unwrap();
    assert!(!server.refuse(StatusCode::BAD_REQUEST, b"", DATE, &mut Vec::new()));
}

#[test]
fn a_101_needs_a_complete_request_for_it_and_a_protocol() {
    let upgrade = [("upgrade", "x"), ("connection", "upgrade")];
    let refused = usage(head(&mut asked(&Method::GET), 101, &upgrade, NONE));
    assert_eq!(refused, UsageError::UpgradeUnwanted);
    let mut server = asked_by(UPGRADING);
    assert_eq!(
        usage(head(&mut server, 101, &[], NONE)),
        UsageError::UpgradeFieldMissing
    );
    let closing = [("upgrade", "x"), ("connection", "x, close")];
    let refused = usage(head(&mut server, 101, &closing, NONE));
    assert_eq!(refused, UsageError::SwitchAndClose);
    let (written, _) = head(&mut server, 101, &upgrade, NONE).unwrap();
    assert_eq!(written.matches("connection: ").count(), 1);
    let mixed = [
        ("upgrade", "x"),
        ("connection", "close, Upgrade, x, keep-alive"),
        ("keep-alive", "timeout=9"),
    ];
    let (written, _) = head(&mut asked_by(UPGRADING), 101, &mixed, NONE).unwrap();
    assert!(written.contains("connection: x, upgrade\r\n") && !written.contains("keep-alive"));

    let posting = UPGRADING
        .replace("GET", "POST")
        .replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n");
    let mut server = asked_by(&posting);
    assert_eq!(
        usage(head(&mut server, 101, &upgrade, NONE)),
        UsageError::RequestIncomplete
    );
    serve(&mut server, b"ab");
    assert!(head(&mut server, 101, &upgrade, NONE).is_ok());
}

#[test]
fn an_upgrade_may_be_passed_over() {
    let mut server = asked_by(UPGRADING);
    server.receive(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n", START);
    respond(&mut server, 200, b"x");
    assert_eq!(server_events(&mut server), ["GET /next", "end"]);
}

#[test]
fn connect_makes_a_tunnel_or_closes() {
    let mut server = asked(&Method::CONNECT);
    server.receive(b"\x16\x03", START);
    let lines = [("content-length", "5"), ("connection", "keep-alive")];
    let (written, _) = head(&mut server, 200, &lines, NONE).unwrap();
    assert_eq!(written, format!("HTTP/1.1 200 OK\r\n{DATE_LINE}\r\n"));
    assert!(server.is_tunnel());
    assert_eq!(server.take_leftover(), b"\x16\x03"[..]);

    let mut server = asked(&Method::CONNECT);
    server.receive(b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", START);
    assert!(respond(&mut server, 405, b"no").contains("connection: close"));
    assert_eq!(server_events(&mut server), [""; 0]);
    assert_eq!(server.close_reason(), Some(CloseReason::ConnectRefused));
}

#[test]
fn a_refusal_is_a_whole_response_and_closes() {
    let mut server = server();
    let mut out = Vec::new();
    assert!(server.refuse(StatusCode::REQUEST_TIMEOUT, b"late\n", DATE, &mut out));
    let wanted = format!(
        "HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\n{DATE_LINE}\
         connection: close\r\ncontent-length: 5\r\n\r\nlate\n"
    );
    assert_eq!(String::from_utf8(out).unwrap(), wanted);
    assert_eq!(server.close_reason(), Some(CloseReason::Refused));
    assert_eq!(server.next_timeout(), None);
    let mut out = Vec::new();
    assert!(
        !server.refuse(StatusCode::BAD_REQUEST, b"", DATE, &mut out),
        "only once"
    );
    assert!(out.is_empty());
}

#[test]
fn a_refusal_without_words_has_no_type() {
    let mut out = Vec::new();
    assert!(server().refuse(StatusCode::BAD_REQUEST, b"", DATE, &mut out));
    let wanted = format!(
        "HTTP/1.1 400 Bad Request\r\n{DATE_LINE}connection: close\r\ncontent-length: 0\r\n\r\n"
    );
    assert_eq!(String::from_utf8(out).unwrap(), wanted);
}

#[test]
fn a_refusal_comes_in_time_or_not_at_all() {
    let mut out = Vec::new();
    let mut server = asked(&Method::HEAD);
    for status in [101, 200, 204, 302, 304, 600] {
        let status = StatusCode::from_u16(status).unwrap();
        let refused = server.refuse(status, b"", DATE, &mut out);
        assert!(!refused && out.is_empty(), "{status} is no refusal");
    }
    assert!(server.refuse(StatusCode::INTERNAL_SERVER_ERROR, b"oh\n", DATE, &mut out));
    assert!(
        out.ends_with(b"content-length: 3\r\n\r\n"),
        "no body for HEAD"
    );
    assert!(!server.in_exchange());
    let mut server = asked(&Method::GET);
    head(&mut server, 200, &[], BodyLength::Unknown).unwrap();
    assert!(!server.refuse(StatusCode::INTERNAL_SERVER_ERROR, b"", DATE, &mut out));
}
