//! Clients of a server that listens anywhere: on a port, a path, an abstract name.

use std::path::Path;
use std::sync::Arc;

use http::Response;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{Ground, soon};

/// One request; the connection ends with its answer.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// A handler that answers everything with one word.
pub async fn hello<B>(_: http::Request<B>) -> Response<&'static str> {
    Response::new("hello")
}

/// TLS that trusts the authority, over any stream.
pub async fn tls_over<S>(ground: &Ground, stream: S) -> TlsStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut roots = RootCertStore::empty();
    let pem = ground.ca().certificate_pem();
    let root = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    soon(connecting).await.unwrap()
}

/// The body that a server gives over a stream.
pub async fn ask_over<S>(ground: &Ground, stream: S) -> String
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = tls_over(ground, stream).await;
    stream.write_all(REQUEST).await.unwrap();
    let mut octets = Vec::new();
    soon(stream.read_to_end(&mut octets)).await.unwrap();
    let text = String::from_utf8(octets).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    text.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// The body that a server gives on an address.
pub async fn ask(ground: &Ground, address: impl tokio::net::ToSocketAddrs) -> String {
    let stream = soon(TcpStream::connect(address)).await.unwrap();
    ask_over(ground, stream).await
}

/// The body that a server gives on a path.
pub async fn ask_path(ground: &Ground, path: &Path) -> String {
    let stream = soon(UnixStream::connect(path)).await.unwrap();
    ask_over(ground, stream).await
}
