//! Do both sides of a connection log the same secrets, in the form tools read, and no others?

use std::sync::Arc;

use proptest::prelude::*;
use rustls::{ClientConfig, HandshakeKind, ServerConfig, SupportedProtocolVersion};
use sealane_testkit::certificates::TestCa;

use super::KeyLogLine;
use crate::pair::{Offer, Pair, connect_to, default_context};
use crate::select::{ObservedKeyLog, observe};
use crate::{Binding, ClientTlsOptions, Roots};

/// A client and a server of which each keeps a key log.
struct Logging {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Logging {
    fn new(version: &'static SupportedProtocolVersion) -> Self {
        let ca = TestCa::new();
        let offer = Offer {
            versions: vec![version],
            ..Offer::default()
        };
        let mut client = ClientConfig::clone(&offer.config(&ca));
        client.key_log = Arc::new(ObservedKeyLog);
        let mut server = ServerConfig::clone(default_context(&ca).server_config());
        server.key_log = Arc::new(ObservedKeyLog);
        Self {
            client: Arc::new(client),
            server: Arc::new(server),
        }
    }

    fn connect(&self, expected: HandshakeKind) -> Pair {
        let pair = connect_to(&self.server, &self.client, "localhost");
        assert_eq!((&pair.server_error, &pair.client_error), (&None, &None));
        assert_eq!(pair.server.handshake_kind(), Some(expected));
        pair
    }
}

fn labels(lines: &[KeyLogLine]) -> Vec<&str> {
    lines.iter().map(KeyLogLine::label).collect()
}

fn sorted(lines: &[KeyLogLine]) -> Vec<&str> {
    let mut texts: Vec<_> = lines.iter().map(KeyLogLine::text).collect();
    texts.sort_unstable();
    texts
}

const TLS13: [&str; 5] = [
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
    "EXPORTER_SECRET",
];

#[test]
fn tls_13_logs_five_secrets_on_each_side_also_when_resumed() {
    let logging = Logging::new(&rustls::version::TLS13);
    let mut all = Vec::new();
    for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let pair = logging.connect(expected);
        for lines in [&pair.seen.key_log, &pair.server_seen.key_log] {
            assert_eq!(labels(lines), TLS13, "{expected:?}");
        }
        assert_eq!(
            sorted(&pair.seen.key_log),
            sorted(&pair.server_seen.key_log)
        );
        all.extend(pair.seen.key_log);
    }
    let all = sorted(&all);
    assert_eq!(all.len(), 10);
    assert!(all.windows(2).all(|two| two[0] != two[1]), "all differ");
}

#[test]
fn tls_12_logs_one_secret_on_each_side_also_when_resumed() {
    let logging = Logging::new(&rustls::version::TLS12);
    for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let pair = logging.connect(expected);
        assert_eq!(labels(&pair.seen.key_log), ["CLIENT_RANDOM"]);
        assert_eq!(pair.seen.key_log, pair.server_seen.key_log);
    }
}

/// The random of a ClientHello: behind the heads of record and message and the version (§4.1.2).
fn random_of(hello: &[u8]) -> String {
    hello[11..43]
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect()
}

#[test]
fn c061_a_line_is_label_client_random_and_secret() {
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let logging = Logging::new(version);
        let name = "localhost".try_into().unwrap();
        let mut client = rustls::ClientConnection::new(Arc::clone(&logging.client), name).unwrap();
        let mut hello = Vec::new();
        client.write_tls(&mut hello).unwrap();
        let mut server = rustls::ServerConnection::new(Arc::clone(&logging.server)).unwrap();
        server.read_tls(&mut hello.as_slice()).unwrap();
        let mut lines = Vec::new();
        while client.is_handshaking() || server.is_handshaking() {
            let mut octets = Vec::new();
            let (result, seen) = observe(|| server.process_new_packets().map(drop));
            result.unwrap();
            lines.extend(seen.key_log);
            server.write_tls(&mut octets).unwrap();
            client.read_tls(&mut octets.as_slice()).unwrap();
            let (result, seen) = observe(|| client.process_new_packets().map(drop));
            result.unwrap();
            lines.extend(seen.key_log);
            octets.clear();
            client.write_tls(&mut octets).unwrap();
            server.read_tls(&mut octets.as_slice()).unwrap();
        }
        assert!(lines.len() >= 2, "{version:?}");
        for line in lines {
            let text = line.text().strip_suffix('\n').unwrap();
            let fields: Vec<_> = text.split(' ').collect();
            let &[label, random, secret] = fields.as_slice() else {
                panic!("{} fields", fields.len());
            };
            assert_eq!((label, random), (line.label(), &*random_of(&hello)));
            let hexadecimal = |c| matches!(c, '0'..='9' | 'a'..='f');
            assert!(secret.len() >= 64 && secret.chars().all(hexadecimal));
        }
    }
}

#[test]
fn without_a_key_log_in_the_context_nothing_is_logged() {
    let ca = TestCa::new();
    let offer = Offer::default().config(&ca);
    let pair = connect_to(default_context(&ca).server_config(), &offer, "localhost");
    assert_eq!(pair.seen.key_log, []);
    assert_eq!(pair.server_seen.key_log, []);
}

#[test]
fn c063_no_secret_is_computed_for_a_log_that_nobody_keeps() {
    let ca = TestCa::new();
    let roots = Roots::from_der([ca.certificate_der()]).unwrap();
    let client = ClientTlsOptions::new().ca(roots).build().unwrap();
    let server = default_context(&ca);
    for kept in [false, true] {
        let binding = Binding {
            ticket_keys: None,
            scope: "",
            key_log: kept,
            exporter: false,
        };
        let logs = [
            Arc::clone(&client.config(None, kept).key_log),
            Arc::clone(&server.bind(binding).server_config().key_log),
        ];
        // rustls computes a secret for a log after asking whether it would be taken.
        for label in TLS13.iter().chain(["CLIENT_RANDOM"].iter()) {
            let (asked, _) = observe(|| logs.each_ref().map(|log| log.will_log(label)));
            assert_eq!(asked, [kept; 2], "{label}");
        }
    }
}

#[test]
fn when_nobody_observes_no_secret_is_asked_for() {
    use rustls::KeyLog as _;
    assert!(!ObservedKeyLog.will_log("EXPORTER_SECRET"));
    ObservedKeyLog.log("EXPORTER_SECRET", &[1; 32], &[2; 32]);
    let (will, seen) = observe(|| ObservedKeyLog.will_log("EXPORTER_SECRET"));
    assert!(will);
    assert_eq!(seen.key_log, [], "what was logged before is not here");
}

#[test]
fn debug_hides_the_secret() {
    let line = KeyLogLine::new("CLIENT_RANDOM", &[0xab; 32], &[0xcd; 48]);
    assert_eq!(
        format!("{line:?}"),
        r#"KeyLogLine { label: "CLIENT_RANDOM", .. }"#
    );
}

proptest! {
    #[test]
    fn a_line_fills_exactly_the_room_made_for_it(
        label in "[A-Z_0-9]{1,32}",
        random in prop::collection::vec(any::<u8>(), 0..40),
        secret in prop::collection::vec(any::<u8>(), 0..70),
    ) {
        let line = KeyLogLine::new(&label, &random, &secret);
        prop_assert_eq!(line.label(), label);
        // Else the string has grown, and left a copy of the secret behind.
        prop_assert_eq!(line.text.capacity(), line.text.len());
    }
}
