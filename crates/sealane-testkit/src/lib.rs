//! What tests of several crates need, once: not published, and pointing at none of our crates.
//!
//! `certificates` is a certificate authority with fresh keys on every run.
//! `vector` reads the wire messages of `conformance/vectors` with the events they must give.
//! What only one crate's tests need stays in that crate's `tests/` folder instead.

#[cfg(feature = "certificates")]
pub mod certificates;
pub mod vector;
