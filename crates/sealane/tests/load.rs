//! Is every octet right under load, and does a slow reader stop the writer?

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use sealane::{Body, create_server};
use support::octets::{in_pieces, octets_of};
use support::{Ground, listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Answers with the octets of `/SEED` and says whether the request's body was those of `x-seed`.
async fn check_and_answer(mut request: Request<Body>) -> sealane::Result<Response<Body>> {
    let seed = request.headers()["x-seed"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let mut body = Vec::new();
    while let Some(chunk) = request.body_mut().chunk().await? {
        body.extend_from_slice(&chunk);
    }
    let right = body == octets_of(seed);
    let answer = octets_of(request.uri().path()[1..].parse().unwrap());
    let body = if seed % 3 == 0 {
        in_pieces(answer)
    } else {
        Body::from(answer)
    };
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert("x-right", if right { "yes" } else { "no" }.parse().unwrap());
    Ok(response)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_over_64_connections_lose_no_octet() {
    let ground = Arc::new(Ground::new());
    let server = create_server(ground.options(), check_and_answer).unwrap();
    let address = listen(&server).await;
    let done = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..64u64)
        .map(|client| {
            let (ground, done) = (Arc::clone(&ground), Arc::clone(&done));
            tokio::spawn(async move {
                let mut sender = ground.hyper::<Full<Bytes>>(address).await;
                for round in 0..157u64 {
                    let (there, back) = (client * 1_000 + round, client * 1_000 + round + 500_000);
                    let request = Request::post(format!("/{back}"))
                        .header("host", "localhost")
                        .header("x-seed", there)
                        .body(Full::from(octets_of(there)))
                        .unwrap();
                    sender.ready().await.unwrap();
                    let response = sender.send_request(request).await.unwrap();
                    assert_eq!(response.headers()["x-right"], "yes");
                    let body = response.into_body().collect().await.unwrap().to_bytes();
                    assert!(body == octets_of(back), "client {client} round {round}");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(done.load(Ordering::Relaxed), 64 * 157);
    server.close().await.unwrap();
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_slow_reader_stops_the_writer() {
    let ground = Ground::new();
    let produced = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&produced);
    let server = create_server(ground.options(), move |_| {
        let (mut sender, body) = Body::channel();
        let counter = Arc::clone(&counter);
        tokio::spawn(async move {
            let piece = Bytes::from(vec![0; 64 * 1024]);
            while sender.send(piece.clone()).await.is_ok() {
                counter.fetch_add(piece.len() as u64, Ordering::SeqCst);
            }
        });
        async { Response::new(body) }
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    // It has stopped when it makes nothing more for many turns of everybody else.
    let mut seen = u64::MAX;
    while seen != produced.load(Ordering::SeqCst) || seen == 0 {
        seen = produced.load(Ordering::SeqCst);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert!(
        seen < 16 * 1024 * 1024,
        "the writer ran {seen} octets ahead of a reader at rest"
    );
}

#[tokio::test]
async fn an_unread_upload_stops_the_client() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let _held = request;
        std::future::pending::<Response<Body>>().await
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        .await
        .unwrap();
    let mut taken = 0u64;
    let piece = vec![0; 64 * 1024];
    while tokio::time::timeout(
        std::time::Duration::from_millis(500),
        stream.write_all(&piece),
    )
    .await
    .is_ok()
    {
        taken += piece.len() as u64;
        assert!(
            taken < 64 * 1024 * 1024,
            "nobody reads, yet {taken} octets were taken"
        );
    }
}

/// The keep-alive clock starts when an answer is complete, which is before its reader has it; when
/// it ran out, what still waited for a slow reader was thrown away.
#[tokio::test]
async fn a_reader_slower_than_the_keep_alive_time_gets_the_whole_answer() {
    let moment = std::time::Duration::from_millis(300);
    let ground = Ground::new();
    let (limit, taken) = (
        Arc::new(AtomicU64::new(u64::MAX)),
        Arc::new(AtomicU64::new(0)),
    );
    let (bound, counter) = (Arc::clone(&limit), Arc::clone(&taken));
    let server = create_server(ground.options().keep_alive_timeout(moment), move |_| {
        let (mut sender, body) = Body::channel();
        let (bound, counter) = (Arc::clone(&bound), Arc::clone(&counter));
        counter.store(0, Ordering::SeqCst);
        tokio::spawn(async move {
            let piece = Bytes::from_static(&[7; 1000]);
            while counter.load(Ordering::SeqCst) < bound.load(Ordering::SeqCst)
                && sender.send(piece.clone()).await.is_ok()
            {
                counter.fetch_add(1000, Ordering::SeqCst);
            }
        });
        async { Response::new(body) }
    })
    .unwrap();
    let address = listen(&server).await;
    // How much fits between the two when nobody reads; then an answer that just fits, its end
    // still with the server.
    let first = ask(&ground, address).await;
    let mut fits = 0;
    while fits == 0 || fits != taken.load(Ordering::SeqCst) {
        fits = taken.load(Ordering::SeqCst);
        tokio::time::sleep(moment).await;
    }
    drop(first);
    limit.store(fits - 100_000, Ordering::SeqCst);
    let mut second = ask(&ground, address).await;
    tokio::time::sleep(moment * 6).await;
    let mut octets = Vec::new();
    second.read_to_end(&mut octets).await.unwrap();
    let content = octets.iter().filter(|octet| **octet == 7).count() as u64;
    assert!(
        octets.ends_with(b"\r\n0\r\n\r\n"),
        "cut at {content} of {}",
        fits - 100_000
    );
}

async fn ask(ground: &Ground, address: SocketAddr) -> TlsStream<TcpStream> {
    let mut stream = ground.connect(address).await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    stream
}
