//! Exit codes, hints, and what is never shown.

use super::*;

#[test]
fn the_phase_decides_the_exit_code() {
    for (phase, code) in [
        (Phase::Setup, 2),
        (Phase::Resolve, 3),
        (Phase::Connect, 3),
        (Phase::Proxy, 3),
        (Phase::Handshake, 3),
        (Phase::SendHead, 3),
        (Phase::SendBody, 3),
        (Phase::ReceiveHead, 4),
        (Phase::ReceiveBody, 4),
    ] {
        assert_eq!(exit_code(ErrorKind::Io, phase), code, "{phase:?}");
        assert_eq!(exit_code(ErrorKind::Options, phase), 2, "{phase:?}");
    }
}

#[test]
fn tls_that_fails_before_the_response_is_no_response() {
    assert_eq!(exit_code(ErrorKind::Tls, Phase::ReceiveHead), 3);
    assert_eq!(exit_code(ErrorKind::Tls, Phase::ReceiveBody), 4);
}

#[test]
fn hints_say_what_to_do() {
    let args = TlsArgs::default();
    let hint = |code| hint(ErrorKind::Tls, Phase::Handshake, code, &args).unwrap_or_default();
    assert!(hint("ERR_SSL_WRONG_VERSION_NUMBER").contains("plain HTTP"));
    assert!(hint("ECONNREFUSED").contains("running"));
    assert_eq!(hint("EPROTO"), "");
    assert_eq!(hint(""), "");
    let late = |phase| super::hint(ErrorKind::Timeout, phase, "ETIMEDOUT", &args).unwrap();
    assert!(late(Phase::Connect).ends_with("--connect-timeout"));
    assert!(late(Phase::Proxy).ends_with("--connect-timeout"));
    assert!(hint("ENETUNREACH").contains("-4 and -6"));
    assert!(hint("EADDRNOTAVAIL").contains("--local-address"));
    assert!(late(Phase::ReceiveHead).ends_with("--timeout"));
}

#[test]
fn only_https_passes() {
    for url in ["https://h/", "HTTPS://h", "https://h:99999/", "https://"] {
        assert_eq!(
            check_scheme(url),
            Ok(()),
            "{url}: the rest is the library's"
        );
    }
    for (url, wanted) in [
        ("http://h/", "is plain HTTP"),
        ("ftp://h/", "the scheme of ftp://h/ is ftp"),
        ("localhost:8443", "hint: write https://localhost:8443"),
        ("example.com/a", "hint: write https://example.com/a"),
        ("//example.com/a", "hint: write https://example.com/a"),
        ("", "has no scheme"),
        ("127.0.0.1:8443", "hint: write https://127.0.0.1:8443"),
    ] {
        let failure = check_scheme(url).unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.to_string().contains(wanted), "{url}: {failure}");
    }
}

#[test]
fn passwords_are_not_shown() {
    assert_eq!(without_secrets("https://me:secret@h/a?b"), "https://h/a?b");
    for url in [
        "http://me:secret@h/",
        "me:secret@h/",
        "ftp://me:secret@h/",
        "//me:secret@h",
    ] {
        let said = check_scheme(url).unwrap_err().to_string();
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn a_diagnosis_is_the_library_s_and_flags_are_named_beneath() {
    let text = "not trusted\n  code: X\n  next step: give it as `ca`";
    let said = diagnosed(Failure::new("refused"), text).to_string();
    let wanted = format!("error: refused\n{text}\nhint: `ca` is --cacert FILE here");
    assert_eq!(said, wanted);
    let plain = diagnosed(Failure::new("refused"), "expired").to_string();
    assert_eq!(plain, "error: refused\nexpired");
}
