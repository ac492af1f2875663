//! Do the programs about identities, pins and key logs do what the module's page says they do?

mod support;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use http::{Request, Response};
use sealane::{Body, ConnectionInfo, Identity, PeerCertificate, ServerOptions, create_server};
use sealane_testkit::certificates::{PemIdentity, Template, TestCa};
use support::{Ground, listen, soon, stdout};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// Where cargo puts the examples that it builds along with the tests.
fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.ancestors().nth(2).unwrap().join("examples");
    folder.join(name)
}

/// Runs an example to its end in the ground's folder, with a server's port, further words, and the
/// authority's file.
async fn run(ground: &Ground, name: &str, port: u16, words: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(program(name));
    command
        .arg(format!("https://localhost:{port}/"))
        .args(words)
        .arg(ground.ca_file())
        .current_dir(ground.folder())
        .kill_on_drop(true);
    soon(command.output()).await.unwrap()
}

/// Starts an example that serves; it ends with the child.
async fn start(name: &str, folder: &Path) -> (Child, SocketAddr) {
    let mut child = tokio::process::Command::new(program(name))
        .arg("127.0.0.1:0")
        .current_dir(folder)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = soon(lines.next_line()).await.unwrap();
    let line = line.expect("the example says where it listens");
    let address = line.strip_prefix("listening on https://").unwrap();
    (child, address.trim_end_matches('/').parse().unwrap())
}

/// Runs one of the page's own commands.
fn command(folder: &Path, line: &str) {
    let mut words = line.split_whitespace();
    let made = Command::new(words.next().unwrap())
        .args(words)
        .current_dir(folder)
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{line}: {made:?}");
}

/// An identity in two files of the ground's folder.
fn write(ground: &Ground, pem: &PemIdentity, chain: &str, key: &str) {
    std::fs::write(ground.folder().join(chain), &pem.chain_pem).unwrap();
    std::fs::write(ground.folder().join(key), &pem.key_pem).unwrap();
}

/// A server below an intermediate authority, and its chain up to and including the root.
fn below_an_intermediate(ground: &Ground) -> (ServerOptions, Vec<PeerCertificate>) {
    let pem = ground.ca().intermediate().issue(&["localhost"]);
    let mut chain: Vec<_> = CertificateDer::pem_slice_iter(pem.chain_pem.as_bytes())
        .collect::<Result<_, _>>()
        .unwrap();
    chain.push(ground.ca().certificate_der().to_vec().into());
    let walk: Vec<_> = PeerCertificate::from_chain(&chain)
        .unwrap()
        .chain()
        .collect();
    assert_eq!(walk.len(), 3);
    let identity = Identity::from_pem(pem.chain_pem, pem.key_pem).unwrap();
    (ServerOptions::new(identity), walk)
}

/// What the page's program prints of a chain that is right.
fn page_form(walk: &[PeerCertificate]) -> String {
    let mut text = String::new();
    for cert in walk {
        let (name, print) = (cert.subject_cn(), cert.fingerprint256());
        let pin = cert.spki_sha256_base64();
        text += &format!("Subject Common Name: {name}\n");
        text += &format!("  Certificate SHA256 fingerprint: {print}\n");
        text += &format!("  Public key ping-sha256: {pin}\n");
    }
    text + "All OK. Server matched our pinned cert or public key\nstatusCode: 200\n"
}

#[tokio::test]
async fn server_pfx_answers_curl_with_the_files_of_the_pages_two_commands() {
    let folder = tempfile::tempdir().unwrap();
    command(
        folder.path(),
        "openssl req -x509 -newkey rsa:2048 -nodes -sha256 -subj /CN=localhost \
         -keyout private-key.pem -out certificate.pem",
    );
    command(
        folder.path(),
        "openssl pkcs12 -certpbe AES-256-CBC -export -out test_cert.pfx \
         -inkey private-key.pem -in certificate.pem -passout pass:sample",
    );
    // What is left proves that nothing but the one file is read.
    std::fs::remove_file(folder.path().join("private-key.pem")).unwrap();
    let (_child, address) = start("server_pfx", folder.path()).await;
    let mut curl = tokio::process::Command::new("curl");
    curl.args(["--silent", "--show-error", "--cacert", "certificate.pem"])
        .args([
            "--resolve",
            &format!("localhost:{}:127.0.0.1", address.port()),
        ])
        .arg(format!("https://localhost:{}/", address.port()))
        .current_dir(folder.path());
    assert_eq!(stdout(&soon(curl.output()).await.unwrap()), "hello world\n");
}

#[tokio::test]
async fn mutual_tls_greets_the_client_that_agent_client_cert_is_and_no_other() {
    let (ground, clients) = (Ground::new(), TestCa::new());
    let own = ground.ca().issue(&["localhost"]);
    write(&ground, &own, "certificate.pem", "private-key.pem");
    let ca = clients.certificate_pem();
    std::fs::write(ground.folder().join("clients-ca.pem"), ca).unwrap();
    let (_child, address) = start("mutual_tls", ground.folder()).await;

    let alice = clients.issue_like(&Template::server(&["alice"]).for_clients());
    write(&ground, &alice, "client.pem", "client-key.pem");
    let output = run(&ground, "agent_client_cert", address.port(), &[]).await;
    assert_eq!(
        stdout(&output),
        "statusCode: 200\nwe are: alice\nhello alice\n"
    );

    let stranger = TestCa::new().issue_like(&Template::server(&["alice"]).for_clients());
    write(&ground, &stranger, "client.pem", "client-key.pem");
    let output = run(&ground, "agent_client_cert", address.port(), &[]).await;
    assert!(!output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"");
}

