//! Who gets in? Limits on connections and handshakes, block lists, and the program's own word.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use http::Response;
use sealane::{BlockList, Server, ServerOptions, create_server};
use support::notices::Notices;
use support::{Ground, listen, read_until, soon, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A server that greets, and what it tells.
async fn watched(options: ServerOptions) -> (Server, SocketAddr, Notices) {
    let notices = Notices::default();
    let options = options.observer(notices.clone());
    let server = create_server(options, |_| async { Response::new("hello") }).unwrap();
    let address = listen(&server).await;
    (server, address, notices)
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    soon(read_until(stream, "hello")).await
}

/// Asserts that a connection is reset before anything is said on it.
async fn is_reset(address: SocketAddr) -> SocketAddr {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let local = socket.local_addr().unwrap();
    let error = soon(socket.read(&mut [0])).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    local
}

#[tokio::test]
async fn c264_beyond_max_connections_a_client_is_reset_before_tls() {
    let ground = Ground::new();
    let (server, address, notices) = watched(ground.options().max_connections(1)).await;
    let mut first = ground.connect(address).await;
    ask(&mut first).await;
    let second = is_reset(address).await;
    let told = notices.after(1, "drop").await;
    assert_eq!(
        told,
        format!("drop MaxConnections {:?} {:?}", Some(address), Some(second))
    );
    // Who is in stays in, and makes room by going.
    ask(&mut first).await;
    drop(first);
    until(|| server.connections() == 0).await;
    ask(&mut ground.connect(address).await).await;
}

#[tokio::test]
async fn the_limit_can_be_changed_while_serving() {
    let ground = Ground::new();
    let (server, address, _) = watched(ground.options()).await;
    assert_eq!(server.max_connections(), None);
    server.set_max_connections(1).unwrap();
    assert_eq!(server.max_connections(), Some(1));
    let mut first = ground.connect(address).await;
    is_reset(address).await;
    let error = server.set_max_connections(0).unwrap_err();
    assert_eq!(error.code(), Some("ERR_OUT_OF_RANGE"));
    assert_eq!(server.max_connections(), Some(1));
    server.set_max_connections(None).unwrap();
    ask(&mut ground.connect(address).await).await;
    ask(&mut first).await;
}

#[tokio::test]
async fn an_adopted_connection_that_is_not_let_in_is_an_error() {
    let ground = Ground::new();
    let (server, address, _) = watched(ground.options().max_connections(1)).await;
    let _first = ground.connect(address).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await;
    let error = server.adopt(listener.accept().unwrap().0).unwrap_err();
    assert!(error.to_string().contains("max_connections"), "{error}");
}

#[tokio::test]
async fn one_address_takes_no_more_than_its_share() {
    let ground = Ground::new();
    let options = ground.options().max_connections_per_address(2);
    let (server, address, notices) = watched(options).await;
    let mut first = ground.connect(address).await;
    let _second = ground.connect(address).await;
    is_reset(address).await;
    let told = notices.after(1, "drop").await;
    assert!(told.starts_with("drop MaxConnectionsPerAddress"), "{told}");
    // Another address has its own share.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let other = socket.connect(address).await.unwrap();
    until(|| server.connections() == 3).await;
    drop(other);
    ask(&mut first).await;
    drop(first);
    until(|| server.connections() == 1).await;
    ask(&mut ground.connect(address).await).await;
}

#[tokio::test]
async fn who_is_blocked_or_not_allowed_is_reset() {
    let ground = Ground::new();
    let list = BlockList::new().subnet([127, 0, 0, 0], 8).unwrap();
    let (server, address, notices) = watched(ground.options().block_list(list)).await;
    is_reset(address).await;
    assert!(notices.after(1, "drop").await.starts_with("drop Blocked"));
    assert_eq!((server.connections(), notices.lines().len()), (0, 1));

    let options = ground.options().allow_connection(|accepted| {
        assert_ne!(accepted.id(), 1, "a question may panic");
        accepted.id() > 1
    });
    let (_server, address, notices) = watched(options).await;
    is_reset(address).await;
    is_reset(address).await;
    ask(&mut ground.connect(address).await).await;
    assert_eq!(notices.count("drop Blocked"), 2);
}

#[tokio::test]
async fn connections_and_handshakes_are_told() {
    let ground = Ground::new();
    let (_server, address, notices) = watched(ground.options()).await;
    let mut stream = ground.connect(address).await;
    ask(&mut stream).await;
    let local = stream.get_ref().0.local_addr().unwrap();
    let told = notices.lines();
    assert_eq!(
        told[..2],
        [format!("connection {local}"), "secure TLSv1.3".to_owned()]
    );
}

#[tokio::test]
async fn c087_a_silent_client_is_told_as_a_timeout() {
    let ground = Ground::new();
    let options = ground
        .options()
        .handshake_timeout(Duration::from_millis(50));
    let (_server, address, notices) = watched(options).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let told = notices.after(1, "tls-client-error").await;
    assert!(
        told.starts_with("tls-client-error timeout ERR_TLS_HANDSHAKE_TIMEOUT: "),
        "{told}"
    );
    assert_eq!(notices.count("timeout Handshake"), 1);
    assert_eq!(soon(silent.read(&mut [0])).await.unwrap(), 0);
    assert_eq!(notices.count("secure"), 0);
}

#[tokio::test]
async fn failed_handshakes_are_told_by_class() {
    let ground = Ground::new();
    let (_server, address, notices) = watched(ground.options()).await;
    let cases: [(&[u8], &str); 3] = [
        (b"", "cut ECONNRESET"),
        (b"GET / HTTP/1.1\r\n\r\n", "plain-http ERR_SSL_HTTP_REQUEST"),
        (
            b"\0\x01\x02\x03\x04\x05",
            "not-tls ERR_SSL_WRONG_VERSION_NUMBER",
        ),
    ];
    for (count, (octets, expected)) in cases.into_iter().enumerate() {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(octets).await.unwrap();
        socket.shutdown().await.unwrap();
        let told = notices.after(count + 1, "tls-client-error").await;
        assert!(
            told.starts_with(&format!("tls-client-error {expected}: ")),
            "{told}"
        );
    }
    // Somebody who trusts others says so with an alert.
    let stranger = Ground::new();
    let url = format!("https://localhost:{}/", address.port());
    let refused = stranger.agent().get(url.as_str()).await.unwrap_err();
    assert_eq!(refused.code(), Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"));
    let told = notices.after(4, "tls-client-error").await;
    assert!(
        told.starts_with("tls-client-error client-alert ERR_SSL_SSLV3_ALERT_"),
        "{told}"
    );
    assert_eq!(notices.count("secure"), 0);
    assert_eq!(notices.count("timeout"), 0);
}

#[tokio::test]
async fn silent_handshakes_give_way_when_there_are_too_many() {
    let ground = Ground::new();
    let (server, address, notices) = watched(ground.options().max_handshakes(2)).await;
    // Connections whose handshake is done take no place.
    let mut open = ground.connect(address).await;
    let mut others = [ground.connect(address).await, ground.connect(address).await];
    let first = TcpStream::connect(address).await.unwrap();
    let second = TcpStream::connect(address).await.unwrap();
    until(|| server.connections() == 5).await;
    // The next one waits in the system's queue, and nobody is sent away for it at once.
    let begun = std::time::Instant::now();
    let third = soon(ground.connect(address)).await;
    assert!(
        begun.elapsed() >= Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
    let told = notices.after(1, "tls-client-error").await;
    assert!(told.starts_with("tls-client-error overload -: "), "{told}");
    assert_eq!(notices.count("tls-client-error"), 1, "one place was enough");
    for stream in others.iter_mut().chain([&mut open]) {
        ask(stream).await;
    }
    drop((first, second, third));
}

#[tokio::test]
async fn more_clients_than_handshakes_are_all_served() {
    let ground = Ground::new();
    let (_server, address, notices) = watched(ground.options().max_handshakes(1)).await;
    let clients = (0..16).map(|_| async { ask(&mut ground.connect(address).await).await });
    soon(futures_util::future::join_all(clients)).await;
    assert_eq!(notices.count("secure"), 16);
    assert_eq!(notices.count("tls-client-error"), 0);
}
