//! Do bodies move whole and bounded when handlers do unusual things with them?

mod support;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use sealane::{Body, Upgrade, create_server};
use support::{Ground, listen, read_until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

async fn length_of(mut body: Body) -> sealane::Result<usize> {
    let mut length = 0;
    while let Some(chunk) = body.chunk().await? {
        length += chunk.len();
    }
    Ok(length)
}

/// Answers with the length of the body, which another task reads.
async fn counted_elsewhere(request: Request<Body>) -> Response<String> {
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(async move {
        sender
            .send(length_of(request.into_body()).await.unwrap())
            .unwrap();
    });
    Response::new(receiver.await.unwrap().to_string())
}

#[tokio::test]
async fn a_body_read_in_another_task_is_asked_for_with_100() {
    let ground = Ground::new();
    let server = create_server(ground.options(), counted_elsewhere).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    stream.write_all(head).await.unwrap();
    read_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    stream.write_all(b"12345").await.unwrap();
    assert!(
        read_until(&mut stream, "\r\n\r\n5")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
}

#[tokio::test]
async fn a_body_that_waited_behind_another_request_reaches_another_task() {
    let ground = Ground::new();
    let server = create_server(ground.options(), counted_elsewhere).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    // Both requests and the start of the second body arrive together; the rest is much longer
    // than what may wait for the reader.
    let heads = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n\
                  POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let octets = [&heads[..], &vec![b'x'; 1_000_000]].concat();
    stream.write_all(&octets).await.unwrap();
    read_until(&mut stream, "\r\n\r\n1000000").await;
}

#[tokio::test]
async fn a_request_body_may_be_the_response_body() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        Response::new(request.into_body())
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    stream.write_all(head).await.unwrap();
    read_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    stream.write_all(b"echo").await.unwrap();
    assert!(
        read_until(&mut stream, "\r\n\r\necho")
            .await
            .contains("content-length: 4\r\n")
    );
}

#[tokio::test]
async fn the_rest_of_a_body_is_framed_by_what_remains() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |mut request: Request<Body>| async move {
        request.body_mut().chunk().await?;
        Ok::<_, sealane::Error>(Response::new(request.into_body()))
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
        .await
        .unwrap();
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(head.contains("content-length: 3\r\n"), "{head}");
    stream.write_all(b"def").await.unwrap();
    assert_eq!(read_until(&mut stream, "def").await, "def");
}

#[tokio::test]
async fn a_finished_answer_survives_the_failure_of_the_next() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        if request.uri() == "/good" {
            return Response::new(Body::from("good answer"));
        }
        let (sender, body) = Body::channel();
        sender.abort("broken from the start");
        Response::new(body)
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let requests = b"GET /good HTTP/1.1\r\nHost: a\r\n\r\nGET /bad HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(requests).await.unwrap();
    read_until(&mut stream, "good answer").await;
}

