//! How long the parts of a request may take.

use std::time::Duration;

use crate::bounds::check_times;
use crate::error::Result;

/// Time limits that have been said; the inner `None` is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::client) struct Times {
    pub(in crate::client) connect: Option<Option<Duration>>,
    pub(in crate::client) handshake: Option<Option<Duration>>,
    pub(in crate::client) head: Option<Option<Duration>>,
    pub(in crate::client) idle: Option<Option<Duration>>,
}

impl Times {
    pub(super) fn over(&self, agent: &Self) -> Self {
        Self {
            connect: self.connect.or(agent.connect),
            handshake: self.handshake.or(agent.handshake),
            head: self.head.or(agent.head),
            idle: self.idle.or(agent.idle),
        }
    }

    /// Refuses limits that nobody could meet.
    pub(in crate::client) fn settle(&self) -> Result<Timeouts> {
        let timeouts = Timeouts {
            connect: self.connect.unwrap_or(Some(CONNECT_TIMEOUT)),
            handshake: self.handshake.unwrap_or(Some(HANDSHAKE_TIMEOUT)),
            head: self.head.unwrap_or(Some(HEAD_TIMEOUT)),
            idle: self.idle.unwrap_or(Some(IDLE_TIMEOUT)),
        };
        check_times(&[
            ("connect_timeout", timeouts.connect),
            ("handshake_timeout", timeouts.handshake),
            ("head_timeout", timeouts.head),
            ("inactivity timeout", timeouts.idle),
        ])?;
        Ok(timeouts)
    }
}

/// How long a request may take, part by part; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) struct Timeouts {
    /// Finding the address and opening the TCP connection.
    pub(in crate::client) connect: Option<Duration>,
    /// The TLS handshake.
    pub(in crate::client) handshake: Option<Duration>,
    /// From the end of the request to the end of the final response's head.
    pub(in crate::client) head: Option<Duration>,
    /// Without an octet in either direction, once the connection is open.
    pub(in crate::client) idle: Option<Duration>,
}

/// The setters, for an agent and for a request.
macro_rules! times_setters {
    () => {
        /// The longest time to find the address and open the connection; default 10 s, for a
        /// request its agent's.
        ///
        /// All that lies before TLS with the server is part of it: a `lookup` hook, what
        /// `create_connection` does, a proxy's own handshake and its answer.
        #[must_use]
        pub fn connect_timeout(mut self, limit: impl Into<Option<std::time::Duration>>) -> Self {
            self.settings().times.connect = Some(limit.into());
            self
        }

        /// The longest time for the TLS handshake; default 10 s, for a request its agent's.
        ///
        /// A resumed handshake that proves too little is done again in full, with its own time.
        #[must_use]
        pub fn handshake_timeout(mut self, limit: impl Into<Option<std::time::Duration>>) -> Self {
            self.settings().times.handshake = Some(limit.into());
            self
        }

        /// The longest time from the end of a request to the end of its response's head; default
        /// 300 s, for a request its agent's.
        #[must_use]
        pub fn head_timeout(mut self, limit: impl Into<Option<std::time::Duration>>) -> Self {
            self.settings().times.head = Some(limit.into());
            self
        }

        /// The longest time without an octet in either direction during an exchange; default 300 s,
        /// for a request its agent's. When it passes, the request fails.
        ///
        /// The clock runs while the server is waited for: not while a response's body is left alone
        /// by its reader, not while the request's own body has nothing to give, and not while that
        /// waits for 100 (Continue), which has a limit of its own.
        #[must_use]
        pub fn inactivity_timeout(mut self, limit: impl Into<Option<std::time::Duration>>) -> Self {
            self.settings().times.idle = Some(limit.into());
            self
        }
    };
}

pub(in crate::client) use times_setters;

/// Ten seconds find and open any host that is there; the module would wait for the system's two
/// minutes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// As long as for the connection: a handshake is two or three round trips.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Slow answers are legitimate, endless ones are not; what browsers allow, and undici.
const HEAD_TIMEOUT: Duration = Duration::from_secs(300);

/// The same for silence: long enough for anything that is alive.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
