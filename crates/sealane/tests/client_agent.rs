//! Can an agent be seen, changed and asked while it is in use?

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sealane::{Agent, AgentEvent, AgentOptions, Family, Identity, RequestOptions, Scheduling};
use support::asking::{OK, ask, fetch, gated};
use support::scripted::{Scripted, TLS13, read_request, recorder, say};
use support::{Ground, facts, soon, until};
use tokio::io::AsyncWriteExt;

fn name_of(options: &RequestOptions) -> String {
    let agent = Agent::new(AgentOptions::new()).unwrap();
    agent.name_of(options).unwrap()
}

#[test]
fn c001_the_name_of_nothing_is_localhost_and_22_colons() {
    let expected = format!("localhost{}", ":".repeat(22));
    assert_eq!(name_of(&RequestOptions::default()), expected);
}

#[test]
fn c002_a_servername_that_is_the_host_stands_once() {
    let options = RequestOptions::new("https://a.test:8443/");
    let plain = name_of(&options);
    assert_eq!(plain, format!("a.test:8443{}", ":".repeat(21)));
    assert_eq!(name_of(&options.clone().servername("a.test")), plain);
    let other = name_of(&options.servername("b.test"));
    let (before, after) = (":".repeat(9), ":".repeat(12));
    assert_eq!(other, format!("a.test:8443{before}b.test{after}"));
}

#[test]
fn c003_a_family_stands_behind_the_local_address_or_not_at_all() {
    let named = |family| name_of(&RequestOptions::default().family(family));
    let rest = ":".repeat(20);
    assert_eq!(named(Family::V6), format!("localhost:::6{rest}"));
    assert_eq!(named(Family::V4), format!("localhost:::4{rest}"));
    assert_eq!(named(Family::Any), format!("localhost::{rest}"));
    let local = RequestOptions::default()
        .local_address([192, 168, 1, 1].into())
        .family(Family::V4);
    assert_eq!(name_of(&local), format!("localhost::192.168.1.1:4{rest}"));
}

#[cfg(unix)]
#[test]
fn c004_a_socket_path_is_a_field_more() {
    let options = RequestOptions::default().socket_path("/tmp/some.sock");
    let expected = format!("localhost:::/tmp/some.sock{}", ":".repeat(20));
    assert_eq!(name_of(&options), expected);
}

#[test]
fn material_stands_in_a_name_as_a_digest() {
    let (ground, other) = (Ground::new(), Ground::new());
    let pem = ground.ca().issue(&["client.test"]);
    let identity = Identity::from_pem(pem.chain_pem, &pem.key_pem).unwrap();
    let options = RequestOptions::default()
        .ca(ground.roots())
        .identity(identity);
    let name = name_of(&options);
    let fields: Vec<_> = name.split(':').collect();
    assert_eq!(fields.len(), 23, "{name}");
    for field in [3, 4, 7] {
        let digits = fields[field].chars().all(|it| it.is_ascii_hexdigit());
        assert!(fields[field].len() == 16 && digits, "{field} of {name}");
    }
    assert_ne!(name, name_of(&options.ca(other.roots())));
}

#[tokio::test]
async fn what_an_agent_has_is_seen_by_name() {
    let ground = Ground::new();
    let (server, go) = gated(&ground).await;
    let options = ground.agent_options().keep_alive(true);
    let agent = Agent::new(AgentOptions::max_sockets(options, 1)).unwrap();
    let name = agent.name_of(&server.url("/wait").into()).unwrap();
    let only = |count: usize| [(name.clone(), count)].into();
    let busy = ask(&agent, server.url("/wait"));
    until(|| agent.sockets() == only(1)).await;
    let waiting = ask(&agent, server.url("/wait"));
    until(|| agent.requests() == only(1)).await;
    assert_eq!(agent.snapshot().total_socket_count(), 1);
    for request in [busy, waiting] {
        go.notify_one();
        soon(request).await.unwrap().unwrap();
    }
    let snapshot = agent.snapshot();
    assert_eq!(*snapshot.free_sockets(), only(1));
    assert!(snapshot.sockets().is_empty() && snapshot.requests().is_empty());
    let shown = format!("{snapshot:?}");
    assert!(!shown.contains("BEGIN"), "{shown}");
}