#[tokio::test]
async fn a_body_too_long_to_be_read_for_nothing_makes_the_head_say_close() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async { Response::new("no") }).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let answer = read_until(&mut stream, "\r\n\r\nno").await;
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn an_upgrade_that_was_declined_says_so_to_whoever_waits() {
    let ground = Ground::new();
    let (sender, mut outcomes) = mpsc::unbounded_channel();
    let server = create_server(ground.options(), move |mut request: Request<Body>| {
        let upgrade = Upgrade::of(&mut request).unwrap();
        let sender = sender.clone();
        tokio::spawn(async move { sender.send(upgrade.await.is_err()).unwrap() });
        async {
            let status = StatusCode::UPGRADE_REQUIRED;
            Response::builder()
                .status(status)
                .header("upgrade", "echo")
                .body("")
        }
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n";
    stream.write_all(request).await.unwrap();
    assert_eq!(
        outcomes.recv().await,
        Some(true),
        "while the connection stays open"
    );
}

#[tokio::test]
async fn a_client_that_ends_without_close_notify_drops_its_handler() {
    struct Tell(mpsc::UnboundedSender<&'static str>);
    impl Drop for Tell {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    let ground = Ground::new();
    let (sender, mut told) = mpsc::unbounded_channel();
    let server = create_server(ground.options(), move |_| {
        let tell = Tell(sender.clone());
        async move {
            tell.0.send("started").unwrap();
            std::future::pending::<Response<Body>>().await
        }
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(told.recv().await, Some("started"));
    drop(stream.into_inner().0);
    assert_eq!(told.recv().await, Some("dropped"));
}

/// The same on a connection's last exchange, where nothing more is wanted from the client.
#[tokio::test]
async fn a_client_lost_on_the_last_exchange_drops_its_handler_and_lets_close_end() {
    let ground = Ground::new();
    let (sender, mut told) = mpsc::unbounded_channel();
    let server = create_server(ground.options(), move |_| {
        sender.send(()).unwrap();
        std::future::pending::<Response<Body>>()
    })
    .unwrap();
    let address = listen(&server).await;
    let mut last = ground.connect(address).await;
    last.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut kept = ground.connect(address).await;
    kept.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    told.recv().await.unwrap();
    told.recv().await.unwrap();
    let closing = server.close();
    let leaving = async {
        tokio::task::yield_now().await;
        drop(last.into_inner().0);
        drop(kept.into_inner().0);
    };
    let (closed, ()) = tokio::join!(closing, leaving);
    closed.unwrap();
}

#[tokio::test]
async fn close_idle_connections_spares_who_has_not_asked_yet() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async { Response::new("served") }).unwrap();
    let address = listen(&server).await;
    let mut newcomer = ground.connect(address).await;
    server.close_idle_connections();
    newcomer
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    read_until(&mut newcomer, "served").await;
}

/// Writes until the server takes no more; fails if it never stops.
async fn assert_stops(ground: &Ground, address: std::net::SocketAddr, first: &[u8], more: &[u8]) {
    let mut stream = ground.connect(address).await;
    stream.write_all(first).await.unwrap();
    let piece = more.repeat(64 * 1024 / more.len());
    let mut taken = 0;
    let patience = std::time::Duration::from_millis(500);
    while tokio::time::timeout(patience, stream.write_all(&piece))
        .await
        .is_ok()
    {
        taken += piece.len();
        assert!(
            taken < 64 << 20,
            "{taken} octets were taken from a client that reads nothing"
        );
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_stopped_while_it_asks() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async {
        Response::builder().status(StatusCode::NO_CONTENT).body("")
    })
    .unwrap();
    let address = listen(&server).await;
    assert_stops(&ground, address, b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_stopped_while_it_uploads() {
    let ground = Ground::new();
    let large = Bytes::from(vec![0; 32 << 20]);
    let server = create_server(ground.options(), move |_| {
        let large = large.clone();
        async move { Response::new(large) }
    })
    .unwrap();
    let address = listen(&server).await;
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_stops(&ground, address, head, b"5\r\nhello\r\n").await;
}

/// Answers with so many octets in pieces that are always ready.
fn ready_pieces(pieces: usize, size: usize) -> Body {
    struct Ready(usize, Bytes);
    impl http_body::Body for Ready {
        type Data = Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Ready(self.0.checked_sub(1).map(|left| {
                self.0 = left;
                Ok(http_body::Frame::data(self.1.clone()))
            }))
        }
    }
    Body::new(Ready(pieces, Bytes::from(vec![b'x'; size])))
}

#[tokio::test]
async fn an_answer_of_small_pieces_that_are_always_ready_stays_small_in_memory() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async {
        Response::new(ready_pieces(48 << 10, 4 << 10))
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut buffer = vec![0; 64 << 10];
    let (mut total, before) = (0, resident());
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        total += count;
    }
    assert!(total > 192 << 20, "{total} octets came");
    let grown = resident().saturating_sub(before);
    assert!(
        grown < 64 << 20,
        "{grown} octets more are resident after {total} were sent"
    );
}

/// Octets of this process that are in memory, by Linux' account.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok())
        .unwrap_or(0)
        * 4096
}

#[tokio::test]
async fn pipelined_requests_that_came_in_time_are_all_answered_however_slow_the_reader() {
    let moment = std::time::Duration::from_millis(200);
    let ground = Ground::new();
    let options = ground.options().headers_timeout(moment);
    let server = create_server(options, |_| async { Response::new("x".repeat(2000)) }).unwrap();
    let address = listen(&server).await;
    let stream = ground.connect(address).await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let count = 4000;
    let filler = "x".repeat(6000);
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {filler}\r\n\r\n").into_bytes();
    let writing = tokio::spawn(async move {
        for _ in 0..count {
            writer.write_all(&request).await?;
        }
        // Whatever the socket did not take at once waits inside the stream: without this the last
        // requests are never sent, and the server rightly ends a connection that rests.
        writer.flush().await?;
        // Kept, so that the connection is not seen as half-closed.
        Ok::<_, std::io::Error>(writer)
    });
    tokio::time::sleep(moment * 6).await;
    let (mut answers, mut seen) = (0, Vec::new());
    let mut buffer = vec![0; 64 << 10];
    while answers < count {
        let read = reader.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "the connection ended after {answers} answers");
        seen.extend_from_slice(&buffer[..read]);
        let whole = seen.windows(12).filter(|w| w == b"HTTP/1.1 200").count();
        assert!(
            !seen.windows(12).any(|w| w == b"HTTP/1.1 408"),
            "after {}",
            answers + whole
        );
        answers += whole;
        seen.drain(..seen.len().saturating_sub(11));
    }
    drop(writing.await.unwrap().unwrap());
}

#[tokio::test]
async fn an_answer_outlives_the_request_timeout_when_nobody_wants_the_request_body() {
    let moment = std::time::Duration::from_millis(150);
    let ground = Ground::new();
    let options = ground
        .options()
        .headers_timeout(moment)
        .request_timeout(moment);
    let server = create_server(options, move |_| {
        let (mut sender, body) = Body::channel();
        tokio::spawn(async move {
            for _ in 0..5 {
                tokio::time::sleep(moment).await;
                sender.send("piece ").await.unwrap();
            }
        });
        async { Response::new(body) }
    })
    .unwrap();
    let address = listen(&server).await;
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let answer = ground.say(address, head).await;
    assert_eq!(answer.matches("piece ").count(), 5, "{answer}");
}
