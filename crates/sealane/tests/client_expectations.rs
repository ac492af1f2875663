//! Bodies that wait until their server wants them, and the interim responses that say so.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::EXPECT;
use http::{Method, StatusCode};
use sealane::{Agent, Body, Information, RequestOptions};
use support::asking::{OK, fetch, post};
use support::scripted::{Scripted, Stream, read_request, recorder, say};
use support::{Ground, body_of, facts, read_until, soon};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

/// What came behind a head within a while: octets, or nothing; `None` at the end.
async fn behind(stream: &mut Stream) -> Option<String> {
    let mut octets = [0; 4096];
    let read = tokio::time::timeout(Duration::from_millis(150), stream.read(&mut octets));
    match read.await {
        Err(_) => Some(String::new()),
        Ok(Ok(0) | Err(_)) => None,
        Ok(Ok(count)) => Some(String::from_utf8_lossy(&octets[..count]).into_owned()),
    }
}

/// A server that says these octets to each head, and tells what came behind it: before, and after.
async fn answering(
    ground: &Ground,
    octets: &'static str,
) -> (Scripted, mpsc::UnboundedReceiver<[Option<String>; 2]>) {
    let (sender, seen) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let sender = sender.clone();
        async move {
            read_until(&mut stream, "\r\n\r\n").await;
            let before = behind(&mut stream).await;
            say(&mut stream, octets).await;
            let after = behind(&mut stream).await;
            sender.send([before, after]).unwrap();
            say(&mut stream, OK).await;
            let _ = read_request(&mut stream).await;
        }
    })
    .await;
    (server, seen)
}

/// What was told of interim responses.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn to(&self) -> impl Fn(&Information) + Send + Sync + 'static {
        let told = self.clone();
        move |information| {
            let reason = String::from_utf8_lossy(information.reason_phrase());
            let text = format!("{} {reason}", information.status().as_u16());
            told.0.lock().unwrap().push(text);
        }
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn c195_a_body_waits_for_100_and_its_head_does_not() {
    let ground = Ground::new();
    for written in [false, true] {
        let (server, mut seen) = answering(&ground, "HTTP/1.1 100 Continue\r\n\r\n").await;
        let told = Told::default();
        let options = post(server.url("/")).header(EXPECT, "100-Continue");
        let options = options.header("content-length", "4");
        let mut request = ground
            .agent()
            .request(options.on_information(told.to()))
            .unwrap();
        let response = if written {
            soon(request.write("once")).await.unwrap();
            soon(request.end()).await
        } else {
            soon(request.end_with("once")).await
        };
        assert_eq!(body_of(&mut response.unwrap()).await, b"ok");
        let [before, after] = seen.recv().await.unwrap();
        assert_eq!(before.unwrap(), "", "written: {written}");
        assert_eq!(after.unwrap(), "once", "written: {written}");
        assert_eq!(told.all(), ["100 Continue"]);
    }
}

#[tokio::test]
async fn a_body_that_is_refused_is_never_sent_and_its_connection_not_used_again() {
    let ground = Ground::new();
    let refusals = [
        "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 303 See Other\r\nContent-Length: 2\r\n\r\nno",
    ];
    for refusal in refusals {
        for written in [false, true] {
            let (server, mut seen) = answering(&ground, refusal).await;
            let agent = ground.agent();
            let options = post(server.url("/")).expect_continue(Duration::from_secs(20));
            let mut request = agent.request(options).unwrap();
            let response = if written {
                soon(request.write("never")).await.unwrap();
                soon(request.end()).await
            } else {
                soon(request.end_with("never")).await
            };
            let mut response = response.unwrap();
            assert_eq!(body_of(&mut response).await, b"no", "{refusal}");
            let [before, after] = seen.recv().await.unwrap();
            assert_eq!((before.as_deref(), after), (Some(""), None), "{refusal}");
            assert_eq!(agent.total_socket_count(), 0, "{refusal}");
        }
    }
}

#[tokio::test]
async fn a_server_that_knows_no_expectations_gets_the_body_after_the_limit() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let options = post(server.url("/")).expect_continue(Duration::from_millis(200));
    let begun = tokio::time::Instant::now();
    let request = ground.agent().request(options).unwrap();
    let response = soon(request.end_with("late")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    let text = seen.recv().await.unwrap().text;
    assert!(
        text.to_lowercase().contains("\r\nexpect: 100-continue\r\n"),
        "{text}"
    );
    assert!(text.ends_with("\r\n\r\nlate"), "{text}");
}

/// The wait for 100 has a limit of its own, here 1 s: a server that says nothing does as it may.
#[tokio::test]
async fn an_awaited_body_is_no_inactivity_of_its_server() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let options = post(server.url("/")).header(EXPECT, "100-continue");
    let options = options.inactivity_timeout(Duration::from_millis(500));
    let request = ground.agent().request(options).unwrap();
    let response = soon(request.end_with("late")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(seen.recv().await.unwrap().text.ends_with("\r\n\r\nlate"));
}

