//! The numbered cases of a server's time limits, as we read them.

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use sealane::{Body, ClientError, Deadline, Event, Responder, create_server};
use support::{Ground, listen, read_until, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HALF: &[u8] = b"GET / HTTP/1.1\r\nHos";
const UPLOAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf";

/// So short that a test can wait for it.
const SHORT: Duration = Duration::from_millis(200);

/// So long that no test meets it.
const LONG: Duration = Duration::from_secs(60);

async fn ok(_: Request<Body>) -> Response<&'static str> {
    Response::new("answer")
}

/// Deadlines that a server has told of.
type Told = Arc<Mutex<Vec<Deadline>>>;

fn keeping(told: &Told) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
    let told = Arc::clone(told);
    move |event| {
        if let Event::Timeout(timed_out) = event {
            told.lock().unwrap().push(timed_out.deadline());
        }
    }
}

#[tokio::test]
async fn c067_half_a_head_is_answered_408_and_the_connection_ends() {
    let ground = Ground::new();
    let server = create_server(ground.options().headers_timeout(SHORT), ok).unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, HALF)).await;
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{answer}"
    );
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn c068_a_client_that_says_nothing_behind_its_handshake_gets_408() {
    let ground = Ground::new();
    let told = Told::default();
    let options = ground
        .options()
        .headers_timeout(SHORT)
        .observer(keeping(&told));
    let server = create_server(options, ok).unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, b"")).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(*told.lock().unwrap(), [Deadline::Headers]);
}

#[tokio::test]
async fn c069_rest_between_requests_does_not_count_for_a_head() {
    let ground = Ground::new();
    let server = create_server(ground.options().headers_timeout(SHORT), ok).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    soon(read_until(&mut stream, "answer")).await;
    tokio::time::sleep(SHORT * 3).await;
    stream.write_all(GET).await.unwrap();
    soon(read_until(&mut stream, "answer")).await;
}

