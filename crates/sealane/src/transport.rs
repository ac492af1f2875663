//! Octet streams below HTTP: the only files that open or read sockets.
//!
//! `resolve` finds addresses, `tcp` connects to them.
//! `tls` joins a TCP socket to rustls; `session` is what its two sides have in common; `sealed` is
//! what waits to be sent; `scratch` lends the buffers of the worker thread, so that a connection at
//! rest holds none.

pub(crate) mod resolve;
pub(crate) mod tcp;
pub(crate) mod tls;
mod session;
mod sealed;
pub(crate) mod scratch;

pub(crate) use session::Session;
pub(crate) use tls::{ClientStream, Received, ServerStream, TlsStream, TransportError};
