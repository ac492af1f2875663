//! From octets to heads: types, raw views, Host, framing, limits.

use crate::error::ErrorKind;

use super::*;

/// Scans and builds a request head, whole.
fn request(octets: &[u8], limits: &Limits) -> Result<Option<RequestHead>, ProtocolError> {
    let mut buffer = Buffer::default();
    buffer.append(octets);
    match HeadScanner::<RequestLine>::default().scan(&mut buffer, limits, false)? {
        Some(scanned) => scanned.build(true).map(Some),
        None => Ok(None),
    }
}

/// The request head that these octets are.
fn valid(octets: &[u8]) -> RequestHead {
    request(octets, &Limits::default())
        .expect("valid")
        .expect("complete")
}

/// The error for these octets.
fn refusal(octets: &[u8]) -> ProtocolError {
    request(octets, &Limits::default()).expect_err("an error")
}

/// A request with these field lines.
fn with_fields(fields: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes()
}

#[test]
fn a_request_head_becomes_types() {
    let head = valid(b"BREW https://a.example/x?y HTTP/1.1\r\nHost: b\r\nX: \xe9\r\n\r\n");
    assert_eq!(head.method, "BREW");
    assert_eq!(head.uri, "https://a.example/x?y");
    assert_eq!(head.version, Version::HTTP_11);
    assert_eq!(head.fields.len(), 2);
    assert_eq!(head.fields["host"], "b");
    assert_eq!(head.framing, Framing::Empty);
    assert!(!head.expects_continue && !head.upgrade);
}

#[test]
fn the_raw_head_is_as_it_came() {
    let octets = b"GET /a HTTP/1.0\r\nX-ONE: 1\r\nHost:\t\r\nx-one: 2 \r\n\r\n";
    let raw = valid(octets).raw.clone();
    assert_eq!(raw.octets(), octets);
    assert_eq!(raw.start_line(), b"GET /a HTTP/1.0");
    assert_eq!(raw.target(), b"/a");
    let fields: Vec<_> = raw.fields().collect();
    assert_eq!(
        fields,
        [(&b"X-ONE"[..], &b"1"[..]), (b"Host", b""), (b"x-one", b"2")]
    );
}

#[test]
fn octets_behind_the_head_stay_in_the_buffer() {
    let mut buffer = Buffer::default();
    buffer.append(b"GET / HTTP/1.0\r\n\r\nGET /next");
    let scanned =
        HeadScanner::<RequestLine>::default().scan(&mut buffer, &Limits::default(), false);
    assert!(scanned.unwrap().is_some());
    assert_eq!(buffer.octets(), b"GET /next");
}

#[test]
fn a_scanner_starts_anew_behind_a_head() {
    let mut buffer = Buffer::default();
    let mut scanner = HeadScanner::<RequestLine>::default();
    for _ in 0..3 {
        buffer.append(b"GET / HTTP/1.0\r\nA: b\r\n\r\n");
        let scanned = scanner
            .scan(&mut buffer, &Limits::default(), false)
            .unwrap()
            .unwrap();
        assert_eq!(scanned.build(true).unwrap().fields.len(), 1);
    }
}

#[test]
fn host_is_there_once_and_well_formed() {
    let refused = |octets: &[u8]| match refusal(octets).kind() {
        ErrorKind::Host(error) => error.clone(),
        kind => panic!("{kind:?}"),
    };
    assert_eq!(
        refused(b"GET / HTTP/1.1\r\nA: b\r\n\r\n"),
        HostError::Missing
    );
    let twice = b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n";
    assert_eq!(refused(twice), HostError::Repeated);
    let invalid = HostError::Invalid(Excerpt::new(b"a/b"));
    assert_eq!(refused(b"GET / HTTP/1.0\r\nHost: a/b\r\n\r\n"), invalid);
    assert_eq!(
        refusal(b"GET / HTTP/1.1\r\nA: 1\r\nhost: a/b\r\n\r\n").offset(),
        22
    );
    assert_eq!(valid(b"GET / HTTP/1.1\r\nHost:\r\n\r\n").fields["host"], "");
    assert!(valid(b"GET / HTTP/1.0\r\n\r\n").fields.is_empty());
}

#[test]
fn host_may_be_left_to_the_caller() {
    let mut buffer = Buffer::default();
    buffer.append(b"GET / HTTP/1.1\r\n\r\n");
    let mut scanner = HeadScanner::<RequestLine>::default();
    let scanned = scanner
        .scan(&mut buffer, &Limits::default(), false)
        .unwrap()
        .unwrap();
    assert!(scanned.build(false).is_ok());
}

#[test]
fn framing_errors_point_at_their_line() {
    let error = refusal(&with_fields("Content-Length: x\r\n"));
    assert_eq!(
        (error.offset(), error.code()),
        (26, "HPE_INVALID_CONTENT_LENGTH")
    );
    let error = refusal(&with_fields(
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
    ));
    assert_eq!(
        (error.offset(), error.code()),
        (45, "HPE_INVALID_TRANSFER_ENCODING")
    );
}

#[test]
fn a_target_that_http_refuses_is_400() {
    let error = refusal(b"GET https://[::ffff:1.2.3.4]:1:2/ HTTP/1.1\r\n");
    assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
    assert_eq!(error.offset(), 4);
}

