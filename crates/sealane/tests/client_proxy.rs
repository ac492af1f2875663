//! Do proxies get what they are told, and nothing else; and does all that holds without them hold?

mod support;

use std::net::Ipv4Addr;
use std::process::Command;
use std::time::{Duration, Instant};

use http::{Method, Request, Response};
use sealane::{
    Agent, AgentOptions, Body, Error, ErrorKind, Lookup, Phase, Pin, Proxy, RequestOptions,
    create_server,
};
use sealane_testkit::certificates::TestCa;
use support::asking::fetch;
use support::proxy::{Proxy as LittleProxy, Says, established};
use support::scripted::{Scripted, TLS13, read_request, recorder, say, server_config};
use support::{Ground, body_of, facts, listen, soon, until};

fn tunnel(answer: &str) -> Says {
    Says::Tunnel(answer.to_owned())
}

fn refusal(answer: &str) -> Says {
    Says::Refusal(answer.to_owned())
}

fn through(ground: &Ground, proxy: &LittleProxy) -> AgentOptions {
    let secure = proxy.url().starts_with("https:");
    let proxy = Proxy::new(proxy.url()).unwrap();
    let proxy = if secure {
        proxy.ca(ground.roots())
    } else {
        proxy
    };
    ground.agent_options().keep_alive(true).proxy(proxy)
}

/// The error of a request through a proxy that says this.
async fn failure(says: Says) -> Error {
    let ground = Ground::new();
    let proxy = LittleProxy::start(says).await;
    let options = through(&ground, &proxy).connect_timeout(Duration::from_millis(500));
    let agent = Agent::new(options).unwrap();
    let error = soon(agent.get("https://server.example/")).await;
    let error = error.unwrap_err();
    assert_eq!(error.phase(), Phase::Proxy, "{error}");
    assert_eq!(error.code(), Some("ERR_PROXY_TUNNEL"), "{error}");
    assert!(error.replay_safe());
    let text = error.to_string();
    for part in [proxy.url(), "server.example:443".to_owned()] {
        assert!(text.contains(&part), "{text}");
    }
    error
}

#[tokio::test]
async fn a_tunnel_is_asked_for_once_and_carries_many_requests() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let proxy = LittleProxy::start(established()).await;
    let agent = Agent::new(through(&ground, &proxy)).unwrap();
    let port = server.address().port();
    for reused in [false, true, true] {
        let url = format!("https://localhost:{port}/path");
        let response = soon(fetch(&agent, url)).await.unwrap();
        let facts = facts(&response);
        assert_eq!(facts.reused(), reused);
        assert_eq!(facts.remote_addr(), Some(proxy.address()));
        assert!(facts.timings().proxy.is_some());
        let seen = seen.recv().await.unwrap();
        assert_eq!(seen.servername.as_deref(), Some("localhost"));
        assert!(
            seen.text.starts_with("GET /path HTTP/1.1\r\n"),
            "{}",
            seen.text
        );
        assert!(
            !seen.text.to_ascii_lowercase().contains("proxy"),
            "{}",
            seen.text
        );
    }
    let [head] = &proxy.heads()[..] else {
        panic!("{:?}", proxy.heads());
    };
    let head = head.to_ascii_lowercase();
    let wanted = format!("connect localhost:{port} http/1.1\r\nhost: localhost:{port}\r\n\r\n");
    assert_eq!(head, wanted);
}

#[tokio::test]
async fn an_address_of_ipv6_stands_in_brackets() {
    let ground = Ground::new();
    let server = create_server(ground.options(), support::places::hello::<Body>).unwrap();
    let address = server.listen("[::1]:0").await.unwrap();
    let proxy = LittleProxy::start(established()).await;
    let agent = Agent::new(through(&ground, &proxy)).unwrap();
    let mut response = soon(agent.get(format!("https://{address}/")))
        .await
        .unwrap();
    assert_eq!(soon(body_of(&mut response)).await, b"hello");
    let head = proxy.heads().remove(0);
    assert!(head.starts_with(&format!("CONNECT [::1]:{} HTTP/1.1\r\n", address.port())));
}

