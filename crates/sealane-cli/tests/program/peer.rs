//! A TLS server of the test's own: what it answers, and how it breaks off, the test decides.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use sealane_testkit::certificates::{Day, KeyKind, TestCa};
use tempfile::TempDir;

/// A connection of a client whose handshake is over or about to be.
pub(crate) type Connection = StreamOwned<ServerConnection, TcpStream>;

/// A server that runs as long as the program of the test does.
pub(crate) struct Peer {
    /// Its port.
    pub(crate) port: u16,
    /// Where its authority's certificate is, and what the test puts there.
    pub(crate) place: TempDir,
}

impl Peer {
    /// Starts a server for localhost that treats each connection like this.
    pub(crate) fn start(serve: impl Fn(&mut Connection) + Send + 'static) -> Self {
        Self::start_as(&["localhost"], ((2000, 1, 1), (2049, 1, 1)), None, serve)
    }

    /// Starts a server that sends these octets after the head of a request, and ends in order.
    pub(crate) fn answering(octets: &'static [u8]) -> Self {
        Self::start(move |connection| {
            head(connection);
            finish(connection, octets);
        })
    }

    /// Starts a server with a certificate for these names and days; with an authority, it wants one
    /// of the client as well.
    pub(crate) fn start_as(
        names: &[&str],
        (begins, ends): (Day, Day),
        clients: Option<&str>,
        serve: impl Fn(&mut Connection) + Send + 'static,
    ) -> Self {
        let place = TempDir::new().unwrap();
        let ca = TestCa::new();
        ca.write_to(place.path());
        let identity = ca.issue_between(KeyKind::P256, names, begins, ends);
        let chain = CertificateDer::pem_slice_iter(identity.chain_pem.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
        let config = ServerConfig::builder();
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for root in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                    roots.add(root.unwrap()).unwrap();
                }
                let verifier = WebPkiClientVerifier::builder(roots.into()).build().unwrap();
                config.with_client_cert_verifier(verifier)
            }
        };
        let chain = chain.map(std::result::Result::unwrap).collect();
        let config = Arc::new(config.with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let socket = socket.unwrap();
                socket
                    .set_read_timeout(Some(Duration::from_secs(30)))
                    .unwrap();
                let tls = ServerConnection::new(config.clone()).unwrap();
                serve(&mut StreamOwned::new(tls, socket));
            }
        });
        Self { port, place }
    }

    /// A URL of it.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/", self.port)
    }

    /// The file of its authority's certificate.
    pub(crate) fn ca(&self) -> String {
        self.path("ca.pem")
    }

    /// A path in its folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.place.path().join(name).to_str().unwrap().to_owned()
    }

    /// The names in its folder, without the authority's.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.place.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| Path::new(name) != "ca.pem").collect();
        names.sort();
        names
    }
}

/// Reads the head of a request; nothing when the client has gone or never meant it.
pub(crate) fn head(connection: &mut Connection) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        if !matches!(connection.read(&mut octet), Ok(1)) {
            return None;
        }
        head.push(octet[0]);
    }
    String::from_utf8(head).ok()
}

/// Sends octets and ends the connection in order.
pub(crate) fn finish(connection: &mut Connection, octets: &[u8]) {
    // A client that has gone is not this server's trouble.
    let _ = connection.write_all(octets);
    connection.conn.send_close_notify();
    let _ = connection.flush();
}

/// Reads the body of a request whose head this was, by its Content-Length.
pub(crate) fn body(connection: &mut Connection, head: &str) -> Vec<u8> {
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut octets = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    connection.read_exact(&mut octets).unwrap();
    octets
}
