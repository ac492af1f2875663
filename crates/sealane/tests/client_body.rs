//! Do bodies move both ways at once, only as fast as their reader, and never pass for whole?

mod support;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use sealane::{Agent, Body, ClientRequest, Connector, ErrorKind, Phase, create_server};
use support::asking::post;
use support::octets::in_pieces;
use support::scripted::{Scripted, Stream, gone, read_request, reset, say};
use support::{Ground, body_of, facts, listen, read_until, soon, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};

/// How long nothing must move before it counts as stopped.
const STILL: Duration = Duration::from_millis(300);

/// More than all buffers on the way hold: ours, TLS' and those of two sockets.
const ALL_BUFFERS: usize = 32 << 20;

/// Octets of which each place is known.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place % 251) as u8).collect()
}

/// Reads the response's body as far as it comes, and gives its length and its error.
async fn read_to_error(response: &mut Response<Body>) -> (usize, sealane::Error) {
    let mut length = 0;
    loop {
        match soon(response.body_mut().chunk()).await {
            Ok(Some(piece)) => length += piece.len(),
            Ok(None) => panic!("taken for whole after {length} octets"),
            Err(error) => return (length, error),
        }
    }
}

#[tokio::test]
async fn an_echo_that_answers_before_the_upload_is_done_loses_no_octet() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        Response::new(request.into_body())
    })
    .unwrap();
    let url = format!("https://{}/", listen(&server).await);
    let agent = ground.agent();
    let octets = pattern(24 << 20);
    // Of known length, and in pieces; neither could be held by the buffers on the way.
    for body in [Body::from(octets.clone()), in_pieces(octets.clone())] {
        let request = agent.request(post(url.clone())).unwrap();
        let mut response = soon(request.end_with(body)).await.unwrap();
        assert!(soon(body_of(&mut response)).await == octets);
    }
    drop(agent);
    soon(server.close()).await.unwrap();
}

#[tokio::test]
async fn c222_a_response_nobody_reads_stops_its_server() {
    let ground = Ground::new();
    let given = Arc::new(AtomicUsize::new(0));
    let server = create_server(ground.options(), {
        let given = Arc::clone(&given);
        move |_| {
            let body = counted(Arc::clone(&given));
            async { Response::new(body) }
        }
    })
    .unwrap();
    let address = listen(&server).await;
    let came = Arc::new(AtomicUsize::new(0));
    let connector = Connector::new({
        let came = Arc::clone(&came);
        move |_| {
            let came = Arc::clone(&came);
            async move {
                let server = TcpStream::connect(address).await?;
                let (near, far) = tokio::io::duplex(4096);
                tokio::spawn(pump(server, far, came));
                io::Result::Ok(near)
            }
        }
    });
    let options = ground.agent_options().keep_alive(true);
    let agent = Agent::new(options.create_connection(connector)).unwrap();
    let mut response = soon(agent.get("https://localhost/")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let buffered = came.load(Ordering::SeqCst);
    assert!(
        buffered < 100 << 10,
        "{buffered} octets are kept for a reader that reads nothing"
    );
    let sent = given.load(Ordering::SeqCst);
    assert!(sent < ALL_BUFFERS, "{sent} octets were sent to it");
    assert_eq!(soon(body_of(&mut response)).await.len(), 800 * (64 << 10));
    assert_eq!(
        agent.total_socket_count(),
        1,
        "its connection is as good as any"
    );
}

/// Carries octets between a server and a client, and counts those that the client takes; 4 KiB
/// more may wait on the way.
async fn pump(server: TcpStream, client: DuplexStream, came: Arc<AtomicUsize>) {
    let (mut from_server, mut to_server) = server.into_split();
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let down = async {
        let mut octets = vec![0; 4096];
        while let Ok(length @ 1..) = from_server.read(&mut octets).await {
            if to_client.write_all(&octets[..length]).await.is_err() {
                break;
            }
            came.fetch_add(length, Ordering::SeqCst);
        }
    };
    let up = tokio::io::copy(&mut from_client, &mut to_server);
    let _ = tokio::join!(down, up);
}

/// 50 MiB in pieces, which are counted as they are taken.
fn counted(given: Arc<AtomicUsize>) -> Body {
    let (mut sender, body) = Body::channel();
    tokio::spawn(async move {
        let piece = Bytes::from(vec![7; 64 << 10]);
        for _ in 0..800 {
            sender.send(piece.clone()).await.unwrap();
            given.fetch_add(piece.len(), Ordering::SeqCst);
        }
    });
    body
}

#[tokio::test]
async fn c220_a_server_that_reads_nothing_stops_write_until_it_reads() {
    let ground = Ground::new();
    let go = Arc::new(Notify::new());
    let server = Scripted::start(ground.server_config(), {
        let go = Arc::clone(&go);
        move |mut stream, _| {
            let go = Arc::clone(&go);
            async move {
                read_until(&mut stream, "\r\n\r\n").await;
                go.notified().await;
                let length = read_chunks(&mut stream).await.to_string();
                let size = length.len();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
                say(&mut stream, head + &length).await;
            }
        }
    })
    .await;
    let agent = ground.agent();
    let mut request = agent.request(post(server.url("/"))).unwrap();
    let piece = Bytes::from(vec![b'x'; 64 << 10]);
    let mut written = 0;
    while tokio::time::timeout(STILL, request.write(piece.clone()))
        .await
        .is_ok()
    {
        written += piece.len();
        assert!(
            written < ALL_BUFFERS,
            "{written} octets for a server that reads nothing"
        );
    }
    go.notify_one();
    // The write that was given up had sent nothing.
    for _ in 0..64 {
        soon(request.write(piece.clone())).await.unwrap();
        written += piece.len();
    }
    let mut response = soon(request.end()).await.unwrap();
    let told = String::from_utf8(body_of(&mut response).await).unwrap();
    assert_eq!(told, written.to_string());
}

/// Reads a chunked body and gives its length.
async fn read_chunks(stream: &mut Stream) -> usize {
    let mut length = 0;
    let mut octets = vec![0; 256 << 10];
    loop {
        let line = read_until(stream, "\r\n").await;
        let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
        if octets.len() < size + 2 {
            octets.resize(size + 2, 0);
        }
        stream.read_exact(&mut octets[..size + 2]).await.unwrap();
        if size == 0 {
            return length;
        }
        length += size;
    }
}

/// Answers before it has read the body, says that it will close, and goes on reading.
async fn declining(ground: &Ground) -> Scripted {
    Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        let head = "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n";
        say(
            &mut stream,
            format!("{head}Content-Length: 8\r\n\r\ntoo much"),
        )
        .await;
        gone(&mut stream).await;
    })
    .await
}

