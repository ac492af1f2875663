//! `sealane echo`, asked by curl.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::running::{Running, ended};

#[test]
fn the_line_says_method_target_and_length() {
    let server = Running::start(&["echo"]);
    assert_eq!(server.text("", &[]), "GET / 0");
    assert_eq!(server.text("a%20b?c=d&e", &[]), "GET /a%20b?c=d&e 0");
    assert_eq!(server.text("x", &["--data", "hello"]), "POST /x 5");
    assert_eq!(server.text("x", &["--request", "BREW"]), "BREW /x 0");
    assert_eq!(
        server.text("../x/./y", &["--path-as-is"]),
        "GET /../x/./y 0"
    );
    assert_eq!(
        server.text("", &["--request", "OPTIONS", "--request-target", "*"]),
        "OPTIONS * 0"
    );
    let target = "https://localhost/absolute?x";
    assert_eq!(
        server.text("", &["--request-target", target]),
        format!("GET {target} 0")
    );
    assert!(server.head("x", &["--head"]).starts_with("http/1.1 200"));
    let chunked = [
        "--header",
        "Transfer-Encoding: chunked",
        "--data",
        "0123456789",
    ];
    assert_eq!(server.text("c", &chunked), "POST /c 10");
}

#[test]
fn a_large_body_is_counted_and_not_kept() {
    let server = Running::start(&["echo"]);
    let mut curl = server.curl("up", &["--upload-file", "-"]);
    let mut curl = curl
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = curl.stdin.take().unwrap();
    for _ in 0..320 {
        stdin.write_all(&[b'x'; 100_000]).unwrap();
    }
    drop(stdin);
    let output = curl.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "PUT /up 32000000");
}

#[test]
fn json_tells_everything() {
    let server = Running::start(&["echo"]);
    let json = server.text(
        "j?q=1",
        &[
            "--header",
            "Accept: application/json",
            "--header",
            "X-Second: zwei",
            "--header",
            "x-second: drei",
            "--header",
            "User-Agent:",
            "--data",
            "abc",
        ],
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["method"], "POST");
    assert_eq!(json["target"], "/j?q=1");
    assert_eq!(json["version"], "HTTP/1.1");
    let fields = json["fields"].as_array().unwrap();
    assert_eq!(fields[0][0], "Host");
    let second: Vec<_> = fields
        .iter()
        .filter(|field| field[1] == "zwei" || field[1] == "drei")
        .collect();
    assert_eq!(
        (&second[0][0], &second[1][0]),
        (&"X-Second".into(), &"x-second".into())
    );
    assert_eq!(json["body"]["length"], 3);
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(json["body"]["sha256"], abc);
    assert_eq!(json["tls"]["protocol"], "TLSv1.3");
    assert_eq!(json["tls"]["servername"], "localhost");
    assert_eq!(json["tls"]["alpn"], "http/1.1");
    assert_eq!(json["tls"]["resumed"], false);
    assert!(json["tls"]["cipher"].as_str().unwrap().starts_with("TLS_"));
    assert!(json["remote"].as_str().unwrap().contains(':'));
    assert!(json["connection"].is_u64() && json.get("proxied").is_none());
    let older = server.text(
        "",
        &[
            "--header",
            "Accept: application/json",
            "--tls-max",
            "1.2",
            "--http1.0",
            "--no-alpn",
        ],
    );
    let older: serde_json::Value = serde_json::from_str(&older).unwrap();
    assert_eq!(
        (&older["tls"]["protocol"], &older["version"]),
        (&"TLSv1.2".into(), &"HTTP/1.0".into())
    );
}

#[test]
fn octets_by_the_number() {
    let server = Running::start(&["echo"]);
    for count in [0, 1, 65_511, 1_000_000] {
        let octets = server.body(&format!("bytes/{count}"), &[]);
        assert_eq!(octets.len(), count);
        assert!(
            octets
                .iter()
                .enumerate()
                .all(|(at, &octet)| at % 251 == usize::from(octet))
        );
    }
    assert_eq!(server.body("big", &[]).len(), 8 << 20);
    assert!(
        server
            .head("bytes/1099511627776", &["--head"])
            .contains("content-length: 1099511627776\r\n")
    );
    for wrong in ["bytes/", "bytes/x", "bytes/-1", "bytes/1099511627777"] {
        assert_eq!(server.status(wrong, &[]), 400, "{wrong}");
    }
    assert_eq!(server.text("big", &["--data", "x"]), "POST /big 1");
}