#[test]
fn expectations_need_http_11_and_a_body() {
    let expects = |octets: &[u8]| valid(octets).expects_continue;
    assert!(expects(&with_fields(
        "Content-Length: 1\r\nExpect: 100-Continue\r\n"
    )));
    assert!(expects(&with_fields(
        "Transfer-Encoding: chunked\r\nExpect: x, 100-continue\r\n"
    )));
    assert!(!expects(&with_fields("Expect: 100-continue\r\n")));
    assert!(!expects(&with_fields(
        "Content-Length: 0\r\nExpect: 100-continue\r\n"
    )));
    assert!(!expects(&with_fields(
        "Content-Length: 1\r\nExpect: 100-continued\r\n"
    )));
    assert!(!expects(
        b"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
    ));
}

#[test]
fn other_expectations_are_told_apart() {
    assert!(valid(&with_fields("Expect: bogus\r\n")).has_unknown_expectation());
    assert!(valid(&with_fields("Expect: 100-continue, x\r\n")).has_unknown_expectation());
    assert!(!valid(&with_fields("Expect: 100-CONTINUE,\r\n")).has_unknown_expectation());
    assert!(!valid(&with_fields("")).has_unknown_expectation());
}

#[test]
fn an_upgrade_needs_both_fields_and_http_11() {
    let both = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";
    assert!(valid(&with_fields(both)).upgrade);
    assert!(!valid(&with_fields("Upgrade: websocket\r\n")).upgrade);
    assert!(!valid(&with_fields("Connection: upgrade\r\n")).upgrade);
    let old = format!("GET / HTTP/1.0\r\n{both}\r\n");
    assert!(!valid(old.as_bytes()).upgrade);
    assert!(valid(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n").upgrade);
}

#[test]
fn the_head_limit_counts_every_octet_of_the_head() {
    let octets = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nnext";
    let head = octets.len() - 4;
    let exact = Limits {
        head_octets: head,
        ..Limits::default()
    };
    assert!(request(octets, &exact).unwrap().is_some());
    let smaller = Limits {
        head_octets: head - 1,
        ..Limits::default()
    };
    let error = request(octets, &smaller).unwrap_err();
    assert_eq!(
        error.status(),
        Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
    );
    assert_eq!(error.code(), "HPE_HEADER_OVERFLOW");
}

#[test]
fn limits_strike_before_the_head_is_complete() {
    let limits = Limits {
        head_octets: 64,
        field_count: 2,
        ..Limits::default()
    };
    let long_target = [&b"GET /"[..], &[b'a'; 60]].concat();
    let error = request(&long_target, &limits).unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::URI_TOO_LONG));
    let long_value = [&b"GET / HTTP/1.1\r\nA: "[..], &[b'a'; 60]].concat();
    let error = request(&long_value, &limits).unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 431);
    let error = request(b"GET / HTTP/1.1\r\nA:\r\nB:\r\nC", &limits).unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 431);
    assert!(request(&long_target[..63], &limits).unwrap().is_none());
}

#[test]
fn a_response_head_becomes_types() {
    let mut buffer = Buffer::default();
    buffer.append(b"HTTP/1.0 404 Nope\r\nContent-Length: 3\r\n\r\n");
    let mut scanner = HeadScanner::<StatusLine>::default();
    let scanned = scanner
        .scan(&mut buffer, &Limits::default(), false)
        .unwrap()
        .unwrap();
    let head = scanned.build(false, false).unwrap();
    assert_eq!(head.status, StatusCode::NOT_FOUND);
    assert_eq!(head.reason, "Nope");
    assert_eq!(head.version, Version::HTTP_10);
    assert_eq!(head.framing, Framing::Length(3));
    assert_eq!(head.raw.target(), b"404");
}

#[test]
fn debug_shows_neither_values_nor_query() {
    let head = valid(b"GET /a?token=secret HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n");
    let shown = format!("{head:?} {:?}", head.raw);
    assert!(shown.contains("/a") && !shown.contains("secret"), "{shown}");
}

#[test]
fn a_target_longer_than_any_uri_is_414_as_soon_as_it_is() {
    use crate::limits::TARGET_OCTETS;
    let limits = Limits {
        head_octets: 1 << 20,
        ..Limits::default()
    };
    let longest = format!("/{}", "a".repeat(TARGET_OCTETS - 1));
    let head = format!("GET {longest} HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = request(head.as_bytes(), &limits).unwrap().unwrap();
    assert_eq!(head.uri, longest[..]);

    let error = request(format!("GET {longest}a").as_bytes(), &limits).unwrap_err();
    assert_eq!(
        error.kind(),
        &StartLineError::TargetTooLong(TARGET_OCTETS).into()
    );
    assert_eq!(error.status(), Some(StatusCode::URI_TOO_LONG));
    assert_eq!(error.offset(), 4 + TARGET_OCTETS as u64);
}

#[test]
fn a_lenient_head_is_handed_on_without_line_ends_in_its_values() {
    let octets = b"GET /x HTTP/1.7\nHost: a\nA: b\x08\r\n c\n\n";
    let mut buffer = Buffer::default();
    buffer.append(octets);
    let scanned = HeadScanner::<RequestLine>::default()
        .scan(&mut buffer, &Limits::default(), true)
        .unwrap()
        .unwrap();
    assert_eq!(
        &scanned.octets()[..],
        octets,
        "as it came until it is built"
    );
    let head = scanned.build(true).unwrap();
    assert_eq!(head.raw.start_line(), b"GET /x HTTP/1.7");
    assert_eq!(head.raw.target(), b"/x");
    assert_eq!(head.version, Version::HTTP_11);
    let lines: Vec<_> = head.raw.fields().collect();
    assert_eq!(lines, [(&b"Host"[..], &b"a"[..]), (b"A", b"b\x08   c")]);
    assert_eq!(
        head.fields["a"], "b  c",
        "SP for the octet, SP for the fold"
    );
}
