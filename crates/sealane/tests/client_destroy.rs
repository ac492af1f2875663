//! Does everything end that an agent has, and does it go on afterwards?

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use sealane::{Agent, AgentEvent};
use support::asking::{ask, fetch, gated};
use support::scripted::{Scripted, gone, read_request, say};
use support::{Ground, facts, soon, until};

#[tokio::test]
async fn c023_destroyed_connections_all_close_and_the_agent_goes_on() {
    let ground = Ground::new();
    let (server, _go) = gated(&ground).await;
    let agent = ground.agent();
    let busy = ask(&agent, server.url("/wait"));
    until(|| agent.total_socket_count() == 1).await;
    fetch(&agent, server.url("/")).await.unwrap();
    assert_eq!(agent.free_sockets().values().sum::<usize>(), 1);
    agent.destroy();
    let error = soon(busy).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
    assert_eq!(agent.snapshot(), sealane::AgentSnapshot::default());
    let after = soon(fetch(&agent, server.url("/"))).await.unwrap();
    assert!(!facts(&after).reused());
    assert_eq!(agent.total_socket_count(), 1);
}

#[tokio::test]
async fn c024_who_waits_when_all_is_destroyed_is_served_on_a_new_connection() {
    let ground = Ground::new();
    let (server, _go) = gated(&ground).await;
    let agent = Agent::new(ground.agent_options().max_sockets(1)).unwrap();
    let busy = ask(&agent, server.url("/wait"));
    until(|| server.accepted() == 1).await;
    let waiting = ask(&agent, server.url("/"));
    until(|| agent.requests().len() == 1).await;
    agent.destroy();
    let error = soon(busy).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
    soon(waiting).await.unwrap().unwrap();
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_body_that_is_read_fails_when_its_agent_is_destroyed() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome";
        say(&mut stream, head).await;
        gone(&mut stream).await;
    })
    .await;
    let agent = ground.agent();
    let mut response = soon(agent.get(server.url("/"))).await.unwrap();
    assert_eq!(response.body_mut().chunk().await.unwrap().unwrap(), "some");
    let reading = tokio::spawn(async move { response.body_mut().chunk().await });
    tokio::task::yield_now().await;
    agent.destroy();
    let error = soon(reading).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
    until(|| agent.total_socket_count() == 0).await;
}

#[tokio::test]
async fn a_request_whose_connection_is_being_opened_fails_when_its_agent_is_destroyed() {
    let ground = Ground::new();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", silent.local_addr().unwrap());
    let agent = ground.agent();
    let dialling = ask(&agent, url);
    let (_socket, _) = soon(silent.accept()).await.unwrap();
    agent.destroy();
    let error = soon(dialling).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
    assert!(error.replay_safe());
    until(|| agent.total_socket_count() == 0).await;
}

/// The moment between a dial's end and its connection's use belongs to the agent, too.
#[tokio::test]
async fn a_connection_that_is_open_just_when_all_is_destroyed_does_not_outlive_it() {
    let ground = Ground::new();
    let (server, _go) = gated(&ground).await;
    let shared: Arc<OnceLock<Agent>> = Arc::default();
    let theirs = Arc::clone(&shared);
    let once = AtomicBool::new(true);
    let options = ground.agent_options().keep_alive(true);
    let options = options.observer(move |event: &AgentEvent<'_>| {
        if let AgentEvent::Connected { .. } = event
            && once.swap(false, Ordering::SeqCst)
        {
            theirs.get().unwrap().destroy();
        }
    });
    let agent = shared.get_or_init(|| Agent::new(options).unwrap());
    let error = soon(agent.get(server.url("/"))).await.unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
    assert!(error.replay_safe());
    assert_eq!(agent.total_socket_count(), 0);
    soon(fetch(agent, server.url("/"))).await.unwrap();
}

/// What comes back while its agent is destroyed is not kept, though the program said yes before.
#[tokio::test]
async fn a_connection_that_comes_back_just_when_all_is_destroyed_is_not_kept() {
    let ground = Ground::new();
    let (server, _go) = gated(&ground).await;
    let shared: Arc<OnceLock<Agent>> = Arc::default();
    let theirs = Arc::clone(&shared);
    let options = ground.agent_options().keep_alive(true);
    let options = options.keep_socket_alive(move |_| {
        theirs.get().unwrap().destroy();
        true
    });
    let agent = shared.get_or_init(|| Agent::new(options).unwrap());
    soon(fetch(agent, server.url("/"))).await.unwrap();
    assert_eq!(agent.total_socket_count(), 0);
}
