//! Nothing of a peer reaches the terminal as it is.

use http::{HeaderValue, StatusCode};

use super::*;

#[test]
fn octets_are_escaped_and_text_is_not() {
    assert_eq!(octets("Grüße\ttab".as_bytes()), "Grüße\\ttab");
    assert_eq!(octets(b"a\x1b[2J\xe9\xff"), "a\\u{1b}[2J\\xe9\\xff");
    assert_eq!(octets(b""), "");
}

#[test]
fn a_head_has_its_fields_and_a_blank_line() {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::NOT_FOUND;
    let value = HeaderValue::from_bytes(b"x\xff").unwrap();
    response.headers_mut().append("x-a", value);
    assert_eq!(head(&response), "HTTP/1.1 404 Not Found\nx-a: x\\xff\n\n");
    *response.status_mut() = StatusCode::from_u16(799).unwrap();
    assert_eq!(status(&response), "799");
}
