//! Which address wins, how long one is tried, and what is said when none does.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::{Race, TcpOptions, dial};
use crate::error::{ConnectAttempt, Error};
use crate::transport::attempts::{Attempts, Failure};

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(20);

fn options() -> TcpOptions {
    TcpOptions {
        local_address: None,
        local_port: None,
        spacing: Some(Duration::from_millis(250)),
        attempt_limit: None,
        patience: super::PATIENCE,
        no_delay: true,
        keep_alive: None,
    }
}

async fn dialled(
    addresses: Vec<SocketAddr>,
    what: &str,
    options: &TcpOptions,
) -> Result<TcpStream, Error> {
    let attempts = Attempts::default();
    let opened = timeout(LONG, dial(addresses, options, &attempts)).await;
    opened
        .expect("it ends")
        .ok_or_else(|| attempts.into_error(what))
}

/// An address where nobody listens: bound once, so that it is nobody else's.
async fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address")
}

async fn open() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

#[tokio::test]
async fn an_address_that_refuses_gives_way_to_the_next() {
    let (_listener, open) = open().await;
    let stream = dialled(vec![closed().await, open], "here", &options()).await;
    let stream = stream.expect("the second address answers");
    assert_eq!(stream.peer_addr().expect("an address"), open);
}

#[tokio::test]
async fn one_after_the_other_finds_the_one_that_answers() {
    let (_listener, open) = open().await;
    let options = TcpOptions {
        spacing: None,
        ..options()
    };
    let addresses = vec![closed().await, closed().await, open];
    let stream = dialled(addresses, "here", &options).await;
    let stream = stream.expect("the third address answers");
    assert_eq!(stream.peer_addr().expect("an address"), open);
}

#[tokio::test]
async fn when_all_refuse_the_error_names_each_and_keeps_it() {
    let (one, other) = (closed().await, closed().await);
    let error = dialled(vec![one, other], "a.example:1", &options()).await;
    let error = error.expect_err("nobody listens");
    assert_eq!(error.code(), Some("ECONNREFUSED"));
    let text = error.to_string();
    for part in ["a.example:1", &one.to_string(), &other.to_string()] {
        assert!(text.contains(part), "{text}");
    }
    let tried: Vec<_> = error
        .attempts()
        .iter()
        .map(ConnectAttempt::address)
        .collect();
    assert_eq!(tried, [one, other]);
    let mut codes = error.attempts().iter().map(ConnectAttempt::code);
    assert!(codes.all(|code| code == Some("ECONNREFUSED")));
}

/// The pause is an hour here: what waits for it does not end.
#[tokio::test]
async fn an_attempt_that_fails_beside_another_starts_the_next_at_once() {
    let (_listener, open) = open().await;
    let silent: SocketAddr = ([192, 0, 2, 1], 1).into();
    let refusing: SocketAddr = ([192, 0, 2, 2], 1).into();
    let refused = || Failure::Connect(std::io::ErrorKind::ConnectionRefused.into());
    let options = TcpOptions {
        spacing: Some(Duration::from_secs(3600)),
        ..options()
    };
    let attempts = Attempts::default();
    let mut race = Race::new(vec![open, open], &options, &attempts);
    let pending = Box::pin(std::future::pending());
    race.running.push((attempts.start(silent), pending));
    let failing = Box::pin(std::future::ready(Err(refused())));
    race.running.push((attempts.start(refusing), failing));
    let winning = timeout(LONG, poll_fn(|context| race.poll(context)));
    let stream = winning.await.expect("it starts").expect("it answers");
    assert_eq!(stream.peer_addr().expect("an address"), open);
    drop(race);
    let text = attempts.into_error("here").to_string();
    assert!(text.contains("192.0.2.2:1: connection refused"), "{text}");
}

/// A listener whose queue is full: nobody answers there, and nobody refuses.
#[cfg(target_os = "linux")]
struct Full {
    address: SocketAddr,
    _listener: std::net::TcpListener,
    _queue: Vec<std::net::TcpStream>,
}

