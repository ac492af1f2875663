//! Kept connections whose server ends them at any moment: what reaches the caller, and is it true?
//!
//! The usual form is short; `SEALANE_RACE=20000` asks for as many requests of each kind.

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, Response};
use sealane::{Agent, Body, Error, RequestOptions};
use support::scripted::{Scripted, Stream, say};
use support::{Ground, facts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// How often a request, by its number, has been seen: any octet of its record, and whole.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    begun: usize,
    served: usize,
}

/// What the server has seen.
#[derive(Default)]
struct Ledger {
    requests: Mutex<HashMap<usize, Seen>>,
    dice: AtomicU64,
    /// It reads to the end whatever it ends, so it sees all that has left.
    thorough: bool,
}

impl Ledger {
    /// A number below `below`, the next of a fixed row.
    fn roll(&self, below: u64) -> u64 {
        let step = self
            .dice
            .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mixed = (step ^ (step >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((mixed ^ (mixed >> 27)) >> 16) % below
    }

    fn note(&self, text: &str, served: bool) {
        let Some(number) = number_of(text) else {
            return;
        };
        let mut requests = self.requests.lock().unwrap();
        let seen = requests.entry(number).or_default();
        seen.begun += 1;
        seen.served += usize::from(served);
    }

    fn of(&self, number: usize) -> Seen {
        let requests = self.requests.lock().unwrap();
        requests.get(&number).copied().unwrap_or_default()
    }
}

/// The number in `GET /17 HTTP/1.1`.
fn number_of(text: &str) -> Option<usize> {
    let path = text.split(' ').nth(1)?;
    path.strip_prefix('/')?.parse().ok()
}

/// Answers, and ends a connection that has rested for 0 to 20 ms, in one of three manners.
async fn impatient(mut stream: Stream, ledger: Arc<Ledger>) {
    let mut text = Vec::new();
    let mut rests = false;
    loop {
        let patience = match rests {
            true => Duration::from_micros(ledger.roll(20_000)),
            false => Duration::from_secs(20),
        };
        let mut octets = [0; 4096];
        let Ok(read) = timeout(patience, stream.read(&mut octets)).await else {
            return end(stream, &ledger).await;
        };
        match read {
            Ok(0) | Err(_) => return,
            Ok(count) => text.extend_from_slice(&octets[..count]),
        }
        let request = String::from_utf8_lossy(&text);
        rests = is_whole(&request);
        if rests {
            ledger.note(&request, true);
            text.clear();
            say(
                &mut stream,
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            )
            .await;
        }
    }
}

/// Ends a connection, and looks at what was on its way then.
async fn end(mut stream: Stream, ledger: &Ledger) {
    match ledger.roll(3) {
        // What has come and was not read makes a reset of it.
        0 if !ledger.thorough => return drop(stream),
        1 => drop(stream.shutdown().await),
        // Ends TCP without a word.
        _ => drop(stream.get_mut().0.shutdown().await),
    }
    let mut late = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut late)).await;
    ledger.note(&String::from_utf8_lossy(&late), false);
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// How many requests to send.
fn amount() -> usize {
    std::env::var("SEALANE_RACE").map_or(1_000, |text| text.parse().unwrap())
}

/// Sends numbered requests from 16 tasks, and hands each outcome on.
async fn race<F, Fut>(request: F) -> Vec<(usize, Result<bool, Error>)>
where
    F: Fn(usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<bool, Error>> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let most = amount();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (next, request) = (Arc::clone(&next), request.clone());
            tokio::spawn(async move {
                let mut outcomes = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= most {
                        return outcomes;
                    }
                    outcomes.push((number, request(number).await));
                    // Some rest as long as the server's patience lasts, some do not rest at all.
                    if number % 3 == 0 {
                        tokio::time::sleep(Duration::from_millis(number as u64 % 23)).await;
                    }
                }
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.extend(task.await.unwrap());
    }
    outcomes
}

async fn start(ground: &Ground, thorough: bool) -> (Scripted, Arc<Ledger>, Agent) {
    let ledger = Arc::new(Ledger {
        thorough,
        ..Ledger::default()
    });
    let theirs = Arc::clone(&ledger);
    let server = Scripted::start(ground.server_config(), move |stream, _| {
        impatient(stream, Arc::clone(&theirs))
    })
    .await;
    (server, ledger, ground.agent())
}

/// Reads the answer, and says whether its connection had rested.
async fn read(mut response: Response<Body>) -> Result<bool, Error> {
    let mut octets = Vec::new();
    while let Some(piece) = response.body_mut().chunk().await? {
        octets.extend_from_slice(&piece);
    }
    assert_eq!(octets, b"ok");
    Ok(facts(&response).reused())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_get_fails_whenever_its_server_ends_resting_connections() {
    let ground = Ground::new();
    let (server, ledger, agent) = start(&ground, false).await;
    let address = server.address();
    let outcomes = race(move |number| {
        let agent = agent.clone();
        async move { read(agent.get(format!("https://{address}/{number}")).await?).await }
    })
    .await;
    let mut reused = 0;
    for (number, outcome) in outcomes {
        let rested = outcome.unwrap_or_else(|error| panic!("GET {number}: {error:?}"));
        reused += usize::from(rested);
        assert!(ledger.of(number).served >= 1, "GET {number}");
    }
    // Otherwise nothing was raced for.
    assert!(reused > amount() / 10, "{reused} reused");
}

/// Sends POSTs, checks each outcome against what the server saw; gives those that failed.
async fn post_and_check(thorough: bool) -> Vec<(Seen, Error)> {
    let ground = Ground::new();
    let (server, ledger, agent) = start(&ground, thorough).await;
    let address = server.address();
    let outcomes = race(move |number| {
        let agent = agent.clone();
        async move {
            let options = RequestOptions::new(format!("https://{address}/{number}"));
            let request = agent.request(options.method(Method::POST))?;
            read(request.end_with("once").await?).await
        }
    })
    .await;
    let mut failed = Vec::new();
    for (number, outcome) in outcomes {
        let seen = ledger.of(number);
        match outcome {
            Ok(_) => assert_eq!((seen.begun, seen.served), (1, 1), "POST {number}"),
            Err(error) => {
                assert!(seen.begun <= 1, "POST {number} twice: {seen:?}, {error:?}");
                assert!(
                    seen.begun == 0 || !error.replay_safe(),
                    "POST {number} was seen, and its failure says it had not left: {error:?}"
                );
                assert_eq!(error.code(), Some("ECONNRESET"), "POST {number}: {error:?}");
                failed.push((seen, error));
            }
        }
    }
    assert!(failed.len() < amount() / 2, "{} failed", failed.len());
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_is_seen_once_at_most_and_never_after_a_failure_that_says_it_had_not_left() {
    post_and_check(false).await;
}

/// The other half of the truth: what is said to have left can be found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_that_says_its_post_may_have_left_is_right() {
    for (seen, error) in post_and_check(true).await {
        let left = !error.replay_safe();
        assert_eq!(left, seen.begun == 1, "{seen:?}: {error:?}");
    }
}
