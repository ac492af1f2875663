//! Is a failure told whole, in one order, and with something to do?

use super::Diagnosis;

#[test]
fn it_is_written_line_by_line() {
    let told = Diagnosis::new("CERT_HAS_EXPIRED", "certificate has expired: \"CN=a\"")
        .with("certificate 1", "\"CN=a\"".to_owned())
        .with("now", "today".to_owned());
    let text = told.to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], told.cause());
    assert_eq!(lines[1], "  code: CERT_HAS_EXPIRED");
    assert_eq!(lines[2], "  certificate 1: \"CN=a\"");
    assert_eq!(lines[3], "  now: today");
    assert_eq!(lines[4], format!("  next step: {}", told.next_step()));
    assert_eq!((lines.len(), text.ends_with('\n')), (5, false));
    let evidence: Vec<_> = told.evidence().collect();
    assert_eq!(evidence, [("certificate 1", "\"CN=a\""), ("now", "today")]);
}

#[test]
fn every_code_of_the_table_has_a_step_of_its_own() {
    let unknown = Diagnosis::new("SOMETHING_ELSE", "").next_step();
    for code in [
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        "SELF_SIGNED_CERT_IN_CHAIN",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        "UNABLE_TO_GET_ISSUER_CERT",
        "CERT_HAS_EXPIRED",
        "CERT_NOT_YET_VALID",
        "CERT_REVOKED",
        "UNABLE_TO_GET_CRL",
        "CRL_HAS_EXPIRED",
        "CRL_NOT_YET_VALID",
        "CRL_SIGNATURE_FAILURE",
        "INVALID_PURPOSE",
        "INVALID_CA",
        "PATH_LENGTH_EXCEEDED",
        "CERT_CHAIN_TOO_LONG",
        "PERMITTED_VIOLATION",
        "UNHANDLED_CRITICAL_EXTENSION",
        "CERT_SIGNATURE_FAILURE",
        "EE_KEY_TOO_SMALL",
        "ERR_TLS_CERT_ALTNAME_INVALID",
        "CERT_REJECTED",
        "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE",
    ] {
        let step = Diagnosis::new(code, "").next_step();
        assert_ne!(step, unknown, "{code}");
        assert!(!step.contains('\n') && !step.contains("  "), "{step}");
    }
}
