//! What a client writes, and what it refuses to write.

use http::HeaderMap;

use crate::close::InputEnd;
use crate::connection::tests::{client, consume, fields};
use crate::error::ErrorKind;

use super::*;

/// Sends a head; what was written.
fn send(head: &OutgoingHead<'_>, body: BodyLength) -> Result<(String, SendBody), UsageError> {
    let mut out = Vec::new();
    match client().send_request(head, body, &mut out) {
        Ok(sends) => Ok((String::from_utf8(out).unwrap(), sends)),
        Err(error) => {
            assert!(out.is_empty(), "nothing is written on an error");
            match error.kind() {
                ErrorKind::Usage(error) => Err(error.clone()),
                kind => panic!("{kind:?}"),
            }
        }
    }
}

/// Sends a head with these fields; what was written.
fn head(
    method: &Method,
    target: &str,
    lines: &[(&'static str, &'static str)],
    body: BodyLength,
) -> Result<(String, SendBody), UsageError> {
    send(&OutgoingHead::new(method, target, &fields(lines)), body)
}

/// Lines with their spelling.
fn section(lines: &[(&str, &str)]) -> FieldSection {
    let mut section = FieldSection::new();
    for (name, value) in lines {
        section.push(name.as_bytes(), value.as_bytes()).unwrap();
    }
    section
}

const NONE: BodyLength = BodyLength::Known(0);

#[test]
fn a_request_has_host_first_and_framing_last() {
    let lines = [("x", "1"), ("host", "a:8443"), ("y", "2")];
    let (written, sends) = head(&Method::POST, "/a?b", &lines, BodyLength::Known(5)).unwrap();
    let wanted = "POST /a?b HTTP/1.1\r\nhost: a:8443\r\nx: 1\r\ny: 2\r\nContent-Length: 5\r\n\r\n";
    assert_eq!((written.as_str(), sends), (wanted, SendBody::Yes));
    let (written, _) = head(&Method::GET, "/", &[("host", "")], BodyLength::Unknown).unwrap();
    assert_eq!(
        written,
        "GET / HTTP/1.1\r\nhost: \r\nTransfer-Encoding: chunked\r\n\r\n"
    );
}

#[test]
fn only_some_methods_say_that_they_have_no_body() {
    for (method, says) in [
        (Method::GET, false),
        (Method::HEAD, false),
        (Method::DELETE, false),
        (Method::OPTIONS, false),
        (Method::POST, true),
        (Method::PUT, true),
        (Method::PATCH, true),
    ] {
        let (written, sends) = head(&method, "/", &[("host", "a")], NONE).unwrap();
        assert_eq!(written.contains("Content-Length: 0"), says, "{method}");
        assert_eq!(sends, SendBody::No);
    }
    let lines = [("host", "a"), ("content-length", "0")];
    let (written, _) = head(&Method::GET, "/", &lines, NONE).unwrap();
    assert!(
        written.contains("content-length: 0"),
        "the caller's own stands"
    );
}

#[test]
fn requests_that_cannot_be_sent() {
    let host = [("host", "a")];
    for target in [
        "",
        "foo",
        "/a b",
        "/a#b",
        "/\u{e9}",
        "/\r\nX: y",
        "*",
        "https:///",
    ] {
        let refused = head(&Method::GET, target, &host, NONE).unwrap_err();
        assert!(matches!(refused, UsageError::Target(_)), "{target}");
    }
    for lines in [&[][..], &[("host", "a"), ("host", "a")], &[("host", "a/b")]] {
        assert_eq!(
            head(&Method::GET, "/", lines, NONE),
            Err(UsageError::Host),
            "{lines:?}"
        );
    }
    let body = BodyLength::Known(1);
    let refused = head(&Method::CONNECT, "a:443", &host, body);
    assert_eq!(refused, Err(UsageError::BodyNotAllowed));
    assert_eq!(
        head(&Method::TRACE, "/", &host, body),
        Err(UsageError::BodyNotAllowed)
    );
    let lines = [("host", "a"), ("transfer-encoding", "gzip")];
    assert!(matches!(
        head(&Method::PUT, "/", &lines, body),
        Err(UsageError::Coding(_))
    ));
}

