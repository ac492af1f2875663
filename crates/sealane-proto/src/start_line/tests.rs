//! Request lines and status lines: each rule, and the octet at which it strikes.

use super::*;

/// Scans a whole line.
fn scan<L: StartLine>(line: &[u8]) -> Result<(L, Option<usize>), ProtocolError> {
    let mut scanner = L::default();
    let end = scanner.scan(line, false)?;
    Ok((scanner, end))
}

/// The error of a request line, and the octet at which it was found.
fn refusal(line: &[u8]) -> (StartLineError, u64) {
    let error = scan::<RequestLine>(line).expect_err("an error");
    match error.kind() {
        ErrorKind::StartLine(kind) => (kind.clone(), error.offset()),
        kind => panic!("{kind:?}"),
    }
}

/// The error of a status line, and the octet at which it was found.
fn status_refusal(line: &[u8]) -> (StartLineError, u64) {
    let error = scan::<StatusLine>(line).expect_err("an error");
    match error.kind() {
        ErrorKind::StartLine(kind) => (kind.clone(), error.offset()),
        kind => panic!("{kind:?}"),
    }
}

#[test]
fn a_request_line_falls_into_its_parts() {
    let octets = b"GET /a?b HTTP/1.0\r\nHost";
    let (line, end) = scan::<RequestLine>(octets).unwrap();
    assert_eq!(end, Some(19));
    assert_eq!(&octets[..line.method_end], b"GET");
    assert_eq!(&octets[line.target_start()..line.target_end], b"/a?b");
    assert_eq!(line.version, HttpVersion::Http10);
}

#[test]
fn a_line_is_scanned_the_same_octet_by_octet() {
    let octets = b"POST https://a.example/x HTTP/1.1\r\n";
    let mut scanner = RequestLine::default();
    for end in 0..octets.len() {
        assert_eq!(
            scanner.scan(&octets[..end], false),
            Ok(None),
            "cut at {end}"
        );
    }
    assert_eq!(scanner.scan(octets, false), Ok(Some(octets.len())));
}

#[test]
fn a_line_is_refused_at_the_first_octet_that_spoils_it() {
    use StartLineError::*;
    // A CR in front of everything is the connection's business: it may become a blank line.
    assert_eq!(refusal(b"\rG"), (BareCarriageReturn, 1));
    for (line, kind, offset) in [
        (&b"\x16\x03\x01"[..], MethodOctet(0x16), 0),
        (b" GET / HTTP/1.1", MethodOctet(b' '), 0),
        (b"GE\x00T", MethodOctet(0), 2),
        (b"GE\xc9T", MethodOctet(0xc9), 2),
        (b"GE:T", MethodOctet(b':'), 2),
        (b"HTTP/1.1 200 OK", MethodOctet(b'/'), 4),
        (b"GET\r\n", MethodOctet(b'\r'), 3),
        (b"\nG", BareLineFeed, 0),
        (b"GET  /", TargetEmpty, 4),
        (b"GET /a\x00", TargetOctet(0), 6),
        (b"GET /a#b", TargetOctet(b'#'), 6),
        (b"GET /\xc3\xa9", TargetOctet(0xc3), 5),
        (b"GET /\x7f", TargetOctet(0x7f), 5),
        (b"GET /\t", TargetOctet(b'\t'), 5),
        (b"GET /\n", BareLineFeed, 5),
        (b"GET /\r", VersionMissing, 5),
        (b"GET / \r", VersionMissing, 6),
        (b"GET /a b", NotHttp(b'b'), 7),
        (b"GET / http", NotHttp(b'h'), 6),
        (b"GET / HTTP /", NotHttp(b' '), 10),
        (b"GET / HTTP/01", VersionOctet(b'1'), 12),
        (b"GET / HTTP/1,1", VersionOctet(b','), 12),
        (b"GET / HTTP/1\r", VersionOctet(b'\r'), 12),
        (b"GET / HTTP/11\r", VersionOctet(b'1'), 12),
        (b"GET / HTTP/-1.1", VersionOctet(b'-'), 11),
        (b"GET / HTTP/1.\xb9", VersionOctet(0xb9), 13),
        (b"GET / HTTP/1.1 ", VersionOctet(b' '), 14),
        (b"GET / HTTP/1.10", VersionOctet(b'0'), 14),
        (b"GET / HTTP/1.1\n", VersionLineFeed, 14),
        (b"GET / HTTP/1.1\rH", BareCarriageReturn, 15),
        (b"GET / HTTP/1.2\r", VersionUnsupported('1', '2'), 14),
        (b"GET / HTTP/2.0\r", VersionUnsupported('2', '0'), 14),
        (b"GET / HTTP/0.9\r", VersionUnsupported('0', '9'), 14),
        (b"PRI * HTTP/2.0\r", Http2Preface, 14),
    ] {
        assert_eq!(refusal(line), (kind, offset), "{}", line.escape_ascii());
        let before = &line[..offset as usize];
        let earlier = scan::<RequestLine>(before).map(|(_, end)| end);
        assert_eq!(earlier, Ok(None), "{}", before.escape_ascii());
    }
}

#[test]
fn an_endless_method_is_refused_at_its_bound() {
    let line = vec![b'A'; METHOD_OCTETS];
    assert!(scan::<RequestLine>(&line).is_ok());
    let line = vec![b'A'; METHOD_OCTETS + 1];
    assert_eq!(refusal(&line), (StartLineError::MethodTooLong(64), 64));
    assert_eq!(
        scan::<RequestLine>(&line).unwrap_err().status(),
        Some(StatusCode::NOT_IMPLEMENTED)
    );
}

