//! Does an agent keep its connections as promised: who gets which, and what becomes of dead ones?

mod support;

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use sealane::{
    Agent, AgentOptions, Body, Phase, RequestOptions, Roots, Scheduling, create_server,
    set_global_agent,
};
use sealane_testkit::certificates::TestCa;
use support::asking::{OK, fetch, post};
use support::octets::{in_pieces, octets_of};
use support::scripted::{Scripted, Seen, Stream, gone, read_request, recorder, reset, say};
use support::{Ground, body_of, facts, listen, soon, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Mutex, Notify, mpsc};

#[tokio::test]
async fn c005_a_default_agent_keeps_nothing_and_says_so() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = Agent::new(ground.agent_options()).unwrap();
    for connection in 0..2 {
        let response = fetch(&agent, &server.url("/")).await.unwrap();
        assert!(!facts(&response).reused());
        let request = seen.recv().await.unwrap();
        assert_eq!(request.connection, connection);
        assert!(
            request.text.contains("Connection: close\r\n"),
            "{request:?}"
        );
        assert_eq!(agent.total_socket_count(), 0);
    }
}

#[tokio::test]
async fn c006_a_second_request_goes_out_from_the_same_port_and_says_reused() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let first = fetch(&agent, &server.url("/1")).await.unwrap();
    let second = fetch(&agent, &server.url("/2")).await.unwrap();
    assert_eq!(facts(&first).local_addr(), facts(&second).local_addr());
    assert_eq!(
        (facts(&first).reused(), facts(&second).reused()),
        (false, true)
    );
    for _ in 0..2 {
        let request = seen.recv().await.unwrap();
        assert!(
            request.text.contains("Connection: keep-alive\r\n"),
            "{request:?}"
        );
    }
    assert_eq!((server.accepted(), agent.total_socket_count()), (1, 1));
}

#[tokio::test]
async fn c007_a_connection_is_busy_until_its_response_has_been_read() {
    let ground = Ground::new();
    let more = Arc::new(Notify::new());
    let server = Scripted::start(ground.server_config(), {
        let more = Arc::clone(&more);
        move |stream, connection| slow_or_not(stream, connection, Arc::clone(&more))
    })
    .await;
    let agent = ground.agent();
    let mut slow = agent.get(server.url("/slow")).await.unwrap();
    let mut beside = agent.get(server.url("/")).await.unwrap();
    assert_eq!(
        body_of(&mut beside).await,
        b"1",
        "the first connection is busy"
    );
    more.notify_one();
    assert_eq!(body_of(&mut slow).await, b"first!");
    let mut after = agent.get(server.url("/")).await.unwrap();
    assert_eq!(
        body_of(&mut after).await,
        b"0",
        "the last one returned goes first"
    );
    assert!(facts(&after).reused());
}

/// Keeps two connections idle, the second one returned first, and says which goes out next.
async fn next_of_two(options: AgentOptions) -> (Agent, Vec<u8>) {
    let ground = Ground::new();
    let more = Arc::new(Notify::new());
    let server = Scripted::start(ground.server_config(), {
        let more = Arc::clone(&more);
        move |stream, connection| slow_or_not(stream, connection, Arc::clone(&more))
    })
    .await;
    let agent = Agent::new(options.ca(ground.roots())).unwrap();
    let mut slow = agent.get(server.url("/slow")).await.unwrap();
    body_of(&mut agent.get(server.url("/")).await.unwrap()).await;
    more.notify_one();
    body_of(&mut slow).await;
    let kept = agent.total_socket_count();
    let next = body_of(&mut agent.get(server.url("/")).await.unwrap()).await;
    assert_eq!(agent.total_socket_count(), kept, "none is opened");
    (agent, next)
}

#[tokio::test]
async fn an_agent_takes_its_idle_connections_in_the_order_it_was_told() {
    let keeping = || AgentOptions::new().keep_alive(true);
    assert_eq!(next_of_two(keeping()).await.1, b"0");
    let fifo = keeping().scheduling(Scheduling::Fifo);
    assert_eq!(next_of_two(fifo).await.1, b"1");
}

#[tokio::test]
async fn an_agent_keeps_no_more_idle_connections_than_it_was_told() {
    let options = AgentOptions::new().keep_alive(true).max_free_sockets(1);
    let (agent, next) = next_of_two(options).await;
    assert_eq!(agent.total_socket_count(), 1);
    assert_eq!(next, b"1", "the one that was returned first is kept");
}

