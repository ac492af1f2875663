//! Do heads leave as their callers have written them, and whole only when they shall?

mod support;

use http::{HeaderMap, HeaderValue, Method, Request, Version};
use sealane::{Body, RequestOptions};
use support::scripted::{Scripted, read_request, recorder, say};
use support::{Ground, body_of, facts, read_until, soon};

/// The head of the request that these options make of `/`.
async fn head_of(change: impl FnOnce(RequestOptions) -> RequestOptions) -> String {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let options = change(RequestOptions::new(server.url("/")));
    ground.agent().get(options).await.unwrap();
    seen.recv().await.unwrap().text
}

#[tokio::test]
async fn c189_host_is_left_out_on_request() {
    let without = head_of(|options| options.set_host(false)).await;
    assert!(!without.to_ascii_lowercase().contains("host:"), "{without}");
    let with = head_of(|options| options.set_host(true)).await;
    assert!(with.contains("\r\nHost: 127.0.0.1:"), "{with}");
    let own = head_of(|options| options.set_host(false).header("HOST", "localhost")).await;
    assert!(
        own.starts_with("GET / HTTP/1.1\r\nHOST: localhost\r\n"),
        "{own}"
    );
}

#[tokio::test]
async fn nothing_is_added_but_what_frames_a_body() {
    let bare = head_of(|options| options.set_default_headers(false)).await;
    assert_eq!(bare, "GET / HTTP/1.1\r\n\r\n");
    let host = head_of(|options| options.set_default_headers(false).set_host(true)).await;
    assert!(host.starts_with("GET / HTTP/1.1\r\nHost: "), "{host}");
    assert!(!host.contains("Connection"), "{host}");

    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let options = RequestOptions::new(server.url("/")).method(Method::POST);
    let request = ground.agent().request(options.set_default_headers(false));
    request.unwrap().end_with("body").await.unwrap();
    let text = seen.recv().await.unwrap().text;
    assert_eq!(text, "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody");
}

#[tokio::test]
async fn fields_leave_in_their_order_and_as_they_are_spelled() {
    let told = head_of(|options| {
        options
            .header("X-Zebra", "1")
            .header("aPPle", "")
            .header("X-zebra", "2")
            .header("Cookie", "a=1")
            .header("cookie", "b=2")
    });
    let text = told.await;
    let lines = "\r\nX-Zebra: 1\r\naPPle: \r\nX-zebra: 2\r\nCookie: a=1; b=2\r\nConnection: ";
    assert!(text.contains(lines), "{text}");

    let list = [("x-b", "1"), ("X-A", "2"), ("x-b", "3")];
    let text = head_of(|options| options.header("gone", "1").header_list(list)).await;
    assert!(
        text.contains("\r\nx-b: 1\r\nX-A: 2\r\nx-b: 3\r\n") && !text.contains("gone"),
        "{text}"
    );
    let text = head_of(|options| options.header_list(list).unique_headers(["X-B"])).await;
    assert!(text.contains("\r\nx-b: 1; 3\r\nX-A: 2\r\n"), "{text}");

    let map = HeaderMap::from_iter([("x-map".parse().unwrap(), HeaderValue::from_static("1"))]);
    let text = head_of(|options| options.headers(map).header("X-More", "2")).await;
    assert!(text.contains("\r\nx-map: 1\r\nX-More: 2\r\n"), "{text}");
}

#[tokio::test]
async fn c212_a_method_is_a_token_and_leaves_in_upper_case() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let options = RequestOptions::new(server.url("/"));
    let refused = agent.request(options.clone().method("A B")).unwrap_err();
    assert_eq!(refused.code(), Some("ERR_INVALID_HTTP_TOKEN"), "{refused}");
    agent.get(options.method("post")).await.unwrap();
    let text = seen.recv().await.unwrap().text;
    assert!(text.starts_with("POST / HTTP/1.1\r\n"), "{text}");
}

#[tokio::test]
async fn a_url_of_the_url_crate_is_a_url() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let url = url::Url::parse(&server.url("/foo?bar#baz")).unwrap();
    ground.agent().get(RequestOptions::new(url)).await.unwrap();
    let text = seen.recv().await.unwrap().text;
    assert!(text.starts_with("GET /foo?bar HTTP/1.1\r\n"), "{text}");
}

