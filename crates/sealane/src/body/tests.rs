//! Does a body give exactly what was put in, bounded, and never cut silently?

use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body as _;

use super::*;

async fn all_of(body: &mut Body) -> Result<Vec<u8>> {
    let mut octets = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        octets.extend_from_slice(&chunk);
    }
    Ok(octets)
}

#[tokio::test]
async fn octets_and_text_come_out_as_they_went_in() {
    for (mut body, expected) in [
        (Body::empty(), ""),
        (Body::from("text"), "text"),
        (Body::from(String::from("owned")), "owned"),
        (Body::from(b"octets".to_vec()), "octets"),
        (Body::from(Bytes::new()), ""),
        (Body::new(Body::from("wrapped")), "wrapped"),
    ] {
        assert_eq!(body.size_hint().exact(), Some(expected.len() as u64));
        assert_eq!(all_of(&mut body).await.unwrap(), expected.as_bytes());
        assert!(body.is_end_stream());
    }
}

#[tokio::test]
async fn a_channel_makes_its_sender_wait_at_64_kib() {
    let (mut sender, mut body) = Body::channel();
    sender.send(vec![0; 64 * 1024]).await.unwrap();
    let mut second = Box::pin(sender.send("more"));
    let waits = std::future::poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx).is_pending())).await;
    assert!(waits, "a full cell takes nothing more");
    assert_eq!(body.chunk().await.unwrap().unwrap().len(), 64 * 1024);
    second.await.unwrap();
    assert_eq!(body.chunk().await.unwrap().unwrap(), "more");
}

#[tokio::test]
async fn trailers_follow_the_last_piece() {
    let (mut sender, mut body) = Body::channel();
    sender.send("content").await.unwrap();
    let trailers = HeaderMap::from_iter([(http::header::ETAG, "\"x\"".parse().unwrap())]);
    sender.end_with_trailers(trailers.clone());
    assert_eq!(all_of(&mut body).await.unwrap(), b"content");
    assert_eq!(body.trailers(), Some(&trailers));
}

#[tokio::test]
async fn an_aborted_channel_is_an_error_and_not_an_end() {
    let (mut sender, mut body) = Body::channel();
    sender.send("half").await.unwrap();
    sender.abort("disk on fire");
    let error = all_of(&mut body).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Body);
    assert!(error.to_string().contains("disk on fire"), "{error}");
}

#[tokio::test]
async fn a_feeder_dropped_half_way_is_an_error_and_not_an_end() {
    let (feeder, reader) = cell(http_body::SizeHint::default());
    feeder.push(Bytes::from_static(b"half"));
    drop(feeder);
    let error = all_of(&mut Body::from_reader(reader)).await.unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"));
}

#[tokio::test]
async fn a_dropped_body_fails_its_sender() {
    let (mut sender, body) = Body::channel();
    drop(body);
    assert_eq!(
        sender.send("x").await.unwrap_err().kind(),
        ErrorKind::Closed
    );
}

#[tokio::test]
async fn a_file_is_read_to_the_length_it_had() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let content = vec![7u8; 200_000];
    std::fs::write(file.path(), &content).unwrap();
    let mut body = Body::file(file.path()).await.unwrap();
    assert_eq!(body.size_hint().exact(), Some(200_000));
    std::fs::write(file.path(), &content[..100]).unwrap();
    let error = all_of(&mut body).await.unwrap_err();
    assert!(error.to_string().contains("octets short"), "{error}");
    assert_eq!(
        Body::file("/nonexistent").await.unwrap_err().code(),
        Some("ENOENT")
    );
}

#[test]
fn a_full_cell_of_tiny_pieces_is_no_heavier_than_one_of_large_ones() {
    let (feeder, reader) = cell(http_body::SizeHint::default());
    let mut pieces = 0;
    while feeder.has_room() {
        feeder.push(Bytes::from_static(b"x"));
        pieces += 1;
    }
    assert!(pieces <= 1024, "{pieces} pieces wait");
    drop(reader);
    assert!(feeder.is_abandoned());
}

#[tokio::test]
async fn a_length_hint_tells_what_remains() {
    let (feeder, reader) = cell(http_body::SizeHint::with_exact(5));
    let mut body = Body::from_reader(reader);
    feeder.push(Bytes::from_static(b"abc"));
    feeder.push(Bytes::from_static(b"de"));
    body.chunk().await.unwrap();
    assert_eq!(body.size_hint().exact(), Some(2));
}

#[tokio::test]
async fn a_producer_that_panics_does_not_end_its_body_well() {
    let (mut sender, mut body) = Body::channel();
    let producing = tokio::spawn(async move {
        sender.send("half").await.unwrap();
        panic!("this one is part of the test");
    });
    producing.await.unwrap_err();
    assert_eq!(body.chunk().await.unwrap().unwrap(), "half");
    let error = body.chunk().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Body);
    assert!(error.to_string().contains("panicked"), "{error}");
}
