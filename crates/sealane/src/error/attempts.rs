//! Each address that was tried for one connection, and why it was not the one.

use std::fmt;
use std::net::SocketAddr;

use super::Error;

/// An address that a connection was tried with in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectAttempt {
    address: SocketAddr,
    reason: String,
    code: Option<&'static str>,
}

impl ConnectAttempt {
    pub(crate) fn new(address: SocketAddr, reason: String, code: Option<&'static str>) -> Self {
        Self {
            address,
            reason,
            code,
        }
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The stable name of what went wrong, such as `ECONNREFUSED`, where there is one.
    pub fn code(&self) -> Option<&'static str> {
        self.code
    }

    /// What went wrong, in words.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Address and reason, as they stand in the error's own text.
impl fmt::Display for ConnectAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.address, self.reason)
    }
}

impl Error {
    /// The addresses that were tried for the connection, in that order, each with its own failure;
    /// empty where none was tried, or the connection was open already.
    pub fn attempts(&self) -> &[ConnectAttempt] {
        &self.inner.attempts
    }

    /// Keeps what became of each address.
    pub(crate) fn with_attempts(mut self, attempts: Vec<ConnectAttempt>) -> Self {
        self.inner.attempts = attempts;
        self
    }
}
