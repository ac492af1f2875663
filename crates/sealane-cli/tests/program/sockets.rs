//! Where the program listens beside addresses: Unix sockets, and what was handed over.
#![cfg(unix)]

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::running::{Running, ended, output_of, program};

/// The program with this socket as its third descriptor, as systemd starts it.
fn handed(socket: impl Into<OwnedFd>, words: &[&str], place: &TempDir) -> Command {
    let own = program(words, &place.path().join("data"));
    let mut shell = Command::new("sh");
    let script = r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@" 3<&0 </dev/null"#;
    shell.args(["-c", script]).arg(own.get_program());
    shell.args(own.get_args());
    for (name, value) in own.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell.stdin(Stdio::from(socket.into()));
    shell
}

/// What comes of the line that the start says to try.
fn tried(server: &Running) -> String {
    // The first one is of the list of ways to trust the root.
    let curl = |line: &&str| line.trim().starts_with("curl ");
    let line = server.said.lines().rfind(curl).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).env("no_proxy", "*");
    let answer = output_of(&mut shell, b"");
    let said = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.success(), "{line}: {said}");
    String::from_utf8(answer.stdout).unwrap()
}

#[test]
fn a_unix_socket_answers_and_is_removed() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("socket");
    let shown = path.to_str().unwrap();
    let mut server = Running::start(&["echo", "--unix", shown, "--writable-all"]);
    assert!(server.said.contains("Unix socket '"), "{}", server.said);
    let kind = fs::metadata(&path).unwrap();
    assert!(kind.file_type().is_socket());
    assert_eq!(kind.permissions().mode() & 0o222, 0o222);
    let through = ["--unix-socket", shown];
    assert_eq!(server.text("a", &through), "GET /a 0");
    let json = server.text(
        "",
        &[&through[..], &["--header", "Accept: application/json"]].concat(),
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json["remote"],
        serde_json::Value::Null,
        "a file has no address"
    );
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_unix_socket_alone_takes_no_port() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("socket");
    let data = place.path().join("data");
    let words = ["echo", "--unix", path.to_str().unwrap()];
    let server = Running::start_command(program(&words, &data), &data);
    assert!(server.url.is_empty(), "{}", server.said);
    assert_eq!(tried(&server), "GET / 0");
    // A second server at the same path is told what to do.
    let refused = output_of(&mut program(&words, &data), b"");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains("in use") && said.contains("end that server"),
        "{said}"
    );
}

#[test]
fn a_listener_of_another_process_is_served() {
    let place = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let command = handed(listener, &["echo"], &place);
    let mut server = Running::start_command(command, &place.path().join("data"));
    assert_eq!(
        server.url,
        format!("https://{address}/"),
        "the bound address is told"
    );
    assert_eq!(server.text("x", &[]), "GET /x 0");
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_unix_listener_of_another_process_is_served_and_stays() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let mut server = Running::start_command(
        handed(listener, &["echo"], &place),
        &place.path().join("data"),
    );
    assert_eq!(tried(&server), "GET / 0");
    server.signal("TERM");
    assert_eq!(server.exit_code(), Some(0));
    assert!(path.exists(), "it belongs to whoever made it");
}

#[test]
fn one_server_takes_over_from_another() {
    let place = TempDir::new().unwrap();
    let data = place.path().join("data");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let again = listener.try_clone().unwrap();
    let mut old = Running::start_command(handed(listener, &["echo"], &place), &data);
    assert_eq!(old.text("old", &[]), "GET /old 0");
    let new = Running::start_command(handed(again, &["echo"], &place), &data);
    old.signal("TERM");
    assert_eq!(old.exit_code(), Some(0));
    for _ in 0..5 {
        assert_eq!(new.text("new", &[]), "GET /new 0");
    }
}

#[test]
fn two_servers_share_a_port_when_both_say_so() {
    let place = TempDir::new().unwrap();
    let data = place.path().join("data");
    let first = Running::start(&["echo", "--reuse-port"]);
    let port = first.port().to_string();
    let words = ["echo", "--reuse-port", "--addr", &port];
    let second = Running::start_with(&words, &data);
    assert_eq!(second.port(), first.port());
    let refused = output_of(&mut program(&["echo", "--addr", &port], &data), b"");
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn what_was_handed_over_cannot_be_meant_otherwise() {
    let refused = |words: &[&str], wanted: &str| {
        let place = TempDir::new().unwrap();
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let mut child = handed(listener, words, &place);
        let mut child = child
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let status = ended(&mut child);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !status.success() && said.contains(wanted),
            "{words:?}: {said}"
        );
    };
    refused(&["echo", "--addr", "0"], "leave --addr and --unix out");
    refused(&["echo"], "can be reached by other machines");
    refused(&["echo", "--reuse-port"], "--reuse-port");
    refused(&["echo", "--exclusive"], "leave it out");
    let place = TempDir::new().unwrap();
    let file = fs::File::create(place.path().join("file")).unwrap();
    let output = handed(file, &["echo"], &place).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("socket 1 of LISTEN_FDS cannot be used"),
        "{said}"
    );
}

#[test]
fn levers_of_sockets_are_taken() {
    let server = Running::start(&[
        "echo",
        "--workers",
        "2",
        "--backlog",
        "16",
        "--no-delay",
        "off",
        "--tcp-keep-alive",
        "10s",
        "--receive-buffer",
        "64KiB",
        "--send-buffer",
        "64KiB",
    ]);
    assert_eq!(server.body("bytes/1000000", &[]).len(), 1_000_000);
    assert_eq!(server.text("up", &["--data", "abc"]), "POST /up 3");
}
