//! A tunnel through a proxy: CONNECT, and what the proxy answers (RFC 9110 §9.3.6).
//!
//! Any 2xx opens it. What the proxy says is read strictly and within bounds, like any response; an
//! octet behind its head is refused, for a server does not speak before a client's first record.

use std::io;
use std::sync::Arc;

use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sealane_proto::{
    BodyLength, ClientConnection, ClientRules, Event, InputEnd, OutgoingHead, ProtocolError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::proxy::Relay;
use super::super::route::Route;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::transport::Socket;

/// Asks for a tunnel to a server, and waits until it is there.
pub(super) async fn open(socket: &mut Socket, relay: &Relay, route: &Route) -> Result<()> {
    let asking = Asking { relay, route };
    let mut http = ClientConnection::new(Arc::new(ClientRules::default()));
    let mut octets = Vec::new();
    asking.write(&mut http, &mut octets)?;
    let sent = async {
        socket.write_all(&octets).await?;
        socket.flush().await
    };
    sent.await.map_err(|error| asking.broken(error))?;
    let status = asking.wait(socket, &mut http).await?;
    if !status.is_success() {
        return Err(asking.refused(status));
    }
    match http.take_leftover().is_empty() {
        true => Ok(()),
        false => Err(asking.failed("it sent octets that are no part of its answer")),
    }
}

/// Who is asked for what.
struct Asking<'a> {
    relay: &'a Relay,
    route: &'a Route,
}

impl Asking<'_> {
    fn write(&self, http: &mut ClientConnection, octets: &mut Vec<u8>) -> Result<()> {
        let authority = self.route.to_string();
        let mut fields = HeaderMap::new();
        let host = HeaderValue::try_from(authority.as_str());
        let host = host.map_err(|_| self.failed("the host cannot stand in a Host field"))?;
        fields.insert(HOST, host);
        if let Some(credentials) = &self.relay.credentials {
            fields.insert(PROXY_AUTHORIZATION, credentials.clone());
        }
        let head = OutgoingHead::new(&Method::CONNECT, &authority, &fields);
        http.send_request(&head, BodyLength::Known(0), octets)
            .and_then(|_| http.send_end(None, octets))
            .map_err(|error| self.wrong(error))
    }

    /// The status of the final response.
    async fn wait(&self, socket: &mut Socket, http: &mut ClientConnection) -> Result<StatusCode> {
        let mut buffer = [0; READ];
        loop {
            while let Some(event) = http.poll_event().map_err(|error| self.wrong(error))? {
                // Interim responses are passed over, a bounded number of them.
                if let Event::Response(head) = event {
                    return Ok(head.status);
                }
            }
            let read = socket.read(&mut buffer).await;
            match read.map_err(|error| self.broken(error))? {
                0 => http.handle_end(InputEnd::Truncated),
                count => http.receive(&buffer[..count]),
            }
        }
    }

    /// Says what the status means, and what to do.
    fn refused(&self, status: StatusCode) -> Error {
        let advice = match (status, &self.relay.credentials) {
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, None) => {
                "it wants to know who you are: give user and password in its URL"
            }
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(_)) => {
                "it does not take this user and password: check those in its URL"
            }
            (StatusCode::FORBIDDEN, _) => {
                "it lets nobody, or not you, to this host and port: ask those who run it"
            }
            (StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT, _) => {
                "it cannot reach this server: check the host, or try without the proxy"
            }
            (status, _) if status.is_server_error() => {
                "it is in trouble itself: try later, or without the proxy"
            }
            _ => "it may be no proxy, or open no tunnels: check its URL and port",
        };
        let answer = format!("it answered {}; {advice}", status.as_u16());
        self.failed(&answer).with_proxy_status(status)
    }

    /// What the proxy said is no HTTP, or cut short.
    fn wrong(&self, error: ProtocolError) -> Error {
        self.failed(&error.to_string()).with_source(error)
    }

    fn broken(&self, error: io::Error) -> Error {
        let text = format!("the connection broke: {error}");
        self.failed(&text).with_source(error)
    }

    fn failed(&self, why: &str) -> Error {
        let Self { relay, route } = self;
        let text = format!("the proxy {relay} opened no tunnel to {route}: {why}");
        Error::new(ErrorKind::Proxy, Phase::Proxy, text).with_code("ERR_PROXY_TUNNEL")
    }
}

/// Octets read at a time; an answer has few.
const READ: usize = 2048;
