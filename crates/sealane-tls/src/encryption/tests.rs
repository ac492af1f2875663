//! Does every scheme that OpenSSL writes open, and only with its passphrase?
//!
//! The keys in `tests/` were written by OpenSSL 3.0 (`pkcs8 -topk8`, `rsa -traditional`, `ec`) with
//! the passphrase "sample"; they belong to nobody.

use zeroize::Zeroizing;

use super::derivation::{Digest, Purpose};
use super::{Cost, EncryptionError, MAX_ROUNDS, Passphrase, oid, open_pkcs8, open_traditional};
use crate::Identity;
use crate::der;
use crate::pem;

/// What one of the files holds, opened.
fn open(text: &[u8], passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
    let blocks = pem::blocks(text).unwrap();
    let octets = blocks[0].decode().unwrap();
    let passphrase = Passphrase::new(passphrase);
    match blocks[0].dek_info() {
        Some(dek_info) => open_traditional(dek_info, &octets, &passphrase),
        None => open_pkcs8(&octets, &passphrase, &mut Cost::of_one_file()),
    }
}

/// The octets of a key in clear.
fn clear(text: &[u8]) -> Vec<u8> {
    pem::blocks(text).unwrap()[0].decode().unwrap()
}

/// Files with their names: the compiler reads them, so a list of names must be a macro's.
macro_rules! keys {
    ($($name:literal),+) => {
        [$((
            $name,
            include_bytes!(concat!("tests/", $name, ".pem")) as &[u8],
        )),+]
    };
}

#[test]
fn every_scheme_of_pkcs8_opens_with_its_passphrase_only() {
    let expected = clear(include_bytes!("tests/clear.pem"));
    for (name, text) in keys!(
        "key_default",
        "key_hmacWithSHA1",
        "key_hmacWithSHA224",
        "key_hmacWithSHA256",
        "key_hmacWithSHA384",
        "key_hmacWithSHA512",
        "key_aes192",
        "key_3des",
        "key_des",
        "key_scrypt",
        "key_scrypt_small",
        "key_pbe_3des",
        "key_pbe_sha1_2des",
        "key_pbe_sha1_rc2_40",
        "key_pbe_sha1_rc2_128",
        "key_pbe_md5_des",
        "key_pbe_sha1_des"
    ) {
        let opened = open(text, b"sample").unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(*opened, expected, "{name}");
        for wrong in [&b"Sample"[..], b"", b"sample "] {
            assert_eq!(
                open(text, wrong),
                Err(EncryptionError::BadDecrypt),
                "{name}"
            );
        }
    }
}

#[test]
fn the_traditional_style_opens_with_its_passphrase_only() {
    for (name, text) in keys!("rsa_aes128", "rsa_aes256") {
        let identity = Identity::from_pem_encrypted(
            include_bytes!("tests/rsa_certificate.pem"),
            text,
            b"sample",
        );
        assert_eq!(identity.unwrap().chain().len(), 1, "{name}");
        assert_eq!(
            open(text, b"wrong"),
            Err(EncryptionError::BadDecrypt),
            "{name}"
        );
    }
    let mut seen = Vec::new();
    for (name, text) in keys!("ec_aes128", "ec_aes192", "ec_aes256", "ec_des", "ec_des3") {
        let opened = open(text, b"sample").unwrap_or_else(|error| panic!("{name}: {error:?}"));
        seen.push(opened);
        assert_eq!(
            open(text, b"wrong"),
            Err(EncryptionError::BadDecrypt),
            "{name}"
        );
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "the same key in all of them");
}

#[test]
fn unknown_schemes_are_named() {
    for (text, expected) in [
        (
            &include_bytes!("tests/key_pbe_sha1_rc4_128.pem")[..],
            "1.2.840.113549.1.12.1.1",
        ),
        (
            include_bytes!("tests/key_pbe_md5_rc2_64.pem"),
            "1.2.840.113549.1.5.6",
        ),
    ] {
        let error = open(text, b"sample").unwrap_err();
        assert_eq!(
            error,
            EncryptionError::Unsupported(format!("algorithm {expected}"))
        );
        assert!(
            error
                .of_key("key")
                .reason()
                .contains("openssl pkcs8 -topk8")
        );
    }
    let passphrase = Passphrase::new(b"sample");
    for dek_info in [
        "",
        "AES-256-CBC",
        "AES-256-CBC,zz",
        "AES-256-CBC,00",
        "DES-CBC,\u{e4}",
    ] {
        let error = open_traditional(dek_info, &[0; 16], &passphrase).unwrap_err();
        assert!(
            matches!(error, EncryptionError::Malformed(_)),
            "{dek_info}: {error:?}"
        );
    }
    let error = open_traditional("CAMELLIA-\x1b,00", &[0; 16], &passphrase).unwrap_err();
    assert_eq!(
        error,
        EncryptionError::Unsupported("the cipher \"CAMELLIA-\\u{1b}\"".into())
    );
}

