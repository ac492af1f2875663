//! What is left behind when requests are given up, and when runtimes end before their values?

mod support;

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use sealane::{Agent, Body, create_server};
use support::asking::OK;
use support::octets::octets_of;
use support::scripted::{Scripted, gone, read_request, recorder, say};
use support::{Ground, body_of, listen, soon, until};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// A runtime that serves in the background, for tests that end their own.
fn serving() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_given_up_requests_leaves_an_agent_that_works() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let seed: u64 = request.uri().path()[1..].parse().unwrap();
        Response::new(octets_of(seed))
    })
    .unwrap();
    let address = listen(&server).await;
    let agent = Agent::new(ground.agent_options().keep_alive(true).max_sockets(3)).unwrap();
    let asking: Vec<_> = (0..600_u64)
        .map(|seed| {
            let agent = agent.clone();
            tokio::spawn(async move {
                let url = format!("https://{address}/{seed}");
                let mut response = agent.get(url).await.unwrap();
                assert!(body_of(&mut response).await == octets_of(seed), "{seed}");
            })
        })
        .collect();
    // One third is given up wherever it stands: waiting, connecting, sending, reading.
    for (index, task) in asking.iter().enumerate() {
        if index % 3 == 1 {
            task.abort();
        }
        if index % 7 == 0 {
            tokio::task::yield_now().await;
        }
    }
    for (index, task) in asking.into_iter().enumerate() {
        match soon(task).await {
            Ok(()) => {}
            Err(error) => assert!(error.is_cancelled() && index % 3 == 1, "{index}: {error}"),
        }
    }
    assert!(agent.total_socket_count() <= 3);
    let mut last = soon(agent.get(format!("https://{address}/7")))
        .await
        .unwrap();
    assert!(body_of(&mut last).await == octets_of(7));
    drop(agent);
    soon(server.close()).await.unwrap();
}

#[tokio::test]
async fn a_dial_whose_request_is_given_up_gives_its_place_to_the_next_when_it_fails() {
    let ground = Ground::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(ground.server_config()));
    let limit = Duration::from_secs(1);
    let options = ground.agent_options().max_sockets(1);
    let agent = Agent::new(options.handshake_timeout(limit)).unwrap();
    let stuck = tokio::spawn({
        let (agent, url) = (agent.clone(), url.clone());
        async move { agent.get(url).await.map(drop) }
    });
    let (_silent, _) = soon(listener.accept()).await.unwrap();
    let next = tokio::spawn({
        let (agent, url) = (agent.clone(), url.clone());
        async move { body_of(&mut agent.get(url).await.unwrap()).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(agent.total_socket_count(), 1, "the second one waits");
    stuck.abort();
    let (socket, _) = soon(listener.accept()).await.unwrap();
    let mut stream = soon(acceptor.accept(socket)).await.unwrap();
    read_request(&mut stream).await;
    say(&mut stream, OK).await;
    assert_eq!(soon(next).await.unwrap(), b"ok");
}

#[tokio::test]
async fn a_response_outlives_its_agent() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async { Response::new(octets_of(11)) });
    let server = server.unwrap();
    let url = format!("https://{}/", listen(&server).await);
    let mut response = ground.agent().get(url).await.unwrap();
    assert!(soon(body_of(&mut response)).await == octets_of(11));
    until(|| server.connections() == 0).await;
}

/// A server that begins a body and then waits.
async fn hesitating(ground: &Ground) -> Scripted {
    Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        say(
            &mut stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome",
        )
        .await;
        gone(&mut stream).await;
    })
    .await
}

#[test]
fn a_response_may_be_dropped_outside_of_its_runtime() {
    let ground = Ground::new();
    let serving = serving();
    let server = serving.block_on(hesitating(&ground));
    let agent = ground.agent();
    let runtime = runtime();
    let response = runtime.block_on(soon(agent.get(server.url("/")))).unwrap();
    drop(response);
    assert_eq!(agent.total_socket_count(), 0);
    // And after the runtime has ended.
    let response = runtime.block_on(soon(agent.get(server.url("/")))).unwrap();
    drop(runtime);
    drop(response);
    assert_eq!(agent.total_socket_count(), 0);
}

#[test]
fn a_response_whose_runtime_has_ended_is_an_error_and_no_panic() {
    let ground = Ground::new();
    let serving = serving();
    let server = serving.block_on(hesitating(&ground));
    let agent = ground.agent();
    let first = runtime();
    let mut response = first.block_on(soon(agent.get(server.url("/")))).unwrap();
    drop(first);
    runtime().block_on(async {
        assert_eq!(response.body_mut().chunk().await.unwrap().unwrap(), "some");
        let error = soon(response.body_mut().chunk()).await.unwrap_err();
        assert_eq!(error.phase(), sealane::Phase::ReceiveBody, "{error:?}");
    });
}

#[test]
fn an_agent_with_idle_connections_may_be_dropped_outside_of_its_runtime() {
    let ground = Ground::new();
    let serving = serving();
    let (server, _seen) = serving.block_on(recorder(ground.server_config()));
    for ended in [false, true] {
        let (agent, runtime) = (ground.agent(), runtime());
        runtime.block_on(async {
            body_of(&mut soon(agent.get(server.url("/"))).await.unwrap()).await;
        });
        assert_eq!(agent.total_socket_count(), 1);
        if ended {
            drop(runtime);
            drop(agent);
        } else {
            drop(agent);
            drop(runtime);
        }
    }
}

#[test]
fn a_request_that_is_being_written_may_be_dropped_outside_of_its_runtime() {
    let ground = Ground::new();
    let serving = serving();
    let (server, _seen) = serving.block_on(recorder(ground.server_config()));
    let (agent, runtime) = (ground.agent(), runtime());
    let options = sealane::RequestOptions::new(server.url("/")).method(http::Method::POST);
    let mut request = agent.request(options).unwrap();
    runtime.block_on(soon(request.write("piece"))).unwrap();
    drop(request);
    drop(runtime);
    assert_eq!(agent.total_socket_count(), 0);
}