#[test]
fn lines_are_written_as_they_are_spelled() {
    let lines = section(&[
        ("X-One", "1"),
        ("a", ""),
        ("HOST", "a"),
        ("CONTENT-length", "5"),
        ("X-one", "2"),
    ]);
    let asked = OutgoingHead::new(&Method::POST, "/", &lines);
    let wanted =
        "POST / HTTP/1.1\r\nHOST: a\r\nX-One: 1\r\na: \r\nCONTENT-length: 5\r\nX-one: 2\r\n\r\n";
    let written = send(&asked, BodyLength::Unknown).unwrap();
    assert_eq!(written, (wanted.to_owned(), SendBody::Yes));
    let lines = section(&[("host", "a"), ("Host", "a")]);
    let asked = OutgoingHead::new(&Method::GET, "/", &lines);
    assert_eq!(send(&asked, NONE), Err(UsageError::Host));
}

#[test]
fn what_the_caller_has_not_said_is_added_with_capitals() {
    let fields = HeaderMap::new();
    let mut asked = OutgoingHead::new(&Method::PUT, "/", &fields);
    asked.host = Some(b"a:1");
    asked.authorization = Some(b"Basic dTpw");
    asked.connection = Some("keep-alive");
    let wanted = "PUT / HTTP/1.1\r\nHost: a:1\r\nAuthorization: Basic dTpw\r\n\
                  Connection: keep-alive\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(send(&asked, NONE).unwrap().0, wanted);
    let lines = section(&[
        ("Authorization", "x"),
        ("connection", "close"),
        ("host", "b"),
    ]);
    asked.fields = (&lines).into();
    let wanted = "PUT / HTTP/1.1\r\nhost: b\r\nAuthorization: x\r\n\
                  connection: close\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(send(&asked, NONE).unwrap().0, wanted);
}

#[test]
fn what_is_added_cannot_be_two_lines() {
    let fields = HeaderMap::new();
    let mut asked = OutgoingHead::new(&Method::GET, "/", &fields);
    asked.host = Some(b"a\r\nb: c");
    assert_eq!(send(&asked, NONE), Err(UsageError::Host));
    asked.host = Some(b"a");
    asked.connection = Some("x\ny: z");
    let refused = send(&asked, NONE);
    assert!(matches!(
        refused,
        Err(UsageError::FieldValue { octet: b'\n', .. })
    ));
    asked.connection = None;
    asked.authorization = Some(b"\0");
    let refused = send(&asked, NONE);
    assert!(matches!(
        refused,
        Err(UsageError::FieldValue { octet: 0, .. })
    ));
}

#[test]
fn host_may_be_left_out_by_those_who_say_so() {
    let fields = HeaderMap::new();
    let mut asked = OutgoingHead::new(&Method::GET, "/", &fields);
    assert_eq!(send(&asked, NONE), Err(UsageError::Host));
    asked.require_host = false;
    assert_eq!(send(&asked, NONE).unwrap().0, "GET / HTTP/1.1\r\n\r\n");
    let lines = section(&[("Host", "a/b")]);
    asked.fields = (&lines).into();
    assert_eq!(send(&asked, NONE), Err(UsageError::Host));
}

#[test]
fn http_1_0_knows_no_chunks() {
    let lines = section(&[("Host", "a")]);
    let mut asked = OutgoingHead::new(&Method::POST, "/", &lines);
    asked.version = Version::HTTP_10;
    let wanted = "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    assert_eq!(send(&asked, BodyLength::Known(5)).unwrap().0, wanted);
    let unknown = send(&asked, BodyLength::Unknown);
    assert_eq!(unknown, Err(UsageError::LengthUnknown));
    let coded = section(&[("Host", "a"), ("Transfer-Encoding", "chunked")]);
    asked.fields = (&coded).into();
    let refused = send(&asked, BodyLength::Known(5));
    assert_eq!(refused, Err(UsageError::CodingInHttp10));
    for version in [Version::HTTP_09, Version::HTTP_2, Version::HTTP_3] {
        asked.version = version;
        assert_eq!(send(&asked, NONE), Err(UsageError::Version));
    }
}

