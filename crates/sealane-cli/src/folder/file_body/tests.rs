//! A file as a body: whole, in part, growing and shrinking while it is sent.

use std::io::{Seek, SeekFrom, Write};

use http_body_util::BodyExt;

use super::*;

/// A file with octets that differ from piece to piece.
fn file(length: usize) -> (File, Vec<u8>) {
    let octets: Vec<u8> = (0..length).map(|at| (at / 7 % 251) as u8).collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&octets).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    (file, octets)
}

#[tokio::test]
async fn all_octets_come_in_pieces() {
    let piece = usize::try_from(PIECE).unwrap();
    for length in [0, 1, piece - 1, piece, piece + 1, 3 * piece + 17] {
        let (file, octets) = file(length);
        let mut body = FileBody::begin(file, length as u64).unwrap();
        assert_eq!(body.size_hint().exact(), Some(length as u64));
        let mut got = Vec::new();
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            assert!(data.len() <= piece);
            got.extend_from_slice(&data);
            assert_eq!(body.size_hint().exact(), Some((length - got.len()) as u64));
        }
        assert!(body.is_end_stream());
        assert!(got == octets, "{length} octets");
    }
}

#[tokio::test]
async fn a_part_begins_where_the_file_stands() {
    let (mut file, octets) = file(200_000);
    file.seek(SeekFrom::Start(100_001)).unwrap();
    let body = FileBody::begin(file, 70_000).unwrap();
    let got = body.collect().await.unwrap().to_bytes();
    assert!(got == octets[100_001..170_001]);
}

#[tokio::test]
async fn a_file_that_grows_is_cut() {
    let mut log = tempfile::NamedTempFile::new().unwrap();
    log.write_all(&[b'a'; 70_000]).unwrap();
    let body = FileBody::begin(log.reopen().unwrap(), 70_000).unwrap();
    log.write_all(&[b'b'; 70_000]).unwrap();
    assert!(body.collect().await.unwrap().to_bytes() == [b'a'; 70_000][..]);
}

#[tokio::test]
async fn a_file_that_shrinks_is_an_error() {
    let (file, _) = file(300_000);
    let cut = file.try_clone().unwrap();
    let mut body = FileBody::begin(file, 300_000).unwrap();
    cut.set_len(150_000).unwrap();
    let error = loop {
        match body.frame().await.expect("an error comes before the end") {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert!(body.frame().await.is_none());
}

#[test]
fn a_file_shorter_than_promised_fails_at_once() {
    let (file, _) = file(10);
    assert!(FileBody::begin(file, 11).is_err());
}
