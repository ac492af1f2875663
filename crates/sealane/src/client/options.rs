//! What an agent is told before it starts: its pool, its trust, its time limits.
//!
//! Plain data with chainable setters. Nothing is believed until an agent is made of it. What
//! concerns TLS can be said for an agent and for a single request, which then wins.

use sealane_tls::ClientTlsOptions;

use self::pool::Pooling;
use super::settings::Settings;
use super::settings::connecting::connecting_setters;
use super::settings::exchanging::exchanging_setters;
use super::settings::messages::message_setters;
use super::settings::times::times_setters;
use crate::error::Result;
use crate::key_log::{KeyLog, KeyLogTarget};
use crate::tls_options::client_tls_setters;

pub(super) mod pool;

/// Options of an [`Agent`](crate::Agent), with the module's documented defaults.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `keep_alive` | false | keep connections for later requests |
/// | `keep_alive_msecs` | 1 s | before the first probe of TCP on a silent connection |
/// | `max_sockets` | no limit | connections at the same time per key, in use and idle |
/// | `max_total_sockets` | no limit | the same over all keys |
/// | `max_free_sockets` | 256 | idle connections kept per key |
/// | `scheduling` | lifo | which idle connection goes first |
/// | `timeout` | no limit | how long an idle connection is kept |
/// | `max_age` | no limit | after which a connection carries no further request |
/// | `wait_timeout` | `connect_timeout` | how long a request waits where a limit is reached |
/// | `max_cached_sessions` | 100 | keys with TLS sessions to resume |
/// | `connect_timeout` | 10 s | finding the address and opening the TCP connection |
/// | `handshake_timeout` | 10 s | the TLS handshake |
/// | `head_timeout` | 300 s | from the end of the request to the end of the response's head |
/// | `inactivity_timeout` | 300 s | without an octet in either direction |
/// | `max_header_size` | 16 KiB | octets of a response's head |
/// | `max_headers_count` | 2000 | field lines of a response |
/// | `insecure_http_parser` | false | whether odd heads of responses are taken |
/// | `no_delay` | true | small writes leave at once |
/// | `family` | both | addresses to connect to |
/// | `lookup` | the system's | how names become addresses |
/// | `local_address`, `local_port` | the system's choice | where connections come from |
/// | `auto_select_family` | true | the addresses of a name compete |
/// | `auto_select_family_attempt_timeout` | 250 ms | until the next address is tried, too |
/// | `attempt_limit` | no limit | how long a single address is tried |
/// | `proxy` | none | through whom connections are opened |
/// | `socket_path`, `create_connection` | none | other ways to open them |
///
/// A *key* is an origin with everything that decides what a connection to it proves: two requests
/// with different trust never share a connection or a TLS session.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    pub(super) pooling: Pooling,
    pub(super) settings: Settings,
    pub(super) tls: ClientTlsOptions,
    pub(super) servername: Option<String>,
    pub(super) key_log: Option<KeyLogTarget>,
}

impl AgentOptions {
    /// The documented defaults.
    pub fn new() -> Self {
        Self {
            pooling: Pooling::new(),
            settings: Settings::default(),
            tls: ClientTlsOptions::new(),
            servername: None,
            key_log: None,
        }
    }

    times_setters!();
    message_setters!();
    connecting_setters!();
    exchanging_setters!();
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
        self.pooling.check()
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
