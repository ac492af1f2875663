//! Target `chunked`: the input is the body of a chunked request, against `httparse`.
//!
//! RFC 9112 §7.1. A body that we accept is walked with `httparse::parse_chunk_size`; content and
//! trailer lines must come out the same, and what follows must be the same octets.

use http::Method;

use crate::reading::{self, LENIENT, Reading, STRICT};

/// Reads the input as a chunked body, of a request and of a response.
pub fn chunked(input: &[u8]) {
    let request = [REQUEST, input].concat();
    let response = [RESPONSE, input].concat();
    let served = reading::serve(STRICT, [&request[..]]);
    let fetched = reading::fetch(STRICT, &Method::GET, [&response[..]]);
    check(&served, input);
    check(&fetched, input);
    reading::same_at_every_cut(&request, |pieces| reading::serve(STRICT, pieces));
    reading::same_at_every_cut(&response, |pieces| {
        reading::fetch(STRICT, &Method::GET, pieces)
    });
    // Leniency ends with the head: what stands in a body is read in one way only.
    let lenient = reading::serve(LENIENT, [&request[..]]);
    let messages = served.complete.min(1);
    assert_eq!(lenient.complete.min(1), messages, "the first body");
    served.check_lenient(&lenient);
}

/// Compares an accepted body with what a walk along httparse's chunk sizes finds.
fn check(reading: &Reading, input: &[u8]) {
    if reading.complete == 0 {
        return;
    }
    let (content, rest) = walk(input);
    assert!(
        reading.content.starts_with(&content),
        "content of the first message"
    );
    let mut lines = [httparse::EMPTY_HEADER; 2048];
    let parsed = httparse::parse_headers(rest, &mut lines);
    let (_, trailers) = parsed
        .expect("httparse accepts the trailers that we accept")
        .unwrap();
    let text = |octets: &[u8]| octets.escape_ascii().to_string();
    let expected: String = trailers
        .iter()
        .map(|line| format!(" [{}: {}]", text(line.name.as_bytes()), text(line.value)))
        .collect();
    let expected = format!("end{expected} after {} octets of content", content.len());
    assert_eq!(
        reading.lines.get(1),
        Some(&expected),
        "trailers of the first message"
    );
}

/// The content of a chunked body, and the octets behind its last chunk's line.
pub(crate) fn walk(mut rest: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut content = Vec::new();
    loop {
        let parsed = httparse::parse_chunk_size(rest);
        let (line, size) = parsed
            .expect("httparse accepts the size that we accept")
            .unwrap();
        rest = &rest[line..];
        if size == 0 {
            return (content, rest);
        }
        let size = usize::try_from(size).expect("the chunk is there, so it has a length in memory");
        content.extend_from_slice(&rest[..size]);
        assert_eq!(
            &rest[size..size + 2],
            b"\r\n",
            "the line end behind a chunk"
        );
        rest = &rest[size + 2..];
    }
}

/// What stands before the input of a server.
const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
/// What stands before the input of a client.
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
