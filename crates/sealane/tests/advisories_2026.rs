//! What went wrong in the https module in 2026, shown not to go wrong here: one test an advisory.

mod support;

use std::error::Error as StdError;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, Uri};
use sealane::{
    Agent, AgentOptions, Body, ConnectionInfo, Error, Identity, IdentityCheck, IdentityError,
    RequestOptions, Roots, SecureContext, SecureContextOptions, create_server, write_pfx,
};
use sealane_testkit::certificates::{Template, TestCa};
use support::asking::{OK, fetch};
use support::counted::Counted;
use support::scripted::{Scripted, TLS12, TLS13, gone, read_request, recorder, say, server_config};
use support::{Ground, body_of, facts, listen, soon, until};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

async fn error_of(agent: &Agent, options: impl Into<RequestOptions>) -> Error {
    let error = soon(agent.get(options)).await.unwrap_err();
    assert!(error.replay_safe(), "a request has left: {error:?}");
    error
}

/// The same where already the options are refused.
fn refused(agent: &Agent, options: impl Into<RequestOptions>) -> Error {
    agent.request(options).unwrap_err()
}

/// A host name is checked as the one that was dialled and asked for, however it is written.
#[tokio::test]
async fn cve_2026_48618_a_host_written_otherwise_is_checked_as_what_it_is() {
    let ground = Ground::new();
    let server = Counted::start(ground.options()).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let check = IdentityCheck::new(move |host, certificate| {
        noted.lock().unwrap().push(host.to_owned());
        sealane::check_server_identity(host, certificate)
    });
    let spellings = ["localhost", "LOCALHOST", "LocalHost.", "localhost."];
    for name in spellings {
        // Each in an agent of its own, so that none rides on another one's connection.
        let agent = Agent::new(ground.agent_options().identity_check(check.clone())).unwrap();
        let options = RequestOptions::new(server.url_of("127.0.0.1")).servername(name);
        fetch(&agent, options).await.unwrap();
    }
    assert_eq!(*asked.lock().unwrap(), ["localhost"; 4]);

    // In one agent they are one: the same connection, for the same proof.
    let agent = ground.agent();
    let before = server.count().full;
    for name in spellings {
        let options = RequestOptions::new(server.url_of("127.0.0.1")).servername(name);
        fetch(&agent, options).await.unwrap();
    }
    assert_eq!(server.count().full, before + 1);
    // And none of them is another one.
    let other = ground.ca().issue(&["elsewhere.test"]);
    let (other, _) = recorder(server_config(&other, TLS13)).await;
    for host in ["localhost", "LOCALHOST", "loc%61lhost", "ｌocalhost"] {
        let url = format!("https://{host}:{}/", other.address().port());
        let error = error_of(&ground.agent(), url).await;
        assert_eq!(
            error.code(),
            Some("ERR_TLS_CERT_ALTNAME_INVALID"),
            "{error:?}"
        );
    }
}

/// What is dialled as an address is checked as an address, though a certificate has it as a name.
#[tokio::test]
async fn cve_2026_48618_an_address_written_otherwise_is_no_name() {
    let ground = Ground::new();
    let forms = ["0x7f000001", "127.1", "2130706433", "0177.0.0.1"];
    let (server, mut seen) = recorder(ground.server_config_for(&forms, TLS13)).await;
    let port = server.address().port();
    for form in forms {
        let by_url = RequestOptions::new(format!("https://{form}:{port}/"));
        let by_host = RequestOptions::new(server.url("/")).hostname(form);
        for options in [by_url, by_host] {
            let error = error_of(&ground.agent(), options).await;
            assert_eq!(
                error.code(),
                Some("ERR_TLS_CERT_ALTNAME_INVALID"),
                "{error:?}"
            );
            assert!(error.to_string().contains("127.0.0.1"), "{error}");
        }
        let options = RequestOptions::new(server.url("/")).servername(form);
        refused(&ground.agent(), options);
    }
    assert!(seen.try_recv().is_err());
}

