//! Which context serves which host name (RFC 6066 §3): a table of patterns over a default.
