//! Is a path kept beside its chain, and is there an end to what is kept?

use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sealane_testkit::certificates::{Template, TestCa};

use super::{MAX_CHAINS, Paths};
use crate::trust::Roots;
use crate::verify::tests::{chain, now};
use crate::verify::{ServerVerifier, VerifierRules};

/// A chain of one certificate, which need not be one here.
fn numbered(number: usize) -> Vec<CertificateDer<'static>> {
    vec![CertificateDer::from(number.to_be_bytes().to_vec())]
}

#[test]
fn the_oldest_path_is_forgotten_first() {
    let paths = Paths::default();
    for number in 0..=MAX_CHAINS {
        paths.remember(&numbered(number), numbered(number + 1));
        // Found again, it grows no younger and takes no second place.
        paths.remember(&numbered(number), numbered(number + 1));
    }
    assert!(paths.known(&numbered(0)).is_none());
    let second = paths.known(&numbered(1)).unwrap();
    assert_eq!(second[..], numbered(2)[..]);
    let known = paths.lock();
    assert_eq!(known.order.len(), MAX_CHAINS);
    assert_eq!(known.by_chain.len(), MAX_CHAINS);
}

#[test]
fn the_path_of_a_chain_ends_with_its_anchor_and_holds_no_strangers() {
    let root = TestCa::new();
    let issued = root.intermediate().issue(&["localhost"]).chain_pem;
    let wanted = chain(&(issued.clone() + &root.certificate_pem()));
    let mut sent = chain(&issued);
    sent.insert(1, chain(&TestCa::new().certificate_pem()).remove(0));
    let roots = Roots::from_der([root.certificate_der()]).unwrap();
    let rules = VerifierRules::strict(roots.and(Roots::bundled()));
    let verifier = ServerVerifier::new(rules.clone());
    let name = ServerName::try_from("localhost").unwrap();
    assert_eq!(verifier.path(&sent), None, "nothing was judged yet");
    assert_eq!(verifier.judge(&sent, &name, now()), Ok(()));
    assert_eq!(verifier.path(&sent).unwrap()[..], wanted[..]);
    assert_eq!(verifier.path(&sent[..1]), None, "another chain");
    // A chain that is not believed has none, also where it is let through.
    let rules = VerifierRules {
        roots: Roots::bundled(),
        reject: false,
        ..rules
    };
    let lenient = ServerVerifier::new(rules);
    assert!(lenient.judge(&sent, &name, now()).is_err());
    assert_eq!(lenient.path(&sent), None);
    assert!(lenient.judge_resumed(&sent, &name, now()).is_err());
}

#[test]
fn the_dates_of_a_known_path_are_asked_and_those_of_its_anchor_are_not() {
    let root = Template::authority("root").between((2000, 1, 1), (2010, 1, 1));
    let root = TestCa::root(&root);
    let middle = Template::authority("middle").between((2000, 1, 1), (2028, 1, 1));
    let sent = chain(
        &root
            .intermediate_like(&middle)
            .issue(&["localhost"])
            .chain_pem,
    );
    let roots = Roots::from_der([root.certificate_der()]).unwrap();
    let verifier = ServerVerifier::new(VerifierRules::strict(roots));
    let name = ServerName::try_from("localhost").unwrap();
    assert_eq!(verifier.judge(&sent, &name, now()), Ok(()));
    assert_eq!(verifier.judge_resumed(&sent, &name, now()), Ok(()));
    let later = UnixTime::since_unix_epoch(core::time::Duration::from_secs(1_900_000_000));
    let judged = verifier.judge_resumed(&sent, &name, later);
    assert_eq!(judged.unwrap_err().code(), "CERT_HAS_EXPIRED");
}