#[cfg(target_os = "linux")]
fn full() -> Full {
    use socket2::{Domain, Socket, Type};

    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    socket.bind(&any.into()).expect("a port");
    socket.listen(1).expect("it listens");
    let listener = std::net::TcpListener::from(socket);
    let address = listener.local_addr().expect("an address");
    let connect = || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200));
    let queue = std::iter::from_fn(|| connect().ok()).take(16).collect();
    Full {
        address,
        _listener: listener,
        _queue: queue,
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_address_that_does_not_answer_has_a_pause_alone_or_a_limit() {
    let (_listener, open) = open().await;
    let full = full();
    let limit = Duration::from_millis(150);
    let limited = TcpOptions {
        attempt_limit: Some(limit),
        ..options()
    };
    let error = dialled(vec![full.address], "here", &limited).await;
    let error = error.expect_err("nobody answers");
    assert_eq!(error.code(), Some("ETIMEDOUT"));
    assert!(
        error.to_string().contains("no answer within 150ms"),
        "{error}"
    );

    let alone = TcpOptions {
        spacing: None,
        ..limited
    };
    for (options, least) in [(alone, limit), (options(), Duration::from_millis(250))] {
        let begun = Instant::now();
        let stream = dialled(vec![full.address, open], "here", &options).await;
        let stream = stream.expect("the second address answers");
        assert_eq!(stream.peer_addr().expect("an address"), open);
        assert!(begun.elapsed() >= least, "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn times_beyond_all_clocks_are_no_panic() {
    let (_listener, open) = open().await;
    for spacing in [Some(Duration::MAX), None] {
        let options = TcpOptions {
            spacing,
            attempt_limit: Some(Duration::MAX),
            patience: Duration::MAX,
            ..options()
        };
        let addresses = vec![closed().await, closed().await, open];
        let stream = dialled(addresses, "here", &options).await;
        stream.expect("the third address answers");
    }
}

#[tokio::test]
async fn an_address_that_is_not_ours_is_a_failure_to_bind() {
    let (_listener, open) = open().await;
    let options = TcpOptions {
        local_address: Some([192, 0, 2, 77].into()),
        ..options()
    };
    let error = dialled(vec![open], "here", &options).await;
    let error = error.expect_err("the address is nobody's");
    assert_eq!(error.code(), Some("EADDRNOTAVAIL"));
    let text = error.to_string();
    assert!(text.contains("cannot bind to 192.0.2.77:0"), "{text}");
}

#[tokio::test]
async fn a_connection_comes_from_the_address_and_port_that_were_said() {
    let (listener, open) = open().await;
    let port = closed().await.port();
    let options = TcpOptions {
        local_address: Some([127, 0, 0, 2].into()),
        local_port: Some(port),
        ..options()
    };
    let stream = dialled(vec![open], "here", &options).await;
    let _stream = stream.expect("it answers");
    let (_, peer) = listener.accept().await.expect("it came");
    assert_eq!(peer, SocketAddr::from(([127, 0, 0, 2], port)));
}

#[tokio::test]
async fn socket_options_are_set_as_they_were_said() {
    let (_listener, open) = open().await;
    for wanted in [true, false] {
        let options = TcpOptions {
            no_delay: wanted,
            keep_alive: wanted.then_some(Duration::from_millis(6500)),
            ..options()
        };
        let stream = dialled(vec![open], "here", &options).await;
        let stream = stream.expect("it answers");
        assert_eq!(stream.nodelay().expect("an option"), wanted);
        let socket = socket2::SockRef::from(&stream);
        assert_eq!(socket.keepalive().expect("an option"), wanted);
        #[cfg(target_os = "linux")]
        if wanted {
            let delay = socket.tcp_keepalive_time().expect("an option");
            assert_eq!(delay, Duration::from_secs(7));
        }
    }
}
