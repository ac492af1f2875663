//! Which address wins, and what is said when none does.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;

use super::{Race, dial};

/// An address where nobody listens: bound once, so that it is nobody else's.
async fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address")
}

#[tokio::test]
async fn an_address_that_refuses_gives_way_to_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let open = listener.local_addr().expect("an address");
    let stream = dial(vec![closed().await, open], "here", true).await;
    let stream = stream.expect("the second address answers");
    assert_eq!(stream.peer_addr().expect("an address"), open);
}

#[tokio::test]
async fn when_all_refuse_the_error_names_each() {
    let (one, other) = (closed().await, closed().await);
    let error = dial(vec![one, other], "a.example:1", true).await;
    let error = error.expect_err("nobody listens");
    assert_eq!(error.code(), Some("ECONNREFUSED"));
    let text = error.to_string();
    for part in ["a.example:1", &one.to_string(), &other.to_string()] {
        assert!(text.contains(part), "{text}");
    }
}

/// The pause is an hour here: what waits for it does not end.
#[tokio::test]
async fn an_attempt_that_fails_beside_another_starts_the_next_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let open = listener.local_addr().expect("an address");
    let silent: SocketAddr = ([192, 0, 2, 1], 1).into();
    let refusing: SocketAddr = ([192, 0, 2, 2], 1).into();
    let refused = std::future::ready(Err(io::ErrorKind::ConnectionRefused.into()));
    let mut race = Race::new(vec![open]);
    race.running
        .push((silent, Box::pin(std::future::pending())));
    race.running.push((refusing, Box::pin(refused)));
    race.pause
        .as_mut()
        .reset(Instant::now() + Duration::from_secs(3600));
    let winning = tokio::time::timeout(
        Duration::from_secs(20),
        poll_fn(|context| race.poll(context)),
    );
    let stream = winning.await.expect("it starts").expect("it answers");
    assert_eq!(stream.peer_addr().expect("an address"), open);
    assert_eq!(race.failures.len(), 1);
}
