//! A TLS server that does what its script says, and tells what it has seen.
//!
//! rustls by way of tokio-rustls: another TLS server than ours, on which octets leave as they are.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sealane_testkit::certificates::{PemIdentity, TestCa};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{
    HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion, version,
};
use tokio_rustls::server::TlsStream;

use super::{Ground, read_until};

/// A connection as a script gets it.
pub type Stream = TlsStream<TcpStream>;

/// The server; it ends with this value.
pub struct Scripted {
    address: SocketAddr,
    config: Arc<Mutex<Arc<ServerConfig>>>,
    accepted: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Scripted {
    /// Runs `script` for each connection, with its number from 0.
    pub async fn start<F, Fut>(config: ServerConfig, script: F) -> Self
    where
        F: Fn(Stream, usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = Arc::new(Mutex::new(Arc::new(config)));
        let (accepted, refused) = (Arc::default(), Arc::default());
        let task = tokio::spawn(accept(
            listener,
            Arc::clone(&config),
            (Arc::clone(&accepted), Arc::clone(&refused)),
            Arc::new(script),
        ));
        Self {
            address,
            config,
            accepted,
            refused,
            task,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// TCP connections so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Handshakes that came to nothing.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// Takes another certificate, other ticket keys or other versions for connections to come.
    pub fn replace(&self, config: ServerConfig) {
        *self.config.lock().unwrap() = Arc::new(config);
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<F, Fut>(
    listener: TcpListener,
    config: Arc<Mutex<Arc<ServerConfig>>>,
    (accepted, refused): (Arc<AtomicUsize>, Arc<AtomicUsize>),
    script: Arc<F>,
) where
    F: Fn(Stream, usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let number = accepted.fetch_add(1, Ordering::SeqCst);
        let config = Arc::clone(&config.lock().unwrap());
        let (script, refused) = (Arc::clone(&script), Arc::clone(&refused));
        tokio::spawn(async move {
            socket.set_nodelay(true).unwrap();
            match TlsAcceptor::from(config).accept(socket).await {
                Ok(stream) => script(stream, number).await,
                Err(_) => drop(refused.fetch_add(1, Ordering::SeqCst)),
            }
        });
    }
}

/// What a recording server has seen of one request.
#[derive(Debug)]
pub struct Seen {
    /// The number of its connection, from 0.
    pub connection: usize,
    /// The head with the body behind it, as they came.
    pub text: String,
    /// The name asked for (SNI).
    pub servername: Option<String>,
    /// The connection's TLS session was resumed.
    pub resumed: bool,
}

/// A server that answers each request with 200 and `ok`, keeps its connections, and tells.
pub async fn recorder(config: ServerConfig) -> (Scripted, mpsc::UnboundedReceiver<Seen>) {
    let (sender, seen) = mpsc::unbounded_channel();
    let server = Scripted::start(config, move |mut stream, connection| {
        let sender = sender.clone();
        async move {
            while let Some(text) = read_request(&mut stream).await {
                let tls = stream.get_ref().1;
                let _ = sender.send(Seen {
                    connection,
                    text,
                    servername: tls.server_name().map(str::to_owned),
                    resumed: tls.handshake_kind() == Some(HandshakeKind::Resumed),
                });
                say(
                    &mut stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                )
                .await;
            }
        }
    })
    .await;
    (server, seen)
}

/// One request as it came; `None` when there is none any more.
pub async fn read_request(stream: &mut Stream) -> Option<String> {
    let mut first = [0];
    if stream.read(&mut first).await.ok()? == 0 {
        return None;
    }
    let mut text = String::from(char::from(first[0]));
    text += &read_until(stream, "\r\n\r\n").await;
    let head = text.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    if let Some(length) = length {
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        text += &String::from_utf8_lossy(&body);
    } else if head.contains("transfer-encoding: chunked\r\n") {
        // The last chunk, and behind it trailers or nothing.
        while !text.ends_with("\r\n0\r\n") {
            text += &read_until(stream, "0\r\n").await;
        }
        loop {
            let line = read_until(stream, "\r\n").await;
            text += &line;
            if line == "\r\n" {
                break;
            }
        }
    }
    Some(text)
}

/// Sends octets; a peer that is gone is the script's affair, not a failure.
pub async fn say(stream: &mut Stream, octets: impl AsRef<[u8]>) {
    if stream.write_all(octets.as_ref()).await.is_ok() {
        let _ = stream.flush().await;
    }
}

/// Waits until the client has ended the connection, in whatever manner.
pub async fn gone(stream: &mut Stream) {
    let mut octets = [0; 4096];
    while stream.read(&mut octets).await.is_ok_and(|count| count > 0) {}
}

/// Resets the TCP connection instead of ending it.
pub fn reset(stream: Stream) {
    let socket = stream.into_inner().0;
    socket.set_zero_linger().unwrap();
}

/// TLS 1.2 alone.
pub const TLS12: &[&SupportedProtocolVersion] = &[&version::TLS12];

/// TLS 1.3 alone.
pub const TLS13: &[&SupportedProtocolVersion] = &[&version::TLS13];

impl Ground {
    /// What a rustls server that is `localhost` needs, with both versions.
    pub fn server_config(&self) -> ServerConfig {
        let pem = self.ca().issue(&["localhost", "127.0.0.1", "::1"]);
        server_config(&pem, &[&version::TLS13, &version::TLS12])
    }

    /// The same with these versions, for these names.
    pub fn server_config_for(
        &self,
        names: &[&str],
        versions: &[&'static SupportedProtocolVersion],
    ) -> ServerConfig {
        server_config(&self.ca().issue(names), versions)
    }

    /// The same for clients with a certificate of `clients` alone.
    pub fn server_config_asking(&self, clients: &TestCa) -> ServerConfig {
        let pem = self.ca().issue(&["localhost", "127.0.0.1"]);
        let mut roots = RootCertStore::empty();
        let anchor = CertificateDer::from(clients.certificate_der().to_vec());
        roots.add(anchor).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
            .build()
            .unwrap();
        let (chain, key) = parts(&pem);
        ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .unwrap()
    }
}

/// A rustls server with this identity.
pub fn server_config(
    pem: &PemIdentity,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let (chain, key) = parts(pem);
    let mut config = ServerConfig::builder_with_protocol_versions(versions)
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

fn parts(pem: &PemIdentity) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = CertificateDer::pem_slice_iter(pem.chain_pem.as_bytes());
    let chain = chain.collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem.key_pem.as_bytes()).unwrap();
    (chain, key)
}
