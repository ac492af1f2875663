//! `sealane get` and `sealane request` when something goes wrong: one line, a hint, the exit code,
//! and no file that only looks whole.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::peer::{Peer, finish, head};
use crate::running::{Running, ended, output_of, program};

/// Runs the program where no server has made an authority.
fn run(words: &[&str]) -> Output {
    let place = TempDir::new().unwrap();
    output_of(&mut program(words, &place.path().join("data")), b"")
}

/// What is said of words that must fail with this code.
fn refused(words: &[&str], code: i32) -> String {
    let output = run(words);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    let errors = said
        .lines()
        .filter(|line| line.starts_with("error: "))
        .count();
    assert_eq!(errors, 1, "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// A port of this machine where nobody listens.
fn free_port() -> u16 {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    taken.local_addr().unwrap().port()
}

#[test]
fn a_status_is_a_failure_when_that_is_asked_for() {
    let place = TempDir::new().unwrap();
    let server = Running::start(&["serve", place.path().to_str().unwrap()]);
    let out = TempDir::new().unwrap();
    let file = out.path().join("f");
    fs::write(&file, "old").unwrap();
    let url = server.at("none");
    let words = ["get", "-f", "-o", file.to_str().unwrap(), &url];
    let output = output_of(&mut server.client(&words), b"");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(
        said,
        format!("error: {url} was answered with 404 Not Found\n")
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
    let output = output_of(&mut server.client(&["get", "--fail", &url]), b"");
    assert!(output.stdout.is_empty(), "{output:?}");
    let output = output_of(&mut server.client(&["get", &url]), b"");
    assert_eq!(
        output.status.code(),
        Some(0),
        "without it, an answer is an answer"
    );
    assert!(!output.stdout.is_empty());
    let root = server.at("");
    let output = output_of(&mut server.client(&["get", "-f", &url, &root]), b"");
    assert_eq!(output.status.code(), Some(1), "the first failure counts");
    assert!(!output.stdout.is_empty(), "and the others are tried");
}

#[test]
fn wrong_words_are_said_before_anything_is_sent() {
    let peer = Peer::answering(b"HTTP/1.1 204 No Content\r\n\r\n");
    let url = peer.url();
    let ca = peer.ca();
    let none = peer.path("none/f");
    let folder = peer.path("");
    for (words, wanted) in [
        (&["get", "http://localhost/"][..], "hint: write https://"),
        (
            &["get", "localhost:8443"],
            "hint: write https://localhost:8443",
        ),
        (&["get", "https://local host/"], "ERR_INVALID_URL"),
        (&["get", "https://h:99999/"], "ERR_INVALID_URL"),
        (&["get", &url, "https://h:99999/"], "ERR_INVALID_URL"),
        (&["get", "--cacert", "/no/such.pem", &url], "ENOENT"),
        (&["get", "--cacert", "/dev/null", &url], "/dev/null"),
        (
            &["get", "--cert", &ca, "--key", "/no/such.pem", &url],
            "/no/such.pem",
        ),
        (&["get", "-o", &none, &url], "none/f: No such file"),
        (&["get", "-o", &folder, &url], "is a folder"),
        (&["get", "-o", &none, &url, &url], "--output takes one body"),
        (&["get", "-H", "a b: c", &url], "is no field name"),
        (&["request", "-d", "@/no/such", &url], "/no/such"),
        (&["request", "-X", "A B", &url], "is no method"),
    ] {
        let words = [&words[..1], &["--timeout", "20s"], &words[1..]].concat();
        let said = refused(&words, 2);
        assert!(said.contains(wanted), "{words:?}: {said}");
    }
}

#[test]
fn messages_that_would_contradict_themselves_are_not_sent() {
    let server = Running::start(&["echo"]);
    let url = server.at("");
    for (words, wanted) in [
        (
            &["-H", "Content-Length: x"][..],
            "ERR_HTTP_INVALID_HEADER_VALUE",
        ),
        (
            &["-d", "a", "-H", "Content-Length: 2"],
            "ERR_HTTP_CONTENT_LENGTH_MISMATCH",
        ),
        (
            &["-H", "Transfer-Encoding: gzip"],
            "ERR_HTTP_INVALID_HEADER_VALUE",
        ),
        (&["-H", "Host: a/b"], "ERR_INVALID_ARG_VALUE"),
        (&["-X", "TRACE", "-d", "a"], "ERR_HTTP_BODY_NOT_ALLOWED"),
    ] {
        let words = [&["request", &url], words].concat();
        let output = output_of(&mut server.client(&words), b"");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.starts_with("error: ") && said.contains(wanted),
            "{said}"
        );
        assert!(output.stdout.is_empty(), "{words:?}");
    }
}

#[test]
fn no_connection() {
    let port = free_port();
    let said = refused(&["get", &format!("https://localhost:{port}/")], 3);
    assert!(
        said.contains("ECONNREFUSED") && said.contains(&port.to_string()),
        "{said}"
    );
    assert!(said.contains("\nhint: is the server running"), "{said}");
    // Without an answer to the handshake.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://127.0.0.1:{}/", mute.local_addr().unwrap().port());
    let said = refused(&["get", "--connect-timeout", "300ms", &url], 3);
    assert!(said.contains("--connect-timeout"), "{said}");
}

#[test]
fn a_port_for_plain_http() {
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in plain.incoming() {
            let mut socket = socket.unwrap();
            let _ = socket.read(&mut [0; 1000]);
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let said = refused(&["get", &format!("https://localhost:{port}/")], 3);
    assert!(said.contains("plain HTTP"), "{said}");
}

#[test]
fn certificates_that_do_not_convince() {
    let good = ((2000, 1, 1), (2049, 1, 1));
    let ended = ((2000, 1, 1), (2020, 1, 1));
    let early = ((2048, 1, 1), (2049, 1, 1));
    for (names, days, code, hint) in [
        (
            &["localhost"][..],
            ended,
            "CERT_HAS_EXPIRED",
            "renew the certificate",
        ),
        (
            &["localhost"],
            early,
            "CERT_NOT_YET_VALID",
            "clocks are right",
        ),
        (
            &["a.example"],
            good,
            "ERR_TLS_CERT_ALTNAME_INVALID",
            "\n  next step: ",
        ),
    ] {
        let peer = Peer::start_as(names, days, None, |connection| {
            head(connection);
        });
        let said = refused(&["get", "--cacert", &peer.ca(), &peer.url()], 3);
        assert!(said.contains(code) && said.contains(hint), "{code}: {said}");
    }
    let peer = Peer::answering(b"");
    let said = refused(&["get", &peer.url()], 3);
    assert!(said.contains("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "{said}");
    assert!(
        said.contains("\nhint: ") && said.contains("--cacert FILE"),
        "{said}"
    );
}

#[test]
fn broken_responses() {
    for (octets, wanted) in [
        (
            &b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789"[..],
            "10",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            "2",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "HPE_INVALID_CHUNK_SIZE",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
            "HPE_",
        ),
        (b"SMTP ready\r\n\r\n", "HPE_"),
        (b"HTTP/1.1 200 OK\r\nX: \x1b[2J\x07\r\n\r\n", "HPE_"),
        (b"HTTP/1.1 200 OK\r\nConte", "ECONNRESET"),
    ] {
        let peer = Peer::answering(octets);
        let file = peer.path("f");
        fs::write(&file, "old").unwrap();
        let said = refused(
            &["get", "--cacert", &peer.ca(), "-o", &file, &peer.url()],
            4,
        );
        assert!(said.contains(wanted), "{wanted}: {said}");
        assert!(
            !said
                .trim_end()
                .contains(|c: char| c.is_control() && c != '\n'),
            "{said:?}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(peer.files(), ["f"]);
    }
}

#[test]
fn a_silent_server_is_not_waited_for_for_ever() {
    for beginning in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    ] {
        let peer = Peer::start(move |connection| {
            if head(connection).is_some() {
                connection.write_all(beginning).unwrap();
                // Until the client goes.
                let _ = connection.read(&mut [0]);
            }
        });
        let words = [
            "get",
            "--cacert",
            &peer.ca(),
            "--timeout",
            "300ms",
            &peer.url(),
        ];
        let begun = Instant::now();
        let said = refused(&words, 4);
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert!(
            said.contains("ETIMEDOUT") && said.contains("--timeout"),
            "{said}"
        );
    }
}

#[test]
fn after_a_failure_the_others_are_tried_and_the_first_one_counts() {
    let server = Running::start(&["echo"]);
    let nobody = format!("https://localhost:{}/", free_port());
    let broken = Peer::answering(b"nonsense\r\n\r\n");
    let words = [
        "get",
        "-k",
        &nobody,
        &server.at("a"),
        &broken.url(),
        &server.at("b"),
    ];
    let output = output_of(&mut server.client(&words), b"");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stdout, b"GET /a 0GET /b 0");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("error: ").count(), 2, "{said}");
}

#[test]
fn a_reader_that_goes_ends_it_quietly() {
    let server = Running::start(&["echo"]);
    let url = server.at("bytes/100000000");
    let mut child = server
        .client(&["get", &url, &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 1000];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    assert_eq!(ended(&mut child).code(), Some(0));
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "");
    let full = fs::File::options().write(true).open("/dev/full");
    if let Ok(full) = full {
        let mut child = server
            .client(&["get", &url])
            .stdout(full)
            .stderr(Stdio::null())
            .spawn();
        assert_eq!(ended(child.as_mut().unwrap()).code(), Some(2));
    }
}

#[test]
fn an_interrupt_leaves_no_half_file() {
    let peer = Peer::start(|connection| {
        if head(connection).is_some() {
            connection
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
                .unwrap();
            let _ = connection.read(&mut [0]);
        }
    });
    let data = TempDir::new().unwrap();
    let file = peer.path("f");
    let words = ["get", "--cacert", &peer.ca(), "-o", &file, &peer.url()];
    let mut child = program(&words, data.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while peer.files().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(10));
    }
    let sent = std::process::Command::new("kill")
        .args(["-s", "INT", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(ended(&mut child).code(), Some(130));
    assert_eq!(peer.files(), [""; 0]);
}

#[test]
fn an_upload_that_is_refused_early_is_answered() {
    let peer = Peer::start(|connection| {
        if head(connection).is_some() {
            finish(
                connection,
                b"HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno\n",
            );
        }
    });
    let data = TempDir::new().unwrap();
    let words = ["request", "-d", "@-", "--cacert", &peer.ca(), &peer.url()];
    let output = output_of(&mut program(&words, data.path()), &[b'x'; 100]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stdout, b"no\n");
}
