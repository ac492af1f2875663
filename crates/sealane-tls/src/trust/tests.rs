//! Are trust anchors read whole, counted once, and mistakes named?

use core::time::Duration;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};
use sealane_testkit::certificates::{Template, TestCa};

use super::{Roots, STATE_AUTHORITY, permitted_subtrees};
use crate::permissions::Purpose;
use crate::reference_name;
use crate::verify::{ServerVerifier, VerifierRules};

fn refusal(read: Result<Roots, crate::OptionError>) -> (&'static str, String) {
    let error = read.unwrap_err();
    assert_eq!(error.option(), "ca");
    (error.code(), error.reason().to_owned())
}

#[test]
fn the_bundled_ones_are_whole_and_many() {
    let roots = Roots::bundled();
    assert_eq!(roots.len(), webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
    assert!(roots.len() > 100);
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        assert!(roots.contains(certificate));
    }
    assert_eq!(roots.digest(), Roots::bundled().digest());
    let anchors = roots.anchors(Purpose::Server, false);
    assert_eq!(anchors.len(), roots.len(), "all may sign others");
    assert!(roots.intermediates().is_empty());
}

#[test]
fn the_authority_of_a_state_speaks_for_that_state_only() {
    let roots = Roots::bundled();
    let constrained: Vec<_> = roots
        .anchors(Purpose::Server, false)
        .iter()
        .filter_map(|anchor| anchor.name_constraints.as_deref())
        .filter(|constraints| constraints.ends_with(b"\x82\x03.tr"))
        .collect();
    let [constraints] = constrained[..] else {
        panic!("one authority is limited, not {}", constrained.len())
    };
    // Tag and length of the permitted subtrees, then nothing but them.
    assert_eq!(constraints[0], 0xa0);
    assert_eq!(usize::from(constraints[1]), constraints.len() - 2);
    assert_eq!(constraints, b"\xa0\x07\x30\x05\x82\x03.tr");
}

#[test]
fn the_limit_of_the_state_s_authority_holds_wherever_its_certificate_comes_from() {
    let ca = TestCa::root(&Template::authority(STATE_AUTHORITY));
    let roots = Roots::from_der([ca.certificate_der()]).unwrap();
    let verifier = ServerVerifier::new(VerifierRules::strict(roots));
    let judge = |host: &str| {
        let pem = ca.issue(&[host]).chain_pem;
        let leaf = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
        let judged = verifier.judge(&[leaf], &reference_name(host).unwrap(), now);
        judged.map_err(|refusal| refusal.code())
    };
    assert_eq!(judge("www.gov.tr"), Ok(()));
    assert_eq!(judge("a.b.org.tr"), Ok(()));
    assert_eq!(judge("www.example.com"), Err("PERMITTED_VIOLATION"));
    assert_eq!(judge("example.xtr"), Err("PERMITTED_VIOLATION"));
}

#[test]
fn equal_digests_mean_equal_limits() {
    let bundled = Roots::bundled();
    let plain = Roots::from_der(webpki_root_certs::TLS_SERVER_ROOT_CERTS).unwrap();
    for same in [plain.clone(), plain.and(bundled.clone())] {
        assert_eq!(same.digest(), bundled.digest());
        for purpose in Purpose::ALL {
            let limits = bundled.anchors(purpose, true);
            assert_eq!(same.anchors(purpose, true), limits);
        }
    }
}

#[test]
fn several_domains_are_written_one_after_the_other() {
    let octets = permitted_subtrees(&[".a", ".bc"]);
    let wanted = b"\xa0\x0d\x30\x04\x82\x02.a\x30\x05\x82\x03.bc";
    assert_eq!(octets.as_ref(), wanted);
}

#[test]
fn pem_text_may_hold_several_among_other_things() {
    let (one, two) = (TestCa::new(), TestCa::new());
    let text = format!(
        "comment\n{}between\n{}{}",
        one.certificate_pem(),
        two.certificate_pem(),
        one.certificate_pem()
    );
    let roots = Roots::from_pem(text).unwrap();
    assert_eq!((roots.len(), roots.is_empty()), (2, false));
    assert!(roots.contains(&two.certificate_der().to_vec().into()));
    assert!(!roots.contains(&TestCa::new().certificate_der().to_vec().into()));
}

#[test]
fn sets_are_joined_and_compared_as_sets() {
    let one = Roots::from_der([TestCa::new().certificate_der()]).unwrap();
    let two = Roots::from_der([TestCa::new().certificate_der()]).unwrap();
    let (ab, ba) = (one.clone().and(two.clone()), two.clone().and(one.clone()));
    assert_eq!((ab.len(), ab.digest()), (2, ba.digest()));
    assert_eq!(ab.clone().and(one.clone()).digest(), ab.digest());
    assert_ne!(one.digest(), two.digest());
    assert_ne!(one.digest(), ab.digest());
}

#[test]
fn what_is_no_authority_is_named() {
    let (code, reason) = refusal(Roots::from_pem(""));
    assert_eq!(code, "ERR_OSSL_PEM_NO_START_LINE");
    assert!(reason.contains("it is empty"), "{reason}");

    let leaf = Template::server(&["localhost"]).self_signed();
    let (code, reason) = refusal(Roots::from_pem(&leaf.key_pem));
    assert_eq!(code, "ERR_OSSL_PEM_NO_START_LINE");
    assert!(reason.contains("private key"), "{reason}");

    let trusted = leaf.chain_pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let both = leaf.chain_pem.clone() + &trusted;
    assert!(
        refusal(Roots::from_pem(both))
            .1
            .contains("TRUSTED CERTIFICATE")
    );

    let broken = leaf.chain_pem.replacen("MII", "M!I", 1);
    let (code, reason) = refusal(Roots::from_pem(broken));
    assert_eq!(code, "ERR_OSSL_PEM_BAD_BASE64_DECODE");
    assert!(reason.contains("line 2"), "{reason}");
}

#[test]
fn a_certificate_that_cannot_be_read_is_named_by_number() {
    let good = TestCa::new().certificate_der().to_vec();
    let (code, reason) = refusal(Roots::from_der([good.clone(), good[..100].to_vec()]));
    assert_eq!(code, "ERR_INVALID_ARG_VALUE");
    assert!(reason.contains("certificate 2"), "{reason}");
    let mut longer = good;
    longer.push(0);
    assert!(
        refusal(Roots::from_der([longer]))
            .1
            .contains("certificate 1")
    );
    let none: [&[u8]; 0] = [];
    assert!(refusal(Roots::from_der(none)).1.contains("no certificate"));
}
