//! Is every form of file read, every mistake named, and nothing lost?
//!
//! The files in `tests/` were written by OpenSSL 3.0 with the passphrase "sample", `page.pfx` by
//! the two commands of the https module's page; they belong to nobody.

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::write::write_with;
use super::{PFX, read, write_pkcs12};
use crate::der::{self, Element};
use crate::encryption::Passphrase;
use crate::{Identity, Pkcs12};

/// A file beside this one.
macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("tests/", $name)) as &[u8]
    };
}

/// Reads a file, panicking with its name.
fn identity(name: &str, octets: &[u8], passphrase: &str) -> Pkcs12 {
    Identity::from_pkcs12(octets, passphrase.as_bytes())
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Code and reason of a refusal.
fn refusal(octets: &[u8], passphrase: &[u8]) -> (&'static str, String) {
    let error = Identity::from_pkcs12(octets, passphrase).unwrap_err();
    assert_eq!(error.option(), PFX);
    assert!(!error.to_string().contains('\n'), "one line: {error}");
    (error.code(), error.reason().to_owned())
}

fn certificate(text: &[u8]) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(text).unwrap()
}

fn leaf() -> CertificateDer<'static> {
    certificate(file!("leaf.pem"))
}

fn key() -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(file!("leaf_key.pem")).unwrap()
}

#[test]
fn todays_files_open_without_a_warning() {
    for (name, octets, passphrase) in [
        ("aes128_sha512", file!("aes128_sha512.pfx"), "sample"),
        ("mac384", file!("mac384.pfx"), "sample"),
        ("plain", file!("plain.pfx"), "sample"),
        ("plain_cert", file!("plain_cert.pfx"), "sample"),
        ("empty", file!("empty.pfx"), ""),
    ] {
        let found = identity(name, octets, passphrase);
        assert_eq!(found.identity.chain(), [leaf()], "{name}");
        assert_eq!(found.warnings, [""; 0], "{name}");
        assert!(found.authorities.is_empty(), "{name}");
    }
    let page = identity("page", file!("page.pfx"), "sample");
    assert!(format!("{:?}", page.identity).contains("CN=localhost"));
}

#[test]
fn older_files_open_with_a_warning() {
    for (name, octets, passphrase, warning) in [
        (
            "rc2",
            file!("legacy_rc2_40.pfx"),
            "sample",
            "RC2 with 40 bits",
        ),
        ("3des", file!("legacy_3des.pfx"), "sample", "3DES"),
        ("2des", file!("legacy_2des.pfx"), "sample", "RC2, which"),
        ("wide", file!("wide.pfx"), "pä€𝄞", "3DES"),
    ] {
        let found = identity(name, octets, passphrase);
        assert_eq!(found.identity.chain(), [leaf()], "{name}");
        assert_eq!(found.warnings.len(), 1, "{name}");
        assert!(
            found.warnings[0].contains(warning),
            "{name}: {:?}",
            found.warnings
        );
    }
}

#[test]
fn chains_are_ordered_and_roots_are_authorities() {
    let found = identity("chain", file!("chain.pfx"), "sample");
    assert_eq!(
        found.identity.chain(),
        [leaf(), certificate(file!("int.pem"))]
    );
    assert_eq!(found.authorities, [certificate(file!("root.pem"))]);
}

#[test]
fn without_a_mac_nothing_is_trusted() {
    let found = identity("no_mac", file!("no_mac.pfx"), "sample");
    assert_eq!(found.identity.chain(), [leaf()]);
    assert!(found.warnings[0].contains("no MAC"), "{:?}", found.warnings);
    let (code, reason) = refusal(file!("no_mac.pfx"), b"wrong");
    assert_eq!(code, "ERR_OSSL_BAD_DECRYPT", "{reason}");

    // The MAC cut away from a file with a root in it.
    let outer = Element::only(file!("chain.pfx")).unwrap();
    let mut members = outer.members();
    let version = members.any().unwrap().whole;
    let content = members.any().unwrap().whole;
    let stripped = der::element(der::SEQUENCE, &[version, content]);
    let found = identity("stripped", &stripped, "sample");
    assert!(found.authorities.is_empty());
    assert!(
        found.warnings[0].contains("1 certificates"),
        "{:?}",
        found.warnings
    );
}

