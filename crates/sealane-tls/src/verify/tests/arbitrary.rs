//! Does any octet a peer sends bring the verifier down?

use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest,
};
use proptest::sample::Index;
use rustls_pki_types::{CertificateDer, ServerName};
use sealane_testkit::certificates::{Template, TestCa};

use super::{chain, now, verifier};
use crate::trust::Roots;

/// One change of one certificate of a chain.
#[derive(Clone, Debug)]
enum Change {
    /// An octet becomes another one.
    Set(u8),
    /// The rest is cut off.
    Cut,
    /// Octets are put in between.
    Insert(Vec<u8>),
}

fn changes() -> impl Strategy<Value = Vec<(Index, Index, Change)>> {
    let change = proptest::prop_oneof![
        4 => any::<u8>().prop_map(Change::Set),
        1 => Just(Change::Cut),
        1 => proptest::collection::vec(any::<u8>(), 1..9).prop_map(Change::Insert),
    ];
    proptest::collection::vec((any::<Index>(), any::<Index>(), change), 1..6)
}

fn apply(octets: &mut Vec<u8>, at: Index, change: Change) {
    if octets.is_empty() {
        return;
    }
    let at = at.index(octets.len());
    match change {
        Change::Set(octet) => octets[at] = octet,
        Change::Cut => octets.truncate(at),
        Change::Insert(new) => drop(octets.splice(at..at, new)),
    }
}

#[test]
fn changed_certificates_are_judged_without_panic() {
    let ca = TestCa::root(&Template::authority("root"));
    let middle = Template::authority("middle").permits("localhost");
    let issued = ca
        .intermediate_like(&middle)
        .issue(&["localhost", "127.0.0.1"]);
    let whole: Vec<Vec<u8>> = chain(&issued.chain_pem)
        .iter()
        .map(|it| it.to_vec())
        .collect();
    let name = ServerName::try_from("localhost").unwrap();
    let judge = |certificates: &[Vec<u8>], roots: Roots| {
        let sent: Vec<_> = certificates
            .iter()
            .map(|it| CertificateDer::from(it.clone()))
            .collect();
        let verifier = verifier(roots);
        let judged = verifier.judge(&sent, &name, now());
        let again = verifier.judge_resumed(&sent, &name, now());
        if let Err(refusal) = &judged {
            assert!(
                refusal.diagnosis().cause().is_ascii() || refusal.diagnosis().cause().contains('…')
            );
            assert!(
                refusal.diagnosis().cause().len() < 2000
                    && !refusal.diagnosis().cause().contains('\n')
            );
        }
        (judged, again)
    };
    let roots = Roots::from_der([ca.certificate_der()]).unwrap();
    assert_eq!(judge(&whole, roots.clone()), (Ok(()), Ok(())));
    proptest!(ProptestConfig::with_cases(512), |(changes in changes())| {
        let mut certificates = whole.clone();
        for (which, at, change) in changes {
            apply(which.get_mut(&mut certificates), at, change);
        }
        let (judged, _) = judge(&certificates, roots.clone());
        prop_assert_eq!(judged.is_ok(), certificates == whole, "a changed chain is believed");
        // The changed leaf as its own anchor: whatever that reader takes, the other must bear.
        if let Ok(own) = Roots::from_der(&certificates[..1]) {
            let (judged, again) = judge(&certificates, own);
            prop_assert!(judged.is_err() || again.is_ok());
        }
    });
}

#[test]
fn noise_is_judged_without_panic() {
    let name = ServerName::try_from("localhost").unwrap();
    let octets = proptest::collection::vec(any::<u8>(), 0..200);
    proptest!(|(sent in proptest::collection::vec(octets, 0..4))| {
        let sent: Vec<_> = sent.into_iter().map(CertificateDer::from).collect();
        let judged = verifier(Roots::bundled()).judge(&sent, &name, now());
        assert_eq!(judged.unwrap_err().code(), "CERT_REJECTED");
    });
}

#[test]
fn hundreds_of_certificates_are_judged_quickly() {
    // As many as one handshake message holds, all of one name: every order is a path.
    let ca = TestCa::root(&Template::authority("same"));
    let mut sent = chain(
        &TestCa::root(&Template::authority("same"))
            .issue(&["localhost"])
            .chain_pem,
    );
    for _ in 0..150 {
        let twin = ca.intermediate_like(&Template::authority("same"));
        sent.push(CertificateDer::from(twin.certificate_der().to_vec()));
    }
    let name = ServerName::try_from("localhost").unwrap();
    let other = Roots::from_pem(TestCa::root(&Template::authority("same")).certificate_pem());
    assert!(verifier(other.unwrap()).judge(&sent, &name, now()).is_err());
}
