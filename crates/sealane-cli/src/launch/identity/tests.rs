//! What is read out of a certificate, and what an authority is called.

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
