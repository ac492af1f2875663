//! Does a client send what its caller says, and give back what the server answers? Over real TLS.

mod support;

use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use sealane::{
    Agent, AgentOptions, Body, ErrorKind, Phase, RawFields, RequestOptions, create_server,
};
use support::scripted::{Scripted, gone, read_request, recorder, reset, say};
use support::{Ground, body_of, facts, listen, soon};
use tokio::net::TcpListener;
use tower_service::Service;

/// An agent that keeps nothing.
fn forgetful(ground: &Ground) -> Agent {
    Agent::new(ground.agent_options()).unwrap()
}

/// A server that answers each request with these octets, and then waits for the client to go.
async fn answering(ground: &Ground, answer: &'static str) -> Scripted {
    Scripted::start(ground.server_config(), move |mut stream, _| async move {
        while read_request(&mut stream).await.is_some() {
            say(&mut stream, answer).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_get_gives_status_fields_body_and_facts() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        Response::builder()
            .status(StatusCode::IM_A_TEAPOT)
            .header("X-Asked", format!("{} {}", request.method(), request.uri()))
            .body("hello world\n")
    })
    .unwrap();
    let address = listen(&server).await;
    let url = format!("https://localhost:{}/a?b=c#never-sent", address.port());
    let mut response = ground.agent().get(url).await.unwrap();
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(response.headers()["x-asked"], "GET /a?b=c");
    assert_eq!(body_of(&mut response).await, b"hello world\n");
    let connection = facts(&response);
    assert_eq!(connection.remote_addr(), Some(address));
    assert!(connection.local_addr().is_some() && !connection.reused());
    let tls = connection.tls();
    assert_eq!((tls.protocol(), tls.alpn()), ("TLSv1.3", Some("http/1.1")));
    assert!(tls.authorized() && !tls.resumed());
    assert_eq!(tls.servername(), Some("localhost"));
}

#[tokio::test]
async fn a_response_keeps_its_field_lines_as_they_came() {
    let ground = Ground::new();
    let answer =
        "HTTP/1.1 200 OK\r\nX-Odd-CASE: one\r\nx-odd-case: two\r\nContent-Length: 0\r\n\r\n";
    let server = answering(&ground, answer).await;
    let response = ground.agent().get(server.url("/")).await.unwrap();
    let raw = response.extensions().get::<RawFields>().unwrap();
    let lines: Vec<_> = raw.iter().collect();
    assert_eq!(lines[0], (&b"X-Odd-CASE"[..], &b"one"[..]));
    assert_eq!(lines[1], (&b"x-odd-case"[..], &b"two"[..]));
    let values: Vec<_> = response.headers().get_all("x-odd-case").iter().collect();
    assert_eq!(values, ["one", "two"]);
}

#[tokio::test]
async fn c037_two_host_fields_are_refused() {
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let options = RequestOptions::new(server.url("/")).header("Host", "127.0.0.1");
    let agent = ground.agent();
    let error = match agent.request(options.header("Host", "b")) {
        Err(error) => error,
        Ok(request) => request.end().await.unwrap_err(),
    };
    assert_eq!(error.kind(), ErrorKind::Options, "{error:?}");
    assert_eq!(error.code(), Some("ERR_INVALID_ARG_TYPE"), "{error:?}");
    assert_eq!(server.accepted(), 0, "refused before anything is opened");
}

#[tokio::test]
async fn c187_a_get_says_its_line_its_host_its_connection_and_nothing_else() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let port = server.address().port();
    let url = format!("https://localhost:{port}/");
    let mut response = forgetful(&ground).get(url).await.unwrap();
    assert_eq!(body_of(&mut response).await, b"ok");
    assert_eq!(
        seen.recv().await.unwrap().text,
        format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n")
    );
}

#[tokio::test]
async fn c188_an_ipv6_address_stands_in_brackets_in_host() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let host = request.headers()["host"].clone();
        Response::builder().header("x-host", host).body(())
    })
    .unwrap();
    let Ok(address) = server.listen("[::1]:0").await else {
        support::left_out("this machine has no ::1");
        return;
    };
    let port = address.port();
    let urls = [
        RequestOptions::new(format!("https://[::1]:{port}/")),
        RequestOptions::default().hostname("::1").port(port),
    ];
    for options in urls {
        let response = ground.agent().get(options).await.unwrap();
        assert_eq!(response.headers()["x-host"], format!("[::1]:{port}"));
    }
}

