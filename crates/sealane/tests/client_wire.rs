//! Does a client understand its server however TCP and TLS cut what they carry?

mod support;

use std::net::SocketAddr;

use http::{Method, Request, Response};
use sealane::{Body, RequestOptions, TlsVersion, create_server};
use support::octets::{in_pieces, octets_of};
use support::scripted::{Scripted, TLS12, TLS13, read_request, say};
use support::{Ground, body_of, facts, listen, soon};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Passes octets on to `server`, at most so many at a time.
async fn dripping(server: SocketAddr, most: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(server).await.unwrap();
            client.set_nodelay(true).unwrap();
            server.set_nodelay(true).unwrap();
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(pass(from_client, to_server, most));
            tokio::spawn(pass(from_server, to_client, most));
        }
    });
    address
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, most: usize) {
    let mut octets = vec![0; most];
    loop {
        match from.read(&mut octets).await {
            Ok(count) if count > 0 => {
                if to.write_all(&octets[..count]).await.is_err() {
                    return;
                }
                // Whoever reads gets a chance to see just this much.
                tokio::task::yield_now().await;
            }
            _ => return drop(to.shutdown().await),
        }
    }
}

#[tokio::test]
async fn a_network_that_drips_loses_nothing() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        Response::new(request.into_body())
    })
    .unwrap();
    let direct = listen(&server).await;
    for most in [1, 2, 7, 1000] {
        let url = format!("https://{}/", dripping(direct, most).await);
        for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
            let agent = ground.agent();
            for round in 0..3 {
                let options = RequestOptions::new(&url)
                    .method(Method::POST)
                    .max_version(version);
                let octets: Vec<_> = octets_of(3).into_iter().cycle().take(6_000).collect();
                let request = agent.request(options).unwrap();
                let body = in_pieces(octets.clone());
                let mut response = soon(request.end_with(body)).await.unwrap();
                assert!(
                    soon(body_of(&mut response)).await == octets,
                    "{most} {version:?}"
                );
                assert_eq!(facts(&response).reused(), round > 0, "{most} {version:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_response_in_the_smallest_records_is_whole() {
    let ground = Ground::new();
    for versions in [TLS12, TLS13] {
        let mut config = ground.server_config_for(&["127.0.0.1"], versions);
        config.max_fragment_size = Some(32);
        let server = Scripted::start(config, |mut stream, _| async move {
            while read_request(&mut stream).await.is_some() {
                say(
                    &mut stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
                )
                .await;
                say(&mut stream, vec![b'x'; 100_000]).await;
            }
        })
        .await;
        let agent = ground.agent();
        for _ in 0..2 {
            let mut response = soon(agent.get(server.url("/"))).await.unwrap();
            assert!(soon(body_of(&mut response)).await == vec![b'x'; 100_000]);
        }
        assert_eq!(server.accepted(), 1);
    }
}

#[tokio::test]
async fn a_response_that_comes_octet_by_octet_is_whole() {
    let ground = Ground::new();
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-t\r\n\r\n\
                  3;a=b\r\none\r\n4\r\n two\r\n0\r\nx-t: v\r\n\r\n";
    let server = Scripted::start(ground.server_config(), move |mut stream, _| async move {
        while read_request(&mut stream).await.is_some() {
            for octet in answer.bytes() {
                say(&mut stream, [octet]).await;
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    let agent = ground.agent();
    for _ in 0..3 {
        let mut response = soon(agent.get(server.url("/"))).await.unwrap();
        assert_eq!(soon(body_of(&mut response)).await, b"one two");
        assert_eq!(response.body().trailers().unwrap()["x-t"], "v");
    }
    assert_eq!(server.accepted(), 1);
}

/// RFC 8446 §4.6.3: each update asks us to renew our keys, too.
#[tokio::test]
async fn new_keys_in_the_middle_are_taken_and_answered() {
    let ground = Ground::new();
    let config = ground.server_config_for(&["127.0.0.1"], TLS13);
    let server = Scripted::start(config, |mut stream, _| async move {
        while let Some(request) = read_request(&mut stream).await {
            assert!(request.ends_with("body"), "{request}");
            say(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n").await;
            for _ in 0..10 {
                stream.get_mut().1.refresh_traffic_keys().unwrap();
                say(&mut stream, "ok").await;
            }
        }
    })
    .await;
    let agent = ground.agent();
    for round in 0..3 {
        let options = RequestOptions::new(server.url("/")).method(Method::POST);
        let request = agent.request(options).unwrap();
        let mut response = soon(request.end_with("body")).await.unwrap();
        assert_eq!(soon(body_of(&mut response)).await, b"ok".repeat(10));
        assert_eq!(facts(&response).reused(), round > 0);
    }
}
