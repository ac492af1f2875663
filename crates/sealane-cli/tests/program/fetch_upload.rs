//! `-T`: files and standard input by PUT, with a bar on a terminal.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use crate::client_terminal::{shown, terminal};
use crate::peer::{Peer, body, finish, head};
use crate::running::{Running, ended, output_of, program};

#[test]
fn a_file_is_put() {
    let peer = Peer::start(|connection| {
        let Some(head) = head(connection) else { return };
        let content = if head.contains("chunked") {
            Vec::new()
        } else {
            body(connection, &head)
        };
        let first = head.lines().next().unwrap();
        let typed = head.to_ascii_lowercase().contains("content-type");
        let text = format!("{first} {} {typed}", String::from_utf8(content).unwrap());
        let head = format!(
            "HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n",
            text.len()
        );
        finish(connection, format!("{head}{text}").as_bytes());
    });
    let place = TempDir::new().unwrap();
    let file = place.path().join("some file");
    fs::write(&file, "content").unwrap();
    let (ca, url, file) = (peer.ca(), peer.url(), file.to_str().unwrap());
    for (url, wanted) in [
        (format!("{url}x"), "PUT /x HTTP/1.1 content false"),
        (
            format!("{url}d/"),
            "PUT /d/some%20file HTTP/1.1 content false",
        ),
    ] {
        let words = ["request", "-T", file, "--cacert", &ca, &url];
        let output = output_of(&mut program(&words, &place.path().join("data")), b"");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), wanted);
    }
    let none = place.path().join("none");
    let words = [
        "request",
        "-T",
        none.to_str().unwrap(),
        "--cacert",
        &ca,
        &url,
    ];
    let output = output_of(&mut program(&words, &place.path().join("data")), b"");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn standard_input_is_put_in_chunks() {
    let server = Running::start(&["echo"]);
    let url = server.at("x");
    let words = ["request", "-H", "Accept: application/json", "-T", "-", &url];
    let input = vec![b'y'; 3_000_000];
    let output = output_of(&mut server.client(&words), &input);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&told["method"], &told["body"]["length"]),
        (&"PUT".into(), &3_000_000.into())
    );
    let fields = told["fields"].to_string().to_ascii_lowercase();
    assert!(
        fields.contains("chunked") && !fields.contains("content-length"),
        "{fields}"
    );
}

#[test]
fn heads_are_of_the_version_and_spelling_that_is_asked_for() {
    let peer = Peer::start(|connection| {
        let Some(head) = head(connection) else { return };
        let first = head.lines().next().unwrap();
        let text = format!("{first} {}", head.contains("\r\nX-oDD: 1\r\n"));
        let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", text.len());
        finish(connection, format!("{head}{text}").as_bytes());
    });
    let data = TempDir::new().unwrap();
    let words = [
        "get",
        "-0",
        "-H",
        "X-oDD: 1",
        "--cacert",
        &peer.ca(),
        &peer.url(),
    ];
    let output = output_of(&mut program(&words, data.path()), b"");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "GET / HTTP/1.0 true"
    );
}

#[test]
fn a_large_file_waits_until_it_is_wanted() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("f");
    fs::write(&file, vec![b'x'; 2_000_000]).unwrap();
    let (file, data) = (file.to_str().unwrap(), place.path().join("data"));
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    let peer = Peer::start(move |connection| {
        let Some(head) = head(connection) else { return };
        kept.lock().unwrap().push(head.to_ascii_lowercase());
        let expected = head.to_ascii_lowercase().contains("expect: 100-continue");
        let status = match head.split(' ').nth(1).unwrap() {
            "/never" => "413 Content Too Large",
            "/unknown" if expected => "417 Expectation Failed",
            _ => {
                if expected {
                    connection
                        .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                        .unwrap();
                }
                assert_eq!(body(connection, &head).len(), 2_000_000);
                "201 Created"
            }
        };
        let close = "Connection: close\r\nContent-Length: 0";
        finish(
            connection,
            format!("HTTP/1.1 {status}\r\n{close}\r\n\r\n").as_bytes(),
        );
    });
    let (ca, url) = (peer.ca(), peer.url());
    let put = |path: &str, more: &[&str]| {
        let url = format!("{url}{path}");
        let format = "%{http_code} %{size_upload}";
        let words = [
            "request", "-T", file, "--cacert", &ca, "-w", format, "-v", &url,
        ];
        let output = output_of(&mut program(&[&words[..], more].concat(), &data), b"");
        (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (told, said) = put("x", &[]);
    assert_eq!(told, "201 2000000", "{said}");
    assert!(said.contains("* interim: 100 Continue\n"), "{said}");
    assert_eq!(put("never", &[]).0, "413 0", "nothing was sent for nothing");
    assert_eq!(
        put("unknown", &[]).0,
        "201 2000000",
        "sent again without asking"
    );
    heads.lock().unwrap().clear();
    for more in [&["--expect100-timeout", "off"][..], &["-H", "Expect:"]] {
        let (told, said) = put("x", more);
        assert_eq!(told, "201 2000000", "{said}");
        let head = heads.lock().unwrap().pop().unwrap();
        assert!(!head.contains("100-continue"), "{head}");
    }
}

#[test]
fn progress_shows_on_a_terminal_unless_silent() {
    let server = Running::start(&["echo"]);
    let place = TempDir::new().unwrap();
    let file = place.path().join("f");
    fs::write(&file, vec![0; 30_000_000]).unwrap();
    for (more, wanted) in [(&[][..], true), (&["-s"], false)] {
        let (before, behind) = terminal();
        let url = server.at("x");
        let words = [&["request", "-T", file.to_str().unwrap(), &url], more].concat();
        let mut command = server.client(&words);
        command
            .env("TERM", "xterm")
            .stderr(behind)
            .stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Our copy of the terminal would keep it open.
        drop(command);
        let reader = std::thread::spawn(move || shown(before));
        assert_eq!(ended(&mut child).code(), Some(0));
        let text = reader.join().unwrap();
        assert_eq!(text.contains("28.61 MiB"), wanted, "{text:?}");
        assert_eq!(text.is_empty(), !wanted, "{text:?}");
    }
}