/// A server that keeps connections of HTTP/1.0, too, and tells what it has read.
async fn old(ground: &Ground) -> (Scripted, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (sender, seen) = tokio::sync::mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let sender = sender.clone();
        async move {
            while let Some(text) = read_request(&mut stream).await {
                let _ = sender.send(text);
                let head = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n";
                say(&mut stream, format!("{head}ok")).await;
            }
        }
    });
    (server.await, seen)
}

#[tokio::test]
async fn http_1_0_keeps_its_connection_and_sends_no_chunks() {
    let ground = Ground::new();
    let (server, mut seen) = old(&ground).await;
    let agent = ground.agent();
    let url = server.url("/");
    let options = RequestOptions::new(&url)
        .method("POST")
        .version(Version::HTTP_10);
    for round in 0..2 {
        let request = agent.request(options.clone()).unwrap();
        let mut response = soon(request.end_with("body")).await.unwrap();
        assert_eq!(body_of(&mut response).await, b"ok");
        assert_eq!(facts(&response).reused(), round == 1);
        let text = seen.recv().await.unwrap();
        assert!(text.starts_with("POST / HTTP/1.0\r\nHost: "), "{text}");
        assert!(text.contains("\r\nConnection: keep-alive\r\n"), "{text}");
        assert!(
            text.ends_with("\r\nContent-Length: 4\r\n\r\nbody"),
            "{text}"
        );
    }
    let (_sender, body) = Body::channel();
    let request = agent.request(options).unwrap();
    let error = soon(request.end_with(body)).await.unwrap_err();
    assert_eq!(error.code(), Some("ERR_INVALID_ARG_VALUE"), "{error}");
    assert!(
        error.replay_safe() && error.to_string().contains("length"),
        "{error}"
    );
    assert_eq!(server.accepted(), 1, "refused before anything is opened");

    let request = Request::get(&url)
        .version(Version::HTTP_10)
        .body(())
        .unwrap();
    soon(agent.send(request)).await.unwrap();
    assert!(seen.recv().await.unwrap().starts_with("GET / HTTP/1.0\r\n"));
    let request = Request::get(&url)
        .version(Version::HTTP_2)
        .body(())
        .unwrap();
    soon(agent.send(request)).await.unwrap();
    assert!(seen.recv().await.unwrap().starts_with("GET / HTTP/1.1\r\n"));
    let request = Request::get(&url)
        .version(Version::HTTP_09)
        .body(())
        .unwrap();
    let error = soon(agent.send(request)).await.unwrap_err();
    assert_eq!(error.code(), Some("ERR_INVALID_ARG_VALUE"), "{error}");
}

#[tokio::test]
async fn flushed_heads_leave_before_their_bodies() {
    let ground = Ground::new();
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let sender = sender.clone();
        async move {
            let _ = sender.send(read_until(&mut stream, "\r\n\r\n").await);
            let _ = sender.send(read_until(&mut stream, "0\r\n\r\n").await);
            say(&mut stream, "HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    })
    .await;
    let options = RequestOptions::new(server.url("/")).method(Method::POST);
    let mut request = ground.agent().request(options).unwrap();
    request.flush_headers().unwrap();
    let head = soon(seen.recv()).await.unwrap();
    assert!(
        head.contains("\r\nTransfer-Encoding: chunked\r\n"),
        "{head}"
    );
    request.flush_headers().unwrap();
    request.write("late").await.unwrap();
    let response = soon(request.end()).await.unwrap();
    assert_eq!(response.status(), 204);
    assert_eq!(seen.recv().await.unwrap(), "4\r\nlate\r\n0\r\n\r\n");
}

#[tokio::test]
async fn a_flushed_get_is_whole_and_takes_no_body() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let mut request = agent.request(server.url("/")).unwrap();
    request.flush_headers().unwrap();
    let text = soon(seen.recv()).await.unwrap().text;
    assert!(!text.contains("Transfer-Encoding"), "{text}");
    let mut response = soon(request.end()).await.unwrap();
    assert_eq!(body_of(&mut response).await, b"ok");

    let mut request = agent.request(server.url("/")).unwrap();
    request.flush_headers().unwrap();
    let error = soon(request.write("late")).await.unwrap_err();
    assert_eq!(error.code(), Some("ERR_STREAM_WRITE_AFTER_END"), "{error}");
}

#[tokio::test]
async fn trailers_end_a_request_that_is_chunked() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
    let options = RequestOptions::new(server.url("/")).method(Method::POST);
    let begin = |options: &RequestOptions| agent.request(options.clone()).unwrap();

    let announced = options.clone().header("Trailer", "x-sum");
    let mut request = begin(&announced);
    request.write("part").await.unwrap();
    soon(request.end_with_trailers(trailers.clone()))
        .await
        .unwrap();
    let text = seen.recv().await.unwrap().text;
    assert!(
        text.ends_with("\r\n\r\n4\r\npart\r\n0\r\nx-sum: 1\r\n\r\n"),
        "{text}"
    );

    soon(begin(&options).end_with_trailers(trailers.clone()))
        .await
        .unwrap();
    let text = seen.recv().await.unwrap().text;
    assert!(text.ends_with("\r\n\r\n0\r\nx-sum: 1\r\n\r\n"), "{text}");

    // Announced, so that they may come: chunks, although the length is known.
    soon(begin(&announced).end_with("known")).await.unwrap();
    let text = seen.recv().await.unwrap().text;
    assert!(
        text.contains("\r\nTransfer-Encoding: chunked\r\n"),
        "{text}"
    );

    let sized = options.clone().header("Content-Length", "4");
    let old = options.clone().version(Version::HTTP_10);
    for unframed in [&sized, &old] {
        let request = begin(unframed).end_with_trailers(trailers.clone());
        let error = soon(request).await.unwrap_err();
        assert_eq!(error.code(), Some("ERR_HTTP_TRAILER_INVALID"), "{error}");
    }
    let both = sized.header("Trailer", "x-sum");
    let error = soon(begin(&both).end_with("four")).await.unwrap_err();
    assert_eq!(error.code(), Some("ERR_HTTP_TRAILER_INVALID"), "{error}");
    let framing = HeaderMap::from_iter([("content-length".parse().unwrap(), "1".parse().unwrap())]);
    let error = soon(begin(&options).end_with_trailers(framing))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("ERR_HTTP_TRAILER_INVALID"), "{error}");
    assert_eq!(server.accepted(), 1, "nothing was opened for those");
}

