//! A connection that leaves HTTP: does our client hand it over whole, and let go of it?

mod support;

use std::pin::pin;
use std::task::{Context, Waker};

use http::header::{CONNECTION, UPGRADE};
use http::{Method, Request, Response, StatusCode};
use sealane::{Agent, Body, RequestOptions, Upgrade, Upgraded, create_server};
use support::asking::{OK, fetch};
use support::scripted::{Scripted, gone, read_request, say};
use support::{Ground, body_of, facts, listen, read_until, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

/// Says these octets to the first request of a connection, then sends back what comes; tells what
/// it was asked, and how the client ended.
async fn switching(
    ground: &Ground,
    octets: &'static str,
) -> (Scripted, mpsc::UnboundedReceiver<String>) {
    let (sender, told) = mpsc::unbounded_channel();
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let sender = sender.clone();
        async move {
            let head = read_request(&mut stream).await.unwrap();
            let ordinary = head.starts_with("GET /plain ");
            sender.send(head).unwrap();
            if ordinary {
                say(&mut stream, OK).await;
                return gone(&mut stream).await;
            }
            say(&mut stream, octets).await;
            let mut buffer = [0; 1024];
            loop {
                match stream.read(&mut buffer).await {
                    Ok(0) => break sender.send("close_notify".to_owned()).unwrap(),
                    Ok(count) => say(&mut stream, &buffer[..count]).await,
                    Err(error) => break sender.send(error.to_string()).unwrap(),
                }
            }
        }
    })
    .await;
    (server, told)
}

fn upgrading(url: String) -> RequestOptions {
    RequestOptions::new(url).header(UPGRADE, "echo")
}

#[tokio::test]
async fn c197_octets_behind_a_101_are_read_first_from_what_it_hands_over() {
    let ground = Ground::new();
    let (server, mut told) = switching(
        &ground,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nahead ",
    )
    .await;
    let agent = ground.agent();
    let mut response = soon(agent.get(upgrading(server.url("/")))).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()[UPGRADE], "echo");
    assert!(
        told.recv()
            .await
            .unwrap()
            .contains("\r\nConnection: upgrade\r\n")
    );
    let mut tunnel = Upgraded::of(&mut response).unwrap();
    assert!(Upgraded::of(&mut response).is_none());
    assert!(body_of(&mut response).await.is_empty());
    assert_eq!(tunnel.info().remote_addr(), Some(server.address()));
    assert_eq!(soon(read_until(&mut tunnel, "ahead ")).await, "ahead ");
    tunnel.write_all(b"and on").await.unwrap();
    tunnel.flush().await.unwrap();
    assert_eq!(soon(read_until(&mut tunnel, "and on")).await, "and on");
    soon(tunnel.shutdown()).await.unwrap();
    assert_eq!(told.recv().await.unwrap(), "close_notify");
}

#[tokio::test]
async fn c198_a_connection_that_nobody_takes_over_is_closed_without_an_error() {
    let ground = Ground::new();
    let (server, mut told) = switching(&ground, SWITCH).await;
    let agent = ground.agent();
    let mut response = soon(agent.get(upgrading(server.url("/")))).await.unwrap();
    assert!(body_of(&mut response).await.is_empty());
    told.recv().await.unwrap();
    drop(response);
    assert_eq!(soon(told.recv()).await.unwrap(), "close_notify");
    assert_eq!(agent.total_socket_count(), 0);
}

