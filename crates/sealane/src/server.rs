//! The server: bind, accept, serve each connection in a task of its own, end gracefully.
//!
//! A [`Server`] is a cheap handle. Connection tasks hold none, so dropping the last handle closes
//! the server. RFC 9112 is spoken by `sealane-proto`, TLS by `transport`; this room joins them to
//! handlers.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Buf;
use http::{Request, Response};
use sealane_tls::TicketKeys;
use tokio::task::JoinHandle;
use tower_service::Service;

use crate::body::Body;
use crate::context::{SecureContext, SecureContextOptions};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::handler::{Answer, BoxError, Handler};
use crate::transport::BoundAddress;
use crate::wheel::{Order, Wheel};

mod accept;
mod admission;
mod choice;
mod client_error;
mod connection;
mod date;
mod exchange;
mod handshake;
mod listen;
mod live;
mod misdirection;
mod options;
mod pace;
mod plain;
mod response_options;
mod shutdown;
mod workers;

pub use admission::{BlockList, ProxyProtocol};
pub use choice::AlpnOffer;
pub use client_error::ClientError;
pub use listen::ListenOptions;
pub use options::ServerOptions;
use options::{Rules, check_count};
pub use pace::BodyRate;
pub use response_options::ResponseOptions;
use shutdown::Registry;
use workers::Workers;

/// Makes a server that answers each request with an async function.
///
/// The function returns a `Response` or a `Result` of one, with any body that becomes a [`Body`].
/// Should it fail or panic, the client gets a 500 and the connection ends; the error is traced.
///
/// When the client goes away (a reset, or a stream that ends without close_notify) the function's
/// future is dropped. A client that ends its side in order still gets the answers it asked for.
///
/// # Errors
///
/// The options contradict each other, or TLS cannot work with them. The message names the option.
pub fn create_server<F, Fut>(options: ServerOptions, handler: F) -> Result<Server>
where
    F: Fn(Request<Body>) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Answer,
{
    Server::with_service(options, Handler::new(handler))
}

/// A server, or a further handle of it.
///
/// Dropping the last handle closes the server as [`Server::close`] does, without waiting.
#[derive(Clone)]
pub struct Server {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    /// The threads that serve, if they are the server's own.
    workers: Option<Workers>,
    /// Where the server was told to listen.
    addresses: Mutex<Vec<BoundAddress>>,
}

/// What a server and its tasks share.
struct Shared {
    rules: Arc<Rules>,
    registry: Arc<Registry>,
    wheel: Arc<Wheel>,
    /// Starts the task of one connection; hides the type of the service.
    start: Arc<dyn Fn(connection::Start) + Send + Sync>,
    /// The task that turns the wheel, started with the first connection, and again if the runtime
    /// it ran on is gone.
    turning: Mutex<Option<JoinHandle<()>>>,
}

impl Server {
    /// Makes a server of a tower service, such as an axum router.
    ///
    /// The service is cloned for each connection. `poll_ready` is awaited before each call; while
    /// it is pending nothing more is read. A service that fails or panics is answered 500.
    ///
    /// # Errors
    ///
    /// As [`create_server`].
    pub fn with_service<S, B>(options: ServerOptions, service: S) -> Result<Self>
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: http_body::Body + Send + 'static,
        B::Data: Buf + Send,
        B::Error: Into<BoxError>,
    {
        let rules = Arc::new(options.build()?);
        // A service need not be `Sync`; it is cloned under the lock and used outside it.
        let service = Mutex::new(service);
        let start = Arc::new(move |start: connection::Start| {
            // A clone that panics costs its connection, not the loop that accepts.
            let clone = || {
                service
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone()
            };
            match catch_unwind(AssertUnwindSafe(clone)) {
                Ok(service) => drop(tokio::spawn(connection::run(start, service))),
                Err(_) => tracing::error!("the service panicked while it was cloned"),
            }
        });
        let workers = rules.workers.map(Workers::new);
        let shared = Arc::new(Shared {
            registry: Registry::new(&rules.admission),
            rules,
            wheel: Wheel::new(),
            start,
            turning: Mutex::default(),
        });
        Ok(Self {
            handle: Arc::new(Handle {
                shared,
                workers,
                addresses: Mutex::default(),
            }),
        })
    }

    /// How many connections are open now, in handshakes, at rest or at work.
    ///
    /// Upgraded connections are their owners' and not counted.
    pub fn connections(&self) -> usize {
        self.handle.shared.registry.connections()
    }

    /// The most connections that may be open at a time; `None` for any number.
    pub fn max_connections(&self) -> Option<usize> {
        self.handle.shared.registry.max_connections()
    }

    /// Changes that limit for connections to come; those that are open stay.
    ///
    /// # Errors
    ///
    /// The limit is 0, and nothing has changed.
    pub fn set_max_connections(&self, count: impl Into<Option<usize>>) -> Result<()> {
        let count = count.into();
        check_count("max_connections", count)?;
        self.handle.shared.registry.set_max_connections(count);
        Ok(())
    }

    /// How many connections have left HTTP by an upgrade or CONNECT and still live.
    ///
    /// They are their owners': no limit counts them, and no way to close the server touches them or
    /// waits for them.
    pub fn upgraded_connections(&self) -> usize {
        self.handle.shared.registry.upgraded_connections()
    }

    /// Accepts nothing more, ends connections at rest, lets running exchanges finish, and waits.
    ///
    /// Answers that have not begun say `Connection: close`. A handshake whose client has said
    /// something may be finished, within 5 s, and a request that follows it within 1 s is served:
    /// its client could not know whether it may be repeated. Handshakes that have not begun end at
    /// once. All deadlines go on, so a client that keeps an exchange waiting ends with its own; a
    /// handler that never answers keeps this waiting, and [`Server::close_within`] does not.
    /// Dropping the future does not undo the close; only the waiting ends.
    ///
    /// # Errors
    ///
    /// As [`Server::closed`].
    pub async fn close(&self) -> Result<()> {
        self.handle.shared.registry.begin_close();
        self.closed().await
    }