/// Answers `/slow` in two parts, and everything else with the number of the connection.
async fn slow_or_not(mut stream: Stream, connection: usize, more: Arc<Notify>) {
    while let Some(text) = read_request(&mut stream).await {
        if text.starts_with("GET /slow") {
            say(
                &mut stream,
                "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nfir",
            )
            .await;
            more.notified().await;
            say(&mut stream, "st!").await;
        } else {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
            say(&mut stream, format!("{head}{connection}")).await;
        }
    }
}

#[tokio::test]
async fn c015_a_response_that_says_close_ends_its_connection() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        say(
            &mut stream,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        )
        .await;
        gone(&mut stream).await;
    })
    .await;
    let agent = ground.agent();
    for connections in 1..3 {
        fetch(&agent, &server.url("/")).await.unwrap();
        assert_eq!(
            (agent.total_socket_count(), server.accepted()),
            (0, connections)
        );
    }
}

#[tokio::test]
async fn what_an_answer_says_decides_whether_its_connection_is_kept() {
    let ground = Ground::new();
    for (said, kept) in [
        ("HTTP/1.1 200 OK\r\n", true),
        ("HTTP/1.1 200 OK\r\nConnection: foo, CLOSE\r\n", false),
        ("HTTP/1.0 200 OK\r\n", false),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", true),
        ("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\n", true),
        ("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\n", false),
        ("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0, max=5\r\n", false),
    ] {
        let server = Scripted::start(ground.server_config(), move |mut stream, _| async move {
            while read_request(&mut stream).await.is_some() {
                say(&mut stream, format!("{said}Content-Length: 2\r\n\r\nok")).await;
            }
        })
        .await;
        let agent = ground.agent();
        fetch(&agent, &server.url("/")).await.unwrap();
        assert_eq!(agent.total_socket_count(), usize::from(kept), "{said}");
        let second = fetch(&agent, &server.url("/")).await.unwrap();
        assert_eq!(facts(&second).reused(), kept, "{said}");
    }
}

#[tokio::test]
async fn a_caller_who_says_close_gets_it() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let options = RequestOptions::new(server.url("/")).header("Connection", "close");
    let mut response = agent.get(options).await.unwrap();
    body_of(&mut response).await;
    let text = seen.recv().await.unwrap().text;
    assert_eq!(text.matches("onnection: ").count(), 1, "{text}");
    assert!(text.contains("Connection: close\r\n"), "{text}");
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn c016_an_idle_connection_that_its_server_closes_disappears_quietly() {
    let ground = Ground::new();
    for abrupt in [false, true] {
        let server = Scripted::start(ground.server_config(), move |mut stream, _| async move {
            read_request(&mut stream).await;
            say(&mut stream, OK).await;
            match abrupt {
                true => reset(stream),
                false => drop(stream.shutdown().await),
            }
        })
        .await;
        let agent = ground.agent();
        fetch(&agent, &server.url("/")).await.unwrap();
        until(|| agent.total_socket_count() == 0).await;
        let again = fetch(&agent, &server.url("/")).await.unwrap();
        assert!(!facts(&again).reused());
    }
}

#[tokio::test]
async fn c017_an_idle_connection_goes_when_the_agents_timeout_has_passed() {
    let ground = Ground::new();
    let (told, mut hears) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let told = told.clone();
        async move {
            read_request(&mut stream).await;
            say(&mut stream, OK).await;
            gone(&mut stream).await;
            told.send(()).unwrap();
        }
    })
    .await;
    let limit = Duration::from_millis(50);
    let options = ground.agent_options().keep_alive(true).timeout(limit);
    let agent = Agent::new(options).unwrap();
    fetch(&agent, &server.url("/")).await.unwrap();
    assert_eq!(agent.total_socket_count(), 1);
    soon(hears.recv()).await.unwrap();
    until(|| agent.total_socket_count() == 0).await;
}

