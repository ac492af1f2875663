//! `--repeat`: the same request again and again, and what each took.

use std::process::Output;

use tempfile::TempDir;

use crate::peer::{Peer, finish, head};
use crate::running::{Running, output_of, program};

/// Standard output as lines.
fn lines(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn rounds_share_a_connection() {
    let server = Running::start(&["echo"]);
    let url = server.at("bytes/1234");
    let output = output_of(&mut server.client(&["get", "--repeat", "12", &url]), b"");
    let lines = lines(&output);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(lines.len(), 14, "{lines:#?}");
    assert!(
        lines[0].starts_with(" 1  200 OK  1234 octets  "),
        "{lines:#?}"
    );
    assert!(lines[0].ends_with(" ms  new"), "{lines:#?}");
    assert!(
        lines[1..12]
            .iter()
            .all(|line| line.ends_with(" ms  reused")),
        "{lines:#?}"
    );
    assert_eq!(
        lines[12],
        format!("{url}: 12 answered, 0 failed; 1 connections opened")
    );
    assert!(
        lines[13].starts_with("min ") && lines[13].contains(" ms, p99 "),
        "{lines:#?}"
    );
}

#[test]
fn connections_that_are_not_kept_are_counted() {
    let peer = Peer::start(|connection| {
        if head(connection).is_some() {
            finish(
                connection,
                b"HTTP/1.1 404 No\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
            );
        }
    });
    let data = TempDir::new().unwrap();
    let (ca, url) = (peer.ca(), peer.url());
    let words = [
        "request", "--repeat", "3", "-d", "text", "--cacert", &ca, &url,
    ];
    let output = output_of(&mut program(&words, data.path()), b"");
    let told = lines(&output);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        told[2].starts_with("3  404 Not Found  1 octets  "),
        "{told:#?}"
    );
    assert!(
        told[..3].iter().all(|line| line.ends_with("new")),
        "{told:#?}"
    );
    assert!(
        told[3].ends_with("3 answered, 0 failed; 3 connections opened"),
        "{told:#?}"
    );
    let output = output_of(
        &mut program(&[&words[..], &["-f"]].concat(), data.path()),
        b"",
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(lines(&output)[0].ends_with("0 answered, 3 failed; 0 connections opened"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("1: error: "), "{said}");
}

#[test]
fn what_cannot_be_repeated() {
    let data = TempDir::new().unwrap();
    let url = "https://localhost:1/";
    for (words, wanted) in [
        (&["get", "--repeat", "0", url][..], "--repeat"),
        (&["get", "--repeat", "1000001", url], "--repeat"),
        (
            &["get", "--repeat", "2", "-o", "f", url],
            "cannot be used with",
        ),
        (&["get", "--repeat", "2", "-L", url], "cannot be used with"),
        (
            &["request", "--repeat", "2", "-d", "@-", url],
            "standard input is read once\nhint: ",
        ),
    ] {
        let output = output_of(&mut program(words, data.path()), b"");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(wanted), "{words:?}: {said}");
    }
}
