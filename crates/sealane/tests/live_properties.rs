//! Do limits that change while a server runs hold from the moment they should, and no earlier?

mod support;

use std::time::Duration;

use http::{Request, Response};
use sealane::{Body, Responder, Server, create_server};
use support::{Ground, listen, read_until, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HALF: &[u8] = b"GET / HTTP/1.1\r\nHos";

/// So short that a test can wait for it.
const SHORT: Duration = Duration::from_millis(100);

async fn ok(_: Request<Body>) -> Response<&'static str> {
    Response::new("answer")
}

fn server(ground: &Ground) -> Server {
    create_server(ground.options(), ok).unwrap()
}

#[tokio::test]
async fn c064_a_new_server_has_the_documented_limits_and_lets_them_be_set() {
    let server = server(&Ground::new());
    let seconds = |count| Some(Duration::from_secs(count));
    assert_eq!(server.headers_timeout(), seconds(60));
    assert_eq!(server.request_timeout(), seconds(300));
    assert_eq!(server.keep_alive_timeout(), seconds(5));
    assert_eq!(server.timeout(), None);
    assert_eq!(server.write_timeout(), seconds(30));
    assert_eq!(server.max_headers_count(), 2000);
    assert_eq!(server.max_requests_per_socket(), None);

    server.set_headers_timeout(seconds(10)).unwrap();
    server.set_request_timeout(seconds(20)).unwrap();
    server.set_keep_alive_timeout(None).unwrap();
    server.set_timeout(seconds(40)).unwrap();
    server.set_write_timeout(seconds(50)).unwrap();
    server.set_max_headers_count(70).unwrap();
    server.set_max_requests_per_socket(80).unwrap();
    assert_eq!(server.headers_timeout(), seconds(10));
    assert_eq!(server.request_timeout(), seconds(20));
    assert_eq!(server.keep_alive_timeout(), None);
    assert_eq!(server.timeout(), seconds(40));
    assert_eq!(server.write_timeout(), seconds(50));
    assert_eq!(server.max_headers_count(), 70);
    assert_eq!(server.max_requests_per_socket(), Some(80));
}

#[tokio::test]
async fn what_contradicts_is_refused_by_name_and_changes_nothing() {
    let server = server(&Ground::new());
    let zero = Duration::ZERO;
    let refused = [
        (
            server.set_headers_timeout(Duration::from_secs(301)),
            "headers_timeout",
        ),
        (server.set_request_timeout(zero), "request_timeout"),
        (server.set_keep_alive_timeout(zero), "keep_alive_timeout"),
        (server.set_timeout(zero), "timeout"),
        (server.set_write_timeout(zero), "write_timeout"),
        (server.set_max_headers_count(0), "max_headers_count"),
        (
            server.set_max_requests_per_socket(0),
            "max_requests_per_socket",
        ),
    ];
    for (outcome, name) in refused {
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), Some("ERR_OUT_OF_RANGE"), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(server.headers_timeout(), Some(Duration::from_secs(60)));
    assert_eq!(server.request_timeout(), Some(Duration::from_secs(300)));
    assert_eq!(server.max_headers_count(), 2000);
}

#[tokio::test]
async fn a_limit_of_heads_that_was_not_given_follows_that_of_requests() {
    let ground = Ground::new();
    let follows = server(&ground);
    follows.set_request_timeout(SHORT).unwrap();
    assert_eq!(follows.headers_timeout(), Some(SHORT));
    follows.set_request_timeout(None).unwrap();
    assert_eq!(follows.headers_timeout(), Some(Duration::from_secs(60)));

    let options = ground.options().headers_timeout(Duration::from_secs(9));
    let given = create_server(options, ok).unwrap();
    assert!(given.set_request_timeout(SHORT).is_err());
    assert_eq!(given.request_timeout(), Some(Duration::from_secs(300)));
}

