//! What becomes of requests whose bodies stop, stall, lie or meet an answer half way?

mod support;

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc as threads};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::StreamBody;
use sealane::{Agent, Body, ClientRequest, Error, ErrorKind, Phase, Server, create_server};
use sealane_testkit::certificates::TestCa;
use support::asking::post;
use support::scripted::{Scripted, TLS12, gone, recorder, reset, say};
use support::{Ground, body_of, facts, listen, read_until, soon, until};
use tokio::sync::{Notify, mpsc};

/// A whole answer that keeps its connection.
const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok";

/// A limit that must pass here.
const SHORT: Duration = Duration::from_millis(150);

/// A limit that passes only when the clock jumps.
const LONG: Duration = Duration::from_secs(3600);

/// A body of unknown length made of these frames.
fn framed<I>(frames: I) -> Body
where
    I: IntoIterator<Item = std::io::Result<Bytes>>,
    I::IntoIter: Send + 'static,
{
    let frames = frames.into_iter().map(|piece| piece.map(Frame::data));
    Body::new(StreamBody::new(stream::iter(frames)))
}

/// A server that counts the requests which look whole to it.
async fn counting(ground: &Ground) -> (Server, String, Arc<AtomicUsize>) {
    let whole = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&whole);
    let server = create_server(ground.options(), move |mut request: Request<Body>| {
        let count = Arc::clone(&count);
        async move {
            while request.body_mut().chunk().await?.is_some() {}
            count.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Error>(Response::new(""))
        }
    })
    .unwrap();
    let url = format!("https://{}/", listen(&server).await);
    (server, url, whole)
}

/// The error of a request that stands still for [`SHORT`] because its server takes nothing.
async fn stuck<F: Future<Output = sealane::Result<Response<Body>>>>(work: F) {
    let error = soon(work).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.phase(), error.code()),
        (ErrorKind::Timeout, Phase::SendBody, Some("ETIMEDOUT")),
        "{error:?}"
    );
}

/// On several threads, for what sends must not be quicker than what gives up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_dropped_never_looks_whole_to_its_server() {
    let ground = Ground::new();
    let (server, url, whole) = counting(&ground).await;
    let agent = ground.agent();
    for _ in 0..150 {
        let mut request = agent.request(post(&url)).unwrap();
        soon(request.write(vec![7; 20_000])).await.unwrap();
        // What sends is idle when the next piece comes, and busy with it when all is dropped.
        tokio::time::sleep(Duration::from_millis(1)).await;
        soon(request.write(vec![7; 20_000])).await.unwrap();
        drop(request);
    }
    // A connection whose request was dropped while it was opened rests, unused.
    agent.destroy();
    until(|| server.connections() == 0).await;
    assert_eq!(whole.load(Ordering::SeqCst), 0);
    let agent = ground.agent();
    let mut request = agent.request(post(&url)).unwrap();
    soon(request.write("piece")).await.unwrap();
    soon(request.end()).await.unwrap();
    assert_eq!(whole.load(Ordering::SeqCst), 1, "that one is whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_fails_behind_written_pieces_never_looks_whole_to_its_server() {
    let ground = Ground::new();
    let (server, url, whole) = counting(&ground).await;
    let agent = ground.agent();
    for _ in 0..150 {
        let mut request = agent.request(post(&url)).unwrap();
        soon(request.write(vec![7; 20_000])).await.unwrap();
        // What sends is idle when the last piece comes, and busy with it when the body fails.
        let last = stream::once(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(Frame::data(Bytes::from_static(&[7; 20_000])))
        });
        let gone = || Err(std::io::Error::other("the disk is gone"));
        let failing = last.chain(stream::once(async move { gone() }));
        let failing = Body::new(StreamBody::new(failing.boxed()));
        let error = soon(request.end_with(failing)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Body, "{error:?}");
        assert!(error.to_string().contains("the disk is gone"), "{error}");
    }
    // A connection whose request failed while it was opened rests, unused.
    agent.destroy();
    until(|| server.connections() == 0).await;
    assert_eq!(whole.load(Ordering::SeqCst), 0);
}

