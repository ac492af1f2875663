//! `-C`: downloads that broke off are gone on with, and no file is of two halves.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::peer::{Peer, finish, head};
use crate::running::{Running, output_of, program};

/// What a server has, and what was asked of it.
struct Shelf {
    /// The content.
    content: Vec<u8>,
    /// Its entity tag.
    tag: &'static str,
    /// How many octets are sent at a time, before the connection breaks.
    most: usize,
    /// The heads of requests.
    asked: Vec<String>,
}

/// A server of one file with ranges and If-Range, whose connections break.
fn shelf(length: usize, most: usize) -> (Peer, Arc<Mutex<Shelf>>) {
    let shelf = Arc::new(Mutex::new(Shelf {
        content: (0..length)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect(),
        tag: "\"one\"",
        most,
        asked: Vec::new(),
    }));
    let kept = Arc::clone(&shelf);
    let peer = Peer::start(move |connection| {
        let Some(head) = head(connection) else { return };
        let mut shelf = kept.lock().unwrap();
        let head = head.to_ascii_lowercase();
        shelf.asked.push(head.clone());
        let value = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim().to_owned())
        };
        let whole = shelf.content.len();
        let fits = value("if-range:").is_none_or(|tag| tag == shelf.tag);
        let first = value("range:").filter(|_| fits).map_or(0, |range| {
            let digits = range.trim_start_matches("bytes=").trim_end_matches('-');
            digits.parse().unwrap()
        });
        let (line, range) = match first {
            0 => ("200 OK", String::new()),
            first if first < whole => (
                "206 Partial Content",
                format!("Content-Range: bytes {first}-{}/{whole}\r\n", whole - 1),
            ),
            _ => (
                "416 Range Not Satisfiable",
                format!("Content-Range: bytes */{whole}\r\n"),
            ),
        };
        let body = shelf.content.get(first..).unwrap_or_default();
        let tag = shelf.tag;
        let length = body.len();
        let head =
            format!("HTTP/1.1 {line}\r\nETag: {tag}\r\n{range}Content-Length: {length}\r\n\r\n");
        let sent = &body[..length.min(shelf.most)];
        if sent.len() == length {
            return finish(connection, &[head.as_bytes(), sent].concat());
        }
        let _ = connection.write_all(&[head.as_bytes(), sent].concat());
        let _ = connection.flush();
    });
    (peer, shelf)
}

/// Gets what a server has into its folder's file f.
fn get(peer: &Peer, words: &[&str]) -> Output {
    let data = TempDir::new().unwrap();
    let (ca, file, url) = (peer.ca(), peer.path("f"), peer.url());
    let words = [&["get", "--cacert", &ca, "-o", &file, &url], words].concat();
    output_of(&mut program(&words, data.path()), b"")
}

