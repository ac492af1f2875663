//! Is every form of key taken, every mistake named, and nothing secret shown?

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sealane_testkit::certificates::{KeyKind, PemIdentity, TestCa};

use super::Identity;
use crate::OptionError;

fn issue(kind: KeyKind) -> PemIdentity {
    TestCa::new().issue_with_key(kind, &["localhost"])
}

fn read(chain: &str, key: &str) -> Result<Identity, OptionError> {
    Identity::from_pem(chain.as_bytes(), key.as_bytes())
}

/// The option, the code and the reason of a refusal.
fn refusal(chain: &str, key: &str) -> (&'static str, &'static str, String) {
    let error = read(chain, key).unwrap_err();
    assert!(!error.to_string().contains('\n'), "one line: {error}");
    (error.option(), error.code(), error.reason().to_owned())
}

/// What the `openssl` program, our peer in all of this, makes of its input.
fn openssl(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the tests need the openssl program");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_kind_and_form_of_key_is_taken() {
    for kind in KeyKind::ALL {
        let pem = issue(kind);
        assert!(pem.key_pem.contains("BEGIN PRIVATE KEY"));
        read(&pem.chain_pem, &pem.key_pem).unwrap();
        let (form, arguments): (_, &[_]) = match kind {
            KeyKind::Ed25519 => continue,
            KeyKind::Rsa2048 => ("BEGIN RSA PRIVATE KEY", &["rsa", "-traditional"]),
            _ => ("BEGIN EC PRIVATE KEY", &["ec"]),
        };
        let old_form = openssl(arguments, &pem.key_pem);
        assert!(old_form.contains(form), "{kind:?}");
        read(&pem.chain_pem, &old_form).unwrap();
    }
}

#[test]
fn text_and_other_blocks_around_are_skipped() {
    let pem = issue(KeyKind::P256);
    let described = openssl(&["x509", "-text"], &pem.chain_pem);
    let parameters = openssl(&["ecparam", "-name", "prime256v1"], "");
    let key = format!("{parameters}{}", openssl(&["ec"], &pem.key_pem));
    let identity = read(&described, &key).unwrap();
    assert_eq!(identity.chain().len(), 1);
    let both = format!("Bag Attributes\n    friendlyName: x\n{key}{described}trailing\n");
    read(&both, &both).unwrap();
    let both = both.replace('\n', "\r\n");
    read(&both, &both).unwrap();
}

#[test]
fn der_is_taken_and_an_empty_chain_refused() {
    let pem = issue(KeyKind::P256);
    let certificate = CertificateDer::from_pem_slice(pem.chain_pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem.key_pem.as_bytes()).unwrap();
    let identity = Identity::from_der(vec![certificate.clone()], key.clone_key()).unwrap();
    assert_eq!(identity.chain(), [certificate]);
    assert_eq!(
        Identity::from_der(Vec::new(), key).unwrap_err().option(),
        "cert"
    );
}

#[test]
fn missing_and_swapped_parts_are_named() {
    let pem = issue(KeyKind::P256);
    let (chain, key) = (&pem.chain_pem, &pem.key_pem);

    let (option, code, reason) = refusal("", key);
    assert_eq!((option, code), ("cert", "ERR_OSSL_PEM_NO_START_LINE"));
    assert!(reason.ends_with("it is empty"), "{reason}");
    let (option, code, _) = refusal(chain, "nothing here");
    assert_eq!((option, code), ("key", "ERR_OSSL_UNSUPPORTED"));

    let (option, _, reason) = refusal(key, key);
    assert_eq!(option, "cert");
    assert!(reason.contains("swapped"), "{reason}");
    let (option, _, reason) = refusal(chain, chain);
    assert_eq!(option, "key");
    assert!(reason.contains("swapped"), "{reason}");

    let (_, _, reason) = refusal("\n-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n", key);
    assert!(reason.contains("line 2 begins a \"X509 CRL\""), "{reason}");
}

#[test]
fn no_certificate_is_lost_without_a_word() {
    let pem = issue(KeyKind::P256);
    let (chain, key) = (&pem.chain_pem, &pem.key_pem);
    let trusted = openssl(&["x509", "-trustout"], chain);
    let old = chain.replace("CERTIFICATE", "X509 CERTIFICATE");
    for (other, label) in [
        (&trusted, "TRUSTED CERTIFICATE"),
        (&old, "X509 CERTIFICATE"),
    ] {
        let (option, code, reason) = refusal(&format!("{chain}{other}"), key);
        assert_eq!((option, code), ("cert", "ERR_OSSL_UNSUPPORTED"));
        assert!(
            reason.contains(&format!("begins a \"{label}\"")),
            "{reason}"
        );
        read(&openssl(&["x509"], other), key).unwrap();
    }

    let indented = chain.replace("-----BEGIN", "  -----BEGIN");
    let (option, code, reason) = refusal(&format!("{chain}{indented}"), key);
    assert_eq!((option, code), ("cert", "ERR_OSSL_PEM_NO_START_LINE"));
    let line = chain.lines().count() + 1;
    assert!(
        reason.starts_with(&format!("line {line} holds a PEM marker")),
        "{reason}"
    );

    let escaped = key.replace('\n', "\\n");
    let (option, code, reason) = refusal(chain, &escaped);
    assert_eq!((option, code), ("key", "ERR_OSSL_UNSUPPORTED"));
    assert!(reason.contains("two characters \\n"), "{reason}");
}