#[tokio::test]
async fn c192_a_post_is_framed_by_what_is_known_of_its_body() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let post = || {
        let options = RequestOptions::new(server.url("/")).method(Method::POST);
        agent.request(options).unwrap()
    };

    post().end_with("four").await.unwrap();
    let whole = seen.recv().await.unwrap().text;
    assert!(whole.contains("Content-Length: 4\r\n"), "{whole}");
    assert!(whole.ends_with("\r\n\r\nfour"), "{whole}");

    let mut pieces = post();
    pieces.write("part one, ").await.unwrap();
    pieces.write("part two").await.unwrap();
    pieces.end().await.unwrap();
    let pieces = seen.recv().await.unwrap().text;
    assert!(
        pieces.contains("Transfer-Encoding: chunked\r\n"),
        "{pieces}"
    );
    assert!(!pieces.contains("Content-Length"), "{pieces}");
    assert!(pieces.ends_with("\r\n0\r\n\r\n"), "{pieces}");

    post().end().await.unwrap();
    let nothing = seen.recv().await.unwrap().text;
    assert!(nothing.contains("Content-Length: 0\r\n"), "{nothing}");
}

#[tokio::test]
async fn a_body_on_get_and_delete_is_framed_too() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    for method in [Method::GET, Method::DELETE] {
        let options = RequestOptions::new(server.url("/")).method(method);
        let request = agent.request(options).unwrap();
        request.end_with("body").await.unwrap();
        let text = seen.recv().await.unwrap().text;
        assert!(text.contains("Content-Length: 4\r\n"), "{text}");
    }
}

#[tokio::test]
async fn c194_credentials_make_a_field_unless_the_caller_has_written_one() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let url = format!("https://u:p@{}/", server.address());
    agent.get(&url).await.unwrap();
    let text = seen.recv().await.unwrap().text;
    assert!(text.contains("Authorization: Basic dTpw\r\n"), "{text}");
    assert!(!text.contains("u:p@"), "{text}");

    let options = RequestOptions::new(server.url("/")).auth("u:p");
    agent.get(options).await.unwrap();
    let text = seen.recv().await.unwrap().text;
    assert!(text.contains("Authorization: Basic dTpw\r\n"), "{text}");

    let options = RequestOptions::new(&url)
        .auth("other:one")
        .header("Authorization", "Bearer mine");
    agent.get(options).await.unwrap();
    let text = seen.recv().await.unwrap().text;
    assert!(text.contains("Authorization: Bearer mine\r\n"), "{text}");
    assert!(!text.contains("Basic"), "{text}");
}

