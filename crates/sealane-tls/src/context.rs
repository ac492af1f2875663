//! A secure context: parsed, validated, immutable and shared by all connections that use it.
//!
//! A server's stands in `context/server.rs`, a client's in `context/client.rs`, the gate's last
//! question, which both ask, in `context/admission.rs`. What rustls leaves to choose is chosen
//! there, with the reason.

use rustls::{CommonState, HandshakeKind};

use crate::error::{HandshakeError, OptionError};

/// How a handshake was made, once it is over.
fn handshake_of(connection: &CommonState) -> Result<HandshakeKind, HandshakeError> {
    let kind = connection.handshake_kind();
    kind.filter(|_| !connection.is_handshaking())
        .ok_or_else(|| HandshakeError::unproved("the handshake is not over yet"))
}

/// What rustls refuses although every option was checked: no random numbers, in practice.
fn unusable(error: &rustls::Error) -> OptionError {
    OptionError::new(
        "secure_context",
        "ERR_CRYPTO_OPERATION_FAILED",
        format!("the TLS library cannot be set up: {error}"),
    )
}

mod admission;
mod client;
mod server;

pub use admission::Admission;
pub use client::ClientContext;
pub(crate) use server::ServerChoices;
pub use server::{Binding, ForConnection, SecureContext};

#[cfg(test)]
mod tests;
