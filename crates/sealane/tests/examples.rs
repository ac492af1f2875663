//! Do the programs in `examples/` do what they say, with the page's own certificate command?

mod support;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use futures_util::{SinkExt, StreamExt};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_tungstenite::tungstenite::Message;

/// A folder with the files that the module's page tells its readers to make.
fn page_files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-sha256",
            "-subj",
            "/CN=localhost",
        ])
        .args(["-keyout", "private-key.pem", "-out", "certificate.pem"])
        .current_dir(folder.path())
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{made:?}");
    folder
}

/// An example program at work; it ends with this value.
struct Running {
    _child: Child,
    address: SocketAddr,
}

async fn start(name: &str, folder: &Path) -> Running {
    let mut child = tokio::process::Command::new(program(name))
        .arg("127.0.0.1:0")
        .current_dir(folder)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines
        .next_line()
        .await
        .unwrap()
        .expect("the example says where it listens");
    let address = line
        .strip_prefix("listening on https://")
        .unwrap()
        .trim_end_matches('/');
    Running {
        _child: child,
        address: address.parse().unwrap(),
    }
}

/// Where cargo puts the examples that it builds along with the tests.
fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples")
        .join(name)
}

fn curl(folder: &Path, address: SocketAddr, path: &str, arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "30",
            "--cacert",
            "certificate.pem",
        ])
        .args([
            "--resolve",
            &format!("localhost:{}:127.0.0.1", address.port()),
        ])
        .args(arguments)
        .arg(format!("https://localhost:{}{path}", address.port()))
        .current_dir(folder)
        .output()
        .expect("curl is installed");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn server_pem_answers_curl() {
    let folder = page_files();
    let running = start("server_pem", folder.path()).await;
    assert_eq!(
        curl(folder.path(), running.address, "/", &[]),
        "hello world\n"
    );
}

#[tokio::test]
async fn axum_router_serves_its_ordinary_routes() {
    let folder = page_files();
    let running = start("axum_router", folder.path()).await;
    let ask =
        |path: &str, arguments: &[&str]| curl(folder.path(), running.address, path, arguments);
    assert_eq!(ask("/greet/world", &[]), "hello world\n");
    assert_eq!(ask("/count", &["-d", "four"]), "4");
    assert_eq!(
        ask("/connection", &["--tlsv1.3"]),
        "TLSv1.3 with TLS_AES_128_GCM_SHA256\n"
    );
    assert_eq!(
        ask("/nowhere", &["-o", "/dev/null", "-w", "%{http_code}"]),
        "404"
    );
    assert_eq!(
        ask("/count", &["-o", "/dev/null", "-w", "%{http_code}"]),
        "405"
    );
}

#[tokio::test]
async fn websocket_echo_echoes() {
    let folder = page_files();
    let running = start("websocket_echo", folder.path()).await;
    let socket = tokio::net::TcpStream::connect(running.address)
        .await
        .unwrap();
    let stream = connector(folder.path())
        .connect(ServerName::try_from("localhost").unwrap(), socket)
        .await
        .unwrap();
    let (mut websocket, response) = tokio_tungstenite::client_async("wss://localhost/", stream)
        .await
        .unwrap();
    assert_eq!(response.status(), 101);
    for message in [Message::text("héllo"), Message::binary(vec![7; 100_000])] {
        websocket.send(message.clone()).await.unwrap();
        assert_eq!(websocket.next().await.unwrap().unwrap(), message);
    }
    websocket.close(None).await.unwrap();
    while let Some(message) = websocket.next().await {
        assert!(message.unwrap().is_close());
    }
}

/// A client that takes the page's self-signed certificate and no other.
///
/// The usual verifier refuses it as an end-entity certificate, for it says that it is an authority;
/// here only the WebSocket is in question, so equality of octets is what is asked for.
fn connector(folder: &Path) -> TlsConnector {
    let expected = CertificateDer::from_pem_file(folder.join("certificate.pem")).unwrap();
    let config = tokio_rustls::rustls::ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(std::sync::Arc::new(support::Exactly(expected)))
        .with_no_client_auth();
    TlsConnector::from(std::sync::Arc::new(config))
}
