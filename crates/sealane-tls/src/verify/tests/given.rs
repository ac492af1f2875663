//! For whom does a certificate speak that was given, and how far?

use sealane_testkit::certificates::{PemIdentity, Template, TestCa};

use super::{anchors, chain, code_with, judge, judge_at, now, server, verifier};
use crate::error::Refusal;
use crate::permissions::Purpose;
use crate::trust::Roots;
use crate::verify::{ServerVerifier, VerifierRules};

/// The code with which a name is refused to what this one signed, or nothing when it is believed.
fn code(ca: &TestCa, issued: &PemIdentity) -> Option<&'static str> {
    judge(ca, issued).err().map(|refusal| refusal.code())
}

#[test]
fn the_certificate_of_a_device_speaks_for_no_other() {
    for template in [
        server().says_authority(false),
        server().without_basic_constraints(),
        server().without_basic_constraints().without_uses(),
    ] {
        let device = TestCa::root(&template);
        let own = device.certificate_pem();
        assert_eq!(judge_at(anchors(&device), &own, "localhost", now()), Ok(()));
        for stolen in [&device, &device.intermediate()] {
            let forged = stolen.issue_like(&server().common_name("forged"));
            let shown = ["\"CN=localhost\" may not sign others", "not an authority"];
            let code = code_with(judge(&device, &forged), &shown);
            assert_eq!(code, "INVALID_PURPOSE");
        }
        // The same name and key once more, with another name of a server.
        let bank = Template::server(&["bank.test"]).common_name("localhost");
        let again = device.cross_sign(&device, &bank);
        let judged = judge_at(anchors(&device), &again, "bank.test", now());
        assert_eq!(judged.unwrap_err().code(), "DEPTH_ZERO_SELF_SIGNED_CERT");
    }
}

#[test]
fn a_certificate_that_others_signed_speaks_for_no_other_either() {
    let device = TestCa::new().intermediate_like(&server().says_authority(false));
    let forged = device.issue_like(&server().common_name("forged"));
    assert_eq!(code(&device, &forged), Some("UNABLE_TO_GET_ISSUER_CERT"));
    let judged = judge_partial(&device, &forged);
    assert_eq!(judged.unwrap_err().code(), "INVALID_PURPOSE");
}

#[test]
fn one_that_may_not_sign_spoils_no_other_path() {
    let device = TestCa::root(&Template::server(&["same"]));
    let ca = TestCa::root(&Template::authority("same"));
    let pem = device.certificate_pem() + &ca.certificate_pem();
    let (roots, issued) = (Roots::from_pem(pem).unwrap(), ca.issue(&["localhost"]));
    assert_eq!(
        (roots.len(), roots.anchors(Purpose::Server, false).len()),
        (2, 1)
    );
    assert_eq!(
        judge_at(roots, &issued.chain_pem, "localhost", now()),
        Ok(())
    );
}

#[test]
fn what_an_anchor_says_of_its_uses_holds() {
    let authority = || Template::authority("root");
    for (template, wanted) in [
        (authority(), None),
        (authority().without_uses(), None),
        (authority().for_anything(), None),
        (authority().for_clients(), Some("INVALID_PURPOSE")),
        (authority().may_not_certify(), Some("INVALID_CA")),
        (authority().usage_octets(&[4, 0]), Some("INVALID_CA")),
        // An old root says nothing, or says it in its key usage.
        (authority().without_basic_constraints(), None),
        (
            authority().without_basic_constraints().without_uses(),
            Some("INVALID_PURPOSE"),
        ),
    ] {
        let ca = TestCa::root(&template);
        assert_eq!(code(&ca, &ca.issue(&["localhost"])), wanted, "{template:?}");
    }
}

#[test]
fn a_root_of_version_1_may_sign_for_it_cannot_say_so() {
    let root = crate::pair::first_version();
    let roots = Roots::from_der(root.chain()).unwrap();
    assert_eq!(
        (roots.len(), roots.anchors(Purpose::Server, false).len()),
        (1, 1)
    );
}

/// Judges what this one signed where given intermediate authorities may end a path.
fn judge_partial(ca: &TestCa, issued: &PemIdentity) -> Result<(), Refusal> {
    let rules = VerifierRules {
        allow_partial_trust_chain: true,
        ..VerifierRules::strict(anchors(ca))
    };
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    ServerVerifier::new(rules).judge(&chain(&issued.chain_pem), &name, now())
}

