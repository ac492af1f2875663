//! For tests only: both ends of a TLS connection over loopback, in every mix of engines.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use sealane_testkit::certificates::{PemIdentity, TestCa};
use tokio::io::AsyncRead;
use tokio::net::{TcpListener, TcpStream};

use super::session::Session;
use super::{ClientStream, Received, ServerStream, TlsStream, TransportError};

/// The versions that both ends speak.
pub(super) const VERSIONS: [&SupportedProtocolVersion; 2] =
    [&rustls::version::TLS13, &rustls::version::TLS12];

/// An authority, a server's identity, and what configurations are made of.
pub(super) struct World {
    pub(super) ca: TestCa,
    pub(super) identity: PemIdentity,
}

impl World {
    pub(super) fn new() -> Self {
        let ca = TestCa::new();
        let identity = ca.issue(&["localhost"]);
        Self { ca, identity }
    }

    pub(super) fn server(&self, version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
        let chain = CertificateDer::pem_slice_iter(self.identity.chain_pem.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(self.identity.key_pem.as_bytes());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.map(Result::unwrap).collect(), key.unwrap());
        Arc::new(config.unwrap())
    }

    pub(super) fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from(self.ca.certificate_der().to_vec());
        roots.add(root).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// Both ends with their handshakes done; each exports keying material or does not.
    pub(super) async fn pair(
        &self,
        version: &'static SupportedProtocolVersion,
        client_exports: bool,
        server_exports: bool,
    ) -> (ClientStream, ServerStream) {
        let (here, there) = sockets().await;
        let config = Arc::new(self.client(&[version]));
        let mut client = ClientStream::connect(here, config, name(), client_exports).unwrap();
        let mut server = ServerStream::accept(there, self.server(version), server_exports).unwrap();
        let (one, other) = tokio::join!(handshake(&mut client), handshake(&mut server));
        one.unwrap();
        other.unwrap();
        (client, server)
    }
}

/// The name of the server.
pub(super) fn name() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// Two ends of a TCP connection.
pub(super) async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (here, there) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (here, there) = (here.unwrap(), there.unwrap().0);
    here.set_nodelay(true).unwrap();
    there.set_nodelay(true).unwrap();
    (here, there)
}

/// Goes through a handshake behind which nothing comes at once, and sends the last of it.
pub(super) async fn handshake<S: Session>(stream: &mut TlsStream<S>) -> Result<(), TransportError> {
    let mut early = Vec::new();
    handshake_into(stream, &mut early).await?;
    assert!(early.is_empty(), "nothing was said yet");
    Ok(())
}

/// The same, with what came right behind it.
pub(super) async fn handshake_into<S: Session>(
    stream: &mut TlsStream<S>,
    early: &mut Vec<u8>,
) -> Result<(), TransportError> {
    let mut sink = |octets: &[u8]| early.extend_from_slice(octets);
    poll_fn(|context| stream.poll_handshake(context, &mut sink)).await?;
    poll_fn(|context| stream.poll_flush(context)).await?;
    Ok(())
}

/// Sends all of `octets`.
pub(super) async fn send<S: Session>(stream: &mut TlsStream<S>, octets: &[u8]) {
    let mut rest = octets;
    while !rest.is_empty() {
        let taken = poll_fn(|context| stream.poll_write(context, rest)).await;
        rest = &rest[taken.unwrap()..];
    }
    poll_fn(|context| stream.poll_flush(context)).await.unwrap();
}

/// Says close_notify and ends this side.
pub(super) async fn close<S: Session>(stream: &mut TlsStream<S>) -> io::Result<()> {
    poll_fn(|context| stream.poll_close(context)).await
}

/// Reads to the end, and tells how it came.
pub(super) async fn read_all<S: Session>(
    stream: &mut TlsStream<S>,
) -> Result<(Vec<u8>, Received), TransportError> {
    let mut all = Vec::new();
    loop {
        let mut sink = |octets: &[u8]| all.extend_from_slice(octets);
        match poll_fn(|context| stream.poll_read(context, &mut sink)).await? {
            Received::Octets(_) => {}
            end => return Ok((all, end)),
        }
    }
}

/// Reads what one end says until it stops, as raw octets.
pub(super) async fn raw(socket: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    use tokio::io::AsyncReadExt as _;
    let mut said = Vec::new();
    // A reset comes after the octets that count.
    let _ = socket.read_to_end(&mut said).await;
    said
}

/// Ends a connection as a server does, without a limit in time.
pub(super) async fn part(stream: &mut impl super::Parting) {
    poll_fn(|context| stream.poll_close(context)).await.unwrap();
    while !matches!(
        poll_fn(|context| stream.poll_discard(context)).await,
        Ok(0) | Err(_)
    ) {}
}