#[test]
fn a_byte_order_mark_is_no_junk() {
    let pem = issue(KeyKind::P256);
    let marked = |text: &str| format!("\u{feff}{text}");
    read(&marked(&pem.chain_pem), &marked(&pem.key_pem)).unwrap();
}

#[test]
fn broken_text_is_named_with_its_line() {
    let pem = issue(KeyKind::P256);
    let (chain, key) = (&pem.chain_pem, &pem.key_pem);

    let cut = &chain[..chain.len() / 2];
    let (option, code, reason) = refusal(cut, key);
    assert_eq!((option, code), ("cert", "ERR_OSSL_PEM_BAD_END_LINE"));
    assert!(reason.contains("line 1"), "{reason}");

    let mut lines: Vec<_> = chain.lines().collect();
    lines[2] = "MII*";
    let (option, code, reason) = refusal(&lines.join("\n"), key);
    assert_eq!((option, code), ("cert", "ERR_OSSL_PEM_BAD_BASE64_DECODE"));
    assert_eq!(reason, "line 3 is not base64");

    lines.remove(2);
    let (option, code, reason) = refusal(&lines.join("\n"), key);
    assert_eq!((option, code), ("cert", "ERR_INVALID_ARG_VALUE"));
    assert_eq!(
        reason,
        "certificate 1 of 1 is not a valid X.509 certificate"
    );

    let (option, code, reason) = refusal(chain, &key.replacen("M", "\u{e4}", 1));
    assert_eq!((option, code), ("key", "ERR_OSSL_UNSUPPORTED"));
    assert_eq!(reason, "line 2 is not base64");
    let (_, _, reason) = refusal(chain, &key.replace("END PRIVATE", "END PUBLIC"));
    assert!(reason.contains("no matching END line"), "{reason}");
}

#[test]
fn encrypted_keys_are_refused_as_such() {
    let pem = issue(KeyKind::Rsa2048);
    let new = openssl(&["pkcs8", "-topk8", "-passout", "pass:x"], &pem.key_pem);
    let old = openssl(
        &["rsa", "-traditional", "-aes256", "-passout", "pass:x"],
        &pem.key_pem,
    );
    assert!(old.contains("Proc-Type: 4,ENCRYPTED"));
    for key in [new, old] {
        let (option, code, reason) = refusal(&pem.chain_pem, &key);
        assert_eq!((option, code), ("key", "ERR_OSSL_BAD_DECRYPT"));
        assert!(reason.contains("passphrase"), "{reason}");
    }
}

#[test]
fn several_keys_are_refused_with_their_lines() {
    let (one, two) = (issue(KeyKind::P256), issue(KeyKind::P256));
    let keys = format!("{}{}", one.key_pem, two.key_pem);
    let second = one.key_pem.lines().count() + 1;
    let (option, code, reason) = refusal(&one.chain_pem, &keys);
    assert_eq!((option, code), ("key", "ERR_INVALID_ARG_VALUE"));
    assert_eq!(
        reason,
        format!("2 private keys found, in lines 1, {second} …; give one")
    );
}

#[test]
fn unsupported_keys_are_named_by_kind() {
    let pem = issue(KeyKind::P256);
    for (arguments, kind) in [
        (&["-algorithm", "ED448"][..], "an Ed448 key"),
        (&["-algorithm", "X25519"], "a key agreement key"),
        (
            &[
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:secp256k1",
            ],
            "another elliptic curve",
        ),
        (
            &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
            "an RSA key of unsuitable",
        ),
    ] {
        let key = openssl(&[&["genpkey"], arguments].concat(), "");
        let (option, code, reason) = refusal(&pem.chain_pem, &key);
        assert_eq!((option, code), ("key", "ERR_OSSL_UNSUPPORTED"));
        assert!(reason.contains(kind), "{reason}");
    }
    let foreign = pem.key_pem.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY");
    let (_, _, reason) = refusal(&pem.chain_pem, &foreign);
    assert!(reason.contains("OPENSSH PRIVATE KEY"), "{reason}");
    let garbage = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(vec![0x30, 0x84, 0xff]));
    let error = Identity::from_der(Vec::new(), garbage).unwrap_err();
    assert!(error.reason().contains("not PKCS#8, or broken"));
}

#[test]
fn a_key_that_belongs_elsewhere_is_refused() {
    let (one, two) = (issue(KeyKind::P256), issue(KeyKind::P256));
    let mismatch = ("key", "ERR_OSSL_X509_KEY_VALUES_MISMATCH");
    let (option, code, reason) = refusal(&one.chain_pem, &two.key_pem);
    assert_eq!((option, code), mismatch);
    assert_eq!(reason, "the key does not belong to the certificate");

    let wrong_order = format!("{}{}", two.chain_pem, one.chain_pem);
    let (option, code, reason) = refusal(&wrong_order, &one.key_pem);
    assert_eq!((option, code), mismatch);
    assert!(
        reason.contains("certificate 2 of 2; put that one first"),
        "{reason}"
    );
    let other_kind = issue(KeyKind::Rsa2048);
    assert_eq!(refusal(&other_kind.chain_pem, &one.key_pem).1, mismatch.1);
}

