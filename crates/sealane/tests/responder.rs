//! What a handler says before its response, and how it learns of the end. Over real TLS.

mod support;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use sealane::{Body, Ended, Responder, ResponseOptions, Server, create_server};
use support::watching::Watch;
use support::{Ground, listen, read_to_end, read_until, soon, until};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, mpsc};

const GET: &[u8] = b"GET /one HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// The status lines of what came, in order.
fn statuses(octets: &str) -> Vec<&str> {
    let lines = octets.lines().filter(|line| line.starts_with("HTTP/1.1 "));
    lines.map(|line| &line[9..12]).collect()
}

#[tokio::test]
async fn c244_interim_responses_stand_before_the_final_one() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let responder = Responder::of(&request).unwrap();
        responder.write_processing().unwrap();
        let mut more = HeaderMap::new();
        more.insert("x-more", HeaderValue::from_static("yes"));
        let links = ["</a.css>; rel=preload; as=style", "</b.js>; rel=preload"];
        responder.write_early_hints(links, &more).unwrap();
        responder.write_early_hints([], &more).unwrap();
        assert!(!responder.headers_sent());
        Response::new("done")
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, GET)).await;
    let (interims, last) = answer.split_at(answer.find("HTTP/1.1 200").unwrap());
    assert_eq!(
        interims,
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\
         link: </a.css>; rel=preload; as=style, </b.js>; rel=preload\r\nx-more: yes\r\n\r\n"
    );
    assert!(last.ends_with("done"), "{last}");
}

#[tokio::test]
async fn early_hints_keep_their_links_beside_a_link_among_the_fields() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let mut more = HeaderMap::new();
        more.insert("link", HeaderValue::from_static("</c.css>; rel=preload"));
        let responder = Responder::of(&request).unwrap();
        responder.write_early_hints(["</a.css>; rel=preload"], &more)?;
        Ok::<_, sealane::Error>(Response::new("done"))
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, GET)).await;
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\
                 link: </c.css>; rel=preload\r\n\r\n";
    assert!(answer.starts_with(hints), "{answer}");
}

#[tokio::test]
async fn interim_responses_leave_out_what_speaks_of_framing_and_the_connection() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let mut fields = HeaderMap::new();
        for (name, value) in [
            ("transfer-encoding", "gzip"),
            ("content-length", "ten"),
            ("connection", "close"),
            ("keep-alive", "timeout=1"),
            ("x-more", "yes"),
        ] {
            fields.insert(name, HeaderValue::from_static(value));
        }
        let responder = Responder::of(&request).unwrap();
        responder.write_interim(StatusCode::PROCESSING, &fields)?;
        Ok::<_, sealane::Error>(Response::new("done"))
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, GET)).await;
    let interim = "HTTP/1.1 102 Processing\r\nx-more: yes\r\n\r\nHTTP/1.1 200 OK\r\n";
    assert!(answer.starts_with(interim), "{answer}");
}

#[tokio::test]
async fn interim_responses_leave_while_the_handler_works_elsewhere() {
    let ground = Ground::new();
    let go_on = Arc::new(Notify::new());
    let handlers = Arc::clone(&go_on);
    let server = create_server(ground.options(), move |request: Request<Body>| {
        let responder = Responder::of(&request).unwrap();
        let go_on = Arc::clone(&handlers);
        // Said by another task, while the connection's own sleeps.
        tokio::spawn(async move {
            tokio::task::yield_now().await;
            responder.write_processing().unwrap();
        });
        async move {
            go_on.notified().await;
            Response::new("late")
        }
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    let interim = soon(read_until(&mut stream, "\r\n\r\n")).await;
    assert_eq!(interim, "HTTP/1.1 102 Processing\r\n\r\n");
    go_on.notify_one();
    assert!(soon(read_to_end(&mut stream)).await.ends_with("late"));
}

#[tokio::test]
async fn http_10_gets_no_interim_response() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        Responder::of(&request).unwrap().write_processing()?;
        Ok::<_, sealane::Error>(Response::new("done"))
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, b"GET / HTTP/1.0\r\n\r\n")).await;
    assert_eq!(statuses(&answer), ["200"]);
}

