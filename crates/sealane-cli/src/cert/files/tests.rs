//! Both files or none.

use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

/// Writes a pair into a folder.
fn write(place: &TempDir, cert: &str, key: &str) -> Result<()> {
    let (cert, key) = (place.path().join(cert), place.path().join(key));
    Pair {
        cert: &cert,
        cert_text: "the certificate",
        key: &key,
        key_octets: b"the key",
    }
    .write()
}

/// What is in a folder.
fn names(place: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(place.path()).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_key_is_private() {
    let place = TempDir::new().unwrap();
    write(&place, "c", "k").unwrap();
    let mode = |name: &str| {
        let facts = fs::metadata(place.path().join(name)).unwrap();
        facts.permissions().mode() & 0o777
    };
    assert_eq!(mode("k"), 0o600);
    assert_eq!(mode("c") & 0o600, 0o600);
    assert_eq!(
        fs::read_to_string(place.path().join("k")).unwrap(),
        "the key"
    );
}

#[test]
fn nothing_is_overwritten_and_nothing_is_left() {
    for taken in ["c", "k"] {
        let place = TempDir::new().unwrap();
        fs::write(place.path().join(taken), "mine").unwrap();
        let said = write(&place, "c", "k").unwrap_err().to_string();
        assert!(
            said.contains("exists already and is not overwritten"),
            "{said}"
        );
        assert_eq!(names(&place), [taken]);
        let text = fs::read_to_string(place.path().join(taken)).unwrap();
        assert_eq!(text, "mine");
    }
    let place = TempDir::new().unwrap();
    let said = write(&place, "none/c", "k").unwrap_err().to_string();
    assert!(said.contains("none/c: No such file"), "{said}");
    assert!(names(&place).is_empty());
}

#[test]
fn links_are_not_followed() {
    let place = TempDir::new().unwrap();
    let link = place.path().join("k");
    symlink("elsewhere", &link).unwrap();
    assert!(must_be_free(&[&link]).is_err());
    assert!(write(&place, "c", "k").is_err());
    assert_eq!(names(&place), ["k"]);
}
