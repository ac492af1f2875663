//! Is any answer lost that a closing server had begun? Sixty-four clients ask without a pause, and
//! the server closes at a moment of its own.
//!
//! Three rounds; `SEALANE_ROUNDS` asks for more.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Request, Response};
use sealane::{Body, Server, create_server};
use support::octets::{in_pieces, octets_of};
use support::{Ground, listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// What clients saw in one round.
#[derive(Debug, Default)]
struct Seen {
    whole: AtomicUsize,
    /// Began, and did not end as it said.
    broken: AtomicUsize,
    /// Asked on a connection that had rested, and not answered at all: a client may repeat it.
    unanswered: AtomicUsize,
    /// Asked right after the handshake, and not answered at all.
    lost: AtomicUsize,
}

/// How one request ended.
enum Outcome {
    Whole { last: bool },
    Broken,
    Nothing,
}

/// Answers with octets that the path chooses, some at once and some in pieces.
async fn answer(request: Request<Body>) -> Response<Body> {
    let seed: u64 = request.uri().path()[1..].parse().unwrap();
    if seed.is_multiple_of(3) {
        tokio::time::sleep(Duration::from_millis(seed % 7)).await;
    }
    let octets = octets_of(seed);
    Response::new(match seed % 2 {
        0 => in_pieces(octets),
        _ => octets.into(),
    })
}

async fn client(ground: Arc<Ground>, address: SocketAddr, seen: Arc<Seen>, first_seed: u64) {
    let mut seed = first_seed;
    while let Ok(mut stream) = ground.try_connect(address).await {
        let mut fresh = true;
        loop {
            seed += 1;
            let counter = match ask(&mut stream, seed).await {
                Outcome::Whole { last } => {
                    seen.whole.fetch_add(1, Ordering::Relaxed);
                    if last {
                        break;
                    }
                    fresh = false;
                    continue;
                }
                Outcome::Broken => &seen.broken,
                Outcome::Nothing if fresh => &seen.lost,
                Outcome::Nothing => &seen.unanswered,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            break;
        }
    }
}

/// Asks once, and reads what comes to its end.
async fn ask(stream: &mut TlsStream<TcpStream>, seed: u64) -> Outcome {
    let request = format!("GET /{seed} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    if stream.write_all(request.as_bytes()).await.is_err() {
        return Outcome::Nothing;
    }
    let mut octets = Vec::new();
    let mut space = vec![0; 1 << 16];
    loop {
        if let Some(last) = is_whole(&octets, seed) {
            return Outcome::Whole { last };
        }
        match stream.read(&mut space).await {
            Ok(count) if count > 0 => octets.extend_from_slice(&space[..count]),
            _ if octets.is_empty() => return Outcome::Nothing,
            _ => return Outcome::Broken,
        }
    }
}

/// Whether these octets are the whole answer, and then whether it is the connection's last.
fn is_whole(octets: &[u8], seed: u64) -> Option<bool> {
    let end = octets.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&octets[..end]).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let body = if head.contains("transfer-encoding: chunked\r\n") {
        let rest = octets[end..].strip_suffix(b"0\r\n\r\n")?;
        without_chunks(rest)?
    } else {
        octets[end..].to_vec()
    };
    let expected = octets_of(seed);
    if body.len() < expected.len() {
        return None;
    }
    assert!(body == expected, "other octets for {seed}");
    Some(head.contains("connection: close\r\n"))
}

/// What is in chunks, if they are whole.
fn without_chunks(mut octets: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while !octets.is_empty() {
        let line = octets.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&octets[..line]).ok()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        body.extend_from_slice(octets.get(line + 2..line + 2 + size)?);
        octets = octets.get(line + size + 4..)?;
    }
    Some(body)
}

async fn round(ground: &Arc<Ground>, number: u64) -> Seen {
    let server: Server = create_server(ground.options(), answer).unwrap();
    let address = listen(&server).await;
    let seen = Arc::new(Seen::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|place| {
            let first_seed = (number * CLIENTS + place) * 10_000;
            let (ground, seen) = (Arc::clone(ground), Arc::clone(&seen));
            tokio::spawn(client(ground, address, seen, first_seed))
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(some_moment(number))).await;
    let cut = server.close_within(Duration::from_secs(60)).await.unwrap();
    assert_eq!(cut, 0, "round {number}: nothing had to be cut");
    for client in clients {
        client.await.unwrap();
    }
    Arc::into_inner(seen).unwrap()
}

/// A moment in the first fifth of a second, another one each time.
fn some_moment(number: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (u64::from(now.subsec_nanos()) / 1000 + number * 37) % 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closing_server_loses_no_answer_that_it_had_begun() {
    let rounds = std::env::var("SEALANE_ROUNDS").map_or(3, |rounds| rounds.parse().unwrap());
    let ground = Arc::new(Ground::new());
    let mut whole = 0;
    for number in 0..rounds {
        let seen = round(&ground, number).await;
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        assert_eq!(count(&seen.broken), 0, "round {number}: {seen:?}");
        assert_eq!(count(&seen.lost), 0, "round {number}: {seen:?}");
        whole += count(&seen.whole);
    }
    assert!(whole > 0, "nobody was answered");
}

const CLIENTS: u64 = 64;
