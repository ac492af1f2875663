//! HTTPS for Rust: server and client on an HTTP/1.1 engine of its own and rustls.
//!
//! Names are those of the well-known `https` module in Rust spelling; messages are the types of
//! `http`, `http_body` and `bytes`; handlers are async functions or tower services.
//!
//! ```
//! use http::Response;
//! use sealane::{Identity, ServerOptions, create_server};
//!
//! # async fn serve() -> sealane::Result<()> {
//! let identity = Identity::from_pem_files("certificate.pem", "private-key.pem")?;
//! let server = create_server(ServerOptions::new(identity), |_req| async {
//!     Response::new("hello world\n")
//! })?;
//! server.listen("localhost:8000").await?;
//! server.closed().await
//! # }
//! ```
//!
//! ```
//! # async fn get() -> sealane::Result<()> {
//! let mut response = sealane::get("https://encrypted.example.com/").await?;
//! println!("statusCode: {}", response.status().as_u16());
//! while let Some(chunk) = response.body_mut().chunk().await? {
//!     println!("{} octets", chunk.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! An application that is a tower service, such as an axum router, is served as it is by
//! [`Server::with_service`]; the [`guide`] says what works and what does not.
//!
//! # Cancellation
//!
//! A connection's task owns its handler. When the client goes away (a reset, or a stream that ends
//! without close_notify), the handler's future is dropped; a client that ends its side in order is
//! still answered. Tasks that it has started learn of the end from a [`Responder`]. When the server
//! closes, running handlers finish. Dropping the last [`Server`] handle closes the server.
//!
//! A client's exchange is driven by whoever waits for it. Dropping the future of a request, or the
//! body of a response, ends the exchange and closes its connection, for HTTP/1.1 has no other way
//! to stop; a response whose rest has come already keeps it.

// A module uses what is declared below it, never above.
pub mod guide;
mod client;
mod server;
mod upgrade;
mod driver;
mod handler;
mod event;
mod folding;
mod info;
mod responder;
mod wheel;
mod transport;
mod key_log;
mod context;
mod tls_options;
mod identity;
mod trust;
mod system;
mod pem_file;
mod body;
mod bounds;
mod error;

pub use body::{Body, BodySender};
pub use client::{
    AbortController, AbortSignal, Agent, AgentEvent, AgentObserver, AgentOptions, AgentSnapshot,
    ClientRequest, Connector, Destination, Evicted, Information, Proxy, RequestOptions, Scheduling,
    get, global_agent, request, set_global_agent,
};
pub use context::{SecureContext, SecureContextOptions};
pub use error::{ConnectAttempt, Error, ErrorKind, Phase, Result};
pub use event::{
    ClientFault, Closed, Deadline, DropReason, Dropped, Event, Finished, HandlerError, Observer,
    RequestNotice, TimedOut, TlsClientError, TlsErrorClass,
};
pub use handler::Answer;
pub use identity::{Identity, write_pfx};
pub use info::{Accepted, ConnectionInfo, ExchangeTimings, Proxied, RawFields, Timings};
pub use key_log::{KeyLog, KeyLogConnection, KeyLogFile, KeyLogLine};
pub use responder::{Ended, Responder};
pub use sealane_tls::{
    Diagnosis, DistinguishedName, IdentityCheck, IdentityError, PeerCertificate, Pin, Pins,
    RequestCert, SessionStore, TlsInfo, TlsVersion, check_server_identity, crypto,
};
pub use server::{
    AlpnOffer, BlockList, BodyRate, ClientError, ListenOptions, ProxyProtocol, ResponseOptions,
    Server, ServerOptions, create_server,
};
pub use transport::{BoundAddress, Family, Lookup};
pub use trust::{Revocation, Roots};
pub use upgrade::{Upgrade, Upgraded};
