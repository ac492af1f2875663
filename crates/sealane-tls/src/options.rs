//! What the user said about TLS, not yet believed: `build()` is the gate.
//!
//! A server's options stand in `options/server.rs`, a client's in `options/client.rs`, each with
//! its default and the reason for it. Versions, suites, groups and schemes are in `parameters`.

use crate::error::OptionError;
use crate::pin::Pins;

/// Checks the length of a protocol's name: 1 to 255 octets (RFC 7301 §3.1).
fn check_protocol(protocol: &[u8]) -> Result<(), OptionError> {
    match protocol.len() {
        0 => Err(OptionError::new(
            "alpn_protocols",
            "ERR_INVALID_ARG_VALUE",
            "a protocol's name is empty",
        )),
        1..=255 => Ok(()),
        length => Err(OptionError::new(
            "alpn_protocols",
            "ERR_OUT_OF_RANGE",
            format!("a protocol's name has {length} octets; 255 are allowed"),
        )),
    }
}

/// Application protocols as they are kept, from whatever list they were given in.
fn owned_protocols<I>(protocols: I) -> Vec<Vec<u8>>
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    let names = protocols.into_iter().map(|name| name.as_ref().to_vec());
    names.collect()
}

/// Application protocols as they are shown.
fn shown_protocols(protocols: &[Vec<u8>]) -> Vec<String> {
    let names = protocols.iter();
    names.map(|name| name.escape_ascii().to_string()).collect()
}

/// Refuses pins that could not be enforced: without `reject_unauthorized` no peer is refused, and
/// a pin that refuses nobody is worse than none.
fn check_pins(pins: Option<&Pins>, rejects: bool) -> Result<(), OptionError> {
    match pins {
        Some(pins) if rejects || pins.is_report_only() => pins.validate(),
        Some(_) => Err(OptionError::new(
            "pins",
            "ERR_INVALID_ARG_VALUE",
            "with reject_unauthorized false no peer is refused, and so no pin holds; \
             give the peer's certificate as ca instead, or make the pins report only",
        )),
        None => Ok(()),
    }
}

mod client;
mod server;

pub use client::ClientTlsOptions;
pub use server::{RequestCert, ServerTlsOptions};

#[cfg(test)]
mod tests;
