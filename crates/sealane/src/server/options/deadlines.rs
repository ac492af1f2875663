//! How long clients may take.

use std::time::Duration;

use sealane_proto::Timeouts;

use super::ServerOptions;
use crate::bounds::check_times;
use crate::error::{Error, Result};

/// The time limits of a server.
#[derive(Clone, Debug)]
pub(in crate::server) struct Deadlines {
    pub(in crate::server) handshake: Option<Duration>,
    pub(in crate::server) timeouts: Timeouts,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            handshake: Some(HANDSHAKE_TIMEOUT),
            timeouts: Timeouts::default(),
        }
    }
}

impl Deadlines {
    pub(super) fn check(&self) -> Result<()> {
        if let (Some(head), Some(request)) = (self.timeouts.head, self.timeouts.request)
            && head > request
        {
            let text = format!(
                "headers_timeout ({head:?}) must not be longer than request_timeout ({request:?})"
            );
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
        check_times(&[
            ("handshake_timeout", self.handshake),
            ("headers_timeout", self.timeouts.head),
            ("request_timeout", self.timeouts.request),
            ("keep_alive_timeout", self.timeouts.keep_alive),
        ])
    }
}

impl ServerOptions {
    /// The longest time from accept to the end of the TLS handshake; default 120 s.
    #[must_use]
    pub fn handshake_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadlines.handshake = limit.into();
        self
    }

    /// The longest time until a request's head is complete; default 60 s.
    #[must_use]
    pub fn headers_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadlines.timeouts.head = limit.into();
        self
    }

    /// The longest time until a request is completely received; default 300 s.
    #[must_use]
    pub fn request_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadlines.timeouts.request = limit.into();
        self
    }

    /// How long a connection may rest between requests; default 5 s.
    ///
    /// This is what responses advertise in whole seconds. The connection is kept one second
    /// longer, so that a request sent just in time does not meet a close.
    #[must_use]
    pub fn keep_alive_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadlines.timeouts.keep_alive = limit.into();
        self
    }
}

/// The module's default; a client on a bad network still makes it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(120);
