//! Octets that both ends can make: the same seed gives the same body.

use bytes::Bytes;
use sealane::Body;

/// A body of this seed; most are short, some are long, some are empty.
pub fn octets_of(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let length = match next() % 10 {
        0 => 0,
        1..=6 => next() % 2_000,
        7 | 8 => next() % 50_000,
        _ => next() % 300_000,
    };
    (0..length).map(|_| next() as u8).collect()
}

/// The octets in pieces of unlike size, of unknown length.
pub fn in_pieces(octets: Vec<u8>) -> Body {
    let (mut sender, body) = Body::channel();
    tokio::spawn(async move {
        let mut rest = Bytes::from(octets);
        let mut size = 1;
        while !rest.is_empty() {
            let piece = rest.split_to(size.min(rest.len()));
            size = size * 3 + 1;
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    body
}
