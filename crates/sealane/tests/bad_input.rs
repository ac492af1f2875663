//! Does bad input end in time with the right answer, while the server goes on serving?

mod support;

use std::time::Duration;

use http::{Request, Response};
use sealane::{Body, Server, create_server};
use support::{Ground, listen, read_to_end};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn count(mut request: Request<Body>) -> sealane::Result<Response<String>> {
    let mut length = 0;
    while let Some(chunk) = request.body_mut().chunk().await? {
        length += chunk.len();
    }
    Ok(Response::new(format!("{length}")))
}

/// A server whose deadlines are short, since these tests wait for them.
fn impatient(ground: &Ground) -> Server {
    let moment = Duration::from_millis(300);
    let options = ground
        .options()
        .handshake_timeout(moment)
        .headers_timeout(moment)
        .request_timeout(moment)
        .keep_alive_timeout(moment);
    create_server(options, count).unwrap()
}

async fn assert_serves(ground: &Ground, address: std::net::SocketAddr) {
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = ground.say(address, request).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 "),
        "the server no longer serves: {answer}"
    );
}

#[tokio::test]
async fn late_requests_are_answered_408() {
    let ground = Ground::new();
    let server = impatient(&ground);
    let address = listen(&server).await;
    for start in [
        "",
        "\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
    ] {
        let answer = ground.say(address, start.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
            "{start:?}: {answer}"
        );
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
    assert_serves(&ground, address).await;
}

#[tokio::test]
async fn a_resting_connection_is_ended_without_a_word() {
    let ground = Ground::new();
    let server = impatient(&ground);
    let address = listen(&server).await;
    let answer = ground
        .say(address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn silent_connections_end_and_the_server_goes_on() {
    let ground = Ground::new();
    let server = impatient(&ground);
    let address = listen(&server).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    assert_serves(&ground, address).await;
    for mut stream in silent {
        assert_eq!(
            stream.read(&mut [0; 16]).await.unwrap_or(0),
            0,
            "ended by the server"
        );
    }
    assert_serves(&ground, address).await;
}

#[tokio::test]
async fn garbage_instead_of_a_handshake_gets_an_alert() {
    let ground = Ground::new();
    let server = impatient(&ground);
    let address = listen(&server).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"\x80\x01\x02 this is not TLS at all, whatever it is")
        .await
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer.first(), Some(&21), "a TLS alert record: {answer:?}");
    assert_serves(&ground, address).await;
}

#[tokio::test]
async fn a_client_hello_that_never_ends_gets_an_alert_and_no_memory() {
    let ground = Ground::new();
    let server = impatient(&ground);
    let address = listen(&server).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Full records of one message that says it is 16 MiB long (RFC 8446 §4, §5.1).
    let record = [
        &[22, 3, 1, 0x40, 0][..],
        &[1, 0xff, 0xff, 0xff],
        &[0; 0x4000 - 4],
    ]
    .concat();
    let more = [&[22, 3, 1, 0x40, 0][..], &[0; 0x4000]].concat();
    let (mut reader, mut writer) = stream.split();
    let sending = async {
        let _ = writer.write_all(&record).await;
        for _ in 0..60 {
            let _ = writer.write_all(&more).await;
        }
    };
    let mut answer = Vec::new();
    let (_, read) = tokio::join!(sending, reader.read_to_end(&mut answer));
    read.unwrap();
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 50], "a fatal decode_error");
    assert_serves(&ground, address).await;
}

#[tokio::test]
async fn plain_http_on_the_tls_port_gets_a_readable_400() {
    let ground = Ground::new();
    let server = impatient(&ground);
    let address = listen(&server).await;
    for pieces in [
        vec!["GET /secret HTTP/1.1\r\nHost: a\r\n\r\n"],
        vec!["PO", "ST", " /secret"],
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for piece in pieces {
            stream.write_all(piece.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{answer}"
        );
        assert!(answer.contains("HTTPS"), "{answer}");
        assert!(
            !answer.contains("secret"),
            "nothing of the request is reflected: {answer}"
        );
    }
    assert_serves(&ground, address).await;
}

#[tokio::test]
async fn a_client_without_a_common_alpn_protocol_gets_the_alert() {
    let ground = Ground::new();
    let server = impatient(&ground);
    let address = listen(&server).await;
    let output = tokio::process::Command::new("openssl")
        .args([
            "s_client",
            "-alpn",
            "spdy/1",
            "-connect",
            &address.to_string(),
        ])
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .unwrap();
    let trace = String::from_utf8_lossy(&output.stderr);
    assert!(trace.contains("no application protocol"), "{trace}");
}

#[tokio::test]
async fn an_endless_head_is_answered_431_and_the_answer_survives() {
    let ground = Ground::new();
    let server = impatient(&ground);
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let (mut reader, mut writer) = tokio::io::split(&mut stream);
    let sending = async {
        let _ = writer.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX: ").await;
        let _ = writer.write_all(&vec![b'x'; 1 << 20]).await;
    };
    let mut octets = Vec::new();
    let (_, read) = tokio::join!(sending, reader.read_to_end(&mut octets));
    read.unwrap();
    assert!(
        octets.starts_with(b"HTTP/1.1 431 "),
        "{}",
        String::from_utf8_lossy(&octets)
    );
    assert_serves(&ground, address).await;
}

#[tokio::test]
async fn an_error_after_a_good_request_leaves_the_good_answer() {
    let ground = Ground::new();
    let server = impatient(&ground);
    let address = listen(&server).await;
    let requests = b"GET /good HTTP/1.1\r\nHost: a\r\n\r\nG(T / HTTP/1.1\r\n\r\n";
    let mut stream = ground.connect(address).await;
    stream.write_all(requests).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 400 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_peer_that_vanishes_in_the_handshake_costs_nothing() {
    let ground = Ground::new();
    let server = impatient(&ground);
    let address = listen(&server).await;
    for octets in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"",
        b"\x16",
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(octets).await.unwrap();
        stream.set_zero_linger().unwrap();
    }
    assert_serves(&ground, address).await;
    server.close().await.unwrap();
}

/// A peer may send a handshake message in parts, and rustls then keeps offsets into the octets it
/// has been given; forgetting those octets at the end of the stream made the answer panic.
#[tokio::test]
async fn half_a_handshake_message_before_the_end_of_the_stream_costs_no_answer() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async {
        let (mut sender, body) = Body::channel();
        tokio::spawn(async move {
            // Long enough for what follows the request to have arrived.
            tokio::time::sleep(Duration::from_millis(100)).await;
            sender.send(vec![b'a'; ANSWER]).await
        });
        Response::new(body)
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect_open(address).await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let (mut socket, session) = stream.into_inner();
    // The first octet of a KeyUpdate (RFC 8446 §4.6.3), and nothing more.
    socket
        .write_all(&support::seal_by_hand(session, &[24]))
        .await
        .unwrap();
    socket.shutdown().await.unwrap();
    let mut records = Vec::new();
    socket.read_to_end(&mut records).await.unwrap();
    assert!(
        records.len() > ANSWER,
        "the answer is missing: {} octets came",
        records.len()
    );
    assert_serves(&ground, address).await;
}

/// Longer than all that TLS itself may send behind the handshake.
const ANSWER: usize = 10_000;