#[tokio::test]
async fn c022_a_connection_whose_upload_is_unfinished_is_handed_to_nobody() {
    const UPLOAD: usize = 16 << 20;
    let ground = Ground::new();
    let (told, mut hears) = mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let server = Scripted::start(ground.server_config(), move |mut stream, connection| {
        let (told, gate) = (told.clone(), Arc::clone(&gate));
        async move {
            support::read_until(&mut stream, "\r\n\r\n").await;
            say(&mut stream, OK).await;
            told.send(connection).unwrap();
            if connection == 0 {
                gate.notified().await;
                stream.read_exact(&mut vec![0; UPLOAD]).await.unwrap();
            }
            gone(&mut stream).await;
        }
    })
    .await;
    let agent = ground.agent();
    let request = agent.request(post(server.url("/"))).unwrap();
    let uploading = tokio::spawn(async move {
        let mut early = request.end_with(vec![7; UPLOAD]).await.unwrap();
        body_of(&mut early).await
    });
    assert_eq!(soon(hears.recv()).await, Some(0));
    let next = soon(fetch(&agent, &server.url("/"))).await.unwrap();
    assert!(!facts(&next).reused());
    assert_eq!(soon(hears.recv()).await, Some(1));
    go.notify_one();
    assert_eq!(soon(uploading).await.unwrap(), b"ok");
}

/// There is one global agent for all tests of this program.
static GLOBAL: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn c026_another_global_agent_takes_the_next_requests() {
    let _mine = GLOBAL.lock().await;
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let (one, other) = (ground.agent(), ground.agent());
    set_global_agent(one.clone());
    body_of(&mut sealane::get(server.url("/")).await.unwrap()).await;
    set_global_agent(other.clone());
    let mut response = sealane::get(server.url("/")).await.unwrap();
    body_of(&mut response).await;
    assert!(!facts(&response).reused());
    assert_eq!(
        (one.total_socket_count(), other.total_socket_count()),
        (1, 1)
    );
}

#[tokio::test]
async fn c027_no_agent_means_a_connection_for_one_request() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    for connection in 0..2 {
        let options = RequestOptions::new(server.url("/"))
            .ca(ground.roots())
            .no_agent();
        let mut response = sealane::request(options).unwrap().end().await.unwrap();
        assert_eq!(body_of(&mut response).await, b"ok");
        let request = seen.recv().await.unwrap();
        assert_eq!(request.connection, connection);
        assert!(
            request.text.contains("Connection: close\r\n"),
            "{request:?}"
        );
        assert!(
            !request.resumed,
            "nothing is left of the first request's agent"
        );
    }
}

#[tokio::test]
async fn c028_a_request_that_names_no_agent_uses_the_global_one() {
    let _mine = GLOBAL.lock().await;
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    set_global_agent(agent.clone());
    for reused in [false, true] {
        let options = RequestOptions::new(server.url("/"));
        let mut response = sealane::request(options).unwrap().end().await.unwrap();
        assert_eq!(body_of(&mut response).await, b"ok");
        assert_eq!(facts(&response).reused(), reused);
    }
    assert_eq!(agent.total_socket_count(), 1);
}

#[tokio::test]
async fn c039_a_waiting_request_that_is_dropped_leaves_its_turn_to_the_next() {
    let ground = Ground::new();
    let (server, mut seen, go) = one_at_a_time(&ground).await;
    let agent = Agent::new(ground.agent_options().keep_alive(true).max_sockets(1)).unwrap();
    let ask = |path: &str| {
        let (agent, url) = (agent.clone(), server.url(path));
        tokio::spawn(async move { fetch(&agent, &url).await })
    };
    let busy = ask("/busy");
    assert!(
        soon(seen.recv())
            .await
            .unwrap()
            .text
            .starts_with("GET /busy ")
    );
    let dropped = ask("/dropped");
    tokio::task::yield_now().await;
    let last = ask("/last");
    tokio::task::yield_now().await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    go.notify_one();
    soon(busy).await.unwrap().unwrap();
    assert!(
        soon(seen.recv())
            .await
            .unwrap()
            .text
            .starts_with("GET /last ")
    );
    go.notify_one();
    soon(last).await.unwrap().unwrap();
    assert_eq!(server.accepted(), 1);
}

/// A recording server that answers each request only when it is told to.
async fn one_at_a_time(ground: &Ground) -> (Scripted, mpsc::UnboundedReceiver<Seen>, Arc<Notify>) {
    let (sender, seen) = mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let server = Scripted::start(ground.server_config(), move |mut stream, connection| {
        let (sender, gate) = (sender.clone(), Arc::clone(&gate));
        async move {
            while let Some(text) = read_request(&mut stream).await {
                let seen = Seen {
                    connection,
                    text,
                    servername: None,
                    resumed: false,
                };
                sender.send(seen).unwrap();
                gate.notified().await;
                say(&mut stream, OK).await;
            }
        }
    })
    .await;
    (server, seen, go)
}

