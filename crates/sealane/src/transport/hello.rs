//! A ClientHello read out of a connection's octets before anybody answers it (RFC 8446 §4.1.2).
//!
//! rustls' own `Acceptor` reads it, so that what is chosen by is what will be answered; nothing is
//! decided here. An early refusal comes with its alert, in the clear as all alerts are before a
//! ServerHello (RFC 8446 §6.2).

use rustls::InvalidMessage;
use rustls::server::Acceptor;
use sealane_tls::HandshakeError;

use super::alert::{DECODE_ERROR, record};

/// What a client offers, as far as a choice can depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    /// The host name it asks for, in lower case (RFC 6066 §3); never an address.
    pub(crate) servername: Option<String>,
    /// The application protocols it offers, its favourite first (RFC 7301 §3.1).
    pub(crate) alpn: Vec<Vec<u8>>,
}

/// Collects octets until a ClientHello is whole.
pub(super) struct HelloReader {
    acceptor: Acceptor,
    /// All octets it was shown.
    octets: Vec<u8>,
}

/// Octets in which no acceptable ClientHello can begin, with what is to be said about it.
pub(super) struct HelloRefused {
    /// What is wrong.
    pub(super) error: HandshakeError,
    /// The alert's record, to be sent as it is.
    pub(super) alert: Vec<u8>,
}

impl HelloReader {
    pub(super) fn new() -> Self {
        Self {
            acceptor: Acceptor::default(),
            octets: Vec::new(),
        }
    }

    /// Reads more octets; `None` when the ClientHello needs more still.
    pub(super) fn take(&mut self, octets: &[u8]) -> Result<Option<Hello>, HelloRefused> {
        self.octets.extend_from_slice(octets);
        let mut rest = octets;
        while !rest.is_empty() {
            if self.acceptor.read_tls(&mut rest).is_err() {
                return Err(too_large());
            }
            match self.acceptor.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => {
                    let hello = accepted.client_hello();
                    return Ok(Some(Hello {
                        servername: hello.server_name().map(str::to_ascii_lowercase),
                        alpn: hello
                            .alpn()
                            .map(|names| names.map(<[u8]>::to_vec).collect())
                            .unwrap_or_default(),
                    }));
                }
                Err((error, mut said)) => {
                    let mut alert = Vec::new();
                    // Memory takes all it is given.
                    let _ = said.write_all(&mut alert);
                    if alert.is_empty() {
                        alert = record(DECODE_ERROR).to_vec();
                    }
                    let error = HandshakeError::from(&error);
                    return Err(HelloRefused { error, alert });
                }
            }
        }
        if self.octets.len() > LARGEST_HELLO {
            return Err(too_large());
        }
        Ok(None)
    }

    /// All octets it was shown, for who answers.
    pub(super) fn into_octets(self) -> Vec<u8> {
        self.octets
    }
}

fn too_large() -> HelloRefused {
    let error = rustls::Error::from(InvalidMessage::HandshakePayloadTooLarge);
    HelloRefused {
        error: HandshakeError::from(&error),
        alert: record(DECODE_ERROR).to_vec(),
    }
}

/// The largest ClientHello with its record headers: ten times what clients with post-quantum key
/// shares send, and little enough for each of many strangers to hold.
const LARGEST_HELLO: usize = 32 * 1024;