/// What a server proved for one host proves nothing for another: no connection and no session.
#[tokio::test]
async fn cve_2026_48934_a_session_is_bound_to_the_host_it_was_proved_for() {
    let ground = Ground::new();
    for versions in [TLS12, TLS13] {
        for keep in [true, false] {
            let config = ground.server_config_for(&["a.test"], versions);
            let (server, mut seen) = recorder(config).await;
            let agent = Agent::new(ground.agent_options().keep_alive(keep)).unwrap();
            let ask = |name: &str| RequestOptions::new(server.url("/")).servername(name);
            for _ in 0..2 {
                fetch(&agent, ask("a.test")).await.unwrap();
                seen.recv().await.unwrap();
            }
            for round in 1..3 {
                let error = error_of(&agent, ask("b.test")).await;
                assert_eq!(
                    error.code(),
                    Some("ERR_TLS_CERT_ALTNAME_INVALID"),
                    "{error:?}"
                );
                // A handshake in full: the server was not even offered the session.
                until(|| server.refused() == round).await;
            }
            assert!(seen.try_recv().is_err());
        }
    }
}

/// A connection or session admitted by one check is not used under another.
#[tokio::test]
async fn cve_2026_58040_a_session_is_bound_to_the_identity_policy() {
    let ground = Ground::new();
    let server = Counted::start(ground.options()).await;
    for keep in [true, false] {
        let agent = Agent::new(ground.agent_options().keep_alive(keep)).unwrap();
        let lax = IdentityCheck::new(|_, _| Ok(()));
        let asked = Arc::new(Mutex::new(0));
        let count = Arc::clone(&asked);
        let strict = IdentityCheck::later(move |_, _| {
            *count.lock().unwrap() += 1;
            async { Err(IdentityError::new("not this one").with_code("ENOTTHIS")) }
        });
        let ask =
            |check: &IdentityCheck| RequestOptions::new(server.url()).identity_check(check.clone());
        fetch(&agent, ask(&lax)).await.unwrap();
        let mut again = fetch(&agent, ask(&lax)).await.unwrap();
        body_of(&mut again).await;
        assert_eq!(
            (facts(&again).reused(), facts(&again).tls().resumed()),
            (keep, !keep)
        );
        let before = server.count();
        for round in 1..3 {
            let error = error_of(&agent, ask(&strict)).await;
            assert_eq!(error.code(), Some("ENOTTHIS"), "{error:?}");
            assert_eq!(*asked.lock().unwrap(), round);
        }
        // Nor under the ordinary one, which nobody has asked yet.
        let mut plain = fetch(&agent, &server.url()).await.unwrap();
        body_of(&mut plain).await;
        assert!(!facts(&plain).reused() && !facts(&plain).tls().resumed());
        assert_eq!(server.count().requests, before.requests + 1);
    }
}

/// Two identities from PKCS#12 files, alike but for who they are, never share a connection.
#[tokio::test]
async fn cve_2026_56850_the_clients_identity_is_part_of_the_pool_key() {
    let ground = Ground::new();
    let clients = TestCa::new();
    let identity = |name: &str| {
        let pem = clients.issue_like(&Template::server(&[name]).for_clients());
        let file = write_pfx(&pem.chain_pem, &pem.key_pem, "same", "same").unwrap();
        Identity::from_pfx(file, "same").unwrap()
    };
    let (alice, bob) = (identity("alice"), identity("bob"));
    let roots = Roots::from_pem(clients.certificate_pem()).unwrap();
    let options = ground.options().request_cert(true).ca(roots);
    let server = create_server(options, |request: Request<Body>| {
        let info: &ConnectionInfo = request.extensions().get().unwrap();
        let certificate = info.tls().peer_certificate().unwrap();
        let name = certificate.subject().first("CN").unwrap().to_owned();
        async move { Response::new(name) }
    });
    let server = server.unwrap();
    let url = format!("https://localhost:{}/", listen(&server).await.port());
    for keep in [true, false] {
        let agent = Agent::new(ground.agent_options().keep_alive(keep)).unwrap();
        for (name, identity) in [("alice", &alice), ("bob", &bob), ("alice", &alice)] {
            let options = RequestOptions::new(&url).identity(identity.clone());
            let mut response = soon(agent.get(options)).await.unwrap();
            assert_eq!(
                String::from_utf8(body_of(&mut response).await).unwrap(),
                name
            );
        }
        // And who shows none is nobody.
        let error = soon(agent.get(&url)).await.unwrap_err();
        let code = Some("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED");
        assert_eq!(error.code(), code, "{error:?}");
    }
}