#[tokio::test]
async fn bodies_of_trace_are_refused_before_anything_is_opened() {
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let options = RequestOptions::new(server.url("/")).method(Method::TRACE);
    let request = ground.agent().request(options).unwrap();
    let error = soon(request.end_with("body")).await.unwrap_err();
    assert_eq!(error.code(), Some("ERR_HTTP_BODY_NOT_ALLOWED"), "{error}");
    assert!(error.replay_safe());
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn options_may_ask_for_the_server_itself() {
    let text = head_of(|options| options.method(Method::OPTIONS).path("*")).await;
    assert!(text.starts_with("OPTIONS * HTTP/1.1\r\nHost: "), "{text}");
}

#[tokio::test]
async fn limits_of_a_response_hold_for_one_request_on_a_shared_connection() {
    let ground = Ground::new();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Long: {}\r\nX-Odd: a\x01b\r\n\r\n",
        "x".repeat(200)
    );
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let head = head.clone();
        async move {
            while read_request(&mut stream).await.is_some() {
                say(&mut stream, &head).await;
            }
        }
    })
    .await;
    let agent = ground.agent();
    let options = RequestOptions::new(server.url("/")).insecure_http_parser(true);
    for round in 0..2 {
        let mut response = soon(agent.get(options.clone())).await.unwrap();
        assert_eq!(facts(&response).reused(), round == 1);
        body_of(&mut response).await;
    }
    let tight = options.clone().max_header_size(100);
    let error = soon(agent.get(tight)).await.unwrap_err();
    assert_eq!(error.code(), Some("HPE_HEADER_OVERFLOW"), "{error}");
    soon(agent.get(options.clone())).await.unwrap();
    let few = soon(agent.get(options.max_headers_count(2)))
        .await
        .unwrap_err();
    assert_eq!(few.code(), Some("HPE_HEADER_OVERFLOW"), "{few}");
    let strict = soon(agent.get(server.url("/"))).await.unwrap_err();
    assert_eq!(strict.code(), Some("HPE_INVALID_HEADER_TOKEN"), "{strict}");
}

