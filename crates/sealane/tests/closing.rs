//! Does a server end as it was told: nothing begun is lost, nothing keeps it, nobody is miscounted?

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use sealane::{Body, Server, Upgrade, create_server};
use support::{Ground, listen, read_to_end, read_until, soon, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::client::TlsStream;

/// What a handler waits for, and what it tells.
#[derive(Clone, Default)]
struct Gate {
    entered: Arc<Notify>,
    go: Arc<Notify>,
}

/// A server that answers at once, but `/wait` only when it is let go.
async fn gated(ground: &Ground) -> (Server, SocketAddr, Gate) {
    let gate = Gate::default();
    let inner = gate.clone();
    let server = create_server(ground.options(), move |request: Request<Body>| {
        let gate = inner.clone();
        async move {
            if request.uri().path() == "/wait" {
                gate.entered.notify_one();
                gate.go.notified().await;
            }
            Response::new("answered")
        }
    })
    .unwrap();
    let address = listen(&server).await;
    (server, address, gate)
}

async fn ask(stream: &mut TlsStream<TcpStream>, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

/// A connection that has had its answer and rests.
async fn resting(ground: &Ground, address: SocketAddr) -> TlsStream<TcpStream> {
    let mut stream = ground.connect(address).await;
    ask(&mut stream, "/").await;
    soon(read_until(&mut stream, "answered")).await;
    stream
}

/// A connection whose request is being answered.
async fn waiting(ground: &Ground, address: SocketAddr, gate: &Gate) -> TlsStream<TcpStream> {
    let mut stream = ground.connect(address).await;
    ask(&mut stream, "/wait").await;
    soon(gate.entered.notified()).await;
    stream
}

fn closing(server: &Server) -> tokio::task::JoinHandle<sealane::Result<()>> {
    let server = server.clone();
    tokio::spawn(async move { server.close().await })
}

#[tokio::test]
async fn c088_a_connection_at_rest_is_ended_at_once() {
    let ground = Ground::new();
    let (server, address, _) = gated(&ground).await;
    let mut stream = resting(&ground, address).await;
    let closing = closing(&server);
    assert_eq!(soon(read_to_end(&mut stream)).await, "");
    drop(stream);
    soon(closing).await.unwrap().unwrap();
}

#[tokio::test]
async fn c089_a_request_in_progress_gets_its_whole_answer() {
    let ground = Ground::new();
    let (server, address, gate) = gated(&ground).await;
    let mut stream = waiting(&ground, address, &gate).await;
    let closing = closing(&server);
    until(|| !server.listening()).await;
    assert!(!closing.is_finished());
    gate.go.notify_one();
    let answer = soon(read_to_end(&mut stream)).await;
    assert!(answer.ends_with("answered"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    drop(stream);
    soon(closing).await.unwrap().unwrap();
}

#[tokio::test]
async fn c091_close_all_ends_connections_in_any_state_and_the_server_goes_on() {
    let ground = Ground::new();
    let (server, address, gate) = gated(&ground).await;
    let streams = [
        resting(&ground, address).await,
        waiting(&ground, address, &gate).await,
        ground.connect(address).await,
    ];
    let mut silent = TcpStream::connect(address).await.unwrap();
    until(|| server.connections() == 4).await;
    server.close_all_connections();
    for mut stream in streams {
        assert!(
            soon(stream.read(&mut [0])).await.is_err(),
            "no close_notify"
        );
    }
    // The module leaves this one alone.
    assert_eq!(soon(silent.read(&mut [0])).await.unwrap(), 0);
    until(|| server.connections() == 0).await;
    assert!(server.listening());
    resting(&ground, address).await;
}

#[tokio::test]
async fn c092_close_idle_ends_only_what_rests() {
    let ground = Ground::new();
    let (server, address, gate) = gated(&ground).await;
    let mut rests = resting(&ground, address).await;
    let mut works = waiting(&ground, address, &gate).await;
    server.close_idle_connections();
    assert_eq!(soon(read_to_end(&mut rests)).await, "");
    gate.go.notify_one();
    soon(read_until(&mut works, "answered")).await;
    ask(&mut works, "/").await;
    soon(read_until(&mut works, "answered")).await;
}

#[tokio::test]
async fn close_within_cuts_what_still_runs_and_says_how_many() {
    let ground = Ground::new();
    let (server, address, gate) = gated(&ground).await;
    let mut first = waiting(&ground, address, &gate).await;
    let mut second = waiting(&ground, address, &gate).await;
    let rests = resting(&ground, address).await;
    drop(rests);
    until(|| server.connections() == 2).await;
    let cut = soon(server.close_within(Duration::from_millis(100))).await;
    assert_eq!(cut.unwrap(), 2);
    assert_eq!(server.connections(), 0);
    for stream in [&mut first, &mut second] {
        assert!(stream.read(&mut [0]).await.is_err(), "no close_notify");
    }
}

#[tokio::test]
async fn close_within_cuts_nothing_when_all_ends_in_time() {
    let ground = Ground::new();
    let (server, address, gate) = gated(&ground).await;
    let mut stream = waiting(&ground, address, &gate).await;
    let closing = tokio::spawn({
        let server = server.clone();
        async move { server.close_within(Duration::from_secs(60)).await }
    });
    until(|| !server.listening()).await;
    gate.go.notify_one();
    let answer = soon(read_to_end(&mut stream)).await;
    assert!(answer.ends_with("answered"), "{answer}");
    drop(stream);
    assert_eq!(soon(closing).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn close_within_does_not_cut_what_has_said_everything() {
    let ground = Ground::new();
    let (server, address, gate) = gated(&ground).await;
    let mut stream = waiting(&ground, address, &gate).await;
    let closing = tokio::spawn({
        let server = server.clone();
        async move { server.close_within(Duration::from_millis(300)).await }
    });
    until(|| !server.listening()).await;
    gate.go.notify_one();
    let answer = soon(read_to_end(&mut stream)).await;
    assert!(answer.ends_with("answered"), "{answer}");
    // The client does not end its side: it is waited for longer than the grace.
    assert_eq!(soon(closing).await.unwrap().unwrap(), 0);
    assert_eq!(server.connections(), 0);
    drop(stream);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_within_does_not_wait_for_a_handler_that_blocks() {
    let ground = Ground::new();
    let entered = Arc::new(Notify::new());
    let (free, freed) = std::sync::mpsc::channel::<()>();
    let inside = (Arc::clone(&entered), Arc::new(Mutex::new(freed)));
    let server = create_server(ground.options(), move |_| {
        let (entered, freed) = inside.clone();
        async move {
            entered.notify_one();
            let _ = freed.lock().unwrap().recv();
            Response::new("answered")
        }
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    ask(&mut stream, "/").await;
    soon(entered.notified()).await;
    let cut = soon(server.close_within(Duration::from_millis(100))).await;
    assert_eq!(cut.unwrap(), 1);
    assert_eq!(server.connections(), 1);
    drop(free);
    soon(server.closed()).await.unwrap();
}

#[tokio::test]
async fn a_first_request_that_was_on_its_way_is_answered() {
    let ground = Ground::new();
    let (server, address, _) = gated(&ground).await;
    let mut stream = ground.connect(address).await;
    let closing = closing(&server);
    until(|| !server.listening()).await;
    ask(&mut stream, "/").await;
    let answer = soon(read_to_end(&mut stream)).await;
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert!(answer.ends_with("answered"), "{answer}");
    drop(stream);
    soon(closing).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_that_never_asks_does_not_keep_the_server() {
    let ground = Ground::new();
    let (server, address, _) = gated(&ground).await;
    let mut stream = ground.connect(address).await;
    let closing = closing(&server);
    assert_eq!(soon(read_to_end(&mut stream)).await, "");
    drop(stream);
    soon(closing).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_handshake_that_has_begun_is_finished_and_served() {
    let ground = Ground::new();
    let (server, address, _) = gated(&ground).await;
    // One client has said a little, another nothing at all.
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let (mut near, far) = tokio::io::duplex(1 << 16);
    let client = tokio::spawn(ground.handshake_over(far));
    let mut hello = vec![0; 1 << 16];
    let length = near.read(&mut hello).await.unwrap();
    socket.write_all(&hello[..100]).await.unwrap();
    until(|| server.connections() == 2).await;
    // The server must have read it before it is told to close.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let closing = closing(&server);
    assert_eq!(soon(silent.read(&mut [0])).await.unwrap(), 0);
    socket.write_all(&hello[100..length]).await.unwrap();
    let relay = tokio::spawn(async move {
        let _ = tokio::io::copy_bidirectional(&mut near, &mut socket).await;
    });
    let mut stream = soon(client).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert!(answer.ends_with("answered"), "{answer}");
    drop(stream);
    soon(relay).await.unwrap();
    soon(closing).await.unwrap().unwrap();
}

#[tokio::test]
async fn upgraded_connections_are_counted_apart_and_never_waited_for() {
    let ground = Ground::new();
    let taken = Arc::new(tokio::sync::Mutex::new(None));
    let keeper = Arc::clone(&taken);
    let server = create_server(ground.options(), move |mut request: Request<Body>| {
        let (upgrade, keeper) = (Upgrade::of(&mut request), Arc::clone(&keeper));
        async move {
            tokio::spawn(async move {
                let upgraded = upgrade.unwrap().await.unwrap();
                *keeper.lock().await = Some(upgraded);
            });
            let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
            response.header("upgrade", "echo").body("")
        }
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        .await
        .unwrap();
    soon(read_until(&mut stream, "\r\n\r\n")).await;
    until(|| server.upgraded_connections() == 1 && server.connections() == 0).await;
    server.close_all_connections();
    assert_eq!(soon(server.close_within(Duration::ZERO)).await.unwrap(), 0);
    let mut upgraded = taken.lock().await.take().unwrap();
    upgraded.write_all(b"still here").await.unwrap();
    soon(read_until(&mut stream, "still here")).await;
    assert_eq!(server.upgraded_connections(), 1);
    drop(upgraded);
    assert_eq!(server.upgraded_connections(), 0);
}
