//! Does every fault of a chain get its name, whatever a peer sends?

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sealane_testkit::certificates::{KeyKind, PemIdentity, Template, TestCa};

use super::{ServerVerifier, VerifierRules};
use crate::error::Refusal;
use crate::trust::Roots;

mod arbitrary;
mod given;
mod names;
mod own_anchor;

/// A moment in 2027, within the dates of all certificates that say nothing else.
pub(super) fn now() -> UnixTime {
    UnixTime::since_unix_epoch(core::time::Duration::from_secs(1_800_000_000))
}

/// The certificates of a PEM text.
pub(super) fn chain(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .map(Result::unwrap)
        .collect()
}

/// A verifier that refuses.
fn verifier(roots: Roots) -> ServerVerifier {
    ServerVerifier::new(VerifierRules::strict(roots))
}

/// Judges a chain against some anchors.
fn judge_at(roots: Roots, pem: &str, name: &str, now: UnixTime) -> Result<(), Refusal> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    verifier(roots).judge(&chain(pem), &name, now)
}

fn judge(roots: &TestCa, identity: &PemIdentity) -> Result<(), Refusal> {
    judge_at(anchors(roots), &identity.chain_pem, "localhost", now())
}

fn anchors(ca: &TestCa) -> Roots {
    Roots::from_der([ca.certificate_der()]).unwrap()
}

/// The code of a refusal whose text holds every one of these.
pub(super) fn code_with(judged: Result<(), Refusal>, holds: &[&str]) -> &'static str {
    let refusal = judged.expect_err("it is refused");
    let cause = refusal.diagnosis().cause();
    for part in holds {
        assert!(cause.contains(part), "{part} in: {cause}");
    }
    assert!(!cause.contains('\n') && cause.is_ascii());
    refusal.code()
}

fn server() -> Template {
    Template::server(&["localhost"])
}

#[test]
fn every_kind_of_key_is_believed_with_and_without_uses() {
    let ca = TestCa::new();
    for kind in KeyKind::ALL {
        assert_eq!(judge(&ca, &ca.issue_with_key(kind, &["localhost"])), Ok(()));
    }
    assert_eq!(judge(&ca, &ca.issue_like(&server().without_uses())), Ok(()));
}

#[test]
fn intermediates_may_come_in_any_order_and_with_strangers() {
    let ca = TestCa::new();
    let below = ca.intermediate_like(&Template::authority("first"));
    let lowest = below.intermediate_like(&Template::authority("second"));
    let issued = lowest.issue(&["localhost"]);
    assert_eq!(judge(&ca, &issued), Ok(()));
    let certificates: Vec<_> = issued
        .chain_pem
        .split_inclusive("END CERTIFICATE-----\n")
        .collect();
    let [leaf, second, first] = certificates[..] else {
        panic!("three certificates")
    };
    let stranger = TestCa::new().certificate_pem();
    let mixed = [leaf, &stranger, first, second].concat();
    assert_eq!(judge_at(anchors(&ca), &mixed, "localhost", now()), Ok(()));
}