#[tokio::test]
async fn repeated_lines_of_a_response_are_joined_on_request() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        while read_request(&mut stream).await.is_some() {
            let lines = "ETag: 1\r\nX-A: 1\r\nX-A: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n";
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{lines}\r\n");
            say(&mut stream, head).await;
        }
    })
    .await;
    let values = |response: &http::Response<Body>, name: &str| -> Vec<String> {
        let values = response.headers().get_all(name).iter();
        values
            .map(|value| value.to_str().unwrap().to_owned())
            .collect()
    };
    let agent = ground.agent();
    let options = RequestOptions::new(server.url("/"));
    let apart = soon(agent.get(options.clone())).await.unwrap();
    assert_eq!(values(&apart, "x-a"), ["1", "2"]);
    let joined = agent.get(options.join_duplicate_headers(true));
    let joined = soon(joined).await.unwrap();
    assert_eq!(values(&joined, "x-a"), ["1, 2"]);
    assert_eq!(values(&joined, "set-cookie"), ["a", "b"]);
}

#[tokio::test]
async fn a_flushed_get_takes_no_body_also_once_it_is_answered() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    for pause in [0, 300] {
        let mut request = agent.request(server.url("/")).unwrap();
        request.flush_headers().unwrap();
        soon(seen.recv()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
        let error = soon(request.end_with("late")).await.unwrap_err();
        assert_eq!(error.code(), Some("ERR_STREAM_WRITE_AFTER_END"), "{error}");
        assert!(!error.replay_safe(), "its head has left");
    }
    let mut request = agent.request(server.url("/")).unwrap();
    request.flush_headers().unwrap();
    let mut response = soon(request.end_with("")).await.unwrap();
    assert_eq!(body_of(&mut response).await, b"ok", "no body is no harm");
}

#[tokio::test]
async fn forbidden_trailers_are_refused_before_anything_is_opened() {
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let options = RequestOptions::new(server.url("/")).method(Method::POST);
    let framing = HeaderMap::from_iter([("content-length".parse().unwrap(), "1".parse().unwrap())]);
    let request = agent.request(options.clone()).unwrap();
    let error = soon(request.end_with_trailers(framing.clone())).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), Some("ERR_HTTP_TRAILER_INVALID"), "{error}");
    assert!(error.replay_safe(), "{error:?}");
    assert_eq!(server.accepted(), 0);

    let mut request = agent.request(options).unwrap();
    request.write("part").await.unwrap();
    let error = soon(request.end_with_trailers(framing)).await.unwrap_err();
    assert_eq!(error.code(), Some("ERR_HTTP_TRAILER_INVALID"), "{error}");
    assert!(!error.replay_safe(), "part of it may have left");
}

#[tokio::test]
async fn connect_names_its_target_in_host() {
    let connect = |options: RequestOptions| options.method(Method::CONNECT).path("far.example:443");
    let head = head_of(connect).await;
    let lines = "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n";
    assert!(head.starts_with(lines), "{head}");
    let own = head_of(|options| connect(options).header("Host", "localhost")).await;
    assert!(own.contains("\r\nHost: localhost\r\n"), "{own}");
}

#[tokio::test]
async fn connection_names_no_field_that_is_for_everybody() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let options = RequestOptions::new(server.url("/"));
    for value in ["Content-Length", "close, HOST", "transfer-encoding"] {
        let error = soon(agent.get(options.clone().header("connection", value))).await;
        let error = error.unwrap_err();
        assert_eq!(error.code(), Some("ERR_INVALID_ARG_VALUE"), "{error}");
        assert!(error.replay_safe(), "{error:?}");
    }
    assert_eq!(server.accepted(), 0);
    let named = options.header("TE", "trailers").header("Connection", "TE");
    soon(agent.get(named)).await.unwrap();
    let text = seen.recv().await.unwrap().text;
    assert!(text.contains("\r\nConnection: TE\r\n"), "{text}");
}

#[tokio::test]
async fn nothing_is_expected_for_a_request_without_a_body() {
    let told = head_of(|options| {
        options
            .header("X-A", "1")
            .header("Expect", "100-continue")
            .header("X-B", "2")
    });
    let head = told.await;
    assert!(head.contains("\r\nX-A: 1\r\nX-B: 2\r\n"), "{head}");
}

#[test]
fn a_protocol_is_judged_before_the_form_of_a_path() {
    for (url, code) in [
        ("mailto:a", "ERR_INVALID_PROTOCOL"),
        ("http://a/", "ERR_INVALID_PROTOCOL"),
    ] {
        let error = sealane::request(url).unwrap_err();
        assert_eq!(error.code(), Some(code), "{error}");
    }
    let error = sealane::request(RequestOptions::new("mailto:a").path("/ "));
    let error = error.unwrap_err();
    assert_eq!(error.code(), Some("ERR_UNESCAPED_CHARACTERS"), "{error}");
}
