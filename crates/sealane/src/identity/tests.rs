//! Do the errors of an identity name the file that is wrong?

use std::fs::File;

use sealane_testkit::certificates::TestCa;

use super::*;

#[test]
fn two_files_make_an_identity_and_its_debug_shows_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let pem = TestCa::new().issue(&["localhost"]);
    let files = pem.write_to(folder.path());
    let identity = Identity::from_pem_files(&files.cert, &files.key).unwrap();
    let key = pem.key_pem.lines().nth(1).unwrap();
    assert!(!format!("{identity:?}").contains(key));
}

#[test]
fn a_missing_file_is_named_with_its_code() {
    let error = Identity::from_pem_files("/nowhere/cert.pem", "/nowhere/key.pem").unwrap_err();
    assert_eq!(error.code(), Some("ENOENT"));
    assert!(
        error
            .to_string()
            .contains("certificate file \"/nowhere/cert.pem\""),
        "{error}"
    );
}

#[test]
fn a_key_of_another_certificate_is_refused_by_both_names() {
    let folder = tempfile::tempdir().unwrap();
    let ca = TestCa::new();
    let files = ca.issue(&["localhost"]).write_to(folder.path());
    std::fs::write(&files.key, ca.issue(&["localhost"]).key_pem).unwrap();
    let error = Identity::from_pem_files(&files.cert, &files.key).unwrap_err();
    assert_eq!(error.code(), Some("ERR_OSSL_X509_KEY_VALUES_MISMATCH"));
    assert!(error.to_string().contains("cert.pem") && error.to_string().contains("key.pem"));
}

#[test]
fn an_endless_file_is_refused_before_it_fills_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let endless = folder.path().join("endless");
    File::create(&endless).unwrap().set_len(1 << 40).unwrap();
    let error = Identity::from_pem_files(&endless, &endless).unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[test]
fn files_of_encrypted_keys_and_pkcs12_are_named_and_keep_their_codes() {
    let folder = tempfile::tempdir().unwrap();
    let files = TestCa::new().issue(&["localhost"]).write_to(folder.path());
    let key = folder.path().join("encrypted.pem");
    let text = include_bytes!("../../../sealane-tls/src/encryption/tests/key_default.pem");
    std::fs::write(&key, text).unwrap();
    for (passphrase, code) in [
        (None, "ERR_OSSL_BAD_DECRYPT"),
        (Some("wrong"), "ERR_OSSL_BAD_DECRYPT"),
        (Some("sample"), "ERR_OSSL_X509_KEY_VALUES_MISMATCH"),
    ] {
        let error = match passphrase {
            None => Identity::from_pem_files(&files.cert, &key),
            Some(passphrase) => Identity::from_pem_files_encrypted(&files.cert, &key, passphrase),
        };
        let error = error.unwrap_err();
        assert_eq!(error.code(), Some(code), "{error}");
        assert!(error.to_string().contains("encrypted.pem"), "{error}");
    }
    let pfx = folder.path().join("chain.pfx");
    let octets = include_bytes!("../../../sealane-tls/src/pkcs12/tests/chain.pfx");
    std::fs::write(&pfx, octets).unwrap();
    let error = Identity::from_pfx_file(&pfx, "wrong").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("mac verify failure"), "{text}");
    assert!(
        text.contains("PKCS#12 file") && text.contains("chain.pfx"),
        "{text}"
    );
    let identity = Identity::from_pfx_file(&pfx, "sample").unwrap();
    assert!(identity.authorities().is_some());
    assert!(!format!("{identity:?}").contains("sample"));
    let other = Identity::from_pem_files(&files.cert, &files.key).unwrap();
    assert!(other.authorities().is_none());
    let both = other.and(identity);
    assert!(both.authorities().is_some());
    assert_eq!(both.into_inner().chains().len(), 2);
}

#[test]
fn what_is_written_as_pkcs12_is_read_again() {
    let pem = TestCa::new().issue(&["localhost"]);
    let file = write_pfx(&pem.chain_pem, &pem.key_pem, "a name", "sample").unwrap();
    let again = write_pfx(&pem.chain_pem, &pem.key_pem, "a name", "sample").unwrap();
    assert_ne!(file, again, "salts are fresh");
    let identity = Identity::from_pfx(&file, "sample").unwrap();
    let own = Identity::from_pem(&pem.chain_pem, &pem.key_pem).unwrap();
    let raw = |identity: &Identity| -> Vec<_> {
        let certificates = identity.certificates();
        certificates.map(|found| found.raw().to_vec()).collect()
    };
    assert_eq!(raw(&identity), raw(&own));
    assert_eq!(raw(&identity).len(), 1);
    assert_eq!(identity.warnings().count(), 0);
    assert!(Identity::from_pfx(&file, "Sample").is_err());
    for (chain, key) in [("", &*pem.key_pem), (&pem.chain_pem, "")] {
        assert!(write_pfx(chain, key, "a name", "sample").is_err());
    }
}
