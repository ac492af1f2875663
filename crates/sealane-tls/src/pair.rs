//! For tests only: a rustls client and a server of ours, joined in memory.

use std::process::Command;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, ServerName};
use sealane_testkit::certificates::{KeyKind, TestCa};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Version;

use crate::select::{Observation, observe};
use crate::{Identity, SecureContext, ServerTlsOptions};

/// What a client of these tests offers.
pub(crate) struct Offer {
    /// Application protocols, as names.
    pub(crate) alpn: Vec<&'static str>,
    /// Protocol versions.
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    /// Cipher suites in the client's order; all of them when empty.
    pub(crate) suites: Vec<SupportedCipherSuite>,
}

impl Default for Offer {
    fn default() -> Self {
        let versions = vec![&rustls::version::TLS13, &rustls::version::TLS12];
        Self {
            alpn: vec!["http/1.1"],
            versions,
            suites: Vec::new(),
        }
    }
}

impl Offer {
    /// A client configuration that trusts the authority; it keeps sessions for its clones.
    pub(crate) fn config(self, ca: &TestCa) -> Arc<ClientConfig> {
        let mut provider = aws_lc_rs::default_provider();
        if !self.suites.is_empty() {
            provider = CryptoProvider {
                cipher_suites: self.suites,
                ..provider
            };
        }
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(ca.certificate_der().to_vec()))
            .unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = self
            .alpn
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        config.resumption = Resumption::in_memory_sessions(8);
        Arc::new(config)
    }
}

/// Both ends after a handshake went as far as it can.
pub(crate) struct Pair {
    pub(crate) client: ClientConnection,
    pub(crate) server: ServerConnection,
    /// What the resolver saw.
    pub(crate) servername: Option<String>,
    /// What was seen at the client.
    pub(crate) seen: Observation,
    /// What was seen at the server.
    pub(crate) server_seen: Observation,
    /// The first failure at the server.
    pub(crate) server_error: Option<rustls::Error>,
    /// The first failure at the client.
    pub(crate) client_error: Option<rustls::Error>,
}

/// Joins a client to a server until neither has anything to say.
pub(crate) fn connect(context: &SecureContext, client: &Arc<ClientConfig>, name: &str) -> Pair {
    connect_to(context.server_config(), client, name)
}

/// The same with a server that is not of our making.
pub(crate) fn connect_to(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
    name: &str,
) -> Pair {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut pair = Pair {
        client: ClientConnection::new(Arc::clone(client), name).unwrap(),
        server: ServerConnection::new(Arc::clone(server)).unwrap(),
        servername: None,
        seen: Observation::default(),
        server_seen: Observation::default(),
        server_error: None,
        client_error: None,
    };
    while pair.client.wants_write() || pair.server.wants_write() {
        let mut octets = Vec::new();
        while pair.client.wants_write() {
            pair.client.write_tls(&mut octets).unwrap();
        }
        let mut rest = octets.as_slice();
        while !rest.is_empty() && pair.server_error.is_none() {
            pair.server.read_tls(&mut rest).unwrap();
            let (result, seen) = observe(|| pair.server.process_new_packets());
            pair.server_seen.add(seen);
            pair.servername.clone_from(&pair.server_seen.servername);
            pair.server_error = result.err();
        }
        let mut octets = Vec::new();
        while pair.server.wants_write() {
            pair.server.write_tls(&mut octets).unwrap();
        }
        let mut rest = octets.as_slice();
        while !rest.is_empty() && pair.client_error.is_none() {
            pair.client.read_tls(&mut rest).unwrap();
            let (result, seen) = observe(|| pair.client.process_new_packets().err());
            pair.seen.add(seen);
            pair.client_error = result;
        }
    }
    pair
}

/// An identity for `localhost` with this kind of key.
pub(crate) fn identity(ca: &TestCa, kind: KeyKind) -> Identity {
    let pem = ca.issue_with_key(kind, &["localhost"]);
    Identity::from_pem(pem.chain_pem.as_bytes(), pem.key_pem.as_bytes()).unwrap()
}

/// A P-256 server with every default.
pub(crate) fn default_context(ca: &TestCa) -> SecureContext {
    ServerTlsOptions::new(identity(ca, KeyKind::P256))
        .build()
        .unwrap()
}

/// A self-signed identity of X.509 version 1 for `localhost`, as old private authorities make them.
pub(crate) fn first_version() -> Identity {
    let folder = tempfile::tempdir().unwrap();
    let made = TestCa::new().issue(&["localhost"]);
    let key = made.write_to(folder.path()).key;
    let request = folder.path().join("request.pem");
    openssl(
        Command::new("openssl")
            .args(["req", "-new", "-subj", "/CN=localhost", "-key"])
            .arg(&key)
            .arg("-out")
            .arg(&request),
    );
    // Without an extension file `openssl x509 -req` writes version 1.
    let chain = openssl(
        Command::new("openssl")
            .args(["x509", "-req", "-in"])
            .arg(&request)
            .arg("-signkey")
            .arg(&key),
    );
    let identity = Identity::from_pem(&chain, made.key_pem.as_bytes()).unwrap();
    let parsed = X509Certificate::from_der(&identity.chain()[0]).unwrap().1;
    assert_eq!(parsed.version(), X509Version::V1);
    identity
}

/// What the `openssl` program writes to its standard output.
fn openssl(command: &mut Command) -> Vec<u8> {
    let output = command
        .output()
        .expect("the tests need the openssl program");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        output.stderr.escape_ascii()
    );
    output.stdout
}
