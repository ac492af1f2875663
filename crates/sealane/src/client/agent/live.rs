//! An agent in use: what can be seen of it, and changed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Agent;
use crate::client::lease::AgentSnapshot;
use crate::client::options::pool::{check_keep_alive_msecs, check_limits};
use crate::client::pool::{PoolLimits, Scheduling};
use crate::client::request::RequestOptions;
use crate::error::{Error, Result};

/// What is there now.
impl Agent {
    /// Connections in use or being opened, idle ones and waiting requests, all of one moment, by
    /// the names of [`name_of`](Self::name_of).
    pub fn snapshot(&self) -> AgentSnapshot {
        self.inner.connections.snapshot()
    }

    /// How many connections are in use or being opened, by name.
    pub fn sockets(&self) -> BTreeMap<String, usize> {
        self.snapshot().sockets().clone()
    }

    /// How many connections are idle, by name.
    pub fn free_sockets(&self) -> BTreeMap<String, usize> {
        self.snapshot().free_sockets().clone()
    }

    /// How many requests wait for a connection, by name.
    pub fn requests(&self) -> BTreeMap<String, usize> {
        self.snapshot().requests().clone()
    }

    /// Number of connections: in use, idle, and being opened.
    pub fn total_socket_count(&self) -> usize {
        self.inner.connections.total()
    }

    /// The name of the pool's shelf for such a request, for people to read.
    ///
    /// Its fields are those of the module's `getName`, in that order: host, port, local address,
    /// `family` and `socket_path` where they are set, and the TLS options. Certificates, keys and
    /// revocation lists stand in it as sixteen digits of their SHA-256. A name decides nothing: two
    /// requests of one name share no connection where pins, checks or anything else differ that
    /// decides what a connection proves. Without a URL and a port the port is left out.
    ///
    /// # Errors
    ///
    /// As [`Agent::request`].
    pub fn name_of(&self, options: &RequestOptions) -> Result<String> {
        options.clone().name_in_pool(self)
    }
}

/// What holds from now on: later decisions follow it, those of the past stand.
impl Agent {
    /// Whether connections are kept for later requests.
    pub fn keep_alive(&self) -> bool {
        self.limits().keep_alive
    }

    /// Sets [`keep_alive`](Self::keep_alive). What is idle stays; requests that have been made say
    /// what they said.
    pub fn set_keep_alive(&self, keep: bool) {
        self.change(|limits| limits.keep_alive = keep);
    }

    /// The most connections at the same time per key.
    pub fn max_sockets(&self) -> Option<usize> {
        self.limits().max_sockets
    }

    /// Sets [`max_sockets`](Self::max_sockets). Idle connections in excess are closed at once, busy
    /// ones when their response has been read; requests that need wait no longer are served.
    ///
    /// # Errors
    ///
    /// The limit is 0 (`ERR_OUT_OF_RANGE`).
    pub fn set_max_sockets(&self, most: impl Into<Option<usize>>) -> Result<()> {
        let most = most.into();
        self.try_change(|limits| limits.max_sockets = most)
    }

    /// The most connections at the same time over all keys.
    pub fn max_total_sockets(&self) -> Option<usize> {
        self.limits().max_total_sockets
    }

    /// Sets [`max_total_sockets`](Self::max_total_sockets), as
    /// [`set_max_sockets`](Self::set_max_sockets).
    ///
    /// # Errors
    ///
    /// The limit is 0 (`ERR_OUT_OF_RANGE`).
    pub fn set_max_total_sockets(&self, most: impl Into<Option<usize>>) -> Result<()> {
        let most = most.into();
        self.try_change(|limits| limits.max_total_sockets = most)
    }

    /// The most idle connections kept per key.
    pub fn max_free_sockets(&self) -> usize {
        self.limits().max_free_sockets
    }

    /// Sets [`max_free_sockets`](Self::max_free_sockets); those in excess are closed at once.
    pub fn set_max_free_sockets(&self, most: usize) {
        self.change(|limits| limits.max_free_sockets = most);
    }

    /// Which idle connection goes first.
    pub fn scheduling(&self) -> Scheduling {
        self.limits().scheduling
    }

    /// Sets [`scheduling`](Self::scheduling).
    pub fn set_scheduling(&self, scheduling: Scheduling) {
        self.change(|limits| limits.scheduling = scheduling);
    }

    /// For how many keys TLS sessions are kept.
    pub fn max_cached_sessions(&self) -> usize {
        self.inner.sessions.max_keys()
    }

    /// Sets [`max_cached_sessions`](Self::max_cached_sessions); the sessions that came first go if
    /// there are more.
    pub fn set_max_cached_sessions(&self, most: usize) {
        self.inner.sessions.set_max_keys(most);
    }

    /// When the system first probes an open connection of a keep-alive agent.
    pub fn keep_alive_msecs(&self) -> Duration {
        *self.inner.keep_alive_msecs()
    }

    /// Sets [`keep_alive_msecs`](Self::keep_alive_msecs), for connections opened from now on.
    ///
    /// # Errors
    ///
    /// The time is shorter than a second or longer than systems count (`ERR_OUT_OF_RANGE`).
    pub fn set_keep_alive_msecs(&self, delay: Duration) -> Result<()> {
        check_keep_alive_msecs(delay)?;
        *self.inner.keep_alive_msecs() = delay;
        Ok(())
    }

    fn limits(&self) -> PoolLimits {
        self.inner.connections.limits()
    }

    /// A change that nothing can be said against.
    fn change(&self, change: impl FnOnce(&mut PoolLimits)) {
        let unchecked = self.inner.connections.change_limits(change, |_| Ok(()));
        debug_assert!(unchecked.is_ok());
    }

    fn try_change(&self, change: impl FnOnce(&mut PoolLimits)) -> Result<()> {
        self.inner.connections.change_limits(change, check_limits)
    }
}

/// What it does with its connections.
impl Agent {
    /// Closes all connections: idle ones at once; requests that use one, or for which one is being
    /// opened, fail with `ECONNRESET`.
    ///
    /// Requests that wait are not failed: they are served on new connections. A response whose body
    /// is being read fails when it is read on. Upgraded connections are not touched. The agent can
    /// be used as before.
    pub fn destroy(&self) {
        self.inner.connections.destroy();
    }

    /// Begins to open up to `count` connections for requests like this one, which find them idle.
    ///
    /// Gives how many: fewer where a limit of the agent is in the way, none without `keep_alive`.
    /// They are opened in tasks of their own; one that fails is told to the agent's observer alone.
    ///
    /// # Errors
    ///
    /// As [`Agent::request`]; or the options name an agent; or no tokio runtime is running here.
    pub fn preconnect(&self, options: impl Into<RequestOptions>, count: usize) -> Result<usize> {
        let options = options.into();
        if options.names_an_agent() {
            let text = "preconnect: the options name an agent, or none; ask that one";
            return Err(Error::option(text).with_code("ERR_INVALID_ARG_VALUE"));
        }
        let request = options.prepared(self)?;
        let key = request.key()?;
        for begun in 0..count {
            let dialer = self.dialer(&request);
            if !self.inner.connections.preconnect(&key, dialer)? {
                return Ok(begun);
            }
        }
        Ok(count)
    }
}
