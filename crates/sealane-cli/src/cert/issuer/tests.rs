//! Authorities that may sign, and those that may not.

use std::fs;

use rcgen::{BasicConstraints, IsCa, KeyUsagePurpose};
use sealane_testkit::certificates::TestCa;
use tempfile::TempDir;
use time::Duration;

use super::*;
use crate::certificate::{for_server, named};

/// A moment to start from.
fn day_one() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap()
}

/// The parameters of an authority around that moment.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("An authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = day_one() - Duration::days(1);
    params.not_after = day_one() + Duration::days(10);
    params
}

/// Writes texts to `ca.pem` and `key.pem` and reads the authority from there.
fn read(cert: &str, key: &str) -> Result<Issuer> {
    let place = TempDir::new().unwrap();
    let paths = ["ca.pem", "key.pem"].map(|name| place.path().join(name));
    fs::write(&paths[0], cert).unwrap();
    fs::write(&paths[1], key).unwrap();
    Issuer::read(&paths[0], &paths[1], day_one())
}

/// Why these parameters make no authority.
fn refused(params: &CertificateParams) -> String {
    let key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&key).unwrap().pem();
    read(&cert, &key.serialize_pem()).unwrap_err().to_string()
}

/// A leaf of an authority, in PEM with its chain.
fn leaf(issuer: &Issuer) -> Result<String> {
    let key = KeyPair::generate().unwrap();
    let ends = issuer.ends();
    issuer.sign(&for_server("x", Vec::new(), day_one(), ends), &key)
}

#[test]
fn a_root_signs_and_is_not_sent() {
    let key = KeyPair::generate().unwrap();
    let cert = authority().self_signed(&key).unwrap().pem();
    let issuer = read(&cert, &key.serialize_pem()).unwrap();
    assert_eq!(issuer.ends(), day_one() + Duration::days(10));
    let chain = leaf(&issuer).unwrap();
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 1);
    assert!(!format!("{issuer:?}").contains("PRIVATE"));
}

#[test]
fn an_intermediate_is_sent_and_its_root_is_not() {
    let root_key = KeyPair::generate().unwrap();
    let above = authority();
    let root = above.self_signed(&root_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = authority();
    params.distinguished_name = named("An intermediate");
    params.not_after = day_one() + Duration::days(20);
    let root_issuer = rcgen::Issuer::from_params(&above, &root_key);
    let root_issuer = params.signed_by(&key, &root_issuer).unwrap();
    for text in [root_issuer.pem(), root_issuer.pem() + &root.pem()] {
        let issuer = read(&text, &key.serialize_pem()).unwrap();
        let chain = leaf(&issuer).unwrap();
        assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2);
        assert!(chain.ends_with(&root_issuer.pem()), "{chain}");
    }
    let issuer = read(&(root_issuer.pem() + &root.pem()), &key.serialize_pem()).unwrap();
    assert_eq!(
        issuer.ends(),
        day_one() + Duration::days(10),
        "the root ends first"
    );
    let wrong = root_issuer.pem() + &TestCa::new().certificate_pem();
    let said = read(&wrong, &key.serialize_pem()).unwrap_err().to_string();
    assert!(
        said.contains("each is not signed by the next one"),
        "{said}"
    );
}

#[test]
fn certificates_that_may_not_sign() {
    let mut plain = authority();
    plain.is_ca = IsCa::ExplicitNoCa;
    assert!(refused(&plain).contains("the certificate of no authority\nhint: "));
    plain.is_ca = IsCa::NoCa;
    assert!(refused(&plain).contains("the certificate of no authority"));
    let mut usage = authority();
    usage.key_usages = vec![KeyUsagePurpose::CrlSign];
    assert!(refused(&usage).contains("its key may not sign certificates"));
    let mut ended = authority();
    ended.not_after = day_one() - Duration::hours(1);
    assert!(
        refused(&ended).contains("it ended on 2030-03-17"),
        "{}",
        refused(&ended)
    );
    let mut early = authority();
    early.not_before = day_one() + Duration::days(1);
    assert!(
        refused(&early).contains("it begins on 2030-03-18"),
        "{}",
        refused(&early)
    );
    let mut nobody = authority();
    nobody.distinguished_name = rcgen::DistinguishedName::new();
    assert!(refused(&nobody).contains("its name is empty"));
}

#[test]
fn files_that_hold_something_else() {
    let key = KeyPair::generate().unwrap();
    let cert = authority().self_signed(&key).unwrap().pem();
    let other = KeyPair::generate().unwrap().serialize_pem();
    let key = key.serialize_pem();
    let encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                     DEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let newer = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
    let damaged = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (cert, key, wanted) in [
        (&*cert, &*other, "does not belong to the authority"),
        (&cert, &cert, "there is no private key in PEM in it"),
        (&cert, encrypted, "it is encrypted\nhint: decrypt it first"),
        (&cert, newer, "it is encrypted"),
        (&cert, damaged, "its kind is unknown, or it is damaged"),
        (&cert, "", "there is no private key"),
        (&key, &key, "there is no certificate in it"),
        ("", &key, "there is no certificate in it"),
        ("-----BEGIN CERTIFICATE-----\nAAAA", &key, "it is not PEM"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            &key,
            "its certificate cannot be read",
        ),
    ] {
        let said = read(cert, key).unwrap_err().to_string();
        assert!(said.contains(wanted), "{wanted}: {said}");
        assert!(!said.contains("BEGIN"), "{said}");
    }
}

/// An authority with this name, made by openssl now.
fn by_openssl(subject: &str) -> Result<Issuer> {
    let place = TempDir::new().unwrap();
    let paths = ["ca.pem", "key.pem"].map(|name| place.path().join(name));
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "10", "-subj", subject, "-out"])
        .arg(&paths[0])
        .arg("-keyout")
        .arg(&paths[1])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    Issuer::read(&paths[0], &paths[1], OffsetDateTime::now_utc())
}

#[test]
fn names_of_others_are_repeated_exactly_or_refused() {
    for subject in [
        "/C=DE/O=Somebody/CN=Somebody's authority",
        "/CN=Grüße/emailAddress=ca@example.com",
    ] {
        leaf(&by_openssl(subject).unwrap()).unwrap();
    }
    let twice = by_openssl("/DC=com/DC=example/CN=authority").and_then(|issuer| leaf(&issuer));
    let said = twice.unwrap_err().to_string();
    assert!(
        said.contains("its name has a form that cannot be repeated here"),
        "{said}"
    );
    let several = by_openssl("/O=Somebody+CN=authority");
    let said = several.unwrap_err().to_string();
    assert!(said.contains("parts of several values"), "{said}");
}

#[test]
fn every_kind_of_key_signs() {
    for algorithm in [
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ECDSA_P521_SHA512,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
    ] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let cert = authority().self_signed(&key).unwrap().pem();
        leaf(&read(&cert, &key.serialize_pem()).unwrap()).unwrap();
    }
}
