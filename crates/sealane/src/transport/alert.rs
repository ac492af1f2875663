//! Alerts that are said without rustls, in the clear (RFC 8446 §5.1, §6).
//!
//! Only before there are keys; later the peer could not tell them from an attack. Which alert says
//! what is RFC 8446 §6.2.

/// The record of a fatal alert in the clear.
pub(super) fn record(description: u8) -> [u8; 7] {
    [21, 3, 3, 0, 2, 2, description]
}

/// A message cannot be read.
pub(super) const DECODE_ERROR: u8 = 50;

/// Something failed that has nothing to do with the peer.
pub(super) const INTERNAL_ERROR: u8 = 80;

/// No application protocol is served that was offered (RFC 7301 §3.2).
pub(super) const NO_APPLICATION_PROTOCOL: u8 = 120;
