//! Does a connection that leaves HTTP arrive whole at its new owner?

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use sealane::{Body, Upgrade, create_server};
use support::{Ground, listen, read_to_end, read_until, soon, until};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Agrees to `Upgrade: echo` and CONNECT, then sends back upper-case what comes.
async fn shouting(mut request: Request<Body>) -> Response<Body> {
    let Some(upgrade) = Upgrade::of(&mut request) else {
        return Response::new("not asked".into());
    };
    tokio::spawn(async move {
        let mut connection = upgrade.await.unwrap();
        let mut buffer = [0; 1000];
        loop {
            match connection.read(&mut buffer).await.unwrap() {
                0 => break,
                count => {
                    let shout = buffer[..count].to_ascii_uppercase();
                    connection.write_all(&shout).await.unwrap();
                }
            }
        }
        connection.shutdown().await.unwrap();
    });
    let mut response = Response::new(Body::empty());
    if request.method() != http::Method::CONNECT {
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response
            .headers_mut()
            .insert(header::UPGRADE, "echo".parse().unwrap());
    }
    response
}

#[tokio::test]
async fn an_upgrade_hands_over_what_was_read_ahead() {
    let ground = Ground::new();
    let server = create_server(ground.options(), shouting).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let request =
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nahead ";
    stream.write_all(request).await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(
        head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"),
        "{head}"
    );
    assert!(
        head.to_lowercase().contains("connection: upgrade\r\n"),
        "{head}"
    );
    assert_eq!(read_until(&mut stream, "AHEAD ").await, "AHEAD ");
    stream.write_all(b"and on").await.unwrap();
    assert_eq!(read_until(&mut stream, "AND ON").await, "AND ON");
    stream.shutdown().await.unwrap();
    assert_eq!(
        read_to_end(&mut stream).await,
        "",
        "close_notify is answered by close_notify"
    );
    assert_eq!(
        server.connections(),
        0,
        "an upgraded connection is its owner's"
    );
}

#[tokio::test]
async fn connect_becomes_a_tunnel() {
    let ground = Ground::new();
    let server = create_server(ground.options(), shouting).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let request = b"CONNECT origin.example:443 HTTP/1.1\r\nHost: origin.example:443\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        !head.to_lowercase().contains("content-length"),
        "RFC 9110 §9.3.6: {head}"
    );
    stream.write_all(b"through").await.unwrap();
    assert_eq!(read_until(&mut stream, "THROUGH").await, "THROUGH");
}

#[tokio::test]
async fn a_takeover_that_is_dropped_is_refused_and_http_goes_on() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |mut request: Request<Body>| async move {
        drop(Upgrade::of(&mut request));
        Response::new("still http")
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let asking = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n";
    stream.write_all(asking).await.unwrap();
    read_until(&mut stream, "still http").await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    assert!(read_to_end(&mut stream).await.ends_with("still http"));
}

#[tokio::test]
async fn switching_without_being_asked_is_answered_500() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async {
        Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .body("")
    })
    .unwrap();
    let address = listen(&server).await;
    let answer = ground
        .say(address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
}

/// What the blocked writer of the next test writes at a time, and how often.
const PIECE: usize = 64 * 1024;
const PIECES: usize = 512;

async fn write_much(mut writer: impl AsyncWrite + Unpin, written: Arc<AtomicUsize>) {
    for _ in 0..PIECES {
        writer.write_all(&[b'x'; PIECE]).await.unwrap();
        written.fetch_add(1, Ordering::SeqCst);
    }
    writer.flush().await.unwrap();
}

#[tokio::test]
async fn a_blocked_writer_is_woken_though_another_task_reads_meanwhile() {
    let ground = Ground::new();
    let (written, read) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (writers, readers) = (Arc::clone(&written), Arc::clone(&read));
    let options = ground.options().connect(move |mut request: Request<Body>| {
        let (written, read) = (Arc::clone(&writers), Arc::clone(&readers));
        let upgrade = Upgrade::of(&mut request).unwrap();
        tokio::spawn(async move {
            let (mut reader, writer) = tokio::io::split(upgrade.await.unwrap());
            tokio::spawn(write_much(writer, written));
            while reader.read_u8().await.is_ok() {
                read.fetch_add(1, Ordering::SeqCst);
            }
        });
        async { Response::new(Body::empty()) }
    });
    let server = create_server(options, |_| async { Response::new("") }).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let connect = b"CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n";
    stream.write_all(connect).await.unwrap();
    soon(read_until(&mut stream, "\r\n\r\n")).await;
    // The writer is blocked when it gets no further.
    let mut before = usize::MAX;
    while before != written.load(Ordering::SeqCst) {
        before = written.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(before < PIECES, "the system took it all");
    stream.write_all(b"!").await.unwrap();
    until(|| read.load(Ordering::SeqCst) == 1).await;
    let mut all = vec![0; PIECE * PIECES];
    soon(stream.read_exact(&mut all)).await.unwrap();
    assert_eq!(written.load(Ordering::SeqCst), PIECES);
}
