//! Octet streams below HTTP: the only files that open or read sockets.
//!
//! `tls` joins a TCP socket to rustls; `sealed` is what waits to be sent; `scratch` lends the
//! buffers of the worker thread, so that a connection at rest holds none.

pub(crate) mod tls;
mod sealed;
pub(crate) mod scratch;

pub(crate) use tls::{Received, TlsStream, TransportError};
