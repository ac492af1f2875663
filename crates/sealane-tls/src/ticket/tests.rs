//! Does a ticket open exactly where, when and with which key it should?

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use rustls::server::{ProducesTickets, WebPkiClientVerifier};
use rustls::{HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::CertificateDer;
use sealane_testkit::certificates::{KeyKind, TestCa};

use super::{LONGEST_STATE, LONGEST_TICKET, SHORTEST_PERIOD, TicketKeys};
use crate::ServerTlsOptions;
use crate::clock::Clock;
use crate::pair::{Offer, connect_to, identity};

/// A clock that goes only where it is set.
#[derive(Debug)]
struct SetClock(AtomicU64);

impl SetClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(1_800_000_000)))
    }

    fn forward(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn back(&self, seconds: u64) {
        self.0.fetch_sub(seconds, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn unix_seconds(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Keys, a clock, and what they make.
struct World {
    keys: TicketKeys,
    clock: Arc<SetClock>,
}

impl World {
    fn new(keys: TicketKeys) -> Self {
        let clock = SetClock::new();
        Self { keys, clock }
    }

    fn ticketer(&self, bound_to: u8, lifetime: u64) -> Arc<dyn ProducesTickets> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let lifetime = Duration::from_secs(lifetime);
        self.keys.ticketer([bound_to; 32], lifetime, clock)
    }
}

const FIXED: [u8; 48] = [7; 48];

fn both() -> [World; 2] {
    [TicketKeys::new(), TicketKeys::from_octets(&FIXED)].map(|keys| World::new(keys.unwrap()))
}

#[test]
fn a_ticket_opens_for_its_own_use_only() {
    for world in both() {
        let ticketer = world.ticketer(1, 300);
        let ticket = ticketer.encrypt(b"state").unwrap();
        assert_eq!(ticketer.decrypt(&ticket).unwrap(), b"state");
        assert_eq!(world.ticketer(1, 300).decrypt(&ticket).unwrap(), b"state");
        assert_eq!(world.ticketer(2, 300).decrypt(&ticket), None);
        let other = World::new(TicketKeys::new().unwrap());
        assert_eq!(other.ticketer(1, 300).decrypt(&ticket), None);
        assert!(!ticket.windows(5).any(|octets| octets == b"state"));
        assert_ne!(ticketer.encrypt(b"state").unwrap(), ticket, "each differs");
    }
}

#[test]
fn a_ticket_is_over_after_its_lifetime() {
    for world in both() {
        let ticketer = world.ticketer(1, 300);
        let ticket = ticketer.encrypt(b"state").unwrap();
        world.clock.forward(300);
        assert!(ticketer.decrypt(&ticket).is_some());
        world.clock.forward(1);
        assert_eq!(ticketer.decrypt(&ticket), None);
    }
}

#[test]
fn a_clock_that_was_set_back_lends_no_longer_life() {
    for world in both() {
        let ticketer = world.ticketer(1, 300);
        let ticket = ticketer.encrypt(b"state").unwrap();
        world.clock.back(60);
        assert!(
            ticketer.decrypt(&ticket).is_some(),
            "within what machines differ"
        );
        world.clock.back(1);
        assert_eq!(ticketer.decrypt(&ticket), None);
    }
}

#[test]
fn keys_change_by_themselves_and_no_ticket_ends_early() {
    let world = World::new(TicketKeys::new().unwrap());
    let ticketer = world.ticketer(1, 300);
    let first = world.keys.octets();
    let early = ticketer.encrypt(b"early").unwrap();
    assert_eq!(early[..16], first[..16]);
    world.clock.forward(299);
    let late = ticketer.encrypt(b"late").unwrap();
    assert_eq!(late[..16], first[..16]);
    world.clock.forward(1);
    let next = ticketer.encrypt(b"next").unwrap();
    assert_ne!(next[..16], first[..16], "the key has changed");
    assert_ne!(world.keys.octets()[16..], first[16..]);
    assert!(ticketer.decrypt(&early).is_some());
    world.clock.forward(299);
    assert!(ticketer.decrypt(&late).is_some(), "300 seconds old");
    world.clock.forward(1);
    ticketer.encrypt(b"third").unwrap();
    assert!(ticketer.decrypt(&next).is_some());
    assert!(
        !world
            .keys
            .with_ring(|ring| ring.named(&first[..16].try_into().unwrap()).is_some())
    );
}

#[test]
fn after_a_long_silence_both_keys_are_gone() {
    let world = World::new(TicketKeys::new().unwrap());
    let ticketer = world.ticketer(1, 300);
    let first = world.keys.octets();
    ticketer.encrypt(b"state").unwrap();
    world.clock.forward(600);
    ticketer.encrypt(b"state").unwrap();
    let named = |ring: &mut super::Ring| ring.named(first.first_chunk().unwrap()).is_some();
    assert!(!world.keys.with_ring(named));
}

#[test]
fn the_longest_session_decides_how_long_a_key_seals() {
    let world = World::new(TicketKeys::new().unwrap());
    let short = world.ticketer(1, 1);
    let ticket = short.encrypt(b"state").unwrap();
    world.clock.forward(SHORTEST_PERIOD - 1);
    assert_eq!(short.encrypt(b"state").unwrap()[..16], ticket[..16]);
    let long = world.ticketer(2, 1000);
    world.clock.forward(900);
    assert_eq!(long.encrypt(b"state").unwrap()[..16], ticket[..16]);
    world.clock.forward(100);
    assert_ne!(long.encrypt(b"state").unwrap()[..16], ticket[..16]);
}

#[test]
fn given_keys_stay_until_they_are_replaced_and_then_at_once() {
    let world = World::new(TicketKeys::from_octets(&FIXED).unwrap());
    let ticketer = world.ticketer(1, 300);
    assert_eq!(*world.keys.octets(), FIXED);
    world.clock.forward(100_000);
    let ticket = ticketer.encrypt(b"state").unwrap();
    assert_eq!(ticket[..16], FIXED[..16]);
    world.keys.replace(&[8; 48]).unwrap();
    assert_eq!(ticketer.decrypt(&ticket), None);
    assert_eq!(ticketer.encrypt(b"state").unwrap()[..16], [8; 16]);
    // The same keys elsewhere open the same tickets.
    let there = World::new(TicketKeys::from_octets(&FIXED).unwrap());
    there.clock.forward(100_000);
    assert!(there.ticketer(1, 300).decrypt(&ticket).is_some());
    // The name alone does not.
    let mut half = FIXED;
    half[47] ^= 1;
    there.keys.replace(&half).unwrap();
    assert_eq!(there.ticketer(1, 300).decrypt(&ticket), None);
}

#[test]
fn c053_keys_of_another_length_are_refused() {
    let keys = TicketKeys::new().unwrap();
    let before = keys.octets();
    for length in [0, 16, 47, 49, 64] {
        let octets = vec![1; length];
        let errors = [
            TicketKeys::from_octets(&octets).unwrap_err(),
            keys.replace(&octets).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(
                (error.option(), error.code()),
                ("ticket_keys", "ERR_INVALID_ARG_VALUE")
            );
            assert!(error.reason().contains("48 bytes"), "{error}");
        }
    }
    assert_eq!(keys.octets(), before);
}

#[test]
fn sizes_and_lifetimes_are_bounded() {
    let world = World::new(TicketKeys::new().unwrap());
    let ticketer = world.ticketer(1, u64::MAX);
    assert_eq!(ticketer.lifetime(), 604_800, "seven days (RFC 8446 §4.6.1)");
    let longest = ticketer.encrypt(&vec![1; LONGEST_STATE]).unwrap();
    assert_eq!(longest.len(), LONGEST_TICKET);
    assert_eq!(ticketer.decrypt(&longest).unwrap().len(), LONGEST_STATE);
    assert_eq!(ticketer.encrypt(&vec![1; LONGEST_STATE + 1]), None);
    assert_eq!(ticketer.decrypt(&[longest, vec![0]].concat()), None);
    assert!(!world.ticketer(1, 0).enabled());
    let part = Duration::from_millis(1500);
    let part = world.keys.ticketer([1; 32], part, SetClock::new());
    assert_eq!((part.enabled(), part.lifetime()), (true, 2));
}

#[test]
fn debug_shows_no_key() {
    let keys = TicketKeys::from_octets(&[0xab; 48]).unwrap();
    let world = World::new(keys.clone());
    let shown = format!("{keys:?} {:?}", world.ticketer(1, 300));
    assert_eq!(
        shown,
        "TicketKeys { rotates: false, .. } Ticketer { lifetime: 300, .. }"
    );
}

proptest! {
    #[test]
    fn what_was_changed_or_cut_does_not_open(
        state in prop::collection::vec(any::<u8>(), 0..100),
        at in any::<prop::sample::Index>(),
        change in 1_u8..,
        cut in any::<prop::sample::Index>(),
    ) {
        let world = World::new(TicketKeys::from_octets(&FIXED).unwrap());
        let ticketer = world.ticketer(1, 300);
        let ticket = ticketer.encrypt(&state).unwrap();
        prop_assert_eq!(ticketer.decrypt(&ticket), Some(state));
        prop_assert_eq!(ticketer.decrypt(&ticket[..cut.index(ticket.len())]), None);
        let mut changed = ticket.clone();
        changed[at.index(ticket.len())] ^= change;
        prop_assert_eq!(ticketer.decrypt(&changed), None);
    }

    #[test]
    fn any_octets_behind_a_known_name_do_not_open(
        octets in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let world = World::new(TicketKeys::from_octets(&FIXED).unwrap());
        let octets = [&FIXED[..16], &octets].concat();
        prop_assert_eq!(world.ticketer(1, 300).decrypt(&octets), None);
    }
}

/// A server's configuration whose tickets are bound to this, in a world of keys and time.
fn config(base: &ServerConfig, world: &World, bound_to: u8) -> Arc<ServerConfig> {
    let mut config = ServerConfig::clone(base);
    config.ticketer = world.ticketer(bound_to, 300);
    Arc::new(config)
}

fn base(ca: &TestCa) -> Arc<ServerConfig> {
    let options = ServerTlsOptions::new(identity(ca, KeyKind::P256));
    Arc::clone(options.build().unwrap().server_config())
}

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];

/// What kind of handshakes a client makes with these servers in turn.
fn handshakes(
    ca: &TestCa,
    version: &'static SupportedProtocolVersion,
    steps: &[&dyn Fn() -> Arc<ServerConfig>],
) -> Vec<HandshakeKind> {
    let offer = Offer {
        versions: vec![version],
        ..Offer::default()
    };
    let client = offer.config(ca);
    let step = |step: &&dyn Fn() -> Arc<ServerConfig>| {
        let pair = connect_to(&step(), &client, "localhost");
        assert_eq!((&pair.server_error, &pair.client_error), (&None, &None));
        pair.server.handshake_kind().unwrap()
    };
    steps.iter().map(step).collect()
}

use HandshakeKind::{Full, Resumed};

#[test]
fn sessions_survive_a_renewed_certificate_but_not_another_context() {
    let ca = TestCa::new();
    for version in VERSIONS {
        let world = World::new(TicketKeys::new().unwrap());
        let (old, renewed) = (base(&ca), base(&ca));
        let kinds = handshakes(
            &ca,
            version,
            &[
                &|| config(&old, &world, 1),
                &|| config(&old, &world, 1),
                &|| config(&renewed, &world, 1),
                &|| config(&renewed, &world, 2),
            ],
        );
        assert_eq!(kinds, [Full, Resumed, Resumed, Full], "{version:?}");
    }
}

/// Were the seal not bound, a session of a context that asks for no certificate would resume in
/// one that demands it, and its client be taken for proved.
#[test]
fn a_session_without_client_certificate_does_not_resume_where_one_is_demanded() {
    let ca = TestCa::new();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(ca.certificate_der().to_vec()))
        .unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
    );
    let verifier = verifier.build().unwrap();
    for version in VERSIONS {
        let world = World::new(TicketKeys::new().unwrap());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let open = base(&ca);
        let strict = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(Arc::clone(&verifier))
            .with_cert_resolver(Arc::clone(&open.cert_resolver));
        let offer = Offer {
            versions: vec![version],
            alpn: vec![],
            ..Offer::default()
        };
        let client = offer.config(&ca);
        let first = connect_to(&config(&open, &world, 1), &client, "localhost");
        assert_eq!(first.server_error, None);
        let second = connect_to(&config(&strict, &world, 2), &client, "localhost");
        let error = second.server_error.expect("no certificate was sent");
        assert_eq!(error, rustls::Error::NoCertificatesPresented, "{version:?}");
    }
}

