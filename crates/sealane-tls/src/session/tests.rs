//! Are sessions kept, given out once, told apart and evicted in order?

use std::sync::Arc;

use proptest::prelude::{any, prop_assert_eq, proptest};
use rustls::client::ClientSessionStore;
use rustls::{ClientConfig, HandshakeKind, NamedGroup};
use rustls_pki_types::ServerName;
use sealane_testkit::certificates::TestCa;

use super::{MAX_NAMES, MAX_TICKETS, SessionCache};
use crate::pair::{connect, default_context};
use crate::{ClientContext, ClientTlsOptions, Roots, SecureContext, SecurityDomain, TlsVersion};

/// A server, and a client that trusts it.
struct Sides {
    ca: TestCa,
    server: SecureContext,
    client: ClientContext,
}

impl Sides {
    fn new(version: TlsVersion) -> Self {
        let ca = TestCa::new();
        let client = client_of(&ca, version);
        let server = default_context(&ca);
        Self { ca, server, client }
    }

    /// Connects once and tells how.
    fn connect(&self, store: &Arc<dyn ClientSessionStore>) -> HandshakeKind {
        connect_with(
            &self.server,
            &self.client.config(Some(Arc::clone(store)), false),
        )
    }
}

fn client_of(ca: &TestCa, version: TlsVersion) -> ClientContext {
    ClientTlsOptions::new()
        .ca(Roots::from_der([ca.certificate_der()]).unwrap())
        .min_version(version)
        .max_version(version)
        .build()
        .unwrap()
}

fn connect_with(server: &SecureContext, config: &Arc<ClientConfig>) -> HandshakeKind {
    let pair = connect(server, config, "localhost");
    assert_eq!((&pair.client_error, &pair.server_error), (&None, &None));
    assert_eq!(pair.client.handshake_kind(), pair.server.handshake_kind());
    pair.client.handshake_kind().unwrap()
}

fn name(host: &str) -> ServerName<'static> {
    ServerName::try_from(host.to_owned()).unwrap()
}

const VERSIONS: [TlsVersion; 2] = [TlsVersion::V1_2, TlsVersion::V1_3];

#[test]
fn the_second_connection_of_a_key_resumes() {
    for version in VERSIONS {
        let sides = Sides::new(version);
        let cache = SessionCache::new(10);
        assert_eq!(sides.connect(&cache.store("a")), HandshakeKind::Full);
        for _ in 0..3 {
            // Another handle of the same key, and a fresh configuration: the verifier is the same.
            assert_eq!(
                sides.connect(&cache.store("a")),
                HandshakeKind::Resumed,
                "{version}"
            );
        }
        assert_eq!(cache.len(), 1);
    }
}

#[test]
fn keys_names_and_contexts_share_nothing() {
    for version in VERSIONS {
        let sides = Sides::new(version);
        let cache: Arc<SessionCache<(SecurityDomain, &str)>> = SessionCache::new(10);
        let domain = sides.client.domain();
        let store = cache.store((domain, "a"));
        assert_eq!(sides.connect(&store), HandshakeKind::Full);
        assert_eq!(
            sides.connect(&cache.store((domain, "b"))),
            HandshakeKind::Full
        );

        let elsewhere = name("elsewhere");
        assert!(store.take_tls13_ticket(&elsewhere).is_none());
        assert!(store.tls12_session(&elsewhere).is_none());

        // A context of its own, even with the same options, has a verifier of its own: rustls
        // itself would not resume, and the sessions stay for the one that made them.
        let twin = client_of(&sides.ca, version);
        assert_eq!(twin.domain(), domain);
        assert_eq!(
            connect_with(&sides.server, &twin.config(Some(store), false)),
            HandshakeKind::Full
        );
    }
}

#[test]
fn without_room_or_store_nothing_is_kept() {
    for version in VERSIONS {
        let sides = Sides::new(version);
        let none = SessionCache::new(0);
        for _ in 0..2 {
            assert_eq!(sides.connect(&none.store("a")), HandshakeKind::Full);
            assert_eq!(
                connect_with(&sides.server, &sides.client.config(None, false)),
                HandshakeKind::Full
            );
        }
        assert_eq!((none.len(), none.is_empty()), (0, true));
    }
}

#[test]
fn the_key_that_came_first_goes_first_whatever_was_renewed() {
    for version in VERSIONS {
        let sides = Sides::new(version);
        let cache = SessionCache::new(2);
        sides.connect(&cache.store(1));
        sides.connect(&cache.store(2));
        // Used and renewed, key 1 is still the oldest.
        assert_eq!(sides.connect(&cache.store(1)), HandshakeKind::Resumed);
        sides.connect(&cache.store(3));
        assert_eq!(cache.len(), 2);
        assert_eq!(sides.connect(&cache.store(2)), HandshakeKind::Resumed);
        assert_eq!(sides.connect(&cache.store(3)), HandshakeKind::Resumed);
        assert_eq!(sides.connect(&cache.store(1)), HandshakeKind::Full);
        // That evicted key 2, the oldest of the two that were left.
        assert_eq!(sides.connect(&cache.store(3)), HandshakeKind::Resumed);
        assert_eq!(sides.connect(&cache.store(2)), HandshakeKind::Full);
    }
}

