//! Is every certificate of a chain asked for, and what is unknown refused?

use std::slice;

use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sealane_testkit::certificates::{ListTemplate, Template, TestCa};

use crate::error::Refusal;
use crate::revocation::Revocation;
use crate::trust::Roots;
use crate::verify::tests::{chain, code_with, now};
use crate::verify::{ServerVerifier, VerifierRules};

/// A verifier that believes this authority and asks these lists.
fn watching(ca: &TestCa, lists: &[String]) -> ServerVerifier {
    let rules = VerifierRules::strict(Roots::from_der([ca.certificate_der()]).unwrap());
    ServerVerifier::new(VerifierRules {
        crl: Some(Revocation::from_pem(lists.concat()).unwrap()),
        ..rules
    })
}

fn judge(verifier: &ServerVerifier, pem: &str) -> Result<(), Refusal> {
    let name = ServerName::try_from("localhost").unwrap();
    verifier.judge(&chain(pem), &name, now())
}

fn leaf(serial: u64) -> Template {
    Template::server(&["localhost"]).serial(serial)
}

fn code(judged: Result<(), Refusal>) -> Option<&'static str> {
    judged.err().map(|refusal| refusal.code())
}

#[test]
fn a_certificate_on_its_issuers_list_is_refused() {
    let ca = TestCa::new();
    let list = ca.list(&ListTemplate::new().revokes(7));
    let verifier = watching(&ca, &[list]);
    let good = ca.issue_like(&leaf(8)).chain_pem;
    assert_eq!(judge(&verifier, &good), Ok(()));
    let revoked = ca.issue_like(&leaf(7)).chain_pem;
    let shown = ["\"CN=localhost\"", "\"CN=Sealane test root\"", "2000-01-01"];
    assert_eq!(
        code_with(judge(&verifier, &revoked), &shown),
        "CERT_REVOKED"
    );
    // Without lists nobody is asked.
    let rules = VerifierRules::strict(Roots::from_der([ca.certificate_der()]).unwrap());
    assert_eq!(judge(&ServerVerifier::new(rules), &revoked), Ok(()));
}

#[test]
fn c163_a_list_for_each_issuer_of_the_chain_is_needed() {
    let root = TestCa::new();
    let middle = root.intermediate_like(&Template::authority("middle").serial(5));
    let issued = middle.issue_like(&leaf(7)).chain_pem;
    let of_root = root.list(&ListTemplate::new());
    let of_middle = middle.list(&ListTemplate::new());
    let judged = |lists: &[&String]| {
        let lists: Vec<_> = lists.iter().map(|it| (*it).clone()).collect();
        code(judge(&watching(&root, &lists), &issued))
    };
    assert_eq!(judged(&[&of_root]), Some("UNABLE_TO_GET_CRL"));
    assert_eq!(judged(&[&of_middle]), Some("UNABLE_TO_GET_CRL"));
    assert_eq!(judged(&[&of_root, &of_middle]), None);
    let stranger = TestCa::root(&Template::authority("stranger"));
    let strange = stranger.list(&ListTemplate::new());
    assert_eq!(judged(&[&strange]), Some("UNABLE_TO_GET_CRL"));
    // The authority itself may be the one that was taken back.
    let taken = root.list(&ListTemplate::new().revokes(5));
    assert_eq!(judged(&[&taken, &of_middle]), Some("CERT_REVOKED"));
}

#[test]
fn c164_a_list_that_is_not_in_time_says_nothing() {
    let ca = TestCa::new();
    let issued = ca.issue_like(&leaf(7)).chain_pem;
    let old = ca.list(&ListTemplate::new().between((2020, 1, 1), (2021, 1, 1)));
    let new = ca.list(&ListTemplate::new().between((2040, 1, 1), (2041, 1, 1)));
    let judged = |lists: &[String]| judge(&watching(&ca, lists), &issued);
    let shown = ["due to be replaced on 2021-01-01", "2027-01-15"];
    let code = code_with(judged(slice::from_ref(&old)), &shown);
    assert_eq!(code, "CRL_HAS_EXPIRED");
    let code = code_with(judged(slice::from_ref(&new)), &["begins on 2040-01-01"]);
    assert_eq!(code, "CRL_NOT_YET_VALID");
    let both = judged(&[old.clone(), new]);
    assert_eq!(code_with(both, &[]), "CRL_HAS_EXPIRED");
    let current = ca.list(&ListTemplate::new());
    assert_eq!(judged(&[old, current]), Ok(()));
}