#[tokio::test]
async fn an_answer_that_comes_before_the_upload_is_complete_is_heard() {
    let ground = Ground::new();
    let server = declining(&ground).await;
    let agent = ground.agent();
    let request = agent.request(post(server.url("/"))).unwrap();
    let mut response = soon(request.end_with(vec![7; 64 << 20])).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(soon(body_of(&mut response)).await, b"too much");
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn an_answer_before_the_end_of_what_is_written_is_given_at_the_end() {
    let ground = Ground::new();
    let server = declining(&ground).await;
    let agent = ground.agent();
    let mut request = agent.request(post(server.url("/"))).unwrap();
    for _ in 0..64 {
        soon(request.write(vec![7; 64 << 10])).await.unwrap();
    }
    let mut response = soon(request.end()).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(soon(body_of(&mut response)).await, b"too much");
}

/// A server that answers 413, ends its side and takes nothing more: the rest cannot be sent.
#[tokio::test]
async fn an_answer_of_a_server_that_takes_no_more_is_given_though_the_upload_breaks() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        let head = "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n";
        say(
            &mut stream,
            format!("{head}Content-Length: 8\r\n\r\ntoo much"),
        )
        .await;
        let _ = stream.shutdown().await;
        // Keeps the socket open and reads nothing, so that no reset overtakes the answer.
        std::future::pending::<()>().await;
    })
    .await;
    let agent = ground.agent();
    let limit = Duration::from_millis(500);
    let request = agent.request(post(server.url("/")).timeout(limit)).unwrap();
    let mut response = soon(request.end_with(vec![7; 64 << 20])).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(soon(body_of(&mut response)).await, b"too much");

    let mut request = agent.request(post(server.url("/")).timeout(limit)).unwrap();
    for _ in 0..1000 {
        soon(request.write(vec![7; 64 << 10])).await.unwrap();
    }
    let response = soon(request.end()).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// Sends these octets as an answer and ends the connection in this manner.
