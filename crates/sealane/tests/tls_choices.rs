//! What a server chooses for each client: context, protocol, staple, and whom to let in.

mod support;

use std::net::SocketAddr;

use http::{Request, Response};
use sealane::{
    Agent, AgentOptions, AlpnOffer, Body, ConnectionInfo, Error, Identity, RequestCert,
    RequestOptions, Roots, SecureContext, SecureContextOptions, Server, ServerOptions, TlsInfo,
    TlsVersion, create_server,
};
use sealane_testkit::certificates::{Template, TestCa};
use support::{Ground, body_of, facts, listen, soon};

/// An identity for one host name.
fn identity(ground: &Ground, name: &str) -> Identity {
    let pem = ground.ca().issue(&[name]);
    Identity::from_pem(pem.chain_pem, pem.key_pem).unwrap()
}

fn context(ground: &Ground, name: &str) -> SecureContext {
    SecureContext::new(identity(ground, name)).unwrap()
}

/// Starts a server that tells who its client is.
async fn start(options: ServerOptions) -> (Server, SocketAddr) {
    let server = create_server(options, |req: Request<Body>| async move {
        let tls = req.extensions().get::<ConnectionInfo>().unwrap().tls();
        let client = tls.peer_certificate().map(|it| it.subject_cn().to_owned());
        let (client, error) = (client.unwrap_or_default(), tls.authorization_error());
        Response::new(format!("{client} {} {error:?}", tls.authorized()))
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    (server, address)
}

/// Asks under a server name; gives the connection's facts and the answer.
async fn ask(agent: &Agent, address: SocketAddr, name: &str) -> Result<(TlsInfo, String), Error> {
    let options = RequestOptions::new(format!("https://localhost:{}/", address.port()));
    let options = options.header("host", name).servername(name);
    let mut response = soon(agent.get(options)).await?;
    let body = String::from_utf8(body_of(&mut response).await).unwrap();
    assert_eq!(response.status(), 200, "{body}");
    Ok((facts(&response).tls().clone(), body))
}

/// The common name of the certificate that is shown for a name.
async fn shown(ground: &Ground, address: SocketAddr, name: &str) -> String {
    let options = ground.agent_options().reject_unauthorized(false);
    let (tls, _) = ask(&Agent::new(options).unwrap(), address, name)
        .await
        .unwrap();
    tls.peer_certificate().unwrap().subject_cn().to_owned()
}

#[tokio::test]
async fn c152_the_latest_context_that_fits_a_name_is_taken() {
    let ground = Ground::new();
    let (server, address) = start(ground.options()).await;
    for pattern in ["*.ex.com", "a.ex.com"] {
        server
            .add_context(pattern, &context(&ground, pattern))
            .unwrap();
    }
    for (name, wanted) in [
        ("a.ex.com", "a.ex.com"),
        ("A.EX.com", "a.ex.com"),
        ("b.ex.com", "*.ex.com"),
        ("x.y.ex.com", "localhost"),
        ("zzz", "localhost"),
    ] {
        assert_eq!(shown(&ground, address, name).await, wanted, "{name}");
    }
    let error = server.add_context("", &context(&ground, "x")).unwrap_err();
    assert_eq!(error.code(), Some("ERR_TLS_REQUIRED_SERVER_NAME"));
}

#[tokio::test]
async fn c153_a_renewed_certificate_is_shown_to_connections_to_come() {
    let ground = Ground::new();
    let (server, address) = start(ground.options()).await;
    let fingerprint = |tls: &TlsInfo| tls.peer_certificate().unwrap().fingerprint256();
    let agent = ground.agent();
    let (before, _) = ask(&agent, address, "localhost").await.unwrap();
    let renewed = identity(&ground, "localhost");
    server.set_secure_context(renewed).unwrap();
    // The connection that was open goes on under its own.
    let (same, _) = ask(&agent, address, "localhost").await.unwrap();
    assert_eq!(fingerprint(&same), fingerprint(&before));
    assert_eq!(server.connections(), 1);
    let (after, _) = ask(&ground.agent(), address, "localhost").await.unwrap();
    assert_ne!(fingerprint(&after), fingerprint(&before));
}

#[tokio::test]
async fn the_program_chooses_a_context_by_name() {
    let ground = Ground::new();
    let late = context(&ground, "late.ex.com");
    let options = ground.options().sni_callback(move |name: String| {
        let late = late.clone();
        async move {
            // It may take its time.
            tokio::task::yield_now().await;
            match name.as_str() {
                "late.ex.com" => Ok(Some(late)),
                "bad.ex.com" => Err("no such tenant"),
                _ => Ok(None),
            }
        }
    });
    let (server, address) = start(options).await;
    server
        .add_context("*.ex.com", &context(&ground, "*.ex.com"))
        .unwrap();
    for (name, wanted) in [
        ("Late.ex.com", "late.ex.com"),
        ("other.ex.com", "*.ex.com"),
        ("zzz", "localhost"),
    ] {
        assert_eq!(shown(&ground, address, name).await, wanted, "{name}");
    }
    let error = ask(&ground.agent(), address, "bad.ex.com")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("internal_error"), "{error}");
    assert!(!error.to_string().contains("tenant"), "{error}");
}

#[tokio::test]
async fn c150_protocols_are_agreed_in_the_servers_order_or_refused() {
    let ground = Ground::new();
    let (_server, address) = start(ground.options().alpn_protocols(["h2", "http/1.1"])).await;
    let agent =
        |protocols: &[&str]| Agent::new(ground.agent_options().alpn_protocols(protocols)).unwrap();
    for (offered, agreed) in [
        (&["http/1.1", "h2"][..], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let (tls, _) = ask(&agent(offered), address, "localhost").await.unwrap();
        assert_eq!(tls.alpn(), agreed, "{offered:?}");
    }
    let error = ask(&agent(&["third"]), address, "localhost")
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("no_application_protocol"),
        "{error}"
    );
}

#[tokio::test]
async fn the_program_chooses_a_protocol_or_refuses() {
    let ground = Ground::new();
    let options = || {
        ground
            .options()
            .alpn_callback(|offer: AlpnOffer| async move {
                assert_eq!(offer.servername.as_deref(), Some("localhost"));
                match &offer.protocols[..] {
                    [_, second] => Some(second.clone()),
                    [one] if one == b"foreign" => Some(b"not offered".to_vec()),
                    _ => None,
                }
            })
    };
    let (_server, address) = start(options()).await;
    let agent =
        |protocols: &[&str]| Agent::new(ground.agent_options().alpn_protocols(protocols)).unwrap();
    let (tls, _) = ask(&agent(&["http/1.1", "b"]), address, "localhost")
        .await
        .unwrap();
    assert_eq!(tls.alpn(), Some("b"));
    // Who offers nothing is not asked about.
    let (tls, _) = ask(&agent(&[]), address, "localhost").await.unwrap();
    assert_eq!(tls.alpn(), None);
    for refused in ["foreign", "http/1.1"] {
        let error = ask(&agent(&[refused]), address, "localhost")
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("no_application_protocol"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_staple_is_what_was_given_or_what_the_program_says() {
    let ground = Ground::new();
    let options = ground
        .options()
        .ocsp_response(*b"given")
        .ocsp_callback(|ours| async move {
            assert_eq!(ours.subject_cn(), "localhost");
            Ok::<_, Error>(Some(b"asked".to_vec()))
        });
    let (_server, asked) = start(options).await;
    let (_server, given) = start(ground.options().ocsp_response(*b"given")).await;
    let (_server, none) = start(ground.options()).await;
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        for (address, staple) in [
            (asked, Some(&b"asked"[..])),
            (given, Some(b"given")),
            (none, None),
        ] {
            let agent = Agent::new(ground.agent_options().max_version(version)).unwrap();
            let (tls, _) = ask(&agent, address, "localhost").await.unwrap();
            assert_eq!(tls.ocsp_response(), staple, "{version:?}");
        }
    }
    let failing = ground
        .options()
        .ocsp_callback(|_| async { Err("responder is down") });
    let (_server, failing) = start(failing).await;
    let error = ask(&ground.agent(), failing, "localhost")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("internal_error"), "{error}");
}

/// An agent that shows a certificate of this authority.
fn client_of(ground: &Ground, clients: &TestCa) -> Agent {
    let pem = clients.issue_like(&Template::server(&["alice"]).for_clients());
    let identity = Identity::from_pem(pem.chain_pem, pem.key_pem).unwrap();
    Agent::new(ground.agent_options().identity(identity)).unwrap()
}

#[tokio::test]
async fn clients_are_asked_for_certificates_as_was_said() {
    let (ground, clients) = (Ground::new(), TestCa::new());
    let [good, stranger, nobody] = [
        client_of(&ground, &clients),
        client_of(&ground, &TestCa::new()),
        ground.agent(),
    ];
    let roots = || Roots::from_pem(clients.certificate_pem()).unwrap();
    let asking = |request: RequestCert| ground.options().request_cert(request).ca(roots());

    let (_server, required) = start(asking(true.into())).await;
    let (_server, optional) = start(asking(RequestCert::Optional)).await;
    let lenient = asking(RequestCert::Required).reject_unauthorized(false);
    let (_server, lenient) = start(lenient).await;
    let (_server, unasked) = start(ground.options()).await;
    let unknown = r#" false Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE")"#;
    for (address, agent, answer) in [
        (required, &good, Some("alice true None")),
        (required, &stranger, None),
        (required, &nobody, None),
        (optional, &good, Some("alice true None")),
        (optional, &stranger, None),
        (lenient, &good, Some("alice true None")),
        (lenient, &stranger, Some(&*format!("alice{unknown}"))),
        (unasked, &good, Some(" false None")),
    ] {
        let told = ask(agent, address, "localhost").await.map(|(_, body)| body);
        match answer {
            Some(answer) => assert_eq!(told.unwrap(), answer),
            None => assert!(told.unwrap_err().to_string().contains("alert"), "{address}"),
        }
    }
    // As the module says it of one who has none.
    for (address, answer) in [
        (optional, r#" false Some("UNABLE_TO_GET_ISSUER_CERT")"#),
        (lenient, r#" false Some("UNABLE_TO_GET_ISSUER_CERT")"#),
    ] {
        let (_, body) = ask(&nobody, address, "localhost").await.unwrap();
        assert_eq!(body, answer);
    }
}

#[tokio::test]
async fn facts_of_full_and_resumed_connections_are_the_same_on_both_sides() {
    let (ground, clients) = (Ground::new(), TestCa::new());
    let roots = Roots::from_pem(clients.certificate_pem()).unwrap();
    let options = ground.options().request_cert(true).ca(roots);
    let (_server, address) = start(options).await;
    let agent = client_of(&ground, &clients);
    let (full, told) = ask(&agent, address, "localhost").await.unwrap();
    let (resumed, told_again) = ask(&agent, address, "localhost").await.unwrap();
    assert_eq!((full.resumed(), resumed.resumed()), (false, true));
    assert_eq!(
        (&*told, &*told_again),
        ("alice true None", "alice true None")
    );
    let walk = |tls: &TlsInfo| -> Vec<_> {
        let chain = tls.peer_certificate().unwrap().chain();
        chain.map(|it| it.fingerprint256()).collect()
    };
    assert_eq!(walk(&full).len(), 2, "the server's own and the root");
    assert_eq!(walk(&full), walk(&resumed));
    assert!(full.authorized() && resumed.authorized());
}

#[test]
fn c151_a_callback_and_a_list_of_protocols_exclude_each_other() {
    let options = Ground::new().options();
    let options = options
        .alpn_protocols(["http/1.1"])
        .alpn_callback(|_| async { None });
    let error = create_server(options, |_| async { Response::new("x") }).unwrap_err();
    assert_eq!(error.code(), Some("ERR_TLS_ALPN_CALLBACK_WITH_PROTOCOLS"));
    assert!(error.to_string().contains("alpn_protocols"), "{error}");
}

/// One change of a side's options.
type Change<O> = fn(O) -> O;

#[test]
fn an_option_that_cannot_be_kept_is_refused_by_name_on_either_side() {
    let ground = Ground::new();
    let agents: [(&str, &str, Change<AgentOptions>); 5] = [
        ("ciphers", "ERR_SSL_NO_CIPHER_MATCH", |it| {
            it.ciphers("NOPE")
        }),
        ("ecdh_curve", "ERR_CRYPTO_OPERATION_FAILED", |it| {
            it.ecdh_curve("nope")
        }),
        ("sigalgs", "ERR_INVALID_ARG_VALUE", |it| it.sigalgs("")),
        ("secure_protocol", "ERR_TLS_INVALID_PROTOCOL_METHOD", |it| {
            it.secure_protocol("SSLv3_method")
        }),
        (
            "client_cert_engine",
            "ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED",
            |it| it.client_cert_engine("pkcs11"),
        ),
    ];
    for (option, code, change) in agents {
        let error = Agent::new(change(AgentOptions::new())).unwrap_err();
        assert_eq!(error.code(), Some(code), "{error}");
        assert!(error.to_string().contains(option), "{error}");
    }
    let servers: [(&str, &str, Change<ServerOptions>); 4] = [
        ("ciphers", "ERR_INVALID_ARG_VALUE", |it| it.ciphers(":")),
        ("ticket_keys", "ERR_INVALID_ARG_VALUE", |it| {
            it.ticket_keys([1; 47])
        }),
        ("session_timeout", "ERR_OUT_OF_RANGE", |it| {
            it.session_timeout(std::time::Duration::from_secs(700_000))
        }),
        (
            "private_key_engine",
            "ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED",
            |it| it.private_key_engine("pkcs11").private_key_identifier("1"),
        ),
    ];
    for (option, code, change) in servers {
        let answer = |_| async { Response::new("x") };
        let error = create_server(change(ground.options()), answer).unwrap_err();
        assert!(error.code() == Some(code), "{error:?}");
        assert!(error.to_string().contains(option), "{error}");
    }
    let options = SecureContextOptions::new(identity(&ground, "x")).dhparam("no parameters");
    let error = SecureContext::new(options).unwrap_err();
    assert!(error.to_string().contains("dhparam"), "{error}");
}