#[test]
fn of_lists_in_time_the_newest_counts() {
    let ca = TestCa::new();
    let issued = ca.issue_like(&leaf(7)).chain_pem;
    let first = ListTemplate::new().between((2020, 1, 1), (2040, 1, 1));
    let second = ListTemplate::new().between((2021, 1, 1), (2040, 1, 1));
    let judged = |first: &ListTemplate, second: &ListTemplate| {
        code(judge(
            &watching(&ca, &[ca.list(first), ca.list(second)]),
            &issued,
        ))
    };
    let revoked = Some("CERT_REVOKED");
    assert_eq!(judged(&first, &second.clone().revokes(7)), revoked);
    assert_eq!(judged(&second.clone().revokes(7), &first), revoked);
    assert_eq!(judged(&first.revokes(7), &second), None, "given back");
}

#[test]
fn a_list_counts_only_with_its_issuers_signature() {
    let (ca, other) = (TestCa::new(), TestCa::new());
    let issued = ca.issue_like(&leaf(7)).chain_pem;
    let forged = other.list(&ListTemplate::new());
    let verifier = watching(&ca, slice::from_ref(&forged));
    let refused = code_with(judge(&verifier, &issued), &["\"CN=localhost\""]);
    assert_eq!(refused, "CRL_SIGNATURE_FAILURE");
    // Beside the true one it changes nothing, in either order.
    let real = ca.list(&ListTemplate::new());
    for lists in [[forged.clone(), real.clone()], [real, forged]] {
        let verifier = watching(&ca, &lists);
        assert_eq!(judge(&verifier, &issued), Ok(()));
        assert_eq!(judge(&verifier, &issued), Ok(()), "and once more");
    }
}

#[test]
fn an_issuer_that_may_not_sign_lists_is_not_believed() {
    let ca = TestCa::new();
    let issued = ca.issue_like(&leaf(7)).chain_pem;
    let mute = Template::authority("Sealane test root").may_not_sign_lists();
    let given = ca.cross_sign(&ca, &mute);
    let rules = VerifierRules {
        crl: Some(Revocation::from_pem(ca.list(&ListTemplate::new())).unwrap()),
        ..VerifierRules::strict(Roots::from_pem(given).unwrap())
    };
    let judged = judge(&ServerVerifier::new(rules), &issued);
    let shown = ["lacks cRLSign", "CN=Sealane test root"];
    assert_eq!(code_with(judged, &shown), "CRL_SIGNATURE_FAILURE");
}

#[test]
fn a_list_of_a_part_is_not_taken_for_the_whole() {
    let ca = TestCa::root(&Template::authority("root").serial(1));
    let here = "http://lists.example/1";
    let plain = ca.issue_like(&leaf(7)).chain_pem;
    let placed = ca.issue_like(&leaf(7).list_place(here)).chain_pem;
    let all = ListTemplate::new().about(here, None);
    let judged = |list: &ListTemplate, pem: &str| {
        // The root is asked too: a list of everything else stands beside.
        let whole = ListTemplate::new().about("http://lists.example/2", None);
        let lists = [ca.list(list), ca.list(&whole)];
        code(judge(&watching(&ca, &lists), pem))
    };
    let unknown = Some("UNABLE_TO_GET_CRL");
    assert_eq!(judged(&all, &plain), unknown);
    assert_eq!(judged(&all, &placed), unknown, "the root has no place");
    let users = ListTemplate::new().about(here, Some(false)).revokes(7);
    assert_eq!(judged(&users, &placed), Some("CERT_REVOKED"));
    let authorities = ListTemplate::new().about(here, Some(true)).revokes(7);
    assert_eq!(judged(&authorities, &placed), unknown);
}

