//! What the integration tests share: a server on loopback, and clients that trust it.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses its own part of this"
)]

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use http_body_util::BodyExt;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use sealane::{Agent, AgentOptions, Body, ConnectionInfo, Identity, Roots, Server, ServerOptions};
use sealane_testkit::certificates::TestCa;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::cipher::{OutboundChunks, OutboundPlainMessage};
use tokio_rustls::rustls::crypto::{aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, ConnectionTrafficSecrets, ContentType, DigitallySignedStruct,
    ProtocolVersion, RootCertStore, SignatureScheme,
};

pub mod asking;
pub mod counted;
pub mod notices;
pub mod octets;
pub mod places;
pub mod program;
pub mod proxy;
pub mod scripted;
pub mod watching;

/// A certificate authority for one test, and a folder for its files.
pub struct Ground {
    ca: TestCa,
    folder: TempDir,
}

impl Ground {
    pub fn new() -> Self {
        let ground = Self {
            ca: TestCa::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::write(ground.ca_file(), ground.ca.certificate_pem()).unwrap();
        ground
    }

    /// Options of a server that is `localhost`.
    pub fn options(&self) -> ServerOptions {
        let pem = self.ca.issue(&["localhost", "127.0.0.1", "::1"]);
        ServerOptions::new(Identity::from_pem(pem.chain_pem, pem.key_pem).unwrap())
    }

    /// The authority itself.
    pub fn ca(&self) -> &TestCa {
        &self.ca
    }

    /// The authority as whom our client trusts.
    pub fn roots(&self) -> Roots {
        Roots::from_pem(self.ca.certificate_pem()).unwrap()
    }

    /// Options of an agent that trusts the authority.
    pub fn agent_options(&self) -> AgentOptions {
        AgentOptions::new().ca(self.roots())
    }

    /// An agent that trusts the authority and keeps its connections.
    pub fn agent(&self) -> Agent {
        Agent::new(self.agent_options().keep_alive(true)).unwrap()
    }

    /// The authority's certificate, for peers that are programs.
    pub fn ca_file(&self) -> std::path::PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A TLS connection to `address` that trusts the authority.
    pub async fn connect(&self, address: SocketAddr) -> TlsStream<TcpStream> {
        self.connect_with(address, false).await
    }

    /// The same, for [`seal_by_hand`]: its keys can be taken out.
    pub async fn connect_open(&self, address: SocketAddr) -> TlsStream<TcpStream> {
        self.connect_with(address, true).await
    }

    /// The same on a socket that is connected already.
    pub async fn handshake(&self, socket: TcpStream) -> TlsStream<TcpStream> {
        self.handshake_over(socket).await
    }

    /// The same over anything that carries octets.
    pub fn handshake_over<T>(&self, transport: T) -> impl Future<Output = TlsStream<T>> + use<T>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let connecting = self.start(transport, false);
        async move { connecting.await.unwrap() }
    }

    async fn connect_with(&self, address: SocketAddr, open: bool) -> TlsStream<TcpStream> {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        self.start(socket, open).await.unwrap()
    }

    /// A TLS connection that may come to nothing.
    pub async fn try_connect(&self, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        self.start(socket, false).await
    }

    fn start<T>(&self, transport: T, open: bool) -> tokio_rustls::Connect<T>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let mut roots = RootCertStore::empty();
        let pem = self.ca.certificate_pem();
        roots
            .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
            .unwrap();
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.enable_secret_extraction = open;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, transport)
    }

    /// Sends octets on a connection of their own and gives all that comes back until its end.
    pub async fn say(&self, address: SocketAddr, octets: &[u8]) -> String {
        let mut stream = self.connect(address).await;
        stream.write_all(octets).await.unwrap();
        read_to_end(&mut stream).await
    }

    /// A hyper client on a connection of its own: the Rust peer.
    pub async fn hyper<B>(&self, address: SocketAddr) -> SendRequest<B>
    where
        B: hyper::body::Body + Send + Unpin + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let stream = self.connect(address).await;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        sender
    }

    /// Runs curl against `https://localhost:PORT/…` with the authority's certificate.
    pub async fn curl(&self, address: SocketAddr, path: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new("curl");
        command
            .arg("--silent")
            .arg("--show-error")
            .arg("--max-time")
            .arg("30")
            .arg("--cacert")
            .arg(self.ca_file())
            .arg("--resolve")
            .arg(format!("localhost:{}:{}", address.port(), address.ip()))
            .args(arguments)
            .arg(format!("https://localhost:{}{path}", address.port()))
            .stdin(Stdio::null());
        tokio::task::spawn_blocking(move || command.output().expect("curl is installed"))
            .await
            .unwrap()
    }
}

