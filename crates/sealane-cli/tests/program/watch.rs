//! What the program tells of its work: the access log, and counts of what came to nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::running::Running;

/// Waits until a file has so many lines, and gives them.
fn lines_of(path: &Path, count: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        if lines.len() >= count && text.ends_with('\n') {
            assert_eq!(lines.len(), count, "{text}");
            return lines;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Speaks HTTP without TLS to a server, until it closes.
fn plain(port: u16) {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let patience = Some(Duration::from_secs(25));
    socket.set_read_timeout(patience).unwrap();
    socket
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let _ = socket.read_to_end(&mut Vec::new());
}

#[test]
fn each_request_is_a_line_of_the_common_form() {
    let place = TempDir::new().unwrap();
    let log = place.path().join("access.log");
    let server = Running::start(&["echo", "--access-log", log.to_str().unwrap()]);
    server.text("a?b=%22", &["--data", "abc"]);
    let line = lines_of(&log, 1).remove(0);
    let (who, rest) = line.split_once(" - - [").unwrap();
    assert!(who == "127.0.0.1" || who == "::1", "{line}");
    let (time, rest) = rest.split_once("] ").unwrap();
    assert!(time.ends_with(" +0000") && time.len() == 26, "{line}");
    assert_eq!(rest, r#""POST /a?b=%22 HTTP/1.1" 200 15"#, "{line}");
    // HEAD has no content; what is refused has its status.
    server.status("", &["--head"]);
    server.status("bytes/x", &[]);
    // What never became a request is told of, too.
    let header = format!("X: {}", "a".repeat(20_000));
    assert_eq!(server.status("", &["--header", &header]), 431);
    let lines = lines_of(&log, 4);
    assert!(lines[3].ends_with(r#""-" 431 -"#), "{lines:?}");
    assert!(
        lines[1].ends_with(r#""HEAD / HTTP/1.1" 200 -"#),
        "{lines:?}"
    );
    assert!(
        lines[2].contains(r#""GET /bytes/x HTTP/1.1" 400 "#),
        "{lines:?}"
    );
}

#[test]
fn the_json_form_tells_more() {
    let place = TempDir::new().unwrap();
    let log = place.path().join("access.log");
    let words = ["--access-log", log.to_str().unwrap()];
    let words = [&["echo", "--access-log-format", "json"], &words[..]].concat();
    let server = Running::start(&words);
    server.text("a", &["--http1.0"]);
    let line: serde_json::Value = serde_json::from_str(&lines_of(&log, 1)[0]).unwrap();
    assert_eq!(line["method"], "GET");
    assert_eq!(line["target"], "/a");
    assert_eq!(line["version"], "HTTP/1.0");
    assert_eq!(line["status"], 200);
    assert_eq!(line["octets"], 8);
    assert_eq!(line["complete"], true);
    assert_eq!(line["tls"], "TLSv1.3");
    assert_eq!(line["servername"], "localhost");
    assert!(line["cipher"].as_str().unwrap().starts_with("TLS_"));
    assert!(line["duration_ms"].as_f64().unwrap() < 25_000.0);
    assert!(line["remote"].as_str().unwrap().contains(':'));
    assert!(line["time"].as_str().unwrap().ends_with('Z'));
    assert!(line.get("client").is_none() && line.get("source").is_none());
}

#[test]
fn a_log_that_was_moved_away_is_opened_anew() {
    let place = TempDir::new().unwrap();
    let log = place.path().join("access.log");
    let mut server = Running::start(&["echo", "--access-log", log.to_str().unwrap()]);
    server.text("old", &[]);
    lines_of(&log, 1);
    let moved = place.path().join("access.log.1");
    fs::rename(&log, &moved).unwrap();
    server.signal("HUP");
    let begun = Instant::now();
    while !log.exists() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(10));
    }
    server.text("new", &[]);
    assert!(lines_of(&log, 1)[0].contains("GET /new "));
    assert!(lines_of(&moved, 1)[0].contains("GET /old "));
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_log_in_a_shared_folder_is_not_served() {
    let place = TempDir::new().unwrap();
    let log = place.path().join("access.log");
    fs::write(place.path().join("file"), "x").unwrap();
    let folder = place.path().to_str().unwrap();
    let server = Running::start(&["serve", folder, "--access-log", log.to_str().unwrap()]);
    assert_eq!(server.status("file", &[]), 200);
    assert_eq!(server.status("access.log", &[]), 404);
    // Moved away twice, each time after it was made here.
    for moved in ["access.log.1", "access.log.2"] {
        fs::rename(&log, place.path().join(moved)).unwrap();
        assert_eq!(server.status(moved, &[]), 404);
        server.signal("HUP");
        let begun = Instant::now();
        while !log.exists() {
            assert!(begun.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    for name in ["access.log", "access.log.1", "access.log.2"] {
        assert_eq!(server.status(name, &[]), 404, "{name}");
    }
    let listing = server.text("", &[]);
    assert!(listing.contains("file") && !listing.contains("access"));
}

#[test]
fn failed_handshakes_are_counted_by_class_and_told_at_the_end() {
    let mut server = Running::start(&["echo"]);
    plain(server.port());
    plain(server.port());
    let distrustful = Command::new("curl")
        .args(["--silent", "--noproxy", "*", "--cacert", "/dev/null"])
        .arg(&server.url)
        .status();
    assert!(!distrustful.unwrap().success());
    assert_eq!(server.text("", &[]), "GET / 0");
    server.signal("USR1");
    server.wait_for_note("handshakes that failed: ");
    server.signal("TERM");
    let told = server.wait_for_note("handshakes that failed: ");
    assert!(told.contains("plain-http 2"), "{told}");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn each_failure_is_told_to_who_wants_to_know() {
    let place = TempDir::new().unwrap();
    // One address alone: connections are accepted in their order.
    let words = [
        "echo",
        "--verbose",
        "--max-connections",
        "1",
        "--addr",
        "127.0.0.1:0",
    ];
    let server = Running::start_with(&words, &place.path().join("data"));
    plain(server.port());
    let told = server.wait_for_note("handshake failed (plain-http): ");
    assert!(told.starts_with("#"), "{told}");
    // As long as the first one is not quite gone, the place is its own, and not that of `held`.
    let turned_away = (0..50).any(|_| {
        let held = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        let late = server.curl("", &[]).output().unwrap();
        drop(held);
        !late.status.success()
    });
    assert!(turned_away);
    server.wait_for_note("turned away (max-connections)");
}

#[test]
fn those_who_are_blocked_are_turned_away() {
    let mut server = Running::start(&["echo", "--block", "127.0.0.0/8", "--block", "::1"]);
    let late = server.curl("", &[]).output().unwrap();
    assert!(!late.status.success());
    server.signal("TERM");
    let told = server.wait_for_note("connections turned away: ");
    assert!(told.contains("(blocked "), "{told}");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_log_that_cannot_be_written_is_refused() {
    let output = crate::running::run(&["echo", "--access-log", "/no/such/folder/log"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        said,
        "error: cannot write the access log /no/such/folder/log: No such file or directory\n"
    );
}

#[test]
fn who_is_behind_a_proxy_is_told() {
    let place = TempDir::new().unwrap();
    let log = place.path().join("access.log");
    let log_words = ["--access-log", log.to_str().unwrap()];
    let from = ["echo", "--proxy-protocol-from", "127.0.0.0/8"];
    let more = ["--proxy-protocol-from", "::1"];
    let words = [&from[..], &more, &log_words].concat();
    let mut server = Running::start(&words);
    let json = ["--haproxy-protocol", "--header", "Accept: application/json"];
    let json: serde_json::Value = serde_json::from_str(&server.text("", &json)).unwrap();
    assert_eq!(json["proxied"]["version"], 1);
    assert_eq!(json["proxied"]["local"], false);
    assert_eq!(
        json["proxied"]["source"], json["remote"],
        "curl speaks for itself"
    );
    lines_of(&log, 1);
    let silent = server.curl("", &[]).output().unwrap();
    assert!(
        !silent.status.success(),
        "a proxy must say whom it speaks for"
    );
    server.signal("TERM");
    server.wait_for_note("(proxy-protocol 1)");
    assert_eq!(server.exit_code(), Some(0));
}
