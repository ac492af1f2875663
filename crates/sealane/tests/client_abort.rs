//! A request that is called off: in each of its phases, with what is left of it.

mod support;

use std::error::Error as _;
use std::time::Duration;

use http::Method;
use sealane::{AbortController, AbortSignal, Agent, Body, ErrorKind, Phase, RequestOptions};
use support::asking::{OK, fetch};
use support::scripted::{Scripted, gone, read_request, say};
use support::{Ground, body_of, facts, soon, until};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A server that answers with these octets and tells when the client has gone.
async fn answering(
    ground: &Ground,
    octets: &'static str,
) -> (Scripted, mpsc::UnboundedReceiver<&'static str>) {
    let (sender, told) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let sender = sender.clone();
        async move {
            while read_request(&mut stream).await.is_some() {
                sender.send("asked").unwrap();
                say(&mut stream, octets).await;
            }
            sender.send("gone").unwrap();
        }
    })
    .await;
    (server, told)
}

#[tokio::test]
async fn c038_a_signal_aborted_before_or_after_a_request_is_made_fails_it() {
    let ground = Ground::new();
    let (server, _told) = answering(&ground, OK).await;
    let agent = ground.agent();
    let controller = AbortController::new();
    let options = RequestOptions::new(server.url("/")).signal(&controller.signal());
    let after = agent.request(options.clone()).unwrap();
    controller.abort();
    let before = agent.request(options).unwrap();
    let aborted = agent.request(RequestOptions::new(server.url("/")).signal(&AbortSignal::abort()));
    for request in [after, before, aborted.unwrap()] {
        let error = soon(request.end()).await.unwrap_err();
        assert_eq!(error.code(), Some("ABORT_ERR"), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Aborted, "{error:?}");
        assert!(error.replay_safe(), "{error:?}");
    }
    assert_eq!((server.accepted(), agent.total_socket_count()), (0, 0));
}

