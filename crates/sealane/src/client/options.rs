//! What an agent is told before it starts: its pool, its trust, its time limits.
//!
//! Plain data with chainable setters. Nothing is believed until an agent is made of it. What
//! concerns TLS can be said for an agent and for a single request, which then wins.

use std::time::Duration;

use sealane_tls::ClientTlsOptions;

use super::pool::{PoolLimits, Scheduling};
use super::settings::Settings;
use super::settings::connecting::connecting_setters;
use super::settings::messages::message_setters;
use super::settings::times::times_setters;
use crate::bounds::check_times;
use crate::error::{Error, Result};
use crate::key_log::{KeyLog, KeyLogTarget};
use crate::tls_options::client_tls_setters;

/// Options of an [`Agent`](crate::Agent), with the module's documented defaults.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `keep_alive` | false | keep connections for later requests |
/// | `max_sockets` | no limit | connections at the same time per key, in use and idle |
/// | `max_total_sockets` | no limit | the same over all keys |
/// | `max_free_sockets` | 256 | idle connections kept per key |
/// | `scheduling` | lifo | which idle connection goes first |
/// | `timeout` | no limit | how long an idle connection is kept |
/// | `max_cached_sessions` | 100 | keys with TLS sessions to resume |
/// | `connect_timeout` | 10 s | finding the address and opening the TCP connection |
/// | `handshake_timeout` | 10 s | the TLS handshake |
/// | `head_timeout` | 300 s | from the end of the request to the end of the response's head |
/// | `inactivity_timeout` | 300 s | without an octet in either direction |
/// | `max_header_size` | 16 KiB | octets of a response's head |
/// | `max_headers_count` | 2000 | field lines of a response |
/// | `insecure_http_parser` | false | whether odd heads of responses are taken |
/// | `no_delay` | true | small writes leave at once |
///
/// A *key* is an origin with everything that decides what a connection to it proves: two requests
/// with different trust never share a connection or a TLS session.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    pub(super) limits: PoolLimits,
    pub(super) max_cached_sessions: usize,
    pub(super) settings: Settings,
    pub(super) tls: ClientTlsOptions,
    pub(super) servername: Option<String>,
    pub(super) key_log: Option<KeyLogTarget>,
}

impl AgentOptions {
    /// The documented defaults.
    pub fn new() -> Self {
        Self {
            limits: PoolLimits {
                keep_alive: false,
                max_sockets: None,
                max_total_sockets: None,
                max_free_sockets: MAX_FREE_SOCKETS,
                scheduling: Scheduling::default(),
                idle_timeout: None,
            },
            max_cached_sessions: MAX_CACHED_SESSIONS,
            settings: Settings::default(),
            tls: ClientTlsOptions::new(),
            servername: None,
            key_log: None,
        }
    }

    /// Whether to keep connections for later requests; default false.
    ///
    /// Without it each request says `Connection: close`, unless `max_sockets` makes requests wait
    /// for each other's connections.
    #[must_use]
    pub fn keep_alive(mut self, keep: bool) -> Self {
        self.limits.keep_alive = keep;
        self
    }

    /// The most connections at the same time per key; default no limit.
    ///
    /// Further requests wait for a connection to become free, at most for `connect_timeout`. A
    /// response that is held and not read keeps its connection.
    #[must_use]
    pub fn max_sockets(mut self, most: impl Into<Option<usize>>) -> Self {
        self.limits.max_sockets = most.into();
        self
    }

    /// The most connections at the same time over all keys; default no limit.
    #[must_use]
    pub fn max_total_sockets(mut self, most: impl Into<Option<usize>>) -> Self {
        self.limits.max_total_sockets = most.into();
        self
    }

    /// The most idle connections kept per key; default 256.
    #[must_use]
    pub fn max_free_sockets(mut self, most: usize) -> Self {
        self.limits.max_free_sockets = most;
        self
    }

    /// Which idle connection goes first; default lifo, which lets the others time out.
    #[must_use]
    pub fn scheduling(mut self, scheduling: Scheduling) -> Self {
        self.limits.scheduling = scheduling;
        self
    }

    /// How long an idle connection is kept; default no limit (5 s for the global agent).
    ///
    /// A shorter `Keep-Alive: timeout` of the server wins, with one second of margin.
    #[must_use]
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.limits.idle_timeout = limit.into();
        self
    }

    /// For how many keys TLS sessions are kept for resumption; default 100, 0 for none.
    #[must_use]
    pub fn max_cached_sessions(mut self, most: usize) -> Self {
        self.max_cached_sessions = most;
        self
    }

    times_setters!();
    message_setters!();
    connecting_setters!();
    client_tls_setters!();

    /// Hands the secrets of all connections to a key log, for tools that decrypt captures. Default
    /// none. **Whoever reads the log reads everything.**
    #[must_use]
    pub fn key_log(mut self, log: impl KeyLog + 'static) -> Self {
        self.key_log = Some(KeyLogTarget::new(log));
        self
    }

    /// Refuses what cannot be meant, by its name.
    pub(super) fn check(&self) -> Result<()> {
        let numbers = [
            ("max_sockets", self.limits.max_sockets),
            ("max_total_sockets", self.limits.max_total_sockets),
        ];
        for (name, number) in numbers {
            if number == Some(0) {
                let text = format!("{name} is 0, with which no request could ever be sent");
                return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
            }
        }
        check_times(&[("timeout", self.limits.idle_timeout)])
    }

    fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    fn tls(mut self, change: impl FnOnce(ClientTlsOptions) -> ClientTlsOptions) -> Self {
        self.tls = change(self.tls);
        self
    }
}

impl Default for AgentOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Idle connections per key: the module's figure.
const MAX_FREE_SOCKETS: usize = 256;

/// Keys with TLS sessions: the module's figure.
const MAX_CACHED_SESSIONS: usize = 100;
