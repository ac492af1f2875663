//! What becomes of a request whose kept connection dies under it: sent again, or told?

mod support;

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Method;
use sealane::{Agent, Connector, Phase, RequestOptions};
use support::asking::{OK, fetch, post};
use support::scripted::{Scripted, gone, read_request, recorder, reset, say};
use support::{Ground, body_of, facts, soon, until};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};

/// What a server does with the second request on a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Death {
    /// Ends TLS in order.
    CloseNotify,
    /// Ends TCP without a word.
    Fin,
    /// Resets TCP.
    Reset,
}

/// Answers the first request of a connection; the second one finds it dead.
async fn dying(ground: &Ground, death: Death) -> (Scripted, mpsc::UnboundedReceiver<String>) {
    let (sender, heads) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let sender = sender.clone();
        async move {
            let Some(head) = read_request(&mut stream).await else {
                return;
            };
            sender.send(head).unwrap();
            say(&mut stream, OK).await;
            let Some(head) = read_request(&mut stream).await else {
                return;
            };
            sender.send(head).unwrap();
            match death {
                Death::CloseNotify => drop(stream.shutdown().await),
                Death::Fin => drop(stream),
                Death::Reset => reset(stream),
            }
        }
    })
    .await;
    (server, heads)
}

const DEATHS: [Death; 3] = [Death::CloseNotify, Death::Fin, Death::Reset];

#[tokio::test]
async fn a_get_on_a_connection_that_dies_in_silence_is_sent_once_more() {
    let ground = Ground::new();
    for death in DEATHS {
        let (server, mut heads) = dying(&ground, death).await;
        let agent = ground.agent();
        fetch(&agent, &server.url("/1")).await.unwrap();
        let second = soon(fetch(&agent, &server.url("/2"))).await.unwrap();
        assert!(!facts(&second).reused(), "{death:?}");
        for path in ["/1", "/2", "/2"] {
            let head = heads.recv().await.unwrap();
            assert!(
                head.starts_with(&format!("GET {path} ")),
                "{death:?}: {head}"
            );
        }
        assert_eq!(server.accepted(), 2, "{death:?}");
    }
}

#[tokio::test]
async fn a_put_whose_body_can_be_given_again_is_sent_again_whole() {
    let ground = Ground::new();
    let (server, mut heads) = dying(&ground, Death::Fin).await;
    let agent = ground.agent();
    fetch(&agent, &server.url("/1")).await.unwrap();
    let put = RequestOptions::new(server.url("/2")).method(Method::PUT);
    let request = agent.request(put).unwrap();
    soon(request.end_with("content")).await.unwrap();
    heads.recv().await.unwrap();
    let (lost, again) = (heads.recv().await.unwrap(), heads.recv().await.unwrap());
    assert_eq!(lost, again);
    assert!(again.ends_with("\r\n\r\ncontent"), "{again}");
}

#[tokio::test]
async fn a_post_is_never_sent_again() {
    let ground = Ground::new();
    for death in DEATHS {
        let (server, mut heads) = dying(&ground, death).await;
        let agent = ground.agent();
        fetch(&agent, &server.url("/1")).await.unwrap();
        let request = agent.request(post(server.url("/2"))).unwrap();
        let error = soon(request.end_with("once")).await.unwrap_err();
        assert_eq!(error.code(), Some("ECONNRESET"), "{death:?}: {error:?}");
        assert_eq!(error.phase(), Phase::ReceiveHead, "{death:?}: {error:?}");
        assert!(!error.replay_safe(), "{death:?}: {error:?}");
        assert_eq!(server.accepted(), 1, "{death:?}");
        heads.recv().await.unwrap();
        assert!(heads.recv().await.unwrap().starts_with("POST /2 "));
        assert!(heads.try_recv().is_err());
    }
}

#[tokio::test]
async fn a_put_that_is_written_piece_by_piece_cannot_be_sent_again() {
    let ground = Ground::new();
    let (server, _heads) = dying(&ground, Death::Fin).await;
    let agent = ground.agent();
    fetch(&agent, &server.url("/1")).await.unwrap();
    let put = RequestOptions::new(server.url("/2")).method(Method::PUT);
    let mut request = agent.request(put).unwrap();
    request.write("piece").await.unwrap();
    let error = soon(request.end()).await.unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_repetition_that_fails_too_is_the_last_one() {
    let ground = Ground::new();
    let server = Scripted::start(
        ground.server_config(),
        |mut stream, connection| async move {
            read_request(&mut stream).await;
            if connection == 0 {
                say(&mut stream, OK).await;
                read_request(&mut stream).await;
            }
        },
    )
    .await;
    let agent = ground.agent();
    fetch(&agent, &server.url("/")).await.unwrap();
    let error = soon(fetch(&agent, &server.url("/"))).await.unwrap_err();
    assert_eq!(error.code(), Some("ECONNRESET"), "{error:?}");
    assert_eq!((server.accepted(), agent.total_socket_count()), (2, 0));
}

#[tokio::test]
async fn a_get_that_was_answered_in_part_is_not_sent_again() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        read_request(&mut stream).await;
        say(&mut stream, OK).await;
        read_request(&mut stream).await;
        say(&mut stream, "HTTP/1.1 2").await;
    })
    .await;
    let agent = ground.agent();
    fetch(&agent, &server.url("/")).await.unwrap();
    let error = soon(fetch(&agent, &server.url("/"))).await.unwrap_err();
    assert_eq!(error.phase(), Phase::ReceiveHead, "{error:?}");
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn octets_nobody_asked_for_are_never_the_next_answer() {
    let ground = Ground::new();
    let forged = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for at_once in [true, false] {
        let go = Arc::new(Notify::new());
        let gate = Arc::clone(&go);
        let server = Scripted::start(ground.server_config(), move |mut stream, connection| {
            let gate = Arc::clone(&gate);
            async move {
                read_request(&mut stream).await;
                let first = match (connection, at_once) {
                    (0, true) => OK.to_owned() + forged,
                    _ => OK.to_owned(),
                };
                say(&mut stream, first).await;
                gate.notified().await;
                say(&mut stream, forged).await;
                gone(&mut stream).await;
            }
        })
        .await;
        let agent = ground.agent();
        fetch(&agent, &server.url("/1")).await.unwrap();
        assert_eq!(agent.total_socket_count(), usize::from(!at_once));
        go.notify_one();
        until(|| agent.total_socket_count() == 0).await;
        let second = fetch(&agent, &server.url("/2")).await.unwrap();
        assert!(!facts(&second).reused());
        assert_eq!(server.accepted(), 2);
    }
}