/// Standard error as text.
fn notes(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_download_that_breaks_off_again_and_again_becomes_whole() {
    let (peer, shelf) = shelf(500_000, 200_000);
    let mut runs = 0;
    loop {
        runs += 1;
        let output = get(&peer, &["-C", "-"]);
        if output.status.success() {
            break;
        }
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        let said = notes(&output);
        assert!(
            said.contains("f.part; the same command goes on from there\n"),
            "{said}"
        );
        assert!(said.contains("ECONNRESET"), "{said}");
        assert_eq!(peer.files(), ["f.part", "f.part.json"]);
        assert!(runs < 20, "it gets no further");
    }
    assert_eq!(peer.files(), ["f"]);
    let shelf = shelf.lock().unwrap();
    assert!(fs::read(peer.path("f")).unwrap() == shelf.content);
    assert!(!shelf.asked[0].contains("range"), "{}", shelf.asked[0]);
    let later = &shelf.asked[1];
    assert!(
        later.contains("range: bytes=") && later.contains("if-range: \"one\""),
        "{later}"
    );
}

#[test]
fn what_has_changed_is_got_from_its_beginning() {
    let (peer, shelf) = shelf(300_000, 200_000);
    assert_eq!(get(&peer, &["-C", "-"]).status.code(), Some(4));
    {
        let mut shelf = shelf.lock().unwrap();
        shelf.content.reverse();
        (shelf.tag, shelf.most) = ("\"two\"", usize::MAX);
    }
    let output = get(&peer, &["-C", "-"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = notes(&output);
    assert!(
        said.contains("f is got from its beginning: it has changed there"),
        "{said}"
    );
    assert!(fs::read(peer.path("f")).unwrap() == shelf.lock().unwrap().content);
    assert_eq!(peer.files(), ["f"]);
}

#[test]
fn halves_that_nothing_vouches_for_are_not_joined() {
    let (peer, shelf) = shelf(300_000, 200_000);
    let change = |tag, most| {
        let mut shelf = shelf.lock().unwrap();
        shelf.content.reverse();
        (shelf.tag, shelf.most) = (tag, most);
    };
    let begun_anew = |first: &[&str]| {
        let output = get(&peer, first);
        let said = notes(&output);
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains("so - begins anew\n"), "{said}");
        // The tag says nothing else, and the length is the same.
        shelf.lock().unwrap().content.reverse();
        shelf.lock().unwrap().most = usize::MAX;
        let output = get(&peer, &["-C", "-"]);
        let said = notes(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(
            said.contains("from its beginning: nothing proves"),
            "{said}"
        );
        assert!(fs::read(peer.path("f")).unwrap() == shelf.lock().unwrap().content);
    };
    change("W/\"one\"", 200_000);
    begun_anew(&["-C", "-"]);
    change("\"one\"", 1000);
    fs::write(peer.path("f"), [b'?'; 400]).unwrap();
    begun_anew(&["-C", "400"]);
}

#[test]
fn files_of_other_programs() {
    let (peer, shelf) = shelf(1000, usize::MAX);
    let content = shelf.lock().unwrap().content.clone();
    let file = peer.path("f");
    for (here, words, wanted, said) in [
        (400, &["-C", "400"][..], Some("range: bytes=400-"), ""),
        (400, &["-C", "100"], Some("range: bytes=100-"), ""),
        (
            400,
            &["-C", "-"],
            None,
            "from its beginning: nothing proves that what is here is still its beginning\n",
        ),
        (
            1000,
            &["-C", "1000"],
            Some("range: bytes=1000-"),
            "f is whole already\n",
        ),
        (0, &["-C", "-"], None, ""),
        (
            1200,
            &["-C", "1200"],
            None,
            "from its beginning: it has changed there\n",
        ),
        (1000, &["-C", "1000", "-s"], Some("range: bytes=1000-"), ""),
    ] {
        let mut octets = content.clone();
        octets.resize(here, b'?');
        fs::write(&file, octets).unwrap();
        let output = get(&peer, words);
        assert_eq!(output.status.code(), Some(0), "{here}: {output:?}");
        let told = notes(&output);
        assert!(
            told.ends_with(said) && (said.is_empty() == told.is_empty()),
            "{here}: {told}"
        );
        assert!(fs::read(&file).unwrap() == content, "{here} {words:?}");
        assert_eq!(peer.files(), ["f"]);
        let asked = shelf.lock().unwrap().asked.pop().unwrap();
        match wanted {
            Some(wanted) => assert!(asked.contains(wanted), "{asked}"),
            None => assert!(!asked.contains("range:"), "{asked}"),
        }
    }
}

#[test]
fn our_own_server_gives_parts() {
    let place = TempDir::new().unwrap();
    let content: Vec<_> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(place.path().join("big"), &content).unwrap();
    // Older than what is here of it.
    let old = SystemTime::now() - Duration::from_secs(3600);
    let big = fs::File::options()
        .write(true)
        .open(place.path().join("big"));
    big.unwrap().set_modified(old).unwrap();
    let server = Running::start(&["serve", place.path().to_str().unwrap()]);
    let out = TempDir::new().unwrap();
    let file = out.path().join("f");
    fs::write(&file, &content[..123_456]).unwrap();
    let words = [
        "get",
        "-C",
        "123456",
        "-o",
        file.to_str().unwrap(),
        "-w",
        "%{http_code}",
    ];
    let output = output_of(
        &mut server.client(&[&words[..], &[&server.at("big")]].concat()),
        b"",
    );
    assert_eq!(output.stdout, b"206", "{output:?}");
    assert!(fs::read(&file).unwrap() == content);
}

#[test]
fn answers_that_bring_nothing_change_nothing() {
    for (octets, code, wanted) in [
        (
            &b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nsorry"[..],
            1,
            "with 404 Not Found",
        ),
        (
            b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/8\r\n\
              Content-Length: 4\r\n\r\nabcd",
            4,
            "begins at octet 0, and 4 was asked for\nhint: without --continue-at",
        ),
        (
            b"HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n\r\nabcd",
            4,
            "Content-Range does not say which",
        ),
    ] {
        let peer = Peer::answering(octets);
        fs::write(peer.path("f"), "0123").unwrap();
        let output = get(&peer, &["-C", "4"]);
        let said = notes(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(wanted), "{said}");
        assert_eq!(fs::read(Path::new(&peer.path("f"))).unwrap(), b"0123");
        assert_eq!(peer.files(), ["f"]);
    }
}

#[test]
fn what_cannot_be_meant() {
    let data = TempDir::new().unwrap();
    let url = "https://localhost:1/";
    for (words, wanted) in [
        (&["get", "-C", "-", url][..], "--output"),
        (&["get", "-C", "-", "-o", "-", url], "name it with --output"),
        (
            &["get", "-C", "x", "-o", "f", url],
            "write - for where the file ends",
        ),
        (
            &["get", "-C", "-", "--compressed", "-o", "f", url],
            "cannot be used with",
        ),
        (
            &["get", "-C", "-", "-o", "f", "-H", "Range: bytes=1-", url],
            "range cannot be given",
        ),
        (
            &["request", "-C", "-", "-o", "f", "-d", "a", url],
            "is for GET",
        ),
        (
            &["get", "-C", "9", "-o", "/dev/null", url],
            "no file that could be gone on with",
        ),
    ] {
        let output = output_of(&mut program(words, data.path()), b"");
        let said = notes(&output);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(wanted), "{words:?}: {said}");
    }
}
