//! What a response tells of its exchange, and what may be taken for whole.

mod support;

use std::time::Duration;

use sealane::{Agent, ErrorKind, RawFields, RequestOptions};
use support::asking::{OK, fetch};
use support::scripted::{Scripted, read_request, say};
use support::{Ground, body_of, facts, soon};

#[tokio::test]
async fn an_exchange_tells_how_long_it_waited_for_its_connection_and_its_first_octet() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        while read_request(&mut stream).await.is_some() {
            tokio::time::sleep(Duration::from_millis(150)).await;
            say(&mut stream, OK).await;
        }
    })
    .await;
    let agent = Agent::new(ground.agent_options().keep_alive(true).max_sockets(1)).unwrap();
    let (first, second) = soon(async {
        tokio::join!(
            fetch(&agent, server.url("/")),
            fetch(&agent, server.url("/"))
        )
    })
    .await;
    let timings = [first, second].map(|response| facts(&response.unwrap()).exchange_timings());
    let connected = timings.map(|timings| timings.connected.unwrap());
    let octet = timings.map(|timings| timings.first_octet.unwrap());
    for (connected, octet) in connected.into_iter().zip(octet) {
        assert!(
            octet >= connected + Duration::from_millis(150),
            "{timings:?}"
        );
    }
    // One of them waited until the other was done.
    let latest = connected.into_iter().max().unwrap();
    assert!(latest >= Duration::from_millis(150), "{timings:?}");
}

#[tokio::test]
async fn a_reason_phrase_is_told_as_it_came() {
    let ground = Ground::new();
    let lines = [
        ("HTTP/1.1 200 All Right", "All Right"),
        ("HTTP/1.1 200 ", ""),
        ("HTTP/1.1 200", ""),
    ];
    for (line, phrase) in lines {
        let server = Scripted::start(ground.server_config(), move |mut stream, _| async move {
            read_request(&mut stream).await;
            say(
                &mut stream,
                format!("{line}\r\nContent-Length: 2\r\n\r\nok"),
            )
            .await;
        })
        .await;
        let response = soon(fetch(&ground.agent(), server.url("/"))).await.unwrap();
        let raw = response.extensions().get::<RawFields>().unwrap();
        assert_eq!(raw.reason_phrase(), phrase.as_bytes(), "{line}");
        assert_eq!(raw.start_line(), line.as_bytes());
    }
}

/// Sends `answer` and ends TCP without a word of TLS.
async fn without_goodbye(ground: &Ground, answer: &'static str) -> Scripted {
    Scripted::start(ground.server_config(), move |mut stream, _| async move {
        read_request(&mut stream).await;
        say(&mut stream, answer).await;
    })
    .await
}

#[tokio::test]
async fn only_who_asks_for_it_takes_a_body_without_close_notify_for_whole() {
    let ground = Ground::new();
    let server = without_goodbye(&ground, "HTTP/1.1 200 OK\r\n\r\nok").await;
    let agent = ground.agent();
    let careless = RequestOptions::new(server.url("/")).danger_accept_truncated(true);
    let mut response = soon(agent.get(careless)).await.unwrap();
    assert_eq!(soon(body_of(&mut response)).await, b"ok");
    // What one request accepts, the next one does not.
    let mut response = soon(agent.get(server.url("/"))).await.unwrap();
    let outcome = soon(async {
        while response.body_mut().chunk().await?.is_some() {}
        Ok::<_, sealane::Error>(())
    })
    .await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Body);
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn a_body_of_known_length_must_be_whole_in_any_case() {
    let ground = Ground::new();
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    ];
    let agent = Agent::new(ground.agent_options().danger_accept_truncated(true)).unwrap();
    for answer in answers {
        let server = without_goodbye(&ground, answer).await;
        let mut response = soon(agent.get(server.url("/"))).await.unwrap();
        let read = async {
            while response.body_mut().chunk().await?.is_some() {}
            Ok(())
        };
        let error: sealane::Error = soon(read).await.expect_err(answer);
        assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
    }
}