#[test]
fn replaced_keys_lead_to_a_full_handshake_that_succeeds() {
    let ca = TestCa::new();
    for version in VERSIONS {
        let world = World::new(TicketKeys::new().unwrap());
        let base = base(&ca);
        let server = config(&base, &world, 1);
        let kinds = handshakes(
            &ca,
            version,
            &[
                &|| Arc::clone(&server),
                &|| Arc::clone(&server),
                &|| {
                    world.keys.replace(&FIXED).unwrap();
                    Arc::clone(&server)
                },
                &|| Arc::clone(&server),
            ],
        );
        assert_eq!(kinds, [Full, Resumed, Full, Resumed], "{version:?}");
    }
}

#[test]
fn a_session_beyond_its_time_leads_to_a_full_handshake() {
    let ca = TestCa::new();
    for version in VERSIONS {
        let world = World::new(TicketKeys::new().unwrap());
        let base = base(&ca);
        let kinds = handshakes(
            &ca,
            version,
            &[
                &|| config(&base, &world, 1),
                &|| {
                    world.clock.forward(301);
                    config(&base, &world, 1)
                },
                &|| {
                    world.clock.forward(299);
                    config(&base, &world, 1)
                },
            ],
        );
        assert_eq!(kinds, [Full, Full, Resumed], "{version:?}");
    }
}

#[test]
fn c056_a_session_of_one_second_is_over_after_three() {
    let ca = TestCa::new();
    for version in VERSIONS {
        let clock = SetClock::new();
        let options = ServerTlsOptions::new(identity(&ca, KeyKind::P256));
        let options = options.session_timeout(Duration::from_secs(1));
        let context = options.clock(Arc::clone(&clock) as Arc<dyn Clock>).build();
        let context = context.unwrap();
        let server = || Arc::clone(context.server_config());
        let kinds = handshakes(
            &ca,
            version,
            &[&server, &server, &|| {
                clock.forward(3);
                server()
            }],
        );
        assert_eq!(kinds, [Full, Resumed, Full], "{version:?}");
    }
}
