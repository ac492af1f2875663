//! Does each call see exactly the name of its own ClientHello?

use std::panic::{AssertUnwindSafe, catch_unwind};

use sealane_testkit::certificates::TestCa;

use super::{Observation, note_servername, note_verdict, observe};
use crate::pair::{Offer, connect, default_context};
use crate::{Diagnosis, Verdict};

fn seen(name: &str) -> Observation {
    Observation {
        servername: Some(name.to_owned()),
        ..Observation::default()
    }
}

#[test]
fn a_call_sees_only_its_own_name() {
    let (inner, outer) = observe(|| {
        note_servername(Some("outer"));
        observe(|| note_servername(Some("inner"))).1
    });
    assert_eq!((inner, outer), (seen("inner"), seen("outer")));
    let (empty, ()) = (observe(|| ()).1, note_servername(Some("nobody listens")));
    assert_eq!(empty, Observation::default());
    assert_eq!(observe(|| ()).1, Observation::default());
}

#[test]
fn a_panic_inside_leaves_the_outer_observation_whole() {
    let ((), outer) = observe(|| {
        note_servername(Some("outer"));
        let inner = || observe(|| -> () { panic!("on purpose") });
        assert!(catch_unwind(AssertUnwindSafe(inner)).is_err());
    });
    assert_eq!(outer, seen("outer"));
}

#[test]
fn the_name_is_seen_on_full_and_on_resumed_handshakes() {
    let ca = TestCa::new();
    let context = default_context(&ca);
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let client = Offer {
            versions: vec![version],
            ..Offer::default()
        }
        .config(&ca);
        for expected in [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed] {
            let pair = connect(&context, &client, "localhost");
            assert_eq!(pair.server.handshake_kind(), Some(expected), "{version:?}");
            assert_eq!(pair.servername.as_deref(), Some("localhost"));
        }
    }
}

#[test]
fn a_client_that_names_an_address_sends_no_name() {
    let ca = TestCa::new();
    let pem = ca.issue(&["127.0.0.1"]);
    let identity = crate::Identity::from_pem(pem.chain_pem.as_bytes(), pem.key_pem.as_bytes());
    let context = crate::ServerTlsOptions::new(identity.unwrap())
        .build()
        .unwrap();
    let pair = connect(&context, &Offer::default().config(&ca), "127.0.0.1");
    assert_eq!(pair.client_error, None);
    assert_eq!(pair.servername, None);
}

#[test]
fn later_calls_add_what_they_saw() {
    let verdict = |code| Verdict::Unauthorized(Diagnosis::new(code, "why"));
    let mut all = seen("name");
    all.add(Observation {
        verdict: Some(verdict("first")),
        ..Observation::default()
    });
    all.add(Observation::default());
    assert_eq!(all.servername.as_deref(), Some("name"));
    assert_eq!(all.verdict, Some(verdict("first")));
    all.add(Observation {
        verdict: Some(verdict("second")),
        ..seen("other")
    });
    assert_eq!(all.servername.as_deref(), Some("other"));
    assert_eq!(all.verdict, Some(verdict("second")));
    let ((), observed) = observe(|| note_verdict(&Verdict::Authorized));
    assert_eq!(observed.verdict, Some(Verdict::Authorized));
    note_verdict(&Verdict::Authorized);
    assert_eq!(observe(|| ()).1, Observation::default());
}
