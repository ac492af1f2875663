//! Two connections to a server, each with one request: the second shows whether sessions resume.
//!
//! A connection is opened for a request only, so one is sent: `GET /` with `Connection: close`,
//! since servers that know no other method exist, `openssl s_server` for one. Nothing of the answer
//! is read but its head, and what it says is of no matter here.

use http::{Method, StatusCode, header};
use sealane::{Agent, ConnectionInfo, Error, RequestOptions};

/// What two connections have shown.
#[derive(Debug)]
pub(super) struct Visit {
    /// The first.
    pub(super) first: ConnectionInfo,
    /// The status of its answer.
    pub(super) status: Option<u16>,
    /// The second, or why there was none, in one line.
    pub(super) second: Result<ConnectionInfo, String>,
}

/// Opens one connection after the other; the agent must keep sessions and no connections.
///
/// # Errors
/// When there is no first one, or nothing answers on it.
pub(super) async fn visit(agent: &Agent, url: &str) -> Result<Visit, Error> {
    let (first, status) = connect(agent, url).await?;
    let second = connect(agent, url).await;
    Ok(Visit {
        first,
        status: Some(status.as_u16()),
        second: second
            .map(|(info, _)| info)
            .map_err(|error| error.to_string()),
    })
}

/// Opens a connection, and waits for the answer: tickets of TLS 1.3 come before it.
async fn connect(agent: &Agent, url: &str) -> Result<(ConnectionInfo, StatusCode), Error> {
    let options = RequestOptions::new(url)
        .method(Method::GET)
        .header(header::USER_AGENT, NAME)
        .header(header::ACCEPT, "*/*");
    let response = agent.request(options)?.end().await?;
    let info = response.extensions().get::<ConnectionInfo>();
    let info = info.expect("each response has the facts of its connection");
    Ok((info.clone(), response.status()))
}

/// How the program calls itself to servers.
const NAME: &str = concat!("sealane/", env!("CARGO_PKG_VERSION"));
