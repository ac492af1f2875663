//! Whom does a client believe, what does it ask for, and which sessions does it resume?

mod support;

use std::process::Command;

use http::{Request, Response};
use sealane::{
    Agent, Body, Error, ErrorKind, Identity, Phase, RequestOptions, Roots, TlsVersion,
    create_server,
};
use sealane_testkit::certificates::{KeyKind, TestCa};
use support::scripted::{
    Scripted, TLS12, TLS13, read_request, recorder, reset, say, server_config,
};
use support::{Ground, body_of, facts, listen, soon};
use tokio::io::AsyncWriteExt;
use tokio_rustls::rustls::crypto::aws_lc_rs::Ticketer;

/// An agent that keeps sessions, but no connections.
fn resuming(ground: &Ground) -> Agent {
    Agent::new(ground.agent_options()).unwrap()
}

/// Sends a GET, reads the answer, and says whether its connection was resumed.
async fn resumed(agent: &Agent, options: impl Into<RequestOptions>) -> bool {
    let mut response = soon(agent.get(options)).await.unwrap();
    assert_eq!(body_of(&mut response).await, b"ok");
    assert!(!facts(&response).reused());
    facts(&response).tls().resumed()
}

async fn refused(agent: &Agent, options: impl Into<RequestOptions>) -> Error {
    let error = soon(agent.get(options)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.phase()),
        (ErrorKind::Tls, Phase::Handshake),
        "{error:?}"
    );
    assert!(
        error.replay_safe(),
        "nothing of the request has left: {error:?}"
    );
    error
}

#[tokio::test]
async fn c031_without_a_ca_a_private_authority_is_unknown() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = Agent::new(sealane::AgentOptions::new()).unwrap();
    let error = refused(&agent, server.url("/")).await;
    assert_eq!(
        error.code(),
        Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
        "{error:?}"
    );
    support::until(|| server.refused() == 1).await;
    assert!(seen.try_recv().is_err(), "no request was sent");
}

#[tokio::test]
async fn c033_the_server_sees_exactly_the_name_that_was_asked_for() {
    let ground = Ground::new();
    let names = ["a.test", "b.test", "127.0.0.1"];
    let (server, mut seen) = recorder(ground.server_config_for(&names, TLS13)).await;
    let agent = Agent::new(ground.agent_options().max_sockets(1)).unwrap();
    for name in ["a.test", "b.test", "", "a.test"] {
        let options = RequestOptions::new(server.url("/")).servername(name);
        let mut response = agent.get(options).await.unwrap();
        body_of(&mut response).await;
        let told = Some(name).filter(|name| !name.is_empty());
        assert_eq!(seen.recv().await.unwrap().servername.as_deref(), told);
    }
    // Asked for by address alone, there is no name to tell.
    body_of(&mut agent.get(server.url("/")).await.unwrap()).await;
    assert_eq!(seen.recv().await.unwrap().servername, None);

    let agent = Agent::new(ground.agent_options().servername("a.test")).unwrap();
    body_of(&mut agent.get(server.url("/")).await.unwrap()).await;
    assert_eq!(
        seen.recv().await.unwrap().servername.as_deref(),
        Some("a.test")
    );
    let options = RequestOptions::new(server.url("/")).servername("b.test");
    body_of(&mut agent.get(options).await.unwrap()).await;
    assert_eq!(
        seen.recv().await.unwrap().servername.as_deref(),
        Some("b.test")
    );
}

#[tokio::test]
async fn c041_a_second_connection_resumes_the_session_of_the_first_in_tls_13() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async { Response::new("ok") }).unwrap();
    let url = format!("https://localhost:{}/", listen(&server).await.port());
    let agent = resuming(&ground);
    assert!(!resumed(&agent, &url).await);
    for _ in 0..5 {
        assert!(resumed(&agent, &url).await);
    }
}

#[tokio::test]
async fn c042_a_second_connection_resumes_the_session_of_the_first_in_tls_12() {
    let ground = Ground::new();
    let config = ground.server_config_for(&["127.0.0.1"], TLS12);
    let (server, mut seen) = recorder(config).await;
    let agent = resuming(&ground);
    for round in 0..4 {
        let mut response = agent.get(server.url("/")).await.unwrap();
        body_of(&mut response).await;
        let tls = facts(&response).tls();
        assert_eq!((tls.protocol(), tls.resumed()), ("TLSv1.2", round > 0));
        assert!(tls.authorized());
        assert_eq!(
            seen.recv().await.unwrap().resumed,
            round > 0,
            "the server agrees"
        );
    }
}