#[tokio::test]
async fn c070_an_incomplete_request_behind_another_gets_408_behind_its_answer() {
    let ground = Ground::new();
    let server = create_server(ground.options().headers_timeout(SHORT), ok).unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, &[GET, HALF].concat())).await;
    let (first, second) = answer.split_once("answer").unwrap();
    assert!(first.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(second.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn c072_a_late_body_behind_the_head_of_its_response_is_cut_without_408() {
    let ground = Ground::new();
    let options = ground
        .options()
        .headers_timeout(SHORT)
        .request_timeout(SHORT);
    let server = create_server(options, |mut request: Request<Body>| async move {
        let (mut sender, body) = Body::channel();
        tokio::spawn(async move {
            sender.send("begun").await.unwrap();
            while let Ok(Some(_)) = request.body_mut().chunk().await {}
            std::future::pending::<()>().await;
            drop(sender);
        });
        Response::new(body)
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(UPLOAD).await.unwrap();
    soon(read_until(&mut stream, "begun\r\n")).await;
    let mut rest = Vec::new();
    let end = soon(stream.read_to_end(&mut rest)).await;
    assert!(end.is_err(), "it looks cut");
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn c074_without_limits_a_stalled_head_is_waited_for() {
    let ground = Ground::new();
    let options = ground
        .options()
        .headers_timeout(None)
        .request_timeout(None)
        .keep_alive_timeout(SHORT);
    let server = create_server(options, ok).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(HALF).await.unwrap();
    tokio::time::sleep(SHORT * 8).await;
    stream.write_all(b"t: a\r\n\r\n").await.unwrap();
    soon(read_until(&mut stream, "answer")).await;
}

#[tokio::test]
async fn c075_of_many_connections_those_past_their_own_limit_end() {
    let ground = Ground::new();
    let told = Told::default();
    let options = ground
        .options()
        .headers_timeout(SHORT)
        .request_timeout(SHORT * 5)
        .keep_alive_timeout(LONG)
        .observer(keeping(&told));
    let server = create_server(options, |request: Request<Body>| async move {
        if request.uri() == "/work" {
            tokio::time::sleep(SHORT * 10).await;
        }
        Response::new("answer")
    })
    .unwrap();
    let address = listen(&server).await;
    let mut resting = ground.connect(address).await;
    resting.write_all(GET).await.unwrap();
    soon(read_until(&mut resting, "answer")).await;
    let mut working = ground.connect(address).await;
    let work = b"GET /work HTTP/1.1\r\nHost: a\r\n\r\n";
    working.write_all(work).await.unwrap();
    let waiting = b"POST /work HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf";
    let (head, body) =
        soon(async { tokio::join!(ground.say(address, HALF), ground.say(address, waiting)) }).await;
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
    assert!(body.starts_with("HTTP/1.1 408 "), "{body}");
    soon(read_until(&mut working, "answer")).await;
    resting.write_all(GET).await.unwrap();
    soon(read_until(&mut resting, "answer")).await;
    let told = told.lock().unwrap().clone();
    assert_eq!(told, [Deadline::Headers, Deadline::Request]);
}

#[tokio::test]
async fn c076_who_is_asked_about_errors_decides_what_a_late_client_gets() {
    let ground = Ground::new();
    let codes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&codes);
    let options = ground.options().headers_timeout(SHORT).client_error(
        move |error: &ClientError<'_>| -> Option<Response<Bytes>> {
            let code = error.error().code().map(str::to_owned);
            seen.lock().unwrap().push(code);
            None
        },
    );
    let server = create_server(options, ok).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(HALF).await.unwrap();
    let mut octets = Vec::new();
    let _ = soon(stream.read_to_end(&mut octets)).await;
    assert_eq!(octets, b"", "nothing is said on its own");
    let codes = codes.lock().unwrap().clone();
    assert_eq!(codes, [Some("ERR_HTTP_REQUEST_TIMEOUT".to_owned())]);
}

#[tokio::test]
async fn c077_a_rest_is_advertised_in_whole_seconds() {
    let ground = Ground::new();
    let options = ground
        .options()
        .keep_alive_timeout(Duration::from_millis(1500));
    let server = create_server(options, ok).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    let head = soon(read_until(&mut stream, "\r\n\r\n")).await;
    assert!(head.contains("keep-alive: timeout=1\r\n"), "{head}");
}

#[tokio::test]
async fn c078_a_connection_at_rest_ends_a_second_after_what_was_advertised() {
    let ground = Ground::new();
    let told = Told::default();
    let options = ground
        .options()
        .keep_alive_timeout(Duration::from_millis(100))
        .observer(keeping(&told));
    let server = create_server(options, ok).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    soon(read_until(&mut stream, "answer")).await;
    let began = Instant::now();
    assert_eq!(soon(stream.read(&mut [0])).await.unwrap(), 0);
    // The clock of the server began before ours.
    assert!(
        began.elapsed() >= Duration::from_millis(1000),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(*told.lock().unwrap(), [Deadline::KeepAlive]);
}

#[tokio::test]
async fn c080_a_handler_at_work_is_no_rest() {
    let ground = Ground::new();
    let rest = Duration::from_millis(1);
    let server = create_server(ground.options().keep_alive_timeout(rest), |_| async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        Response::new("answer")
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(&GET.repeat(2)).await.unwrap();
    soon(read_until(&mut stream, "answer")).await;
    soon(read_until(&mut stream, "answer")).await;
}

#[tokio::test]
async fn c081_a_head_that_has_begun_is_limited_as_a_head_only() {
    let ground = Ground::new();
    let rest = Duration::from_millis(1);
    let server = create_server(ground.options().keep_alive_timeout(rest), ok).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    soon(read_until(&mut stream, "answer")).await;
    stream.write_all(HALF).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    stream.write_all(b"t: a\r\n\r\n").await.unwrap();
    soon(read_until(&mut stream, "answer")).await;
}

/// Limits one exchange and never answers it, unless it is the first of three.
async fn limited(request: Request<Body>) -> Response<&'static str> {
    let responder = Responder::of(&request).unwrap();
    responder.set_timeout(Duration::from_millis(50));
    if request.uri() == "/1" {
        return Response::new("first");
    }
    std::future::pending().await
}

#[tokio::test]
async fn c084_a_limit_of_one_exchange_ends_an_incomplete_request_with_408() {
    let ground = Ground::new();
    let told = Told::default();
    let options = ground.options().observer(keeping(&told));
    let server = create_server(options, limited).unwrap();
    let address = listen(&server).await;
    let answer = soon(ground.say(address, UPLOAD)).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(*told.lock().unwrap(), [Deadline::Inactivity]);
}

#[tokio::test]
async fn c085_a_limit_of_one_exchange_ends_one_that_is_never_answered() {
    let ground = Ground::new();
    let told = Told::default();
    let options = ground.options().observer(keeping(&told));
    let server = create_server(options, limited).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    let mut octets = Vec::new();
    let end = soon(stream.read_to_end(&mut octets)).await;
    assert!(end.is_err() && octets.is_empty(), "cut without a word");
    assert_eq!(*told.lock().unwrap(), [Deadline::Inactivity]);
}

#[tokio::test]
async fn c086_of_requests_in_a_row_the_one_that_is_answered_now_is_limited() {
    let ground = Ground::new();
    let (told, begun) = (Told::default(), Arc::new(Mutex::new(Vec::new())));
    let options = ground.options().observer(keeping(&told));
    let seen = Arc::clone(&begun);
    let server = create_server(options, move |request: Request<Body>| {
        seen.lock().unwrap().push(request.uri().path().to_owned());
        limited(request)
    })
    .unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    for path in ["/1", "/2", "/3"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
    }
    let mut octets = Vec::new();
    let _ = soon(stream.read_to_end(&mut octets)).await;
    let answer = String::from_utf8_lossy(&octets);
    assert!(answer.ends_with("first"), "{answer}");
    assert_eq!(*begun.lock().unwrap(), ["/1", "/2"]);
    assert_eq!(*told.lock().unwrap(), [Deadline::Inactivity]);
}

/// The module's stop with the close; a client that stalls would keep it waiting for ever.
#[tokio::test]
async fn deadlines_go_on_while_a_server_closes() {
    let ground = Ground::new();
    let server = create_server(ground.options().headers_timeout(SHORT), ok).unwrap();
    let address = listen(&server).await;
    let mut stream = ground.connect(address).await;
    stream.write_all(GET).await.unwrap();
    soon(read_until(&mut stream, "answer")).await;
    // Seen by the server before the close, which would end a connection at rest.
    stream.write_all(HALF).await.unwrap();
    tokio::time::sleep(SHORT / 4).await;
    let (closed, answer) = soon(async {
        let mut octets = Vec::new();
        let reading = stream.read_to_end(&mut octets);
        let (closed, read) = tokio::join!(server.close(), reading);
        read.unwrap();
        (closed, String::from_utf8_lossy(&octets).into_owned())
    })
    .await;
    closed.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}
