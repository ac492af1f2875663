//! rustls' buffered API, for connections that export keying material (RFC 5705, RFC 8446 §7.5).
//!
//! The connection is shared between its stream and the exporters handed out, behind a lock that is
//! held for one call at a time and never while anything is waited for. rustls copies here what the
//! unbuffered API leaves in place, so nobody pays for it who did not ask.
//!
//! What RFC and rustls leave to the caller is checked here: labels that the protocol uses itself,
//! and lengths that would be cut off silently or end in a panic.

use std::fmt;
use std::io::{self, BufRead as _, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::ClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::ServerConnection;
use rustls::{ClientConfig, Connection, InvalidMessage, ProtocolVersion, ServerConfig};
use sealane_tls::{Observation, observe};

use super::super::sealed::Sealed;
use super::{Outgoing, SealError, Taken};
use crate::error::{Error, ErrorKind, Phase, Result};

/// A connection that its stream shares with exporters.
pub(in super::super) struct Buffered {
    /// Locked for one call at a time.
    connection: Arc<Mutex<Connection>>,
}

impl Buffered {
    /// The server's side of a connection.
    pub(in super::super) fn server(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self::new(ServerConnection::new(config)?.into()))
    }

    /// The client's side of a connection.
    pub(in super::super) fn client(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<Self, rustls::Error> {
        Ok(Self::new(ClientConnection::new(config, name)?.into()))
    }

    /// Makes a connection that can be shared.
    fn new(connection: Connection) -> Self {
        Self {
            connection: Arc::new(Mutex::new(connection)),
        }
    }

    /// A handle that exports keying material of this connection.
    pub(super) fn exporter(&self) -> Exporter {
        Exporter {
            connection: Arc::clone(&self.connection),
        }
    }

    /// The connection, for one call.
    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        lock(&self.connection)
    }

    /// Takes in all of `octets`, a little at a time, as rustls does.
    pub(super) fn take_in(
        &mut self,
        octets: &[u8],
        sink: &mut dyn FnMut(&[u8]),
        sealed: &mut Sealed,
        seen: &mut Observation,
    ) -> Result<Taken, rustls::Error> {
        let mut connection = self.lock();
        let mut rest = octets;
        loop {
            // It would take an empty read for the end of the stream.
            if !rest.is_empty() && connection.read_tls(&mut rest).is_err() {
                // Its buffer is full though all complete messages have left it.
                return Err(InvalidMessage::HandshakePayloadTooLarge.into());
            }
            let processed = if connection.is_handshaking() {
                let (processed, now) = observe(|| connection.process_new_packets());
                seen.add(now);
                processed
            } else {
                connection.process_new_packets()
            };
            // Data that came before a broken record counts.
            drain(&mut connection, sink);
            let peer_closed = processed?.peer_has_closed();
            send(&mut connection, sealed);
            if peer_closed || rest.is_empty() {
                return Ok(Taken {
                    octets: octets.len(),
                    peer_closed,
                });
            }
        }
    }

    /// Seals one record.
    pub(super) fn seal(
        &mut self,
        outgoing: Outgoing<'_>,
        sealed: &mut Sealed,
    ) -> Result<(), SealError> {
        let mut connection = self.lock();
        if connection.is_handshaking() {
            // rustls would keep the octets for later; nobody would know whether they ever left.
            return Err(io::Error::from(io::ErrorKind::NotConnected).into());
        }
        let plain = match outgoing {
            Outgoing::Plain(plain) => plain,
            Outgoing::CloseNotify => {
                connection.send_close_notify();
                send(&mut connection, sealed);
                return Ok(());
            }
        };
        connection.writer().write_all(plain).map_err(broken)?;
        let gained = send(&mut connection, sealed);
        if gained < plain.len() {
            // rustls drops what its keys must not seal any more, and says so nowhere else.
            return Err(io::Error::other(super::super::sealed::EXHAUSTED).into());
        }
        Ok(())
    }

    /// Puts rustls' alert with the octets to be sent; false when it has none.
    pub(super) fn fetch_alert(&mut self, sealed: &mut Sealed) -> bool {
        send(&mut self.lock(), sealed) > 0
    }
}

/// Exports keying material of one connection, for as long as it is kept.
///
/// It shares the connection's secrets, so it keeps them in memory also when the connection is gone.
#[derive(Clone)]
pub(crate) struct Exporter {
    /// The connection, which the stream uses too.
    connection: Arc<Mutex<Connection>>,
}

impl Exporter {
    /// Derives as many octets for `label` and `context`, as [`export`](Self::export) does.
    ///
    /// What cannot be derived takes no memory.
    pub(crate) fn derive(
        &self,
        length: usize,
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        lengths(length, label.len(), context.map_or(0, <[u8]>::len))?;
        let mut out = vec![0; length];
        self.export(&mut out, label, context)?;
        Ok(out)
    }