/// Answers in whole before the second half of a body, then gives the word and reads that.
async fn early(ground: &Ground, go: Arc<Notify>) -> (Scripted, mpsc::UnboundedReceiver<()>) {
    let (told, whole) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, connection| {
        let (told, go) = (told.clone(), Arc::clone(&go));
        async move {
            read_until(&mut stream, "\r\n\r\n").await;
            // Two in one piece, the others so that their heads are seen before.
            let at = if connection < 2 {
                0
            } else {
                ACCEPTED.len() - 1
            };
            say(&mut stream, &ACCEPTED[..at]).await;
            read_until(&mut stream, "first half\r\n").await;
            say(&mut stream, &ACCEPTED[at..]).await;
            go.notify_one();
            read_until(&mut stream, "second half\r\n0\r\n\r\n").await;
            let _ = told.send(());
            gone(&mut stream).await;
        }
    })
    .await;
    (server, whole)
}

/// A body whose second half waits for the word, and until whoever sends it has looked around.
fn halves(go: Arc<Notify>) -> Body {
    let first = stream::once(async { "first half" });
    let second = stream::once(async move {
        go.notified().await;
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        "second half"
    });
    let frames = first.chain(second).map(|half| {
        let piece = Bytes::from_static(half.as_bytes());
        Ok::<_, std::io::Error>(Frame::data(piece))
    });
    Body::new(StreamBody::new(frames.boxed()))
}

#[tokio::test]
async fn an_answer_that_is_complete_early_does_not_cut_its_upload() {
    let ground = Ground::new();
    let go = Arc::new(Notify::new());
    let (server, mut whole) = early(&ground, Arc::clone(&go)).await;
    for connection in 0..4 {
        let agent = ground.agent();
        let body = halves(Arc::clone(&go));
        let mut response = match connection % 2 {
            0 => {
                let request = agent.request(post(server.url("/"))).unwrap();
                soon(request.end_with(body)).await.unwrap()
            }
            _ => {
                let request = Request::post(server.url("/")).body(body).unwrap();
                soon(agent.send(request)).await.unwrap()
            }
        };
        assert_eq!(response.status(), StatusCode::ACCEPTED, "{connection}");
        assert_eq!(soon(body_of(&mut response)).await, b"ok", "{connection}");
        assert_eq!(soon(whole.recv()).await, Some(()), "{connection}");
        assert_eq!(
            agent.total_socket_count(),
            1,
            "{connection}: it can be kept"
        );
    }
}

/// Reads a body in these pieces and tells of each; answers before or after it.
async fn following(ground: &Ground, first: bool) -> (Scripted, mpsc::UnboundedReceiver<()>) {
    let (told, pieces) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let told = told.clone();
        async move {
            read_until(&mut stream, "\r\n\r\n").await;
            if first {
                say(&mut stream, ACCEPTED).await;
            }
            for end in ["\r\none\r\n", "\r\ntwo\r\n", "\r\nthree\r\n", "0\r\n\r\n"] {
                read_until(&mut stream, end).await;
                let _ = told.send(());
            }
            if !first {
                say(&mut stream, ACCEPTED).await;
            }
            gone(&mut stream).await;
        }
    })
    .await;
    (server, pieces)
}

