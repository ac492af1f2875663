//! How the program ends: once asked it drains, asked twice it goes.

use std::io::Write;
use std::process::{Child, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::running::{Running, ended, lines, wait_for};

/// An upload that has begun: the server has said that it waits for the body.
fn upload(server: &Running) -> (Child, Receiver<String>) {
    let mut curl = server.curl(
        "slow",
        &[
            "--verbose",
            "--upload-file",
            "-",
            "--expect100-timeout",
            "20",
        ],
    );
    let curl = curl
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut curl = curl.spawn().unwrap();
    let said = lines(curl.stderr.take().unwrap());
    wait_for(&said, "100 Continue");
    (curl, said)
}

#[test]
fn at_rest_it_ends_at_once() {
    for signal in ["INT", "TERM"] {
        let mut server = Running::start(&["echo"]);
        assert_eq!(server.text("", &[]), "GET / 0");
        server.signal(signal);
        assert_eq!(server.exit_code(), Some(0), "{signal}");
    }
}

#[test]
fn what_runs_is_finished_and_nothing_new_begins() {
    let mut server = Running::start(&["echo"]);
    let (mut curl, _said) = upload(&server);
    server.signal("INT");
    server.wait_for_note("ending: what runs may finish; Ctrl-C again ends at once");
    let late = server.curl("", &[]).output().unwrap();
    assert_eq!(late.status.code(), Some(7), "connection refused: {late:?}");
    curl.stdin.take().unwrap().write_all(b"the rest").unwrap();
    let output = curl.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "PUT /slow 8");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_server_that_ends_still_tells_and_opens_its_log_anew() {
    let place = tempfile::TempDir::new().unwrap();
    let log = place.path().join("access.log");
    let mut server = Running::start(&["echo", "--access-log", log.to_str().unwrap()]);
    // Something to tell of: a client that does not trust this server.
    let distrustful = server.curl("", &["--cacert", "/dev/null"]).output();
    assert!(!distrustful.unwrap().status.success());
    let (mut curl, _said) = upload(&server);
    server.signal("TERM");
    server.wait_for_note("ending:");
    server.signal("USR1");
    server.wait_for_note("handshakes that failed: ");
    std::fs::rename(&log, place.path().join("access.log.1")).unwrap();
    server.signal("HUP");
    let begun = Instant::now();
    while !log.exists() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(10));
    }
    curl.stdin.take().unwrap().write_all(b"the rest").unwrap();
    let output = curl.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "PUT /slow 8");
    assert_eq!(server.exit_code(), Some(0));
    let told = std::fs::read_to_string(&log).unwrap();
    assert!(told.contains("PUT /slow "), "{told}");
}

#[test]
fn asked_twice_it_goes_at_once() {
    let mut server = Running::start(&["echo"]);
    let (mut curl, _said) = upload(&server);
    server.signal("INT");
    server.wait_for_note("ending:");
    server.signal("INT");
    assert_eq!(server.exit_code(), Some(130));
    drop(curl.stdin.take());
    assert!(!ended(&mut curl).success(), "the upload was cut");
}

#[test]
fn what_runs_longer_than_its_grace_is_cut() {
    let mut server = Running::start(&["echo", "--grace", "300ms"]);
    let (mut curl, _said) = upload(&server);
    server.signal("TERM");
    server.wait_for_note("ending: what runs may finish within 300ms");
    server.wait_for_note("ending: 1 connection was cut");
    assert_eq!(server.exit_code(), Some(0), "it was asked for");
    drop(curl.stdin.take());
    assert!(!ended(&mut curl).success(), "the upload was cut");
}

#[test]
fn what_is_done_within_its_grace_is_whole() {
    let mut server = Running::start(&["echo", "--grace", "25s"]);
    let (mut curl, _said) = upload(&server);
    server.signal("TERM");
    server.wait_for_note("ending:");
    curl.stdin.take().unwrap().write_all(b"the rest").unwrap();
    let output = curl.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "PUT /slow 8");
    assert_eq!(server.exit_code(), Some(0));
}