#[tokio::test]
async fn c043_without_room_for_sessions_every_handshake_is_a_full_one() {
    let ground = Ground::new();
    for versions in [TLS12, TLS13] {
        let config = ground.server_config_for(&["127.0.0.1"], versions);
        let (server, mut seen) = recorder(config).await;
        let agent = Agent::new(ground.agent_options().max_cached_sessions(0)).unwrap();
        for _ in 0..3 {
            assert!(!resumed(&agent, server.url("/")).await);
            assert!(!seen.recv().await.unwrap().resumed);
        }
    }
}

/// A server with three names, an agent with room for two, and how to ask under a name.
async fn three_names(
    ground: &Ground,
) -> (Agent, Scripted, impl Fn(&str) -> RequestOptions + use<>) {
    let names = ["k1.test", "k2.test", "k3.test"];
    let (server, _) = recorder(ground.server_config_for(&names, TLS13)).await;
    let agent = Agent::new(ground.agent_options().max_cached_sessions(2)).unwrap();
    let url = server.url("/");
    (agent, server, move |name: &str| {
        RequestOptions::new(&url).servername(name)
    })
}

#[tokio::test]
async fn c044_the_session_that_came_first_makes_room() {
    let ground = Ground::new();
    let (agent, _server, key) = three_names(&ground).await;
    for name in ["k1.test", "k2.test", "k3.test"] {
        assert!(!resumed(&agent, key(name)).await, "{name}");
    }
    assert!(resumed(&agent, key("k2.test")).await);
    assert!(resumed(&agent, key("k3.test")).await);
    assert!(!resumed(&agent, key("k1.test")).await);
}

#[tokio::test]
async fn c045_a_newer_session_does_not_make_its_key_younger() {
    let ground = Ground::new();
    let (agent, _server, key) = three_names(&ground).await;
    assert!(!resumed(&agent, key("k1.test")).await);
    assert!(!resumed(&agent, key("k2.test")).await);
    // Brings new tickets for the first key.
    assert!(resumed(&agent, key("k1.test")).await);
    assert!(!resumed(&agent, key("k3.test")).await);
    assert!(resumed(&agent, key("k2.test")).await);
    assert!(!resumed(&agent, key("k1.test")).await);
}

#[tokio::test]
async fn c046_new_ticket_keys_at_the_server_cost_a_full_handshake_and_no_error() {
    let ground = Ground::new();
    for versions in [TLS12, TLS13] {
        let config = || {
            let mut config = ground.server_config_for(&["127.0.0.1"], versions);
            config.ticketer = Ticketer::new().unwrap();
            config
        };
        let (server, _) = recorder(config()).await;
        let agent = resuming(&ground);
        assert!(!resumed(&agent, server.url("/")).await);
        assert!(resumed(&agent, server.url("/")).await);
        server.replace(config());
        assert!(!resumed(&agent, server.url("/")).await);
        assert!(
            resumed(&agent, server.url("/")).await,
            "the new ticket counts"
        );
    }
}

/// A server that ends its second connection without an answer, in this manner.
async fn ending_the_second(ground: &Ground, abrupt: bool) -> Scripted {
    Scripted::start(
        ground.server_config(),
        move |mut stream, connection| async move {
            read_request(&mut stream).await;
            match (connection, abrupt) {
                (1, true) => reset(stream),
                (1, false) => drop(stream.shutdown().await),
                _ => {
                    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                    say(&mut stream, answer).await;
                }
            }
        },
    )
    .await
}

#[tokio::test]
async fn c047_a_server_that_hangs_up_does_not_cost_the_session() {
    let ground = Ground::new();
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let server = ending_the_second(&ground, false).await;
        let agent = Agent::new(ground.agent_options().max_version(version)).unwrap();
        assert!(!resumed(&agent, server.url("/")).await);
        let error = soon(agent.get(server.url("/"))).await.unwrap_err();
        assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
        assert!(resumed(&agent, server.url("/")).await);
    }
}

#[tokio::test]
async fn a_session_whose_connection_broke_is_forgotten() {
    let ground = Ground::new();
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let server = ending_the_second(&ground, true).await;
        let agent = Agent::new(ground.agent_options().max_version(version)).unwrap();
        assert!(!resumed(&agent, server.url("/")).await);
        let error = soon(agent.get(server.url("/"))).await.unwrap_err();
        assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
        assert!(!resumed(&agent, server.url("/")).await);
        assert!(resumed(&agent, server.url("/")).await, "a new one is kept");
    }
}

