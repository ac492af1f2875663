//! What a head says beside the caller's fields is his to choose.

use std::sync::Arc;

use crate::connection::rules::ServerRules;

use super::*;

/// What is written with these options, for an empty body.
fn written(
    server: &mut ServerConnection,
    status: u16,
    lines: &[(&'static str, &'static str)],
    options: &HeadOptions<'_>,
) -> String {
    let status = StatusCode::from_u16(status).unwrap();
    let mut out = Vec::new();
    server
        .send_response(status, &fields(lines), NONE, options, &mut out)
        .unwrap();
    String::from_utf8(out).unwrap()
}

/// Field lines of a caller.
type Lines = &'static [(&'static str, &'static str)];

/// Neither Date nor Connection.
const BARE: HeadOptions<'static> = HeadOptions {
    date: None,
    connection: false,
    reason: None,
};

#[test]
fn without_options_there_is_no_date() {
    let mut server = asked(&Method::GET);
    assert_eq!(
        written(&mut server, 200, &[], &HeadOptions::default()),
        format!("HTTP/1.1 200 OK\r\n{KEPT}content-length: 0\r\n\r\n")
    );
    let mut server = asked(&Method::GET);
    let own = written(
        &mut server,
        200,
        &[("date", "today")],
        &HeadOptions::default(),
    );
    assert!(own.contains("\r\ndate: today\r\n"), "{own}");
}

#[test]
fn a_connection_of_which_nothing_is_said_persists() {
    let mut server = asked(&Method::GET);
    assert_eq!(
        written(&mut server, 200, &[], &BARE),
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    );
    server.send_end(None, &mut Vec::new(), START).unwrap();
    assert!(server.is_idle());
    assert_eq!(
        server.next_timeout(),
        Some(Moment(6000)),
        "and is kept as long"
    );
}

#[test]
fn a_connection_of_which_nothing_is_said_closes_where_it_must() {
    for (head, why) in [
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            CloseReason::PeerAsked,
        ),
        // Its client was not told that it could go on.
        (
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            CloseReason::Http10,
        ),
    ] {
        let mut server = asked_by(head);
        let written = written(&mut server, 200, &[], &BARE);
        assert!(!written.contains("connection"), "{written}");
        server.send_end(None, &mut Vec::new(), START).unwrap();
        assert_eq!(server.close_reason(), Some(why));
    }
}

#[test]
fn the_callers_connection_lines_count_as_far_as_they_hold() {
    const KEEP: Lines = &[("connection", "x, keep-alive"), ("keep-alive", "timeout=9")];
    let cases: [(&str, Lines, &str, bool); 4] = [
        (
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            &[("connection", "close")],
            "connection: close\r\n",
            false,
        ),
        (
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            KEEP,
            "connection: x, keep-alive\r\nkeep-alive: timeout=9\r\n",
            true,
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            &[("connection", "x")],
            "connection: x\r\n",
            true,
        ),
        // His keep-alive is no longer true.
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            KEEP,
            "connection: x\r\n",
            false,
        ),
    ];
    for (head, lines, said, kept) in cases {
        let mut server = asked_by(head);
        let written = written(&mut server, 200, lines, &BARE);
        let wanted = format!("HTTP/1.1 200 OK\r\n{said}content-length: 0\r\n\r\n");
        assert_eq!(written, wanted, "{lines:?}");
        server.send_end(None, &mut Vec::new(), START).unwrap();
        assert_eq!(server.is_idle(), kept, "{lines:?}");
    }
}

#[test]
fn a_switch_says_upgrade_whatever_the_options_are() {
    let mut server =
        asked_by("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    assert_eq!(
        written(&mut server, 101, &[("upgrade", "x")], &BARE),
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"
    );
}

#[test]
fn a_reason_phrase_of_ones_own_is_written_if_it_is_one_line() {
    let reason = |reason: &'static [u8]| HeadOptions {
        reason: Some(reason),
        ..BARE
    };
    for (phrase, line) in [
        (&b"So it is"[..], "HTTP/1.1 200 So it is\r\n"),
        (b"", "HTTP/1.1 200 \r\n"),
    ] {
        let written = written(&mut asked(&Method::GET), 200, &[], &reason(phrase));
        assert!(written.starts_with(line), "{written}");
    }
    for (phrase, octet) in [(&b"a\r\nb: c"[..], b'\r'), (b"\0", 0), (b"\x7f", 0x7f)] {
        let mut out = Vec::new();
        let mut server = asked(&Method::GET);
        let none = HeaderMap::new();
        let refused = server.send_response(StatusCode::OK, &none, NONE, &reason(phrase), &mut out);
        assert_eq!(refused.as_ref().unwrap_err().code(), "ERR_INVALID_CHAR");
        assert_eq!(usage(refused), UsageError::ReasonOctet(octet));
        assert!(out.is_empty() && !server.head_sent(), "nothing was written");
    }
}

#[test]
fn a_status_without_a_registered_reason_is_unknown() {
    let written = written(&mut asked(&Method::GET), 299, &[], &BARE);
    assert!(written.starts_with("HTTP/1.1 299 unknown\r\n"), "{written}");
}

#[test]
fn a_body_where_none_can_be_is_refused_on_request() {
    let rules = Arc::new(ServerRules {
        reject_body_writes: true,
        ..ServerRules::default()
    });
    let connect = "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n";
    for (request, status) in [
        ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 204),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 304),
        (connect, 200),
    ] {
        let mut server = ServerConnection::new(Arc::clone(&rules), Arc::default(), START);
        serve(&mut server, request.as_bytes());
        for body in [BodyLength::Known(1), BodyLength::Unknown] {
            let refused = head(&mut server, status, &[], body).unwrap_err();
            assert_eq!(refused.code(), "ERR_HTTP_BODY_NOT_ALLOWED", "{status}");
        }
        head(&mut server, status, &[], NONE).unwrap();
    }
    let mut server = ServerConnection::new(rules, Arc::default(), START);
    serve(&mut server, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    head(&mut server, 200, &[], BodyLength::Unknown).unwrap();
}

#[test]
fn an_error_reply_takes_fields_but_for_those_that_it_decides() {
    let lines = [
        ("content-type", "application/json"),
        ("connection", "upgrade, keep-alive"),
        ("keep-alive", "timeout=5"),
        ("content-length", "77"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "tls"),
        ("date", "today"),
    ];
    let (mut server, mut out) = (asked(&Method::GET), Vec::new());
    let status = StatusCode::UPGRADE_REQUIRED;
    assert!(server.refuse_with(status, &fields(&lines), b"{}", DATE, &mut out));
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 426 Upgrade Required\r\ncontent-type: application/json\r\nupgrade: tls\r\n\
         date: today\r\nconnection: upgrade, close\r\ncontent-length: 2\r\n\r\n{}"
    );
    assert_eq!(server.close_reason(), Some(CloseReason::Refused));
    let mut out = Vec::new();
    assert!(!server.refuse_with(status, &HeaderMap::new(), b"", DATE, &mut out));
    assert!(out.is_empty(), "once");
}