#[tokio::test]
async fn any_2xx_opens_a_tunnel_and_interim_responses_are_passed_over() {
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    for answer in [
        "HTTP/1.1 299 Whatever\r\n\r\n",
        "HTTP/1.0 200 OK\r\nVia: 1.0 old\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
    ] {
        let proxy = LittleProxy::start(tunnel(answer)).await;
        let agent = Agent::new(through(&ground, &proxy)).unwrap();
        let url = format!("https://localhost:{}/", server.address().port());
        soon(fetch(&agent, url)).await.expect(answer);
    }
}

#[tokio::test]
async fn a_refusal_is_told_with_its_status_and_what_to_do() {
    for (status, advice) in [
        (407, "give user and password"),
        (403, "ask those who run it"),
        (502, "cannot reach this server"),
        (503, "try later"),
        (405, "may be no proxy"),
        (302, "may be no proxy"),
    ] {
        let answer = format!("HTTP/1.1 {status} \r\nContent-Length: 3\r\n\r\nno!");
        let error = failure(refusal(&answer)).await;
        assert_eq!(error.kind(), ErrorKind::Proxy);
        assert_eq!(error.proxy_status().map(|it| it.as_u16()), Some(status));
        let text = error.to_string();
        assert!(
            text.contains(&status.to_string()) && text.contains(advice),
            "{text}"
        );
    }
}

#[tokio::test]
async fn what_is_no_answer_opens_no_tunnel() {
    let endless = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(100_000));
    let interim = "HTTP/1.1 102 Wait\r\n\r\n".repeat(10_000);
    for answer in [
        "",
        "HTTP/1.1 200",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        &endless,
        &interim,
    ] {
        let error = failure(refusal(answer)).await;
        assert_eq!(error.proxy_status(), None, "{error}");
    }
}

/// An octet of the proxy's own in front of the server's would be the first of its TLS.
#[tokio::test]
async fn octets_behind_the_answer_are_refused() {
    let error = failure(refusal("HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03")).await;
    assert!(
        error.to_string().contains("no part of its answer"),
        "{error}"
    );
}

#[tokio::test]
async fn a_proxy_that_says_nothing_is_given_up_in_time() {
    let begun = Instant::now();
    let error = failure(Says::Silence).await;
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("within 500ms"), "{error}");
    assert!(begun.elapsed() >= Duration::from_millis(500));
}

#[tokio::test]
async fn a_tunnel_that_leads_nowhere_is_told_with_its_proxy() {
    let ground = Ground::new();
    let proxy = LittleProxy::start(refusal("HTTP/1.1 200 OK\r\n\r\n")).await;
    let agent = Agent::new(through(&ground, &proxy)).unwrap();
    let error = soon(agent.get("https://server.example/")).await;
    let error = error.unwrap_err();
    assert_eq!(
        (error.phase(), error.code()),
        (Phase::Handshake, Some("ECONNRESET"))
    );
    let part = format!("server.example:443 (through the proxy {})", proxy.url());
    assert!(error.to_string().contains(&part), "{error}");
}

