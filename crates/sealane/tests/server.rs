//! Does a server keep its word: answers, persistence, failures, close? Over real TLS on loopback.

mod support;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use sealane::{Body, ConnectionInfo, RawFields, Server, create_server};
use support::{Ground, listen, read_to_end, read_until, stdout, text_of};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::client::TlsStream;

/// Reads the whole body and says what came.
async fn describe(mut request: Request<Body>) -> sealane::Result<Response<String>> {
    let mut length = 0;
    while let Some(chunk) = request.body_mut().chunk().await? {
        length += chunk.len();
    }
    Ok(Response::new(format!(
        "{} {} {length}",
        request.method(),
        request.uri()
    )))
}

#[tokio::test]
async fn curl_gets_an_answer_and_keeps_the_connection() {
    let ground = Ground::new();
    let server = create_server(ground.options(), describe).unwrap();
    let address = listen(&server).await;
    let again = format!("https://localhost:{}/two", address.port());
    let output = ground
        .curl(
            address,
            "/one",
            &["-w", "[%{num_connects}]", "-d", "12345", &again],
        )
        .await;
    assert_eq!(stdout(&output), "POST /two 5[1]POST /one 5[0]");
}

#[tokio::test]
async fn curl_sends_its_body_after_100_continue() {
    let ground = Ground::new();
    let server = create_server(ground.options(), describe).unwrap();
    let address = listen(&server).await;
    let file = ground.folder().join("body");
    std::fs::write(&file, vec![b'x'; 1 << 20]).unwrap();
    let upload = format!("@{}", file.display());
    let arguments = ["-v", "-H", "Expect: 100-continue", "--data-binary", &upload];
    let output = ground.curl(address, "/", &arguments).await;
    assert_eq!(stdout(&output), "POST / 1048576");
    let trace = String::from_utf8_lossy(&output.stderr);
    assert!(trace.contains("< HTTP/1.1 100 Continue"), "{trace}");
}

#[tokio::test]
async fn a_handler_that_does_not_want_the_body_never_says_continue() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async {
        Response::builder()
            .status(StatusCode::PAYLOAD_TOO_LARGE)
            .body("")
    })
    .unwrap();
    let address = listen(&server).await;
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    let answer = ground.say(address, head).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn openssl_s_client_is_answered_over_tls_1_2_and_1_3() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let info = request
            .extensions()
            .get::<ConnectionInfo>()
            .unwrap()
            .clone();
        let tls = info.tls();
        Response::new(format!(
            "{} {} {:?}",
            tls.protocol(),
            tls.cipher(),
            tls.servername()
        ))
    })
    .unwrap();
    let address = listen(&server).await;
    for (flag, expected) in [
        (
            "-tls1_2",
            "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 Some(\"localhost\")",
        ),
        (
            "-tls1_3",
            "TLSv1.3 TLS_AES_128_GCM_SHA256 Some(\"localhost\")",
        ),
    ] {
        let answer = s_client(&ground, address, flag).await;
        assert!(answer.ends_with(expected), "{flag}: {answer}");
    }
}

async fn s_client(ground: &Ground, address: SocketAddr, flag: &str) -> String {
    let mut child = tokio::process::Command::new("openssl")
        .args([
            "s_client",
            "-quiet",
            "-no_ign_eof",
            "-verify_return_error",
            flag,
        ])
        .args([
            "-servername",
            "localhost",
            "-connect",
            &address.to_string(),
            "-CAfile",
        ])
        .arg(ground.ca_file())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("openssl is installed");
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut answer)
        .await
        .unwrap();
    drop(input);
    child.wait().await.unwrap();
    answer
}