#[tokio::test]
async fn a_limit_of_heads_or_requests_holds_at_once_for_those_awaited_now() {
    let ground = Ground::new();
    let server = server(&ground);
    let address = listen(&server).await;
    let mut late = ground.connect(address).await;
    late.write_all(HALF).await.unwrap();
    server.set_headers_timeout(SHORT).unwrap();
    let answer = soon(read_until(&mut late, "\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");

    server.set_headers_timeout(None).unwrap();
    let mut stalled = ground.connect(address).await;
    stalled.write_all(HALF).await.unwrap();
    server.set_request_timeout(SHORT).unwrap();
    let answer = soon(read_until(&mut stalled, "\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn a_rest_is_changed_by_the_next_response() {
    let ground = Ground::new();
    let server = server(&ground);
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    let head = soon(read_until(&mut stream, "answer")).await;
    assert!(head.contains("keep-alive: timeout=5\r\n"), "{head}");
    server.set_keep_alive_timeout(SHORT).unwrap();
    // Longer than the new limit and its margin: what was advertised holds.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    stream.write_all(GET).await.unwrap();
    let head = soon(read_until(&mut stream, "answer")).await;
    assert!(!head.contains("timeout="), "less than a second: {head}");
    assert_eq!(soon(stream.read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test]
async fn inactivity_is_limited_from_the_next_request_or_connection_on() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        if request.uri() == "/work" {
            tokio::time::sleep(SHORT * 8).await;
        }
        Response::new("answer")
    })
    .unwrap();
    let address = listen(&server).await;
    let mut old = ground.connect(address).await;
    let work = b"GET /work HTTP/1.1\r\nHost: a\r\n\r\n";
    old.write_all(work).await.unwrap();
    tokio::time::sleep(SHORT).await;
    server.set_timeout(SHORT * 3).unwrap();
    soon(read_until(&mut old, "answer")).await;
    old.write_all(work).await.unwrap();
    let mut rest = Vec::new();
    let end = soon(old.read_to_end(&mut rest)).await;
    assert!(end.is_err() && rest.is_empty(), "the next request is cut");
    assert_eq!(soon(ground.say(address, b"")).await, "", "and a new one");
}

#[tokio::test]
async fn an_own_limit_ends_with_its_exchange() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        if request.uri() == "/limited" {
            Responder::of(&request).unwrap().set_timeout(SHORT);
        } else {
            tokio::time::sleep(SHORT * 6).await;
        }
        Response::new("answer")
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let limited = b"GET /limited HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(limited).await.unwrap();
    soon(read_until(&mut stream, "answer")).await;
    stream.write_all(GET).await.unwrap();
    soon(read_until(&mut stream, "answer")).await;
}

#[tokio::test]
async fn a_stall_is_limited_at_once() {
    let ground = Ground::new();
    let large = bytes::Bytes::from(vec![b'x'; 64 << 20]);
    let server = create_server(ground.options(), move |_| {
        let large = large.clone();
        async move { Response::new(large) }
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    soon(read_until(&mut stream, "\r\n\r\n")).await;
    tokio::time::sleep(SHORT).await;
    assert_eq!(server.connections(), 1);
    server.set_write_timeout(SHORT).unwrap();
    support::until(|| server.connections() == 0).await;
}

#[tokio::test]
async fn counts_are_changed_for_connections_to_come() {
    let ground = Ground::new();
    let server = server(&ground);
    let address = listen(&server).await;
    let mut old = ground.connect(address).await;
    old.write_all(GET).await.unwrap();
    soon(read_until(&mut old, "answer")).await;
    server.set_max_requests_per_socket(1).unwrap();
    server.set_max_headers_count(1).unwrap();
    let two = b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    old.write_all(two).await.unwrap();
    let head = soon(read_until(&mut old, "answer")).await;
    assert!(head.contains("connection: keep-alive\r\n"), "{head}");

    let answer = soon(ground.say(address, GET)).await;
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    let answer = soon(ground.say(address, two)).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}