#[tokio::test]
async fn what_is_looked_up_is_the_proxy_and_never_the_server() {
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let little = LittleProxy::start(established()).await;
    let lookup = Lookup::new(|name, _| async move {
        match name.as_str() {
            "proxy.internal" => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        }
    });
    let proxy = Proxy::new(format!("proxy.internal:{}", little.address().port())).unwrap();
    let options = ground.agent_options().lookup(lookup.clone());
    let agent = Agent::new(options.proxy(proxy)).unwrap();
    let url = format!("https://localhost:{}/", server.address().port());
    let response = soon(fetch(&agent, url)).await.unwrap();
    assert!(facts(&response).timings().lookup.is_some());

    let options = RequestOptions::new("https://server.example/").lookup(lookup);
    let lost = options.proxy(Proxy::new("http://other.internal").unwrap());
    let error = soon(sealane::get(lost)).await.unwrap_err();
    assert_eq!(error.code(), Some("ENOTFOUND"));
    let text = error.to_string();
    assert!(
        text.contains("other.internal") && text.contains("server.example"),
        "{text}"
    );
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told_as_that() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let options = RequestOptions::new("https://server.example/").proxy(Proxy::new(&gone).unwrap());
    let error = soon(sealane::get(options)).await.unwrap_err();
    assert_eq!(error.code(), Some("ECONNREFUSED"));
    assert_eq!(error.attempts().len(), 1);
    let text = error.to_string();
    assert!(
        text.contains(&gone) && text.contains("server.example"),
        "{text}"
    );
}

#[tokio::test]
async fn credentials_go_to_the_proxy_alone_and_are_never_shown() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let little = LittleProxy::start(established()).await;
    let url = little.url().replace("://", "://us%65r:s%40cret@");
    let proxy = Proxy::new(url).unwrap();
    let agent = Agent::new(ground.agent_options().proxy(proxy.clone())).unwrap();
    let target = format!("https://localhost:{}/", server.address().port());
    soon(fetch(&agent, target)).await.unwrap();
    let head = little.heads().remove(0).to_ascii_lowercase();
    let field = "\r\nproxy-authorization: basic dxnlcjpzqgnyzxq=\r\n";
    assert!(head.contains(field), "{head}");
    let seen = seen.recv().await.unwrap().text.to_ascii_lowercase();
    assert!(!seen.contains("authorization"), "{seen}");

    let refusing = LittleProxy::start(refusal("HTTP/1.1 407 No\r\n\r\n")).await;
    let url = refusing.url().replace("://", "://user:s%40cret@");
    let refused = Proxy::new(url).unwrap();
    let options = RequestOptions::new("https://server.example/").proxy(refused.clone());
    let shown = format!("{options:?} {proxy:?} {agent:?}");
    let error = soon(sealane::get(options)).await.unwrap_err();
    assert!(
        error.to_string().contains("does not take this user"),
        "{error}"
    );
    let shown = format!("{shown} {error} {error:?} {refused:?}");
    for secret in ["s@cret", "s%40cret", "dXNlcjpzQGNyZXQ="] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn a_proxy_asked_by_https_proves_its_own_name_to_its_own_roots() {
    let ground = Ground::new();
    let house = TestCa::new();
    let roots = || sealane::Roots::from_pem(house.certificate_pem()).unwrap();
    let config = || server_config(&house.issue(&["127.0.0.1"]), TLS13);
    let (server, _seen) = recorder(ground.server_config()).await;
    let little = LittleProxy::start_tls(established(), config()).await;
    let url = format!("https://localhost:{}/", server.address().port());
    let agent = |proxy: Proxy| Agent::new(ground.agent_options().proxy(proxy)).unwrap();

    let good = agent(Proxy::new(little.url()).unwrap().ca(roots()));
    let response = soon(fetch(&good, &url)).await.unwrap();
    assert_eq!(facts(&response).remote_addr(), Some(little.address()));
    assert_eq!(little.heads().len(), 1);

    // The agent's roots say nothing about its proxy.
    let strange = agent(Proxy::new(little.url()).unwrap().ca(ground.roots()));
    let error = soon(strange.get(&url)).await.unwrap_err();
    assert_eq!(
        (error.phase(), error.kind()),
        (Phase::Proxy, ErrorKind::Tls)
    );
    assert!(error.diagnosis().is_some());
    assert!(error.to_string().contains(&little.url()), "{error}");

    let other = server_config(&house.issue(&["other.example"]), TLS13);
    let other = LittleProxy::start_tls(established(), other).await;
    let misnamed = agent(Proxy::new(other.url()).unwrap().ca(roots()));
    let error = soon(misnamed.get(&url)).await.unwrap_err();
    assert_eq!(
        error.code(),
        Some("ERR_TLS_CERT_ALTNAME_INVALID"),
        "{error}"
    );
    assert!(other.heads().is_empty(), "it was asked nothing");
}

