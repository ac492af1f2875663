//! Keys behind a passphrase (RFC 8018), with bounded work.