#[tokio::test]
async fn a_request_aborted_in_the_queue_leaves_it_at_once() {
    let ground = Ground::new();
    let (server, _told) = answering(&ground, OK).await;
    let agent = Agent::new(ground.agent_options().keep_alive(true).max_sockets(1)).unwrap();
    let (mut sender, body) = Body::channel();
    let first = agent.request(RequestOptions::new(server.url("/1")).method(Method::POST));
    let first = tokio::spawn(first.unwrap().end_with(body));
    until(|| agent.total_socket_count() == 1).await;
    let controller = AbortController::new();
    let options = RequestOptions::new(server.url("/2")).signal(&controller.signal());
    let waiting = tokio::spawn(agent.request(options).unwrap().end());
    let last = tokio::spawn(agent.request(server.url("/3")).unwrap().end());
    tokio::task::yield_now().await;
    controller.abort();
    let error = soon(waiting).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ABORT_ERR"), "{error:?}");
    assert_eq!(error.phase(), Phase::Connect, "{error:?}");
    assert!(error.replay_safe(), "{error:?}");
    // Its place goes to the next one.
    sender.send("piece").await.unwrap();
    drop(sender);
    drop(soon(first).await.unwrap().unwrap());
    let response = soon(last).await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_request_aborted_while_its_connection_opens_has_sent_nothing() {
    let ground = Ground::new();
    // Takes connections, and says nothing of TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let controller = AbortController::new();
    let options = RequestOptions::new(url).signal(&controller.signal());
    let opening = tokio::spawn(ground.agent().request(options).unwrap().end());
    let _socket = soon(listener.accept()).await.unwrap();
    controller.abort();
    let error = soon(opening).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ABORT_ERR"), "{error:?}");
    assert!(error.replay_safe(), "{error:?}");
}

#[tokio::test]
async fn a_request_aborted_while_it_is_sent_closes_its_connection() {
    let ground = Ground::new();
    let (sender, mut told) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |stream, _| {
        let sender = sender.clone();
        async move {
            sender.send(()).unwrap();
            tokio::time::sleep(Duration::from_secs(20)).await;
            drop(stream);
        }
    })
    .await;
    let agent = ground.agent();
    let controller = AbortController::new();
    let options = RequestOptions::new(server.url("/")).method(Method::PUT);
    let request = agent.request(options.signal(&controller.signal())).unwrap();
    // More than the system takes for a server that reads nothing.
    let sending = tokio::spawn(request.end_with(vec![0; 64 << 20]));
    soon(told.recv()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    controller.abort();
    let error = soon(sending).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ABORT_ERR"), "{error:?}");
    assert_eq!(error.phase(), Phase::SendBody, "{error:?}");
    assert!(!error.replay_safe(), "{error:?}");
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn a_request_aborted_while_its_response_is_awaited_closes_its_connection() {
    let ground = Ground::new();
    let (server, mut told) = answering(&ground, "").await;
    let agent = ground.agent();
    let controller = AbortController::new();
    let options = RequestOptions::new(server.url("/")).signal(&controller.signal());
    let waiting = tokio::spawn(agent.request(options).unwrap().end());
    assert_eq!(soon(told.recv()).await, Some("asked"));
    controller.abort();
    let error = soon(waiting).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ABORT_ERR"), "{error:?}");
    assert_eq!(error.phase(), Phase::ReceiveHead, "{error:?}");
    assert!(!error.replay_safe(), "{error:?}");
    assert_eq!(soon(told.recv()).await, Some("gone"));
    assert_eq!((server.accepted(), agent.total_socket_count()), (1, 0));
}

#[tokio::test]
async fn a_request_that_is_written_can_be_aborted_too() {
    let ground = Ground::new();
    let (server, _told) = answering(&ground, "").await;
    let controller = AbortController::new();
    let options = RequestOptions::new(server.url("/")).method(Method::POST);
    let mut request = ground
        .agent()
        .request(options.signal(&controller.signal()))
        .unwrap();
    soon(request.write("piece")).await.unwrap();
    until(|| server.accepted() == 1).await;
    controller.abort();
    let error = soon(request.end()).await.unwrap_err();
    assert_eq!(error.code(), Some("ABORT_ERR"), "{error:?}");
}

#[tokio::test]
async fn a_body_aborted_while_it_is_read_says_how_much_came() {
    let ground = Ground::new();
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    let (server, mut told) = answering(&ground, half).await;
    let agent = ground.agent();
    let controller = AbortController::new();
    let options = RequestOptions::new(server.url("/")).signal(&controller.signal());
    let mut response = soon(agent.get(options)).await.unwrap();
    let first = soon(response.body_mut().chunk()).await.unwrap();
    assert_eq!(first.unwrap(), "hello");
    let reading = tokio::spawn(async move { response.body_mut().chunk().await });
    tokio::task::yield_now().await;
    controller.abort();
    let error = soon(reading).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ABORT_ERR"), "{error:?}");
    assert_eq!(error.phase(), Phase::ReceiveBody, "{error:?}");
    assert!(error.to_string().contains("5 of 10 octets"), "{error}");
    assert_eq!(soon(told.recv()).await, Some("asked"));
    assert_eq!(soon(told.recv()).await, Some("gone"));
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn an_abort_after_the_whole_response_changes_nothing() {
    let ground = Ground::new();
    let (server, _told) = answering(&ground, OK).await;
    let agent = ground.agent();
    let controller = AbortController::new();
    let options = RequestOptions::new(server.url("/")).signal(&controller.signal());
    let mut response = soon(agent.get(options)).await.unwrap();
    controller.abort();
    assert_eq!(body_of(&mut response).await, b"ok");
    let second = soon(fetch(&agent, server.url("/"))).await.unwrap();
    assert!(facts(&second).reused());
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn c206_the_reason_of_an_abort_is_the_source_of_its_error() {
    let ground = Ground::new();
    let (server, mut told) = answering(&ground, "").await;
    let controller = AbortController::new();
    let options = RequestOptions::new(server.url("/")).signal(&controller.signal());
    let waiting = tokio::spawn(ground.agent().request(options).unwrap().end());
    assert_eq!(soon(told.recv()).await, Some("asked"));
    controller.abort_with(std::io::Error::other("the page was left"));
    let error = soon(waiting).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ABORT_ERR"), "{error:?}");
    assert_eq!(error.source().unwrap().to_string(), "the page was left");
    assert_eq!(soon(told.recv()).await, Some("gone"));
}

#[tokio::test]
async fn c208_a_second_abort_is_not_heard_of() {
    let ground = Ground::new();
    let (server, mut told) = answering(&ground, "").await;
    let controller = AbortController::new();
    let options = RequestOptions::new(server.url("/")).signal(&controller.signal());
    let waiting = tokio::spawn(ground.agent().request(options).unwrap().end());
    assert_eq!(soon(told.recv()).await, Some("asked"));
    controller.abort_with("first");
    controller.abort_with("second");
    controller.abort();
    let error = soon(waiting).await.unwrap().unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "first");
    assert_eq!(soon(told.recv()).await, Some("gone"));
}

#[tokio::test]
async fn a_signal_with_a_limit_of_its_own_aborts_when_it_has_passed() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        gone(&mut stream).await;
    })
    .await;
    let signal = AbortSignal::timeout(Duration::from_millis(200));
    let options = RequestOptions::new(server.url("/")).signal(&signal);
    let error = soon(ground.agent().get(options)).await.unwrap_err();
    assert_eq!(error.code(), Some("ABORT_ERR"), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(error.to_string().contains("200ms"), "{error}");
    assert!(signal.is_aborted());
}

#[tokio::test]
async fn a_destroyed_agent_fails_what_it_carries() {
    let ground = Ground::new();
    let (server, mut told) = answering(&ground, "").await;
    let agent = ground.agent();
    let waiting = tokio::spawn(agent.request(server.url("/")).unwrap().end());
    assert_eq!(soon(told.recv()).await, Some("asked"));
    agent.destroy();
    let error = soon(waiting).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
    assert_eq!(error.phase(), Phase::ReceiveHead, "{error:?}");
    assert!(error.to_string().contains("destroyed"), "{error}");
    assert!(!error.replay_safe(), "{error:?}");
    assert_eq!(soon(told.recv()).await, Some("gone"));
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    let (server, mut told) = answering(&ground, half).await;
    let mut response = soon(agent.get(server.url("/"))).await.unwrap();
    let first = soon(response.body_mut().chunk()).await.unwrap();
    assert_eq!(first.unwrap(), "hello");
    let reading = tokio::spawn(async move { response.body_mut().chunk().await });
    tokio::task::yield_now().await;
    agent.destroy();
    let error = soon(reading).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
    assert!(error.to_string().contains("5 of 10 octets"), "{error}");
    assert_eq!(soon(told.recv()).await, Some("asked"));
    assert_eq!(soon(told.recv()).await, Some("gone"));
}