#[test]
fn a_self_signed_anchor_is_asked_of_its_own_list() {
    let device = Template::authority("localhost").serial(3);
    let device = TestCa::root(&device);
    let own = device.certificate_pem();
    let empty = device.list(&ListTemplate::new());
    let taken = device.list(&ListTemplate::new().revokes(3));
    let other = TestCa::root(&Template::authority("other")).list(&ListTemplate::new());
    let judged = |list: String| code(judge(&watching(&device, &[list]), &own));
    assert_eq!(judged(other), Some("UNABLE_TO_GET_CRL"));
    // By its common name: it has no other.
    assert_eq!(judged(empty), None);
    assert_eq!(judged(taken), Some("CERT_REVOKED"));
}

#[test]
fn one_path_that_is_revoked_does_not_end_the_search() {
    let root = TestCa::new();
    let first = root.intermediate_like(&Template::authority("twice").serial(5));
    let again = root.cross_sign(&first, &Template::authority("twice").serial(6));
    let issued = first.issue_like(&leaf(7)).chain_pem;
    let lists = [
        root.list(&ListTemplate::new().revokes(5)),
        first.list(&ListTemplate::new()),
    ];
    let verifier = watching(&root, &lists);
    assert_eq!(code(judge(&verifier, &issued)), Some("CERT_REVOKED"));
    let sent = issued + &again;
    assert_eq!(judge(&verifier, &sent), Ok(()));
    let path = verifier.path(&chain(&sent)).unwrap();
    assert_eq!(path[1], chain(&again)[0], "the path that was taken is kept");
}

#[test]
fn a_resumed_session_is_asked_again() {
    let ca = TestCa::new();
    let until = ListTemplate::new().between((2020, 1, 1), (2028, 1, 1));
    let verifier = watching(&ca, &[ca.list(&until)]);
    let sent: Vec<CertificateDer<'_>> = chain(&ca.issue_like(&leaf(7)).chain_pem);
    let name = ServerName::try_from("localhost").unwrap();
    assert_eq!(verifier.judge(&sent, &name, now()), Ok(()));
    let resumed = |at| code(verifier.judge_resumed(&sent, &name, at));
    assert_eq!(resumed(now()), None);
    let later = UnixTime::since_unix_epoch(core::time::Duration::from_secs(1_900_000_000));
    assert_eq!(resumed(later), Some("CRL_HAS_EXPIRED"));
    // A context with a newer list is another verifier: it has no path yet and looks for itself.
    let newer = watching(&ca, &[ca.list(&ListTemplate::new().revokes(7))]);
    let judged = newer.judge_resumed(&sent, &name, now());
    assert_eq!(code(judged), Some("CERT_REVOKED"));
}

#[test]
fn a_list_of_version_1_is_read_as_openssl_writes_it() {
    let root = Template::authority("root").serial(1).self_signed();
    let judged = |revoked: &[&str]| {
        let list = root.list_by_openssl(revoked);
        let rules = VerifierRules {
            crl: Some(Revocation::from_pem(list).unwrap()),
            checks_name: false,
            ..VerifierRules::strict(Roots::from_pem(&root.chain_pem).unwrap())
        };
        code(judge(&ServerVerifier::new(rules), &root.chain_pem))
    };
    assert_eq!(judged(&[]), None);
    // The root's own serial number.
    assert_eq!(judged(&["01"]), Some("CERT_REVOKED"));
}

#[test]
fn a_leaf_that_is_an_anchor_by_itself_is_asked_of_its_issuer_or_refused() {
    let ca = TestCa::new();
    let issued = ca.issue_like(&leaf(7)).chain_pem;
    let judged = |given: String, list: &ListTemplate| {
        let rules = VerifierRules {
            allow_partial_trust_chain: true,
            crl: Some(Revocation::from_pem(ca.list(list)).unwrap()),
            ..VerifierRules::strict(Roots::from_pem(given).unwrap())
        };
        code(judge(&ServerVerifier::new(rules), &issued))
    };
    let both = || issued.clone() + &ca.certificate_pem();
    let (empty, taken) = (ListTemplate::new(), ListTemplate::new().revokes(7));
    assert_eq!(judged(issued.clone(), &empty), Some("UNABLE_TO_GET_CRL"));
    assert_eq!(judged(both(), &empty), None);
    assert_eq!(judged(both(), &taken), Some("CERT_REVOKED"));
}