#[tokio::test]
async fn a_handler_that_fails_or_panics_is_answered_500() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        assert_ne!(request.uri(), "/panic", "as asked");
        Err::<Response<Body>, _>("no luck")
    })
    .unwrap();
    let address = listen(&server).await;
    for path in ["/fail", "/panic"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = ground.say(address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(
            !answer.contains("luck"),
            "what failed is not the client's business: {answer}"
        );
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let ground = Ground::new();
    let server = create_server(ground.options(), describe).unwrap();
    let address = listen(&server).await;
    let requests: String = (0..50)
        .map(|i| format!("GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .collect();
    let last = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = ground.say(address, (requests + last).as_bytes()).await;
    let seen: Vec<_> = answer
        .split("GET /")
        .skip(1)
        .map(|s| s.split(' ').next().unwrap())
        .collect();
    let expected: Vec<_> = (0..50)
        .map(|i| i.to_string())
        .chain(["last".into()])
        .collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_client_that_ended_its_side_still_gets_its_answers() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        tokio::task::yield_now().await;
        Response::new(request.uri().path().to_owned())
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    let two = b"GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(two).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(
        answer.contains("/first") && answer.ends_with("/second"),
        "{answer}"
    );
}

#[tokio::test]
async fn raw_fields_keep_order_case_and_repeats() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let raw = request.extensions().get::<RawFields>().unwrap().clone();
        let show = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let fields: Vec<_> = raw
            .iter()
            .map(|(n, v)| format!("{}={}", show(n), show(v)))
            .collect();
        Response::new(format!("{}|{}", show(raw.target()), fields.join("|")))
    })
    .unwrap();
    let address = listen(&server).await;
    let request = b"GET /a?b%20c HTTP/1.1\r\nhOST: a\r\nX-B: 2\r\nx-a:1\r\nX-b:  3 \r\n\
                    Connection: close\r\n\r\n";
    let answer = ground.say(address, request).await;
    assert!(
        answer.ends_with("/a?b%20c|hOST=a|X-B=2|x-a=1|X-b=3|Connection=close"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_early_answer_does_not_wait_for_the_request_body() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async { Response::new("enough") }).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
        .await
        .unwrap();
    read_until(&mut stream, "enough").await;
    let rest = b"67890GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(rest).await.unwrap();
    assert!(
        read_to_end(&mut stream).await.ends_with("enough"),
        "the connection went on"
    );
}