#[test]
fn validity_is_told_and_not_judged() {
    let expired =
        TestCa::new().issue_between(KeyKind::P256, &["localhost"], (2001, 2, 3), (2004, 5, 6));
    let identity = read(&expired.chain_pem, &expired.key_pem).unwrap();
    assert_eq!(
        identity.validity().next(),
        Some((981_158_400, 1_083_801_600))
    );
}

#[test]
fn debug_escapes_what_a_certificate_says() {
    let pem = TestCa::new().issue(&["localhost"]);
    let shown = format!("{:?}", read(&pem.chain_pem, &pem.key_pem).unwrap());
    assert!(
        shown.starts_with("Identity [Pair { subject: \"CN=localhost\""),
        "{shown}"
    );
    assert!(shown.contains("key: ECDSA"), "{shown}");
}

#[test]
fn lists_are_matched_in_any_order_and_nothing_is_left_over() {
    let (one, two) = (issue(KeyKind::P256), issue(KeyKind::Rsa2048));
    let chains = [one.chain_pem.as_bytes(), two.chain_pem.as_bytes()];
    let keys = [
        (two.key_pem.as_bytes(), None),
        (one.key_pem.as_bytes(), None),
    ];
    let both = Identity::from_pem_lists(&chains, &keys).unwrap();
    let separate = read(&one.chain_pem, &one.key_pem)
        .unwrap()
        .and(read(&two.chain_pem, &two.key_pem).unwrap());
    assert_eq!(both.digest(), separate.digest());
    assert!(both.chains().eq(separate.chains()));
    assert_eq!((both.validity().len(), both.certified().len()), (2, 2));
    let turned = Identity::from_pem_lists(&[chains[1], chains[0]], &keys).unwrap();
    assert_ne!(turned.digest(), both.digest(), "the order counts");

    let error = Identity::from_pem_lists(&chains, &keys[1..]).unwrap_err();
    assert_eq!(error.code(), "ERR_OSSL_X509_KEY_VALUES_MISMATCH");
    assert!(
        error.reason().starts_with("certificate 2 of 2, \"CN="),
        "{error}"
    );
    let error = Identity::from_pem_lists(&chains[..1], &keys).unwrap_err();
    assert_eq!(error.reason(), "key 1 of 2 belongs to no certificate given");
    assert!(Identity::from_pem_lists(&[], &[]).is_err());
    assert!(Identity::from_pem_lists(&chains, &[]).is_err());
}

#[test]
fn keys_in_der_are_read_in_every_form() {
    let pem = issue(KeyKind::P256);
    let chain = CertificateDer::from_pem_slice(pem.chain_pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem.key_pem.as_bytes()).unwrap();
    let read = |key: &[u8], passphrase| Identity::from_der_octets(&[&chain], key, passphrase);
    read(key.secret_der(), None).unwrap();
    let sec1 = PrivateKeyDer::from_pem_slice(openssl(&["ec"], &pem.key_pem).as_bytes()).unwrap();
    read(sec1.secret_der(), None).unwrap();
    let sealed = openssl(&["pkcs8", "-topk8", "-passout", "pass:x"], &pem.key_pem);
    let sealed = crate::pem::blocks(sealed.as_bytes()).unwrap()[0]
        .decode()
        .unwrap();
    read(&sealed, Some(b"x")).unwrap();
    for passphrase in [None, Some(&b"y"[..])] {
        assert_eq!(
            read(&sealed, passphrase).unwrap_err().code(),
            "ERR_OSSL_BAD_DECRYPT"
        );
    }
    assert_eq!(read(&[1, 2, 3], None).unwrap_err().option(), "key");
}

#[test]
fn certificates_out_of_their_time_are_warned_of_with_the_date() {
    let times = [(2001, 2, 3), (2004, 5, 6)];
    let made = TestCa::new().issue_between(KeyKind::P256, &["localhost"], times[0], times[1]);
    let identity = read(&made.chain_pem, &made.key_pem).unwrap();
    let warnings = |seconds| {
        let now = rustls_pki_types::UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        identity.warnings(now).collect::<Vec<_>>()
    };
    let (first, last) = (981_158_400, 1_083_801_600);
    assert_eq!(warnings(first), [""; 0]);
    assert_eq!(warnings(last), [""; 0]);
    let early = "the certificate \"CN=localhost\" is not valid before 2001-02-03; peers refuse it";
    assert_eq!(warnings(first - 1), [early]);
    let late = "the certificate \"CN=localhost\" expired on 2004-05-06; peers refuse it";
    assert_eq!(warnings(last + 1), [late]);
    assert_eq!(warnings(u64::MAX), [late]);
}