#[tokio::test]
async fn c048_a_server_of_another_name_is_refused_each_time() {
    let ground = Ground::new();
    let config = ground.server_config_for(&["elsewhere.test"], TLS12);
    let (server, mut seen) = recorder(config).await;
    let agent = ground.agent();
    for round in 1..4 {
        let error = refused(&agent, server.url("/")).await;
        assert_eq!(
            error.code(),
            Some("ERR_TLS_CERT_ALTNAME_INVALID"),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(
            text.contains("127.0.0.1") && text.contains("elsewhere.test"),
            "{text}"
        );
        support::until(|| server.refused() == round).await;
    }
    assert!(seen.try_recv().is_err(), "no request was sent");
}

#[tokio::test]
async fn c052_requests_that_differ_in_path_or_fields_share_a_session() {
    let ground = Ground::new();
    let (server, _) = recorder(ground.server_config()).await;
    let agent = resuming(&ground);
    assert!(!resumed(&agent, server.url("/one")).await);
    let other = RequestOptions::new(server.url("/two?three")).header("x-mine", "yes");
    assert!(resumed(&agent, other).await);
}

#[tokio::test]
async fn sessions_are_not_shared_across_trust() {
    let ground = Ground::new();
    for versions in [TLS12, TLS13] {
        let config = ground.server_config_for(&["127.0.0.1"], versions);
        let (server, _) = recorder(config).await;
        let strangers = Roots::from_pem(TestCa::new().certificate_pem()).unwrap();
        let agent = Agent::new(sealane::AgentOptions::new().ca(strangers.clone())).unwrap();
        let plain = || RequestOptions::new(server.url("/"));
        let doubtful = || plain().reject_unauthorized(false);

        let mut response = agent.get(doubtful()).await.unwrap();
        body_of(&mut response).await;
        let tls = facts(&response).tls();
        assert!(!tls.authorized() && !tls.resumed());
        assert_eq!(
            tls.authorization_error(),
            Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE")
        );

        // What was not proved then is not proved now.
        let mut response = agent.get(doubtful()).await.unwrap();
        body_of(&mut response).await;
        let tls = facts(&response).tls();
        assert!(!tls.authorized() && tls.resumed());

        let error = refused(&agent, plain()).await;
        assert_eq!(
            error.code(),
            Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
            "{error:?}"
        );
        assert!(!resumed(&agent, plain().ca(ground.roots())).await);
        assert!(resumed(&agent, plain().ca(ground.roots())).await);
        assert!(!resumed(&agent, plain().ca(ground.roots().and(strangers))).await);
    }
}

#[tokio::test]
async fn a_session_is_resumed_only_for_the_name_it_was_made_for() {
    let ground = Ground::new();
    let names = ["a.test", "b.test"];
    let (server, _) = recorder(ground.server_config_for(&names, TLS13)).await;
    let agent = resuming(&ground);
    let ask = |name: &str| RequestOptions::new(server.url("/")).servername(name);
    assert!(!resumed(&agent, ask("a.test")).await);
    assert!(!resumed(&agent, ask("b.test")).await);
    assert!(resumed(&agent, ask("a.test")).await);
}

#[tokio::test]
async fn versions_are_those_that_were_asked_for() {
    let ground = Ground::new();
    let (server, _) = recorder(ground.server_config()).await;
    let agent = resuming(&ground);
    let plain = || RequestOptions::new(server.url("/"));
    for (options, protocol) in [
        (plain(), "TLSv1.3"),
        (plain().max_version(TlsVersion::V1_2), "TLSv1.2"),
        (plain().min_version(TlsVersion::V1_3), "TLSv1.3"),
    ] {
        let response = agent.get(options).await.unwrap();
        assert_eq!(facts(&response).tls().protocol(), protocol);
    }
    server.replace(ground.server_config_for(&["127.0.0.1"], TLS12));
    let error = refused(&agent, plain().min_version(TlsVersion::V1_3)).await;
    assert_eq!(error.code(), Some("EPROTO"), "{error:?}");
    let contradiction = plain()
        .min_version(TlsVersion::V1_3)
        .max_version(TlsVersion::V1_2);
    let error = agent.request(contradiction).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Options, "{error:?}");
}

#[tokio::test]
async fn a_server_that_asks_gets_our_certificate() {
    let ground = Ground::new();
    let clients = TestCa::new();
    for kind in [KeyKind::P256, KeyKind::Ed25519, KeyKind::Rsa2048] {
        let template = sealane_testkit::certificates::Template::server(&["me"]);
        let pem = clients.issue_like(&template.key(kind).for_clients());
        let identity = Identity::from_pem(pem.chain_pem, pem.key_pem).unwrap();
        let (server, _) = recorder(ground.server_config_asking(&clients)).await;
        let agent = Agent::new(ground.agent_options().identity(identity.clone())).unwrap();
        assert!(!resumed(&agent, server.url("/")).await);
        assert!(resumed(&agent, server.url("/")).await);
        let versions = RequestOptions::new(server.url("/")).max_version(TlsVersion::V1_2);
        assert!(!resumed(&agent, versions).await);
        // The same for one request of an agent that has none.
        let options = RequestOptions::new(server.url("/")).identity(identity);
        assert!(!resumed(&resuming(&ground), options).await);
    }
}