#[test]
fn c157_a_certificate_that_came_without_its_unknown_issuer_is_a_stranger_s() {
    let (ours, theirs) = (TestCa::new(), TestCa::root(&Template::authority("theirs")));
    let leaf = theirs.issue(&["localhost"]);
    let code = code_with(judge(&ours, &leaf), &["\"CN=localhost\"", "\"CN=theirs\""]);
    assert_eq!(code, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
}

#[test]
fn c159_a_root_that_was_sent_is_not_believed_for_that() {
    let (ours, theirs) = (TestCa::new(), TestCa::root(&Template::authority("theirs")));
    let mut leaf = theirs.issue(&["localhost"]);
    leaf.chain_pem += &theirs.certificate_pem();
    let code = code_with(judge(&ours, &leaf), &["ends at \"CN=theirs\""]);
    assert_eq!(code, "SELF_SIGNED_CERT_IN_CHAIN");
}

#[test]
fn other_strangers_are_told_apart() {
    let (ours, theirs) = (TestCa::new(), TestCa::root(&Template::authority("theirs")));
    let deeper = theirs.intermediate().issue(&["localhost"]);
    let code = code_with(
        judge(&ours, &deeper),
        &["Sealane test intermediate", "\"CN=theirs\""],
    );
    assert_eq!(code, "UNABLE_TO_GET_ISSUER_CERT_LOCALLY");

    for template in [server(), server().says_authority(true)] {
        let code = code_with(judge(&ours, &template.self_signed()), &["\"CN=localhost\""]);
        assert_eq!(code, "DEPTH_ZERO_SELF_SIGNED_CERT");
    }
}

#[test]
fn an_authority_with_the_name_of_ours_is_a_stranger() {
    let (ours, theirs) = (TestCa::new(), TestCa::new());
    let mut leaf = theirs.issue(&["localhost"]);
    let code = judge(&ours, &leaf).unwrap_err().code();
    assert_eq!(code, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    leaf.chain_pem += &theirs.certificate_pem();
    let code = judge(&ours, &leaf).unwrap_err().code();
    assert_eq!(code, "SELF_SIGNED_CERT_IN_CHAIN");
}

#[test]
fn a_given_certificate_that_others_signed_is_no_anchor_of_itself() {
    let leaf = TestCa::new().issue(&["localhost"]);
    let roots = Roots::from_pem(&leaf.chain_pem).unwrap();
    let code = judge_at(roots, &leaf.chain_pem, "localhost", now())
        .unwrap_err()
        .code();
    assert_eq!(code, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
}

#[test]
fn c161_dates_are_told_with_the_certificate_that_has_them() {
    let ca = TestCa::new();
    let old = ca.issue_like(&server().between((2000, 1, 1), (2001, 2, 3)));
    let shown = [
        "\"CN=localhost\"",
        "until 2001-02-03 00:00:00 UTC",
        "2027-01-15 08:00:00 UTC",
    ];
    assert_eq!(code_with(judge(&ca, &old), &shown), "CERT_HAS_EXPIRED");

    let new = ca.issue_like(&server().between((2040, 1, 1), (2041, 1, 1)));
    let code = code_with(judge(&ca, &new), &["\"CN=localhost\"", "from 2040-01-01"]);
    assert_eq!(code, "CERT_NOT_YET_VALID");

    let middle = Template::authority("old middle").between((2000, 1, 1), (2001, 2, 3));
    let below = ca.intermediate_like(&middle).issue(&["localhost"]);
    let code = code_with(
        judge(&ca, &below),
        &["\"CN=old middle\"", "until 2001-02-03"],
    );
    assert_eq!(code, "CERT_HAS_EXPIRED");
}

#[test]
fn dates_hold_to_the_second() {
    let ca = TestCa::new();
    let leaf = ca.issue_like(&server().between((2020, 1, 1), (2030, 1, 1)));
    let judge = |seconds| {
        let now = UnixTime::since_unix_epoch(core::time::Duration::from_secs(seconds));
        judge_at(anchors(&ca), &leaf.chain_pem, "localhost", now).map_err(|it| it.code())
    };
    assert_eq!(judge(1_577_836_799), Err("CERT_NOT_YET_VALID"));
    assert_eq!(judge(1_577_836_800), Ok(()));
    assert_eq!(judge(1_893_456_000), Ok(()));
    assert_eq!(judge(1_893_456_001), Err("CERT_HAS_EXPIRED"));
    assert_eq!(
        judge(u64::MAX),
        Err("CERT_HAS_EXPIRED"),
        "no arithmetic overflows"
    );
}

#[test]
fn c162_a_certificate_for_clients_is_no_server_s() {
    let ca = TestCa::new();
    let client = ca.issue_like(&server().for_clients());
    let code = code_with(
        judge(&ca, &client),
        &["\"CN=localhost\"", "does not include servers"],
    );
    assert_eq!(code, "INVALID_PURPOSE");
}

#[test]
fn purposes_that_do_not_fit_are_refused_at_every_place() {
    let ca = TestCa::new();
    let middle = ca.intermediate_like(&Template::authority("for clients").for_clients());
    let code = code_with(
        judge(&ca, &middle.issue(&["localhost"])),
        &["\"CN=for clients\""],
    );
    assert_eq!(code, "INVALID_PURPOSE");

    let authority = ca.issue_like(&server().says_authority(true));
    let code = code_with(judge(&ca, &authority), &["an authority's certificate"]);
    assert_eq!(code, "INVALID_PURPOSE");
}

#[test]
fn a_server_s_key_must_be_for_handshakes() {
    let ca = TestCa::new();
    for template in [server().may_not_sign(), server().usage_octets(&[4, 0])] {
        let leaf = ca.issue_like(&template);
        let code = code_with(judge(&ca, &leaf), &["\"CN=localhost\"", "digitalSignature"]);
        assert_eq!(code, "INVALID_PURPOSE");
        // A stranger is a stranger first.
        let code = judge(&TestCa::root(&Template::authority("else")), &leaf)
            .unwrap_err()
            .code();
        assert_eq!(code, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    }
}

#[test]
fn who_may_not_sign_certificates_makes_no_authority() {
    let ca = TestCa::new();
    let plain = ca.intermediate_like(&Template::authority("plain").says_authority(false));
    let code = code_with(
        judge(&ca, &plain.issue(&["localhost"])),
        &["\"CN=plain\"", "not an authority"],
    );
    assert_eq!(code, "INVALID_PURPOSE");

    let unsaid = Template::authority("unsaid").without_basic_constraints();
    let unsaid = ca.intermediate_like(&unsaid).issue(&["localhost"]);
    let code = code_with(judge(&ca, &unsaid), &["\"CN=unsaid\"", "does not say"]);
    assert_eq!(code, "INVALID_CA");
    let broken = ca.intermediate_like(&Template::authority("broken").usage_octets(&[4, 0]));
    let code = code_with(
        judge(&ca, &broken.issue(&["localhost"])),
        &["\"CN=broken\""],
    );
    assert_eq!(code, "INVALID_CA");

    let mute = ca.intermediate_like(&Template::authority("mute").may_not_certify());
    let shown = ["\"CN=mute\"", "lacks keyCertSign"];
    let code = code_with(judge(&ca, &mute.issue(&["localhost"])), &shown);
    assert_eq!(code, "INVALID_CA");

    // Higher up too, and an authority without any key usage is fine.
    let higher = mute.intermediate().issue(&["localhost"]);
    assert_eq!(code_with(judge(&ca, &higher), &shown), "INVALID_CA");
    let silent = ca.intermediate_like(&Template::authority("silent").without_uses());
    assert_eq!(judge(&ca, &silent.issue(&["localhost"])), Ok(()));
}

#[test]
fn a_path_that_is_refused_does_not_end_the_search() {
    // One key, two certificates: the first that is tried may not sign, the second may.
    let ca = TestCa::new();
    let mute = ca.intermediate_like(&Template::authority("twice").may_not_certify());
    let able = ca.cross_sign(&mute, &Template::authority("twice"));
    let mut leaf = mute.issue(&["localhost"]);
    assert_eq!(judge(&ca, &leaf).unwrap_err().code(), "INVALID_CA");
    leaf.chain_pem += &able;
    assert_eq!(judge(&ca, &leaf), Ok(()));
}

#[test]
fn constraints_of_authorities_hold() {
    let ca = TestCa::new();
    let short = ca.intermediate_like(&Template::authority("short").path_length(0));
    assert_eq!(judge(&ca, &short.issue(&["localhost"])), Ok(()));
    let long = short.intermediate().issue(&["localhost"]);
    let code = code_with(judge(&ca, &long), &["\"CN=localhost\""]);
    assert_eq!(code, "PATH_LENGTH_EXCEEDED");

    let local = ca.intermediate_like(&Template::authority("local").permits("localhost"));
    assert_eq!(judge(&ca, &local.issue(&["localhost"])), Ok(()));
    let narrow = ca.intermediate_like(&Template::authority("narrow").permits("example"));
    let code = code_with(
        judge(&ca, &narrow.issue(&["localhost"])),
        &["DNS:localhost"],
    );
    assert_eq!(code, "PERMITTED_VIOLATION");

    let mut deep = ca.intermediate_like(&Template::authority("1"));
    for depth in 2..=12 {
        deep = deep.intermediate_like(&Template::authority(&depth.to_string()));
    }
    for _ in 0..2 {
        let code = code_with(
            judge(&ca, &deep.issue(&["localhost"])),
            &["\"CN=localhost\""],
        );
        assert_eq!(code, "CERT_CHAIN_TOO_LONG");
        for depth in 13..=30 {
            deep = deep.intermediate_like(&Template::authority(&depth.to_string()));
        }
    }
}

#[test]
fn rules_that_nobody_knows_are_not_ignored() {
    let ca = TestCa::new();
    let leaf = ca.issue_like(&server().with_unknown_rule());
    let code = code_with(judge(&ca, &leaf), &["\"CN=localhost\""]);
    assert_eq!(code, "UNHANDLED_CRITICAL_EXTENSION");
    let odd = ca.intermediate_like(&Template::authority("odd").with_unknown_rule());
    let code = code_with(judge(&ca, &odd.issue(&["localhost"])), &["\"CN=odd\""]);
    assert_eq!(code, "UNHANDLED_CRITICAL_EXTENSION");
}

#[test]
fn a_forged_signature_is_named_by_certificate() {
    let ca = TestCa::new();
    let issued = ca
        .intermediate_like(&Template::authority("middle"))
        .issue(&["localhost"]);
    for (at, subject) in [(0, "\"CN=localhost\""), (1, "\"CN=middle\"")] {
        let mut forged = chain(&issued.chain_pem);
        let mut octets = forged[at].to_vec();
        let last = octets.len() - 1;
        octets[last] ^= 1;
        forged[at] = CertificateDer::from(octets);
        let name = ServerName::try_from("localhost").unwrap();
        let judged = verifier(anchors(&ca)).judge(&forged, &name, now());
        let code = code_with(judged, &[subject]);
        assert_eq!(code, "CERT_SIGNATURE_FAILURE");
    }
}

#[test]
fn an_algorithm_that_can_be_forged_is_named() {
    let root = TestCa::root(&Template::authority("rsa root").key(KeyKind::Rsa2048));
    let octets = by_sha1(&chain(&root.issue(&["localhost"]).chain_pem)[0]);
    let name = ServerName::try_from("localhost").unwrap();
    let judged = verifier(anchors(&root)).judge(&[octets.into()], &name, now());
    assert_eq!(
        code_with(judged, &["\"CN=localhost\"", "SHA-1"]),
        "CERT_SIGNATURE_FAILURE"
    );
}

/// A certificate that RSA with SHA-256 signed, made to say SHA-1.
fn by_sha1(certificate: &[u8]) -> Vec<u8> {
    // The algorithm stands in the certificate twice; SHA-1 differs by its last number.
    const SHA256: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
    let mut octets = certificate.to_vec();
    let places: Vec<_> = (0..octets.len() - SHA256.len())
        .filter(|at| octets[*at..].starts_with(SHA256))
        .collect();
    assert_eq!(places.len(), 2);
    for at in places {
        octets[at + SHA256.len() - 1] = 5;
    }
    octets
}

#[test]
fn names_match_as_whole_labels_and_addresses_as_addresses() {
    let ca = TestCa::new();
    let names = ["localhost", "*.example.com", "127.0.0.1", "::1"];
    let pem = ca.issue(&names).chain_pem;
    let judge = |name| judge_at(anchors(&ca), &pem, name, now()).map_err(|it| it.code());
    for good in [
        "localhost",
        "LOCALHOST",
        "a.example.com",
        "127.0.0.1",
        "::1",
    ] {
        assert_eq!(judge(good), Ok(()), "{good}");
    }
    for bad in [
        "example.com",
        "a.b.example.com",
        "localhost.example",
        "127.0.0.2",
        "::2",
    ] {
        assert_eq!(judge(bad), Err("ERR_TLS_CERT_ALTNAME_INVALID"), "{bad}");
    }
    let odd = ca
        .issue_like(&Template::server(&["local*", "127.0.0.1.example"]))
        .chain_pem;
    let judge = |name| judge_at(anchors(&ca), &odd, name, now()).map_err(|it| it.code());
    assert_eq!(judge("localhost"), Err("ERR_TLS_CERT_ALTNAME_INVALID"));
    assert_eq!(judge("127.0.0.1"), Err("ERR_TLS_CERT_ALTNAME_INVALID"));
}

#[test]
fn a_wrong_name_is_told_with_what_was_wanted_and_what_is_there() {
    let ca = TestCa::new();
    let shown = [
        "wanted is localhost",
        "DNS:other.example, IP Address:127.0.0.1",
    ];
    let other = ca.issue(&["other.example", "127.0.0.1"]);
    assert_eq!(
        code_with(judge(&ca, &other), &shown),
        "ERR_TLS_CERT_ALTNAME_INVALID"
    );

    let many: Vec<String> = (0..200)
        .map(|number| format!("n{number}.example"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refusal = judge(&ca, &ca.issue(&many)).unwrap_err();
    assert!(
        refusal
            .diagnosis()
            .cause()
            .ends_with("DNS:n7.example and 192 more"),
        "{}",
        refusal.diagnosis().cause()
    );

    // A common name is no name of a server that an authority speaks for.
    let common = ca.issue_like(&Template::server(&[]).common_name("localhost"));
    let code = code_with(judge(&ca, &common), &["none at all", "\"CN=localhost\""]);
    assert_eq!(code, "ERR_TLS_CERT_ALTNAME_INVALID");
}

#[test]
fn what_a_peer_writes_is_shown_escaped_and_cut() {
    let long = format!("evil\n\u{1b}[31m\"{}", "x".repeat(500));
    let leaf = server().common_name(&long).self_signed();
    let refusal = judge(&TestCa::new(), &leaf).unwrap_err();
    assert!(
        refusal.diagnosis().cause().contains("evil"),
        "{}",
        refusal.diagnosis().cause()
    );
    assert!(
        refusal
            .diagnosis()
            .cause()
            .chars()
            .all(|it| !it.is_control()),
        "{:?}",
        refusal.diagnosis().cause()
    );
    assert!(
        refusal.diagnosis().cause().len() < 300,
        "{}",
        refusal.diagnosis().cause().len()
    );
}
