//! Octet streams below HTTP: the only files that open or read sockets.
//!
//! `tls` joins a TCP socket to rustls; `scratch` lends the buffers of the worker thread, so that
//! a connection at rest holds none.

pub(crate) mod scratch;
pub(crate) mod tls;

pub(crate) use tls::{Received, TlsStream, TransportError};