#[tokio::test]
async fn a_stale_responder_says_nothing_into_the_next_exchange() {
    let ground = Ground::new();
    let (sender, mut responders) = mpsc::unbounded_channel();
    let server = create_server(ground.options(), move |request: Request<Body>| {
        sender.send(Responder::of(&request).unwrap()).unwrap();
        async { Response::new("ok") }
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(get).await.unwrap();
    soon(read_until(&mut stream, "ok")).await;
    let stale = responders.recv().await.unwrap();
    assert_eq!(soon(stale.ended()).await, Ended::Finished);
    assert!(stale.headers_sent());
    let error = stale.write_processing().unwrap_err();
    assert_eq!(error.code(), Some("ERR_HTTP_HEADERS_SENT"));
    stream.write_all(GET).await.unwrap();
    assert_eq!(statuses(&soon(read_to_end(&mut stream)).await), ["200"]);
}

#[tokio::test]
async fn c248_a_client_that_goes_away_is_told_to_who_works_for_it() {
    let ground = Ground::new();
    let watch = Watch::default();
    let (ends, mut ended) = mpsc::unbounded_channel();
    let (bodies, mut body_ends) = mpsc::unbounded_channel();
    let options = ground.options().observer(watch.clone());
    let server = create_server(options, move |mut request: Request<Body>| {
        let responder = Responder::of(&request).unwrap();
        let ends = ends.clone();
        tokio::spawn(async move { ends.send((responder.ended().await, responder)) });
        let bodies = bodies.clone();
        tokio::spawn(async move {
            request.body_mut().chunk().await.unwrap();
            bodies.send(request.body_mut().chunk().await)
        });
        std::future::pending::<Response<Body>>()
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let post = b"POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf";
    stream.write_all(post).await.unwrap();
    until(|| watch.has("request POST /two")).await;
    drop(stream); // without close_notify, in the middle of the body
    let (end, responder) = soon(ended.recv()).await.unwrap();
    assert_eq!(end, Ended::Cut);
    let error = soon(body_ends.recv()).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"));
    let error = responder.write_processing().unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"));
    until(|| watch.has("finish /two 0 0 cut")).await;
    until(|| server.connections() == 0).await;
}

#[tokio::test]
async fn exchanges_are_noticed_from_head_to_end() {
    let ground = Ground::new();
    let watch = Watch::default();
    let server = create_server(
        ground.options().observer(watch.clone()),
        |request: Request<Body>| async move {
            match request.uri().path() {
                "/fails" => Err("no"),
                _ => Ok(Response::new("12345")),
            }
        },
    )
    .unwrap();
    let address = listen(&server).await;
    let three = b"GET /a?b HTTP/1.1\r\nHost: a\r\n\r\nHEAD /h HTTP/1.1\r\nHost: a\r\n\r\n\
                  GET /fails HTTP/1.1\r\nHost: a\r\n\r\n";
    soon(ground.say(address, three)).await;
    let mut told = watch.told();
    told.sort();
    let mut expected = [
        "request GET /a?b",
        "request HEAD /h",
        "request GET /fails",
        "failed no code 500",
        "finish /a?b 200 5 whole",
        "finish /h 200 0 whole",
        "finish /fails 500 0 whole",
    ];
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_body_that_fails_midway_is_cut_and_noticed() {
    let ground = Ground::new();
    let watch = Watch::default();
    let (ends, mut ended) = mpsc::unbounded_channel();
    let options = ground.options().observer(watch.clone());
    let server = create_server(options, move |request: Request<Body>| {
        let responder = Responder::of(&request).unwrap();
        let ends = ends.clone();
        tokio::spawn(async move { ends.send(responder.ended().await) });
        let (mut sender, body) = Body::channel();
        async move {
            sender.send("12345").await?;
            sender.abort("the disk is gone");
            Ok::<_, sealane::Error>(Response::new(body))
        }
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    soon(read_until(&mut stream, "12345\r\n")).await;
    assert_eq!(soon(ended.recv()).await, Some(Ended::Cut));
    until(|| watch.has("finish /one 200 5 cut")).await;
    assert!(watch.has("failed no code cut"), "{:?}", watch.told());
}

#[tokio::test]
async fn a_handler_that_panics_is_answered_500_and_noticed() {
    let ground = Ground::new();
    let watch = Watch::default();
    let options = ground.options().observer(watch.clone());
    let server = create_server(options, |_| async { panic!("of a test") as Response<Body> });
    let server = server.unwrap();
    let address = listen(&server).await;
    assert_eq!(statuses(&soon(ground.say(address, GET)).await), ["500"]);
    assert!(watch.has("failed no code 500"), "{:?}", watch.told());
}

/// A server whose answers all have these options.
async fn with_options(ground: &Ground, options: ResponseOptions) -> (Server, std::net::SocketAddr) {
    let server = create_server(ground.options(), move |_| {
        let mut response = Response::new("ok");
        response.extensions_mut().insert(options.clone());
        async { response }
    })
    .unwrap();
    let address = listen(&server).await;
    (server, address)
}

#[tokio::test]
async fn the_date_can_be_left_out() {
    let ground = Ground::new();
    let (_server, address) = with_options(&ground, ResponseOptions::new().send_date(false)).await;
    let answer = soon(ground.say(address, GET)).await;
    assert_eq!(
        answer,
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"
    );
}

#[tokio::test]
async fn c238_a_connection_persists_without_saying_so() {
    let ground = Ground::new();
    let options = ResponseOptions::new()
        .send_connection(false)
        .send_date(false);
    let (_server, address) = with_options(&ground, options).await;
    let two = [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], GET].concat();
    let answer = soon(ground.say(address, &two)).await;
    let one = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    assert_eq!(answer, [one, one].concat());
}

#[tokio::test]
async fn c237_a_status_message_is_one_line() {
    let ground = Ground::new();
    let options = ResponseOptions::new()
        .status_message("Fine Indeed")
        .unwrap();
    let (_server, address) = with_options(&ground, options).await;
    let answer = soon(ground.say(address, GET)).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 Fine Indeed\r\n"),
        "{answer}"
    );
    for wrong in ["a\nb", "a\r\nset-cookie: b", "\0", "\u{7f}"] {
        let error = ResponseOptions::new().status_message(wrong).unwrap_err();
        assert_eq!(error.code(), Some("ERR_INVALID_CHAR"), "{wrong:?}");
    }
}

#[tokio::test]
async fn c236_a_status_nobody_has_assigned_has_a_phrase_all_the_same() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async {
        Response::builder().status(299).body("")
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, GET)).await;
    assert!(answer.starts_with("HTTP/1.1 299 unknown\r\n"), "{answer}");
}

#[tokio::test]
async fn c241_a_body_that_is_not_its_length_ends_the_connection_and_is_an_error() {
    let ground = Ground::new();
    let watch = Watch::default();
    let options = ground.options().observer(watch.clone());
    let server = create_server(options, |request: Request<Body>| async move {
        let (mut sender, body) = Body::channel();
        let wrong = if request.uri() == "/short" {
            "12345"
        } else {
            "12345678901"
        };
        sender.send(wrong).await.unwrap();
        Response::builder()
            .header("content-length", "10")
            .body(body)
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    for target in ["/short", "/long"] {
        let mut stream = ground.connect(address).await;
        let get = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        stream.write_all(get.as_bytes()).await.unwrap();
        let mut came = Vec::new();
        use tokio::io::AsyncReadExt as _;
        let end = soon(stream.read_to_end(&mut came)).await;
        assert!(end.is_err(), "an end without close_notify: {end:?}");
        let came = String::from_utf8(came).unwrap();
        assert!(came.contains("content-length: 10\r\n"), "{came}");
    }
    let failed = "failed ERR_HTTP_CONTENT_LENGTH_MISMATCH cut";
    assert_eq!(
        watch.told().iter().filter(|told| *told == failed).count(),
        2
    );
}

#[tokio::test]
async fn c232_a_body_where_none_can_be_sent_is_refused_if_asked_for() {
    let ground = Ground::new();
    let watch = Watch::default();
    let options = ground.options().observer(watch.clone());
    let options = options.reject_non_standard_body_writes(true);
    let server = create_server(options, |request: Request<Body>| async move {
        let status = match request.uri().path() {
            "/204" => StatusCode::NO_CONTENT,
            _ => StatusCode::OK,
        };
        let body = if request.uri() == "/empty" {
            ""
        } else {
            "body"
        };
        Response::builder().status(status).body(body)
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    for (request, status) in [
        ("HEAD /", "500"),
        ("GET /204", "500"),
        ("HEAD /empty", "200"),
        ("GET /", "200"),
    ] {
        let request = format!("{request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = soon(ground.say(address, request.as_bytes())).await;
        assert_eq!(statuses(&answer), [status], "{request}");
    }
    let failed = "failed ERR_HTTP_BODY_NOT_ALLOWED 500";
    assert_eq!(
        watch.told().iter().filter(|told| *told == failed).count(),
        2
    );
}

#[tokio::test]
async fn a_response_has_left_when_its_end_is_told() {
    let ground = Ground::new();
    let (ends, mut ended) = mpsc::unbounded_channel();
    let server = create_server(ground.options(), move |request: Request<Body>| {
        let responder = Responder::of(&request).unwrap();
        let ends = ends.clone();
        tokio::spawn(async move { ends.send(responder.ended().await) });
        // More than the socket's buffers take: it leaves only when somebody reads.
        async { Response::new(vec![b'x'; 32 << 20]) }
    });
    let server = server.unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), ended.recv()).await;
    assert!(early.is_err(), "{early:?} before anybody has read");
    assert!(soon(read_to_end(&mut stream)).await.len() > 32 << 20);
    assert_eq!(soon(ended.recv()).await, Some(Ended::Finished));
}

#[tokio::test]
async fn a_limit_on_silence_is_for_the_exchange_that_set_it() {
    let ground = Ground::new();
    let (ends, mut ended) = mpsc::unbounded_channel();
    let options = ground.options().timeout(Duration::from_millis(300));
    let server = create_server(options, move |request: Request<Body>| {
        let responder = Responder::of(&request).unwrap();
        let patient = request.uri().path() == "/patient";
        if patient {
            responder.set_timeout(None);
        } else {
            responder.set_timeout(Duration::from_millis(100));
            let ends = ends.clone();
            tokio::spawn(async move { ends.send(responder.ended().await) });
        }
        async move {
            if !patient {
                std::future::pending::<()>().await;
            }
            // Silent for longer than the server allows.
            tokio::time::sleep(Duration::from_millis(900)).await;
            Response::new("at last")
        }
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let patient = b"GET /patient HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(patient).await.unwrap();
    soon(read_until(&mut stream, "at last")).await;
    // The patience of the first exchange is not the second one's.
    stream.write_all(GET).await.unwrap();
    assert_eq!(soon(ended.recv()).await, Some(Ended::Cut));
    until(|| server.connections() == 0).await;
}
