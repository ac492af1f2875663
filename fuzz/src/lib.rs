//! Fuzz targets as plain functions: they panic when an input breaks a promise of ours.
//!
//! The libFuzzer programs in `fuzz_targets` and the replay in `tests` call the same functions, so
//! that a finding becomes a test by being put into `corpus`. Only public API is used,
//! but for the PROXY protocol, whose pure reader is the server's own file.
//! `httparse` is a one-way oracle: what we accept it must accept, with the same parts; what it
//! accepts we are free to refuse.

mod head;
mod chunked;
mod operations;
mod keys;
mod proxy;
mod reading;

pub use chunked::chunked;
pub use head::head;
pub use keys::{encrypted_key, pkcs12};
pub use operations::connection_operations;
pub use proxy::proxy_protocol;