#[test]
fn a_connection_of_http_1_0_persists_where_both_say_so() {
    let ok = |more: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{more}\r\n");
    for (ours, theirs, persists) in [
        (None, "Connection: keep-alive\r\n", false),
        (Some("keep-alive"), "", false),
        (Some("keep-alive"), "Connection: Keep-Alive\r\n", true),
        (Some("keep-alive"), "Connection: close\r\n", false),
    ] {
        let lines = section(&[("Host", "a")]);
        let mut asked = OutgoingHead::new(&Method::GET, "/", &lines);
        asked.version = Version::HTTP_10;
        asked.connection = ours;
        let mut client = client();
        let _ = client.send_request(&asked, NONE, &mut vec![]).unwrap();
        client.send_end(None, &mut vec![]).unwrap();
        assert_eq!(consume(&mut client, ok(theirs).as_bytes()).len(), 2);
        assert_eq!(client.reusable(), persists, "{ours:?} {theirs}");
        let ended = client.close_reason().is_some();
        assert_eq!(ended, !persists, "{ours:?} {theirs}");
    }
}

#[test]
fn trailers_that_are_announced_get_chunks() {
    let lines = section(&[("Host", "a"), ("Trailer", "X-Sum")]);
    let mut asked = OutgoingHead::new(&Method::POST, "/", &lines);
    let (written, sends) = send(&asked, BodyLength::Known(5)).unwrap();
    assert!(
        written.contains("\r\nTransfer-Encoding: chunked\r\n"),
        "{written}"
    );
    assert_eq!(sends, SendBody::Yes);
    asked.version = Version::HTTP_10;
    let refused = send(&asked, BodyLength::Known(5));
    assert_eq!(refused, Err(UsageError::TrailersUnframed));
    let lines = section(&[("Host", "a"), ("Trailer", "X-Sum"), ("Content-Length", "5")]);
    let asked = OutgoingHead::new(&Method::POST, "/", &lines);
    let refused = send(&asked, BodyLength::Known(5));
    assert_eq!(refused, Err(UsageError::TrailersUnframed));
}

#[test]
fn a_cut_body_is_taken_as_whole_by_those_who_say_so() {
    let accept = crate::ClientRules {
        accept_truncated: true,
        ..crate::ClientRules::default()
    };
    let lines = section(&[("Host", "a")]);
    let asked = OutgoingHead::new(&Method::GET, "/", &lines);
    for (framing, whole) in [("", true), ("Content-Length: 9\r\n", false)] {
        let mut client = client();
        client.set_rules(std::sync::Arc::new(accept.clone()));
        let _ = client.send_request(&asked, NONE, &mut vec![]).unwrap();
        client.send_end(None, &mut vec![]).unwrap();
        let octets = format!("HTTP/1.1 200 OK\r\n{framing}\r\nhello");
        consume(&mut client, octets.as_bytes());
        client.handle_end(InputEnd::Truncated);
        let ended = client.poll_event();
        let is_end = matches!(ended, Ok(Some(crate::Event::End(None))));
        assert_eq!(is_end, whole, "{framing} {ended:?}");
        assert!(!client.reusable());
    }
}

#[test]
fn expectations_are_left_out_where_there_is_no_body() {
    let lines = section(&[
        ("Host", "a"),
        ("Expect", "100-continue"),
        ("X", "1"),
        ("expect", "other"),
        ("EXPECT", "x, 100-Continue"),
    ]);
    let asked = OutgoingHead::new(&Method::PUT, "/", &lines);
    let wanted = "PUT / HTTP/1.1\r\nHost: a\r\nX: 1\r\nexpect: other\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(send(&asked, NONE).unwrap().0, wanted);
    let (written, _) = send(&asked, BodyLength::Unknown).unwrap();
    assert_eq!(written.to_lowercase().matches("100-continue").count(), 2);
}

#[test]
fn connection_cannot_name_what_everybody_needs() {
    for value in ["Host", "close, content-length", "TRANSFER-ENCODING,"] {
        let lines = section(&[("host", "a"), ("Connection", value)]);
        let refused = send(&OutgoingHead::new(&Method::GET, "/", &lines), NONE).unwrap_err();
        assert!(
            matches!(refused, UsageError::ConnectionOption(_)),
            "{value}"
        );
    }
}