#[test]
fn targets_have_the_forms_of_their_methods() {
    for (method, target) in [
        ("GET", "/"),
        ("GET", "//double"),
        ("GET", "/a%zz?q=/?[]\"<>"),
        ("BREW", "/"),
        ("GET", "http://a/x"),
        ("GET", "https://a.example:8443?q"),
        ("GET", "HTTPS://[::1]/"),
        ("OPTIONS", "*"),
        ("OPTIONS", "/"),
        ("OPTIONS", "http://a"),
        ("CONNECT", "a:443"),
        ("CONNECT", "[::1]:443"),
    ] {
        let judged = judge_target(method.as_bytes(), target.as_bytes());
        assert_eq!(judged, Ok(()), "{method} {target}");
    }
    for (method, target) in [
        ("GET", "*"),
        ("get", "*"),
        ("OPTIONS", "**"),
        ("GET", "foo"),
        ("GET", "a:443"),
        ("GET", "a.example"),
        ("GET", "http:/a"),
        ("GET", "http:///x"),
        ("GET", "https://:443/"),
        ("GET", "1http://a/"),
        ("GET", "://a/"),
        ("GET", "http://a:99999/"),
        ("GET", "http://a\\b/"),
        ("GET", "mailto:a"),
        ("CONNECT", "/"),
        ("CONNECT", "a"),
        ("CONNECT", "a:"),
        ("CONNECT", "a:0"),
        ("CONNECT", "a:65536"),
        ("CONNECT", "http://a:443"),
        ("CONNECT", "*"),
    ] {
        let judged = judge_target(method.as_bytes(), target.as_bytes());
        let wanted = Err(StartLineError::TargetForm(Excerpt::new(target.as_bytes())));
        assert_eq!(judged, wanted, "{method} {target}");
    }
    for (method, target) in [("GET", "https://u:p@a/"), ("CONNECT", "u@a:443")] {
        let judged = judge_target(method.as_bytes(), target.as_bytes());
        assert_eq!(
            judged,
            Err(StartLineError::TargetUserinfo),
            "{method} {target}"
        );
    }
}

#[test]
fn a_target_of_the_wrong_form_is_refused_before_the_version() {
    let (kind, offset) = refusal(b"GET foo ");
    assert_eq!(kind, StartLineError::TargetForm(Excerpt::new(b"foo")));
    assert_eq!(offset, 4);
    let (kind, _) = refusal(b"PRI * HTTP/1.1\r\n");
    assert_eq!(kind, StartLineError::TargetForm(Excerpt::new(b"*")));
}

#[test]
fn a_status_line_falls_into_its_parts() {
    for (octets, status, reason, version) in [
        (
            &b"HTTP/1.1 200 OK\r\n"[..],
            200,
            &b"OK"[..],
            HttpVersion::Http11,
        ),
        (
            b"HTTP/1.0 404 Not Found\r\n",
            404,
            b"Not Found",
            HttpVersion::Http10,
        ),
        (b"HTTP/1.1 200 \r\n", 200, b"", HttpVersion::Http11),
        (b"HTTP/1.1 200\r\n", 200, b"", HttpVersion::Http11),
        (
            b"HTTP/1.1 299 \xe9t\xe9\t!\r\n",
            299,
            b"\xe9t\xe9\t!",
            HttpVersion::Http11,
        ),
        (b"HTTP/1.1 999  x \r\n", 999, b" x ", HttpVersion::Http11),
    ] {
        let (line, end) = scan::<StatusLine>(octets).unwrap();
        assert_eq!(end, Some(octets.len()));
        assert_eq!(line.status.as_u16(), status);
        assert_eq!(&octets[line.reason_start()..line.reason_end], reason);
        assert_eq!(line.version, version);
        let mut scanner = StatusLine::default();
        for cut in 0..octets.len() {
            assert_eq!(
                scanner.scan(&octets[..cut], false),
                Ok(None),
                "cut at {cut}"
            );
        }
        assert_eq!(scanner.scan(octets, false), Ok(Some(octets.len())));
    }
}

#[test]
fn what_is_no_status_line() {
    use StartLineError::*;
    for (line, kind, offset) in [
        (&b"<html>"[..], NotHttp(b'<'), 0),
        (b"HTTTP/1.1", NotHttp(b'T'), 3),
        (b"http/1.1", NotHttp(b'h'), 0),
        (b"HTTP/2 200", VersionOctet(b' '), 6),
        (b"HTTP/1.1200 OK", VersionOctet(b'2'), 8),
        (b"HTTP/9.9 200 OK", VersionUnsupported('9', '9'), 8),
        (b"HTTP/1.1 99 OK", StatusLineOctet(b' '), 11),
        (b"HTTP/1.1 2000 OK", StatusLineOctet(b'0'), 12),
        (b"HTTP/1.1 abc", StatusLineOctet(b'a'), 9),
        (b"HTTP/1.1  200", StatusLineOctet(b' '), 9),
        (b"HTTP/1.1 +20", StatusLineOctet(b'+'), 9),
        (b"HTTP/1.1 2\x000", StatusLineOctet(0), 10),
        (b"HTTP/1.1 000 OK", StatusCode(0), 12),
        (b"HTTP/1.1 099 OK", StatusCode(99), 12),
        (b"HTTP/1.1 200\n", StatusLineOctet(b'\n'), 12),
        (b"HTTP/1.1 200 OK\n", BareLineFeed, 15),
        (b"HTTP/1.1 200 O\x00", StatusLineOctet(0), 14),
        (b"HTTP/1.1 200 OK\rX", BareCarriageReturn, 16),
        (b"\r\nHTTP/1.1 200 OK", NotHttp(b'\r'), 0),
    ] {
        assert_eq!(
            status_refusal(line),
            (kind, offset),
            "{}",
            line.escape_ascii()
        );
    }
}
