//! Is a certificate of version 1 believed where it can do no harm, and nowhere else?

use rustls_pki_types::{CertificateDer, ServerName};
use sealane_testkit::certificates::{ListTemplate, Template, TestCa};
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use crate::error::Refusal;
use crate::permissions;
use crate::revocation::Revocation;
use crate::trust::Roots;
use crate::verify::tests::{chain, code_with, now};
use crate::verify::{ServerVerifier, VerifierRules};

/// Rules under which the common name counts, for version 1 has no other.
fn rules(given: impl AsRef<[u8]>) -> VerifierRules {
    VerifierRules {
        common_name: true,
        ..VerifierRules::strict(Roots::from_pem(given).unwrap())
    }
}

fn judge(rules: VerifierRules, sent: &[CertificateDer<'_>]) -> Result<(), Refusal> {
    let name = ServerName::try_from("localhost").unwrap();
    ServerVerifier::new(rules).judge(sent, &name, now())
}

fn leaf() -> Template {
    Template::server(&["localhost"]).serial(7)
}

fn is_first(der: &CertificateDer<'_>) -> bool {
    let (rest, read) = X509Certificate::from_der(der).unwrap();
    rest.is_empty() && permissions::is_first_version(&read)
}

#[test]
fn one_that_an_anchor_signed_itself_is_believed() {
    let ca = TestCa::new();
    let sent = chain(&ca.issue_first_version(&leaf()).chain_pem);
    assert!(is_first(&sent[0]));
    let given = ca.certificate_pem();
    let verifier = ServerVerifier::new(rules(&given));
    let name = ServerName::try_from("localhost").unwrap();
    assert_eq!(verifier.judge(&sent, &name, now()), Ok(()));
    assert_eq!(verifier.judge_resumed(&sent, &name, now()), Ok(()));
    let path = verifier.path(&sent).unwrap();
    assert_eq!(path[..], [sent[0].clone(), chain(&given).remove(0)]);
    // The name still counts, and without the door it has none.
    let strict = VerifierRules {
        common_name: false,
        ..rules(&given)
    };
    let judged = judge(strict, &sent);
    assert_eq!(judged.unwrap_err().code(), "ERR_TLS_CERT_ALTNAME_INVALID");
}

#[test]
fn a_root_of_version_1_may_have_signed_it_or_one_of_version_3() {
    let ca = TestCa::new();
    let root = ca.certificate_first_version();
    assert!(is_first(&chain(&root)[0]));
    let old = chain(&ca.issue_first_version(&leaf()).chain_pem);
    assert_eq!(judge(rules(&root), &old), Ok(()));
    let new = chain(&ca.issue_like(&leaf()).chain_pem);
    assert_eq!(judge(rules(&root), &new), Ok(()));
    let deeper = chain(&ca.intermediate().issue_like(&leaf()).chain_pem);
    assert_eq!(judge(rules(&root), &deeper), Ok(()));
}

#[test]
fn strangers_and_forgers_are_named() {
    let (ca, other) = (TestCa::new(), TestCa::root(&Template::authority("other")));
    let sent = chain(&other.issue_first_version(&leaf()).chain_pem);
    let code = judge(rules(ca.certificate_pem()), &sent)
        .unwrap_err()
        .code();
    assert_eq!(code, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    let mut forged = chain(&ca.issue_first_version(&leaf()).chain_pem)[0].to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let code = judge(rules(ca.certificate_pem()), &[forged.into()]);
    assert_eq!(code.unwrap_err().code(), "CERT_SIGNATURE_FAILURE");
}

#[test]
fn dates_and_lists_count() {
    let ca = TestCa::new();
    let old = leaf().between((2000, 1, 1), (2001, 1, 1));
    let sent = chain(&ca.issue_first_version(&old).chain_pem);
    let code = judge(rules(ca.certificate_pem()), &sent)
        .unwrap_err()
        .code();
    assert_eq!(code, "CERT_HAS_EXPIRED");
    let sent = chain(&ca.issue_first_version(&leaf()).chain_pem);
    let listed = |list: &ListTemplate| {
        let rules = VerifierRules {
            crl: Some(Revocation::from_pem(ca.list(list)).unwrap()),
            ..rules(ca.certificate_pem())
        };
        judge(rules, &sent).map_err(|refusal| refusal.code())
    };
    assert_eq!(listed(&ListTemplate::new()), Ok(()));
    assert_eq!(listed(&ListTemplate::new().revokes(7)), Err("CERT_REVOKED"));
}

#[test]
fn below_an_intermediate_or_limits_of_names_it_is_refused() {
    let ca = TestCa::new();
    let below = chain(&ca.intermediate().issue_first_version(&leaf()).chain_pem);
    assert_eq!(below.len(), 2);
    let judged = judge(rules(ca.certificate_pem()), &below);
    let shown = ["version 1", "\"CN=localhost\""];
    assert_eq!(code_with(judged, &shown), "CERT_REJECTED");
    let narrow = TestCa::root(&Template::authority("narrow").permits("localhost"));
    let sent = chain(&narrow.issue_first_version(&leaf()).chain_pem);
    let judged = judge(rules(narrow.certificate_pem()), &sent);
    assert_eq!(code_with(judged, &shown), "CERT_REJECTED");
    let code = judge(
        rules(narrow.certificate_pem()),
        &chain(&narrow.issue_like(&leaf()).chain_pem),
    );
    assert_eq!(
        code,
        Ok(()),
        "version 3 has a name to hold against the limit"
    );
}

#[test]
fn one_that_is_no_anchor_signs_nothing() {
    // An intermediate of version 1 cannot say that it is an authority.
    let root = TestCa::new();
    let middle = root.intermediate_like(&Template::authority("middle"));
    let leaf_of_middle = chain(&middle.issue_like(&leaf()).chain_pem).remove(0);
    let old = root.first_version_of(&middle);
    let sent = [leaf_of_middle, chain(&old).remove(0)];
    assert!(is_first(&sent[1]));
    let judged = judge(rules(root.certificate_pem()), &sent);
    assert_eq!(
        code_with(judged, &["\"CN=middle\"", "version 3"]),
        "INVALID_CA"
    );
}
