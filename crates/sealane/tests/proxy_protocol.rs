//! Is a proxy believed when it is one, and nobody else?

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use http::{Request, Response};
use sealane::{BlockList, Body, ConnectionInfo, ProxyProtocol, ServerOptions, create_server};
use support::notices::Notices;
use support::{Ground, listen, read_to_end, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// From where the tests' connections come.
fn from(rule: &str) -> ProxyProtocol {
    ProxyProtocol::from_addresses(BlockList::new().rule(rule).unwrap())
}

/// Says whom the peer speaks for, as the handler sees it.
async fn describe(request: Request<Body>) -> Response<String> {
    let info: &ConnectionInfo = request.extensions().get().unwrap();
    let remote = info.remote_addr().unwrap().ip();
    Response::new(match info.proxied() {
        Some(told) => format!(
            "{remote} {} {} {:?} {:?}",
            told.version(),
            told.is_local(),
            told.source(),
            told.destination()
        ),
        None => format!("{remote} for itself"),
    })
}

async fn serving(options: ServerOptions) -> (sealane::Server, SocketAddr, Notices) {
    let notices = Notices::default();
    let server = create_server(options.observer(notices.clone()), describe).unwrap();
    let address = listen(&server).await;
    (server, address, notices)
}

/// Sends a header and then asks; gives the answer's body.
async fn asked(ground: &Ground, address: SocketAddr, header: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    // In two parts: what follows must not be read with it, and the rest must be waited for.
    let (first, rest) = header.split_at(header.len() / 2);
    socket.write_all(first).await.unwrap();
    tokio::task::yield_now().await;
    socket.write_all(rest).await.unwrap();
    let mut stream = soon(ground.handshake(socket)).await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let answer = soon(read_to_end(&mut stream)).await;
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Sends octets that are no header; the connection must end without an octet.
async fn turned_away(address: SocketAddr, octets: &[u8]) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    // It may be reset while we still write.
    let _ = socket.write_all(octets).await;
    let mut answer = Vec::new();
    let _ = soon(socket.read_to_end(&mut answer)).await;
    assert!(answer.is_empty(), "{answer:?}");
}

const LINE: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";

#[tokio::test]
async fn a_handler_sees_whom_a_proxy_speaks_for() {
    let ground = Ground::new();
    let options = ground.options().proxy_protocol(from("127.0.0.0/8"));
    let (_server, address, notices) = serving(options).await;
    let told = asked(&ground, address, LINE).await;
    let expected = "127.0.0.1 1 false Some(192.0.2.1:56324) Some(198.51.100.1:443)";
    assert_eq!(told, expected);
    let told = asked(&ground, address, b"PROXY UNKNOWN\r\n").await;
    assert_eq!(told, "127.0.0.1 1 false None None");
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend_from_slice(&[192, 0, 2, 1, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb]);
    let told = asked(&ground, address, &header).await;
    assert_eq!(told, expected.replacen(" 1 ", " 2 ", 1));
    header[12] = 0x20;
    let told = asked(&ground, address, &header).await;
    assert_eq!(told, "127.0.0.1 2 true None None");
    assert_eq!(notices.count("drop"), 0);
    assert_eq!(notices.count("connection 127.0.0.1"), 4);
}

#[tokio::test]
async fn a_listed_peer_without_a_header_is_closed_without_a_word() {
    let ground = Ground::new();
    let options = ground.options().proxy_protocol(from("127.0.0.1"));
    let (server, address, notices) = serving(options).await;
    let cases: [&[u8]; 4] = [
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 a client hello",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PROXY TCP4 nobody nowhere 1 2\r\n",
        &[b'\r'; 600],
    ];
    for octets in cases {
        turned_away(address, octets).await;
    }
    drop(TcpStream::connect(address).await.unwrap());
    notices.after(5, "drop ProxyProtocol").await;
    assert_eq!((server.connections(), notices.lines().len()), (0, 5));
}

#[tokio::test]
async fn from_anybody_else_a_header_is_no_tls() {
    let ground = Ground::new();
    let options = ground.options().proxy_protocol(from("127.0.0.2"));
    let (_server, address, notices) = serving(options).await;
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(LINE).await.unwrap();
    notices.after(1, "tls-client-error").await;
    assert_eq!(notices.count("secure"), 0);
    let answer = ground
        .say(
            address,
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert!(answer.ends_with("127.0.0.1 for itself"), "{answer}");
}

#[tokio::test]
async fn a_header_has_the_time_of_the_handshake() {
    let ground = Ground::new();
    let options = ground
        .options()
        .proxy_protocol(from("127.0.0.0/8"))
        .handshake_timeout(Duration::from_millis(100));
    let (_server, address, notices) = serving(options).await;
    turned_away(address, &LINE[..20]).await;
    notices.after(1, "drop ProxyProtocol").await;
    assert_eq!(notices.count("timeout Handshake"), 1);
}

#[tokio::test]
async fn limits_and_lists_go_by_whom_a_proxy_speaks_for() {
    let ground = Ground::new();
    let options = ground
        .options()
        .proxy_protocol(from("127.0.0.1"))
        .max_connections_per_address(1)
        .block_list(BlockList::new().rule("203.0.113.0/24").unwrap())
        .allow_connection(|accepted| {
            let source = accepted.proxied().unwrap().source().unwrap();
            source.port() != 7
        });
    let (_server, address, notices) = serving(options).await;
    let line = |source: &str, port: u16| {
        format!("PROXY TCP4 {source} 198.51.100.1 {port} 443\r\n").into_bytes()
    };
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(&line("192.0.2.1", 1)).await.unwrap();
    notices.after(1, "connection").await;
    // Another one of the same client is too much, another client's is not.
    turned_away(address, &line("192.0.2.1", 2)).await;
    notices.after(1, "drop MaxConnectionsPerAddress").await;
    asked(&ground, address, &line("192.0.2.2", 1)).await;
    turned_away(address, &line("203.0.113.9", 1)).await;
    notices.after(1, "drop Blocked").await;
    turned_away(address, &line("192.0.2.3", 7)).await;
    notices.after(2, "drop Blocked").await;
    assert_eq!(notices.count("connection"), 2);
}

#[tokio::test]
async fn a_list_of_nobody_is_refused() {
    let ground = Ground::new();
    let options = ground
        .options()
        .proxy_protocol(ProxyProtocol::from_addresses(BlockList::new()));
    let error = create_server(options, describe).unwrap_err();
    assert!(error.to_string().contains("proxy_protocol"), "{error}");
}
