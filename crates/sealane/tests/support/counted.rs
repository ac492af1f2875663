//! A server of ours that counts its connections and tells the full handshakes among them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use sealane::{Body, ConnectionInfo, Server, ServerOptions, create_server};

use super::listen;

/// Each connection by its client's address: whether it was resumed, and its requests.
type Seen = BTreeMap<SocketAddr, (bool, usize)>;

/// The server; it closes with this value.
pub struct Counted {
    pub server: Server,
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

/// What a server has counted.
#[derive(Debug, PartialEq, Eq)]
pub struct Count {
    pub requests: usize,
    pub full: usize,
    pub resumed: usize,
}

impl Counted {
    /// Answers each request with `ok`.
    pub async fn start(options: ServerOptions) -> Self {
        let seen = Arc::new(Mutex::new(Seen::new()));
        let counting = Arc::clone(&seen);
        let server = create_server(options, move |request: Request<Body>| {
            let info: &ConnectionInfo = request.extensions().get().unwrap();
            let new = (info.tls().resumed(), 0);
            let mut seen = counting.lock().unwrap();
            seen.entry(info.remote_addr().unwrap()).or_insert(new).1 += 1;
            async { Response::new("ok") }
        });
        let server = server.unwrap();
        let address = listen(&server).await;
        Self {
            server,
            address,
            seen,
        }
    }

    /// A URL of it under this host name.
    pub fn url_of(&self, host: &str) -> String {
        format!("https://{host}:{}/", self.address.port())
    }

    pub fn url(&self) -> String {
        self.url_of("localhost")
    }

    /// The requests that reached the handler so far, and their connections.
    pub fn count(&self) -> Count {
        let seen = self.seen.lock().unwrap();
        let resumed = seen.values().filter(|(resumed, _)| *resumed).count();
        Count {
            requests: seen.values().map(|(_, requests)| requests).sum(),
            full: seen.len() - resumed,
            resumed,
        }
    }
}
