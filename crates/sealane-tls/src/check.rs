//! The caller's own check of a peer's identity, which may be asynchronous.
