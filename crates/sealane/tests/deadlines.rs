//! Does every deadline come, does it blame nobody who is not to blame, and is the client told?

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use sealane::{Body, BodyRate, Deadline, Event, Observer, Server, ServerOptions, create_server};
use socket2::SockRef;
use support::{Ground, listen, read_until, soon, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::client::TlsStream;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// So short that a test can wait for it.
const SHORT: Duration = Duration::from_millis(200);

/// So long that no test meets it.
const LONG: Duration = Duration::from_secs(60);

/// What a server has told of deadlines and ends.
#[derive(Clone, Default)]
struct Told {
    deadlines: Arc<Mutex<Vec<Deadline>>>,
    ends: Arc<Mutex<Vec<u64>>>,
}

impl Told {
    fn deadlines(&self) -> Vec<Deadline> {
        self.deadlines.lock().unwrap().clone()
    }
}

impl Observer for Told {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Timeout(timed_out) => {
                self.deadlines.lock().unwrap().push(timed_out.deadline());
            }
            Event::Close(closed) => self.ends.lock().unwrap().push(closed.requests()),
            _ => {}
        }
    }
}

/// Reads the whole body and says how much it was, or with which code it failed.
async fn count(mut request: Request<Body>) -> Response<String> {
    let mut length = 0;
    loop {
        match request.body_mut().chunk().await {
            Ok(Some(chunk)) => length += chunk.len(),
            Ok(None) => return Response::new(format!("{length} octets")),
            Err(error) => return Response::new(error.code().unwrap_or("no code").to_owned()),
        }
    }
}

/// Never answers.
async fn silent(_: Request<Body>) -> Response<Body> {
    std::future::pending().await
}

#[tokio::test]
async fn inactivity_answers_408_to_a_request_that_stays_incomplete() {
    let ground = Ground::new();
    let told = Told::default();
    let options = ground.options().timeout(SHORT).observer(told.clone());
    let server = create_server(options, count).unwrap();
    let address = listen(&server).await;
    for start in [
        "GET / HT",
        "\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
    ] {
        let answer = soon(ground.say(address, start.as_bytes())).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{start:?}: {answer}");
    }
    assert_eq!(told.deadlines(), [Deadline::Inactivity; 3]);
}

#[tokio::test]
async fn c083_inactivity_ends_an_unanswered_request_without_a_word() {
    let ground = Ground::new();
    let options = ground.options().timeout(Duration::from_millis(60));
    let server = create_server(options, silent).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    let mut octets = Vec::new();
    let end = soon(stream.read_to_end(&mut octets)).await;
    assert!(end.is_err(), "no close_notify: it looks as cut as it is");
    assert!(octets.is_empty(), "{}", String::from_utf8_lossy(&octets));
}

#[tokio::test]
async fn inactivity_ends_connections_that_rest_or_have_never_asked() {
    let ground = Ground::new();
    let options = ground.options().timeout(SHORT).keep_alive_timeout(LONG);
    let server = create_server(options, count).unwrap();
    let address = listen(&server).await;
    assert_eq!(soon(ground.say(address, b"")).await, "");
    let answer = soon(ground.say(address, GET)).await;
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
}

