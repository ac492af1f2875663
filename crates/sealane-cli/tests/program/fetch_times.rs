//! `--max-time` and `--timings`: the whole of a URL has its limit, and its parts are told.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::peer::{Peer, finish, head};
use crate::running::{Running, output_of, program};

/// Runs the program where no server has made an authority.
fn run(words: &[&str]) -> Output {
    let place = TempDir::new().unwrap();
    output_of(&mut program(words, &place.path().join("data")), b"")
}

#[test]
fn the_whole_has_a_limit() {
    // Never silent for long, and never done.
    let peer = Peer::start(|connection| {
        let Some(head) = head(connection) else { return };
        if head.starts_with("GET /quick") {
            return finish(
                connection,
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            );
        }
        if head.starts_with("GET /drip") {
            connection
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                .unwrap();
        }
        let drips = head.starts_with("GET /drip");
        while drips && connection.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = connection.read(&mut [0]);
    });
    let file = peer.path("f");
    for (path, wanted) in [
        ("drip", "octets of the body had come"),
        ("mute", "no response had come"),
    ] {
        let begun = Instant::now();
        let [url, quick] = [path, "quick"].map(|path| format!("{}{path}", peer.url()));
        let words = [
            "get",
            "--max-time",
            "2s",
            "--cacert",
            &peer.ca(),
            "-o",
            &file,
            &url,
        ];
        let output = run(&words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert!(
            said.starts_with(&format!("error: {url} took longer than 2s: ")),
            "{said}"
        );
        assert!(
            said.contains(wanted) && said.contains("[ETIMEDOUT]\nhint: "),
            "{said}"
        );
        assert_eq!(peer.files(), [""; 0]);
        let words = ["get", "-m", "25s", "--cacert", &peer.ca(), &quick];
        assert_eq!(run(&words).stdout, b"ok");
    }
}

#[test]
fn what_the_time_went_into_is_told() {
    let server = Running::start(&["echo"]);
    let [a, b] = ["a", "b"].map(|path| server.at(path));
    let format = "%{time_namelookup} %{time_connect} %{time_appconnect} %{time_pretransfer} \
                  %{time_starttransfer} %{time_total}\\n";
    let words = ["get", "--timings", "-w", format, "-o", "/dev/null", &a];
    let output = output_of(&mut server.client(&words), b"");
    let times = String::from_utf8(output.stdout).unwrap();
    let times: Vec<f64> = times
        .split_whitespace()
        .map(|time| time.parse().unwrap())
        .collect();
    assert_eq!(times.len(), 6);
    assert!(
        times.is_sorted() && times[2] > 0.0 && times[5] < 30.0,
        "{times:?}"
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("* time: ") && said.ends_with(" ms\n"),
        "{said}"
    );
    for part in [
        "lookup ",
        ", connection ",
        ", TLS ",
        ", waiting ",
        ", body ",
        ", all ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let words = ["get", "--timings", "-w", "[%{time_appconnect}]", &a, &b];
    let output = output_of(&mut server.client(&words), b"");
    assert!(
        output.stdout.ends_with(b"[0.000000]"),
        "nothing was opened: {output:?}"
    );
    let said = String::from_utf8(output.stderr).unwrap();
    let second = said.lines().nth(1).unwrap();
    assert!(second.starts_with("* time: waiting "), "{said}");
}

#[test]
fn it_holds_while_a_connection_is_opened() {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://127.0.0.1:{}/", mute.local_addr().unwrap().port());
    let output = run(&["get", "-m", "300ms", &url]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("took longer than 300ms: no connection was open"),
        "{said}"
    );
}
