//! Pins: certificates and public keys that a peer's chain must hold (RFC 7469 §2.4).
