//! What leaves for a response, octet for octet? The cases of the area `response`, over real TLS.

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use sealane::{Body, create_server};
use support::{Ground, listen, read_to_end, read_until, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST: &[u8] = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// A head without its Date line, whose value nobody knows beforehand.
fn undated(head: &str) -> String {
    let lines: Vec<_> = head.split_inclusive("\r\n").collect();
    let (dates, others): (Vec<_>, Vec<_>) = lines
        .into_iter()
        .partition(|line| line.starts_with("date: "));
    assert_eq!(dates.len(), 1, "{head}");
    assert_eq!(
        dates[0].len(),
        "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".len()
    );
    others.concat()
}

#[tokio::test]
async fn c226_an_answer_of_known_length_has_these_lines() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async { Response::new("ok") }).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    let answer = soon(read_until(&mut stream, "ok")).await;
    assert_eq!(
        undated(&answer),
        "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nkeep-alive: timeout=5\r\n\
         content-length: 2\r\n\r\nok"
    );
}

#[tokio::test]
async fn c227_a_body_written_in_pieces_is_chunked_piece_by_piece() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async {
        let (mut sender, body) = Body::channel();
        sender.send("one, ").await?;
        sender.send("").await?;
        sender.send("two").await?;
        Ok::<_, sealane::Error>(Response::new(body))
    })
    .unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, LAST)).await;
    assert_eq!(
        undated(&answer),
        "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
         5\r\none, \r\n3\r\ntwo\r\n0\r\n\r\n"
    );
}

#[tokio::test]
async fn c229_http_10_gets_its_body_until_the_close_or_by_its_length() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let (mut sender, body) = Body::channel();
        sender.send("body").await?;
        let response = Response::builder();
        let response = match request.uri().path() {
            "/sized" => response.header("content-length", "4"),
            _ => response,
        };
        Ok::<_, sealane::Error>(response.body(body)?)
    })
    .unwrap();
    let address = listen(&server).await;
    let kept = "GET /sized HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let mut stream = ground.connect(address).await;
    stream.write_all(kept.as_bytes()).await.unwrap();
    let answer = soon(read_until(&mut stream, "\r\n\r\nbody")).await;
    assert!(
        answer.contains("\r\nconnection: keep-alive\r\n"),
        "{answer}"
    );
    // The connection was kept; this one ends it, for nothing else ends its body.
    let unsized_body = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    stream.write_all(unsized_body.as_bytes()).await.unwrap();
    let answer = soon(read_to_end(&mut stream)).await;
    assert_eq!(
        undated(&answer),
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nbody"
    );
}

#[tokio::test]
async fn c231_a_204_and_a_304_have_no_body_whatever_was_written() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let status = match request.uri().path() {
            "/204" => StatusCode::NO_CONTENT,
            "/304" => StatusCode::NOT_MODIFIED,
            _ => StatusCode::OK,
        };
        let (mut sender, body) = Body::channel();
        sender.send("never seen").await?;
        let body = match request.uri().path() {
            "/last" => Body::empty(),
            _ => body,
        };
        Ok::<_, sealane::Error>(Response::builder().status(status).body(body)?)
    })
    .unwrap();
    let address = listen(&server).await;
    let asking = b"GET /204 HTTP/1.1\r\nHost: a\r\n\r\nGET /304 HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = soon(ground.say(address, &[asking, LAST].concat())).await;
    let heads: Vec<_> = answer.split_terminator("\r\n\r\n").collect();
    let [no_content, not_modified, last] = heads[..] else {
        panic!("{answer}");
    };
    for head in [no_content, not_modified] {
        let head = undated(&format!("{head}\r\n"));
        let (_, lines) = head.split_once("\r\n").unwrap();
        assert_eq!(lines, "connection: keep-alive\r\nkeep-alive: timeout=5\r\n");
    }
    assert!(no_content.starts_with("HTTP/1.1 204 No Content\r\n"));
    assert!(not_modified.starts_with("HTTP/1.1 304 Not Modified\r\n"));
    assert!(last.starts_with("HTTP/1.1 200 OK\r\n"), "{last}");
}

#[tokio::test]
async fn c240_a_handlers_own_keep_alive_stands_alone() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async {
        Response::builder()
            .header("keep-alive", "timeout=77, max=3")
            .body("ok")
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    let answer = soon(read_until(&mut stream, "ok")).await;
    assert_eq!(answer.matches("keep-alive: ").count(), 1, "{answer}");
    assert!(
        answer.contains("\r\nkeep-alive: timeout=77, max=3\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn c247_a_body_nobody_reads_is_passed_over() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        Response::new(request.uri().path().to_owned())
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let body = vec![b'x'; 20_000];
    for head in [
        "Content-Length: 20000\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n4e20\r\n",
    ] {
        let head = format!("POST /ignored HTTP/1.1\r\nHost: a\r\n{head}");
        stream.write_all(head.as_bytes()).await.unwrap();
        soon(read_until(&mut stream, "/ignored")).await;
        stream.write_all(&body).await.unwrap();
        if head.contains("chunked") {
            stream.write_all(b"\r\n0\r\n\r\n").await.unwrap();
        }
    }
    stream.write_all(LAST).await.unwrap();
    assert!(soon(read_to_end(&mut stream)).await.ends_with("/last"));
}

#[tokio::test]
async fn c262_a_large_body_arrives_whole_however_often_its_reader_pauses() {
    const PIECES: usize = 192;
    const PIECE: usize = 64 * 1024;
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async {
        let (mut sender, body) = Body::channel();
        tokio::spawn(async move {
            for number in 0..PIECES {
                let piece = Bytes::from(vec![number as u8; PIECE]);
                sender.send(piece).await.unwrap();
            }
        });
        Response::new(body)
    })
    .unwrap();
    let address = listen(&server).await;
    let agent = ground.agent();
    let url = format!("https://localhost:{}/", address.port());
    let mut response = soon(agent.get(url.as_str())).await.unwrap();
    let mut count = 0;
    while let Some(piece) = soon(response.body_mut().chunk()).await.unwrap() {
        for octet in &piece {
            assert_eq!(usize::from(*octet), count / PIECE);
            count += 1;
        }
        // A pause: everybody else runs, and the sender meets a reader that does not read.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(count, PIECES * PIECE, "12 MiB");
}

/// Passes a connection on to `address` and keeps what comes back.
async fn relay(address: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = listener.local_addr().unwrap();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeps = Arc::clone(&kept);
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(address).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
            keeps.lock().unwrap().extend_from_slice(&buffer[..count]);
            to_client.write_all(&buffer[..count]).await.unwrap();
        }
    });
    (front, kept)
}

#[tokio::test]
async fn a_head_and_what_is_there_of_its_body_leave_in_one_record() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async {
        let (mut sender, body) = Body::channel();
        sender.send("one, ").await?;
        sender.send("two").await?;
        Ok::<_, sealane::Error>(Response::new(body))
    })
    .unwrap();
    let (address, kept) = relay(listen(&server).await).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    soon(read_until(&mut stream, "\r\n0\r\n\r\n")).await;
    // The handshake and its tickets have come before the first answer.
    let before = kept.lock().unwrap().len();
    stream.write_all(GET).await.unwrap();
    soon(read_until(&mut stream, "\r\n0\r\n\r\n")).await;
    let kept = kept.lock().unwrap();
    let record = &kept[before..];
    // RFC 8446 §5.1: a type, a version, and the length of what follows.
    let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
    assert_eq!(record.len(), 5 + length, "one record, whole");
}