#[tokio::test]
async fn a_body_that_is_cut_short_fails_the_handler_and_gets_400() {
    let ground = Ground::new();
    let server = create_server(ground.options(), describe).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_response_whose_body_fails_is_seen_cut_short() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |_| async {
        let (mut sender, body) = Body::channel();
        tokio::spawn(async move {
            sender.send("half").await.unwrap();
            sender.abort("no more");
        });
        Response::new(body)
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut octets = Vec::new();
    let ended_well = stream.read_to_end(&mut octets).await.is_ok();
    let text = String::from_utf8_lossy(&octets);
    assert!(
        !ended_well && !text.ends_with("0\r\n\r\n"),
        "a cut body must not look whole: {text}"
    );
}

#[tokio::test]
async fn a_lost_client_drops_its_handler() {
    let ground = Ground::new();
    let (started, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    struct Tell(Arc<Notify>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (tell_start, tell_drop) = (Arc::clone(&started), Arc::clone(&dropped));
    let server = create_server(ground.options(), move |_| {
        let (started, tell) = (Arc::clone(&tell_start), Tell(Arc::clone(&tell_drop)));
        async move {
            let _tell = tell;
            started.notify_one();
            std::future::pending::<()>().await;
            Response::new("")
        }
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    started.notified().await;
    let (socket, _) = stream.into_inner();
    socket.set_zero_linger().unwrap();
    drop(socket);
    dropped.notified().await;
}

/// A connection at rest: its handshake is done on both sides, as an answer has come.
async fn settled(ground: &Ground, address: SocketAddr) -> TlsStream<TcpStream> {
    let mut stream = ground.connect(address).await;
    stream
        .write_all(b"GET /settle HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    read_until(&mut stream, "settled").await;
    stream
}

/// Answers `/settle` at once and every other request with what `otherwise` gives.
async fn settle_or(
    request: Request<Body>,
    otherwise: impl Future<Output = &'static str>,
) -> Response<&'static str> {
    Response::new(if request.uri() == "/settle" {
        "settled"
    } else {
        otherwise.await
    })
}

#[tokio::test]
async fn close_drains_what_runs_and_ends_what_rests() {
    let ground = Ground::new();
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&entered), Arc::clone(&go));
    let server = create_server(ground.options(), move |request| {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        settle_or(request, async move {
            tell.notify_one();
            wait.notified().await;
            "drained"
        })
    })
    .unwrap();
    let address = listen(&server).await;
    let mut resting = settled(&ground, address).await;
    let mut running = ground.connect(address).await;
    running
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    entered.notified().await;
    let closing = tokio::spawn({
        let server = server.clone();
        async move { server.close().await }
    });
    assert_eq!(
        read_to_end(&mut resting).await,
        "",
        "a connection at rest is ended"
    );
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "nobody accepts any more"
    );
    go.notify_one();
    let answer = read_to_end(&mut running).await;
    assert!(
        answer.ends_with("drained") && answer.contains("connection: close"),
        "{answer}"
    );
    drop(running);
    closing.await.unwrap().unwrap();
    assert_eq!(
        server.listen("127.0.0.1:0").await.unwrap_err().code(),
        Some("ERR_SERVER_NOT_RUNNING")
    );
}

#[tokio::test]
async fn close_all_connections_cuts_and_close_idle_spares_the_busy() {
    let ground = Ground::new();
    let entered = Arc::new(Notify::new());
    let tell = Arc::clone(&entered);
    let server = create_server(ground.options(), move |request| {
        let tell = Arc::clone(&tell);
        settle_or(request, async move {
            tell.notify_one();
            std::future::pending().await
        })
    })
    .unwrap();
    let address = listen(&server).await;
    let mut resting = settled(&ground, address).await;
    let mut busy = ground.connect(address).await;
    busy.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    entered.notified().await;
    server.close_idle_connections();
    assert_eq!(read_to_end(&mut resting).await, "");
    server.close_all_connections();
    assert!(
        busy.read(&mut [0]).await.is_err(),
        "cut without close_notify"
    );
    server.close().await.unwrap();
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_server() {
    let ground = Ground::new();
    let server =
        create_server(ground.options(), |request| settle_or(request, async { "" })).unwrap();
    let address = listen(&server).await;
    let mut resting = settled(&ground, address).await;
    drop(server);
    assert_eq!(read_to_end(&mut resting).await, "");
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_code() {
    let ground = Ground::new();
    let server = create_server(ground.options(), describe).unwrap();
    let address = listen(&server).await;
    let error = server.listen(address).await.unwrap_err();
    assert_eq!(error.code(), Some("EADDRINUSE"));
    assert!(
        error.to_string().contains(&address.port().to_string()),
        "{error}"
    );
}

#[test]
fn listening_outside_a_runtime_is_an_error() {
    let ground = Ground::new();
    let server = create_server(ground.options(), describe).unwrap();
    let mut listening = Box::pin(server.listen("127.0.0.1:0"));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = listening.as_mut().poll(&mut context) else {
        panic!("listening must fail at once");
    };
    assert!(error.to_string().contains("runtime"), "{error}");
}

#[tokio::test]
async fn an_accepted_socket_can_be_adopted() {
    let ground = Ground::new();
    let server = create_server(ground.options(), describe).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = tokio::task::spawn_blocking(move || listener.accept().unwrap().0);
    let client = tokio::spawn(async move { ground.hyper::<Empty<Bytes>>(address).await });
    server.adopt(accepting.await.unwrap()).unwrap();
    let request = Request::get("/adopted")
        .header("host", "a")
        .body(Empty::new())
        .unwrap();
    let response = client.await.unwrap().send_request(request).await.unwrap();
    assert_eq!(text_of(response).await, "GET /adopted 0");
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_waited_for() {
    #[derive(Clone)]
    struct Slow(Arc<AtomicUsize>);
    impl tower_service::Service<Request<Body>> for Slow {
        type Response = Response<Full<Bytes>>;
        type Error = std::convert::Infallible;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
        fn poll_ready(
            &mut self,
            context: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Self::Error>> {
            if self.0.fetch_add(1, Ordering::SeqCst) < 3 {
                context.waker().wake_by_ref();
                return std::task::Poll::Pending;
            }
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<Body>) -> Self::Future {
            assert!(
                self.0.load(Ordering::SeqCst) >= 4,
                "called before it was ready"
            );
            std::future::ready(Ok(Response::new(Full::new(Bytes::from_static(b"ready")))))
        }
    }
    let ground = Ground::new();
    let server = Server::with_service(ground.options(), Slow(Arc::default())).unwrap();
    let address = listen(&server).await;
    let mut client = ground.hyper::<Empty<Bytes>>(address).await;
    let request = Request::get("/")
        .header("host", "a")
        .body(Empty::new())
        .unwrap();
    assert_eq!(
        text_of(client.send_request(request).await.unwrap()).await,
        "ready"
    );
}

#[tokio::test]
async fn an_unknown_expectation_is_declined_and_the_connection_goes_on() {
    let ground = Ground::new();
    let server = create_server(ground.options(), describe).unwrap();
    let address = listen(&server).await;
    let requests =
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 4\r\n\r\nbody\
                     GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = ground.say(address, requests).await;
    assert!(
        answer.starts_with("HTTP/1.1 417 Expectation Failed\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("GET /next 0"), "{answer}");
}

#[tokio::test]
async fn trailers_leave_with_a_chunked_body_and_spare_a_sized_one() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |request: Request<Body>| async move {
        let (mut sender, body) = Body::channel();
        tokio::spawn(async move {
            sender.send("content").await.unwrap();
            let trailers = http::HeaderMap::from_iter([(http::header::ETAG, "x".parse().unwrap())]);
            sender.end_with_trailers(trailers);
        });
        let mut response = Response::new(body);
        if request.uri() == "/sized" {
            response
                .headers_mut()
                .insert("content-length", "7".parse().unwrap());
        }
        response
    })
    .unwrap();
    let address = listen(&server).await;
    let requests = b"GET /chunked HTTP/1.1\r\nHost: a\r\n\r\n\
                     GET /sized HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = ground.say(address, requests).await;
    assert!(
        answer.contains("\r\n7\r\ncontent\r\n0\r\netag: x\r\n\r\nHTTP/1.1 200 OK\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\ncontent"), "{answer}");
}
