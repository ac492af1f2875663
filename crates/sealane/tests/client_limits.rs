//! Does every wait of a client end: connecting, the handshake, the head, a silent body?

mod support;

use std::future::pending;
use std::time::{Duration, Instant};

use http::{Method, Request, Response};
use sealane::{Agent, Body, Error, ErrorKind, Phase, RequestOptions, create_server};
use support::scripted::{Scripted, gone, read_request, say};
use support::{Ground, body_of, read_until, soon};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// The limits that must pass here.
const SHORT: Duration = Duration::from_millis(150);

/// Waits for the error of a request, and checks that it came in time.
async fn late(work: impl Future<Output = sealane::Result<Response<Body>>>) -> Error {
    let began = Instant::now();
    let error = soon(work).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(began.elapsed() >= SHORT, "too early: {error:?}");
    error
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_given_up() {
    let ground = Ground::new();
    // A full queue: the system then answers nobody who knocks.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(socket) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        queued.push(socket.unwrap());
        assert!(queued.len() < 100, "the queue has no end");
    }
    let agent = Agent::new(ground.agent_options().connect_timeout(SHORT)).unwrap();
    let error = late(agent.get(format!("https://{address}/"))).await;
    assert_eq!(error.code(), Some("ETIMEDOUT"), "{error:?}");
    assert_eq!(error.phase(), Phase::Connect, "{error:?}");
    assert!(error.replay_safe(), "{error:?}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn a_server_that_is_silent_in_the_handshake_is_given_up() {
    let ground = Ground::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let silent = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut octets = Vec::new();
        let _ = socket.read_to_end(&mut octets).await;
        octets.len()
    });
    let agent = Agent::new(ground.agent_options().handshake_timeout(SHORT)).unwrap();
    let error = late(agent.get(format!("https://{address}/"))).await;
    assert_eq!(error.code(), Some("ERR_TLS_HANDSHAKE_TIMEOUT"), "{error:?}");
    assert_eq!(error.phase(), Phase::Handshake, "{error:?}");
    assert!(error.replay_safe(), "{error:?}");
    assert_eq!(agent.total_socket_count(), 0);
    assert!(
        soon(silent).await.unwrap() > 0,
        "it was told, and then left"
    );
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        gone(&mut stream).await;
    })
    .await;
    let agent = Agent::new(ground.agent_options().head_timeout(SHORT)).unwrap();
    let error = late(agent.get(server.url("/"))).await;
    assert_eq!(error.code(), Some("ETIMEDOUT"), "{error:?}");
    assert_eq!(error.phase(), Phase::ReceiveHead, "{error:?}");
    assert!(!error.replay_safe(), "{error:?}");
    assert!(error.to_string().contains("150ms"), "{error}");
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn a_head_that_drips_does_not_outlast_its_limit() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        say(&mut stream, "HTTP/1.1 200 OK\r\n").await;
        loop {
            // Slow enough to be a head for hours, quick enough to count as life.
            tokio::time::sleep(Duration::from_millis(10)).await;
            say(&mut stream, "x-drip: drop\r\n").await;
        }
    })
    .await;
    let options = ground
        .agent_options()
        .head_timeout(SHORT)
        .inactivity_timeout(SHORT);
    let agent = Agent::new(options).unwrap();
    let error = late(agent.get(server.url("/"))).await;
    assert_eq!(error.code(), Some("ETIMEDOUT"), "{error:?}");
    assert_eq!(error.phase(), Phase::ReceiveHead, "{error:?}");
}

#[tokio::test]
async fn interim_responses_do_not_move_the_limit_of_the_head() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        for _ in 0..8 {
            say(&mut stream, "HTTP/1.1 102 Processing\r\n\r\n").await;
            tokio::time::sleep(SHORT / 4).await;
        }
        // Twice too late; in time, had each of them moved the limit.
        say(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        gone(&mut stream).await;
    })
    .await;
    let agent = Agent::new(ground.agent_options().head_timeout(SHORT)).unwrap();
    let error = late(agent.get(server.url("/"))).await;
    assert_eq!(error.phase(), Phase::ReceiveHead, "{error:?}");
}

