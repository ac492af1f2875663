//! Is a self-signed certificate that was given believed, and nothing else because of it?

use sealane_testkit::certificates::{Template, TestCa};

use super::{chain, code_with, judge_at, now, server};
use crate::error::Refusal;
use crate::trust::Roots;

/// Judges a certificate that was given as its own anchor.
fn judge_itself(pem: &str, name: &str) -> Result<(), Refusal> {
    judge_at(Roots::from_pem(pem).unwrap(), pem, name, now())
}

#[test]
fn whatever_it_calls_itself_it_is_believed() {
    for template in [
        server(),
        server().says_authority(true),
        server().says_authority(false),
        server().without_uses(),
        Template::authority("localhost"),
    ] {
        let pem = template.self_signed().chain_pem;
        assert_eq!(judge_itself(&pem, "localhost"), Ok(()), "{template:?}");
    }
}

#[test]
fn the_certificate_of_the_page_s_command_is_believed_by_its_common_name() {
    assert_eq!(judge_itself(PAGE, "localhost"), Ok(()));
    assert_eq!(judge_itself(PAGE, "LocalHost"), Ok(()));
    for other in ["other.example", "127.0.0.1"] {
        let code = code_with(judge_itself(PAGE, other), &["CN=localhost"]);
        assert_eq!(code, "ERR_TLS_CERT_ALTNAME_INVALID", "{other}");
    }
    // Not given, it is a stranger like any other, even if one of the same name was.
    for stranger in [PAGE, &server().self_signed().chain_pem] {
        let given = Roots::from_pem(server().self_signed().chain_pem).unwrap();
        let judged = judge_at(given, stranger, "localhost", now());
        assert_eq!(judged.unwrap_err().code(), "DEPTH_ZERO_SELF_SIGNED_CERT");
    }
}

#[test]
fn the_common_name_counts_only_without_other_names() {
    let named = Template::server(&["other.example"]).common_name("localhost");
    let pem = named.self_signed().chain_pem;
    let code = judge_itself(&pem, "localhost").unwrap_err().code();
    assert_eq!(code, "ERR_TLS_CERT_ALTNAME_INVALID");
    assert_eq!(judge_itself(&pem, "other.example"), Ok(()));

    let address = Template::server(&["127.0.0.1"]).common_name("localhost");
    let pem = address.self_signed().chain_pem;
    let code = judge_itself(&pem, "localhost").unwrap_err().code();
    assert_eq!(code, "ERR_TLS_CERT_ALTNAME_INVALID");
}

#[test]
fn names_of_other_kinds_leave_the_common_name() {
    let mail = server_without_names().alternative_email("a@localhost");
    let pem = mail.self_signed().chain_pem;
    assert_eq!(judge_itself(&pem, "localhost"), Ok(()));
}

#[test]
fn alternative_names_that_cannot_be_read_are_not_passed_over() {
    // A DNS name that is no text; what is no list at all does not even become an anchor.
    let broken = server_without_names().alternative_octets(&[0x30, 0x03, 0x82, 0x01, 0xff]);
    let pem = broken.self_signed().chain_pem;
    let code = judge_itself(&pem, "localhost").unwrap_err().code();
    assert_eq!(code, "ERR_TLS_CERT_ALTNAME_INVALID");
    let none = server_without_names().alternative_octets(&[0x04, 0x01, 0x00]);
    assert!(Roots::from_pem(none.self_signed().chain_pem).is_err());
}

fn server_without_names() -> Template {
    Template::server(&[]).common_name("localhost")
}

#[test]
fn everything_else_still_counts() {
    for (template, code) in [
        (
            server().between((2000, 1, 1), (2001, 1, 1)),
            "CERT_HAS_EXPIRED",
        ),
        (
            server().between((2040, 1, 1), (2041, 1, 1)),
            "CERT_NOT_YET_VALID",
        ),
        (server().for_clients(), "INVALID_PURPOSE"),
        (server().with_unknown_rule(), "UNHANDLED_CRITICAL_EXTENSION"),
    ] {
        for template in [template.clone(), template.says_authority(true)] {
            let pem = template.self_signed().chain_pem;
            let judged = judge_itself(&pem, "localhost");
            assert_eq!(
                code_with(judged, &["\"CN=localhost\""]),
                code,
                "{template:?}"
            );
        }
    }
}

#[test]
fn a_key_that_is_too_short_proves_nothing() {
    let shown = ["\"CN=localhost\"", "1024 bits", "2048 are required"];
    let code = code_with(judge_itself(SHORT_KEY, "localhost"), &shown);
    assert_eq!(code, "EE_KEY_TOO_SMALL");
}

#[test]
fn one_octet_less_and_it_is_another_certificate() {
    let given = Roots::from_pem(PAGE).unwrap();
    let mut octets = chain(PAGE)[0].to_vec();
    let last = octets.len() - 1;
    octets[last] ^= 1;
    assert!(!given.contains(&octets.clone().into()));
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let judged = super::verifier(given).judge(&[octets.into()], &name, now());
    assert_eq!(judged.unwrap_err().code(), "DEPTH_ZERO_SELF_SIGNED_CERT");
}

#[test]
fn its_word_for_itself_is_not_asked() {
    // By an algorithm that is not supported any more, or by nobody at all.
    let mut forged = chain(PAGE)[0].to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    for octets in [super::by_sha1(&chain(PAGE)[0]), forged] {
        let verifier = super::verifier(Roots::from_der([&octets]).unwrap());
        let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
        assert_eq!(verifier.judge(&[octets.into()], &name, now()), Ok(()));
    }
}

#[test]
fn one_that_an_authority_of_its_name_signed_is_believed_with_and_without_that_authority() {
    let ca = TestCa::root(&Template::authority("localhost"));
    let leaf = ca.issue(&["localhost"]).chain_pem;
    for given in [
        leaf.clone() + &ca.certificate_pem(),
        ca.certificate_pem(),
        leaf.clone(),
    ] {
        let roots = Roots::from_pem(given).unwrap();
        assert_eq!(judge_at(roots, &leaf, "localhost", now()), Ok(()));
    }
}

#[test]
fn its_key_usage_is_not_asked() {
    for template in [server().may_not_sign(), Template::authority("localhost")] {
        let pem = template.self_signed().chain_pem;
        assert_eq!(judge_itself(&pem, "localhost"), Ok(()));
    }
}

/// Made by `openssl req -x509 -newkey rsa:2048 -nodes -sha256 -subj '/CN=localhost'` with a life
/// of a hundred years, so that no test ends with a calendar: CA:TRUE, and a common name only.
const PAGE: &str = include_str!("page.pem");

/// The same with `rsa:1024`.
const SHORT_KEY: &str = include_str!("short_key.pem");
