//! Route: where a connection is opened to.
//!
//! The part of a connection's key that a dialer reads: two requests that want to get to their
//! server in different ways never share a connection, nor a TLS session.

use std::fmt;

/// Where a connection leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Route {
    /// A DNS name in lower case, or an IP address without brackets.
    host: Box<str>,
    port: u16,
}

impl Route {
    /// The way that the system knows.
    pub(super) fn new(host: Box<str>, port: u16) -> Self {
        Self { host, port }
    }

    /// The host to get to: a DNS name, or an IP address without brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

/// Host and port, as they stand in messages.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match host.contains(':') {
            true => write!(f, "[{host}]:{port}"),
            false => write!(f, "{host}:{port}"),
        }
    }
}