#[test]
fn wrong_passphrases_and_other_octets_are_told_apart() {
    for wrong in [&b"Sample"[..], b"", b"sample\0", b"\xff\xfe"] {
        let (code, reason) = refusal(file!("page.pfx"), wrong);
        assert_eq!(code, "ERR_OSSL_PKCS12_MAC_VERIFY_FAILURE");
        assert!(reason.contains("mac verify failure"), "{reason}");
    }
    for octets in [
        &b""[..],
        b"short",
        file!("leaf.pem"),
        &leaf(),
        key().secret_der(),
        &[0x30, 0x80],
        &[0xff; 100],
    ] {
        let (code, reason) = refusal(octets, b"sample");
        assert_eq!(code, "ERR_OSSL_ASN1_NOT_ENOUGH_DATA");
        assert!(reason.contains("not enough data"), "{reason}");
    }
    assert!(refusal(file!("leaf.pem"), b"").1.contains("PEM"));
    let huge = vec![0x30; 5 << 20];
    assert_eq!(refusal(&huge, b"").0, "ERR_OUT_OF_RANGE");
}

#[test]
fn cut_at_every_octet_it_is_refused() {
    let whole = file!("aes128_sha512.pfx");
    for end in 0..whole.len() {
        let (code, reason) = refusal(&whole[..end], b"sample");
        assert_eq!(code, "ERR_OSSL_ASN1_NOT_ENOUGH_DATA", "cut at {end}");
        assert!(reason.contains("not enough data"), "cut at {end}: {reason}");
    }
}

#[test]
fn changed_at_any_octet_it_is_refused_or_the_same() {
    let whole = file!("plain.pfx");
    let expected = identity("plain", whole, "sample").identity.digest();
    for at in 0..whole.len() {
        let mut changed = whole.to_vec();
        changed[at] ^= 0x55;
        if let Ok(found) = Identity::from_pkcs12(&changed, b"sample") {
            assert_eq!(found.identity.digest(), expected, "changed at {at}");
        }
    }
}

#[test]
fn half_an_identity_is_refused() {
    let (code, reason) = refusal(file!("only_cert.pfx"), b"sample");
    assert_eq!(code, "ERR_INVALID_ARG_VALUE");
    assert!(
        reason.contains("no private key, only 1 certificates"),
        "{reason}"
    );
    let (code, reason) = refusal(file!("only_key.pfx"), b"sample");
    assert_eq!(code, "ERR_OSSL_X509_KEY_VALUES_MISMATCH");
    assert!(
        reason.contains("private key 1 of 1 in the file has no certificate"),
        "{reason}"
    );
    let root = certificate(file!("root.pem"));
    let other = write_with(&[root], &key(), "", &Passphrase::new(b"x"), &[7; 80], 2).unwrap();
    let (code, reason) = refusal(&other, b"x");
    assert_eq!(code, "ERR_OSSL_X509_KEY_VALUES_MISMATCH");
    assert!(
        reason.contains("does not belong to the certificate it is tied to"),
        "{reason}"
    );
}

#[test]
fn what_is_written_is_read() {
    let intermediate = certificate(file!("int.pem"));
    let chain = [leaf(), intermediate];
    for (name, passphrase) in [("", ""), ("näme", "sample"), ("x", "pä€𝄞")] {
        let octets = passphrase.as_bytes();
        let written = write_with(&chain, &key(), name, &Passphrase::new(octets), &[9; 80], 3);
        let found = identity(name, &written.unwrap(), passphrase);
        assert_eq!(found.identity.chain(), chain);
        assert_eq!(found.warnings, [""; 0]);
        assert!(found.authorities.is_empty());
    }
    let refused = |chain: &[CertificateDer<'_>], name| {
        write_pkcs12(chain, &key(), name, b"", &[0; 80])
            .unwrap_err()
            .option()
    };
    assert_eq!(refused(&[], "x"), PFX);
    assert_eq!(refused(&chain, "\u{1d11e}"), PFX);
}

#[test]
fn the_basic_encoding_is_read() {
    let whole = file!("aes128_sha512.pfx");
    let basic = indefinite(whole);
    assert_ne!(basic, whole);
    let found = identity("basic", &basic, "sample");
    assert_eq!(found.identity.chain(), [leaf()]);
}

