//! `--compressed`: what is offered, what is decoded, and what is no whole body.

use std::fs;
use std::process::Output;

use async_compression::tokio::bufread::{
    BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder,
};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::peer::{Peer, finish, head};
use crate::running::{output_of, program};

/// Runs the program where no server has made an authority.
fn run(words: &[&str]) -> Output {
    let place = TempDir::new().unwrap();
    output_of(&mut program(words, &place.path().join("data")), b"")
}

/// A text in a coding, by the name that a test gives it.
fn coded(coding: &str, text: &[u8]) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
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

/// A server that sends these octets as a body of this coding, if the coding is asked for.
fn serving(coding: &'static str, octets: Vec<u8>) -> Peer {
    Peer::start(move |connection| {
        let Some(head) = head(connection) else { return };
        let head = head.to_ascii_lowercase();
        let offered = head.contains("accept-encoding: gzip, deflate, br, zstd\r\n");
        let fields = if offered || head.contains("x-force") {
            format!(
                "Content-Encoding: {coding}\r\nContent-Length: {}",
                octets.len()
            )
        } else {
            "Content-Length: 0".to_owned()
        };
        let mut answer = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n").into_bytes();
        if !fields.ends_with(" 0") {
            answer.extend_from_slice(&octets);
        }
        finish(connection, &answer);
    })
}

#[test]
fn bodies_are_decoded_where_that_is_asked_for() {
    let text = b"all work and no play ".repeat(20_000);
    for (name, coding) in [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("bare", "deflate"),
        ("br", "br"),
        ("zstd", "zstd"),
    ] {
        let octets = coded(name, &text);
        let peer = serving(coding, octets.clone());
        let ask =
            |more: &[&str]| run(&[&["get", "--cacert", &peer.ca(), &peer.url()], more].concat());
        assert!(ask(&["--compressed"]).stdout == text, "{name}");
        let file = peer.path("f");
        assert_eq!(ask(&["--compressed", "-o", &file]).status.code(), Some(0));
        assert!(fs::read(&file).unwrap() == text, "{name}");
        assert_eq!(ask(&[]).stdout, b"", "it is not offered unasked");
        assert!(ask(&["-H", "X-Force: 1"]).stdout == octets, "nor undone");
    }
}

#[test]
fn what_cannot_be_decoded_is_a_broken_response() {
    let whole = coded("gzip", &[b'x'; 100_000]);
    let cut = whole[..whole.len() - 4].to_vec();
    let more = [whole.clone(), b"more".to_vec()].concat();
    for (coding, octets, wanted) in [
        (
            "gzip",
            cut,
            "ended in the middle of its content coding, gzip",
        ),
        ("gzip", more, "gzip"),
        (
            "br",
            vec![0xff; 100],
            "the body's content coding, br, is broken",
        ),
        ("zstd", whole, "the body's content coding, zstd, is broken"),
        (
            "lzma",
            b"x".to_vec(),
            "coded as lzma, which is not known here",
        ),
    ] {
        let peer = serving(coding, octets);
        let file = peer.path("f");
        fs::write(&file, "old").unwrap();
        let words = [
            "get",
            "--compressed",
            "--cacert",
            &peer.ca(),
            "-o",
            &file,
            &peer.url(),
        ];
        let output = run(&words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(
            said.starts_with("error: ") && said.contains(wanted),
            "{said}"
        );
        assert!(said.contains("\nhint: without --compressed"), "{said}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(peer.files(), ["f"]);
    }
}

#[test]
fn a_connection_that_is_cut_is_told_as_such() {
    let octets = coded("gzip", &[b'x'; 100_000]);
    let peer = Peer::start(move |connection| {
        if head(connection).is_some() {
            let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9999\r\n\r\n";
            finish(connection, &[head.as_bytes(), &octets].concat());
        }
    });
    let output = run(&["get", "--compressed", "--cacert", &peer.ca(), &peer.url()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("ECONNRESET"),
        "cut behind its content is cut as well: {said}"
    );
}
