//! What becomes of an answer that is there before its request is complete?

mod support;

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http_body::Frame;
use http_body_util::StreamBody;
use sealane::{Agent, Body, Phase};
use support::asking::post;
use support::scripted::{Scripted, gone, reset, say};
use support::{Ground, body_of, facts, read_until, soon};
use tokio::io::AsyncWriteExt;

/// A limit that must not pass here.
const SHORT: Duration = Duration::from_secs(1);

/// A whole refusal that keeps its connection.
const REFUSED: &str = "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\nno";

/// A whole answer that keeps its connection.
const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok";

/// A server that gives this answer to the head of a request, and then does nothing more.
async fn answering(ground: &Ground, answer: &'static str) -> Scripted {
    Scripted::start(ground.server_config(), move |mut stream, _| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        say(&mut stream, answer).await;
        gone(&mut stream).await;
    })
    .await
}

#[tokio::test]
async fn an_endless_body_ends_with_the_refusal_of_its_request() {
    let ground = Ground::new();
    let server = answering(&ground, REFUSED).await;
    let agent = ground.agent();
    let mut request = agent.request(post(server.url("/"))).unwrap();
    soon(request.write("piece")).await.unwrap();
    let piece = || Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(&[7; 1000])));
    let endless = Body::new(StreamBody::new(stream::repeat_with(piece)));
    let mut response = soon(request.end_with(endless)).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(soon(body_of(&mut response)).await, b"no");
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_a_body_that_has_nothing_to_give() {
    let ground = Ground::new();
    let server = answering(&ground, REFUSED).await;
    let agent = ground.agent();
    let mut request = agent.request(post(server.url("/"))).unwrap();
    soon(request.write("piece")).await.unwrap();
    let (_sender, pending) = Body::channel();
    let mut response = soon(request.end_with(pending)).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(soon(body_of(&mut response)).await, b"no");
}

/// How a server ends that has answered whole and reads no more.
#[derive(Clone, Copy, Debug)]
enum End {
    InOrder,
    Reset,
}

#[tokio::test]
async fn the_end_of_a_server_that_has_answered_is_noticed_while_the_body_has_nothing_to_give() {
    for end in [End::InOrder, End::Reset] {
        let ground = Ground::new();
        let server = Scripted::start(ground.server_config(), move |mut stream, _| async move {
            read_until(&mut stream, "piece").await;
            say(&mut stream, ACCEPTED).await;
            match end {
                End::InOrder => stream.shutdown().await.unwrap(),
                End::Reset => reset(stream),
            }
        })
        .await;
        let agent = ground.agent();
        let (mut sender, body) = Body::channel();
        soon(sender.send("piece")).await.unwrap();
        let request = agent.request(post(server.url("/"))).unwrap();
        let outcome = soon(request.end_with(body)).await;
        // A reset may overtake the answer on its way; it must not be waited for, either.
        match (end, outcome) {
            (_, Ok(mut response)) => assert_eq!(soon(body_of(&mut response)).await, b"ok"),
            (End::Reset, Err(_)) => {}
            (End::InOrder, Err(error)) => panic!("{error:?}"),
        }
    }
}

/// The last octets of a request wait for the socket when its answer, which has no body, and a reset
/// come together.
#[tokio::test]
async fn an_answer_without_a_body_ends_also_when_the_request_is_cut_short() {
    for pieces in (16..96).step_by(4) {
        let ground = Ground::new();
        let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
            read_until(&mut stream, "\r\n\r\n").await;
            say(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
            reset(stream);
        })
        .await;
        let agent = ground.agent();
        let mut request = agent.request(post(server.url("/"))).unwrap();
        for _ in 0..pieces {
            if soon(request.write(vec![7; 64 << 10])).await.is_err() {
                break;
            }
        }
        if let Ok(mut response) = soon(request.end()).await {
            assert_eq!(soon(body_of(&mut response)).await, b"");
        }
    }
}

#[tokio::test]
async fn a_repetition_on_a_fresh_connection_does_not_call_it_reused() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, number| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        say(&mut stream, ACCEPTED).await;
        if number < 2 {
            // Dies under the second request, in silence.
            read_until(&mut stream, "\r\n\r\n").await;
            return;
        }
        gone(&mut stream).await;
    })
    .await;
    let agent = ground.agent();
    let url = server.url("/");
    let (one, other) = tokio::join!(agent.get(&url), agent.get(&url));
    for mut response in [one.unwrap(), other.unwrap()] {
        soon(body_of(&mut response)).await;
    }
    let response = soon(agent.get(&url)).await.unwrap();
    assert!(!facts(&response).reused());
    assert_eq!(server.accepted(), 3);
}

/// The body is with the client whole, but not all of it has left when it is refused.
#[tokio::test]
async fn a_refusal_is_given_though_the_last_octets_have_not_left() {
    for pieces in (16..80).step_by(8) {
        let ground = Ground::new();
        let server = answering(&ground, REFUSED).await;
        let options = ground.agent_options().inactivity_timeout(SHORT);
        let agent = Agent::new(options).unwrap();
        let mut request = agent.request(post(server.url("/"))).unwrap();
        for _ in 0..pieces {
            soon(request.write(vec![7; 64 << 10])).await.unwrap();
        }
        let mut response = soon(request.end()).await.unwrap();
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(soon(body_of(&mut response)).await, b"no");
    }
}

/// A server whose first connection dies in silence under its second request.
async fn dying(ground: &Ground) -> Scripted {
    Scripted::start(ground.server_config(), |mut stream, number| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        say(&mut stream, ACCEPTED).await;
        read_until(&mut stream, "\r\n\r\n").await;
        if number > 0 {
            say(&mut stream, ACCEPTED).await;
            gone(&mut stream).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_repetition_keeps_its_place_before_those_who_wait() {
    let ground = Ground::new();
    let server = dying(&ground).await;
    let options = ground.agent_options().keep_alive(true).max_sockets(1);
    let agent = Agent::new(options.connect_timeout(Duration::from_secs(5))).unwrap();
    let url = server.url("/");
    soon(body_of(&mut soon(agent.get(&url)).await.unwrap())).await;
    let order = std::sync::Mutex::new(Vec::new());
    let ask = async |name: &'static str| {
        let mut response = soon(agent.get(&url)).await.unwrap();
        soon(body_of(&mut response)).await;
        order.lock().unwrap().push(name);
    };
    tokio::join!(ask("repeated"), ask("waiting"));
    assert_eq!(*order.lock().unwrap(), ["repeated", "waiting"]);
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_failed_repetition_does_not_call_its_request_unsent() {
    let ground = Ground::new();
    let server = dying(&ground).await;
    let options = ground.agent_options().keep_alive(true);
    let agent = Agent::new(options).unwrap();
    let url = server.url("/");
    soon(body_of(&mut soon(agent.get(&url)).await.unwrap())).await;
    // Nobody can prove to be this server any more, so the repetition fails before it is sent.
    server.replace(Ground::new().server_config());
    let error = soon(agent.get(&url)).await.unwrap_err();
    assert_eq!(error.phase(), Phase::Handshake, "{error:?}");
    assert!(!error.replay_safe(), "the first attempt has left");
}
