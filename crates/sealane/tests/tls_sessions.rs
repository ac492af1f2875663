//! Which TLS sessions does a server of ours resume, and when does it not?

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealane::{
    Agent, Identity, RequestCert, RequestOptions, Roots, SecureContext, SecureContextOptions,
    ServerOptions, SessionStore, TlsVersion,
};
use sealane_testkit::certificates::TestCa;
use support::asking::fetch;
use support::counted::Counted;
use support::{Ground, facts};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion, version,
};

const VERSIONS: [TlsVersion; 2] = [TlsVersion::V1_2, TlsVersion::V1_3];

/// An agent that keeps sessions, but no connections.
fn agent_of(ground: &Ground, version: TlsVersion) -> Agent {
    Agent::new(ground.agent_options().max_version(version)).unwrap()
}

async fn resumed(agent: &Agent, options: impl Into<RequestOptions>) -> bool {
    let response = fetch(agent, options).await.unwrap();
    facts(&response).tls().resumed()
}

fn identity(ground: &Ground, names: &[&str]) -> Identity {
    let pem = ground.ca().issue(names);
    Identity::from_pem(pem.chain_pem, pem.key_pem).unwrap()
}

/// Where sessions are kept in these tests.
#[derive(Debug, Default)]
struct Shelf {
    kept: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
}

impl SessionStore for Shelf {
    fn put(&self, id: &[u8], value: Vec<u8>, _expires: u64) -> bool {
        assert_eq!(id.len(), 32);
        self.kept.lock().unwrap().insert(id.to_vec(), value);
        true
    }

    fn get(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.kept.lock().unwrap().get(id).cloned()
    }

    fn take(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.kept.lock().unwrap().remove(id)
    }
}

#[tokio::test]
async fn keys_that_are_replaced_while_serving_cost_a_full_handshake_and_no_error() {
    let ground = Ground::new();
    for version in VERSIONS {
        let server = Counted::start(ground.options()).await;
        let agent = agent_of(&ground, version);
        assert!(!resumed(&agent, server.url()).await);
        assert!(resumed(&agent, server.url()).await);
        let before = server.server.ticket_keys().unwrap();
        server.server.set_ticket_keys(&[7; 48]).unwrap();
        assert_eq!(server.server.ticket_keys().unwrap(), [7; 48]);
        assert_ne!(before, [7; 48]);
        assert!(!resumed(&agent, server.url()).await);
        assert!(resumed(&agent, server.url()).await, "the new ticket counts");

        let error = server.server.set_ticket_keys(&[7; 47]).unwrap_err();
        assert_eq!(error.code(), Some("ERR_INVALID_ARG_VALUE"), "{error:?}");
        assert!(error.to_string().contains("48"), "{error}");
        assert!(resumed(&agent, server.url()).await, "nothing has changed");
    }
}

/// How a client of rustls', which asks each server for its tickets, was received.
async fn handshake(server: &Counted, config: &Arc<ClientConfig>) -> HandshakeKind {
    let address = server.server.address().unwrap();
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::clone(config));
    let mut stream = connector.connect(name, socket).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    support::read_to_end(&mut stream).await;
    stream.get_ref().1.handshake_kind().unwrap()
}

