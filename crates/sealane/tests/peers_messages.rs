//! Do we agree with real servers about the rarer parts of messages: trailers, interim responses,
//! awaited bodies, upgrades, tunnels? nginx and Node say what they saw.

mod support;

use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sealane::{Agent, Body, RequestOptions, Upgraded};
use support::program::Program;
use support::{Ground, body_of, facts, soon};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Tells what came, sends interim responses and trailers, upgrades, and opens tunnels.
const NODE: &str = r#"
const https = require('https'), fs = require('fs');
const options = { key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem') };
const server = https.createServer(options);
server.on('request', (req, res) => {
  if (req.url === '/early') {
    res.writeEarlyHints({ link: '</style.css>; rel=preload' });
    res.writeProcessing();
    return res.end('late');
  }
  const pieces = [];
  req.on('data', (piece) => pieces.push(piece));
  req.on('end', () => {
    res.setHeader('Trailer', 'X-Sum');
    res.write(Buffer.concat(pieces));
    res.addTrailers({ 'X-Sum': JSON.stringify(req.trailers) });
    res.end();
  });
});
server.on('checkContinue', (req, res) => {
  if (req.url === '/no') { res.writeHead(413, { 'content-length': 2 }); return res.end('no'); }
  res.writeContinue();
  server.emit('request', req, res);
});
server.on('upgrade', (req, socket, head) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\n');
  socket.write('Connection: Upgrade\r\nUpgrade: echo\r\n\r\nhi:');
  socket.write(head);
  socket.pipe(socket);
});
server.on('connect', (req, socket, head) => {
  socket.write('HTTP/1.1 200 OK\r\n\r\nto ' + req.url + ':');
  socket.write(head);
  socket.pipe(socket);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"#;

/// A ground whose server identity is written where programs find it.
fn written() -> Ground {
    let ground = Ground::new();
    ground.write_identity();
    ground
}

/// Sends a chunked body with a trailer, and gives the body and the trailers of the answer.
async fn with_trailers(agent: &Agent, url: String) -> (String, HeaderMap) {
    let (mut sender, body) = Body::channel();
    let options = RequestOptions::new(url).method(Method::POST);
    let options = options.header("Trailer", "X-Ours");
    let sending = async {
        sender.send("some octets").await.unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-ours", HeaderValue::from_static("eleven"));
        sender.end_with_trailers(trailers);
    };
    let request = agent.request(options).unwrap();
    let (response, ()) = soon(async { tokio::join!(request.end_with(body), sending) }).await;
    let mut response = response.unwrap();
    let text = String::from_utf8(soon(body_of(&mut response)).await).unwrap();
    (text, response.body().trailers().cloned().unwrap())
}

#[tokio::test]
async fn node_and_we_exchange_trailers() {
    let ground = written();
    let Some(server) = Program::node(&ground, NODE).await else {
        return;
    };
    let agent = ground.agent();
    for _ in 0..2 {
        let (text, trailers) = with_trailers(&agent, server.url("/")).await;
        assert_eq!(text, "some octets");
        assert_eq!(trailers["x-sum"], r#"{"x-ours":"eleven"}"#);
    }
    assert_eq!(agent.total_socket_count(), 1, "kept after trailers");
}

#[tokio::test]
async fn nginx_sends_trailers() {
    let ground = written();
    std::fs::write(ground.folder().join("page"), "a page").unwrap();
    let server = "add_trailer X-Sum six;";
    let Some(server) = Program::nginx(&ground, server).await else {
        return;
    };
    let agent = ground.agent();
    let mut response = soon(agent.get(server.url("/page"))).await.unwrap();
    assert_eq!(soon(body_of(&mut response)).await, b"a page");
    assert_eq!(response.body().trailers().unwrap()["x-sum"], "six");
}

#[tokio::test]
async fn node_sends_interim_responses_that_are_told() {
    let ground = written();
    let Some(server) = Program::node(&ground, NODE).await else {
        return;
    };
    let told = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&told);
    let options = RequestOptions::new(server.url("/early")).on_information(move |early| {
        let link = early.headers().get("link").cloned();
        notes.lock().unwrap().push((early.status().as_u16(), link));
    });
    let mut response = soon(ground.agent().get(options)).await.unwrap();
    assert_eq!(soon(body_of(&mut response)).await, b"late");
    let link = HeaderValue::from_static("</style.css>; rel=preload");
    assert_eq!(*told.lock().unwrap(), [(103, Some(link)), (102, None)]);
}

#[tokio::test]
async fn node_and_nginx_are_waited_for_before_a_body_leaves() {
    let ground = written();
    let agent = ground.agent();
    let awaited = |url: String| {
        RequestOptions::new(url)
            .method(Method::PUT)
            .header("Expect", "100-continue")
    };
    if let Some(server) = Program::node(&ground, NODE).await {
        for _ in 0..3 {
            let request = agent.request(awaited(server.url("/"))).unwrap();
            let mut response = soon(request.end_with("awaited")).await.unwrap();
            assert_eq!(soon(body_of(&mut response)).await, b"awaited");
        }
        let request = agent.request(awaited(server.url("/no"))).unwrap();
        let mut response = soon(request.end_with("unwanted")).await.unwrap();
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(soon(body_of(&mut response)).await, b"no");
    }
    if let Some(server) = Program::nginx(&ground, "dav_methods PUT;").await {
        let request = agent.request(awaited(server.url("/stored"))).unwrap();
        let response = soon(request.end_with("awaited")).await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let stored = std::fs::read(ground.folder().join("stored")).unwrap();
        assert_eq!(stored, b"awaited");
    }
}

/// Says something on a connection that has left HTTP, and gives all that comes until there is as
/// much as is expected.
async fn echoed(mut tunnel: Upgraded, expected: &str) -> String {
    tunnel.write_all(b"ping").await.unwrap();
    let mut text = vec![0; expected.len()];
    soon(tunnel.read_exact(&mut text)).await.unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn node_hands_connections_over() {
    let ground = written();
    let Some(server) = Program::node(&ground, NODE).await else {
        return;
    };
    let agent = ground.agent();
    let options = RequestOptions::new(server.url("/"))
        .header("Connection", "Upgrade")
        .header("Upgrade", "echo");
    let mut response = soon(agent.get(options)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let tunnel = Upgraded::of(&mut response).unwrap();
    assert_eq!(echoed(tunnel, "hi:ping").await, "hi:ping");

    let options = RequestOptions::new(server.url("/"))
        .method(Method::CONNECT)
        .path("there.example:1");
    let mut response = soon(agent.get(options)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!facts(&response).reused());
    let tunnel = Upgraded::of(&mut response).unwrap();
    let expected = "to there.example:1:ping";
    assert_eq!(echoed(tunnel, expected).await, expected);
    assert_eq!(agent.total_socket_count(), 0, "tunnels are their holder's");
}
