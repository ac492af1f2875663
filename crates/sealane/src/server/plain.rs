//! The answer to somebody who speaks plain HTTP to the TLS port.
//!
//! Fixed and readable; nothing of the request is reflected. Whether the octets are HTTP is decided
//! in the transport, from the first of them only.

use super::date;

/// What such a client gets: a complete 400 in the clear.
pub(super) fn answer() -> Vec<u8> {
    let mut answer = Vec::with_capacity(256 + TEXT.len());
    answer.extend_from_slice(b"HTTP/1.1 400 Bad Request\r\nDate: ");
    answer.extend_from_slice(&date::now());
    answer.extend_from_slice(
        format!(
            "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{TEXT}",
            TEXT.len()
        )
        .as_bytes(),
    );
    answer
}

const TEXT: &str = "This port speaks HTTPS: use https:// instead of http:// in the address.\n";
