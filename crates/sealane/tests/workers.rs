//! Do threads of a server's own serve, spread, and end?

mod support;

use std::cell::RefCell;
use std::collections::HashSet;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use sealane::{Body, ListenOptions, Server, ServerOptions, Upgrade, create_server};
use socket2::{Domain, Socket, Type};
use support::places::{ask, ask_path, hello};
use support::{Ground, listen, read_to_end, read_until, soon, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Answers with the name of the thread that serves.
async fn thread_name(_: Request<Body>) -> Response<String> {
    Response::new(thread::current().name().unwrap_or("none").to_owned())
}

fn server(options: ServerOptions) -> Server {
    create_server(options.workers(2), thread_name).unwrap()
}

/// Whether a server listens on `bound` for as many threads as answer within some patience.
async fn both_threads_answer(ask: impl AsyncFn() -> String) {
    let mut seen = HashSet::new();
    let every = async {
        while seen.len() < 2 {
            seen.insert(ask().await);
        }
    };
    soon(every).await;
    let names = ["sealane-0", "sealane-1"].map(str::to_owned);
    assert_eq!(seen, HashSet::from(names));
}

#[tokio::test]
async fn requests_are_served_on_each_thread() {
    let ground = Ground::new();
    let server = server(ground.options());
    let address = listen(&server).await;
    assert_eq!(server.address(), Some(address));
    assert_eq!(server.addresses().len(), 1);
    both_threads_answer(async || ask(&ground, address).await).await;
    soon(server.close()).await.unwrap();
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn every_address_is_served_on_each_thread() {
    let ground = Ground::new();
    let server = server(ground.options());
    let bound = server.listen_on(ListenOptions::port(0)).await.unwrap();
    let port = bound.ip().unwrap().port();
    both_threads_answer(async || ask(&ground, ("127.0.0.1", port)).await).await;
}

#[tokio::test]
async fn an_exclusive_port_a_path_and_a_listener_of_others_are_shared() {
    let ground = Ground::new();
    let server = server(ground.options());
    let one = ListenOptions::host_port("127.0.0.1", 0).exclusive(true);
    let one = server.listen_on(one).await.unwrap().ip().unwrap();
    both_threads_answer(async || ask(&ground, one).await).await;

    let path = ground.folder().join("socket");
    server.listen_on(ListenOptions::path(&path)).await.unwrap();
    both_threads_answer(async || ask_path(&ground, &path).await).await;

    let others = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = others.local_addr().unwrap();
    let others = ListenOptions::tcp_listener(others);
    server.listen_on(others).await.unwrap();
    both_threads_answer(async || ask(&ground, address).await).await;
    soon(server.close()).await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn accepted_sockets_go_to_the_threads_in_turn() {
    let ground = Ground::new();
    let server = server(ground.options());
    let mut seen = Vec::new();
    for _ in 0..4 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = ask(&ground, address);
        let adopt = async {
            let accepted = tokio::task::spawn_blocking(move || listener.accept().unwrap().0);
            server.adopt(accepted.await.unwrap()).unwrap();
        };
        seen.push(tokio::join!(asked, adopt).0);
    }
    assert_eq!(seen, ["sealane-0", "sealane-1", "sealane-0", "sealane-1"]);
}

#[tokio::test]
async fn a_port_of_somebody_else_is_not_joined() {
    let ground = Ground::new();
    let one = server(ground.options());
    let address = listen(&one).await;
    let refused = async |address: std::net::SocketAddr| {
        let error = server(ground.options()).listen(address).await.unwrap_err();
        assert_eq!(error.code(), Some("EADDRINUSE"));
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    };
    // Neither one that would let others in,
    refused(address).await;
    // nor one that would not.
    let alone = TcpListener::bind("127.0.0.1:0").unwrap();
    refused(alone.local_addr().unwrap()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn exclusive_keeps_everybody_off() {
    let ground = Ground::new();
    let server = server(ground.options());
    let join = |port: u16| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_port(true).unwrap();
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        socket.bind(&address.into())
    };
    let options = || ListenOptions::host_port("127.0.0.1", 0);
    let bound = server.listen_on(options().exclusive(true)).await.unwrap();
    assert!(join(bound.ip().unwrap().port()).is_err());
    let bound = server.listen_on(options()).await.unwrap();
    assert!(join(bound.ip().unwrap().port()).is_ok());
}

thread_local! {
    /// Held as long as the thread that served a request lives.
    static ALIVE: RefCell<Option<Arc<()>>> = const { RefCell::new(None) };
}

/// A server of two threads, and what they hold while they live.
fn watched(ground: &Ground) -> (Server, Arc<()>) {
    let alive = Arc::new(());
    let held = Mutex::new(Arc::downgrade(&alive));
    let mark = move |_: Request<Body>| {
        let alive = held.lock().unwrap().upgrade();
        ALIVE.with(|slot| *slot.borrow_mut() = alive);
        async { Response::new(thread::current().name().unwrap().to_owned()) }
    };
    let server = create_server(ground.options().workers(2), mark).unwrap();
    (server, alive)
}

#[tokio::test]
async fn the_threads_end_when_the_server_is_closed() {
    let ground = Ground::new();
    let (server, alive) = watched(&ground);
    let address = listen(&server).await;
    both_threads_answer(async || ask(&ground, address).await).await;
    assert_eq!(Arc::strong_count(&alive), 3);
    soon(server.close()).await.unwrap();
    until(|| Arc::strong_count(&alive) == 1).await;
}

#[tokio::test]
async fn the_threads_end_with_the_last_handle() {
    let ground = Ground::new();
    let (server, alive) = watched(&ground);
    let address = listen(&server).await;
    both_threads_answer(async || ask(&ground, address).await).await;
    drop(server);
    until(|| Arc::strong_count(&alive) == 1).await;
}

#[tokio::test]
async fn a_connection_that_left_http_keeps_its_thread_until_it_ends() {
    let alive = Arc::new(());
    let held = Mutex::new(Arc::downgrade(&alive));
    let switch = move |mut request: Request<Body>| {
        let alive = held.lock().unwrap().upgrade();
        ALIVE.with(|slot| *slot.borrow_mut() = alive);
        let upgrade = Upgrade::of(&mut request).unwrap();
        tokio::spawn(async move {
            let connection = upgrade.await.unwrap();
            let (mut from, mut to) = tokio::io::split(connection);
            tokio::io::copy(&mut from, &mut to).await.unwrap();
            to.shutdown().await.unwrap();
        });
        async {
            let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
            response.header("upgrade", "echo").body(Body::empty())
        }
    };
    let ground = Ground::new();
    let server = create_server(ground.options().workers(1), switch).unwrap();
    let mut stream = ground.connect(listen(&server).await).await;
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
    stream.write_all(request).await.unwrap();
    soon(read_until(&mut stream, "\r\n\r\n")).await;
    soon(server.close()).await.unwrap();
    drop(server);
    // The thread would have ended by now: what comes back has gone through it.
    tokio::time::sleep(Duration::from_millis(200)).await;
    stream.write_all(b"still here").await.unwrap();
    soon(read_until(&mut stream, "still here")).await;
    assert_eq!(Arc::strong_count(&alive), 2);
    stream.shutdown().await.unwrap();
    until(|| Arc::strong_count(&alive) == 1).await;
}

#[tokio::test]
async fn a_thread_that_is_blocked_does_not_keep_the_others_from_draining() {
    let ground = Ground::new();
    let (free, freed) = std::sync::mpsc::channel::<()>();
    let (told, entered) = std::sync::mpsc::channel::<()>();
    let inside = Arc::new(Mutex::new((told, freed)));
    let service = move |request: Request<Body>| {
        let inside = Arc::clone(&inside);
        async move {
            if request.uri().path() == "/block" {
                let inside = inside.lock().unwrap();
                inside.0.send(()).unwrap();
                let _ = inside.1.recv();
            }
            Response::new("answered")
        }
    };
    let server = create_server(ground.options().workers(2), service).unwrap();
    listen(&server).await;
    // Adopted connections go to the threads in turn: one rests, the other's thread is blocked.
    let mut rests = adopted(&ground, &server).await;
    let mut blocks = adopted(&ground, &server).await;
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    rests.write_all(request("/").as_bytes()).await.unwrap();
    soon(read_until(&mut rests, "answered")).await;
    blocks
        .write_all(request("/block").as_bytes())
        .await
        .unwrap();
    let waits = tokio::task::spawn_blocking(move || entered.recv());
    soon(waits).await.unwrap().unwrap();
    let closing = tokio::spawn({
        let server = server.clone();
        async move { server.close().await }
    });
    assert_eq!(soon(read_to_end(&mut rests)).await, "");
    assert!(!closing.is_finished());
    drop(free);
    drop((rests, blocks));
    soon(closing).await.unwrap().unwrap();
}

/// A connection that somebody else has accepted.
async fn adopted(ground: &Ground, server: &Server) -> TlsStream<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap());
    let socket = socket.await.unwrap();
    server.adopt(listener.accept().unwrap().0).unwrap();
    soon(ground.handshake(socket)).await
}

#[tokio::test]
async fn deadlines_hold_on_each_thread() {
    let ground = Ground::new();
    let options = ground
        .options()
        .handshake_timeout(Duration::from_millis(100));
    let server = create_server(options.workers(2), hello).unwrap();
    let address = listen(&server).await;
    for _ in 0..8 {
        let mut silent = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut octets = Vec::new();
        // An end or a reset: that it comes is what counts.
        let _ = soon(silent.read_to_end(&mut octets)).await;
    }
    until(|| server.connections() == 0).await;
}
