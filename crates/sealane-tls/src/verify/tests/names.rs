//! Is a name that is written otherwise, or cut short, taken for another?

use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sealane_testkit::certificates::{Template, TestCa};

use super::{anchors, chain, code_with, now};
use crate::error::Refusal;
use crate::reference_name;
use crate::verify::{ServerVerifier, VerifierRules};

/// Judges what an authority issued for a host as a caller writes it.
fn judge(rules: VerifierRules, sent: &[CertificateDer<'_>], host: &str) -> Result<(), Refusal> {
    let at: UnixTime = now();
    let name: ServerName<'_> = reference_name(host).unwrap();
    ServerVerifier::new(rules).judge(sent, &name, at)
}

#[test]
fn cve_2026_48618_a_host_is_checked_as_the_name_it_is_however_it_is_written() {
    let ca = TestCa::new();
    let sent = chain(&ca.issue(&["good.example", "127.0.0.1"]).chain_pem);
    let rules = || VerifierRules::strict(anchors(&ca));
    for same in ["good.example", "GOOD.Example", "good.example.", "127.0.0.1"] {
        assert_eq!(judge(rules(), &sent, same), Ok(()), "{same}");
    }
    for other in [
        "evil.example",
        "good.example.evil.example",
        "::ffff:127.0.0.1",
    ] {
        let judged = judge(rules(), &sent, other);
        assert_eq!(judged.unwrap_err().code(), "ERR_TLS_CERT_ALTNAME_INVALID");
    }
    // What one reader takes for an address and another for a name is none here.
    for odd in [
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "good\u{3002}example",
        "\u{ff47}ood.example",
        "good.example..",
        "fe80::1%lo",
    ] {
        assert!(reference_name(odd).is_err(), "{odd}");
    }
}

#[test]
fn cve_2026_48930_a_nul_ends_no_name() {
    assert!(reference_name("good.example\0.evil.example").is_err());
    assert!(reference_name("good.example\0").is_err());
    // An authority of the domain evil.example signs a name that begins like another's.
    let ca = TestCa::new();
    let name = b"good.example\0.evil.example";
    let length = u8::try_from(name.len()).unwrap();
    let octets = [&[0x30, length + 2, 0x82, length], name.as_slice()].concat();
    let nul = Template::server(&[]).alternative_octets(&octets);
    let sent = chain(&ca.issue_like(&nul).chain_pem);
    let judged = judge(VerifierRules::strict(anchors(&ca)), &sent, "good.example");
    assert_eq!(
        code_with(judged, &["\\u{0}"]),
        "ERR_TLS_CERT_ALTNAME_INVALID"
    );
    // Nor does one in a common name, where those count.
    let common = Template::server(&[]).common_name("good.example\0.evil.example");
    let sent = chain(&ca.issue_like(&common).chain_pem);
    let rules = VerifierRules {
        common_name: true,
        ..VerifierRules::strict(anchors(&ca))
    };
    let judged = judge(rules, &sent, "good.example");
    assert_eq!(judged.unwrap_err().code(), "ERR_TLS_CERT_ALTNAME_INVALID");
}

#[test]
fn a_common_name_counts_for_others_only_where_it_is_allowed() {
    let ca = TestCa::new();
    let common = Template::server(&[]).common_name("good.example");
    let sent = chain(&ca.issue_like(&common).chain_pem);
    let rules = |common_name| VerifierRules {
        common_name,
        ..VerifierRules::strict(anchors(&ca))
    };
    assert_eq!(judge(rules(true), &sent, "good.example"), Ok(()));
    let strict = judge(rules(false), &sent, "good.example");
    assert_eq!(strict.unwrap_err().code(), "ERR_TLS_CERT_ALTNAME_INVALID");
    let other = judge(rules(true), &sent, "other.example");
    assert_eq!(other.unwrap_err().code(), "ERR_TLS_CERT_ALTNAME_INVALID");
    // An alternative name makes it mean nothing.
    let named = Template::server(&["other.example"]).common_name("good.example");
    let sent = chain(&ca.issue_like(&named).chain_pem);
    let judged = judge(rules(true), &sent, "good.example");
    assert_eq!(judged.unwrap_err().code(), "ERR_TLS_CERT_ALTNAME_INVALID");
}

#[test]
fn a_caller_with_a_check_of_its_own_gets_the_chain_checked_only() {
    let ca = TestCa::new();
    let sent = chain(&ca.issue(&["good.example"]).chain_pem);
    let rules = |roots| VerifierRules {
        checks_name: false,
        ..VerifierRules::strict(roots)
    };
    assert_eq!(judge(rules(anchors(&ca)), &sent, "other.example"), Ok(()));
    let stranger = judge(rules(anchors(&TestCa::new())), &sent, "good.example");
    assert!(stranger.is_err());
}
