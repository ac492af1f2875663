//! Codings that are whole, cut, broken, on top of each other, and far too good.

use async_compression::tokio::bufread::{
    BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder,
};
use http::HeaderValue;
use tokio::io::AsyncReadExt;

use super::*;

/// A runtime for one test.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

/// Fields that say this coding.
fn fields(coding: &str) -> HeaderMap {
    let value = HeaderValue::from_str(coding).unwrap();
    HeaderMap::from_iter([(header::CONTENT_ENCODING, value)])
}

/// A text in this coding; `bare` is deflate without its wrapping.
fn coded(coding: &str, text: &[u8]) -> Vec<u8> {
    block_on(async {
        let mut out = Vec::new();
        let read = match coding {
            "gzip" => GzipEncoder::new(text).read_to_end(&mut out).await,
            "deflate" => ZlibEncoder::new(text).read_to_end(&mut out).await,
            "bare" => DeflateEncoder::new(text).read_to_end(&mut out).await,
            "br" => BrotliEncoder::new(text).read_to_end(&mut out).await,
            _ => ZstdEncoder::new(text).read_to_end(&mut out).await,
        };
        read.unwrap();
        out
    })
}

/// A body that comes in pieces of this length.
fn body(octets: &[u8], length: usize) -> Body {
    let (mut sender, body) = Body::channel();
    let pieces: Vec<_> = octets.chunks(length).map(<[u8]>::to_vec).collect();
    tokio::spawn(async move {
        for piece in pieces {
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    body
}

/// What comes out of these octets that are said to be in this coding.
fn decoded(said: &str, octets: &[u8], length: usize) -> Result<Vec<u8>, String> {
    block_on(async {
        let mut content = Content::decoded(&fields(said), body(octets, length))?;
        let mut out = Vec::new();
        loop {
            match content.piece().await {
                Ok(Some(piece)) => out.extend_from_slice(&piece),
                Ok(None) => break,
                Err(Trouble::Coding(text)) => return Err(text),
                Err(Trouble::Body(error)) => return Err(format!("body: {error}")),
            }
        }
        assert_eq!(content.received(), octets.len() as u64);
        Ok(out)
    })
}

/// The name of a coding on the wire.
fn wire(coding: &str) -> &str {
    if coding == "bare" { "deflate" } else { coding }
}

const ALL: [&str; 5] = ["gzip", "deflate", "bare", "br", "zstd"];

#[test]
fn each_coding_is_undone_however_it_is_cut_into_pieces() {
    let text: Vec<_> = (0..200_000u32)
        .flat_map(|n| (n % 1000).to_le_bytes())
        .collect();
    for coding in ALL {
        let octets = coded(coding, &text);
        assert!(octets.len() < text.len());
        for length in [1, 7, 65_536] {
            assert_eq!(
                decoded(wire(coding), &octets, length).as_deref(),
                Ok(&*text)
            );
        }
        assert_eq!(decoded(wire(coding), &coded(coding, b""), 1).unwrap(), b"");
        assert_eq!(
            decoded(wire(coding), b"", 1).unwrap(),
            b"",
            "nothing at all"
        );
    }
    assert_eq!(decoded("X-GZIP", &coded("gzip", b"a"), 9).unwrap(), b"a");
    assert_eq!(decoded("identity", b"as it is", 3).unwrap(), b"as it is");
}

#[test]
fn a_cut_is_found_at_every_octet() {
    for coding in ALL {
        let octets = coded(
            coding,
            b"some text, some text, some more text of some length",
        );
        for cut in 1..octets.len() {
            let said = decoded(wire(coding), &octets[..cut], 5).unwrap_err();
            assert!(said.contains(wire(coding)), "{coding} {cut}: {said}");
        }
    }
}

#[test]
fn what_follows_the_end_is_no_part_of_it() {
    for coding in ALL {
        let mut octets = coded(coding, b"some text");
        octets.extend_from_slice(b"and more");
        for length in [1, 1000] {
            assert!(decoded(wire(coding), &octets, length).is_err(), "{coding}");
        }
    }
    for coding in ["gzip", "zstd"] {
        let octets = [coded(coding, b"one, "), coded(coding, b"two")].concat();
        assert_eq!(
            decoded(coding, &octets, 4).unwrap(),
            b"one, two",
            "{coding}"
        );
    }
}

#[test]
fn broken_octets_are_an_error() {
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let said = decoded(coding, &[0xff; 100], 10).unwrap_err();
        assert!(said.contains(coding), "{said}");
    }
    let mut octets = coded("gzip", b"some text");
    let check = octets.len() - 8;
    octets[check] ^= 1;
    assert!(decoded("gzip", &octets, 100).is_err(), "its sum is wrong");
}

#[test]
fn several_codings_are_undone_from_the_last() {
    let octets = coded("zstd", &coded("gzip", b"twice"));
    assert_eq!(decoded("gzip, zstd", &octets, 3).unwrap(), b"twice");
    let octets = [octets, b"x".to_vec()].concat();
    assert!(decoded("gzip, zstd", &octets, 3).is_err());
    let inner = [coded("br", b"twice"), b"x".to_vec()].concat();
    assert!(decoded("br, gzip", &coded("gzip", &inner), 3).is_err());
    let said = decoded("gzip, gzip, gzip, gzip", b"", 1).unwrap_err();
    assert!(said.contains("4 times"), "{said}");
    let said = decoded("compress", b"", 1).unwrap_err();
    assert!(said.contains("as compress, which is not known"), "{said}");
    let said = decoded("\u{e9}", b"", 1).unwrap_err();
    assert!(said.is_ascii() || said.contains('\u{e9}'), "{said}");
}

#[test]
fn a_bomb_is_decoded_piece_by_piece() {
    let zeros = vec![0; 64 << 20];
    for coding in ALL {
        let octets = coded(coding, &zeros);
        block_on(async {
            let mut content = Content::decoded(&fields(wire(coding)), body(&octets, 1 << 20));
            let content = content.as_mut().unwrap();
            let mut whole = 0;
            while let Some(piece) = content.piece().await.unwrap() {
                assert!(piece.len() <= PIECE);
                whole += piece.len();
            }
            assert_eq!(whole, zeros.len(), "{coding}");
        });
    }
}

#[test]
fn a_window_that_costs_too_much_memory_is_refused() {
    // RFC 8878 §3.1.1: magic, a descriptor without a single segment, a window of 16 MiB.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 14 << 3, 0x01, 0x00, 0x00];
    assert!(decoded("zstd", &frame, 100).is_err());
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3, 0x01, 0x00, 0x00];
    assert_eq!(decoded("zstd", &frame, 100).unwrap(), b"");
}

#[test]
fn a_window_of_brotli_that_the_rfc_does_not_know_is_refused() {
    // A large window of 1 KiB to 1 GiB, and an empty last block.
    for size in 10..=30 {
        for length in [1, 100] {
            let said = decoded("br", &[0x11, 0xc0 | size], length).unwrap_err();
            assert!(said.contains("br, wants a window"), "{size}: {said}");
        }
    }
    assert!(decoded("br", &[0x91, 0xde], 100).is_err());
    // RFC 7932 §9.1: 16 MiB is the largest.
    assert_eq!(decoded("br", &[0x3f], 100).unwrap(), b"");
}

#[test]
fn an_error_of_the_body_stays_one() {
    let octets = coded("gzip", &[7; 1000]);
    block_on(async {
        let (mut sender, body) = Body::channel();
        sender.send(octets[..10].to_vec()).await.unwrap();
        sender.abort("pulled the plug");
        let mut content = Content::decoded(&fields("gzip, identity"), body).unwrap();
        let Err(Trouble::Body(error)) = content.piece().await else {
            panic!("an error of the body");
        };
        assert!(error.to_string().contains("pulled the plug"), "{error}");
    });
}
