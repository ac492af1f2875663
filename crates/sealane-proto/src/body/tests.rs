//! The right coder for each framing.

use super::*;

#[test]
fn no_decoder_where_there_is_nothing_to_decode() {
    assert!(BodyDecoder::new(Framing::Empty).is_none());
    assert!(BodyDecoder::new(Framing::Length(0)).is_none());
    assert!(BodyDecoder::new(Framing::Length(1)).is_some());
    assert!(BodyDecoder::new(Framing::Chunked).is_some());
    assert!(BodyDecoder::new(Framing::UntilClose).is_some());
}

#[test]
fn an_empty_piece_writes_nothing_in_any_framing() {
    for framing in [
        Framing::Empty,
        Framing::Length(5),
        Framing::Chunked,
        Framing::UntilClose,
    ] {
        let mut out = Vec::new();
        let end = BodyEncoder::new(framing).announce(0, &mut out);
        assert_eq!((end, &out[..]), (Ok(&b""[..]), &b""[..]), "{framing:?}");
    }
}

#[test]
fn a_message_without_a_body_takes_no_octet() {
    for framing in [Framing::Empty, Framing::Length(0)] {
        let refused = BodyEncoder::new(framing).announce(1, &mut Vec::new());
        assert_eq!(refused, Err(UsageError::BodyNotAllowed));
    }
}

#[test]
fn trailers_need_chunks_or_no_body_at_all() {
    let trailers: HeaderMap = [(http::header::ETAG, http::HeaderValue::from_static("x"))]
        .into_iter()
        .collect();
    let mut out = Vec::new();
    let mut finish = |framing| BodyEncoder::new(framing).finish(Some(&trailers), &mut out);
    assert_eq!(
        finish(Framing::Length(5)),
        Err(UsageError::TrailersUnframed)
    );
    assert_eq!(
        finish(Framing::UntilClose),
        Err(UsageError::TrailersUnframed)
    );
    assert_eq!(finish(Framing::Empty), Ok(()));
    assert_eq!(finish(Framing::Chunked), Ok(()));
    assert_eq!(out, b"0\r\netag: x\r\n\r\n");
    let none = BodyEncoder::new(Framing::UntilClose).finish(Some(&HeaderMap::new()), &mut out);
    assert_eq!(none, Ok(()));
}