/// The same with indefinite lengths outside, and the content's string in two pieces, as Java and
/// NSS write it.
fn indefinite(octets: &[u8]) -> Vec<u8> {
    let open = |tag: u8, parts: &[&[u8]]| [&[tag, 0x80], &parts.concat()[..], &[0, 0]].concat();
    let mut members = Element::only(octets).unwrap().members();
    let version = members.any().unwrap().whole;
    let mut info = members.any().unwrap().members();
    let mac = members.any().unwrap().whole;
    let kind = info.any().unwrap().whole;
    let string = info.any().unwrap().members().any().unwrap().content;
    let (first, second) = string.split_at(string.len() / 2);
    let pieces = [
        der::element(der::OCTET_STRING, &[first]),
        der::element(der::OCTET_STRING, &[second]),
    ];
    let string = open(0x24, &[&pieces[0], &pieces[1]]);
    let info = open(der::SEQUENCE, &[kind, &open(der::CONTEXT_0, &[&string])]);
    open(der::SEQUENCE, &[version, &info, mac])
}

#[test]
fn rounds_of_all_parts_come_out_of_one_purse() {
    let mut cost = crate::encryption::Cost::of_one_file();
    cost.spend(4_000_000).unwrap();
    cost.spend(4_000_000).unwrap();
    assert!(cost.spend(4_000_000).is_err());
    let cheap = write_with(&[leaf()], &key(), "", &Passphrase::new(b"x"), &[1; 80], 127).unwrap();
    let mut members = Element::only(&cheap).unwrap().members();
    let (version, content) = (members.any().unwrap().whole, members.any().unwrap().whole);
    let mut mac = members.any().unwrap().members();
    let (info, salt) = (mac.any().unwrap().whole, mac.any().unwrap().whole);
    let rounds = der::element(der::INTEGER, &[&[0x7f, 0xff, 0xff, 0xff]]);
    let mac = der::element(der::SEQUENCE, &[info, salt, &rounds]);
    let file = der::element(der::SEQUENCE, &[version, content, &mac]);
    let (code, reason) = refusal(&file, b"x");
    assert_eq!(code, "ERR_OUT_OF_RANGE");
    assert!(reason.contains("2147483647 rounds"), "{reason}");
}

#[test]
fn contents_keep_the_files_order() {
    let contents = read(file!("chain.pfx"), b"sample").unwrap();
    assert_eq!((contents.keys.len(), contents.certificates.len()), (1, 3));
    assert!(contents.proved);
    assert_eq!(contents.keys[0].id, contents.certificates[0].id);
    assert!(contents.keys[0].id.is_some());
}

#[test]
fn java_writes_several_identities_and_all_are_found() {
    // keytool of Java 17, two entries with keys on P-256 and P-384.
    let found = identity("java", file!("java.pfx"), "sample");
    assert_eq!(found.identity.chains().len(), 2);
    let shown = format!("{:?}", found.identity);
    assert!(
        shown.contains("CN=localhost") && shown.contains("CN=two"),
        "{shown}"
    );
    assert!(found.authorities.is_empty());
    assert_eq!(found.warnings, [""; 0]);
}

#[test]
fn pbmac1_proves_too() {
    // The content of plain.pfx under PBMAC1 (RFC 9579), made with Python's hashlib and hmac.
    let found = identity("pbmac1", file!("pbmac1.pfx"), "sample");
    assert_eq!(found.identity.chain(), [leaf()]);
    assert_eq!(found.warnings, [""; 0]);
    let (code, _) = refusal(file!("pbmac1.pfx"), b"simple");
    assert_eq!(code, "ERR_OSSL_PKCS12_MAC_VERIFY_FAILURE");
    // A key of 19 octets instead of 32 (RFC 9579 §5).
    let whole = file!("pbmac1.pfx");
    let at = whole
        .windows(3)
        .rposition(|window| window == [2, 1, 32])
        .unwrap();
    let mut short = whole.to_vec();
    short[at + 2] = 19;
    assert!(refusal(&short, b"sample").1.contains("20 to 128 octets"));
}
