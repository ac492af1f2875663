//! Does a server resume from a store exactly the sessions of its own context, in their time?

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::server::StoresServerSessions;
use rustls::{HandshakeKind, ServerConfig, SupportedProtocolVersion};
use sealane_testkit::certificates::TestCa;

use super::{ContextStore, HEAD, ID, LONGEST_STATE, SessionStore};
use crate::clock::Clock;
use crate::pair::{Offer, connect_to, default_context};

/// A value and when it expires.
type Kept = (Vec<u8>, u64);

/// A store that keeps all and counts what it is asked.
#[derive(Debug, Default)]
struct Shelf {
    values: Mutex<HashMap<Vec<u8>, Kept>>,
    log: Mutex<Vec<(&'static str, usize)>>,
}

impl Shelf {
    fn note(&self, what: &'static str, id: &[u8]) {
        self.log.lock().unwrap().push((what, id.len()));
    }

    fn log(&self) -> Vec<(&'static str, usize)> {
        self.log.lock().unwrap().clone()
    }
}

impl SessionStore for Shelf {
    fn put(&self, id: &[u8], value: Vec<u8>, expires: u64) -> bool {
        self.note("put", id);
        let mut values = self.values.lock().unwrap();
        values.insert(id.to_vec(), (value, expires));
        true
    }

    fn get(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.note("get", id);
        let values = self.values.lock().unwrap();
        values.get(id).map(|(value, _)| value.clone())
    }

    fn take(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.note("take", id);
        let mut values = self.values.lock().unwrap();
        values.remove(id).map(|(value, _)| value)
    }
}

/// A clock that goes only where it is set.
#[derive(Debug)]
struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn unix_seconds(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A shelf and a clock, which contexts share.
struct World {
    shelf: Arc<Shelf>,
    clock: Arc<SetClock>,
}

const START: u64 = 1_800_000_000;

impl World {
    fn new() -> Self {
        Self {
            shelf: Arc::default(),
            clock: Arc::new(SetClock(AtomicU64::new(START))),
        }
    }

    fn store(&self, bound_to: u8, lifetime: u64) -> ContextStore {
        let (shelf, clock) = (Arc::clone(&self.shelf), Arc::clone(&self.clock));
        ContextStore::new(shelf, [bound_to; 32], Duration::from_secs(lifetime), clock)
    }

    /// A server without tickets.
    fn server(&self, base: &ServerConfig, bound_to: u8) -> Arc<ServerConfig> {
        let mut config = ServerConfig::clone(base);
        let keys = crate::TicketKeys::from_octets(&[0; 48]).unwrap();
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        config.ticketer = keys.ticketer([0; 32], Duration::ZERO, clock);
        config.session_storage = Arc::new(self.store(bound_to, 300));
        Arc::new(config)
    }

    fn forward(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

fn handshake(
    server: &Arc<ServerConfig>,
    client: &Arc<rustls::ClientConfig>,
) -> Option<HandshakeKind> {
    let pair = connect_to(server, client, "localhost");
    assert_eq!((&pair.server_error, &pair.client_error), (&None, &None));
    pair.server.handshake_kind()
}

fn client(ca: &TestCa, version: &'static SupportedProtocolVersion) -> Arc<rustls::ClientConfig> {
    let offer = Offer {
        versions: vec![version],
        ..Offer::default()
    };
    offer.config(ca)
}

const FULL: Option<HandshakeKind> = Some(HandshakeKind::Full);
const RESUMED: Option<HandshakeKind> = Some(HandshakeKind::Resumed);

#[test]
fn c054_tls_12_without_tickets_resumes_by_the_id_of_32_octets() {
    let (ca, world) = (TestCa::new(), World::new());
    let context = default_context(&ca);
    let server = world.server(context.server_config(), 1);
    let client = client(&ca, &rustls::version::TLS12);
    assert_eq!(handshake(&server, &client), FULL);
    assert_eq!(world.shelf.log(), [("put", 32)]);
    assert_eq!(handshake(&server, &client), RESUMED);
    assert_eq!(world.shelf.log(), [("put", 32), ("get", 32)]);
}

#[test]
fn tls_13_resumes_from_the_store_and_takes_each_session_once() {
    let (ca, world) = (TestCa::new(), World::new());
    let context = default_context(&ca);
    let server = world.server(context.server_config(), 1);
    let client = client(&ca, &rustls::version::TLS13);
    assert_eq!(handshake(&server, &client), FULL);
    assert_eq!(handshake(&server, &client), RESUMED);
    let log = world.shelf.log();
    assert_eq!(log, [("put", 32), ("take", 32), ("put", 32)]);
    assert_eq!(world.shelf.values.lock().unwrap().len(), 1);
}

#[test]
fn sessions_end_with_their_time_and_stay_in_their_context() {
    let ca = TestCa::new();
    let context = default_context(&ca);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let world = World::new();
        let server = world.server(context.server_config(), 1);
        let other = world.server(context.server_config(), 2);
        let client = client(&ca, version);
        assert_eq!(handshake(&server, &client), FULL);
        world.forward(301);
        assert_eq!(handshake(&server, &client), FULL, "over: {version:?}");
        world.forward(300);
        assert_eq!(handshake(&server, &client), RESUMED, "{version:?}");
        assert_eq!(handshake(&other, &client), FULL, "elsewhere: {version:?}");
    }
}

#[test]
fn a_store_is_told_when_a_session_ends_and_asked_for_nothing_strange() {
    let world = World::new();
    let store = world.store(1, 300);
    assert!(store.put(vec![1; ID], b"state".to_vec()));
    let ends = world.shelf.values.lock().unwrap()[&vec![1; ID]].1;
    assert_eq!(ends, START + 300);
    for id in [&[][..], &[1; ID - 1], &[1; ID + 1], &[1; 60_000]] {
        assert_eq!((store.get(id), store.take(id)), (None, None));
        assert!(!store.put(id.to_vec(), vec![]));
    }
    assert_eq!(world.shelf.log(), [("put", ID)]);
    assert!(!store.put(vec![1; ID], vec![0; LONGEST_STATE + 1]));
    assert_eq!(store.get(&[1; ID]).unwrap(), b"state");
    assert_eq!(store.take(&[1; ID]).unwrap(), b"state");
    assert_eq!(store.take(&[1; ID]), None);
}

#[test]
fn with_a_lifetime_of_zero_nothing_is_kept() {
    let world = World::new();
    let store = world.store(1, 0);
    assert!(!store.can_cache());
    assert!(!store.put(vec![1; ID], b"state".to_vec()));
    assert_eq!(world.shelf.log(), []);
}

#[test]
fn what_a_store_makes_up_is_not_taken() {
    let world = World::new();
    let store = world.store(1, 300);
    let head = [&[1; 32][..], &START.to_be_bytes()].concat();
    let long = [head.clone(), vec![0; LONGEST_STATE + 1]].concat();
    for (value, taken) in [
        (vec![], None),
        (head[..HEAD - 1].to_vec(), None),
        (head.clone(), Some(vec![])),
        ([&head[..], b"x"].concat(), Some(b"x".to_vec())),
        ([&[2; 32][..], &head[32..]].concat(), None),
        ([&[1; 32][..], &(START + 61).to_be_bytes()].concat(), None),
        ([&[1; 32][..], &[0xff; 8]].concat(), None),
        (long, None),
    ] {
        world.shelf.put(&[9; ID], value, 0);
        assert_eq!(store.get(&[9; ID]), taken);
    }
    assert_eq!(format!("{store:?}"), "ContextStore { lifetime: 300, .. }");
}