/// Everything until the end of the stream; a missing close_notify is a failure.
pub async fn read_to_end(stream: &mut TlsStream<TcpStream>) -> String {
    let mut octets = Vec::new();
    stream
        .read_to_end(&mut octets)
        .await
        .expect("close_notify before the end");
    String::from_utf8_lossy(&octets).into_owned()
}

/// Reads until what has come ends with `end`.
pub async fn read_until<S: AsyncRead + Unpin>(stream: &mut S, end: &str) -> String {
    let mut octets = Vec::new();
    while !octets.ends_with(end.as_bytes()) {
        let mut octet = [0];
        let count = stream.read(&mut octet).await.unwrap();
        assert_eq!(
            count,
            1,
            "ended after {:?}",
            String::from_utf8_lossy(&octets)
        );
        octets.push(octet[0]);
    }
    String::from_utf8_lossy(&octets).into_owned()
}

/// The whole body of a response, its end proved.
pub async fn body_of(response: &mut Response<Body>) -> Vec<u8> {
    let mut octets = Vec::new();
    while let Some(piece) = response.body_mut().chunk().await.unwrap() {
        octets.extend_from_slice(&piece);
    }
    octets
}

/// The facts of the connection on which a response came.
pub fn facts(response: &Response<Body>) -> &ConnectionInfo {
    response.extensions().get().unwrap()
}

/// Waits for what must come soon; if it does not, the test fails where it stands.
#[track_caller]
pub fn soon<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(outcome) => outcome,
            Err(_) => panic!("{place}: nothing came of it within {PATIENCE:?}"),
        }
    }
}

/// Waits until something holds that nobody tells.
#[track_caller]
pub fn until(holds: impl Fn() -> bool) -> impl Future<Output = ()> {
    soon(async move {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
}

/// Much longer than anything takes here, much shorter than anybody waits for a hung test.
const PATIENCE: Duration = Duration::from_secs(20);

pub async fn listen(server: &Server) -> SocketAddr {
    server.listen("127.0.0.1:0").await.unwrap()
}

/// Says that a test proves nothing here, past the harness, which keeps what a passing test prints.
pub fn left_out(why: &str) {
    let _ = writeln!(std::io::stderr(), "left out: {why}");
}

pub async fn text_of(response: hyper::Response<hyper::body::Incoming>) -> String {
    String::from_utf8(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

pub fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Seals one handshake record with a client's own keys: rustls never sends parts of a message.
pub fn seal_by_hand(session: ClientConnection, message: &[u8]) -> Vec<u8> {
    let suite = session.negotiated_cipher_suite().unwrap();
    let secrets = session.dangerous_extract_secrets().unwrap();
    let (sequence, ConnectionTrafficSecrets::Aes128Gcm { key, iv }) = secrets.tx else {
        panic!("the server's first suite is AES-128-GCM");
    };
    let record = OutboundPlainMessage {
        typ: ContentType::Handshake,
        version: ProtocolVersion::TLSv1_2,
        payload: OutboundChunks::Single(message),
    };
    let mut encrypter = suite.tls13().unwrap().aead_alg.encrypter(key, iv);
    encrypter.encrypt(record, sequence).unwrap().encode()
}

/// Takes one certificate and no other, whatever it says of itself.
#[derive(Debug)]
pub struct Exactly(pub CertificateDer<'static>);

impl ServerCertVerifier for Exactly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, tokio_rustls::rustls::Error> {
        if *end_entity == self.0 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(tokio_rustls::rustls::Error::General(
                "another certificate".into(),
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, tokio_rustls::rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, tokio_rustls::rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