#[tokio::test]
async fn c200_the_answer_to_head_is_empty_and_its_connection_is_kept() {
    let ground = Ground::new();
    let server = answering(&ground, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await;
    let agent = ground.agent();
    for round in 0..2 {
        let options = RequestOptions::new(server.url("/")).method(Method::HEAD);
        let mut response = agent.get(options).await.unwrap();
        assert_eq!(response.headers()["content-length"], "5");
        assert_eq!(body_of(&mut response).await, b"");
        assert_eq!(facts(&response).reused(), round == 1);
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn c201_what_has_no_body_ends_empty_and_complete() {
    let ground = Ground::new();
    for answer in [
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ] {
        let server = answering(&ground, answer).await;
        let agent = ground.agent();
        for _ in 0..2 {
            let mut response = agent.get(server.url("/")).await.unwrap();
            assert_eq!(soon(body_of(&mut response)).await, b"", "{answer}");
        }
        assert_eq!(server.accepted(), 1, "{answer}");
    }
}

#[tokio::test]
async fn c202_a_body_that_ends_with_the_connection_is_delivered_whole() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        say(&mut stream, "HTTP/1.1 200 OK\r\n\r\nuntil ").await;
        say(&mut stream, "the end").await;
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
    })
    .await;
    let agent = ground.agent();
    let mut response = agent.get(server.url("/")).await.unwrap();
    assert_eq!(body_of(&mut response).await, b"until the end");
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn c203_a_server_that_closes_before_any_answer_is_a_reset() {
    let ground = Ground::new();
    for abrupt in [false, true] {
        let server = Scripted::start(ground.server_config(), move |mut stream, _| async move {
            read_request(&mut stream).await;
            match abrupt {
                true => reset(stream),
                false => drop(tokio::io::AsyncWriteExt::shutdown(&mut stream).await),
            }
        })
        .await;
        let agent = ground.agent();
        let error = agent.get(server.url("/")).await.unwrap_err();
        assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
        assert_eq!(error.phase(), Phase::ReceiveHead, "{error:?}");
        assert!(!error.replay_safe(), "it has left: {error:?}");
        assert_eq!(
            server.accepted(),
            1,
            "a new connection's loss is told, not hidden"
        );
        assert_eq!(agent.total_socket_count(), 0);
    }
}

#[tokio::test]
async fn c204_a_connection_that_ends_before_tls_is_up_says_so() {
    let ground = Ground::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        // Read first: closing on unread octets would be a reset.
        tokio::io::AsyncReadExt::read(&mut socket, &mut [0; 4096])
            .await
            .unwrap();
    };
    let agent = ground.agent();
    let (result, ()) = tokio::join!(agent.get(format!("https://{address}/")), server);
    let error = result.unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
    assert_eq!(error.phase(), Phase::Handshake, "{error:?}");
    assert!(error.replay_safe(), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains(&address.to_string()) && text.contains("handshake"),
        "{text}"
    );
}

#[tokio::test]
async fn c205_a_refused_connection_and_an_unknown_host_have_their_codes() {
    let ground = Ground::new();
    let agent = ground.agent();
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let error = agent.get(format!("https://{address}/")).await.unwrap_err();
    assert_eq!(error.code(), Some("ECONNREFUSED"), "{error:?}");
    assert_eq!(
        (error.kind(), error.phase()),
        (ErrorKind::Io, Phase::Connect)
    );
    assert!(error.replay_safe() && error.to_string().contains(&address.to_string()));

    // A label this long is refused by the resolver itself: no question leaves the machine.
    let host = format!("{}.localhost", "a".repeat(64));
    let options = RequestOptions::default()
        .hostname(&host)
        .servername("localhost");
    let error = agent.get(options).await.unwrap_err();
    assert_eq!(error.code(), Some("ENOTFOUND"), "{error:?}");
    assert_eq!(error.phase(), Phase::Resolve, "{error:?}");
    assert!(
        error.replay_safe() && error.to_string().contains(&host),
        "{error}"
    );
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn c266_a_text_a_uri_and_options_ask_for_the_same() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let url = server.url("/foo?bar");
    let uri: Uri = url.parse().unwrap();
    let options = RequestOptions::new(server.url("/other")).path("/foo?bar");
    for options in [RequestOptions::from(&*url), uri.into(), options] {
        agent.get(options).await.unwrap();
        let text = seen.recv().await.unwrap().text;
        assert!(text.starts_with("GET /foo?bar HTTP/1.1\r\n"), "{text}");
    }
}

#[tokio::test]
async fn c267_options_win_over_the_url_and_its_path_stays() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let options = RequestOptions::new("https://elsewhere.example:1/from/url?too")
        .hostname("127.0.0.1")
        .port(server.address().port());
    ground.agent().get(options).await.unwrap();
    let text = seen.recv().await.unwrap().text;
    let expected = format!(
        "GET /from/url?too HTTP/1.1\r\nHost: {}\r\n",
        server.address()
    );
    assert!(text.starts_with(&expected), "{text}");
}

#[tokio::test]
async fn a_port_beyond_the_ports_is_refused() {
    let ground = Ground::new();
    for url in ["https://localhost:99999/", "https://localhost:abc/"] {
        let error = ground.agent().request(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Options, "{error:?}");
        assert_eq!(error.code(), Some("ERR_INVALID_URL"), "{error:?}");
    }
}