#[tokio::test]
async fn a_server_that_asks_in_vain_is_told_apart() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config_asking(&TestCa::new())).await;
    let agent = ground.agent();
    let error = soon(agent.get(server.url("/"))).await.unwrap_err();
    assert_eq!(
        error.code(),
        Some("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
    let options = RequestOptions::new(server.url("/")).max_version(TlsVersion::V1_2);
    refused(&agent, options).await;
    assert!(seen.try_recv().is_err());
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_refused_by_name() {
    let ground = Ground::new();
    let names = &["127.0.0.1"];
    for (from, to, code) in [
        ((2001, 1, 1), (2002, 1, 1), "CERT_HAS_EXPIRED"),
        ((2048, 1, 1), (2049, 1, 1), "CERT_NOT_YET_VALID"),
    ] {
        let pem = ground.ca().issue_between(KeyKind::P256, names, from, to);
        let (server, _) = recorder(server_config(&pem, TLS13)).await;
        let error = refused(&ground.agent(), server.url("/")).await;
        assert_eq!(error.code(), Some(code), "{error:?}");
    }
}

#[tokio::test]
async fn a_chain_with_an_intermediate_authority_is_believed() {
    let ground = Ground::new();
    let middle = ground.ca().intermediate();
    let (server, _) = recorder(server_config(&middle.issue(&["127.0.0.1"]), TLS13)).await;
    assert!(!resumed(&resuming(&ground), server.url("/")).await);
}

/// The certificate that the page tells its readers to make, on a server of ours.
#[tokio::test]
async fn c158_the_pages_own_certificate_is_believed_when_it_is_given_and_not_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256"])
        .args(["-subj", "/CN=localhost"])
        .args(["-keyout", "private-key.pem", "-out", "certificate.pem"])
        .current_dir(folder.path())
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{made:?}");
    let file = folder.path().join("certificate.pem");
    let identity = Identity::from_pem_files(&file, folder.path().join("private-key.pem")).unwrap();
    let options = sealane::ServerOptions::new(identity);
    let server = create_server(options, |_| async { Response::new("ok") }).unwrap();
    let url = format!("https://localhost:{}/", listen(&server).await.port());

    let options = sealane::AgentOptions::new().ca(Roots::from_pem_file(&file).unwrap());
    let agent = Agent::new(options).unwrap();
    assert!(!resumed(&agent, &url).await);
    assert!(resumed(&agent, &url).await, "and its session is kept");
    // Its only name is localhost; an address is none.
    let by_address = url.replace("localhost", "127.0.0.1");
    let error = refused(&agent, by_address).await;
    assert_eq!(
        error.code(),
        Some("ERR_TLS_CERT_ALTNAME_INVALID"),
        "{error:?}"
    );

    let strangers = Agent::new(sealane::AgentOptions::new()).unwrap();
    let error = refused(&strangers, &url).await;
    assert_eq!(
        error.code(),
        Some("DEPTH_ZERO_SELF_SIGNED_CERT"),
        "{error:?}"
    );
}

#[tokio::test]
async fn whoever_does_not_ask_for_proof_is_told_what_was_not_proved() {
    let ground = Ground::new();
    let config = ground.server_config_for(&["elsewhere.test"], TLS13);
    let (server, _) = recorder(config).await;
    let options = ground.agent_options().reject_unauthorized(false);
    let agent = Agent::new(options).unwrap();
    let response = agent.get(server.url("/")).await.unwrap();
    let tls = facts(&response).tls();
    assert!(!tls.authorized());
    assert_eq!(
        tls.authorization_error(),
        Some("ERR_TLS_CERT_ALTNAME_INVALID")
    );
    // The more specific option wins: this request does ask.
    let strict = RequestOptions::new(server.url("/")).reject_unauthorized(true);
    let error = refused(&agent, strict).await;
    assert_eq!(error.code(), Some("ERR_TLS_CERT_ALTNAME_INVALID"));
}

#[tokio::test]
async fn a_server_of_another_protocol_is_refused() {
    let ground = Ground::new();
    let mut config = ground.server_config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (server, _) = recorder(config).await;
    let error = refused(&ground.agent(), server.url("/")).await;
    assert_eq!(error.code(), Some("EPROTO"), "{error:?}");
}

#[tokio::test]
async fn our_server_and_our_client_agree_on_every_kind_of_key() {
    let ground = Ground::new();
    for kind in KeyKind::ALL {
        let pem = ground.ca().issue_with_key(kind, &["localhost"]);
        let identity = Identity::from_pem(pem.chain_pem, pem.key_pem).unwrap();
        let options = sealane::ServerOptions::new(identity);
        let server = create_server(options, |_: Request<Body>| async { Response::new("ok") });
        let server = server.unwrap();
        let url = format!("https://localhost:{}/", listen(&server).await.port());
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            let options = RequestOptions::new(&url).max_version(version);
            assert!(!resumed(&resuming(&ground), options).await, "{kind:?}");
        }
    }
}