async fn broken_off(ground: &Ground, answer: &'static str, ending: Ending) -> Scripted {
    Scripted::start(ground.server_config(), move |mut stream, _| async move {
        read_request(&mut stream).await;
        say(&mut stream, answer).await;
        match ending {
            Ending::CloseNotify => drop(stream.shutdown().await),
            Ending::Fin => {}
            Ending::Reset => reset(stream),
        }
    })
    .await
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    CloseNotify,
    Fin,
    Reset,
}

#[tokio::test]
async fn a_body_cut_short_says_how_many_octets_came() {
    let ground = Ground::new();
    let sized = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789abc";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n0123456789abc\r\n";
    let in_chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n0123456789abc";
    for answer in [sized, chunked, in_chunk] {
        for ending in [Ending::CloseNotify, Ending::Fin] {
            let server = broken_off(&ground, answer, ending).await;
            let agent = ground.agent();
            let mut response = agent.get(server.url("/")).await.unwrap();
            let (length, error) = read_to_error(&mut response).await;
            let shown = format!("{ending:?}: {error:?}");
            assert_eq!(length, 13, "{shown}");
            assert_eq!(
                (error.kind(), error.phase()),
                (ErrorKind::Body, Phase::ReceiveBody)
            );
            assert_eq!(error.code(), Some("ECONNRESET"), "{shown}");
            assert!(error.to_string().contains("13"), "{shown}");
            assert!(!error.replay_safe(), "{shown}");
            assert_eq!(agent.total_socket_count(), 0);
            let after = response.body_mut().chunk().await;
            assert!(matches!(after, Ok(None)), "told once: {after:?}");
        }
    }
}

#[tokio::test]
async fn a_body_that_a_reset_cuts_short_is_an_error_too() {
    let ground = Ground::new();
    let sized = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    let go = Arc::new(Notify::new());
    let server = Scripted::start(ground.server_config(), {
        let go = Arc::clone(&go);
        move |mut stream, _| {
            let go = Arc::clone(&go);
            async move {
                read_request(&mut stream).await;
                say(&mut stream, format!("{sized}0123456789abc")).await;
                go.notified().await;
                reset(stream);
            }
        }
    })
    .await;
    let mut response = ground.agent().get(server.url("/")).await.unwrap();
    let first = response.body_mut().chunk().await.unwrap().unwrap();
    assert_eq!(first, "0123456789abc");
    go.notify_one();
    let (_, error) = read_to_error(&mut response).await;
    assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
    assert_eq!(error.phase(), Phase::ReceiveBody, "{error:?}");
    assert!(error.to_string().contains("13 of 1000 octets"), "{error}");
}

/// RFC 9112 §9.8: without close_notify nobody knows that this was all.
#[tokio::test]
async fn a_body_that_ends_with_the_connection_needs_its_close_notify() {
    let ground = Ground::new();
    let answer = "HTTP/1.1 200 OK\r\n\r\n0123456789abc";
    for ending in [Ending::Fin, Ending::Reset] {
        let server = broken_off(&ground, answer, ending).await;
        let Ok(mut response) = ground.agent().get(server.url("/")).await else {
            assert_eq!(ending, Ending::Reset, "the reset may overtake the head");
            continue;
        };
        let (_, error) = read_to_error(&mut response).await;
        assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
        assert_eq!(error.phase(), Phase::ReceiveBody, "{error:?}");
    }
}

#[tokio::test]
async fn a_broken_chunk_is_an_error_behind_what_was_right() {
    let ground = Ground::new();
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nright\r\nwrong\r\n";
    let server = broken_off(&ground, answer, Ending::CloseNotify).await;
    let agent = ground.agent();
    let mut response = agent.get(server.url("/")).await.unwrap();
    let (length, error) = read_to_error(&mut response).await;
    assert_eq!(length, 5);
    assert_eq!(error.code(), Some("HPE_INVALID_CHUNK_SIZE"), "{error:?}");
    assert_eq!(
        (error.kind(), error.phase()),
        (ErrorKind::Protocol, Phase::ReceiveBody)
    );
    assert_eq!(agent.total_socket_count(), 0);
}

