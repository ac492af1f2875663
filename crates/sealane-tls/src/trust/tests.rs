//! Are trust anchors read whole, counted once, and mistakes named?

use sealane_testkit::certificates::{Template, TestCa};

use super::Roots;

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
}

#[test]
fn the_authority_of_a_state_speaks_for_that_state_only() {
    let roots = Roots::bundled();
    let constrained: Vec<_> = roots
        .anchors()
        .iter()
        .filter_map(|anchor| anchor.name_constraints.as_deref())
        .filter(|constraints| constraints.windows(7).any(|it| it == b".gov.tr"))
        .collect();
    let [constraints] = constrained[..] else {
        panic!("one authority is limited, not {}", constrained.len())
    };
    // Tag and length of the permitted subtrees, then nothing but them.
    assert_eq!(constraints[0], 0xa0);
    assert_eq!(usize::from(constraints[1]), constraints.len() - 2);
    assert_eq!(&constraints[2..13], b"\x30\x09\x82\x07.gov.tr");
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
