//! Retry: may a request that failed be sent again, on a fresh connection?
//!
//! RFC 9110 §9.2.2 and RFC 9112 §9.3.1: a client may repeat by itself what it knows was not
//! processed, or what is idempotent, after a kept connection died in silence; never twice.

use http::Method;

/// How a request failed that was sent for the first time; a second time is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    /// The connection had carried an exchange before.
    pub(super) reused: bool,
    /// An octet of the request may have left.
    pub(super) sent: bool,
    /// An octet of a response has come.
    pub(super) answered: bool,
    /// The peer ended or lost the connection; false for a deadline, a refusal or our own fault.
    pub(super) died: bool,
    /// The request's body can be given from its start once more.
    pub(super) body_again: bool,
}

impl Attempt {
    /// Whether to send the request again.
    pub(super) fn may_repeat(self, method: &Method) -> bool {
        let silently = self.reused && self.died && !self.answered;
        let harmless = !self.sent || is_idempotent(method);
        silently && harmless && self.body_again
    }
}

/// RFC 9110 §9.2.2; a method nobody knows is not.
fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
    )
}

#[cfg(test)]
mod tests;
