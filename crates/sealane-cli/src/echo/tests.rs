//! The line, its headers, and reading a body without keeping it; the wire is `tests/program`'s.

use std::convert::Infallible;

use http_body::Frame;

use super::*;

#[test]
fn the_line_is_exactly_three_words() {
    assert_eq!(line(&Method::GET, b"/", 0), b"GET / 0");
    assert_eq!(line(&Method::OPTIONS, b"*", 0), b"OPTIONS * 0");
    assert_eq!(
        line(&Method::POST, b"/a?b=\xff", u64::MAX),
        b"POST /a?b=\xff 18446744073709551615"
    );
}

#[test]
fn text_is_not_to_be_taken_for_more() {
    let answer = text(StatusCode::OK, "<script>");
    assert_eq!(
        answer.headers()[header::CONTENT_TYPE],
        "text/plain; charset=utf-8"
    );
    assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(answer.headers()[header::CONTENT_LENGTH], "8");
}

/// A body of these frames.
struct Frames(std::vec::IntoIter<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

#[tokio::test]
async fn a_body_is_counted_and_hashed_across_its_pieces() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("1"));
    let pieces = vec![
        Frame::data(Bytes::from_static(b"a")),
        Frame::data(Bytes::new()),
        Frame::data(Bytes::from_static(b"bc")),
        Frame::trailers(trailers),
    ];
    let content = Content::read(Frames(pieces.into_iter())).await.unwrap();
    assert_eq!(content.length, 3);
    assert_eq!(
        content.sha256,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(content.trailers["x-sum"], "1");
}