#[tokio::test]
async fn a_body_that_falls_silent_is_given_up() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        say(
            &mut stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour",
        )
        .await;
        gone(&mut stream).await;
    })
    .await;
    let agent = Agent::new(ground.agent_options().inactivity_timeout(SHORT)).unwrap();
    let mut response = agent.get(server.url("/")).await.unwrap();
    assert_eq!(response.body_mut().chunk().await.unwrap().unwrap(), "four");
    let rest = async {
        response.body_mut().chunk().await?;
        Ok(Response::new(Body::empty()))
    };
    let error = late(rest).await;
    assert_eq!(error.code(), Some("ETIMEDOUT"), "{error:?}");
    assert_eq!(error.phase(), Phase::ReceiveBody, "{error:?}");
    assert!(error.to_string().contains("4 of 10 octets"), "{error}");
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn a_body_that_drips_is_alive() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        say(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n").await;
        for _ in 0..20 {
            tokio::time::sleep(SHORT / 10).await;
            say(&mut stream, ".").await;
        }
        gone(&mut stream).await;
    })
    .await;
    let agent = Agent::new(ground.agent_options().inactivity_timeout(SHORT)).unwrap();
    let mut response = agent.get(server.url("/")).await.unwrap();
    assert_eq!(soon(body_of(&mut response)).await.len(), 20);
}

#[tokio::test]
async fn a_body_that_its_reader_leaves_alone_is_not_silent() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        say(
            &mut stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour",
        )
        .await;
        tokio::time::sleep(SHORT + SHORT).await;
        say(&mut stream, " times").await;
        gone(&mut stream).await;
    })
    .await;
    let agent = Agent::new(ground.agent_options().inactivity_timeout(SHORT)).unwrap();
    let mut response = agent.get(server.url("/")).await.unwrap();
    assert_eq!(response.body_mut().chunk().await.unwrap().unwrap(), "four");
    tokio::time::sleep(SHORT + SHORT).await;
    assert_eq!(soon(body_of(&mut response)).await, b" times");
}

#[tokio::test]
async fn an_upload_that_nobody_takes_is_given_up() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        pending::<()>().await;
    })
    .await;
    let agent = Agent::new(ground.agent_options().inactivity_timeout(SHORT)).unwrap();
    let options = RequestOptions::new(server.url("/")).method(Method::POST);
    let request = agent.request(options).unwrap();
    let error = late(request.end_with(vec![7; 64 << 20])).await;
    assert_eq!(error.code(), Some("ETIMEDOUT"), "{error:?}");
    assert!(!error.replay_safe(), "{error:?}");
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn a_request_has_its_own_limits() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        gone(&mut stream).await;
    })
    .await;
    let agent = ground.agent();
    let plain = || RequestOptions::new(server.url("/"));
    for options in [plain().timeout(SHORT), plain().head_timeout(SHORT)] {
        let error = late(agent.get(options)).await;
        assert_eq!(error.phase(), Phase::ReceiveHead, "{error:?}");
    }
    // None takes a limit of the agent's away.
    let hasty = Agent::new(ground.agent_options().head_timeout(SHORT)).unwrap();
    let patient = hasty.get(plain().head_timeout(None));
    let outcome = tokio::time::timeout(SHORT * 3, patient).await;
    assert!(outcome.is_err(), "{outcome:?}");
}

/// Nobody reads the echo while it is written, so both sides stop: until a limit passes.
#[tokio::test]
async fn an_echo_that_is_only_written_to_does_not_hang_for_ever() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        Response::new(request.into_body())
    })
    .unwrap();
    let url = format!("https://{}/", server.listen("127.0.0.1:0").await.unwrap());
    let agent = Agent::new(ground.agent_options().inactivity_timeout(SHORT)).unwrap();
    let options = RequestOptions::new(url).method(Method::POST);
    let mut request = agent.request(options).unwrap();
    let writing = async {
        for _ in 0..512 {
            request.write(vec![7; 64 << 10]).await?;
        }
        request.end().await
    };
    let error = late(writing).await;
    assert_eq!(error.phase(), Phase::SendBody, "{error:?}");
    assert_eq!(agent.total_socket_count(), 0);
}
