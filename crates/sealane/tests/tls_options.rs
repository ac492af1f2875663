//! Options of TLS as programs give them: each is kept, at both ends, or refused by its name.

mod support;

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response, StatusCode};
use sealane::{
    Agent, AgentOptions, Body, ConnectionInfo, Error, ErrorKind, Identity, RequestOptions, Roots,
    SecureContext, SecureContextOptions, Server, ServerOptions, TlsInfo, TlsVersion, create_server,
    write_pfx,
};
use sealane_testkit::certificates::{KeyKind, PemIdentity, Template, TestCa};
use support::{Ground, body_of, facts, listen, soon};

const VERSIONS: [TlsVersion; 2] = [TlsVersion::V1_2, TlsVersion::V1_3];

/// Starts a server that tells how it sees its client.
async fn start(options: ServerOptions) -> (Server, SocketAddr) {
    let server = create_server(options, |request: Request<Body>| async move {
        let info = request.extensions().get::<ConnectionInfo>().unwrap();
        let tls = info.tls();
        let subject = tls.peer_certificate().map(|it| it.subject_cn().to_owned());
        let error = tls.authorization_error();
        Response::new(format!("{} {error:?} {subject:?}", tls.authorized()))
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    (server, address)
}

/// A request to a server, as `localhost`.
fn to(address: SocketAddr) -> RequestOptions {
    RequestOptions::new(format!("https://localhost:{}/", address.port()))
}

/// Sends a GET; gives the status, the facts and the answer.
async fn ask(
    agent: &Agent,
    options: RequestOptions,
) -> Result<(StatusCode, TlsInfo, String), Error> {
    let mut response = soon(agent.get(options)).await?;
    let text = String::from_utf8(soon(body_of(&mut response)).await).unwrap();
    Ok((response.status(), facts(&response).tls().clone(), text))
}

/// The facts of a connection that must come about.
async fn agreed(options: AgentOptions, address: SocketAddr) -> TlsInfo {
    let agent = Agent::new(options).unwrap();
    ask(&agent, to(address)).await.unwrap().1
}

/// What a client says of a handshake that must fail.
async fn refused(options: AgentOptions, address: SocketAddr) -> Error {
    let agent = Agent::new(options).unwrap();
    let error = ask(&agent, to(address)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
    error
}

fn identity(pem: &PemIdentity) -> Identity {
    Identity::from_pem(&pem.chain_pem, &pem.key_pem).unwrap()
}

/// A server's certificate and one for RSA beside it.
fn two_kinds(ground: &Ground) -> [PemIdentity; 2] {
    [KeyKind::Rsa2048, KeyKind::P256].map(|kind| ground.ca().issue_with_key(kind, &["localhost"]))
}

/// Asks with agents that take one kind of key only, and checks what they are shown.
async fn assert_both_kinds(ground: &Ground, identity: Identity) {
    let (_server, address) = start(ServerOptions::new(identity)).await;
    for version in VERSIONS {
        let options = || {
            ground
                .agent_options()
                .min_version(version)
                .max_version(version)
        };
        let rsa = options().sigalgs("rsa_pss_rsae_sha256:RSA+SHA256");
        let shown = agreed(rsa, address).await;
        let shown = shown.peer_certificate().unwrap();
        assert_eq!((shown.bits(), shown.asn1_curve()), (Some(2048), None));
        let ecdsa = options().sigalgs("ECDSA+SHA256");
        let shown = agreed(ecdsa, address).await;
        let curve = shown.peer_certificate().unwrap().asn1_curve();
        assert_eq!(curve, Some("prime256v1"));
    }
}

#[tokio::test]
async fn c126_each_client_gets_the_certificate_it_accepts_whatever_the_order_of_keys() {
    let ground = Ground::new();
    let [rsa, ecdsa] = two_kinds(&ground);
    let chains = [rsa.chain_pem.as_bytes(), ecdsa.chain_pem.as_bytes()];
    let keys = [
        (ecdsa.key_pem.as_bytes(), None),
        (rsa.key_pem.as_bytes(), None),
    ];
    let identity = Identity::from_pem_lists(&chains, &keys).unwrap();
    assert_both_kinds(&ground, identity).await;
}

#[tokio::test]
async fn c130_each_of_several_pkcs12_files_is_usable() {
    let ground = Ground::new();
    let [rsa, ecdsa] = two_kinds(&ground).map(|pem| {
        let octets = write_pfx(pem.chain_pem, pem.key_pem, "localhost", "secret").unwrap();
        Identity::from_pfx(octets, "secret").unwrap()
    });
    assert_both_kinds(&ground, rsa.and(ecdsa)).await;
}

#[tokio::test]
async fn c128_an_encrypted_key_opens_with_its_passphrase_only() {
    let ground = Ground::new();
    let pem = ground.ca().issue(&["localhost"]);
    let files = pem.write_to(ground.folder());
    let encrypted = Command::new("openssl")
        .args([
            "pkcs8",
            "-topk8",
            "-v2",
            "aes-256-cbc",
            "-passout",
            "pass:right",
        ])
        .arg("-in")
        .arg(&files.key)
        .output()
        .expect("openssl is installed");
    assert!(encrypted.status.success(), "{encrypted:?}");
    let key = encrypted.stdout;
    assert!(key.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"));

    let right = Identity::from_pem_encrypted(&pem.chain_pem, &key, "right").unwrap();
    let (_server, address) = start(ServerOptions::new(right)).await;
    assert!(agreed(ground.agent_options(), address).await.authorized());
    let wrong = Identity::from_pem_encrypted(&pem.chain_pem, &key, "wrong").unwrap_err();
    let none = Identity::from_pem(&pem.chain_pem, &key).unwrap_err();
    for error in [wrong, none] {
        assert_eq!(error.code(), Some("ERR_OSSL_BAD_DECRYPT"), "{error}");
    }
}

#[tokio::test]
async fn c129_a_pkcs12_file_opens_with_its_passphrase_only() {
    let ground = Ground::new();
    let pem = ground.ca().issue(&["localhost"]);
    let octets = write_pfx(&pem.chain_pem, &pem.key_pem, "localhost", "right").unwrap();
    let right = Identity::from_pfx(&octets, "right").unwrap();
    let (_server, address) = start(ServerOptions::new(right)).await;
    assert!(agreed(ground.agent_options(), address).await.authorized());
    let error = Identity::from_pfx(&octets, "wrong").unwrap_err();
    assert!(error.to_string().contains("mac verify failure"), "{error}");
    let error = Identity::from_pfx("no PKCS#12", "right").unwrap_err();
    assert!(error.to_string().contains("not enough data"), "{error}");
}

#[tokio::test]
async fn c131_a_self_signed_pkcs12_identity_is_named_as_such_to_the_server() {
    let ground = Ground::new();
    let pem = Template::server(&["localhost"]).self_signed();
    let octets = write_pfx(pem.chain_pem, pem.key_pem, "both", "secret").unwrap();
    let both = Identity::from_pfx(octets, "secret").unwrap();
    let options = ServerOptions::new(both.clone())
        .request_cert(true)
        .reject_unauthorized(false);
    let (_server, address) = start(options).await;
    let options = ground.agent_options().identity(both);
    let agent = Agent::new(options.reject_unauthorized(false)).unwrap();
    let (_, _, told) = ask(&agent, to(address)).await.unwrap();
    assert_eq!(
        told,
        r#"false Some("DEPTH_ZERO_SELF_SIGNED_CERT") Some("localhost")"#
    );
}

#[test]
fn c132_a_key_of_another_certificate_is_refused() {
    let ground = Ground::new();
    let [one, other] = [0, 1].map(|_| ground.ca().issue(&["localhost"]));
    let error = Identity::from_pem(one.chain_pem, other.key_pem).unwrap_err();
    assert_eq!(error.code(), Some("ERR_OSSL_X509_KEY_VALUES_MISMATCH"));
}

#[test]
fn c133_a_certificate_that_is_no_pem_is_refused() {
    let pem = Ground::new().ca().issue(&["localhost"]);
    let error = Identity::from_pem("no certificate", pem.key_pem).unwrap_err();
    assert_eq!(error.code(), Some("ERR_OSSL_PEM_NO_START_LINE"));
}

#[tokio::test]
async fn c135_intermediates_behind_the_leaf_lead_to_the_root() {
    let ground = Ground::new();
    let pem = ground.ca().intermediate().issue(&["localhost"]);
    assert_eq!(pem.chain_pem.matches("BEGIN CERTIFICATE").count(), 2);
    let (_server, address) = start(ServerOptions::new(identity(&pem))).await;
    let tls = agreed(ground.agent_options(), address).await;
    assert!(tls.authorized());
    assert_eq!(tls.peer_certificate().unwrap().chain().count(), 3);
}

#[tokio::test]
async fn versions_that_do_not_meet_fail_by_name() {
    let ground = Ground::new();
    let (_server, address) = start(ground.options().min_version(TlsVersion::V1_3)).await;
    let options = ground.agent_options().max_version(TlsVersion::V1_2);
    let error = refused(options, address).await;
    assert_eq!(error.code(), Some("EPROTO"));
    assert!(
        error.to_string().contains("protocol_version (70)"),
        "{error}"
    );
    assert!(error.replay_safe());
}

#[test]
fn c137_a_version_that_does_not_exist_is_refused_as_the_bound_it_is() {
    let error = TlsVersion::minimum("x").unwrap_err();
    assert_eq!(error.code(), "ERR_TLS_INVALID_PROTOCOL_VERSION");
    assert!(error.to_string().contains("minimum"), "{error}");
    assert!(error.to_string().contains("\"x\""), "{error}");
}

#[tokio::test]
async fn c138_a_method_is_a_version() {
    let ground = Ground::new();
    let (_server, address) = start(ground.options()).await;
    let options = ground.agent_options().secure_protocol("TLSv1_2_method");
    assert_eq!(agreed(options, address).await.protocol(), "TLSv1.2");
    let options = ground.options().secure_protocol("TLSv1_2_method");
    let (_server, address) = start(options).await;
    let tls = agreed(ground.agent_options(), address).await;
    assert_eq!(tls.protocol(), "TLSv1.2");
}

/// The error of a server that must not come about.
fn impossible(options: ServerOptions) -> Error {
    let error = create_server(options, |_| async { Response::new("never") }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Options, "{error:?}");
    error
}

#[test]
fn c139_methods_that_are_disabled_or_unknown_are_refused() {
    let ground = Ground::new();
    for (method, why) in [
        ("SSLv3_method", "SSLv3 methods disabled"),
        ("SSLv2_method", "SSLv2 methods disabled"),
        ("x", "Unknown method: x"),
    ] {
        let error = impossible(ground.options().secure_protocol(method));
        assert_eq!(error.code(), Some("ERR_TLS_INVALID_PROTOCOL_METHOD"));
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// Its last case, a number, is no expression that Rust would compile.
#[test]
fn c140_suites_that_leave_nothing_are_refused() {
    let ground = Ground::new();
    for (expression, code) in [
        ("unknown", "ERR_SSL_NO_CIPHER_MATCH"),
        ("TLS_NOPE", "ERR_SSL_NO_CIPHER_MATCH"),
        (":", "ERR_INVALID_ARG_VALUE"),
    ] {
        let error = impossible(ground.options().ciphers(expression));
        assert_eq!(error.code(), Some(code), "{expression}: {error}");
        assert!(error.to_string().contains("ciphers"), "{error}");
    }
}

/// One suite of TLS 1.2 and another.
const A: &str = "ECDHE-ECDSA-AES128-GCM-SHA256";
const B: &str = "ECDHE-ECDSA-AES256-GCM-SHA384";

#[tokio::test]
async fn c141_the_servers_order_of_suites_counts_unless_it_gives_that_up() {
    let ground = Ground::new();
    let server = || ground.options().ciphers(format!("{A}:{B}"));
    for (options, chosen) in [
        (server(), A),
        (server().honor_cipher_order(true), A),
        (server().honor_cipher_order(false), B),
    ] {
        let (_server, address) = start(options).await;
        let options = ground.agent_options().max_version(TlsVersion::V1_2);
        let tls = agreed(options.ciphers(format!("{B}:{A}")), address).await;
        assert_eq!(tls.cipher(), chosen);
    }
}

#[tokio::test]
async fn suites_and_groups_that_do_not_meet_fail_at_the_client_too() {
    let ground = Ground::new();
    let options = ground.options().max_version(TlsVersion::V1_2);
    let (_server, address) = start(options.ciphers(A)).await;
    let error = refused(ground.agent_options().ciphers(B), address).await;
    assert_eq!(error.code(), Some("EPROTO"));
    assert!(
        error.to_string().contains("handshake_failure (40)"),
        "{error}"
    );
    for version in VERSIONS {
        let (_server, address) = start(ground.options().ecdh_curve("P-384")).await;
        let options = ground.agent_options().max_version(version);
        let error = refused(options.ecdh_curve("P-521"), address).await;
        assert_eq!(error.code(), Some("EPROTO"));
        assert!(
            error.to_string().contains("handshake_failure (40)"),
            "{error}"
        );
    }
}

#[test]
fn c147_engines_are_refused_by_name() {
    let error = impossible(Ground::new().options().client_cert_engine("pkcs11"));
    assert_eq!(error.code(), Some("ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED"));
    assert!(error.to_string().contains("client_cert_engine"), "{error}");
}

#[tokio::test]
async fn a_client_of_other_protocols_is_refused_by_a_default_server() {
    let ground = Ground::new();
    let (_server, address) = start(ground.options()).await;
    let error = refused(ground.agent_options().alpn_protocols(["h2"]), address).await;
    assert_eq!(error.code(), Some("EPROTO"));
    assert!(
        error.to_string().contains("no_application_protocol (120)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_program_without_a_staple_leaves_it_to_the_option_and_is_not_asked_again() {
    let ground = Ground::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let options = ground.options().ocsp_response(*b"given");
    let options = options.ocsp_callback(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        async {
            tokio::task::yield_now().await;
            Ok::<_, Error>(None)
        }
    });
    let (_server, address) = start(options).await;
    let agent = Agent::new(ground.agent_options()).unwrap();
    let (_, tls, _) = ask(&agent, to(address)).await.unwrap();
    assert_eq!(tls.ocsp_response(), Some(&b"given"[..]));
    let (_, tls, _) = ask(&agent, to(address)).await.unwrap();
    assert!(tls.resumed());
    assert_eq!(
        tls.ocsp_response(),
        None,
        "a resumed handshake proves nothing anew"
    );
    assert!(asked.load(Ordering::Relaxed) >= 1);
}

#[tokio::test]
async fn who_names_no_host_is_not_asked_about() {
    let ground = Ground::new();
    let options = ground.options().sni_callback(|name| async move {
        Err::<Option<SecureContext>, _>(format!("asked about {name:?}"))
    });
    let (_server, address) = start(options).await;
    let agent = ground.agent();
    let options = RequestOptions::new(format!("https://{address}/"));
    let (status, tls, _) = ask(&agent, options).await.unwrap();
    assert_eq!((status, tls.servername()), (StatusCode::OK, None));
    let error = refused(ground.agent_options(), address).await;
    assert!(error.to_string().contains("internal_error (80)"), "{error}");
}

/// An authority for clients, and one of its clients.
fn clients() -> (TestCa, Identity) {
    let clients = TestCa::new();
    let pem = clients.issue_like(&Template::server(&["alice"]).for_clients());
    (clients, identity(&pem))
}

/// The same server, asking for certificates of these clients.
fn asking(ground: &Ground, clients: &TestCa) -> ServerOptions {
    let roots = Roots::from_pem(clients.certificate_pem()).unwrap();
    ground.options().request_cert(true).ca(roots)
}

#[tokio::test]
async fn who_has_no_certificate_is_told_so_in_the_words_of_its_version() {
    let ground = Ground::new();
    let (_server, address) = start(asking(&ground, &clients().0)).await;
    for (version, code) in [
        (
            TlsVersion::V1_3,
            "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
        ),
        (TlsVersion::V1_2, "EPROTO"),
    ] {
        let error = refused(ground.agent_options().max_version(version), address).await;
        assert_eq!(error.code(), Some(code), "{error}");
        assert!(
            error.to_string().contains("certificate_required"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn whose_certificate_is_a_strangers_is_refused_or_named() {
    let (ground, (known, _)) = (Ground::new(), clients());
    let (_, stranger) = clients();
    let (_server, strict) = start(asking(&ground, &known)).await;
    let lenient = asking(&ground, &known).reject_unauthorized(false);
    let (_server, lenient) = start(lenient).await;
    for (version, code) in [
        (TlsVersion::V1_3, "ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN"),
        (TlsVersion::V1_2, "EPROTO"),
    ] {
        let options = ground.agent_options().max_version(version);
        let options = options.identity(stranger.clone());
        let error = refused(options.clone(), strict).await;
        assert_eq!(error.code(), Some(code), "{error}");
        let agent = Agent::new(options).unwrap();
        let (_, _, told) = ask(&agent, to(lenient)).await.unwrap();
        let named = r#"false Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE") Some("alice")"#;
        assert_eq!(told, named);
    }
}

#[tokio::test]
async fn c185_a_good_client_is_authorized_and_its_certificate_can_be_read() {
    let (ground, (known, alice)) = (Ground::new(), clients());
    let (_server, address) = start(asking(&ground, &known)).await;
    for version in VERSIONS {
        let options = ground.agent_options().max_version(version);
        let agent = Agent::new(options.identity(alice.clone())).unwrap();
        let (_, _, told) = ask(&agent, to(address)).await.unwrap();
        assert_eq!(told, r#"true None Some("alice")"#);
    }
}

#[tokio::test]
async fn c186_who_is_not_asked_is_nobody_and_that_is_no_error() {
    let (ground, (_, alice)) = (Ground::new(), clients());
    let (_server, address) = start(ground.options()).await;
    let options = ground.agent_options().identity(alice);
    let agent = Agent::new(options).unwrap();
    let (_, _, told) = ask(&agent, to(address)).await.unwrap();
    assert_eq!(told, "false None None");
}

/// A server that is open under `open.test`, and asks for certificates under `closed.test`.
async fn two_hosts(ground: &Ground, clients: &TestCa) -> (Server, SocketAddr) {
    let pem = ground
        .ca()
        .issue(&["open.test", "other.test", "closed.test"]);
    let (server, address) = start(ServerOptions::new(identity(&pem))).await;
    let roots = Roots::from_pem(clients.certificate_pem()).unwrap();
    let closed = SecureContextOptions::new(identity(&pem))
        .request_cert(true)
        .ca(roots);
    let closed = SecureContext::new(closed).unwrap();
    server.add_context("closed.test", &closed).unwrap();
    (server, address)
}

/// Asks for one host on a connection that was made for another.
async fn misled(agent: &Agent, address: SocketAddr, name: &str, host: &str) -> (StatusCode, bool) {
    let options = to(address).servername(name).header("host", host);
    let (status, tls, _) = ask(agent, options).await.unwrap();
    (status, tls.resumed())
}

#[tokio::test]
async fn a_host_that_asks_other_things_of_clients_is_not_reached_by_the_back_door() {
    let (ground, (known, alice)) = (Ground::new(), clients());
    let (_server, address) = two_hosts(&ground, &known).await;
    for version in VERSIONS {
        let options = || ground.agent_options().max_version(version);
        let agent = Agent::new(options()).unwrap();
        // First full handshakes, then resumed ones.
        for resumed in [false, true] {
            for (host, status) in [
                ("open.test", StatusCode::OK),
                ("closed.test", StatusCode::MISDIRECTED_REQUEST),
                ("CLOSED.test.:443", StatusCode::MISDIRECTED_REQUEST),
                ("other.test", StatusCode::OK),
            ] {
                let got = misled(&agent, address, "open.test", host).await;
                let is_first = !resumed && host == "open.test";
                assert_eq!(got, (status, !is_first), "{host}");
            }
        }
        let agent = Agent::new(options().identity(alice.clone())).unwrap();
        for resumed in [false, true] {
            let got = misled(&agent, address, "closed.test", "closed.test").await;
            assert_eq!(got, (StatusCode::OK, resumed));
            let got = misled(&agent, address, "closed.test", "open.test").await;
            assert_eq!(got, (StatusCode::MISDIRECTED_REQUEST, true));
        }
    }
}

#[tokio::test]
async fn where_the_program_chooses_by_name_only_the_same_name_will_do() {
    let ground = Ground::new();
    let pem = ground.ca().issue(&["open.test", "other.test"]);
    let options =
        ServerOptions::new(identity(&pem)).sni_callback(|_| async { Ok::<_, Error>(None) });
    let (_server, address) = start(options).await;
    let agent = Agent::new(ground.agent_options()).unwrap();
    for (host, status) in [
        ("open.test", StatusCode::OK),
        ("other.test", StatusCode::MISDIRECTED_REQUEST),
        ("Open.Test", StatusCode::OK),
    ] {
        let (got, _) = misled(&agent, address, "open.test", host).await;
        assert_eq!(got, status, "{host}");
    }
}
