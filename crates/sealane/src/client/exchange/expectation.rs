//! A body that waits until its server wants it: `Expect: 100-continue` (RFC 9110 §10.1.1).

use std::time::Duration;

use tokio::time::Instant;

/// Keeps a body back until 100 (Continue), the final response, or its limit.
#[derive(Debug)]
pub(super) struct Hold {
    limit: Duration,
    /// When the limit has passed; set once the head has left.
    until: Option<Instant>,
}

impl Hold {
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self {
            limit: limit.unwrap_or(LIMIT),
            until: None,
        }
    }

    /// The head has left: from now on the server is waited for.
    pub(super) fn start(&mut self) {
        if self.until.is_none() {
            self.until = Instant::now().checked_add(self.limit);
        }
    }

    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }
}

/// How long is waited where nobody has said it: long enough for any server near or far that knows
/// expectations, and what other clients wait.
const LIMIT: Duration = Duration::from_secs(1);