/// The clock jumps while the producer has nothing to give, for then nobody has anything to do.
#[tokio::test]
async fn a_producer_may_pause_longer_than_its_server_may() {
    let ground = Ground::new();
    for first in [true, false] {
        let (server, mut pieces) = following(&ground, first).await;
        let agent = Agent::new(ground.agent_options().inactivity_timeout(LONG)).unwrap();
        let mut request = agent.request(post(server.url("/"))).unwrap();
        for piece in ["one", "two", "three"] {
            soon(request.write(piece)).await.unwrap();
            assert_eq!(soon(pieces.recv()).await, Some(()), "{piece}");
            tokio::time::pause();
            tokio::time::sleep(LONG * 2).await;
            tokio::time::resume();
        }
        let mut response = soon(request.end()).await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(soon(body_of(&mut response)).await, b"ok");
        assert_eq!(soon(pieces.recv()).await, Some(()), "it is whole");
    }
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_given_up_however_the_body_is_sent() {
    let ground = Ground::new();
    for answer in ["", ACCEPTED] {
        let server = Scripted::start(ground.server_config(), move |mut stream, _| async move {
            read_until(&mut stream, "\r\n\r\n").await;
            say(&mut stream, answer).await;
            std::future::pending::<()>().await;
        })
        .await;
        let agent = Agent::new(ground.agent_options().inactivity_timeout(SHORT)).unwrap();
        let request = || agent.request(post(server.url("/"))).unwrap();
        stuck(request().end_with(vec![7; 64 << 20])).await;
        stuck(written(request())).await;
        // All of this one is taken by the client's own buffers, and then does not leave.
        let mut short = request();
        stuck(async {
            for _ in 0..400 {
                short.write(vec![7; 64 << 10]).await?;
            }
            short.end().await
        })
        .await;
        assert_eq!(agent.total_socket_count(), 0, "{answer:?}");
    }
}

/// Writes more than any buffers hold, and ends.
async fn written(mut request: ClientRequest) -> sealane::Result<Response<Body>> {
    for _ in 0..1024 {
        request.write(vec![7; 64 << 10]).await?;
    }
    request.end().await
}

#[tokio::test]
async fn a_body_that_a_length_of_zero_leaves_no_room_for_is_refused() {
    let ground = Ground::new();
    let (server, _seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let request = || {
        let options = post(server.url("/")).header("content-length", "0");
        agent.request(options).unwrap()
    };
    let mut writing = request();
    let wrote = async {
        writing.write("data").await?;
        writing.end().await
    };
    let unknown = framed([Ok(Bytes::from_static(b"data"))]);
    for (outcome, code) in [
        (soon(wrote).await, "ERR_HTTP_BODY_NOT_ALLOWED"),
        (
            soon(request().end_with(unknown)).await,
            "ERR_HTTP_BODY_NOT_ALLOWED",
        ),
        (
            soon(request().end_with("data")).await,
            "ERR_HTTP_CONTENT_LENGTH_MISMATCH",
        ),
    ] {
        assert_eq!(outcome.unwrap_err().code(), Some(code));
    }
    let empty = soon(request().end_with(framed([]))).await.unwrap();
    assert_eq!(empty.status(), StatusCode::OK, "nothing is what it says");
}

/// In TLS 1.3 a client may send before its server has looked at its certificate.
#[tokio::test]
async fn a_refusal_during_an_upload_is_told_by_its_reason() {
    let ground = Ground::new();
    let clients = TestCa::new();
    let config = ground.server_config_asking(&clients);
    let server = Scripted::start(
        config,
        |mut stream, _| async move { gone(&mut stream).await },
    );
    let server = server.await;
    for size in [0, 10 << 20] {
        let request = ground.agent().request(post(server.url("/"))).unwrap();
        let error = soon(request.end_with(vec![7; size])).await.unwrap_err();
        assert_eq!(
            error.code(),
            Some("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"),
            "{size}: {error:?}"
        );
    }
}

/// On a thread of its own: what never gives way could not be given up here.
#[test]
fn a_body_of_endless_empty_pieces_lets_others_run() {
    let (told, hears) = threads::channel();
    std::thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(async {
            let ground = Ground::new();
            let (server, _seen) = recorder(ground.server_config()).await;
            let request = ground.agent().request(post(server.url("/"))).unwrap();
            let endless = framed(std::iter::repeat_with(|| Ok(Bytes::new())));
            let outcome = tokio::time::timeout(SHORT, request.end_with(endless)).await;
            told.send(outcome.is_err()).unwrap();
        });
    });
    let given_up = hears.recv_timeout(Duration::from_secs(20));
    assert_eq!(given_up, Ok(true), "the body keeps its thread");
}

#[tokio::test]
async fn a_server_that_refuses_and_will_close_is_sent_no_more_at_once() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        let answer =
            "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlarge";
        say(&mut stream, answer).await;
        // It neither reads nor closes, and the client's own limit is minutes away.
        std::future::pending::<()>().await;
    })
    .await;
    let agent = ground.agent();
    let request = || agent.request(post(server.url("/"))).unwrap();
    for mut response in [
        soon(written(request())).await.unwrap(),
        soon(request().end_with(vec![7; 64 << 20])).await.unwrap(),
    ] {
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(soon(body_of(&mut response)).await, b"large");
    }
    assert_eq!(agent.total_socket_count(), 0);
}

/// A body that is there, says so, and has nothing to say at its end.
struct Endless(bool);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        match std::mem::replace(&mut self.0, true) {
            false => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"four"))))),
            true => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.0 { 0 } else { 4 })
    }
}

