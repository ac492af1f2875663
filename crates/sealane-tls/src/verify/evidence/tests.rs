//! Does a refusal show what was found, all of it bounded and escaped?

use rustls_pki_types::{CertificateDer, ServerName};
use sealane_testkit::certificates::{ListTemplate, Template, TestCa};

use super::{MAX_CERTIFICATES, span};
use crate::diagnosis::Diagnosis;
use crate::revocation::Revocation;
use crate::trust::Roots;
use crate::verify::tests::{chain, now};
use crate::verify::{ServerVerifier, VerifierRules};

fn diagnosed(rules: VerifierRules, sent: &[CertificateDer<'_>]) -> Diagnosis {
    let name = ServerName::try_from("localhost").unwrap();
    let judged = ServerVerifier::new(rules).judge(sent, &name, now());
    judged.expect_err("it is refused").into()
}

fn trusting(ca: &TestCa) -> VerifierRules {
    VerifierRules::strict(Roots::from_der([ca.certificate_der()]).unwrap())
}

/// The text of the first piece of evidence of this name.
fn found(diagnosis: &Diagnosis, wanted: &str) -> Option<String> {
    let mut all = diagnosis.evidence();
    let (_, text) = all.find(|(label, _)| *label == wanted)?;
    Some(text.to_owned())
}

#[test]
fn an_expired_certificate_shows_its_dates_and_how_long_ago() {
    let ca = TestCa::new();
    let old = Template::server(&["localhost"]).between((2026, 1, 1), (2027, 1, 5));
    let sent = chain(&ca.issue_like(&old).chain_pem);
    let told = diagnosed(trusting(&ca), &sent);
    let first = found(&told, "certificate 1").unwrap();
    for part in [
        "\"CN=localhost\", issued by \"CN=Sealane test root\"",
        "valid 2026-01-01 00:00:00 UTC to 2027-01-05 00:00:00 UTC (ended 10 days ago)",
        "SHA-256 ",
    ] {
        assert!(first.contains(part), "{part} in: {first}");
    }
    let now = found(&told, "now").unwrap();
    assert_eq!(now, "2027-01-15 08:00:00 UTC");
    let anchor = found(&told, "trust anchor").unwrap();
    assert_eq!(
        anchor,
        "\"CN=Sealane test root\" is the name of a trust anchor"
    );
    assert_eq!(found(&told, "missing"), None);
}

#[test]
fn a_wrong_name_shows_what_was_wanted_and_what_is_there() {
    let ca = TestCa::new();
    let sent = chain(&ca.issue(&["other.example", "127.0.0.1"]).chain_pem);
    let told = diagnosed(trusting(&ca), &sent);
    assert_eq!(found(&told, "name wanted").unwrap(), "localhost");
    let names = found(&told, "names found").unwrap();
    assert_eq!(names, "DNS:other.example, IP Address:127.0.0.1");
}

#[test]
fn a_missing_intermediate_is_suspected_and_its_place_shown() {
    let root = TestCa::new();
    let middle = root.intermediate_like(&Template::authority("middle"));
    let leaf = Template::server(&["localhost"]).issuer_place("http://ca.example/middle.crt");
    let sent = chain(&middle.issue_like(&leaf).chain_pem);
    let told = diagnosed(trusting(&root), &sent[..1]);
    assert_eq!(told.code(), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    let anchor = found(&told, "trust anchor").unwrap();
    assert_eq!(
        anchor,
        "none of the 1 that are given has the name \"CN=middle\""
    );
    assert!(
        found(&told, "missing")
            .unwrap()
            .contains("\"CN=middle\" was not sent")
    );
    let place = found(&told, "issuer's certificate").unwrap();
    assert_eq!(place, "\"http://ca.example/middle.crt\"");
    assert!(
        told.next_step()
            .contains("send all intermediate certificates")
    );
}

#[test]
fn lists_are_shown_with_their_dates() {
    let ca = TestCa::new();
    let list = ListTemplate::new().between((2020, 1, 1), (2021, 1, 1));
    let rules = VerifierRules {
        crl: Some(Revocation::from_pem(ca.list(&list)).unwrap()),
        ..trusting(&ca)
    };
    let told = diagnosed(rules, &chain(&ca.issue(&["localhost"]).chain_pem));
    let list = found(&told, "revocation list").unwrap();
    assert!(
        list.starts_with("of \"CN=Sealane test root\", made 2020-01-01"),
        "{list}"
    );
}

#[test]
fn whatever_is_sent_the_text_is_bounded_and_escaped() {
    let evil = format!("evil\n\u{1b}[31m{}", "x".repeat(500));
    let leaf = Template::server(&["localhost"]).common_name(&evil);
    let mut sent = chain(&leaf.self_signed().chain_pem);
    let noise = CertificateDer::from(vec![0; 9]);
    sent.extend(std::iter::repeat_n(noise, 200));
    let told = diagnosed(trusting(&TestCa::new()), &sent);
    let more = found(&told, "more certificates").unwrap();
    assert_eq!(more, (201 - MAX_CERTIFICATES).to_string());
    assert_eq!(
        found(&told, "certificate 2").unwrap(),
        "(9 octets that cannot be read)"
    );
    let text = told.to_string();
    assert!(
        text.lines().count() < 20 && text.len() < 3000,
        "{}",
        text.len()
    );
    let shown = |it: char| it == '\n' || it == '…' || it.is_ascii_graphic() || it == ' ';
    assert!(text.chars().all(shown), "{text:?}");
}

#[test]
fn spans_have_a_unit_that_says_something() {
    for (seconds, text) in [
        (0, "0 minutes"),
        (60, "1 minute"),
        (7199, "119 minutes"),
        (7200, "2 hours"),
        (172_799, "47 hours"),
        (172_800, "2 days"),
        (i64::MAX, "106751991167300 days"),
    ] {
        assert_eq!(span(seconds), text);
    }
}
