//! Octet streams below HTTP: the only files that open or read sockets.
//!
//! `resolve` finds addresses, `tcp` connects to them and keeps its `attempts`, `listener` lets
//! others connect; what comes of either is a `socket`, or a `duplex` stream that acts as one: a
//! program's, by a `hook`, or a `plain` one inside TLS. `tls` joins it to rustls, after a look at
//! the `opening` of a stranger; for servers that choose who answers, `greeting` reads the
//! ClientHello first and becomes such a stream then. Below them, `engine` uses rustls through
//! either of its APIs; `session` is what the two sides of the faster one have in common; `alert` is
//! what is said without rustls; `sealed` is what waits to be sent; `scratch` lends the buffers of
//! the worker thread, so that a connection at rest holds none.

pub(crate) mod resolve;
pub(crate) mod tcp;
pub(crate) mod attempts;
pub(crate) mod listener;
mod greeting;
mod plain;
pub(crate) mod tls;
mod opening;
mod alert;
mod engine;
mod session;
mod sealed;
mod socket;
mod duplex;
mod at_once;
pub(crate) mod hook;
pub(crate) mod scratch;
#[cfg(test)]
mod pair;

pub(crate) use at_once::at_once;
pub(crate) use engine::Exporter;
pub(crate) use greeting::{Greeting, Refusal};
pub use listener::BoundAddress;
pub(crate) use plain::{Plain, Tunnel};
pub use resolve::{Family, Lookup};
pub(crate) use session::Session;
pub(crate) use socket::Socket;
pub(crate) use tls::{ClientStream, Parting, Received, ServerStream, TlsStream, TransportError};