#[tokio::test]
async fn limits_that_are_changed_hold_from_then_on() {
    let ground = Ground::new();
    let (server, go) = gated(&ground).await;
    let options = ground.agent_options().keep_alive(true);
    let agent = Agent::new(AgentOptions::max_sockets(options, 1)).unwrap();
    let asked: Vec<_> = (0..3).map(|_| ask(&agent, server.url("/wait"))).collect();
    until(|| agent.requests().values().sum::<usize>() == 2).await;
    agent.set_max_sockets(2).unwrap();
    until(|| server.accepted() == 2).await;
    assert_eq!(agent.requests().values().sum::<usize>(), 1);
    agent.set_max_sockets(None).unwrap();
    until(|| server.accepted() == 3).await;
    for request in asked {
        go.notify_waiters();
        go.notify_one();
        soon(request).await.unwrap().unwrap();
    }
    assert_eq!(agent.total_socket_count(), 3);
    agent.set_max_free_sockets(2);
    assert_eq!(agent.total_socket_count(), 2);
    agent.set_max_total_sockets(1).unwrap();
    assert_eq!(agent.total_socket_count(), 1);
    assert_eq!(
        (agent.max_sockets(), agent.max_total_sockets()),
        (None, Some(1))
    );
    assert_eq!(agent.max_free_sockets(), 2);
    for refused in [agent.set_max_sockets(0), agent.set_max_total_sockets(0)] {
        assert_eq!(refused.unwrap_err().code(), Some("ERR_OUT_OF_RANGE"));
    }
    agent.set_keep_alive(false);
    assert!(!agent.keep_alive());
    fetch(&agent, server.url("/")).await.unwrap();
    assert_eq!(agent.total_socket_count(), 0);
    agent.set_scheduling(Scheduling::Fifo);
    assert_eq!(agent.scheduling(), Scheduling::Fifo);
}

#[tokio::test]
async fn sessions_are_forgotten_when_their_limit_is_lowered() {
    let ground = Ground::new();
    let config = ground.server_config_for(&["localhost", "127.0.0.1"], TLS13);
    let (server, mut seen) = recorder(config).await;
    let agent = Agent::new(ground.agent_options()).unwrap();
    assert_eq!(agent.max_cached_sessions(), 100);
    for (resumed, most) in [(false, 100), (true, 0), (false, 1), (false, 1), (true, 1)] {
        fetch(&agent, server.url("/")).await.unwrap();
        assert_eq!(seen.recv().await.unwrap().resumed, resumed);
        agent.set_max_cached_sessions(most);
        assert_eq!(agent.max_cached_sessions(), most);
    }
}

#[tokio::test]
async fn times_that_cannot_be_kept_are_refused() {
    let short = Duration::from_millis(999);
    let refused = [
        AgentOptions::new().keep_alive_msecs(short),
        AgentOptions::new().keep_alive_msecs(Duration::from_secs(40_000)),
        AgentOptions::new().wait_timeout(Duration::ZERO),
        AgentOptions::new().max_age(Duration::ZERO),
    ];
    for options in refused {
        let error = Agent::new(options).unwrap_err();
        assert_eq!(error.code(), Some("ERR_OUT_OF_RANGE"), "{error:?}");
    }
    let agent = Agent::new(AgentOptions::new()).unwrap();
    assert_eq!(agent.keep_alive_msecs(), Duration::from_secs(1));
    assert!(agent.set_keep_alive_msecs(short).is_err());
    agent.set_keep_alive_msecs(Duration::from_secs(7)).unwrap();
    assert_eq!(agent.keep_alive_msecs(), Duration::from_secs(7));
}

#[tokio::test]
async fn a_request_waits_no_longer_than_it_may() {
    let ground = Ground::new();
    let (server, go) = gated(&ground).await;
    let limit = Duration::from_millis(100);
    let options = ground.agent_options().wait_timeout(limit);
    let agent = Agent::new(AgentOptions::max_sockets(options, 1)).unwrap();
    let busy = ask(&agent, server.url("/wait"));
    until(|| server.accepted() == 1).await;
    let error = soon(agent.get(server.url("/"))).await.unwrap_err();
    assert_eq!(error.code(), Some("ETIMEDOUT"), "{error:?}");
    assert!(error.replay_safe() && agent.requests().is_empty());
    go.notify_one();
    soon(busy).await.unwrap().unwrap();
}

