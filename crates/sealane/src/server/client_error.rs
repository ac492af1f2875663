//! What a program is told of a client that broke the rules, before it says what to answer.

use std::fmt;

use crate::error::Error;
use crate::info::ConnectionInfo;

/// A request that broke the rules of HTTP, or was not complete in time.
///
/// Given to [`ServerOptions::client_error`](crate::ServerOptions::client_error).
#[derive(Clone, Copy)]
pub struct ClientError<'a> {
    pub(super) error: &'a Error,
    pub(super) octets: &'a [u8],
    pub(super) parsed: usize,
    pub(super) info: &'a ConnectionInfo,
}

impl ClientError<'_> {
    /// What is wrong, with its stable name: such as `HPE_INVALID_METHOD`, `HPE_HEADER_OVERFLOW`, or
    /// `ERR_HTTP_REQUEST_TIMEOUT` for a request that was late.
    pub fn error(&self) -> &Error {
        self.error
    }

    /// The octets of the client that were not understood yet, as far as they are kept; empty for a
    /// request that was late. Escape them before you print them.
    pub fn octets(&self) -> &[u8] {
        self.octets
    }

    /// How many of [`octets`](Self::octets) were in order.
    pub fn parsed(&self) -> usize {
        self.parsed
    }

    /// Facts of the connection.
    pub fn info(&self) -> &ConnectionInfo {
        self.info
    }
}

impl fmt::Debug for ClientError<'_> {
    /// Without the octets: there may be cookies and passwords in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientError")
            .field("error", &self.error)
            .field("octets", &self.octets.len())
            .field("parsed", &self.parsed)
            .field("info", &self.info)
            .finish()
    }
}
