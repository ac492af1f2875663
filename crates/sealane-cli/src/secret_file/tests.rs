//! What is read of files of secrets, and what is refused.

use std::fs;

use tempfile::TempDir;

use super::*;

/// A passphrase file with these octets, read.
fn read(octets: &[u8]) -> Result<Vec<u8>> {
    let place = TempDir::new().unwrap();
    let path = place.path().join("pass");
    fs::write(&path, octets).unwrap();
    passphrase(&path).map(|line| line.to_vec())
}

#[test]
fn the_first_line_is_the_passphrase() {
    for (octets, wanted) in [
        (&b"sample\n"[..], &b"sample"[..]),
        (b"sample", b"sample"),
        (b"sample\r\nmore\n", b"sample"),
        (b" a b \n", b" a b "),
        (b"\n", b""),
        (b"\xff\x00\n", b"\xff\x00"),
    ] {
        assert_eq!(read(octets).unwrap(), wanted, "{octets:?}");
    }
    assert_eq!(read(&[b'x'; LONGEST]).unwrap().len(), LONGEST);
}

#[test]
fn what_is_no_passphrase_is_refused_without_being_shown() {
    let said = read(b"").unwrap_err().to_string();
    assert!(said.contains("there is no passphrase in "), "{said}");
    let said = read(&[b'x'; LONGEST + 1]).unwrap_err().to_string();
    assert!(
        said.contains("longer than 1024 octets") && !said.contains("xx"),
        "{said}"
    );
    let said = passphrase(Path::new("/no/such")).unwrap_err().to_string();
    assert_eq!(
        said,
        "error: cannot read the passphrase /no/such: No such file or directory"
    );
}

#[test]
fn keys_have_exactly_their_octets() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("keys");
    for (length, good) in [(0, false), (47, false), (48, true), (49, false)] {
        fs::write(&path, vec![7; length]).unwrap();
        let read = exactly::<48>(&path, "keys of tickets");
        assert_eq!(read.is_ok(), good, "{length}");
        if let Err(failure) = read {
            let said = failure.to_string();
            assert!(
                said.contains("are not 48 octets") && said.contains("openssl rand -out FILE 48"),
                "{said}"
            );
        }
    }
}