/// The rules of a name's context hold for that name in any letter case.
#[tokio::test]
async fn cve_2026_48928_the_choice_by_name_ignores_case() {
    let ground = Ground::new();
    let server = Counted::start(ground.options()).await;
    let pem = ground.ca().issue(&["*.secret.test"]);
    let guarded = Identity::from_pem(pem.chain_pem, pem.key_pem).unwrap();
    let guarded = SecureContextOptions::new(guarded).request_cert(true);
    let guarded = SecureContext::new(guarded.ca(ground.roots())).unwrap();
    server
        .server
        .add_context("*.Secret.TEST", &guarded)
        .unwrap();
    let address = server.server.address().unwrap();
    for name in ["api.secret.test", "API.SECRET.TEST", "Api.Secret.Test"] {
        // Its handshake wants a certificate of the client.
        let mut stream = shown_to(&ground, address, name).await;
        let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
        let sent = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await;
        assert!(
            sent.is_err() || read.is_err(),
            "{name} was answered {answer:?}"
        );
        // And its requests do not pass on a connection that was made without one.
        let answer = ground.say(address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 421 "), "{name}: {answer}");
    }
    assert_eq!(server.count().requests, 0);
}

/// A TLS connection of rustls' that asks for this name, in its letter case.
async fn shown_to(
    ground: &Ground,
    address: std::net::SocketAddr,
    name: &str,
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let root = ground.ca().certificate_der().to_vec();
    roots.add(CertificateDer::from(root)).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    soon(connector.connect(name, socket)).await.unwrap()
}

/// No NUL ends a name early: neither what is asked for, nor what a certificate says.
#[tokio::test]
async fn cve_2026_48930_a_nul_in_a_host_is_refused() {
    let ground = Ground::new();
    let server = Counted::start(ground.options()).await;
    let agent = ground.agent();
    let port = server.server.address().unwrap().port();
    for host in [
        "localhost\0.evil.test",
        "localhost\0",
        "\0localhost",
        "127.0.0.1\0",
    ] {
        for url in [
            format!("https://{host}:{port}/"),
            format!("https://{}:{port}/", host.replace('\0', "%00")),
        ] {
            assert_eq!(
                refused(&agent, url).code(),
                Some("ERR_INVALID_URL"),
                "{host:?}"
            );
        }
        let named = RequestOptions::new(server.url()).hostname(host);
        let error = refused(&agent, named);
        assert_eq!(error.code(), Some("ERR_INVALID_URL"), "{error:?}");
        let named = RequestOptions::new(server.url()).servername(host);
        let text = refused(&agent, named).to_string();
        assert!(!text.contains('\0') && text.contains("u{0}"), "{text}");
    }
    assert_eq!(server.count().requests, 0);

    // One dNSName in a list of alternative names (RFC 5280 §4.2.1.6).
    let name = b"localhost\0.evil.test";
    let octets = [&[0x30, 22, 0x82, 20], &name[..]].concat();
    let template = Template::server(&[]).alternative_octets(&octets);
    let pem = ground.ca().issue_like(&template);
    let (server, mut seen) = recorder(server_config(&pem, TLS13)).await;
    let url = server.url("/").replace("127.0.0.1", "localhost");
    let error = error_of(&ground.agent(), url).await;
    assert_eq!(error.kind(), sealane::ErrorKind::Tls, "{error:?}");
    assert!(seen.try_recv().is_err());
}

const FORGED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

/// A server that says one answer more than it was asked for, on its first connection.
async fn forging(ground: &Ground, at_once: bool, gate: &Arc<Notify>) -> Scripted {
    let gate = Arc::clone(gate);
    let script = move |mut stream, connection| {
        let gate = Arc::clone(&gate);
        async move {
            read_request(&mut stream).await;
            if at_once && connection == 0 {
                say(&mut stream, OK.to_owned() + FORGED).await;
                return gone(&mut stream).await;
            }
            say(&mut stream, OK).await;
            gate.notified().await;
            say(&mut stream, FORGED).await;
            gone(&mut stream).await;
        }
    };
    Scripted::start(ground.server_config(), script).await
}

/// Octets behind an answer are never the answer to the next request on a kept connection.
#[tokio::test]
async fn cve_2026_48931_a_reused_connection_has_no_answers_in_store() {
    let ground = Ground::new();
    // At once behind the answer, and later while the connection rests.
    for at_once in [true, false] {
        let go = Arc::new(Notify::new());
        let server = forging(&ground, at_once, &go).await;
        let agent = ground.agent();
        fetch(&agent, &server.url("/1")).await.unwrap();
        if !at_once {
            go.notify_one();
            until(|| agent.total_socket_count() == 0).await;
        }
        let mut second = soon(agent.get(server.url("/2"))).await.unwrap();
        assert_eq!(body_of(&mut second).await, b"ok");
        assert!(!facts(&second).reused());
    }
}

/// No error says the credentials of a URL, whatever goes wrong with it.
#[tokio::test]
async fn cve_2026_48615_credentials_are_never_in_an_error() {
    let ground = Ground::new();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = free.local_addr().unwrap().port();
    drop(free);
    let (stranger, _) = recorder(server_config(&TestCa::new().issue(&["localhost"]), TLS13)).await;
    let untrusted = stranger.address().port();
    let agent = ground.agent();
    let places = [
        format!("localhost:{closed}/"),
        format!("localhost:{untrusted}/"),
        "localhost:99999/".to_owned(),
        "local host/".to_owned(),
        "[::1/".to_owned(),
        "\0/".to_owned(),
        ":443/".to_owned(),
        "localhost/a\u{7f}b c#d@e".to_owned(),
    ];
    for scheme in ["https", "http", "ftp", "nothing"] {
        for place in &places {
            let url = format!("{scheme}://agent007:hunter2@{place}");
            if let Err(error) = agent.request(&url) {
                assert_silent(&error);
            } else if let Err(error) = soon(agent.get(&url)).await {
                assert_silent(&error);
            } else {
                panic!("{url:?} was answered");
            }
            let Ok(uri) = url.parse::<Uri>() else {
                continue;
            };
            assert_silent(
                &soon(agent.get(RequestOptions::from(uri.clone())))
                    .await
                    .unwrap_err(),
            );
            let request = Request::builder().method(Method::GET).uri(uri);
            let sent = agent.send(request.body(Body::empty()).unwrap());
            assert_silent(&soon(sent).await.unwrap_err());
        }
    }
    for path in ["/a b", "//agent007:hunter2@x/ y", "agent007:hunter2@x"] {
        let options = RequestOptions::new("https://agent007:hunter2@localhost/").path(path);
        assert_silent(&refused(&agent, options));
    }
    let options = RequestOptions::new("https://agent007:hunter2@localhost/");
    assert!(!format!("{options:?}").contains("hunter2"), "{options:?}");
}

/// Neither the text of an error nor what stands behind it has the password, in any writing.
fn assert_silent(error: &Error) {
    let mut texts = vec![error.to_string(), format!("{error:?}")];
    let mut source = error.source();
    while let Some(inner) = source {
        texts.extend([inner.to_string(), format!("{inner:?}")]);
        source = inner.source();
    }
    for text in texts {
        for secret in ["hunter2", "agent007", "YWdlbnQwMDc6aHVudGVyMg"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// A head that is too long or was cut short is refused whole: what is left of it goes nowhere.
#[tokio::test]
async fn cve_2026_58044_a_truncated_head_is_not_passed_on() {
    let ground = Ground::new();
    let lines = |count: usize| "X-Filler: 1\r\n".repeat(count);
    let options = ground.options().max_headers_count(20);
    let server = Counted::start(options).await;
    let address = server.server.address().unwrap();
    let ask = |fields: String| {
        format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}Connection: close\r\n\r\n")
    };
    let answer = ground.say(address, ask(lines(18)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let answer = ground.say(address, ask(lines(19)).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let mut stream = ground.connect(address).await;
    let cut = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Wanted: y";
    stream.write_all(cut).await.unwrap();
    stream.shutdown().await.unwrap();
    support::read_to_end(&mut stream).await;
    assert_eq!(server.count().requests, 1);

    // The same of responses, at an agent.
    let long = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{}\r\nok",
        lines(20)
    );
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Wanted: y";
    for (head, code) in [(long.as_str(), "HPE_HEADER_OVERFLOW"), (cut, "ECONNRESET")] {
        let head = head.to_owned();
        let server = Scripted::start(ground.server_config(), move |mut stream, _| {
            let head = head.clone();
            async move {
                read_request(&mut stream).await;
                say(&mut stream, head).await;
                let _ = stream.shutdown().await;
            }
        });
        let server = server.await;
        let options = AgentOptions::new().ca(ground.roots()).max_headers_count(20);
        let agent = Agent::new(options).unwrap();
        let error = soon(agent.get(server.url("/"))).await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{error:?}");
    }
}