#[tokio::test]
async fn hooks_decide_what_is_kept_and_used_again() {
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let keeping = || ground.agent_options().keep_alive(true);
    let agent = Agent::new(keeping().keep_socket_alive(|info| {
        assert!(info.remote_addr().is_some());
        false
    }));
    let agent = agent.unwrap();
    fetch(&agent, server.url("/")).await.unwrap();
    assert_eq!(agent.total_socket_count(), 0);
    // A panic is a no.
    let panicking = keeping().keep_socket_alive(|_| panic!("expected by the test"));
    let agent = Agent::new(panicking).unwrap();
    fetch(&agent, server.url("/")).await.unwrap();
    assert_eq!(agent.total_socket_count(), 0);
    let allowed = Arc::new(AtomicBool::new(true));
    let word = Arc::clone(&allowed);
    let options = keeping().reuse_socket(move |_| word.load(Ordering::SeqCst));
    let agent = Agent::new(options).unwrap();
    for (allow, reused) in [(true, false), (true, true), (false, false)] {
        allowed.store(allow, Ordering::SeqCst);
        let response = fetch(&agent, server.url("/")).await.unwrap();
        assert_eq!(facts(&response).reused(), reused);
        assert_eq!(agent.total_socket_count(), 1);
    }
}

/// Words for what an agent tells.
fn word(event: &AgentEvent<'_>) -> String {
    match event {
        AgentEvent::Wait { .. } => "wait".to_owned(),
        AgentEvent::Connect { .. } => "connect".to_owned(),
        AgentEvent::Connected { .. } => "connected".to_owned(),
        AgentEvent::ConnectFailed { error, .. } => format!("failed {}", error.code().unwrap()),
        AgentEvent::Socket { info, .. } => format!("socket {}", info.reused()),
        AgentEvent::Free { .. } => "free".to_owned(),
        AgentEvent::Evicted { why, .. } => format!("{why:?}"),
        AgentEvent::Replay { .. } => "replay".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Options of an agent that keeps connections, and what it tells.
fn telling(ground: &Ground) -> (AgentOptions, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&told);
    let options = ground.agent_options().keep_alive(true);
    let options = options.observer(move |event: &AgentEvent<'_>| {
        notes.lock().unwrap().push(word(event));
    });
    (options, told)
}

#[tokio::test]
async fn a_watcher_is_told_what_happens_in_order() {
    let ground = Ground::new();
    let (server, go) = gated(&ground).await;
    let (options, told) = telling(&ground);
    let agent = Agent::new(AgentOptions::max_sockets(options, 1)).unwrap();
    let busy = ask(&agent, server.url("/wait"));
    until(|| told.lock().unwrap().len() == 3).await;
    let waiting = ask(&agent, server.url("/"));
    until(|| told.lock().unwrap().len() == 4).await;
    go.notify_one();
    soon(busy).await.unwrap().unwrap();
    soon(waiting).await.unwrap().unwrap();
    fetch(&agent, server.url("/")).await.unwrap();
    agent.destroy();
    let told = told.lock().unwrap();
    let expected = [
        "connect",
        "connected",
        "socket false",
        "wait",
        "socket false",
        "free",
        "socket true",
        "free",
        "Destroyed",
    ];
    assert_eq!(*told, expected);
}

#[tokio::test]
async fn a_watcher_is_told_of_failure_and_its_panic_harms_nobody() {
    let ground = Ground::new();
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", port.local_addr().unwrap());
    drop(port);
    let (options, told) = telling(&ground);
    let agent = Agent::new(options).unwrap();
    soon(agent.get(url)).await.unwrap_err();
    assert_eq!(*told.lock().unwrap(), ["connect", "failed ECONNREFUSED"]);
    let panicking = |_: &AgentEvent<'_>| panic!("expected by the test");
    let options = ground.agent_options().keep_alive(true).observer(panicking);
    let agent = Agent::new(options).unwrap();
    let (server, _seen) = recorder(ground.server_config()).await;
    for _ in 0..2 {
        soon(fetch(&agent, server.url("/"))).await.unwrap();
    }
    assert_eq!(agent.total_socket_count(), 1);
}

