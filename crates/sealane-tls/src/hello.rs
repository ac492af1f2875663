//! A ClientHello before it is answered: what an asynchronous choice needs to know of it.
//!
//! rustls answers a ClientHello in the very call that reads it. Who must ask somebody else first
//! (which context, which protocol, which staple) reads the message here, chooses, and then gives
//! the same octets to a connection with the chosen configuration. Nothing is decided here, and
//! nothing is sent but the alert of a refusal (RFC 8446 §4.1.2 and §6; RFC 6066 §3 and §8).

use std::fmt;

use rustls::server::{Accepted, AcceptedAlert, Acceptor};
use rustls::{AlertDescription, CipherSuite, Error as TlsError, SignatureScheme};

use crate::error::HandshakeError;

/// What a client asks for in its first message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hello {
    /// The host name, in lower case; `None` when the client names none.
    pub servername: Option<String>,
    /// The application protocols in the client's order; empty when it offers none (RFC 7301).
    pub alpn: Vec<Vec<u8>>,
    /// Whether the client wants a staple on the server's certificate (RFC 6066 §8).
    pub asks_for_ocsp: bool,
    /// The signature schemes the client takes, in its order.
    pub(crate) schemes: Vec<SignatureScheme>,
    /// The cipher suites the client takes, in its order.
    pub(crate) suites: Vec<CipherSuite>,
}

/// A ClientHello that cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelloRefused {
    /// What is wrong with it.
    pub error: HandshakeError,
    /// What to send before the connection is closed: the record of an alert.
    pub alert: Vec<u8>,
}

/// Collects octets until they hold a whole ClientHello.
pub struct HelloReader {
    /// Everything taken, for the connection that will answer.
    octets: Vec<u8>,
    /// rustls' own reader of the message; it has seen all of `octets`.
    acceptor: Acceptor,
}

impl HelloReader {
    /// Starts at the first octet of a connection.
    pub fn new() -> Self {
        Self {
            octets: Vec::new(),
            acceptor: Acceptor::default(),
        }
    }

    /// Takes what came next; tells the ClientHello once it is whole.
    ///
    /// After an answer or a refusal nothing more may be taken.
    ///
    /// # Errors
    ///
    /// The octets are no ClientHello that could be answered, or do not end within
    /// [`MAX_HELLO`] octets.
    pub fn take(&mut self, octets: &[u8]) -> Result<Option<Hello>, HelloRefused> {
        self.octets.extend_from_slice(octets);
        let mut rest = octets;
        while !rest.is_empty() {
            // It reads 4 KiB at most and fails when full: both ways it is asked after each read.
            match self.acceptor.read_tls(&mut rest) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Err(too_long()),
            }
            match self.acceptor.accept() {
                Ok(Some(accepted)) => return Ok(Some(self.tell(&accepted))),
                Ok(None) => {}
                Err((error, alert)) => return Err(refused(&error, alert)),
            }
        }
        if self.octets.len() > MAX_HELLO {
            return Err(too_long());
        }
        Ok(None)
    }

    /// Everything taken so far, from the connection's first octet on.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Gives everything away that was taken, for the connection that answers.
    pub fn into_octets(self) -> Vec<u8> {
        self.octets
    }

    /// What the message says.
    fn tell(&self, accepted: &Accepted) -> Hello {
        let hello = accepted.client_hello();
        let alpn = hello.alpn().into_iter().flatten();
        Hello {
            servername: hello.server_name().map(str::to_ascii_lowercase),
            alpn: alpn.map(<[u8]>::to_vec).collect(),
            asks_for_ocsp: asks_for_ocsp(&self.octets).unwrap_or(false),
            schemes: hello.signature_schemes().to_vec(),
            suites: hello.cipher_suites().to_vec(),
        }
    }
}

impl Default for HelloReader {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HelloReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HelloReader")
            .field("octets", &self.octets.len())
            .finish_non_exhaustive()
    }
}