#[test]
fn limits_of_size_arrive() {
    let server = Running::start(&["echo", "--max-headers-count", "1"]);
    assert_eq!(server.status("", &[]), 431);
    let server = Running::start(&["echo", "--max-header-size", "1KiB"]);
    assert_eq!(server.status("", &[]), 200);
    let large = format!("X-Large: {}", "x".repeat(2000));
    assert_eq!(server.status("", &["--header", &large]), 431);
    let server = Running::start(&["echo", "--keep-alive-timeout", "2s"]);
    let head = server.head("", &[]);
    assert!(head.contains("keep-alive: timeout=2\r\n"), "{head}");
}

#[test]
fn a_silent_handshake_ends() {
    let server = Running::start(&["echo", "--handshake-timeout", "200ms"]);
    let mut silent = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    // The default would be two minutes.
    let patience = Some(Duration::from_secs(25));
    silent.set_read_timeout(patience).unwrap();
    let _ = silent.read_to_end(&mut Vec::new()).unwrap();
}

/// What comes back when a client begins like this and then falls silent.
fn silent_after(server: &Running, beginning: &str) -> String {
    let mut client = Command::new("openssl");
    let address = format!("127.0.0.1:{}", server.port());
    client.args(["s_client", "-quiet", "-connect", &address]);
    let mut client = client
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = client.stdin.take().unwrap();
    stdin.write_all(beginning.as_bytes()).unwrap();
    ended(&mut client);
    let mut said = String::new();
    client
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    said
}

#[test]
fn deadlines_of_requests_arrive() {
    let server = Running::start(&["echo", "--headers-timeout", "300ms"]);
    let said = silent_after(&server, "GET / HTTP/1.1\r\n");
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    let limits = ["--headers-timeout", "300ms", "--request-timeout", "400ms"];
    let server = Running::start(&[&["echo"], &limits[..]].concat());
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n";
    let said = silent_after(&server, head);
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
}

#[test]
fn fields_of_one_name_are_joined_for_those_who_ask() {
    let twice = ["--header", "Accept: text/html", "--header"];
    let words = [&twice[..], &["Accept: application/json"]].concat();
    let server = Running::start(&["echo", "--join-duplicate-headers"]);
    let json: serde_json::Value = serde_json::from_str(&server.text("", &words)).unwrap();
    let lines = json["fields"].as_array().unwrap();
    let accepted = lines.iter().filter(|line| line[0] == "Accept").count();
    assert_eq!(accepted, 2, "what is told is what was received");
}

#[test]
fn a_request_without_host_is_served_to_those_who_ask() {
    let without = ["--header", "Host:"];
    let server = Running::start(&["echo"]);
    assert_eq!(server.status("", &without), 400);
    let server = Running::start(&["echo", "--no-require-host"]);
    assert_eq!(server.text("", &without), "GET / 0");
}

#[test]
fn limits_of_pace_and_number_arrive() {
    let rate = ["--min-body-rate", "1MiB", "--min-body-rate-window", "100ms"];
    let server = Running::start(&[&["echo", "--min-body-rate-grace", "off"], &rate[..]].concat());
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n";
    let said = silent_after(&server, head);
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    let server = Running::start(&["echo", "--timeout", "300ms"]);
    let said = silent_after(&server, head);
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    let server = Running::start(&["echo", "--max-requests-per-socket", "1"]);
    assert!(server.head("", &[]).contains("connection: close\r\n"));
}

#[test]
fn odd_heads_are_taken_by_those_who_ask() {
    let folded = "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\nConnection: close\r\n\r\n";
    let server = Running::start(&["echo"]);
    let said = silent_after(&server, folded);
    assert!(said.starts_with("HTTP/1.1 400"), "{said}");
    let server = Running::start(&["echo", "--insecure-http-parser"]);
    let said = silent_after(&server, folded);
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}
