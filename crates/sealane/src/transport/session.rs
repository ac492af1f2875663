//! What differs between the two sides of rustls' unbuffered API, and nothing else.
//!
//! rustls gives both sides the same methods on types that share no trait; this is that trait.

use rustls::CommonState;
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::UnbufferedStatus;
use sealane_tls::HandshakeError;

/// One side of a TLS connection.
pub(crate) trait Session {
    /// What rustls keeps for this side.
    type Data;

    /// Lets rustls work on all octets that it has not discarded.
    fn process<'c, 'i>(&'c mut self, octets: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;

    /// What both sides know of a connection.
    fn common(&self) -> &CommonState;

    /// An error of the handshake in the words of this side.
    fn explain(error: &rustls::Error) -> HandshakeError;
}

impl Session for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    fn process<'c, 'i>(&'c mut self, octets: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(octets)
    }

    fn common(&self) -> &CommonState {
        self
    }

    fn explain(error: &rustls::Error) -> HandshakeError {
        HandshakeError::from(error)
    }
}

impl Session for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn process<'c, 'i>(&'c mut self, octets: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(octets)
    }

    fn common(&self) -> &CommonState {
        self
    }

    fn explain(error: &rustls::Error) -> HandshakeError {
        HandshakeError::at_client(error)
    }
}