#[tokio::test]
async fn connections_that_were_opened_ahead_are_found_idle() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let options = ground.agent_options().keep_alive(true);
    let agent = Agent::new(AgentOptions::max_sockets(options, 3)).unwrap();
    assert_eq!(agent.preconnect(server.url("/"), 2).unwrap(), 2);
    until(|| agent.free_sockets().values().sum::<usize>() == 2).await;
    assert_eq!(agent.preconnect(server.url("/"), 5).unwrap(), 1);
    until(|| agent.free_sockets().values().sum::<usize>() == 3).await;
    // The tickets that servers send ahead are no harm.
    for _ in 0..3 {
        fetch(&agent, server.url("/")).await.unwrap();
        assert!(seen.recv().await.unwrap().connection < 3);
    }
    assert_eq!(server.accepted(), 3);
    // Where nothing is kept, there is nothing to open ahead.
    let keepless = Agent::new(ground.agent_options()).unwrap();
    assert_eq!(keepless.preconnect(server.url("/"), 1).unwrap(), 0);
    let elsewhere = RequestOptions::new(server.url("/")).no_agent();
    let error = agent.preconnect(elsewhere, 1).unwrap_err();
    assert_eq!(error.code(), Some("ERR_INVALID_ARG_VALUE"), "{error:?}");
}

#[tokio::test]
async fn a_connection_of_a_great_age_carries_no_further_request() {
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let (options, told) = telling(&ground);
    let agent = Agent::new(options.max_age(Duration::from_millis(200))).unwrap();
    fetch(&agent, server.url("/")).await.unwrap();
    until(|| agent.total_socket_count() == 0).await;
    assert_eq!(told.lock().unwrap().last().unwrap(), "TooOld");
    let response = fetch(&agent, server.url("/")).await.unwrap();
    assert!(!facts(&response).reused());
}

/// A server that ends each connection when it has rested for a while, without saying so before.
#[tokio::test]
async fn how_long_a_server_lets_connections_rest_is_learned() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        say(&mut stream, OK).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        let _ = stream.shutdown().await;
    })
    .await;
    let (options, told) = telling(&ground);
    let agent = Agent::new(options).unwrap();
    for _ in 0..3 {
        fetch(&agent, server.url("/")).await.unwrap();
        until(|| agent.total_socket_count() == 0).await;
        // Deaths within a second count as one.
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    let told = told.lock().unwrap();
    let ends = ["ClosedByPeer", "TimedOut"];
    let ends: Vec<_> = told
        .iter()
        .filter(|it| ends.contains(&it.as_str()))
        .collect();
    assert_eq!(ends, ["ClosedByPeer", "ClosedByPeer", "TimedOut"]);
}

#[tokio::test]
async fn c034_without_a_servername_the_host_is_asked_for() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let url = server.url("/").replace("127.0.0.1", "localhost");
    let agent = ground.agent();
    fetch(&agent, url).await.unwrap();
    let name = seen.recv().await.unwrap().servername;
    assert_eq!(name.as_deref(), Some("localhost"));
}

#[tokio::test]
async fn c035_a_host_field_names_whom_to_ask_for_and_whose_certificate() {
    let ground = Ground::new();
    let config = ground.server_config_for(&["ex.com"], TLS13);
    let (server, mut seen) = recorder(config).await;
    let asked =
        |server: &Scripted| RequestOptions::new(server.url("/")).header("Host", "ex.com:99");
    let agent = ground.agent();
    fetch(&agent, asked(&server)).await.unwrap();
    let name = seen.recv().await.unwrap().servername;
    assert_eq!(name.as_deref(), Some("ex.com"));
    let (other, _seen) = recorder(ground.server_config()).await;
    let error = soon(agent.get(asked(&other))).await.unwrap_err();
    let code = Some("ERR_TLS_CERT_ALTNAME_INVALID");
    assert_eq!(error.code(), code, "{error:?}");
}

#[tokio::test]
async fn c036_an_address_in_the_host_field_is_asked_for_by_no_name() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let url = server.url("/").replace("127.0.0.1", "localhost");
    let options = RequestOptions::new(url).header("Host", "[::1]:3");
    fetch(&ground.agent(), options).await.unwrap();
    assert_eq!(seen.recv().await.unwrap().servername, None);
}
