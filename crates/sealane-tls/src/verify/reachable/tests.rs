//! How many certificates reach path building, and in how many orders?

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sealane_testkit::certificates::{Template, TestCa};

use super::{Excess, Link, MAX_REACHABLE, MAX_STEPS, count, reachable};
use crate::trust::Roots;
use crate::verify::{ServerVerifier, VerifierRules};

/// The only certificate of a PEM text.
fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// An authority's certificate of one name, signed by another.
fn link(subject: &str, issuer: &TestCa) -> CertificateDer<'static> {
    let link = issuer.intermediate_like(&Template::authority(subject));
    CertificateDer::from(link.certificate_der().to_vec())
}

/// A server's certificate, and as many others as asked for: their names lead round in a ring.
fn ring(links: usize) -> (CertificateDer<'static>, Vec<CertificateDer<'static>>) {
    let names: Vec<_> = (0..6).map(|number| format!("n{number}")).collect();
    let authority = |name: &String| TestCa::root(&Template::authority(name));
    let authorities: Vec<_> = names.iter().map(authority).collect();
    let links = (0..links).map(|at| link(&names[at % 6], &authorities[(at + 1) % 6]));
    (
        der(&authorities[0].issue(&["localhost"]).chain_pem),
        links.collect(),
    )
}

#[test]
fn what_nobody_names_and_what_came_before_is_left_out() {
    let ca = TestCa::new();
    let middle = ca.intermediate_like(&Template::authority("middle"));
    let leaf = der(&middle.issue(&["localhost"]).chain_pem);
    let [middle, root] =
        [&middle, &ca].map(|it| CertificateDer::from(it.certificate_der().to_vec()));
    let mut sent = vec![
        leaf.clone(),
        middle.clone(),
        CertificateDer::from(vec![0x30]),
    ];
    for _ in 0..100 {
        sent.extend([middle.clone(), root.clone(), leaf.clone()]);
    }
    sent.extend((0..100).map(|_| link("stranger", &ca)));
    let found = reachable(&leaf, &sent).unwrap();
    assert_eq!(found, [middle, root]);
}

#[test]
fn so_many_are_tried_and_no_more() {
    let ca = TestCa::new();
    let leaf = der(&ca.issue(&["localhost"]).chain_pem);
    let elsewhere = TestCa::root(&Template::authority("elsewhere"));
    let sent: Vec<_> = (0..=MAX_REACHABLE)
        .map(|_| link("Sealane test root", &elsewhere))
        .collect();
    let found = reachable(&leaf, &sent[..MAX_REACHABLE]).unwrap();
    assert_eq!(found.len(), MAX_REACHABLE);
    assert_eq!(reachable(&leaf, &sent), Err(Excess::Certificates));
}

#[test]
fn few_that_name_each_other_in_every_way_are_refused() {
    // Each has a key of its own, so each may follow each: all have one name.
    let same = TestCa::root(&Template::authority("same"));
    let leaf = der(&same.issue(&["localhost"]).chain_pem);
    let sent: Vec<_> = (0..MAX_REACHABLE).map(|_| link("same", &same)).collect();
    assert_eq!(reachable(&leaf, &sent), Err(Excess::Orders));
    assert_eq!(reachable(&leaf, &sent[..4]).unwrap().len(), 4);
    let refusal = crate::verify::diagnosis::too_much(&leaf, Excess::Orders);
    assert_eq!(refusal.code(), "CERT_CHAIN_TOO_LONG");
    assert!(
        refusal.diagnosis().cause().contains("in too many ways"),
        "{}",
        refusal.diagnosis().cause()
    );
}

#[test]
fn steps_are_counted_as_they_are_taken() {
    let steps = |leaf: &CertificateDer<'_>, sent: &[CertificateDer<'_>]| {
        let links: Vec<_> = sent.iter().map(|der| Link::read(der).unwrap()).collect();
        let mut left = MAX_STEPS;
        count(&mut vec![Link::read(leaf).unwrap()], &links, &mut left).unwrap();
        MAX_STEPS - left
    };
    // One authority with two certificates, each from a root that is there or is not.
    let roots = ["a", "b"].map(|name| TestCa::root(&Template::authority(name)));
    let middle = roots[0].intermediate_like(&Template::authority("middle"));
    let leaf = der(&middle.issue(&["localhost"]).chain_pem);
    let crossed = der(&roots[1].cross_sign(&middle, &Template::authority("middle")));
    let own = |ca: &TestCa| CertificateDer::from(ca.certificate_der().to_vec());
    assert_eq!(steps(&leaf, &[own(&middle)]), 1);
    assert_eq!(steps(&leaf, &[own(&middle), own(&roots[0])]), 2);
    let all = [own(&middle), crossed, own(&roots[0]), own(&roots[1])];
    assert_eq!(steps(&leaf, &all), 4);
}

#[test]
fn a_ring_of_names_never_reaches_path_building() {
    let (leaf, links) = ring(250);
    let sent = [vec![leaf], links].concat();
    let name = ServerName::try_from("localhost").unwrap();
    let now = UnixTime::since_unix_epoch(core::time::Duration::from_secs(1_800_000_000));
    // Where everybody is admitted, a resumed session is judged like a new one.
    let verifier = ServerVerifier::new(VerifierRules::strict(Roots::bundled()));
    for judged in [
        verifier.judge(&sent, &name, now),
        verifier.judge_resumed(&sent, &name, now),
    ] {
        let refusal = judged.unwrap_err();
        assert_eq!(refusal.code(), "CERT_CHAIN_TOO_LONG");
        // The words of this limit, not of webpki's, which is counted in hundreds of thousands.
        assert!(
            refusal.diagnosis().cause().contains("more than 16"),
            "{}",
            refusal.diagnosis().cause()
        );
        assert!(
            refusal.diagnosis().cause().contains("\"CN=localhost\""),
            "{}",
            refusal.diagnosis().cause()
        );
    }
}