    /// Closes as [`close`](Self::close) does, and after `grace` cuts what still runs; says how many
    /// connections were cut.
    ///
    /// A handler that runs is dropped where it waits. A connection whose last answer has left is
    /// not cut, but may wait up to 2 s more for its client's end. This returns 3 s after `grace` at
    /// the latest: a handler that blocks its thread cannot be dropped, and its connection, cut or
    /// not, is there until the handler yields; [`Server::closed`] waits for that.
    /// Dropping the future does not undo the close, but nothing is cut any more.
    ///
    /// # Errors
    ///
    /// As [`Server::closed`].
    pub async fn close_within(&self, grace: Duration) -> Result<usize> {
        match tokio::time::timeout(grace, self.close()).await {
            Ok(closed) => closed.map(|()| 0),
            Err(_) => {
                let cut = self.handle.shared.registry.cut();
                let closed = tokio::time::timeout(LAST_LOOK, self.closed()).await;
                closed.unwrap_or(Ok(())).map(|()| cut)
            }
        }
    }

    /// Ends the connections that rest between two requests.
    ///
    /// Those that have not sent their first request yet are spared, as the module does.
    pub fn close_idle_connections(&self) {
        self.handle.shared.registry.order(Order::CloseIfIdle);
    }

    /// Ends every connection at once, whatever it carries, those in their handshake included.
    /// Upgraded ones are their owners'.
    pub fn close_all_connections(&self) {
        self.handle.shared.registry.order(Order::Abort);
    }

    /// Waits until the server is closed and its last connection is gone.
    ///
    /// # Errors
    ///
    /// Accepting ended though nobody closed the server; the error says why. It comes at once;
    /// connections that are open go on until the server is closed.
    pub async fn closed(&self) -> Result<()> {
        self.handle.shared.registry.ended().await
    }

    /// Puts another context in the place of the server's own; new connections use it.
    ///
    /// Connections that are open go on as they are. Sessions made before are resumed as long as
    /// what is asked of clients stays the same. All options that are not given are their defaults.
    ///
    /// # Errors
    ///
    /// An option cannot be honoured; the message names it, and nothing has changed.
    pub fn set_secure_context(&self, options: impl Into<SecureContextOptions>) -> Result<()> {
        let context = SecureContext::new(options)?;
        self.handle.shared.rules.choosing.set_default(&context);
        Ok(())
    }

    /// Adds a context for host names that match a pattern: `*` stands for any part of one label,
    /// letter case does not count, and of several patterns the one added last wins.
    ///
    /// Where contexts ask different things of clients, a request for a host of another context than
    /// its connection's is answered 421.
    ///
    /// # Errors
    ///
    /// The pattern is empty (`ERR_TLS_REQUIRED_SERVER_NAME`) or can match nothing.
    pub fn add_context(&self, pattern: &str, context: &SecureContext) -> Result<()> {
        self.handle.shared.rules.choosing.add(pattern, context)
    }

    /// The keys that seal session tickets now, 48 octets. As secret as a private key.
    ///
    /// # Errors
    ///
    /// Nothing can seal tickets here (`ERR_NO_CRYPTO`).
    pub fn ticket_keys(&self) -> Result<Vec<u8>> {
        Ok(self.keys()?.octets().to_vec())
    }

    /// Changes the keys that seal session tickets: earlier tickets open no more, and their clients
    /// make a full handshake.
    ///
    /// # Errors
    ///
    /// There are not 48 octets, or nothing can seal tickets here (`ERR_NO_CRYPTO`).
    pub fn set_ticket_keys(&self, octets: &[u8]) -> Result<()> {
        Ok(self.keys()?.replace(octets)?)
    }

    fn keys(&self) -> Result<&TicketKeys> {
        let keys = self.handle.shared.rules.choosing.ticket_keys();
        keys.ok_or_else(|| {
            let text = "option ticket_keys: only the built-in cryptography seals tickets";
            Error::option(text).with_code("ERR_NO_CRYPTO")
        })
    }
}

impl Shared {
    /// The same for another runtime, with a wheel of its own: deadlines then lock nothing that two
    /// threads use.
    fn for_worker(&self) -> Self {
        Self {
            rules: Arc::clone(&self.rules),
            registry: Arc::clone(&self.registry),
            wheel: Wheel::new(),
            start: Arc::clone(&self.start),
            turning: Mutex::default(),
        }
    }

    fn turn_wheel(&self) {
        let mut turning = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        if turning.as_ref().is_none_or(JoinHandle::is_finished) {
            *turning = Some(tokio::spawn(Wheel::turn(Arc::downgrade(&self.wheel))));
        }
    }
}

/// What a connection needs of its server; it holds no handle, so it keeps no server alive.
struct Facts {
    rules: Arc<Rules>,
    wheel: Arc<Wheel>,
}

impl Facts {
    fn of(shared: &Shared) -> Self {
        Self {
            rules: Arc::clone(&shared.rules),
            wheel: Arc::clone(&shared.wheel),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.registry.begin_close();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses())
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

/// How long a server that has cut its connections waits for them to be gone: those that part have
/// their time, and the others end at once if they can.
const LAST_LOOK: Duration = connection::PARTING.saturating_add(Duration::from_secs(1));

fn closed() -> Error {
    Error::new(ErrorKind::Closed, Phase::Listen, "the server is closed")
        .with_code("ERR_SERVER_NOT_RUNNING")
}
