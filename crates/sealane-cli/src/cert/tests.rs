//! What the options make of names, and certificates as openssl and a parser see them.

use std::fs;
use std::process::Command;

use clap::Parser;
use tempfile::TempDir;
use x509_parser::pem::Pem;

use super::*;

/// A command of nothing but these options.
#[derive(Debug, Parser)]
struct Only {
    /// The options.
    #[command(flatten)]
    cert: CertArgs,
}

/// Reads options.
fn read(words: &[&str]) -> CertArgs {
    let words = ["sealane"].iter().chain(words);
    Only::try_parse_from(words).unwrap().cert
}

/// The paths that these options mean.
fn paths(words: &[&str]) -> Result<[PathBuf; 2]> {
    let args = read(words);
    args.paths(&args.names[0])
}

/// A moment to start from.
fn day_one() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap()
}

/// A self-signed pair for names.
fn made(names: &[&str], rsa: bool) -> Made {
    let names: Vec<Name> = names.iter().map(|name| name.parse().unwrap()).collect();
    make(&names, rsa, 30, None, day_one()).unwrap()
}

#[test]
fn files_are_called_after_the_first_name() {
    let two = |cert: &str, key: &str| Ok([PathBuf::from(cert), PathBuf::from(key)]);
    assert_eq!(
        paths(&["a.example", "b"]),
        two("a.example.pem", "a.example-key.pem")
    );
    let words = ["*.example.com", "--out-dir", "d"];
    assert_eq!(
        paths(&words),
        two(
            "d/_wildcard.example.com.pem",
            "d/_wildcard.example.com-key.pem"
        )
    );
    assert_eq!(
        paths(&["x", "--out-dir", "d", "--cert-out", "c"]),
        two("c", "d/x-key.pem")
    );
    assert_eq!(paths(&["x", "--key-out", "k"]), two("x.pem", "k"));
    let all = ["x", "--out-dir", "d", "--cert-out", "c", "--key-out", "k"];
    assert_eq!(paths(&all).unwrap_err().exit_code(), 2);
    let same = ["x", "--cert-out", "c", "--key-out", "c"];
    assert!(
        paths(&same)
            .unwrap_err()
            .to_string()
            .contains("the same file")
    );
}

#[test]
fn wrong_options_are_refused() {
    for (words, wanted) in [
        (&["x", "--days", "0"][..], "1..=3650"),
        (&["x", "--days", "3651"], "1..=3650"),
        (&["x", "--ca", "a.pem"], "--ca-key"),
        (&["x", "--ca-key", "a.pem"], "--ca"),
        (&["x y"], "is no host name"),
        (&[], "<NAME>"),
    ] {
        let all = ["sealane"].iter().chain(words);
        let said = Only::try_parse_from(all).unwrap_err().to_string();
        assert!(said.contains(wanted), "{words:?}: {said}");
    }
}

#[test]
fn a_certificate_says_what_was_asked_for() {
    let made = made(
        &["files.example", "*.files.example", "192.0.2.1", "::1"],
        false,
    );
    assert_eq!((made.ends - day_one().date()).whole_days(), 30);
    let pem = Pem::iter_from_buffer(made.cert.as_bytes())
        .next()
        .unwrap()
        .unwrap();
    let parsed = pem.parse_x509().unwrap();
    assert_eq!(parsed.subject().to_string(), "CN=files.example");
    assert_eq!(parsed.subject().as_raw(), parsed.issuer().as_raw());
    assert!(parsed.verify_signature(None).is_ok());
    assert!(!parsed.basic_constraints().unwrap().unwrap().value.ca);
    let names = parsed.subject_alternative_name().unwrap().unwrap().value;
    assert_eq!(names.general_names.len(), 4);
    let purpose = parsed.extended_key_usage().unwrap().unwrap().value;
    assert!(purpose.server_auth && !purpose.client_auth && !purpose.any);
    assert!(sealane::Identity::from_pem(&made.cert, made.key.as_bytes()).is_ok());
}

#[test]
fn openssl_trusts_it_as_its_own_authority() {
    for rsa in [false, true] {
        let made = made(&["files.example", "192.0.2.1"], rsa);
        let place = TempDir::new().unwrap();
        let path = place.path().join("cert.pem");
        fs::write(&path, &made.cert).unwrap();
        let moment = day_one().unix_timestamp().to_string();
        for (check, name, good) in [
            ("-verify_hostname", "files.example", true),
            ("-verify_ip", "192.0.2.1", true),
            ("-verify_hostname", "other.example", false),
        ] {
            let said = Command::new("openssl")
                .args(["verify", "-x509_strict", "-purpose", "sslserver"])
                .args(["-attime", &moment, check, name, "-CAfile"])
                .args([&path, &path])
                .output()
                .unwrap();
            assert_eq!(said.status.success(), good, "{rsa} {name}: {said:?}");
        }
    }
}

#[test]
fn what_is_told_can_be_tried() {
    let names: Vec<Name> = ["::1", "localhost"]
        .map(|name| name.parse().unwrap())
        .into();
    let files = [Path::new("a b.pem"), Path::new("k.pem")];
    let said = told(&names, files, &read(&["x"]), day_one().date());
    assert!(
        said.contains("It is for ::1, localhost and ends on 2030-03-17.\n"),
        "{said}"
    );
    assert!(
        said.contains("  sealane serve --cert 'a b.pem' --key 'k.pem'\n"),
        "{said}"
    );
    assert!(
        said.contains("  sealane get --cacert 'a b.pem' https://[::1]:8443/\n"),
        "{said}"
    );
    let said = told(
        &names,
        files,
        &read(&["x", "--ca=ca.pem", "--ca-key=k"]),
        day_one().date(),
    );
    assert!(said.contains("--cacert 'ca.pem'"), "{said}");
    let said = told(
        &["a.example".parse().unwrap()],
        files,
        &read(&["x"]),
        day_one().date(),
    );
    assert!(
        !said.contains("get --cacert"),
        "a name that leads elsewhere: {said}"
    );
}
