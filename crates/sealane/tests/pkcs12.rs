//! Are identities taken in every form: encrypted keys, PKCS#12, several at once? And do others
//! read what we write?
//!
//! `openssl` and Node are asked where they are installed; else that is printed.

mod support;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use http::Response;
use sealane::{Identity, Result, Server, ServerOptions, create_server};
use sealane_testkit::certificates::{KeyKind, PemIdentity};
use support::{Ground, left_out, listen, soon};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs::{self, cipher_suite};
use tokio_rustls::rustls::crypto::{CryptoProvider, SupportedKxGroup};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedCipherSuite};

/// Runs a program; `None`, said aloud, where it is not installed.
fn run(program: &str, arguments: &[&str], input: &[u8], folder: &Path) -> Option<(bool, Vec<u8>)> {
    let child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        left_out(&format!("{program} is not installed"));
        return None;
    };
    // A program that does not read its input has closed it.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), text))
}

/// What `openssl` writes; it must succeed.
fn openssl(arguments: &[&str], input: &[u8], folder: &Path) -> Option<Vec<u8>> {
    let (success, text) = run("openssl", arguments, input, folder)?;
    assert!(success, "{arguments:?}: {}", text.escape_ascii());
    Some(text)
}

/// A server with this identity.
fn serve(identity: Result<Identity>) -> Result<Server> {
    let answer = |_| async { Response::new("hello world\n") };
    create_server(ServerOptions::new(identity?), answer)
}

fn code(outcome: Result<Server>) -> String {
    let error = outcome.map(drop).unwrap_err();
    error.code().unwrap_or_default().to_owned()
}

fn pem(ground: &Ground, kind: KeyKind) -> PemIdentity {
    ground.ca().issue_with_key(kind, &["localhost"])
}

fn leaf(pem: &PemIdentity) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.chain_pem.as_bytes()).unwrap()
}

/// The certificate that a client with this one suite of TLS 1.2 is shown.
async fn shown(
    ground: &Ground,
    address: SocketAddr,
    suite: SupportedCipherSuite,
) -> CertificateDer<'static> {
    let provider = CryptoProvider {
        cipher_suites: vec![suite],
        kx_groups: vec![aws_lc_rs::kx_group::X25519 as &dyn SupportedKxGroup],
        ..aws_lc_rs::default_provider()
    };
    let mut roots = RootCertStore::empty();
    let anchor = CertificateDer::from(ground.ca().certificate_der().to_vec());
    roots.add(anchor).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = soon(TlsConnector::from(Arc::new(config)).connect(name, socket));
    let stream = stream.await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

/// Each kind of client is shown the certificate of its kind.
async fn assert_both_shown(ground: &Ground, server: &Server, rsa: &PemIdentity, ec: &PemIdentity) {
    let address = listen(server).await;
    let with_rsa = cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
    let with_ec = cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    assert_eq!(shown(ground, address, with_rsa).await, leaf(rsa));
    assert_eq!(shown(ground, address, with_ec).await, leaf(ec));
}

#[test]
fn c125_text_octets_and_lists_are_taken_and_so_is_nothing_at_all() {
    let ground = Ground::new();
    let pem = pem(&ground, KeyKind::P256);
    let (chain, key) = (&pem.chain_pem, &pem.key_pem);
    serve(Identity::from_pem(chain, key)).unwrap();
    serve(Identity::from_pem(chain.as_bytes(), key.as_bytes())).unwrap();
    let lists = Identity::from_pem_lists(&[chain.as_bytes()], &[(key.as_bytes(), None)]);
    serve(lists).unwrap();
    let answer = |_| async { Response::new("hello world\n") };
    create_server(ServerOptions::without_identity(), answer).unwrap();
}

#[tokio::test]
async fn keys_and_certificates_in_another_order_serve_clients_of_either_kind() {
    let ground = Ground::new();
    let (rsa, ec) = (pem(&ground, KeyKind::Rsa2048), pem(&ground, KeyKind::P256));
    let chains = [rsa.chain_pem.as_bytes(), ec.chain_pem.as_bytes()];
    let keys = [
        (ec.key_pem.as_bytes(), None),
        (rsa.key_pem.as_bytes(), None),
    ];
    let server = serve(Identity::from_pem_lists(&chains, &keys)).unwrap();
    assert_both_shown(&ground, &server, &rsa, &ec).await;

    let lonely = Identity::from_pem_lists(&chains, &keys[..1]).unwrap_err();
    assert_eq!(lonely.code(), Some("ERR_OSSL_X509_KEY_VALUES_MISMATCH"));
    assert!(
        lonely.to_string().contains("certificate 1 of 2"),
        "{lonely}"
    );
    let lonely = Identity::from_pem_lists(&chains[..1], &keys).unwrap_err();
    assert!(lonely.to_string().contains("key 1 of 2"), "{lonely}");
}

#[tokio::test]
async fn an_encrypted_key_opens_with_the_right_passphrase_only() {
    let ground = Ground::new();
    let plain = pem(&ground, KeyKind::Rsa2048);
    let chain = &plain.chain_pem;
    for form in [
        &["pkcs8", "-topk8", "-passout", "pass:sample"][..],
        &["rsa", "-traditional", "-aes256", "-passout", "pass:sample"],
    ] {
        let Some(key) = openssl(form, plain.key_pem.as_bytes(), ground.folder()) else {
            return;
        };
        serve(Identity::from_pem_encrypted(chain, &key, "sample")).unwrap();
        let wrong = serve(Identity::from_pem_encrypted(chain, &key, "simple"));
        assert_eq!(code(wrong), "ERR_OSSL_BAD_DECRYPT");
        assert_eq!(
            code(serve(Identity::from_pem(chain, &key))),
            "ERR_OSSL_BAD_DECRYPT"
        );
    }
}