/// Tells when a handler is over, also when it is dropped.
struct Tell(mpsc::UnboundedSender<&'static str>);

impl Drop for Tell {
    fn drop(&mut self) {
        let _ = self.0.send("over");
    }
}

#[tokio::test]
async fn a_producer_that_fails_breaks_its_request_off() {
    let ground = Ground::new();
    let (told, mut hears) = mpsc::unbounded_channel();
    let server = create_server(ground.options(), move |mut request: Request<Body>| {
        let tell = Tell(told.clone());
        async move {
            while let Some(_piece) = request.body_mut().chunk().await? {
                tell.0.send("a piece").unwrap();
            }
            tell.0.send("whole").unwrap();
            Ok::<_, sealane::Error>(Response::new(""))
        }
    })
    .unwrap();
    let url = format!("https://{}/", listen(&server).await);
    let (mut sender, body) = Body::channel();
    sender.send("the first part").await.unwrap();
    let agent = ground.agent();
    let request = agent.request(post(url)).unwrap();
    let failing = async {
        assert_eq!(soon(hears.recv()).await, Some("a piece"));
        sender.abort("the disk is gone");
    };
    let (result, ()) = tokio::join!(soon(request.end_with(body)), failing);
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.phase()),
        (ErrorKind::Body, Phase::SendBody),
        "{error:?}"
    );
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    assert_eq!(agent.total_socket_count(), 0);
    // The server must not take what came for the whole.
    assert_eq!(soon(hears.recv()).await, Some("over"));
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_its_head_says_is_refused() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async { Response::new("") }).unwrap();
    let url = format!("https://{}/", listen(&server).await);
    for (length, body) in [("10", "four"), ("2", "four")] {
        for known in [true, false] {
            let agent = ground.agent();
            let options = post(url.clone()).header("Content-Length", length);
            let request = agent.request(options).unwrap();
            let body = match known {
                true => Body::from(body),
                false => in_pieces(body.into()),
            };
            let error = soon(request.end_with(body)).await.unwrap_err();
            assert_eq!(
                error.code(),
                Some("ERR_HTTP_CONTENT_LENGTH_MISMATCH"),
                "{length} {known}: {error:?}"
            );
            assert_eq!(agent.total_socket_count(), 0);
        }
    }
}

#[tokio::test]
async fn a_file_goes_up_with_its_length() {
    let ground = Ground::new();
    let file = ground.folder().join("content");
    std::fs::write(&file, pattern(300_000)).unwrap();
    let server = create_server(ground.options(), |mut request: Request<Body>| async move {
        let length = request.headers()["content-length"].clone();
        let mut body = Vec::new();
        while let Some(piece) = request.body_mut().chunk().await.unwrap() {
            body.extend_from_slice(&piece);
        }
        Response::builder().header("x-length", length).body(body)
    })
    .unwrap();
    let url = format!("https://{}/", listen(&server).await);
    let request = ground.agent().request(post(url)).unwrap();
    let body = Body::file(&file).await.unwrap();
    let mut response = soon(request.end_with(body)).await.unwrap();
    assert_eq!(response.headers()["x-length"], "300000");
    assert!(body_of(&mut response).await == pattern(300_000));
}

#[tokio::test]
async fn a_request_dropped_while_it_is_written_closes_its_connection() {
    let ground = Ground::new();
    let (told, mut hears) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let told = told.clone();
        async move {
            read_until(&mut stream, "piece").await;
            told.send("came").unwrap();
            gone(&mut stream).await;
            told.send("gone").unwrap();
        }
    })
    .await;
    let agent = ground.agent();
    let mut request: ClientRequest = agent.request(post(server.url("/"))).unwrap();
    request.write("piece").await.unwrap();
    assert_eq!(soon(hears.recv()).await, Some("came"));
    drop(request);
    assert_eq!(soon(hears.recv()).await, Some("gone"));
    until(|| agent.total_socket_count() == 0).await;
}

#[tokio::test]
async fn a_response_goes_on_where_a_dropped_read_left_off() {
    let ground = Ground::new();
    let go = Arc::new(Notify::new());
    let server = Scripted::start(ground.server_config(), {
        let go = Arc::clone(&go);
        move |mut stream, _| {
            let go = Arc::clone(&go);
            async move {
                read_request(&mut stream).await;
                say(
                    &mut stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nleft",
                )
                .await;
                go.notified().await;
                say(&mut stream, " off").await;
                gone(&mut stream).await;
            }
        }
    })
    .await;
    let agent = ground.agent();
    let mut response = agent.get(server.url("/")).await.unwrap();
    assert_eq!(response.body_mut().chunk().await.unwrap().unwrap(), "left");
    let early = tokio::time::timeout(Duration::from_millis(20), response.body_mut().chunk());
    assert!(early.await.is_err());
    go.notify_one();
    assert_eq!(soon(body_of(&mut response)).await, b" off");
    assert!(!facts(&response).reused());
    assert_eq!(agent.total_socket_count(), 1);
}