fn client_config(ca: &TestCa, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from(ca.certificate_der().to_vec());
    roots.add(root).unwrap();
    let builder = ClientConfig::builder_with_protocol_versions(&[version]);
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

#[tokio::test]
async fn servers_that_share_ticket_keys_resume_each_others_sessions() {
    use HandshakeKind::{Full, Resumed};
    let ground = Ground::new();
    for version in [&version::TLS12, &version::TLS13] {
        let options = |keys: [u8; 48]| ground.options().ticket_keys(keys);
        let one = Counted::start(options([1; 48])).await;
        let two = Counted::start(options([1; 48])).await;
        let other = Counted::start(options([2; 48])).await;
        let config = client_config(ground.ca(), version);
        assert_eq!(handshake(&one, &config).await, Full);
        assert_eq!(handshake(&two, &config).await, Resumed);
        assert_eq!(handshake(&one, &config).await, Resumed);
        assert_eq!(handshake(&other, &config).await, Full);
    }
}

#[tokio::test]
async fn a_renewed_certificate_keeps_the_sessions_and_a_changed_policy_does_not() {
    let ground = Ground::new();
    let renewed = || SecureContextOptions::new(identity(&ground, &["localhost"]));
    let asking = |request: RequestCert| renewed().request_cert(request).ca(ground.roots());
    for version in VERSIONS {
        let server = Counted::start(ground.options()).await;
        let agent = agent_of(&ground, version);
        assert!(!resumed(&agent, server.url()).await);
        let strangers = Roots::from_pem(TestCa::new().certificate_pem()).unwrap();
        let steps = [
            ("renewed", renewed(), true),
            (
                "asks for certificates",
                asking(RequestCert::Optional),
                false,
            ),
            (
                "renewed, asks the same",
                asking(RequestCert::Optional),
                true,
            ),
            (
                "asks others",
                asking(RequestCert::Optional).ca(strangers),
                false,
            ),
            ("asks nobody", renewed(), false),
            (
                "is for something else",
                renewed().session_id_context("x"),
                false,
            ),
            (
                "renewed, for the same",
                renewed().session_id_context("x"),
                true,
            ),
            ("is for nothing special", renewed(), false),
        ];
        for (what, options, expected) in steps {
            server.server.set_secure_context(options).unwrap();
            assert_eq!(
                resumed(&agent, server.url()).await,
                expected,
                "{version:?}: {what}"
            );
            assert!(resumed(&agent, server.url()).await, "{version:?}: {what}");
        }
    }
}

#[tokio::test]
async fn a_session_does_not_resume_in_another_names_context() {
    let ground = Ground::new();
    for version in VERSIONS {
        let server = Counted::start(ground.options()).await;
        let agent = agent_of(&ground, version);
        assert!(!resumed(&agent, server.url()).await);
        assert!(resumed(&agent, server.url()).await);
        let context = || SecureContext::new(identity(&ground, &["localhost"])).unwrap();
        server.server.add_context("localhost", &context()).unwrap();
        assert!(!resumed(&agent, server.url()).await, "{version:?}");
        assert!(resumed(&agent, server.url()).await);
        // Renewed under the same pattern, it is the same context.
        server.server.add_context("LOCALHOST", &context()).unwrap();
        assert!(resumed(&agent, server.url()).await, "{version:?}");
    }
}

#[tokio::test]
async fn a_store_keeps_sessions_until_it_forgets_them() {
    let ground = Ground::new();
    for version in VERSIONS {
        let shelf = Arc::new(Shelf::default());
        let store = Arc::clone(&shelf) as Arc<dyn SessionStore>;
        let server = Counted::start(ground.options().session_store(store)).await;
        let agent = agent_of(&ground, version);
        for round in 0..4 {
            assert_eq!(
                resumed(&agent, server.url()).await,
                round > 0,
                "{version:?}"
            );
            assert!(!shelf.kept.lock().unwrap().is_empty());
        }
        shelf.kept.lock().unwrap().clear();
        assert!(!resumed(&agent, server.url()).await);
        // Tickets, whose keys these are, go round no store.
        server.server.set_ticket_keys(&[7; 48]).unwrap();
        assert!(resumed(&agent, server.url()).await);
    }
}

#[tokio::test]
async fn without_a_time_for_sessions_every_handshake_is_a_full_one() {
    let ground = Ground::new();
    for version in VERSIONS {
        let none = || ground.options().session_timeout(Duration::ZERO);
        let store: Arc<dyn SessionStore> = Arc::new(Shelf::default());
        for options in [none(), none().session_store(store)] {
            let server = Counted::start(options).await;
            let agent = agent_of(&ground, version);
            for _ in 0..3 {
                assert!(!resumed(&agent, server.url()).await, "{version:?}");
            }
        }
    }
}

#[tokio::test]
async fn with_cryptography_of_the_programs_own_only_a_store_resumes() {
    let ground = Ground::new();
    for version in VERSIONS {
        let foreign = || {
            let provider = Arc::new(aws_lc_rs::default_provider());
            ground.options().crypto_provider(provider)
        };
        let store: Arc<dyn SessionStore> = Arc::new(Shelf::default());
        for (options, expected) in [(foreign(), false), (foreign().session_store(store), true)] {
            let server = Counted::start(options).await;
            let agent = agent_of(&ground, version);
            assert!(!resumed(&agent, server.url()).await);
            assert_eq!(resumed(&agent, server.url()).await, expected, "{version:?}");
        }
    }
}

#[test]
fn what_no_session_can_be_is_refused_by_name() {
    let ground = Ground::new();
    let week = Duration::from_secs(7 * 24 * 60 * 60);
    let long = week + Duration::from_secs(1);
    let cases: [(&str, ServerOptions); 4] = [
        ("session_timeout", ground.options().session_timeout(long)),
        ("ticket_keys", ground.options().ticket_keys([7; 47])),
        ("ticket_keys", ground.options().ticket_keys([])),
        (
            "session_id_context",
            ground.options().session_id_context([7; 33]),
        ),
    ];
    for (option, options) in cases {
        let server = sealane::create_server(options, |_| async { http::Response::new("") });
        let error = server.unwrap_err();
        assert_eq!(error.kind(), sealane::ErrorKind::Options, "{error:?}");
        assert!(error.to_string().contains(option), "{error}");
        assert!(error.code().is_some(), "{error:?}");
    }
}