#[tokio::test]
async fn c040_a_response_dropped_midway_closes_its_connection() {
    let ground = Ground::new();
    let (told, mut hears) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let told = told.clone();
        async move {
            read_request(&mut stream).await;
            say(
                &mut stream,
                "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome",
            )
            .await;
            gone(&mut stream).await;
            told.send(()).unwrap();
        }
    })
    .await;
    let agent = ground.agent();
    let mut response = agent.get(server.url("/")).await.unwrap();
    assert_eq!(response.body_mut().chunk().await.unwrap().unwrap(), "some");
    assert_eq!(agent.total_socket_count(), 1);
    drop(response);
    assert_eq!(agent.total_socket_count(), 0);
    soon(hears.recv()).await.unwrap();
}

#[tokio::test]
async fn a_response_nobody_reads_keeps_its_connection_if_it_is_there_already() {
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    for _ in 0..3 {
        drop(agent.get(server.url("/")).await.unwrap());
    }
    assert_eq!((server.accepted(), agent.total_socket_count()), (1, 1));
}

#[tokio::test]
async fn requests_at_the_limit_wait_and_are_served_in_order_on_one_connection() {
    let ground = Ground::new();
    for keep in [true, false] {
        let (server, mut seen) = recorder(ground.server_config()).await;
        let options = ground.agent_options().keep_alive(keep).max_sockets(1);
        let agent = Agent::new(options).unwrap();
        let urls: Vec<_> = (0..5)
            .map(|number| server.url(&format!("/{number}")))
            .collect();
        let asking = urls.iter().map(|url| fetch(&agent, url));
        for response in soon(futures_util::future::join_all(asking)).await {
            assert!(
                !facts(&response.unwrap()).reused(),
                "handed over, it never rested"
            );
        }
        for number in 0..5 {
            let request = seen.recv().await.unwrap();
            assert_eq!(request.connection, 0);
            assert!(
                request.text.starts_with(&format!("GET /{number} ")),
                "{request:?}"
            );
            assert!(
                request.text.contains("Connection: keep-alive\r\n"),
                "{request:?}"
            );
        }
        assert_eq!(
            agent.total_socket_count(),
            usize::from(keep),
            "kept: {keep}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_opened_gives_its_turn_to_the_next() {
    let ground = Ground::new();
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", port.local_addr().unwrap());
    drop(port);
    let agent = Agent::new(ground.agent_options().max_sockets(1)).unwrap();
    let asking = (0..3).map(|_| agent.get(&url));
    for outcome in soon(futures_util::future::join_all(asking)).await {
        assert_eq!(outcome.unwrap_err().code(), Some("ECONNREFUSED"));
    }
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn requests_with_different_trust_never_share_a_connection() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let (agent, url) = (ground.agent(), server.url("/"));
    fetch(&agent, &url).await.unwrap();
    assert_eq!(seen.recv().await.unwrap().connection, 0);

    let strangers = Roots::from_pem(TestCa::new().certificate_pem()).unwrap();
    let options = RequestOptions::new(&url).ca(strangers.clone());
    let error = agent.get(options).await.unwrap_err();
    assert_eq!(error.phase(), Phase::Handshake, "{error:?}");
    assert_eq!(
        error.code(),
        Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
        "{error:?}"
    );

    let doubtful = || RequestOptions::new(&url).reject_unauthorized(false);
    let more = ground.roots().and(strangers);
    let others = [
        doubtful(),
        doubtful().ca(Roots::bundled()),
        RequestOptions::new(&url).ca(more),
        RequestOptions::new(&url).min_version(sealane::TlsVersion::V1_3),
        RequestOptions::new(&url).servername("localhost"),
    ];
    for (index, options) in others.into_iter().enumerate() {
        let mut response = agent.get(options.clone()).await.unwrap();
        body_of(&mut response).await;
        let request = seen.recv().await.unwrap();
        // Connection 1 was the one that proved nothing.
        assert_eq!(
            (request.connection, request.resumed),
            (index + 2, false),
            "{options:?}"
        );
        let mut response = agent.get(options.clone()).await.unwrap();
        body_of(&mut response).await;
        assert!(facts(&response).reused(), "{options:?} shares with itself");
        assert_eq!(seen.recv().await.unwrap().connection, index + 2);
    }
    let first = fetch(&agent, &url).await.unwrap();
    assert!(facts(&first).reused());
    assert_eq!(seen.recv().await.unwrap().connection, 0);
}

#[tokio::test]
async fn two_agents_share_nothing() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    for connection in 0..2 {
        let agent = ground.agent();
        fetch(&agent, &server.url("/")).await.unwrap();
        let request = seen.recv().await.unwrap();
        assert_eq!((request.connection, request.resumed), (connection, false));
    }
}

#[tokio::test]
async fn the_last_agent_takes_its_idle_connections_along() {
    let ground = Ground::new();
    let (told, mut hears) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let told = told.clone();
        async move {
            read_request(&mut stream).await;
            say(&mut stream, OK).await;
            gone(&mut stream).await;
            told.send(()).unwrap();
        }
    })
    .await;
    let agent = ground.agent();
    fetch(&agent.clone(), &server.url("/")).await.unwrap();
    assert_eq!(agent.total_socket_count(), 1);
    drop(agent);
    soon(hears.recv()).await.unwrap();
}