#[tokio::test]
async fn a_body_that_says_it_is_over_is_over() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    for reused in [false, true] {
        let request = agent.request(post(server.url("/"))).unwrap();
        let sent = request.end_with(Body::new(Endless(false)));
        let mut response = soon(sent).await.unwrap();
        assert_eq!(soon(body_of(&mut response)).await, b"ok");
        assert_eq!(facts(&response).reused(), reused);
        assert!(seen.recv().await.unwrap().text.ends_with("\r\n\r\nfour"));
    }
    // Its request is complete, so the time for the answer has begun.
    let silent = Scripted::start(ground.server_config(), |mut stream, _| async move {
        gone(&mut stream).await;
    })
    .await;
    let options = post(silent.url("/")).head_timeout(SHORT);
    let request = agent.request(options).unwrap();
    let error = soon(request.end_with(Body::new(Endless(false))))
        .await
        .unwrap_err();
    assert_eq!(error.phase(), Phase::ReceiveHead, "{error:?}");
}

/// With TLS 1.2 a server can go before a client has sent anything of its request.
#[test]
fn a_request_of_which_no_octet_has_left_may_be_sent_again() {
    let ground = Ground::new();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let serving = builder.worker_threads(1).enable_all().build().unwrap();
    let (told, hears) = threads::channel();
    let config = ground.server_config_for(&["localhost", "127.0.0.1"], TLS12);
    let server = serving.block_on(Scripted::start(config, move |stream, _| {
        reset(stream);
        told.send(()).unwrap();
        std::future::ready(())
    }));
    // Asked for its first piece, the body waits until the server has gone: only then is anything
    // sent.
    let late = stream::once(async move {
        hears.recv_timeout(Duration::from_secs(20)).unwrap();
        Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"late")))
    });
    let body = Body::new(StreamBody::new(late.boxed()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let error = runtime.unwrap().block_on(async {
        let request = ground.agent().request(post(server.url("/"))).unwrap();
        soon(request.end_with(body)).await.unwrap_err()
    });
    assert!(error.replay_safe(), "{error:?}");
    assert_eq!(error.phase(), Phase::SendBody, "{error:?}");
}

/// The error of a request that found nobody: it may be sent again.
async fn unsent() -> Error {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = soon(sealane::get(url)).await.unwrap_err();
    assert!(error.replay_safe(), "{error:?}");
    error
}

/// What fails a body may be a request of its own, of which nothing has left: the mark of that one
/// says nothing of this one.
#[tokio::test]
async fn a_request_that_has_left_in_part_is_not_safe_again_though_its_producer_is() {
    let ground = Ground::new();
    let (told, mut half) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, connection| {
        let told = told.clone();
        async move {
            read_until(&mut stream, "half").await;
            if connection == 1 {
                say(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").await;
            }
            let _ = told.send(());
            gone(&mut stream).await;
        }
    })
    .await;
    let agent = ground.agent();
    let request = || agent.request(post(server.url("/"))).unwrap();
    let mut marks = Vec::new();
    // Before the response, behind its head, and behind a piece that was written.
    for way in 0..3 {
        let (mut sender, body) = Body::channel();
        let failing = async {
            if way < 2 {
                sender.send("half").await.unwrap();
            }
            half.recv().await.unwrap();
            sender.abort(unsent().await);
        };
        let sending = async {
            let mut request = request();
            if way == 2 {
                request.write("half").await.unwrap();
            }
            let mut response = request.end_with(body).await?;
            assert_eq!(way, 1);
            response.body_mut().chunk().await
        };
        let (sent, ()) = soon(async { tokio::join!(sending, failing) }).await;
        let error = sent.unwrap_err();
        assert_eq!(error.code(), Some("ECONNREFUSED"), "{error:?}");
        marks.push(error.replay_safe());
    }
    assert_eq!(marks, [false; 3]);
}

/// Says that it has no octets, and has trailers all the same.
#[derive(Default)]
struct Trailing(bool);

impl http_body::Body for Trailing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", "0".parse().unwrap());
        let told = std::mem::replace(&mut self.0, true);
        Poll::Ready((!told).then(|| Ok(Frame::trailers(trailers))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}

#[tokio::test]
async fn trailers_behind_a_body_of_no_octets_are_sent() {
    let ground = Ground::new();
    let (server, mut seen) = recorder(ground.server_config()).await;
    let agent = ground.agent();
    let request = agent.request(post(server.url("/"))).unwrap();
    soon(request.end_with(Body::new(Trailing::default())))
        .await
        .unwrap();
    let text = seen.recv().await.unwrap().text;
    assert!(text.ends_with("\r\n\r\n0\r\nx-sum: 0\r\n\r\n"), "{text}");
}