#[test]
fn c160_an_intermediate_is_an_anchor_only_where_partial_chains_are_allowed() {
    let middle = TestCa::new().intermediate();
    let sent = middle.issue(&["localhost"]);
    assert_eq!(chain(&sent.chain_pem).len(), 2);
    let shown = [
        "CN=Sealane test intermediate",
        "\"CN=Sealane test root\" was not",
    ];
    let refused = code_with(judge(&middle, &sent), &shown);
    assert_eq!(refused, "UNABLE_TO_GET_ISSUER_CERT");
    assert_eq!(judge_partial(&middle, &sent), Ok(()));
    // The same when the server leaves it out.
    let mut alone = sent.clone();
    alone
        .chain_pem
        .truncate(sent.chain_pem.find("-----END").unwrap() + 26);
    assert_eq!(code(&middle, &alone), Some("UNABLE_TO_GET_ISSUER_CERT"));
    assert_eq!(judge_partial(&middle, &alone), Ok(()));
}

#[test]
fn a_given_intermediate_completes_what_a_server_does_not_send() {
    let root = TestCa::new();
    let middle = root.intermediate();
    let issued = middle.issue(&["localhost"]);
    let leaf = &chain(&issued.chain_pem)[..1];
    let pem = root.certificate_pem() + &middle.certificate_pem();
    let roots = Roots::from_pem(pem).unwrap();
    assert_eq!(roots.anchors(Purpose::Server, false).len(), 1);
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    assert_eq!(verifier(roots).judge(leaf, &name, now()), Ok(()));
    // It must keep the rules of the path: its dates count, where an anchor's do not.
    let old = Template::authority("old").between((2000, 1, 1), (2001, 1, 1));
    let old = root.intermediate_like(&old);
    let leaf = &chain(&old.issue(&["localhost"]).chain_pem)[..1];
    let roots = Roots::from_pem(root.certificate_pem() + &old.certificate_pem()).unwrap();
    let judged = verifier(roots).judge(leaf, &name, now());
    assert_eq!(judged.unwrap_err().code(), "CERT_HAS_EXPIRED");
}

#[test]
fn an_intermediate_may_be_an_anchor_if_it_says_so_itself() {
    let unsaid = Template::authority("middle").without_basic_constraints();
    let middle = TestCa::new().intermediate_like(&unsaid);
    let issued = middle.issue(&["localhost"]);
    let judged = judge_partial(&middle, &issued);
    assert_eq!(judged.unwrap_err().code(), "INVALID_CA");
}

#[test]
fn a_certificate_that_others_signed_is_its_own_anchor_where_partial_chains_are_allowed() {
    let leaf = TestCa::new().issue(&["localhost"]);
    let rules = VerifierRules {
        allow_partial_trust_chain: true,
        ..VerifierRules::strict(Roots::from_pem(&leaf.chain_pem).unwrap())
    };
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let sent = chain(&leaf.chain_pem);
    let verifier = ServerVerifier::new(rules);
    assert_eq!(verifier.judge(&sent, &name, now()), Ok(()));
    assert_eq!(verifier.path(&sent).unwrap().as_ref(), &sent[..]);
}

#[test]
fn the_path_length_of_an_anchor_holds() {
    let short = TestCa::root(&Template::authority("short").path_length(0));
    assert_eq!(code(&short, &short.issue(&["localhost"])), None);
    let below = short.intermediate().issue(&["localhost"]);
    assert_eq!(code(&short, &below), Some("PATH_LENGTH_EXCEEDED"));
    // One of its own name is not counted.
    let renewed = short.intermediate_like(&Template::authority("short"));
    assert_eq!(code(&short, &renewed.issue(&["localhost"])), None);

    let one = TestCa::root(&Template::authority("one").path_length(1));
    let first = one.intermediate_like(&Template::authority("first"));
    assert_eq!(code(&one, &first.issue(&["localhost"])), None);
    let second = first.intermediate().issue(&["localhost"]);
    assert_eq!(code(&one, &second), Some("PATH_LENGTH_EXCEEDED"));
}

#[test]
fn of_two_anchors_that_differ_in_their_length_only_one_is_enough() {
    let short = TestCa::root(&Template::authority("short").path_length(0));
    let longer = short.cross_sign(&short, &Template::authority("short"));
    let issued = short.intermediate().issue(&["localhost"]);
    for pem in [
        short.certificate_pem() + &longer,
        longer.clone() + &short.certificate_pem(),
    ] {
        let roots = Roots::from_pem(pem).unwrap();
        let judged = judge_at(roots, &issued.chain_pem, "localhost", now());
        assert_eq!(judged, Ok(()));
    }
}

#[test]
fn a_bundle_of_strangers_beside_the_chain_changes_nothing() {
    let ca = TestCa::new();
    let issued = ca.intermediate().issue(&["localhost"]);
    let mut sent = chain(&issued.chain_pem);
    sent.extend_from_slice(webpki_root_certs::TLS_SERVER_ROOT_CERTS);
    assert!(sent.len() > 100);
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    assert_eq!(verifier(anchors(&ca)).judge(&sent, &name, now()), Ok(()));
}