    /// Fills `out` with keying material for `label` and `context` (RFC 5705 §4, RFC 8446 §7.5).
    ///
    /// In TLS 1.2 no context and an empty one give different material; in TLS 1.3 the same.
    pub(crate) fn export(
        &self,
        out: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<()> {
        let asked = out.len();
        lengths(asked, label.len(), context.map_or(0, <[u8]>::len))?;
        let connection = lock(&self.connection);
        if connection.is_handshaking() {
            let text = "keying material can be exported only when the TLS handshake is done";
            return Err(invalid_state(text));
        }
        if connection.protocol_version() == Some(ProtocolVersion::TLSv1_2) {
            unreserved(label)?;
        }
        match connection.export_keying_material(out, label, context) {
            Ok(_) => Ok(()),
            Err(rustls::Error::General(_)) => Err(out_of_range(format!(
                "{asked} octets of keying material are more than the connection's hash can give"
            ))),
            Err(_) => Err(invalid_state(
                "the TLS connection has failed: no keying material can be exported any more",
            )),
        }
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporter")
    }
}

/// The connection, also when an earlier call panicked: rustls' own state tells what is wrong then.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands over all that was decrypted.
fn drain(connection: &mut Connection, sink: &mut dyn FnMut(&[u8])) {
    let mut reader = connection.reader();
    // An error says that there is nothing now; what that means is found out elsewhere.
    while let Ok(chunk) = reader.fill_buf() {
        let count = chunk.len();
        if count == 0 {
            return;
        }
        sink(chunk);
        reader.consume(count);
    }
}

/// Moves what rustls wants to send to the octets that wait; tells how many there were.
fn send(connection: &mut Connection, sealed: &mut Sealed) -> usize {
    let mut moved = 0;
    while connection.wants_write() {
        match connection.write_tls(sealed) {
            Ok(count) if count > 0 => moved += count,
            // Memory takes all it is given.
            Ok(_) | Err(_) => break,
        }
    }
    moved
}

/// Unpacks the error that rustls' writer gives for a connection that has failed.
fn broken(error: io::Error) -> SealError {
    match error.downcast::<rustls::Error>() {
        Ok(error) => SealError::Tls(error),
        Err(error) => SealError::Io(error),
    }
}

/// Refuses lengths that the protocol's own length fields cannot hold.
///
/// Neither is checked by rustls: a label would be cut off silently, so that two labels give the
/// same secret, and a context would end in a panic.
fn lengths(out: usize, label: usize, context: usize) -> Result<()> {
    if out == 0 || out > usize::from(u16::MAX) {
        return Err(out_of_range(format!(
            "keying material has 1 to 65535 octets, not {out}"
        )));
    }
    if label == 0 || label > LONGEST_LABEL {
        return Err(out_of_range(format!(
            "the label of keying material has 1 to {LONGEST_LABEL} octets, not {label}"
        )));
    }
    if context > usize::from(u16::MAX) {
        return Err(out_of_range(format!(
            "the context of keying material has at most 65535 octets, not {context}"
        )));
    }
    Ok(())
}

/// Refuses labels under which TLS 1.2 itself derives secrets (RFC 5705 §4).
///
/// The label and what follows it are one string to the hash, so a label that only begins so can
/// meet them too.
fn unreserved(label: &[u8]) -> Result<()> {
    match RESERVED.iter().any(|reserved| label.starts_with(reserved)) {
        false => Ok(()),
        true => Err(Error::new(
            ErrorKind::Options,
            Phase::Setup,
            "TLS uses this label itself: choose one that begins with EXPORTER or EXPERIMENTAL",
        )
        .with_code("ERR_SSL_TLS_ILLEGAL_EXPORTER_LABEL")),
    }
}

/// A length that cannot be had.
fn out_of_range(text: String) -> Error {
    Error::new(ErrorKind::Options, Phase::Setup, text).with_code("ERR_OUT_OF_RANGE")
}

/// A connection that is not, or no longer, ready for it.
fn invalid_state(text: &str) -> Error {
    Error::new(ErrorKind::Tls, Phase::Handshake, text).with_code("ERR_TLS_INVALID_STATE")
}

/// The longest label: a length octet counts it together with `tls13 ` (RFC 8446 §7.1).
const LONGEST_LABEL: usize = 249;

/// The labels of RFC 5246 §8.1, §6.3 and §7.4.9, and RFC 7627 §4.
const RESERVED: [&[u8]; 5] = [
    b"client finished",
    b"server finished",
    b"master secret",
    b"extended master secret",
    b"key expansion",
];