/// Answers each request, and ends the connection in the same TCP segment without having said so.
async fn abrupt(ground: &Ground, forged: &'static str) -> (Scripted, mpsc::UnboundedReceiver<()>) {
    let (sender, asked) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let sender = sender.clone();
        async move {
            read_request(&mut stream).await;
            sender.send(()).unwrap();
            let tls = stream.get_mut().1;
            tls.writer().write_all(OK.as_bytes()).unwrap();
            tls.writer().write_all(forged.as_bytes()).unwrap();
            if forged.is_empty() {
                tls.send_close_notify();
            }
            stream.flush().await.unwrap();
            gone(&mut stream).await;
        }
    })
    .await;
    (server, asked)
}

/// Who waits for a connection gets the one that has just been used, without a rest between.
#[tokio::test]
async fn a_waiting_request_never_gets_a_connection_that_has_ended() {
    let ground = Ground::new();
    for forged in ["", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"] {
        let (server, mut asked) = abrupt(&ground, forged).await;
        let agent = Agent::new(ground.agent_options().keep_alive(true).max_sockets(1)).unwrap();
        let posting = (0..4).map(|_| async {
            let request = agent.request(post(server.url("/"))).unwrap();
            let mut response = request.end_with("once").await?;
            let body = body_of(&mut response).await;
            Ok::<_, sealane::Error>((body, facts(&response).reused()))
        });
        for outcome in soon(futures_util::future::join_all(posting)).await {
            assert_eq!(
                outcome.unwrap(),
                (b"ok".to_vec(), false),
                "forged: {forged:?}"
            );
        }
        for _ in 0..4 {
            asked.recv().await.unwrap();
        }
        assert!(asked.try_recv().is_err());
        assert_eq!(server.accepted(), 4, "forged: {forged:?}");
    }
}

/// A socket that takes nothing more once it has been broken.
struct Broken {
    socket: TcpStream,
    broken: Arc<AtomicBool>,
}

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, space)
    }
}

impl AsyncWrite for Broken {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.broken.load(Ordering::SeqCst) {
            true => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            false => Pin::new(&mut self.socket).poll_write(context, octets),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// The connection takes no more of the request, yet its answer may be on its way: what ends that
/// wait is told, and no cause to send the request again.
#[tokio::test]
async fn a_request_that_was_stopped_is_not_sent_again_for_what_had_failed_before() {
    let ground = Ground::new();
    for destroyed in [false, true] {
        let (server, mut seen) = recorder(ground.server_config()).await;
        let (address, broken) = (server.address(), Arc::new(AtomicBool::new(false)));
        let first = Mutex::new(Some(Arc::clone(&broken)));
        let connector = Connector::new(move |_| {
            let broken = first.lock().unwrap().take().unwrap_or_default();
            async move {
                let socket = TcpStream::connect(address).await?;
                io::Result::Ok(Broken { socket, broken })
            }
        });
        let options = ground.agent_options().keep_alive(true);
        let agent = Agent::new(options.create_connection(connector)).unwrap();
        soon(fetch(&agent, server.url("/"))).await.unwrap();
        seen.recv().await.unwrap();
        broken.store(true, Ordering::SeqCst);
        let options = RequestOptions::new(server.url("/"));
        let options = match destroyed {
            true => options,
            false => options.inactivity_timeout(Duration::from_millis(200)),
        };
        let stopping = async {
            if destroyed {
                tokio::time::sleep(Duration::from_millis(200)).await;
                agent.destroy();
            }
        };
        let work = async { tokio::join!(fetch(&agent, options), stopping) };
        let error = soon(work).await.0.unwrap_err();
        let code = match destroyed {
            true => "ECONNRESET",
            false => "ETIMEDOUT",
        };
        assert_eq!(error.code(), Some(code), "{error:?}");
        assert_eq!(server.accepted(), 1, "{error:?}");
        assert!(error.replay_safe(), "nothing of it has left: {error:?}");
    }
}