#[tokio::test]
async fn axum_mutual_tls_knows_its_client_and_ends_after_the_answer_that_runs() {
    let (ground, clients) = (Ground::new(), TestCa::new());
    let own = ground.ca().issue(&["localhost"]);
    write(&ground, &own, "certificate.pem", "private-key.pem");
    std::fs::write(
        ground.folder().join("clients-ca.pem"),
        clients.certificate_pem(),
    )
    .unwrap();
    let alice = clients.issue_like(&Template::server(&["alice"]).for_clients());
    write(&ground, &alice, "client.pem", "client-key.pem");
    let (child, address) = start("axum_mutual_tls", ground.folder()).await;
    let folder = ground.folder().to_owned();
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (chain, key) = (file("client.pem"), file("client-key.pem"));
    let as_alice = ["--cert", &chain, "--key", &key];

    let told = stdout(&ground.curl(address, "/whoami", &as_alice).await);
    let certificate = CertificateDer::from_pem_slice(alice.chain_pem.as_bytes()).unwrap();
    let certificate = PeerCertificate::from_chain(&[certificate]).unwrap();
    assert_eq!(told, format!("alice {}\n", certificate.fingerprint256()));
    assert!(!ground.curl(address, "/whoami", &[]).await.status.success());

    let pid = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    let slow = ground.curl(address, "/slow", &as_alice);
    let interrupt = async {
        // Long enough for the request to have come, short enough for it to be still at work.
        tokio::time::sleep(Duration::from_millis(400)).await;
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        soon(child.wait_with_output()).await.unwrap()
    };
    let (slow, ended) = tokio::join!(slow, interrupt);
    assert_eq!(stdout(&slow), "done\n");
    assert!(ended.status.success(), "{ended:?}");
}

#[tokio::test]
async fn sni_contexts_shows_each_name_its_own_certificate() {
    let ground = Ground::new();
    for (name, chain, key) in [
        ("localhost", "certificate.pem", "private-key.pem"),
        ("*.example.com", "wild.pem", "wild-key.pem"),
        ("late.example.org", "late.pem", "late-key.pem"),
    ] {
        write(&ground, &ground.ca().issue(&[name]), chain, key);
    }
    let (_child, address) = start("sni_contexts", ground.folder()).await;
    for (host, shown) in [
        ("localhost", "localhost"),
        ("one.example.com", "*.example.com"),
        ("late.example.org", "late.example.org"),
    ] {
        let mut curl = tokio::process::Command::new("curl");
        curl.args(["--silent", "--show-error", "--cacert"])
            .arg(ground.ca_file())
            .args(["--resolve", &format!("{host}:{}:127.0.0.1", address.port())])
            .arg(format!("https://{host}:{}/", address.port()));
        let text = stdout(&soon(curl.output()).await.unwrap());
        assert_eq!(text, format!("shown as {shown}\n"));
    }
}

#[tokio::test]
async fn key_log_appends_what_the_connection_needs() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_req| async { Response::new("x") }).unwrap();
    let port = listen(&server).await.port();
    for connections in 1..=2 {
        let text = stdout(&run(&ground, "key_log", port, &[]).await);
        assert!(text.starts_with("statusCode: 200\n"), "{text}");
        let file = ground.folder().join("ssl-keys.log");
        let lines = std::fs::read_to_string(file).unwrap();
        assert_eq!(lines.lines().count(), 5 * connections, "{lines}");
    }
}

#[tokio::test]
async fn pin_fingerprint_prints_the_chain_and_refuses_another_certificate() {
    let ground = Ground::new();
    let (options, walk) = below_an_intermediate(&ground);
    let server = create_server(options, |_req| async { Response::new("x") }).unwrap();
    let port = listen(&server).await.port();
    let right = walk[0].fingerprint256();
    let output = run(&ground, "pin_fingerprint", port, &[&right]).await;
    assert_eq!(stdout(&output), page_form(&walk));

    // The issuer's is right for the issuer only.
    let wrong = walk[1].fingerprint256();
    let output = run(&ground, "pin_fingerprint", port, &[&wrong]).await;
    assert!(
        !output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("pinned"), "{said}");
}

#[tokio::test]
async fn pin_public_key_takes_a_backup_and_refuses_another_key_before_a_request_leaves() {
    let ground = Ground::new();
    let (options, walk) = below_an_intermediate(&ground);
    let (asked, seen) = std::sync::mpsc::channel();
    let server = create_server(options, move |req: Request<Body>| {
        let peer = req
            .extensions()
            .get::<ConnectionInfo>()
            .unwrap()
            .remote_addr();
        asked.send(peer).unwrap();
        async { Response::new("x") }
    })
    .unwrap();
    let port = listen(&server).await.port();
    let (right, other) = (walk[0].spki_sha256_base64(), walk[1].spki_sha256_base64());
    let both = format!("{other},{right}");
    for pins in [&right, &both] {
        let output = run(&ground, "pin_public_key", port, &[pins]).await;
        assert_eq!(stdout(&output), page_form(&walk));
        assert!(seen.try_recv().is_ok());
    }

    let output = run(&ground, "pin_public_key", port, &[&other]).await;
    assert!(
        !output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&other) && said.contains(&right), "{said}");
    assert!(seen.try_recv().is_err(), "no request left");
}