/// The most octets a ClientHello may take, with the heads of its records.
///
/// Browsers with hybrid key shares send 2 KiB, a ticket with a client's certificates adds some
/// more. A bound closes the way to hold memory in connections that never finish one.
pub const MAX_HELLO: usize = 32 * 1024;

/// Names what rustls found, with the alert that it would send.
///
/// Some errors come without one; then it is the one of RFC 8446 §6.2.
fn refused(error: &TlsError, mut alert: AcceptedAlert) -> HelloRefused {
    let mut octets = Vec::new();
    // Writing into memory cannot fail.
    let _ = alert.write_all(&mut octets);
    if octets.is_empty() {
        let out_of_turn = matches!(
            error,
            TlsError::InappropriateMessage { .. } | TlsError::InappropriateHandshakeMessage { .. }
        );
        octets = fatal(if out_of_turn {
            AlertDescription::UnexpectedMessage
        } else {
            AlertDescription::DecodeError
        });
    }
    HelloRefused {
        error: HandshakeError::from(error),
        alert: octets,
    }
}

/// The refusal of a message beyond the bound, with the alert OpenSSL sends then.
fn too_long() -> HelloRefused {
    HelloRefused {
        error: HandshakeError::too_long_hello(MAX_HELLO),
        alert: fatal(AlertDescription::IllegalParameter),
    }
}

/// The record of a fatal alert in the clear (RFC 8446 §5.1 and §6).
fn fatal(alert: AlertDescription) -> Vec<u8> {
    vec![21, 3, 3, 0, 2, 2, u8::from(alert)]
}

/// Whether the extension `status_request` stands in the message and asks for OCSP; rustls does
/// not tell. `None` when the octets hold no whole ClientHello.
fn asks_for_ocsp(records: &[u8]) -> Option<bool> {
    let message = message_of(records)?;
    let mut rest = Walk(&message);
    // Kind and length of the message, version and random (RFC 8446 §4.1.2).
    rest.skip(4 + 2 + 32)?;
    // Session id, cipher suites, compression methods.
    rest.vector(1)?;
    rest.vector(2)?;
    rest.vector(1)?;
    let mut extensions = Walk(rest.vector(2)?);
    while !extensions.0.is_empty() {
        let kind = extensions.number(2)?;
        let content = extensions.vector(2)?;
        if kind == STATUS_REQUEST {
            return Some(content.first() == Some(&OCSP));
        }
    }
    Some(false)
}

/// The first handshake message, put together from its records.
fn message_of(records: &[u8]) -> Option<Vec<u8>> {
    let mut rest = Walk(records);
    let mut message = Vec::new();
    loop {
        // Kind and version of the record (RFC 8446 §5.1).
        rest.skip(3)?;
        message.extend_from_slice(rest.vector(2)?);
        let mut head = Walk(&message);
        if head
            .skip(1)
            .and_then(|()| head.number(3))
            .is_some_and(|length| length <= head.0.len())
        {
            return Some(message);
        }
    }
}

/// Octets that are read from the front.
struct Walk<'a>(&'a [u8]);

impl<'a> Walk<'a> {
    /// Goes past this many octets.
    fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    /// Reads a number of this many octets.
    fn number(&mut self, octets: usize) -> Option<usize> {
        let (number, rest) = self.0.split_at_checked(octets)?;
        self.0 = rest;
        Some(
            number
                .iter()
                .fold(0, |sum, octet| sum << 8 | usize::from(*octet)),
        )
    }

    /// Reads what stands behind its length of this many octets.
    fn vector(&mut self, length_octets: usize) -> Option<&'a [u8]> {
        let length = self.number(length_octets)?;
        let (content, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }
}

/// The number of the extension `status_request` (RFC 6066 §8).
const STATUS_REQUEST: usize = 5;

/// The kind of status request that asks for OCSP (RFC 6066 §8).
const OCSP: u8 = 1;

#[cfg(test)]
mod tests;
