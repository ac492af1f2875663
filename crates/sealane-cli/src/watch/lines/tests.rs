//! Is nothing waited for, nothing torn, and everything counted?

use std::sync::mpsc::{Receiver, Sender, channel};

use tempfile::TempDir;

use super::*;

/// Takes what is written when it is told to, and fails when it is told to.
struct Gate {
    open: Receiver<bool>,
    written: Sender<Vec<u8>>,
}

impl Write for Gate {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if octets.is_empty() {
            return Ok(0);
        }
        if !self.open.recv().unwrap_or(true) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let _ = self.written.send(octets.to_vec());
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A queue whose writes wait for a word.
fn gated() -> (Lines, Sender<bool>, Receiver<Vec<u8>>) {
    let (allow, open) = channel();
    let (written, arrived) = channel();
    let gate = Gate { open, written };
    let lines = Lines::start(Sink::to(Box::new(gate))).unwrap();
    (lines, allow, arrived)
}

#[test]
fn what_does_not_fit_is_dropped_and_counted() {
    let (lines, allow, arrived) = gated();
    lines.push(b"first\n");
    // What the thread has taken meanwhile makes room again, once.
    let long = vec![b'x'; ROOM / 2];
    for _ in 0..10 {
        lines.push(&long);
    }
    let lost = lines.0.lock().lost;
    assert!((7..=9).contains(&lost), "{lost}");
    drop(allow);
    assert_eq!(lines.finish(), lost);
    let all: Vec<u8> = arrived.iter().flatten().collect();
    assert!(all.starts_with(b"first\n"));
    lines.push(b"late\n");
    assert_eq!(lines.0.lock().lost, lost + 1, "nothing comes after the end");
}

#[test]
fn a_line_that_broke_off_ends_before_the_next_one() {
    let (lines, allow, arrived) = gated();
    allow.send(false).unwrap();
    lines.push(b"one\n");
    while lines.0.lock().lost == 0 {
        std::thread::yield_now();
    }
    drop(allow);
    lines.push(b"two\n");
    assert_eq!(lines.finish(), 1);
    let all: Vec<u8> = arrived.iter().flatten().collect();
    assert_eq!(all, b"\ntwo\n");
}

#[test]
fn a_file_grows_and_is_opened_anew() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("log");
    std::fs::write(&path, "old\n").unwrap();
    let lines = Lines::start(Sink::access_log(&path, Withheld::default()).unwrap()).unwrap();
    lines.push(b"one\n");
    while std::fs::read(&path).unwrap() != b"old\none\n" {
        std::thread::yield_now();
    }
    let moved = place.path().join("log.1");
    std::fs::rename(&path, &moved).unwrap();
    lines.reopen();
    lines.push(b"two\n");
    assert_eq!(lines.finish(), 0);
    assert_eq!(std::fs::read(&moved).unwrap(), b"old\none\n");
    assert_eq!(std::fs::read(&path).unwrap(), b"two\n");
}

#[cfg(unix)]
#[test]
fn a_new_file_is_not_for_everybody() {
    use std::os::unix::fs::PermissionsExt;

    let place = TempDir::new().unwrap();
    let path = place.path().join("log");
    drop(Sink::access_log(&path, Withheld::default()).unwrap());
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o137, 0, "{mode:o}");
    let nowhere = Sink::access_log(&path.join("x"), Withheld::default()).unwrap_err();
    assert_eq!(nowhere.kind(), io::ErrorKind::NotADirectory);
}
