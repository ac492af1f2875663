//! What is read out of a certificate, and files that are none.

use super::*;

#[test]
fn a_label_is_short_and_plain() {
    let label = label();
    assert!(label.len() <= 33 && label.contains('@'), "{label}");
    assert!(
        label
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_.@".contains(letter))
    );
}

#[test]
fn facts_of_a_certificate() {
    let names = [
        "example.com".to_owned(),
        "192.0.2.1".to_owned(),
        "2001:db8::1".to_owned(),
    ];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let facts = Facts::of(made.cert.pem().as_bytes());
    assert_eq!(facts.names, ["example.com", "192.0.2.1", "2001:db8::1"]);
    assert!(facts.begins < facts.ends);
    // A key before the certificate, as some files have it, is passed over.
    let both = made.signing_key.serialize_pem() + &made.cert.pem();
    assert_eq!(Facts::of(both.as_bytes()).names.len(), 3);
    assert!(Facts::of(b"nothing").names.is_empty());
}

#[cfg(unix)]
#[test]
fn a_file_without_end_is_refused() {
    let said = read(Path::new("/dev/zero"), "certificate")
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "error: /dev/zero is too large for a certificate: more than 1 MiB"
    );
    let said = read(Path::new("/nothing/here"), "private key")
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "error: cannot read the private key /nothing/here: No such file or directory"
    );
}