#[tokio::test]
async fn the_server_is_judged_inside_the_tunnel_as_without_one() {
    let ground = Ground::new();
    let config = ground.server_config_for(&["other.example"], TLS13);
    let (server, _seen) = recorder(config).await;
    let proxy = LittleProxy::start(established()).await;
    let agent = Agent::new(through(&ground, &proxy)).unwrap();
    let url = format!("https://localhost:{}/", server.address().port());
    let error = soon(agent.get(url)).await.unwrap_err();
    assert_eq!(error.code(), Some("ERR_TLS_CERT_ALTNAME_INVALID"));
    assert_eq!(error.phase(), Phase::Handshake);
}

#[tokio::test]
async fn large_bodies_pass_tls_inside_tls_both_ways() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        Response::new(request.into_body())
    });
    let server = server.unwrap();
    let port = listen(&server).await.port();
    let proxy = LittleProxy::start_tls(established(), ground.server_config()).await;
    let agent = Agent::new(through(&ground, &proxy)).unwrap();
    let sent: Vec<u8> = (0..3_000_000u32)
        .map(|number| (number % 251) as u8)
        .collect();
    for reused in [false, true] {
        let options = RequestOptions::new(format!("https://localhost:{port}/"));
        let request = agent.request(options.method(Method::POST)).unwrap();
        let mut response = soon(request.end_with(sent.clone())).await.unwrap();
        let came = soon(body_of(&mut response)).await;
        assert!(came == sent, "{} octets came", came.len());
        assert_eq!(facts(&response).reused(), reused);
    }
}

/// The server ends each connection behind its first answer, and tells when it has.
#[tokio::test]
async fn a_tunnel_that_has_ended_is_not_used_again() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        say(&mut stream, support::asking::OK).await;
    })
    .await;
    let url = format!("https://localhost:{}/", server.address().port());
    for secure in [false, true] {
        let proxy = match secure {
            false => LittleProxy::start(established()).await,
            true => LittleProxy::start_tls(established(), ground.server_config()).await,
        };
        let agent = Agent::new(through(&ground, &proxy)).unwrap();
        for count in 1..=3 {
            let options = RequestOptions::new(&url).method(Method::POST);
            let request = agent.request(options).unwrap();
            let mut response = soon(request.end_with("once")).await.unwrap();
            assert_eq!(soon(body_of(&mut response)).await, b"ok");
            assert!(!facts(&response).reused());
            assert_eq!(proxy.heads().len(), count);
            until(|| agent.total_socket_count() == 0).await;
        }
    }
}

#[tokio::test]
async fn sessions_are_resumed_through_the_same_proxy_and_no_other_way() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config_for(&["localhost"], TLS13)).await;
    let one = LittleProxy::start(established()).await;
    let other = LittleProxy::start(established()).await;
    let agent = Agent::new(ground.agent_options()).unwrap();
    let url = format!("https://localhost:{}/", server.address().port());
    let plain = || RequestOptions::new(&url);
    let via = |little: &LittleProxy| Proxy::new(little.url()).unwrap();
    let mut resumed = Vec::new();
    for options in [
        plain().proxy(via(&one)),
        plain().proxy(via(&one)),
        plain().proxy(via(&other)),
        plain().proxy(via(&one).auth("user:password")),
        plain(),
        plain(),
        plain().proxy(via(&one)),
    ] {
        soon(fetch(&agent, options)).await.unwrap();
        resumed.push(seen.recv().await.unwrap().resumed);
    }
    assert_eq!(resumed, [false, true, false, false, false, true, true]);
}

