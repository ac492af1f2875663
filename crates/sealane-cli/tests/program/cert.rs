//! `sealane cert`: the files it makes, used by servers and clients; and what it refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::running::{Running, run};

/// Runs `sealane cert` with these words, into this folder, and gives code and both outputs.
fn cert(place: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let folder = ["--out-dir", place.to_str().unwrap()];
    let output = run(&[&["cert"], words, &folder].concat());
    let text = |octets| String::from_utf8(octets).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A path below a folder as text.
fn at(place: &TempDir, name: &str) -> String {
    place.path().join(name).to_str().unwrap().to_owned()
}

/// A server with this pair, asked by curl that trusts this file.
fn answers(place: &TempDir, pair: [&str; 2], trusted: &str) {
    let [cert, key] = pair.map(|name| at(place, name));
    let server = Running::start(&["echo", "--cert", &cert, "--key", &key]);
    for host in ["localhost", "127.0.0.1"] {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--noproxy", "*", "--cacert"])
            .arg(at(place, trusted))
            .arg(format!("https://{host}:{}/", server.port()))
            .output()
            .unwrap();
        assert_eq!(output.stdout, b"GET / 0", "{host}: {output:?}");
    }
}

#[test]
fn a_self_signed_pair_serves_and_is_its_own_anchor() {
    for kind in [&[][..], &["--rsa"]] {
        let place = TempDir::new().unwrap();
        let words = [&["localhost", "127.0.0.1", "::1"], kind].concat();
        let (code, said, notes) = cert(place.path(), &words);
        assert_eq!((code, &*notes), (Some(0), ""));
        assert!(said.starts_with("Wrote the certificate '"), "{said}");
        assert!(
            said.contains("It is for localhost, 127.0.0.1, ::1 and ends on 20"),
            "{said}"
        );
        let mode = |name| {
            fs::metadata(place.path().join(name))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(mode("localhost-key.pem") & 0o777, 0o600);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
        answers(
            &place,
            ["localhost.pem", "localhost-key.pem"],
            "localhost.pem",
        );
    }
}

#[test]
fn files_are_never_overwritten() {
    for taken in ["localhost.pem", "localhost-key.pem"] {
        let place = TempDir::new().unwrap();
        fs::write(place.path().join(taken), "mine").unwrap();
        let (code, said, notes) = cert(place.path(), &["localhost"]);
        assert_eq!((code, &*said), (Some(1), ""));
        assert!(
            notes.starts_with("error: ") && notes.contains("is not overwritten"),
            "{notes}"
        );
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        assert_eq!(
            fs::read_to_string(place.path().join(taken)).unwrap(),
            "mine"
        );
    }
}

#[test]
fn an_authority_signs_and_its_clients_accept() {
    let place = TempDir::new().unwrap();
    let made = Command::new("openssl")
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "20",
        ])
        .args(["-subj", "/O=Somebody/CN=authority", "-keyout"])
        .arg(at(&place, "ca-key.pem"))
        .arg("-out")
        .arg(at(&place, "ca.pem"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let (ca, ca_key) = (at(&place, "ca.pem"), at(&place, "ca-key.pem"));
    let names = ["localhost", "127.0.0.1"];
    let words = [&names[..], &["--ca", &ca, "--ca-key", &ca_key]].concat();
    let (code, said, notes) = cert(place.path(), &words);
    assert_eq!(code, Some(0), "{notes}");
    assert!(notes.contains("because the authority ends then"), "{notes}");
    assert!(said.contains(&format!("get --cacert '{ca}'")), "{said}");
    answers(&place, ["localhost.pem", "localhost-key.pem"], "ca.pem");

    // What was made is no authority, and the key of another one does not fit.
    let leaf = at(&place, "localhost.pem");
    let key = at(&place, "localhost-key.pem");
    for (ca, key, wanted) in [
        (&leaf, &key, "it is the certificate of no authority"),
        (&ca, &key, "does not belong to the authority"),
        (&ca, &ca, "there is no private key"),
        (&at(&place, "none.pem"), &key, "No such file"),
    ] {
        let (code, _, notes) = cert(place.path(), &["x", "--ca", ca, "--ca-key", key]);
        assert_eq!(code, Some(1));
        assert!(
            notes.starts_with("error: ") && notes.contains(wanted),
            "{notes}"
        );
        assert!(!place.path().join("x.pem").exists());
    }
}

#[test]
fn wrong_words_are_usage() {
    let place = TempDir::new().unwrap();
    for words in [
        &["https://a.example/"][..],
        &["a b"],
        &["a", "--days", "4000"],
        &[],
    ] {
        let (code, said, notes) = cert(place.path(), words);
        assert_eq!((code, &*said), (Some(2), ""), "{notes}");
        assert!(notes.starts_with("error: "), "{notes}");
    }
    let (code, _, notes) = cert(&place.path().join("none"), &["a"]);
    assert_eq!(code, Some(1));
    assert!(notes.contains("No such file or directory"), "{notes}");
}

#[test]
fn the_local_authority_signs_for_this_machine_only() {
    let server = Running::start(&["echo"]);
    let folder = server.root().parent().unwrap().to_owned();
    let [ca, key] = ["intermediate.pem", "intermediate-key.pem"].map(|name| {
        let path = folder.join(name);
        path.to_str().unwrap().to_owned()
    });
    let place = TempDir::new().unwrap();
    let (code, _, notes) = cert(place.path(), &["a.example", "--ca", &ca, "--ca-key", &key]);
    assert_eq!(code, Some(1));
    assert!(
        notes.contains("it may not sign for a.example\nhint: "),
        "{notes}"
    );
    let names = ["localhost", "127.0.0.1"];
    let words = [&names[..], &["--ca", &ca, "--ca-key", &key]].concat();
    let (code, _, notes) = cert(place.path(), &words);
    assert_eq!(code, Some(0), "{notes}");
    fs::copy(server.root(), place.path().join("root.pem")).unwrap();
    answers(&place, ["localhost.pem", "localhost-key.pem"], "root.pem");
}
