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
