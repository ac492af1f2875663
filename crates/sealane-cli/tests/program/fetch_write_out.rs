//! `-w`: facts for scripts, also of what failed.

use std::net::TcpListener;
use std::process::Output;

use tempfile::TempDir;

use crate::peer::{Peer, head};
use crate::running::{Running, output_of, program};

/// Runs the program where no server has made an authority.
fn run(words: &[&str]) -> Output {
    let place = TempDir::new().unwrap();
    output_of(&mut program(words, &place.path().join("data")), b"")
}

#[test]
fn facts_are_printed_behind_each_body() {
    let server = Running::start(&["echo"]);
    let [a, b] = ["a", "bytes/1000"].map(|path| server.at(path));
    let format = "\\n%{http_code} %{size_download} %{num_connects} %{remote_ip}:%{remote_port} \
                  %{ssl_verify_result} %{time_total} %{url}\\n";
    let words = ["get", "-w", format, "-o", "/dev/null", &b];
    let output = output_of(&mut server.client(&words), b"");
    let said = String::from_utf8(output.stdout).unwrap();
    let words: Vec<_> = said.split_whitespace().collect();
    assert_eq!(&words[..3], ["200", "1000", "1"], "{said}");
    assert!(words[3].ends_with(&format!(":{}", server.port())), "{said}");
    assert_eq!(words[4], "0");
    let seconds: f64 = words[5].parse().unwrap();
    assert!(seconds > 0.0 && seconds < 30.0, "{said}");
    assert_eq!(words[6], b);
    let words = ["get", "-w", "[%{num_connects}]", &a, &a];
    let output = output_of(&mut server.client(&words), b"");
    assert_eq!(output.stdout, b"GET /a 0[1]GET /a 0[0]", "{output:?}");
    let words = [
        "request",
        "-d",
        "12345",
        "-w",
        "[%{size_upload} %{method}]",
        &a,
    ];
    let output = output_of(&mut server.client(&words), b"");
    assert_eq!(output.stdout, b"POST /a 5[5 POST]", "{output:?}");
}

#[test]
fn failures_have_facts_too_and_no_secrets() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let url = format!("https://me:word@localhost:{port}/");
    let output = run(&[
        "get",
        "-w",
        "%{http_code} %{exitcode} %{url} %{errormsg}",
        &url,
    ]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.starts_with(&format!("000 3 https://localhost:{port}/ ")),
        "{said}"
    );
    assert!(
        said.contains("ECONNREFUSED") && !said.contains("word"),
        "{said}"
    );
    let days = ((2000, 1, 1), (2020, 1, 1));
    let peer = Peer::start_as(&["localhost"], days, None, |connection| {
        head(connection);
    });
    let words = [
        "get",
        "-w",
        "%{ssl_verify_result}",
        "--cacert",
        &peer.ca(),
        &peer.url(),
    ];
    let output = run(&words);
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(3), &b"10"[..])
    );
}

#[test]
fn names_that_are_not_known_are_refused_before_anything_is_sent() {
    let output = run(&["get", "-w", "%{no_such}", "https://localhost:1/"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("%{no_such} is not known; known are content_type, "),
        "{said}"
    );
}