#[tokio::test]
async fn c274_options_that_are_used_again_ask_for_the_same_again() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let options = RequestOptions::new(server.url("/again"))
        .method(Method::POST)
        .header("x-mine", "kept")
        .agent(&agent);
    let mut texts = Vec::new();
    for _ in 0..3 {
        sealane::request(options.clone())
            .unwrap()
            .end_with("body")
            .await
            .unwrap();
        texts.push(seen.recv().await.unwrap().text);
    }
    assert!(texts[0].contains("x-mine: kept\r\n"), "{texts:?}");
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}

#[tokio::test]
async fn what_cannot_stand_in_a_head_is_refused_before_anything_is_opened() {
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let options = || RequestOptions::new(server.url("/"));
    for (options, code) in [
        (options().header("bad name", "x"), "ERR_INVALID_HTTP_TOKEN"),
        (options().header("x-name", "a\r\nb: c"), "ERR_INVALID_CHAR"),
        (options().path("/a b"), "ERR_UNESCAPED_CHARACTERS"),
        (
            RequestOptions::new("http://localhost/"),
            "ERR_INVALID_PROTOCOL",
        ),
    ] {
        let error = agent.request(options).unwrap_err();
        assert_eq!(error.code(), Some(code), "{error:?}");
        assert_eq!(
            (error.kind(), error.phase()),
            (ErrorKind::Options, Phase::Setup)
        );
    }
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn interim_responses_are_no_answer() {
    let ground = Ground::new();
    let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
                  HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal";
    let server = answering(&ground, answer).await;
    let agent = ground.agent();
    for _ in 0..2 {
        let mut response = agent.get(server.url("/")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.headers().contains_key("link"));
        assert_eq!(body_of(&mut response).await, b"final");
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn trailers_are_there_behind_the_body_both_ways() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |mut request: Request<Body>| async move {
        let mut body = Vec::new();
        while let Some(chunk) = request.body_mut().chunk().await? {
            body.extend_from_slice(&chunk);
        }
        let (mut sender, answer) = Body::channel();
        let trailers = request.body().trailers().cloned().unwrap_or_default();
        sender.send(body).await?;
        sender.end_with_trailers(trailers);
        Ok::<_, sealane::Error>(Response::new(answer))
    })
    .unwrap();
    let address = listen(&server).await;
    let (mut sender, body) = Body::channel();
    sender.send("content").await.unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-digest", "0123".parse().unwrap());
    sender.end_with_trailers(trailers.clone());
    let request = Request::post(format!("https://{address}/"))
        .header("Trailer", "x-digest")
        .body(body)
        .unwrap();
    let mut response = ground.agent().send(request).await.unwrap();
    assert_eq!(body_of(&mut response).await, b"content");
    assert_eq!(response.body().trailers(), Some(&trailers));
}

#[tokio::test]
async fn c224_trailers_of_a_post_leave_behind_its_last_chunk() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let (mut sender, body) = Body::channel();
    sender.send("content").await.unwrap();
    let trailers = HeaderMap::from_iter([("x-digest".parse().unwrap(), "01".parse().unwrap())]);
    sender.end_with_trailers(trailers);
    let options = RequestOptions::new(server.url("/")).method(Method::POST);
    let request = ground
        .agent()
        .request(options.header("Trailer", "x-digest"));
    soon(request.unwrap().end_with(body)).await.unwrap();
    let text = seen.recv().await.unwrap().text;
    assert!(text.contains("\r\nTrailer: x-digest\r\n"), "{text}");
    let end = "\r\n\r\n7\r\ncontent\r\n0\r\nx-digest: 01\r\n\r\n";
    assert!(text.ends_with(end), "{text}");
}

#[tokio::test]
async fn an_agent_is_a_tower_service_for_any_body() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let mut service = ground.agent();
    std::future::poll_fn(|context| Service::<Request<Body>>::poll_ready(&mut service, context))
        .await
        .unwrap();
    let ours = Request::put(server.url("/ours"))
        .body(Body::from("own"))
        .unwrap();
    let mut response = service.call(ours).await.unwrap();
    assert_eq!(body_of(&mut response).await, b"ok");
    let text = seen.recv().await.unwrap().text;
    assert!(
        text.starts_with("PUT /ours ") && text.ends_with("\r\n\r\nown"),
        "{text}"
    );

    let theirs = http_body_util::Full::new(bytes::Bytes::from_static(b"foreign"));
    let theirs = Request::post(server.url("/theirs")).body(theirs).unwrap();
    service.call(theirs).await.unwrap();
    let text = seen.recv().await.unwrap().text;
    assert!(
        text.contains("Content-Length: 7\r\n") && text.ends_with("foreign"),
        "{text}"
    );
}