#[test]
fn any_order_of_storing_and_removing_keeps_the_newest_keys() {
    let sides = Sides::new(TlsVersion::V1_2);
    let donor = SessionCache::new(1);
    sides.connect(&donor.store(()));
    let session = donor.store(()).tls12_session(&name("localhost")).unwrap();
    let moves = proptest::collection::vec((any::<bool>(), 0..6_u8), 0..60);
    proptest!(|(max in 0..5_usize, moves in moves)| {
        let cache = SessionCache::new(max);
        let mut model: Vec<u8> = Vec::new();
        for (stores, key) in moves {
            if stores {
                cache.store(key).set_tls12_session(name("localhost"), session.clone());
                if !model.contains(&key) {
                    model.push(key);
                }
                let evicted = model.len().saturating_sub(max);
                model.drain(..evicted);
            } else {
                cache.remove(&key);
                model.retain(|known| *known != key);
            }
            prop_assert_eq!(cache.len(), model.len());
            for key in 0..6 {
                let kept = cache.store(key).tls12_session(&name("localhost")).is_some();
                prop_assert_eq!(kept, model.contains(&key));
            }
        }
    });
}

#[test]
fn a_removed_key_starts_anew_as_the_youngest() {
    let sides = Sides::new(TlsVersion::V1_3);
    let cache = SessionCache::new(2);
    sides.connect(&cache.store(1));
    sides.connect(&cache.store(2));
    cache.remove(&1);
    cache.remove(&9);
    assert_eq!(cache.len(), 1);
    assert_eq!(sides.connect(&cache.store(1)), HandshakeKind::Full);
    sides.connect(&cache.store(3));
    assert_eq!(
        sides.connect(&cache.store(1)),
        HandshakeKind::Resumed,
        "2 was older"
    );
}

#[test]
fn tickets_are_given_out_once_and_only_the_newest_kept() {
    let sides = Sides::new(TlsVersion::V1_3);
    let cache = SessionCache::new(1);
    let store = cache.store("a");
    // Each full handshake brings one ticket, since each uses a store that is empty to it.
    let collected = cache.store("a");
    for _ in 0..MAX_TICKETS + 3 {
        let other = SessionCache::new(1);
        sides.connect(&other.store("b"));
        let ticket = other.store("b").take_tls13_ticket(&name("localhost"));
        collected.insert_tls13_ticket(name("localhost"), ticket.unwrap());
    }
    let mut taken = 0;
    while store.take_tls13_ticket(&name("localhost")).is_some() {
        taken += 1;
    }
    assert_eq!(taken, MAX_TICKETS);
    assert_eq!(sides.connect(&store), HandshakeKind::Full, "all were used");
}

#[test]
fn the_newest_ticket_is_given_out_first() {
    let sides = Sides::new(TlsVersion::V1_3);
    let newer = default_context(&sides.ca);
    let store = SessionCache::new(1).store("a");
    for server in [&sides.server, &newer] {
        let other = SessionCache::new(1).store("b");
        connect_with(
            server,
            &sides.client.config(Some(Arc::clone(&other)), false),
        );
        let ticket = other.take_tls13_ticket(&name("localhost")).unwrap();
        store.insert_tls13_ticket(name("localhost"), ticket);
    }
    // A ticket is good at the server that made it only.
    let config = sides.client.config(Some(store), false);
    assert_eq!(connect_with(&newer, &config), HandshakeKind::Resumed);
}

#[test]
fn names_of_one_key_are_bounded() {
    let sides = Sides::new(TlsVersion::V1_3);
    let cache = SessionCache::new(1);
    let store = cache.store("a");
    for number in 0..=MAX_NAMES {
        let other = SessionCache::new(1);
        sides.connect(&other.store("b"));
        let ticket = other.store("b").take_tls13_ticket(&name("localhost"));
        store.insert_tls13_ticket(name(&format!("n{number}.example")), ticket.unwrap());
    }
    assert!(store.take_tls13_ticket(&name("n0.example")).is_none());
    assert!(store.take_tls13_ticket(&name("n1.example")).is_some());
    assert_eq!(cache.len(), 1);
}

#[test]
fn a_hint_waits_for_a_session_and_takes_no_room() {
    let sides = Sides::new(TlsVersion::V1_3);
    let cache = SessionCache::new(1);
    sides.connect(&cache.store("kept"));
    let failing = cache.store("failing");
    failing.set_kx_hint(name("localhost"), NamedGroup::secp256r1);
    assert_eq!(
        failing.kx_hint(&name("localhost")),
        Some(NamedGroup::secp256r1)
    );
    assert_eq!(failing.kx_hint(&name("elsewhere")), None);
    assert_eq!(cache.len(), 1);
    assert_eq!(sides.connect(&cache.store("kept")), HandshakeKind::Resumed);
    // With a session the hint is the key's, and another handle has it too.
    sides.connect(&failing);
    let group = cache.store("failing").kx_hint(&name("localhost"));
    assert_eq!(group, Some(NamedGroup::X25519));
}

#[test]
fn a_handshake_that_fails_leaves_nothing() {
    for version in VERSIONS {
        let sides = Sides::new(version);
        let stranger = client_of(&TestCa::new(), version);
        let cache = SessionCache::new(1);
        for _ in 0..2 {
            let config = stranger.config(Some(cache.store("a")), false);
            let pair = connect(&sides.server, &config, "localhost");
            assert!(pair.client_error.is_some());
            assert_eq!(cache.len(), 0, "{version}");
        }
    }
}

#[test]
fn no_session_is_shown() {
    let sides = Sides::new(TlsVersion::V1_2);
    let cache = SessionCache::new(3);
    let store = cache.store("a");
    sides.connect(&store);
    assert_eq!(format!("{cache:?}"), "SessionCache { max_keys: 3, .. }");
    assert_eq!(format!("{store:?}"), "KeyedStore { key: \"a\", .. }");
}
