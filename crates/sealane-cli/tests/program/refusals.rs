//! What cannot be done is said in one line, with the way out, and in the exit code.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use rcgen::{KeyPair, generate_simple_self_signed};
use tempfile::TempDir;

use crate::running::run;

/// Runs words that must fail with this code, and gives what was said.
fn refused(words: &[&str], code: i32) -> String {
    let output = run(words);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    assert!(output.stdout.is_empty(), "{words:?}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// Writes a certificate for localhost, its key and another key.
fn identity(place: &Path) -> [String; 3] {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = KeyPair::generate().unwrap();
    let texts = [
        made.cert.pem(),
        made.signing_key.serialize_pem(),
        other.serialize_pem(),
    ];
    let names = ["cert.pem", "key.pem", "other.pem"];
    let mut paths = names.map(|name| place.join(name).to_str().unwrap().to_owned());
    for (path, text) in paths.iter_mut().zip(texts) {
        fs::write(path, text).unwrap();
    }
    paths
}

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = refused(&["echo", "--addr", &port], 1);
    let first = said.lines().next().unwrap();
    assert!(
        first.starts_with("error: ") && first.contains(&port) && first.contains("in use"),
        "{said}"
    );
    assert!(
        said.contains("\nhint: ") && said.contains("--addr"),
        "{said}"
    );
}

#[test]
fn files_that_are_missing_or_wrong() {
    let place = TempDir::new().unwrap();
    let [cert, key, other] = identity(place.path());
    let said = refused(&["echo", "--cert", "/no/such.pem", "--key", &key], 1);
    assert_eq!(
        said,
        "error: certificate file \"/no/such.pem\": no such file [ENOENT]\n"
    );
    let said = refused(&["echo", "--cert", &cert, "--key", "/no/such.pem"], 1);
    assert_eq!(
        said,
        "error: private key file \"/no/such.pem\": no such file [ENOENT]\n"
    );
    for (cert, key) in [(&cert, &other), (&cert, &cert), (&key, &key)] {
        let said = refused(&["echo", "--cert", cert, "--key", key], 1);
        assert!(
            said.starts_with("error: ") && said.contains(&**key),
            "{said}"
        );
        assert!(
            !said.contains("MII") && !said.contains("MHc"),
            "no secret is shown: {said}"
        );
    }
    let said = refused(&["serve", "/no/such/folder"], 1);
    assert_eq!(
        said,
        "error: cannot serve /no/such/folder: No such file or directory\n"
    );
    let said = refused(&["serve", &cert], 1);
    assert!(
        said.contains("Not a directory\nhint: name the folder"),
        "{said}"
    );
}

#[test]
fn others_are_not_served_without_a_certificate() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8443"] {
        let said = refused(&["serve", "--addr", address], 2);
        assert!(said.contains("can be reached by other machines"), "{said}");
        assert!(
            said.contains("hint: give --cert and --key, or --pfx"),
            "{said}"
        );
    }
}

#[test]
fn limits_that_contradict_each_other() {
    let said = refused(
        &[
            "echo",
            "--headers-timeout",
            "10s",
            "--request-timeout",
            "5s",
        ],
        2,
    );
    assert!(
        said.starts_with(
            "error: --headers-timeout (10s) must not be longer than --request-timeout (5s)\n"
        ),
        "{said}"
    );
    // The default is told as the library has it: in the message and in the hint.
    let said = refused(&["echo", "--headers-timeout", "10m"], 2);
    assert!(
        said.contains("(300s)")
            && said.ends_with("hint: give --request-timeout 600s too: its default is 300s\n"),
        "{said}"
    );
    let said = refused(&["echo", "--max-header-size", "1"], 2);
    assert!(
        said.contains("--max-header-size") && !said.contains('_'),
        "{said}"
    );
}

#[test]
fn levers_that_contradict_each_other_or_nothing() {
    for (words, wanted) in [
        (
            &["--min-body-rate", "off", "--min-body-rate-window", "5s"][..],
            "window and grace",
        ),
        (
            &["--min-body-rate-window", "1ms"],
            "--min-body-rate has a window of 1ms",
        ),
        (
            &["--ipv6-only"],
            "--ipv6-only says something about IPv6 addresses only",
        ),
        (
            &["--unix", "no/such/folder/socket", "--reuse-port"],
            "--reuse-port says something about addresses",
        ),
        (&["--workers", "0"], "--workers"),
        (&["--receive-buffer", "1"], "--receive-buffer"),
        (&["--tcp-keep-alive", "1ms"], "--tcp-keep-alive"),
    ] {
        let said = refused(&[&["echo"], words].concat(), 2);
        assert!(said.contains(wanted), "{words:?}: {said}");
    }
}

#[test]
fn the_data_folder_cannot_be_used() {
    let said = refused(&["echo", "--data-dir", "/dev/null/x"], 1);
    assert!(
        said.starts_with("error: cannot make the data folder /dev/null/x: "),
        "{said}"
    );
}

#[test]
fn nothing_to_do_shows_the_help() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("Usage: sealane") && said.contains("serve") && said.contains("echo"),
        "{said}"
    );
    let output = run(&["--version"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        output.stdout,
        format!("sealane {}\n", env!("CARGO_PKG_VERSION")).as_bytes()
    );
    let output = run(&["serve", "--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("Examples:")
    );
}