#[tokio::test]
async fn a_response_that_breaks_the_rules_names_the_rule() {
    let ground = Ground::new();
    for (answer, code) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n",
            "HPE_INVALID_CONTENT_LENGTH",
        ),
        ("HTTP/2.0 200 OK\r\n\r\n", "HPE_INVALID_VERSION"),
        (
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            "HPE_INVALID_HEADER_TOKEN",
        ),
    ] {
        let server = answering(&ground, answer).await;
        let agent = ground.agent();
        let error = agent.get(server.url("/")).await.unwrap_err();
        assert_eq!(error.code(), Some(code), "{error:?}");
        assert_eq!(
            (error.kind(), error.phase()),
            (ErrorKind::Protocol, Phase::ReceiveHead)
        );
        assert_eq!(agent.total_socket_count(), 0);
    }
}

#[tokio::test]
async fn c196_a_hundred_posts_with_an_expectation_share_a_connection() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |mut request: Request<Body>| async move {
        let mut body = Vec::new();
        while let Some(piece) = request.body_mut().chunk().await? {
            body.extend_from_slice(&piece);
        }
        Ok::<_, sealane::Error>(Response::new(body))
    })
    .unwrap();
    let address = listen(&server).await;
    let agent = ground.agent();
    for round in 0..100 {
        let options = RequestOptions::new(format!("https://{address}/"))
            .method(Method::POST)
            .header("Expect", "100-continue");
        let request = agent.request(options).unwrap();
        let mut response = soon(request.end_with("expected")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(body_of(&mut response).await, b"expected");
        assert_eq!(facts(&response).reused(), round > 0);
    }
}

#[test]
fn a_request_outside_a_runtime_is_an_error_and_no_panic() {
    let ground = Ground::new();
    let agent = ground.agent();
    let mut request = agent.request("https://localhost/").unwrap();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut write = Box::pin(request.write("octets"));
    let std::task::Poll::Ready(Err(error)) = write.as_mut().poll(&mut context) else {
        panic!("neither sent nor refused");
    };
    assert!(
        error.to_string().contains("runtime") && error.replay_safe(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_limit_of_no_connections_is_refused() {
    for options in [
        AgentOptions::new().max_sockets(0),
        AgentOptions::new().max_total_sockets(0),
    ] {
        let error = Agent::new(options).unwrap_err();
        assert_eq!(error.code(), Some("ERR_OUT_OF_RANGE"), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_from_a_broken_one() {
    let ground = Ground::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut socket, answer)
            .await
            .unwrap();
        let mut octets = [0; 4096];
        while tokio::io::AsyncReadExt::read(&mut socket, &mut octets)
            .await
            .is_ok_and(|count| count > 0)
        {}
    };
    let agent = ground.agent();
    let (result, ()) = tokio::join!(agent.get(format!("https://{address}/")), soon(server));
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.phase()),
        (ErrorKind::Tls, Phase::Handshake)
    );
    assert!(error.replay_safe(), "{error:?}");
}

#[tokio::test]
async fn dropping_a_request_that_has_begun_closes_its_connection() {
    let ground = Ground::new();
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let sender = sender.clone();
        async move {
            read_request(&mut stream).await;
            sender.send("asked").unwrap();
            gone(&mut stream).await;
            sender.send("gone").unwrap();
        }
    })
    .await;
    let agent = ground.agent();
    let asking = tokio::spawn({
        let (agent, url) = (agent.clone(), server.url("/"));
        async move { agent.get(url).await }
    });
    assert_eq!(soon(told.recv()).await, Some("asked"));
    asking.abort();
    assert_eq!(soon(told.recv()).await, Some("gone"));
    support::until(|| agent.total_socket_count() == 0).await;
}