#[test]
fn costs_are_judged_before_they_are_paid() {
    let error = open(include_bytes!("tests/key_too_many_rounds.pem"), b"sample").unwrap_err();
    let error = error.of_key("key");
    assert_eq!(error.code(), "ERR_OUT_OF_RANGE");
    assert!(error.reason().contains("20000000 rounds"), "{error}");
    assert!(error.reason().contains("10000000"), "{error}");

    let mut cost = Cost::of_one_file();
    cost.spend(MAX_ROUNDS - 1).unwrap();
    assert!(cost.spend(2).is_err());
    cost.spend(1).unwrap();

    for (n, r, p) in [
        (1_u64 << 20, 8, 1),
        (1 << 40, 8, 1),
        (2, u64::from(u32::MAX), 1),
        (1 << 14, 8, 1 << 20),
        (u64::MAX, u64::MAX, u64::MAX),
    ] {
        let error = open_pkcs8(
            &scrypt_key(n, r, p),
            &Passphrase::new(b""),
            &mut Cost::of_one_file(),
        );
        assert!(
            matches!(error, Err(EncryptionError::TooCostly(_))),
            "{n} {r} {p}: {error:?}"
        );
    }
    for (n, r, p) in [(0, 8, 1), (1, 8, 1), (1000, 8, 1), (16, 0, 1), (16, 8, 0)] {
        let error = open_pkcs8(
            &scrypt_key(n, r, p),
            &Passphrase::new(b""),
            &mut Cost::of_one_file(),
        );
        assert!(
            matches!(error, Err(EncryptionError::Malformed(_))),
            "{n} {r} {p}: {error:?}"
        );
    }
}

/// An encrypted key that asks for scrypt with these parameters.
fn scrypt_key(n: u64, r: u64, p: u64) -> Vec<u8> {
    let number = |number: u64| {
        let octets = number.to_be_bytes();
        der::element(der::INTEGER, &[&[0], &octets])
    };
    let sequence = |parts: &[&[u8]]| der::element(der::SEQUENCE, parts);
    let name = |octets: &[u8]| der::element(der::OID, &[octets]);
    let salt = der::element(der::OCTET_STRING, &[b"salt"]);
    let parameters = sequence(&[&salt, &number(n), &number(r), &number(p)]);
    let derivation = sequence(&[&name(oid::SCRYPT), &parameters]);
    let iv = der::element(der::OCTET_STRING, &[&[0; 16]]);
    let cipher = sequence(&[&name(oid::AES_128_CBC), &iv]);
    let scheme = sequence(&[&name(oid::PBES2), &sequence(&[&derivation, &cipher])]);
    sequence(&[&scheme, &der::element(der::OCTET_STRING, &[&[0; 16]])])
}

#[test]
fn cut_and_changed_keys_never_open() {
    let text = include_bytes!("tests/key_hmacWithSHA256.pem");
    let whole = clear(text);
    let passphrase = Passphrase::new(b"sample");
    let open = |octets: &[u8]| open_pkcs8(octets, &passphrase, &mut Cost::of_one_file());
    let expected = open(&whole).unwrap();
    for end in 0..whole.len() {
        assert!(open(&whole[..end]).is_err(), "cut at {end}");
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x81;
        if let Ok(opened) = open(&changed) {
            // CBC without a MAC: a change within the key's octets may open, and is found when the
            // key does not fit its certificate. Before them are parameters that mean nothing.
            let within = at >= whole.len() - expected.len();
            assert!(!within || opened != expected, "changed at {at}");
        }
    }
}

#[test]
fn pkcs12_derives_what_openssl_derives() {
    // openssl kdf -keylen 24 -kdfopt digest:SHA1 -kdfopt hexpass:0073006d006500670000
    //   -kdfopt hexsalt:0a58cf64530d823f -kdfopt iter:1 -kdfopt id:1 PKCS12KDF
    let passphrase = Passphrase::new(b"smeg");
    let salt = [0x0a, 0x58, 0xcf, 0x64, 0x53, 0x0d, 0x82, 0x3f];
    let mut cost = Cost::of_one_file();
    let key = super::pkcs12(
        Digest::Sha1,
        Purpose::Key,
        &passphrase,
        &salt,
        1,
        &mut cost,
        24,
    );
    let expected = "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3";
    let shown: String = key
        .unwrap()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    assert_eq!(shown, expected);
}
