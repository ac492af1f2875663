//! Connector: a program's own way to open connections, instead of the system's.

use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::{Error, ErrorKind, Phase, Result};
use crate::handler::BoxError;
use crate::transport::Socket;
use crate::transport::hook::{self, Answer};

/// Where a connection shall lead, as a [`Connector`] is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    host: Box<str>,
    port: u16,
}

impl Destination {
    /// The host: a DNS name in lower case, or an IP address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A program's own way to open connections: it gives a stream of octets, and TLS with all its
/// checks runs on that as on any other.
///
/// Its error, a panic, or no answer within `connect_timeout` fails the request. A stream that keeps
/// octets back until it is flushed is flushed; one that is a socket of tokio is used as such.
///
/// Two connectors cannot be compared: connections are shared by requests with the very same one
/// only, of which clones are part. Make it once, and clone it.
///
/// ```
/// use sealane::{Agent, AgentOptions, Connector};
/// use tokio::net::TcpStream;
///
/// # fn example() -> sealane::Result<()> {
/// let connector = Connector::new(|to| async move {
///     TcpStream::connect(("127.0.0.1", to.port())).await
/// });
/// let agent = Agent::new(AgentOptions::new().create_connection(connector))?;
/// # drop(agent);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connector {
    open: Arc<Open>,
    id: u64,
}

type Open = dyn Fn(Destination) -> Answer<std::result::Result<Socket, BoxError>> + Send + Sync;

impl Connector {
    /// Takes a function that opens a connection.
    pub fn new<F, Fut, S, E>(connect: F) -> Self
    where
        F: Fn(Destination) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = std::result::Result<S, E>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        E: Into<BoxError> + 'static,
    {
        Self {
            open: Arc::new(move |destination| {
                let opening = connect(destination);
                Box::pin(async move {
                    let opened = opening.await;
                    opened.map(Socket::of_stream).map_err(Into::into)
                })
            }),
            id: hook::identify(),
        }
    }

    /// Opens a connection.
    pub(super) async fn open(&self, host: &str, port: u16) -> Result<Socket> {
        let destination = Destination {
            host: host.into(),
            port,
        };
        let what = || format!("create_connection gave no connection to {host:?}, port {port}");
        match hook::ask(|| (self.open)(destination)).await {
            Ok(Ok(socket)) => Ok(socket),
            Ok(Err(error)) => Err(failed(&what(), error)),
            Err(_) => {
                let text = format!("{}: it panicked", what());
                Err(Error::new(ErrorKind::Io, Phase::Connect, text))
            }
        }
    }
}

/// The program's own error becomes the request's, with its code if it is one of the system's.
fn failed(what: &str, error: BoxError) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(own) => return own.at(Phase::Connect, &format!("{what}: ")),
        Err(error) => error,
    };
    match error.downcast::<std::io::Error>() {
        Ok(io) => Error::io(Phase::Connect, what, *io),
        Err(other) => {
            let said: String = other.to_string().escape_debug().collect();
            Error::new(ErrorKind::Io, Phase::Connect, format!("{what}: {said}")).with_source(other)
        }
    }
}

/// The same connector, whatever it does.
impl PartialEq for Connector {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Connector {}

impl Hash for Connector {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connector").field(&self.id).finish()
    }
}