#[tokio::test]
async fn a_pfx_opens_with_the_right_passphrase_only() {
    let ground = Ground::new();
    // The page's own two commands.
    let request = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-sha256",
        "-subj",
        "/CN=localhost",
        "-keyout",
        "private-key.pem",
        "-out",
        "certificate.pem",
    ];
    let export = [
        "pkcs12",
        "-certpbe",
        "AES-256-CBC",
        "-export",
        "-out",
        "test_cert.pfx",
        "-inkey",
        "private-key.pem",
        "-in",
        "certificate.pem",
        "-passout",
        "pass:sample",
    ];
    if openssl(&request, b"", ground.folder()).is_none() {
        return;
    }
    openssl(&export, b"", ground.folder());
    let file = ground.folder().join("test_cert.pfx");
    let server = serve(Identity::from_pfx_file(&file, "sample")).unwrap();
    let address = listen(&server).await;
    let (folder, path) = (ground.folder().to_owned(), "certificate.pem");
    let asked = format!("https://localhost:{}/", address.port());
    let curl = tokio::task::spawn_blocking(move || {
        run(
            "curl",
            &["--silent", "--cacert", path, &asked],
            b"",
            &folder,
        )
    });
    if let Some((_, text)) = curl.await.unwrap() {
        assert_eq!(text, b"hello world\n");
    }

    let error = Identity::from_pfx_file(&file, "simple").unwrap_err();
    assert!(error.to_string().contains("mac verify failure"), "{error}");
    let error = Identity::from_pfx("short", "sample").unwrap_err();
    assert!(error.to_string().contains("not enough data"), "{error}");
}

#[tokio::test]
async fn every_identity_of_several_pfx_is_used() {
    let ground = Ground::new();
    let (rsa, ec) = (pem(&ground, KeyKind::Rsa2048), pem(&ground, KeyKind::P256));
    let packed = |pem: &PemIdentity, passphrase: &str| {
        let both = format!("{}{}", pem.key_pem, pem.chain_pem);
        let given = format!("pass:{passphrase}");
        let export = ["pkcs12", "-export", "-passout", &given];
        let octets = openssl(&export, both.as_bytes(), ground.folder())?;
        Some(Identity::from_pfx(octets, passphrase).unwrap())
    };
    let (Some(one), Some(two)) = (packed(&ec, "one"), packed(&rsa, "two")) else {
        return;
    };
    let server = serve(Ok(one.and(two))).unwrap();
    assert_both_shown(&ground, &server, &rsa, &ec).await;
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let ground = Ground::new();
    let (one, two) = (pem(&ground, KeyKind::P256), pem(&ground, KeyKind::P256));
    let mixed = serve(Identity::from_pem(one.chain_pem, two.key_pem));
    assert_eq!(code(mixed), "ERR_OSSL_X509_KEY_VALUES_MISMATCH");
}

#[test]
fn a_certificate_that_is_not_pem_is_refused() {
    let pem = pem(&Ground::new(), KeyKind::P256);
    let none = serve(Identity::from_pem("not PEM", pem.key_pem));
    assert_eq!(code(none), "ERR_OSSL_PEM_NO_START_LINE");
}

#[test]
fn openssl_and_node_read_what_we_write() {
    let ground = Ground::new();
    let pem = pem(&ground, KeyKind::P256);
    let key = PrivateKeyDer::from_pem_slice(pem.key_pem.as_bytes()).unwrap();
    let chain = [leaf(&pem)];
    let mut random = [0; 80];
    let provider = aws_lc_rs::default_provider();
    provider.secure_random.fill(&mut random).unwrap();
    let name = "an identity of sealane";
    let written =
        sealane_tls::write_pkcs12(&chain, &key, name, "sämple".as_bytes(), &random).unwrap();
    std::fs::write(ground.folder().join("ours.pfx"), &written).unwrap();
    let read = [
        "pkcs12",
        "-info",
        "-in",
        "ours.pfx",
        "-passin",
        "pass:sämple",
        "-nodes",
    ];
    if let Some(text) = openssl(&read, b"", ground.folder()) {
        let text = String::from_utf8_lossy(&text);
        for part in [
            "MAC: sha256, Iteration 600000",
            "PBES2, PBKDF2, AES-256-CBC, Iteration 600000, PRF hmacWithSHA256",
            "friendlyName: an identity of sealane",
            &pem.key_pem.replace("\r\n", "\n"),
            &pem.chain_pem.replace("\r\n", "\n"),
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
    let script = "const fs = require('fs'), tls = require('tls');
        const pfx = fs.readFileSync('ours.pfx');
        tls.createSecureContext({ pfx, passphrase: 'sämple' });
        try { tls.createSecureContext({ pfx, passphrase: 'x' }); }
        catch (error) { console.log(error.message); }";
    if let Some((success, text)) = run("node", &["-e", script], b"", ground.folder()) {
        assert!(success, "{}", text.escape_ascii());
        assert_eq!(text, b"mac verify failure\n");
    }
}
