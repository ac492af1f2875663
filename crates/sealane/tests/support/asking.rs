//! What tests of the client ask, and the answer that most of their servers give.

use std::sync::Arc;

use http::{Method, Response};
use sealane::{Agent, Body, RequestOptions};
use tokio::sync::Notify;

use super::scripted::{Scripted, gone, read_request, say};
use super::{Ground, body_of};

/// What a server says that keeps its connection.
pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A POST, whose body is still to be given.
pub fn post(url: impl Into<String>) -> RequestOptions {
    RequestOptions::new(url).method(Method::POST)
}

/// Sends a GET and reads [`OK`] to its end.
pub async fn fetch(
    agent: &Agent,
    options: impl Into<RequestOptions>,
) -> sealane::Result<Response<Body>> {
    let mut response = agent.get(options).await?;
    assert_eq!(body_of(&mut response).await, b"ok");
    Ok(response)
}

/// A server that answers `/wait` only when told to, and says who has asked.
pub async fn gated(ground: &Ground) -> (Scripted, Arc<Notify>) {
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let server = Scripted::start(ground.server_config(), move |mut stream, _| {
        let gate = Arc::clone(&gate);
        async move {
            while let Some(text) = read_request(&mut stream).await {
                if text.starts_with("GET /wait") {
                    tokio::select! {
                        () = gate.notified() => {}
                        () = gone(&mut stream) => return,
                    }
                }
                say(&mut stream, OK).await;
            }
        }
    })
    .await;
    (server, go)
}

/// Asks in a task of its own.
pub fn ask(agent: &Agent, url: String) -> tokio::task::JoinHandle<sealane::Result<()>> {
    let agent = agent.clone();
    tokio::spawn(async move { fetch(&agent, url).await.map(drop) })
}
