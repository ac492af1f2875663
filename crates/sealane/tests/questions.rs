//! Is a program asked what it wants to be asked, and does its answer count? Over real TLS.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use sealane::{Body, ClientError, Event, Responder, Upgrade, create_server};
use support::watching::Watch;
use support::{Ground, listen, read_to_end, read_until, soon, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const EXPECTING: &[u8] =
    b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";

/// Says who answered, and what the body was.
async fn said(who: &str, mut request: Request<Body>) -> sealane::Result<Response<String>> {
    let mut body = Vec::new();
    while let Some(piece) = request.body_mut().chunk().await? {
        body.extend_from_slice(&piece);
    }
    let body = String::from_utf8_lossy(&body);
    Ok(Response::new(format!("{who}:{body}!")))
}

async fn service(request: Request<Body>) -> sealane::Result<Response<String>> {
    said("service", request).await
}

#[tokio::test]
async fn c253_a_continue_is_automatic_unless_somebody_checks() {
    let ground = Ground::new();
    let plain = create_server(ground.options(), service).unwrap();
    let checks = |request| said("check", request);
    let checked = create_server(ground.options().check_continue(checks), service).unwrap();
    for (server, who) in [(plain, "service"), (checked, "check")] {
        let address = listen(&server).await;
        let mut stream = ground.connect(address).await;
        stream.write_all(EXPECTING).await.unwrap();
        let interim = soon(read_until(&mut stream, "\r\n\r\n")).await;
        assert_eq!(interim, "HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(b"body").await.unwrap();
        let answer = soon(read_until(&mut stream, "!")).await;
        assert!(answer.ends_with(&format!("{who}:body!")), "{answer}");
        // Requests without an expectation are the service's.
        let get = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(get).await.unwrap();
        let answer = soon(read_to_end(&mut stream)).await;
        assert!(answer.ends_with("service:!"), "{answer}");
    }
}

#[tokio::test]
async fn a_continue_is_said_when_the_program_says_so() {
    let ground = Ground::new();
    let options = ground.options().check_continue(|request| async move {
        let responder = Responder::of(&request).unwrap();
        responder.write_continue()?;
        responder.write_continue()?; // nobody waits for a second one
        said("check", request).await
    });
    let server = create_server(options, service).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(EXPECTING).await.unwrap();
    soon(read_until(&mut stream, "\r\n\r\n")).await;
    stream.write_all(b"body").await.unwrap();
    let answer = soon(read_until(&mut stream, "!")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn c254_an_answer_instead_of_a_continue_closes() {
    let ground = Ground::new();
    let options = ground.options().check_continue(|_| async {
        Response::builder()
            .status(StatusCode::PAYLOAD_TOO_LARGE)
            .body("")
    });
    let server = create_server(options, service).unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, EXPECTING)).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn c255_another_expectation_is_declined_unless_somebody_checks() {
    let ground = Ground::new();
    let plain = create_server(ground.options(), service).unwrap();
    let checks = |request| said("check", request);
    let checked = create_server(ground.options().check_expectation(checks), service).unwrap();
    let plain = (listen(&plain).await, plain);
    let checked = (listen(&checked).await, checked);
    let request = |version| {
        format!(
            "GET / HTTP/{version}\r\nHost: a\r\nExpect: the-spanish-inquisition\r\n\
             Connection: close\r\n\r\n"
        )
    };
    for (address, version, begin, end) in [
        (plain.0, "1.1", "HTTP/1.1 417 ", "\r\n\r\n"),
        (plain.0, "1.0", "HTTP/1.1 200 ", "service:!"),
        (checked.0, "1.1", "HTTP/1.1 200 ", "check:!"),
        (checked.0, "1.0", "HTTP/1.1 200 ", "service:!"),
    ] {
        let answer = soon(ground.say(address, request(version).as_bytes())).await;
        assert!(answer.starts_with(begin), "{version}: {answer}");
        assert!(answer.ends_with(end), "{version}: {answer}");
    }
}

/// Agrees, and sends back what comes, in upper case.
async fn shouting(mut request: Request<Body>) -> Response<Body> {
    let upgrade = Upgrade::of(&mut request).expect("a request that asks for it");
    tokio::spawn(async move {
        let mut connection = upgrade.await.unwrap();
        let mut text = [0; 5];
        connection.read_exact(&mut text).await.unwrap();
        text.make_ascii_uppercase();
        connection.write_all(&text).await.unwrap();
        connection.shutdown().await.unwrap();
    });
    let status = match *request.method() {
        http::Method::CONNECT => StatusCode::OK,
        _ => StatusCode::SWITCHING_PROTOCOLS,
    };
    let response = Response::builder()
        .status(status)
        .header("upgrade", "shout");
    response.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn c258_an_upgrade_goes_to_who_wants_it_or_is_an_ordinary_request() {
    let ground = Ground::new();
    let plain = create_server(ground.options(), service).unwrap();
    let options = ground.options().upgrade(shouting).connect(shouting);
    let taken = create_server(options, service).unwrap();
    let (plain, taken) = ((listen(&plain).await, plain), (listen(&taken).await, taken));
    let upgrade =
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nhello";
    let connect = b"CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\nhello";
    for (asking, status) in [(&upgrade[..], "101"), (connect, "200")] {
        let answer = soon(ground.say(taken.0, asking)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.ends_with("\r\n\r\nHELLO"), "{answer}");
    }
    let ordinary = &upgrade[..upgrade.len() - 5];
    let mut stream = ground.connect(plain.0).await;
    stream.write_all(ordinary).await.unwrap();
    let answer = soon(read_until(&mut stream, "service:!")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_program_says_what_a_broken_request_gets() {
    let ground = Ground::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let options = ground
        .options()
        .client_error(move |error: &ClientError<'_>| {
            assert!(error.info().remote_addr().is_some());
            kept.lock().unwrap().push((
                error.error().code().unwrap(),
                Bytes::copy_from_slice(error.octets()),
                error.parsed(),
            ));
            let response = Response::builder()
                .status(StatusCode::IM_A_TEAPOT)
                .header("x-why", "odd");
            response.body("sorry").ok()
        });
    let server = create_server(options, service).unwrap();
    let address = listen(&server).await;
    let broken = b"GET / HTTP/1.1\r\nbad name: x\r\n\r\n";
    let answer = soon(ground.say(address, broken)).await;
    assert!(answer.starts_with("HTTP/1.1 418 "), "{answer}");
    for line in [
        "x-why: odd\r\n",
        "connection: close\r\n",
        "content-length: 5\r\n",
    ] {
        assert!(answer.contains(line), "{answer}");
    }
    assert!(answer.ends_with("\r\n\r\nsorry"), "{answer}");
    let seen = seen.lock().unwrap();
    let [(code, octets, parsed)] = &seen[..] else {
        panic!("{seen:?}");
    };
    assert_eq!(*code, "HPE_INVALID_HEADER_TOKEN");
    assert_eq!(octets, &broken[..]);
    assert_eq!(
        &octets[..*parsed],
        b"GET / HTTP/1.1\r\nbad",
        "up to the blank"
    );
}

#[tokio::test]
async fn c260_a_program_that_says_nothing_leaves_the_client_without_an_answer() {
    let ground = Ground::new();
    let options = ground
        .options()
        .headers_timeout(Duration::from_millis(200))
        .client_error(|_: &ClientError<'_>| None::<Response<Bytes>>);
    let server = create_server(options, service).unwrap();
    let address = listen(&server).await;
    for broken in [&b"no request\r\n\r\n"[..], b"GET / HT"] {
        assert_eq!(soon(ground.say(address, broken)).await, "", "{broken:?}");
    }
}

#[tokio::test]
async fn c261_a_program_is_asked_once_per_connection() {
    let ground = Ground::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let options = ground.options().client_error(move |_: &ClientError<'_>| {
        count.fetch_add(1, Ordering::Relaxed);
        None::<Response<Bytes>>
    });
    let server = create_server(options, service).unwrap();
    let address = listen(&server).await;
    soon(ground.say(address, &b"no request\r\n\r\n".repeat(3))).await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn late_requests_are_told_to_the_program_too() {
    let ground = Ground::new();
    let options = ground
        .options()
        .headers_timeout(Duration::from_millis(200))
        .client_error(|error: &ClientError<'_>| {
            assert_eq!(error.error().code(), Some("ERR_HTTP_REQUEST_TIMEOUT"));
            Response::builder().status(408).body("too late").ok()
        });
    let server = create_server(options, service).unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, b"GET / HT")).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.ends_with("too late"), "{answer}");
}

#[tokio::test]
async fn an_answer_to_an_error_that_is_none_or_a_panic_give_the_ordinary_one() {
    let ground = Ground::new();
    let options = ground.options().client_error(|error: &ClientError<'_>| {
        assert_ne!(error.error().code(), Some("HPE_HEADER_OVERFLOW"), "a panic");
        Some(Response::new("all is well"))
    });
    let server = create_server(options, service).unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, b"no request\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(!answer.contains("well"), "{answer}");
    let long = [&b"GET / HTTP/1.1\r\nx: "[..], &b"x".repeat(20_000)].concat();
    let answer = soon(ground.say(address, &long)).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_client_that_has_ended_its_side_is_answered_unless_the_options_say_no() {
    let ground = Ground::new();
    for allowed in [true, false] {
        let watch = Watch::default();
        let options = ground.options().allow_half_open(allowed);
        let go_on = Arc::new(tokio::sync::Notify::new());
        let waiting = Arc::clone(&go_on);
        let server = create_server(options.observer(watch.clone()), move |_| {
            let waiting = Arc::clone(&waiting);
            async move {
                waiting.notified().await;
                Response::new("late")
            }
        })
        .unwrap();
        let address = listen(&server).await;
        let mut stream = ground.connect(address).await;
        let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        stream.write_all(get).await.unwrap();
        until(|| watch.has("request GET /")).await;
        stream.shutdown().await.unwrap();
        if allowed {
            go_on.notify_one();
        }
        let answer = soon(read_to_end(&mut stream)).await;
        assert_eq!(answer.ends_with("late"), allowed, "{answer}");
        assert_eq!(answer.is_empty(), !allowed, "{answer}");
        let finish = if allowed {
            "finish / 200 4 whole"
        } else {
            "finish / 0 0 cut"
        };
        until(|| watch.has(finish)).await;
    }
}

/// Two of each of these lines, as a handler sees them.
async fn seen_of_duplicates(joined: bool) -> String {
    let ground = Ground::new();
    let options = ground.options().join_duplicate_headers(joined);
    let server = create_server(options, |request: Request<Body>| async move {
        let mut seen = String::new();
        for name in ["authorization", "age", "cookie", "set-cookie", "x-f"] {
            let all: Vec<_> = request.headers().get_all(name).iter().collect();
            seen += &format!("{name}={all:?} ");
        }
        Response::new(seen)
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    let mut request = String::from("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
    for name in ["Authorization", "Age", "Cookie", "Set-Cookie", "X-F"] {
        request += &format!("{name}: 1\r\n{name}: 2\r\n");
    }
    let answer = soon(ground.say(address, (request + "\r\n").as_bytes())).await;
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn duplicates_are_joined_where_it_is_wanted() {
    assert_eq!(
        seen_of_duplicates(true).await,
        r#"authorization=["1, 2"] age=["1, 2"] cookie=["1; 2"] set-cookie=["1", "2"] x-f=["1, 2"] "#
    );
    let apart = ["authorization", "age", "cookie", "set-cookie", "x-f"]
        .map(|name| format!("{name}=[\"1\", \"2\"] "))
        .concat();
    assert_eq!(seen_of_duplicates(false).await, apart);
}

#[tokio::test]
async fn c252_a_request_without_host_is_refused_unless_the_options_say_no() {
    let ground = Ground::new();
    for (required, status) in [(true, "400"), (false, "200")] {
        let watch = Watch::default();
        let options = ground.options().require_host_header(required);
        let server = create_server(options.observer(watch.clone()), service).unwrap();
        let address = listen(&server).await;
        let answer =
            soon(ground.say(address, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        assert_eq!(watch.has("request GET /"), !required);
    }
}

#[tokio::test]
async fn requests_behind_the_last_one_are_dropped_and_noticed() {
    let ground = Ground::new();
    let watch = Watch::default();
    let options = ground.options().max_requests_per_socket(2);
    let server = create_server(options.observer(watch.clone()), service).unwrap();
    let address = listen(&server).await;
    let requests =
        ["/a", "/b", "/c", "/d"].map(|target| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
    let answer = soon(ground.say(address, requests.concat().as_bytes())).await;
    let (first, last) = answer.split_at(answer.rfind("HTTP/1.1 200 OK").unwrap());
    assert_eq!(first.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(
        first.contains("\r\nkeep-alive: timeout=5, max=2\r\n"),
        "{answer}"
    );
    assert!(last.contains("\r\nconnection: close\r\n"), "{answer}");
    assert!(
        watch.has("dropped /c") && watch.has("dropped /d"),
        "{:?}",
        watch.told()
    );
    assert!(!watch.has("request GET /c"));
}

#[tokio::test]
async fn without_a_limit_of_requests_a_connection_carries_any_number() {
    let ground = Ground::new();
    let options = ground.options().max_requests_per_socket(None);
    let server = create_server(options, service).unwrap();
    let address = listen(&server).await;
    let mut requests = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(300);
    requests.extend_from_slice(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = soon(ground.say(address, &requests)).await;
    assert_eq!(answer.matches("service:!").count(), 301);
    assert!(!answer.contains("max="));
}

#[tokio::test]
async fn faults_of_clients_are_told_whether_or_not_they_became_a_request() {
    let ground = Ground::new();
    let watch = Watch::default();
    let server = create_server(ground.options().observer(watch.clone()), service).unwrap();
    let address = listen(&server).await;
    for (octets, told) in [
        (
            &b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"[..],
            "fault HPE_INVALID_HEADER_TOKEN 400 before one",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "fault HPE_INVALID_CHUNK_SIZE 400 in a request",
        ),
    ] {
        let answer = soon(ground.say(address, octets)).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        soon(until(|| watch.has(told))).await;
    }
    let requests = |told: &String| told.starts_with("request ");
    assert_eq!(watch.told().iter().filter(|told| requests(told)).count(), 1);
}

#[tokio::test]
async fn what_is_printed_of_notices_and_errors_has_no_secrets() {
    let ground = Ground::new();
    let printed = Arc::new(Mutex::new(Vec::new()));
    let (told, asked) = (Arc::clone(&printed), Arc::clone(&printed));
    let options = ground
        .options()
        .observer(move |event: &Event<'_>| told.lock().unwrap().push(format!("{event:?}")))
        .client_error(move |error: &ClientError<'_>| {
            asked.lock().unwrap().push(format!("{error:?}"));
            None::<Response<Bytes>>
        });
    let server = create_server(options, service).unwrap();
    let address = listen(&server).await;
    let octets = b"GET /shown?token=hidden HTTP/1.1\r\nHost: a\r\n\r\n\
                   GET http://a/hidden HTTP/1.1\r\nHost: a\r\n\r\n\
                   GET / HTTP/1.1\r\nCookie: hidden\r\nbad name: hidden\r\n\r\n";
    soon(ground.say(address, octets)).await;
    until(|| server.connections() == 0).await;
    let printed = printed.lock().unwrap().join("\n");
    assert!(printed.contains("Finish") && printed.contains("\"/shown\""));
    assert!(printed.contains("ClientError {"), "{printed}");
    // Octets in a list of numbers, too: "hidden" begins so.
    for secret in ["hidden", "104, 105, 100"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
