//! `sealane get` on a terminal: the progress bar, and bodies that try to command it.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::peer::Peer;
use crate::running::{Running, ended, program};

/// A terminal: what stands before it, and what a program gets.
pub(crate) fn terminal() -> (File, File) {
    let before = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&before).unwrap();
    unlockpt(&before).unwrap();
    let name = ptsname(&before, Vec::new()).unwrap();
    let behind = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    (File::from(before), behind)
}

/// All that is written to a terminal until nobody has it open any more.
pub(crate) fn shown(mut before: File) -> String {
    let mut octets = Vec::new();
    let mut piece = [0; 4096];
    // The end is an error on this side.
    while let Ok(count @ 1..) = before.read(&mut piece) {
        octets.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&octets).into_owned()
}

#[test]
fn progress_shows_on_a_terminal_unless_silent() {
    let server = Running::start(&["echo"]);
    let place = tempfile::TempDir::new().unwrap();
    let file = place.path().join("f");
    for (more, wanted) in [(&[][..], true), (&["-s"], false)] {
        let (before, behind) = terminal();
        let url = server.at("bytes/30000000");
        let words = [&["get", "-o", file.to_str().unwrap(), &url], more].concat();
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
        assert_eq!(std::fs::metadata(&file).unwrap().len(), 30_000_000);
    }
}

#[test]
fn a_body_cannot_command_the_terminal() {
    let peer = Peer::answering(
        b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\na\x1b]0;x\x07b\n\xe2\x80\xaec\xff\tend",
    );
    let data = tempfile::TempDir::new().unwrap();
    let (before, behind) = terminal();
    let words = ["get", "--cacert", &peer.ca(), &peer.url()];
    let mut command = program(&words, data.path());
    command.stdout(behind).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    drop(command);
    let reader = std::thread::spawn(move || shown(before));
    assert_eq!(ended(&mut child).code(), Some(0));
    let text = reader.join().unwrap();
    let wanted = "a\\u{1b}]0;x\\u{7}b\r\n\\u{202e}c\\xff";
    assert!(text.starts_with(wanted), "{text:?}");
    assert!(text.ends_with("end"), "{text:?}");
}