#[test]
fn an_agent_outlives_the_runtime_that_opened_its_connections() {
    let ground = Ground::new();
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let serving = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (server, _seen) = serving.block_on(recorder(ground.server_config()));
    let agent = ground.agent();
    let (first, second) = (runtime(), runtime());
    for reused in [false, true] {
        let response = first
            .block_on(soon(fetch(&agent, &server.url("/"))))
            .unwrap();
        assert_eq!(facts(&response).reused(), reused);
    }
    let response = second
        .block_on(soon(fetch(&agent, &server.url("/"))))
        .unwrap();
    assert!(
        !facts(&response).reused(),
        "a connection stays in its runtime"
    );
    drop(first);
    for _ in 0..2 {
        let response = second
            .block_on(soon(fetch(&agent, &server.url("/"))))
            .unwrap();
        assert!(facts(&response).reused());
    }
    drop(second);
    let third = runtime();
    third
        .block_on(soon(fetch(&agent, &server.url("/"))))
        .unwrap();
    assert_eq!(server.accepted(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_requests_at_once_lose_no_octet() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |mut request: Request<Body>| async move {
        let mut body = Vec::new();
        while let Some(chunk) = request.body_mut().chunk().await? {
            body.extend_from_slice(&chunk);
        }
        let seed: u64 = request.uri().path()[1..].parse().unwrap();
        let right = body == octets_of(seed);
        let answer = octets_of(seed + 1_000_000);
        let answer = match seed % 3 {
            0 => in_pieces(answer),
            _ => Body::from(answer),
        };
        let answer = Response::builder()
            .header("x-right", right.to_string())
            .body(answer);
        Ok::<_, sealane::Error>(answer.unwrap())
    })
    .unwrap();
    let address = listen(&server).await;
    let options = ground.agent_options().keep_alive(true).max_sockets(24);
    let agent = Agent::new(options).unwrap();
    let asking = (0..400_u64).map(|seed| {
        let agent = agent.clone();
        tokio::spawn(async move {
            let request = agent
                .request(post(format!("https://{address}/{seed}")))
                .unwrap();
            let body = match seed % 2 {
                0 => in_pieces(octets_of(seed)),
                _ => Body::from(octets_of(seed)),
            };
            let mut response = request.end_with(body).await.unwrap();
            assert_eq!(response.headers()["x-right"], "true", "{seed}");
            assert!(
                body_of(&mut response).await == octets_of(seed + 1_000_000),
                "{seed}"
            );
        })
    });
    for outcome in soon(futures_util::future::join_all(asking)).await {
        outcome.unwrap();
    }
    assert!(agent.total_socket_count() <= 24);
    drop(agent);
    soon(server.close()).await.unwrap();
}

#[tokio::test]
async fn the_total_limit_lets_an_idle_connection_go_for_another_origin() {
    let ground = Ground::new();
    let (one, _) = recorder(ground.server_config()).await;
    let (other, _) = recorder(ground.server_config()).await;
    let options = AgentOptions::max_total_sockets(ground.agent_options(), 1);
    let agent = Agent::new(options.keep_alive(true)).unwrap();
    for server in [&one, &other, &one] {
        let response = soon(fetch(&agent, &server.url("/"))).await.unwrap();
        assert!(!facts(&response).reused());
        assert_eq!(agent.total_socket_count(), 1);
    }
}