#[tokio::test]
async fn connections_are_shared_by_requests_with_the_same_proxy_and_credentials_only() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let little = LittleProxy::start(established()).await;
    let agent = ground.agent();
    let url = format!("https://localhost:{}/", server.address().port());
    let plain = || RequestOptions::new(&url);
    let proxy = || Proxy::new(little.url()).unwrap();
    let mut connections = Vec::new();
    for options in [
        plain(),
        plain().proxy(proxy()),
        plain().proxy(proxy().auth("a:b")),
        plain().proxy(proxy().auth("a:c")),
        plain().proxy(proxy().auth("a:b")),
        plain().proxy(proxy().exclude("localhost").unwrap()),
        plain().proxy(proxy()).no_proxy(),
    ] {
        soon(fetch(&agent, options)).await.unwrap();
        connections.push(seen.recv().await.unwrap().connection);
    }
    assert_eq!(connections, [0, 1, 2, 3, 2, 0, 0]);
    assert_eq!(little.heads().len(), 3);
}

#[tokio::test]
async fn pins_hold_through_a_proxy_on_full_and_on_resumed_handshakes() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config_for(&["localhost"], TLS13)).await;
    let little = LittleProxy::start_tls(established(), ground.server_config()).await;
    let agent = Agent::new(through(&ground, &little).keep_alive(false)).unwrap();
    let url = format!("https://localhost:{}/", server.address().port());
    let response = soon(fetch(&agent, &url)).await.unwrap();
    let certificate = facts(&response).tls().peer_certificate().unwrap();
    let right = Pin::spki_sha256(certificate.spki_sha256_base64()).unwrap();
    let wrong = Pin::spki_sha256("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
    assert!(!seen.recv().await.unwrap().resumed);
    for resumed in [false, true] {
        let options = RequestOptions::new(&url).pins([right.clone()]);
        soon(fetch(&agent, options)).await.unwrap();
        assert_eq!(seen.recv().await.unwrap().resumed, resumed);
        let options = RequestOptions::new(&url).pins([wrong.clone()]);
        let error = soon(agent.get(options)).await.unwrap_err();
        assert_eq!(error.phase(), Phase::Handshake, "{error}");
    }
}

/// Run again as a program of its own, for the environment of this one is everybody's.
#[tokio::test]
async fn the_environment_is_read_only_where_it_is_asked_for() {
    let name = "the_environment_is_read_only_where_it_is_asked_for";
    let Ok(address) = std::env::var("SEALANE_TEST_TARGET") else {
        let ground = Ground::new();
        let (server, _seen) = recorder(ground.server_config()).await;
        let little = LittleProxy::start(established()).await;
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", name]);
        child
            .env("https_proxy", little.url())
            .env("no_proxy", "127.0.0.1");
        child.env("SEALANE_TEST_TARGET", server.address().port().to_string());
        child.env("SEALANE_TEST_CA", ground.ca_file());
        let done = tokio::task::spawn_blocking(move || child.output().unwrap());
        let done = soon(done).await.unwrap();
        assert!(done.status.success(), "{done:?}");
        assert_eq!(little.heads().len(), 1);
        return;
    };
    let ca = std::env::var("SEALANE_TEST_CA").unwrap();
    let options = || AgentOptions::new().ca(sealane::Roots::from_pem_file(&ca).unwrap());
    let proxy = Proxy::from_env().unwrap().unwrap();
    for (options, proxied) in [(options(), false), (options().proxy(proxy), true)] {
        let agent = Agent::new(options).unwrap();
        for (host, proxied) in [("localhost", proxied), ("127.0.0.1", false)] {
            let response = soon(fetch(&agent, format!("https://{host}:{address}/"))).await;
            let response = response.unwrap();
            assert_eq!(
                facts(&response).timings().proxy.is_some(),
                proxied,
                "{host}"
            );
        }
    }
}
