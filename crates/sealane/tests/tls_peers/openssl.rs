//! `openssl s_server` and `openssl s_client`, told what to offer, and what they say they saw.

use std::net::SocketAddr;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use sealane_testkit::certificates::PemIdentity;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::support::{Ground, left_out, soon};

/// Whether there is an openssl; says so if there is not, since its tests then prove nothing.
pub(crate) fn is_there() -> bool {
    let version = std::process::Command::new("openssl")
        .arg("version")
        .output();
    if version.is_err() {
        left_out("openssl is not installed");
    }
    version.is_ok()
}

/// Whether this openssl speaks a group; says so if it does not. Only 3.5 and later list them.
pub(crate) fn knows_group(name: &str) -> bool {
    let mut command = std::process::Command::new("openssl");
    let listed = command.args(["list", "-tls-groups"]).output().unwrap();
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let found = text
        .split([':', '\n'])
        .any(|group| group.trim().eq_ignore_ascii_case(name));
    if !found {
        left_out(&format!("this openssl has no group {name}"));
    }
    found
}

/// One line of the table: who talked to whom, in which version, about what, and how it went.
pub(crate) fn row(peer: &str, version: &str, case: &str, outcome: &str) {
    println!("| {peer} | {version} | {case} | {outcome} |");
}

/// Writes an identity where openssl finds it, and gives the arguments that name it.
///
/// openssl sends of the first file its first certificate only; what follows is told apart.
pub(crate) fn written(ground: &Ground, role: &str, pem: &PemIdentity) -> Vec<String> {
    let end = pem.chain_pem.find(END).unwrap() + END.len();
    let (first, others) = pem.chain_pem.split_at(end);
    let file = |kind: &str, text: &str| {
        let name = format!("{role}-{kind}.pem");
        std::fs::write(ground.folder().join(&name), text).unwrap();
        name
    };
    let (cert, key) = (file("cert", first), file("key", &readable(&pem.key_pem)));
    let mut arguments = vec!["-cert".to_owned(), cert, "-key".to_owned(), key];
    if !others.trim().is_empty() {
        arguments.extend(["-cert_chain".to_owned(), file("chain", others)]);
    }
    arguments
}

/// The same key as openssl 3.0 can read it.
///
/// Ed25519 keys come with their public half (RFC 5958 §2), which it does not know.
fn readable(key_pem: &str) -> String {
    let key = PrivatePkcs8KeyDer::from_pem_slice(key_pem.as_bytes()).unwrap();
    let der = key.secret_pkcs8_der();
    let place = der
        .windows(ED25519.len())
        .position(|window| window == ED25519);
    let Some(place) = place else {
        return key_pem.to_owned();
    };
    let seed = &der[place + ED25519.len()..][..32];
    let whole = [&[0x30, 0x2e, 2, 1, 0], ED25519, seed].concat();
    let text = STANDARD.encode(whole);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

/// What stands before the octets of an Ed25519 key (RFC 8410 §7).
const ED25519: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

const END: &str = "-----END CERTIFICATE-----\n";

/// What `openssl s_client` has said.
pub(crate) struct Told {
    /// Facts, and the answer.
    pub(crate) text: String,
    /// What it complains about.
    pub(crate) errors: String,
}

impl Told {
    /// What stands behind the first `label`, to the end of its line.
    pub(crate) fn fact(&self, label: &str) -> &str {
        let (_, rest) = self.text.split_once(label).unwrap_or_default();
        rest.lines().next().unwrap_or_default().trim()
    }

    /// Whether it got an answer.
    pub(crate) fn is_answered(&self) -> bool {
        self.text.contains("HTTP/1.1 200 OK")
    }

    /// The number of its verdict on our certificate; 0 is good.
    pub(crate) fn verdict(&self) -> &str {
        let line = self.fact("Verify return code: ");
        line.split(' ').next().unwrap_or_default()
    }

    /// The number of the alert that ended the connection, if one did.
    pub(crate) fn alert(&self) -> Option<&str> {
        let (_, rest) = self.errors.split_once("SSL alert number ")?;
        rest.split_whitespace().next()
    }
}

/// Asks a server for `/` as `localhost`, and listens until it closes.
pub(crate) async fn ask(ground: &Ground, server: SocketAddr, arguments: &[String]) -> Told {
    let mut command = Command::new("openssl");
    command
        .args(["s_client", "-ign_eof", "-servername", "localhost"])
        .args(["-CAfile", "ca.pem", "-verify_hostname", "localhost"])
        .arg("-connect")
        .arg(server.to_string())
        .args(arguments)
        .current_dir(ground.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    // A client that was refused at once reads nothing more.
    let _ = input.write_all(request).await;
    let output = soon(child.wait_with_output()).await.unwrap();
    drop(input);
    Told {
        text: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
