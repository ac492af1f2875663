//! Pins: their texts, what they fit, and what a mismatch says.

use proptest::prelude::*;
use sealane_testkit::certificates::{Template, TestCa};

use super::*;
use crate::certificate::tests::{certificate_of, der};

/// A path of three: end-entity certificate, intermediate, root.
fn path() -> Vec<CertificateDer<'static>> {
    let root = TestCa::new();
    let intermediate = root.intermediate();
    let leaf = intermediate.issue(&["localhost"]);
    [leaf.chain_pem.as_str(), &root.certificate_pem()]
        .iter()
        .flat_map(|pem| der(pem))
        .collect()
}

/// The object of a certificate.
fn object(raw: &CertificateDer<'_>) -> PeerCertificate {
    PeerCertificate::from_chain(std::slice::from_ref(raw)).unwrap()
}

/// Both kinds of pin of a certificate.
fn both(raw: &CertificateDer<'_>) -> [Pin; 2] {
    let object = object(raw);
    [
        Pin::spki_sha256(object.spki_sha256_base64()).unwrap(),
        Pin::certificate_sha256(object.fingerprint256()).unwrap(),
    ]
}

/// A public key's pin that nothing has.
fn nobody() -> Pin {
    Pin::spki_sha256("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap()
}

#[test]
fn a_pin_fits_the_end_entity_certificate_only_unless_said() {
    let path = path();
    for (place, raw) in path.iter().enumerate() {
        for pin in both(raw) {
            let pins = Pins::from([pin.clone()]);
            assert_eq!(pins.check(&path).is_ok(), place == 0, "{pin}");
            let pins = Pins::from([pin.anywhere_in_chain()]);
            assert_eq!(pins.check(&path), Ok(()));
        }
    }
}

#[test]
fn one_of_several_pins_is_enough() {
    let path = path();
    let [pin, _] = both(&path[0]);
    assert!(Pins::from([nobody()]).check(&path).is_err());
    assert_eq!(Pins::from([nobody(), pin]).check(&path), Ok(()));
}

#[test]
fn a_mismatch_says_what_was_wanted_and_what_is_there() {
    let path = path();
    let [_, of_root] = both(&path[2]);
    let pins = Pins::from([nobody(), of_root.clone()]);
    let mismatch = pins.check(&path).unwrap_err();
    assert_eq!(mismatch.wanted, [nobody().to_string(), of_root.to_string()]);
    assert_eq!(mismatch.found.len(), 3);
    let refusal = Refusal::from(mismatch);
    assert_eq!(refusal.code(), "ERR_TLS_PIN_MISMATCH");
    let text = refusal.to_string();
    let wanted = "wanted is public key sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert!(text.contains(wanted), "{text}");
    let evidence: Vec<_> = refusal.diagnosis().evidence().collect();
    assert_eq!(evidence[0], ("pin wanted", nobody().to_string().as_str()));
    for (place, raw) in path.iter().enumerate() {
        let object = object(raw);
        let (fingerprint, pin) = (object.fingerprint256(), object.spki_sha256_base64());
        assert!(text.contains(&fingerprint) && text.contains(&pin));
        let (label, found) = evidence[2 + place];
        assert_eq!(label, format!("verified chain {}", place + 1));
        assert!(found.contains(&fingerprint) && found.contains(&pin));
    }
}

#[test]
fn an_empty_path_and_an_unreadable_certificate_fit_no_public_key() {
    let pins = Pins::from([nobody().anywhere_in_chain()]);
    let mismatch = pins.check(&[]).unwrap_err();
    assert!(mismatch.to_string().ends_with("the chain has nothing"));
    let garbage = CertificateDer::from(vec![0x30, 0x01]);
    let mismatch = pins.check(&[garbage]).unwrap_err();
    assert!(mismatch.found[0].contains("cannot be read"));
}

#[test]
fn the_customary_forms_are_read_alike() {
    let bare = "SIXvRyDmBJSgatgTQRGbInBaAK+hZOQ18UmrSwnDlK8=";
    let pin = Pin::spki_sha256(bare).unwrap();
    for text in [
        format!("sha256//{bare}"),
        format!("pin-sha256=\"{bare}\""),
        format!(" {bare}\n"),
    ] {
        assert_eq!(Pin::spki_sha256(&text).as_ref(), Ok(&pin), "{text}");
    }
    assert_eq!(pin.to_string(), format!("public key sha256//{bare}"));
    let hexadecimal = "ab".repeat(32);
    let pin = Pin::certificate_sha256(&hexadecimal).unwrap();
    let with_colons = vec!["AB"; 32].join(":");
    assert_eq!(Pin::certificate_sha256(&with_colons).as_ref(), Ok(&pin));
    assert_eq!(pin.to_string(), format!("certificate {with_colons}"));
}

#[test]
fn bad_texts_are_named_with_what_is_expected() {
    let hexadecimal = "ab".repeat(32);
    let long = "x".repeat(10_000);
    for (text, part) in [
        ("", "0 octets"),
        ("AAAA", "3 octets"),
        ("not base64!", "not base64"),
        ("SIXvRyDmBJSgatgTQRGbInBaAK+hZOQ18UmrSwnDlK8", "not base64"),
        ("pin-sha256=\"AAAA", "not base64"),
        (hexadecimal.as_str(), "this is hexadecimal"),
        ("a\nb", r"a\nb"),
        (long.as_str(), "no pin"),
    ] {
        let error = Pin::spki_sha256(text).unwrap_err();
        assert_eq!(
            (error.option(), error.code()),
            ("pins", "ERR_INVALID_ARG_VALUE")
        );
        assert!(error.reason().contains(part), "{error}");
        assert!(
            error.reason().contains("44 characters of base64"),
            "{error}"
        );
        assert!(error.reason().len() < 400);
    }
    for (text, part) in [
        ("", "0 octets"),
        ("AB:CD", "2 octets"),
        ("A:B", "not hexadecimal"),
        ("ABC", "not hexadecimal"),
        ("AB:CDEF", "not hexadecimal"),
        ("+1", "not hexadecimal"),
        ("zz", "not hexadecimal"),
        ("\u{e9}", "not hexadecimal"),
    ] {
        let error = Pin::certificate_sha256(text).unwrap_err();
        assert_eq!(error.option(), "pins");
        assert!(error.reason().contains(part), "{text}: {error}");
    }
}

#[test]
fn an_empty_set_is_refused() {
    let error = Pins::default().validate().unwrap_err();
    assert_eq!(
        (error.option(), error.code()),
        ("pins", "ERR_INVALID_ARG_VALUE")
    );
    assert!(Pins::from(nobody()).validate().is_ok());
}

#[test]
fn the_digest_tells_sets_apart() {
    let certificate = certificate_of(&Template::server(&["localhost"]));
    let [key, whole] = both(certificate.der());
    let same = Pins::from([key.clone(), whole.clone()]).digest();
    assert_eq!(
        Pins::from([whole.clone(), key.clone(), whole.clone()]).digest(),
        same
    );
    let as_key = Pin::of(Kind::PublicKey, [1; 32]);
    let as_certificate = Pin::of(Kind::Certificate, [1; 32]);
    let sets = [
        Pins::default(),
        Pins::from([key.clone()]),
        Pins::from([whole.clone()]),
        Pins::from([key.clone(), whole.clone()]),
        Pins::from([key.clone(), whole]).report_only(true),
        Pins::from([key.anywhere_in_chain()]),
        Pins::from([as_key]),
        Pins::from([as_certificate]),
    ];
    let digests: std::collections::HashSet<_> = sets.iter().map(Pins::digest).collect();
    assert_eq!(digests.len(), sets.len());
}

proptest! {
    #[test]
    fn any_text_is_answered(text in ".{0,100}") {
        let _ = Pin::spki_sha256(&text);
        let _ = Pin::certificate_sha256(&text);
    }

    #[test]
    fn what_is_shown_is_read_again(digest: [u8; 32]) {
        let pin = Pin::of(Kind::PublicKey, digest);
        let shown = pin.to_string();
        let text = shown.strip_prefix("public key ").unwrap();
        prop_assert_eq!(Pin::spki_sha256(text).unwrap(), pin);
        let pin = Pin::of(Kind::Certificate, digest);
        let shown = pin.to_string();
        let text = shown.strip_prefix("certificate ").unwrap();
        prop_assert_eq!(Pin::certificate_sha256(text.to_lowercase()).unwrap(), pin);
    }
}