#[tokio::test]
async fn c199_connect_gives_the_tunnel_with_what_came_behind_the_head() {
    let ground = Ground::new();
    let established = "HTTP/1.1 200 Connection Established\r\nContent-Length: 5\r\n\r\nahead";
    let (server, mut told) = switching(&ground, established).await;
    let options = RequestOptions::new(server.url("/"))
        .method(Method::CONNECT)
        .path("far.example:443");
    let mut response = soon(ground.agent().get(options)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let head = told.recv().await.unwrap();
    assert!(
        head.starts_with("CONNECT far.example:443 HTTP/1.1\r\n"),
        "{head}"
    );
    let mut tunnel = Upgraded::of(&mut response).unwrap();
    assert_eq!(soon(read_until(&mut tunnel, "ahead")).await, "ahead");
    tunnel.write_all(b"through").await.unwrap();
    assert_eq!(soon(read_until(&mut tunnel, "through")).await, "through");
    drop(tunnel);
    assert_eq!(soon(told.recv()).await.unwrap(), "close_notify");
}

#[tokio::test]
async fn a_refused_connect_is_an_ordinary_response() {
    let ground = Ground::new();
    let server = Scripted::start(ground.server_config(), |mut stream, _| async move {
        while let Some(head) = read_request(&mut stream).await {
            let answer = match head.starts_with("CONNECT ") {
                true => "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
                false => OK,
            };
            say(&mut stream, answer).await;
        }
    })
    .await;
    let agent = ground.agent();
    let options = RequestOptions::new(server.url("/"));
    let options = options.method(Method::CONNECT).path("far.example:443");
    let mut response = soon(agent.get(options)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(Upgraded::of(&mut response).is_none());
    assert_eq!(body_of(&mut response).await, b"no");
    assert!(facts(&soon(fetch(&agent, server.url("/"))).await.unwrap()).reused());
}

#[tokio::test]
async fn c032_a_connection_that_was_taken_over_is_not_its_agents_any_more() {
    let ground = Ground::new();
    let (server, mut told) = switching(&ground, SWITCH).await;
    let agent = Agent::new(ground.agent_options().keep_alive(true).max_sockets(1)).unwrap();
    let mut response = soon(agent.get(upgrading(server.url("/")))).await.unwrap();
    assert_eq!(agent.total_socket_count(), 0);
    let mut tunnel = Upgraded::of(&mut response).unwrap();
    // Its place is free, though the tunnel lives.
    soon(fetch(&agent, server.url("/plain"))).await.unwrap();
    agent.destroy();
    drop((response, agent));
    tunnel.write_all(b"still here").await.unwrap();
    assert_eq!(
        soon(read_until(&mut tunnel, "still here")).await,
        "still here"
    );
    soon(tunnel.shutdown()).await.unwrap();
    told.recv().await.unwrap();
    told.recv().await.unwrap();
    assert_eq!(soon(told.recv()).await.unwrap(), "close_notify");
}

/// Agrees to whatever is asked for, and sends back upper-case what comes.
async fn shouting(mut request: Request<Body>) -> Response<Body> {
    let Some(upgrade) = Upgrade::of(&mut request) else {
        return Response::new("not asked".into());
    };
    tokio::spawn(async move {
        let mut tunnel = upgrade.await.unwrap();
        let mut buffer = [0; 1000];
        while let Ok(count @ 1..) = tunnel.read(&mut buffer).await {
            let shout = buffer[..count].to_ascii_uppercase();
            tunnel.write_all(&shout).await.unwrap();
        }
        tunnel.shutdown().await.unwrap();
    });
    let mut response = Response::new(Body::empty());
    if request.method() != Method::CONNECT {
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let fields = response.headers_mut();
        fields.insert(UPGRADE, "echo".parse().unwrap());
    }
    response
}

#[tokio::test]
async fn both_ends_of_ours_meet_in_a_tunnel() {
    let ground = Ground::new();
    let server = create_server(ground.options(), shouting).unwrap();
    let url = format!("https://{}/", listen(&server).await);
    let asked = [
        upgrading(url.clone()).header(CONNECTION, "Upgrade"),
        RequestOptions::new(url)
            .method(Method::CONNECT)
            .path("a.example:1"),
    ];
    for options in asked {
        let mut response = soon(ground.agent().get(options)).await.unwrap();
        let tunnel = Upgraded::of(&mut response).unwrap();
        let (mut reading, mut writing) = tokio::io::split(tunnel);
        let sent = b"in one piece, ".repeat(100_000);
        let expected = sent.to_ascii_uppercase();
        let sending = async {
            writing.write_all(&sent).await.unwrap();
            writing.shutdown().await.unwrap();
        };
        let receiving = async {
            let mut came = Vec::new();
            reading.read_to_end(&mut came).await.unwrap();
            came
        };
        let ((), came) = soon(async { tokio::join!(sending, receiving) }).await;
        assert!(came == expected);
    }
}

/// The runtime lets a task that has done much see nothing more of its sockets until its next turn;
/// that is no reason to leave without a word.
#[tokio::test]
async fn a_tunnel_dropped_by_a_busy_task_says_goodbye() {
    let ground = Ground::new();
    let server = create_server(ground.options(), |mut request: Request<Body>| async move {
        let upgrade = Upgrade::of(&mut request).unwrap();
        tokio::spawn(async move {
            let tunnel = upgrade.await.unwrap();
            let mut context = Context::from_waker(Waker::noop());
            while pin!(tokio::task::consume_budget())
                .poll(&mut context)
                .is_ready()
            {}
            drop(tunnel);
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let echo = "echo".parse().unwrap();
        response.headers_mut().insert(UPGRADE, echo);
        response
    })
    .unwrap();
    let url = format!("https://{}/", listen(&server).await);
    let mut response = soon(ground.agent().get(upgrading(url))).await.unwrap();
    let mut tunnel = Upgraded::of(&mut response).unwrap();
    let mut came = Vec::new();
    soon(tunnel.read_to_end(&mut came)).await.unwrap();
    assert!(came.is_empty());
}
