//! What tests of the client ask, and the answer that most of their servers give.

use http::{Method, Response};
use sealane::{Agent, Body, RequestOptions};

use super::body_of;

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
