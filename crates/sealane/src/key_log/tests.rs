//! A key log file is its owner's alone, and grows by whole lines.

use std::fs;

use super::{KeyLog, KeyLogConnection, KeyLogFile};

#[test]
fn lines_are_appended_to_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.log");
    fs::write(&path, "# older\n").unwrap();
    let log = KeyLogFile::append(&path).unwrap();
    let again = KeyLogFile::append(&path).unwrap();
    for (log, label) in [(&log, "FIRST"), (&again, "SECOND")] {
        log.log(
            &sealane_tls::KeyLogLine::new(label, &[1; 32], &[2; 48]),
            &nobody(),
        );
    }
    let text = fs::read_to_string(&path).unwrap();
    let labels: Vec<_> = text
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(labels, ["#", "FIRST", "SECOND"]);
    assert!(text.ends_with('\n'));
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let fresh = folder.path().join("fresh.log");
    let open = folder.path().join("open.log");
    fs::write(&open, "").unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    for path in [&fresh, &open] {
        KeyLogFile::append(path).unwrap();
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = KeyLogFile::append(folder.path().join("none/keys.log")).unwrap_err();
    assert_eq!(error.code(), Some("ENOENT"));
    assert!(error.to_string().contains("keys.log"), "{error}");
}

fn nobody() -> KeyLogConnection {
    KeyLogConnection::new(None, None)
}
