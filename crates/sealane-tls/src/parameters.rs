//! Versions, suites, groups and signature schemes: what was said, and what comes of it.

mod protocol;

pub use protocol::TlsVersion;