#[tokio::test]
async fn a_final_response_that_is_a_success_lets_the_body_go_and_keeps_the_connection() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        say(&mut stream, OK).await;
        assert_eq!(read_until(&mut stream, "sent").await, "sent");
        read_request(&mut stream).await.unwrap();
        say(&mut stream, OK).await;
    })
    .await;
    let agent = ground.agent();
    let options = post(server.url("/")).expect_continue(Duration::from_secs(20));
    let request = agent.request(options).unwrap();
    let mut response = soon(request.end_with("sent")).await.unwrap();
    assert_eq!(body_of(&mut response).await, b"ok");
    assert!(facts(&soon(fetch(&agent, server.url("/"))).await.unwrap()).reused());
}

#[tokio::test]
async fn a_request_without_a_body_expects_nothing() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let options = ground
        .agent_options()
        .expect_continue(Duration::from_secs(20));
    let agent = Agent::new(options).unwrap();
    soon(fetch(&agent, server.url("/"))).await.unwrap();
    let request = agent.request(post(server.url("/"))).unwrap();
    soon(request.end_with(Body::empty())).await.unwrap();
    for _ in 0..2 {
        let text = seen.recv().await.unwrap().text.to_lowercase();
        assert!(!text.contains("expect"), "{text}");
    }
    let zero = agent.request(post(server.url("/")).expect_continue(Duration::ZERO));
    assert_eq!(zero.unwrap_err().code(), Some("ERR_OUT_OF_RANGE"));
}

/// Each request is told before its response: 102, then 103 with a field, then 100.
const INTERIMS: &str = "HTTP/1.1 102\r\n\r\n\
    HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nX: 1\r\nx: 2\r\n\r\n\
    HTTP/1.1 100 Go\r\n\r\n";

async fn hinting(ground: &Ground) -> Scripted {
    Scripted::start(ground.server_config(), |mut stream, _| async move {
        while read_request(&mut stream).await.is_some() {
            say(&mut stream, INTERIMS).await;
            say(&mut stream, OK).await;
        }
    })
    .await
}

#[tokio::test]
async fn interim_responses_are_told_in_order_and_whole() {
    let ground = Ground::new();
    let server = hinting(&ground).await;
    let (told, hints) = (Told::default(), Arc::new(Mutex::new(Vec::new())));
    let agent = Agent::new(ground.agent_options().on_information(told.to())).unwrap();
    soon(fetch(&agent, server.url("/"))).await.unwrap();
    assert_eq!(told.all(), ["102 ", "103 Early Hints", "100 Go"]);
    // The request's own choice wins.
    let seen = Arc::clone(&hints);
    let options = RequestOptions::new(server.url("/")).on_information(move |information| {
        if information.status() == StatusCode::EARLY_HINTS {
            let raw = information.raw().iter();
            let raw = raw.map(|(name, _)| String::from_utf8_lossy(name).into_owned());
            let link = information.headers()["link"].clone();
            assert_eq!(information.version(), http::Version::HTTP_11);
            seen.lock().unwrap().push((link, raw.collect::<Vec<_>>()));
        }
    });
    soon(fetch(&agent, options)).await.unwrap();
    assert_eq!(told.all().len(), 3);
    let hints = hints.lock().unwrap().clone();
    let names = ["Link", "X", "x"].map(str::to_owned).to_vec();
    assert_eq!(
        hints,
        [("</style.css>; rel=preload".parse().unwrap(), names)]
    );
}

#[tokio::test]
async fn a_panic_of_who_is_told_ends_nothing_but_its_notice() {
    let ground = Ground::new();
    let server = hinting(&ground).await;
    let agent = ground.agent();
    let told = Told::default();
    let tell = told.to();
    let options = RequestOptions::new(server.url("/")).on_information(move |information| {
        tell(information);
        panic!("not to be heard");
    });
    soon(fetch(&agent, options)).await.unwrap();
    assert_eq!(told.all().len(), 3);
    assert!(facts(&soon(fetch(&agent, server.url("/"))).await.unwrap()).reused());
}

/// What nobody asked for: a head that would make a tunnel of the connection.
#[tokio::test]
async fn a_101_nobody_asked_for_is_refused_and_told_to_nobody() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        let switch =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
        say(&mut stream, switch).await;
        let _ = read_request(&mut stream).await;
    })
    .await;
    let told = Told::default();
    let agent = ground.agent();
    let options = RequestOptions::new(server.url("/")).method(Method::GET);
    let error = soon(agent.get(options.on_information(told.to())))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), sealane::ErrorKind::Protocol, "{error:?}");
    assert!(told.all().is_empty());
    assert_eq!(agent.total_socket_count(), 0);
}