#[tokio::test]
async fn octets_either_way_are_activity() {
    let ground = Ground::new();
    let options = ground.options().timeout(SHORT * 2);
    let server = create_server(options, |request: Request<Body>| async move {
        Response::new(request.into_body())
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n";
    stream.write_all(head).await.unwrap();
    for octet in b"activity" {
        tokio::time::sleep(SHORT).await;
        stream.write_all(&[*octet]).await.unwrap();
    }
    soon(read_until(&mut stream, "activity")).await;
}

/// Asks for much, reads nothing until the server has told of a deadline, then reads all there is.
async fn taken_late(ground: &Ground, address: SocketAddr, told: &Told) -> usize {
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    until(|| !told.deadlines().is_empty()).await;
    let mut octets = Vec::new();
    let _ = soon(stream.read_to_end(&mut octets)).await;
    octets.len()
}

fn large(options: ServerOptions) -> Server {
    let large = Bytes::from(vec![b'x'; LARGE]);
    create_server(options, move |_| {
        let large = large.clone();
        async move { Response::new(large) }
    })
    .unwrap()
}

/// More than the system keeps for two ends of a connection.
const LARGE: usize = 64 << 20;

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_and_the_system_keeps_nothing_for_it() {
    let ground = Ground::new();
    let told = Told::default();
    let options = ground.options().write_timeout(SHORT).observer(told.clone());
    let server = large(options);
    let address = listen(&server).await;
    let taken = taken_late(&ground, address, &told).await;
    assert!(taken < LARGE / 2, "{taken} octets came");
    assert_eq!(told.deadlines(), [Deadline::Write]);
    until(|| *told.ends.lock().unwrap() == [1]).await;
}

#[tokio::test]
async fn a_response_that_has_nothing_to_send_is_no_stall() {
    let ground = Ground::new();
    let options = ground.options().write_timeout(SHORT);
    let server = create_server(options, |_| async {
        let (mut sender, body) = Body::channel();
        tokio::spawn(async move {
            sender.send("first ").await.unwrap();
            tokio::time::sleep(SHORT * 4).await;
            sender.send("last").await.unwrap();
        });
        Response::new(body)
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    soon(read_until(&mut stream, "4\r\nlast\r\n0\r\n\r\n")).await;
}

#[tokio::test]
async fn a_client_that_reads_on_gets_all_however_long_it_takes() {
    let ground = Ground::new();
    let server = large(ground.options().write_timeout(SHORT * 3));
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    let (mut total, mut buffer, began) = (0, vec![0; 256 << 10], Instant::now());
    while total < LARGE {
        total += soon(stream.read(&mut buffer)).await.unwrap();
        // Pauses that add up to more than the limit, none of which is as long.
        if total % (4 << 20) < 16 << 10 && began.elapsed() < SHORT * 6 {
            tokio::time::sleep(SHORT / 4).await;
        }
    }
}

/// The system's own buffers hold megabytes: that all of it has to leave before more is asked for
/// makes no steady reader a silent one.
#[tokio::test]
async fn a_client_that_reads_slowly_but_steadily_is_not_cut() {
    let ground = Ground::new();
    let told = Told::default();
    let limit = SHORT * 10;
    let options = ground.options().write_timeout(limit).timeout(limit);
    let server = large(options.observer(told.clone()));
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    let (mut buffer, began) = (vec![0; 16 << 10], Instant::now());
    while began.elapsed() < limit * 4 {
        soon(stream.read_exact(&mut buffer)).await.unwrap();
        tokio::time::sleep(SHORT / 4).await;
    }
    assert_eq!(told.deadlines(), []);
}

/// A rate that is judged soon.
fn brisk() -> BodyRate {
    BodyRate::new(10_000).window(SHORT).grace(SHORT)
}

const UPLOAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";

#[tokio::test]
async fn a_body_that_comes_in_sips_is_answered_408_and_fails_its_reader() {
    let ground = Ground::new();
    let told = Told::default();
    let options = ground
        .options()
        .min_body_rate(brisk())
        .observer(told.clone());
    let (sender, mut failures) = mpsc::unbounded_channel();
    let server = create_server(options, move |request: Request<Body>| {
        let sender = sender.clone();
        async move {
            // In a task of its own, for the handler ends with its exchange.
            let reading = tokio::spawn(async move {
                let text = count(request).await.into_body();
                sender.send(text).unwrap();
            });
            reading.await.unwrap();
            std::future::pending::<Response<Body>>().await
        }
    })
    .unwrap();
    let address = listen(&server).await;
    let stream = ground.connect(address).await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    writer.write_all(UPLOAD).await.unwrap();
    let sipping = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() && writer.flush().await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    });
    let answer = soon(read_until(&mut reader, "\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(failures.recv().await.unwrap(), "ERR_HTTP_REQUEST_TIMEOUT");
    assert_eq!(told.deadlines(), [Deadline::BodyRate]);
    sipping.abort();
}

#[tokio::test]
async fn a_body_that_its_handler_does_not_read_is_not_too_slow() {
    let ground = Ground::new();
    let options = ground.options().min_body_rate(brisk());
    let server = create_server(options, |request: Request<Body>| async move {
        tokio::time::sleep(SHORT * 6).await;
        count(request).await
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(UPLOAD).await.unwrap();
    stream.write_all(&vec![b'x'; 1_000_000]).await.unwrap();
    soon(read_until(&mut stream, "1000000 octets")).await;
}

#[tokio::test]
async fn a_body_whose_reader_pauses_with_room_left_is_not_too_slow() {
    let ground = Ground::new();
    let options = ground.options().min_body_rate(brisk());
    let server = create_server(options, |mut request: Request<Body>| async move {
        request.body_mut().chunk().await.unwrap();
        tokio::time::sleep(SHORT * 6).await;
        count(request).await
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(UPLOAD).await.unwrap();
    stream.write_all(b"x").await.unwrap();
    tokio::time::sleep(SHORT * 5).await;
    stream.write_all(&vec![b'x'; 999_999]).await.unwrap();
    soon(read_until(&mut stream, " octets")).await;
}

#[tokio::test]
async fn a_client_that_awaits_100_is_not_too_slow() {
    let ground = Ground::new();
    let options = ground.options().min_body_rate(brisk());
    let server = create_server(options, |request: Request<Body>| async move {
        tokio::time::sleep(SHORT * 6).await;
        count(request).await
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    stream.write_all(head).await.unwrap();
    soon(read_until(&mut stream, "100 Continue\r\n\r\n")).await;
    stream.write_all(b"body").await.unwrap();
    soon(read_until(&mut stream, "4 octets")).await;
}

/// While a client takes no answer its request is not read on either, and when what comes afterwards
/// was sent cannot be known: that time does not count.
#[tokio::test]
async fn a_request_that_waited_behind_unread_octets_has_its_time_still() {
    let ground = Ground::new();
    let limit = SHORT * 3;
    let options = ground
        .options()
        .headers_timeout(limit)
        .request_timeout(limit);
    let server = create_server(options, |request: Request<Body>| async move {
        Response::new(request.into_body())
    })
    .unwrap();
    let (mut reader, mut writer) = tokio::io::split(narrow(&ground, &server).await);
    let length = 1 << 20;
    let writing = tokio::spawn(async move {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        writer.write_all(head.as_bytes()).await?;
        writer.write_all(&vec![b'x'; length]).await?;
        writer.flush().await?;
        Ok::<_, std::io::Error>(writer)
    });
    tokio::time::sleep(limit * 2).await;
    assert!(!writing.is_finished(), "the octets wait where they should");
    soon(read_until(&mut reader, "\r\n\r\n")).await;
    let (mut total, mut buffer) = (0, vec![0; 256 << 10]);
    while total < length {
        let read = soon(reader.read(&mut buffer)).await.unwrap();
        assert_ne!(read, 0, "ended after {total} octets");
        total += read;
    }
    drop(writing.await.unwrap().unwrap());
}

/// A connection for which the system keeps little at either end.
async fn narrow(ground: &Ground, server: &Server) -> TlsStream<TcpStream> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = SockRef::from(&listener);
    socket.set_recv_buffer_size(16 << 10).unwrap();
    socket.set_send_buffer_size(16 << 10).unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = tokio::task::spawn_blocking(move || listener.accept().unwrap().0);
    let adopting = async { server.adopt(accepting.await.unwrap()).unwrap() };
    let (stream, ()) = tokio::join!(ground.connect(address), adopting);
    let socket = SockRef::from(stream.get_ref().0);
    socket.set_recv_buffer_size(16 << 10).unwrap();
    socket.set_send_buffer_size(16 << 10).unwrap();
    stream
}
