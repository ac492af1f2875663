//! What an agent is told of its pool: how many, how long, who is asked, who watches.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::AgentOptions;
use crate::bounds::check_times;
use crate::client::notice::{AgentObserver, Watcher};
use crate::client::pool::{PoolLimits, Scheduling};
use crate::error::{Error, Result};
use crate::info::ConnectionInfo;

/// All that concerns the pool alone.
#[derive(Clone, Debug)]
pub(in crate::client) struct Pooling {
    pub(in crate::client) limits: PoolLimits,
    pub(in crate::client) max_cached_sessions: usize,
    /// When an open connection of a keep-alive agent is first probed.
    pub(in crate::client) keep_alive_msecs: Duration,
    /// How long a request waits for its turn; unsaid, as long as for a connection.
    pub(in crate::client) wait_timeout: Option<Option<Duration>>,
    pub(in crate::client) max_age: Option<Duration>,
    pub(in crate::client) keep: Hook,
    pub(in crate::client) reuse: Hook,
    pub(in crate::client) watcher: Watcher,
}

/// A question of the pool's to the program.
#[derive(Clone, Default)]
pub(in crate::client) struct Hook(Option<Arc<Asked>>);

type Asked = dyn Fn(&ConnectionInfo) -> bool + Send + Sync;

impl Hook {
    fn new(ask: impl Fn(&ConnectionInfo) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(ask)))
    }

    /// Whether there is nobody to ask.
    pub(in crate::client) fn is_unset(&self) -> bool {
        self.0.is_none()
    }

    /// The answer; yes where nobody is asked, no where the program panics.
    pub(in crate::client) fn allows(&self, info: &ConnectionInfo) -> bool {
        let Some(ask) = &self.0 else {
            return true;
        };
        catch_unwind(AssertUnwindSafe(|| ask(info))).unwrap_or_else(|_| {
            tracing::error!("a hook of an agent panicked");
            false
        })
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hook").field(&self.0.is_some()).finish()
    }
}

impl Pooling {
    /// The documented defaults.
    pub(super) fn new() -> Self {
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
            keep_alive_msecs: KEEP_ALIVE_MSECS,
            wait_timeout: None,
            max_age: None,
            keep: Hook::default(),
            reuse: Hook::default(),
            watcher: Watcher::default(),
        }
    }

    /// Refuses what cannot be meant, by its name.
    pub(super) fn check(&self) -> Result<()> {
        check_limits(&self.limits)?;
        check_keep_alive_msecs(self.keep_alive_msecs)?;
        check_times(&[
            ("wait_timeout", self.wait_timeout.flatten()),
            ("max_age", self.max_age),
        ])
    }
}

/// Refuses limits with which no request could ever be sent.
pub(in crate::client) fn check_limits(limits: &PoolLimits) -> Result<()> {
    let numbers = [
        ("max_sockets", limits.max_sockets),
        ("max_total_sockets", limits.max_total_sockets),
    ];
    for (name, number) in numbers {
        if number == Some(0) {
            let text = format!("{name} is 0, with which no request could ever be sent");
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
    }
    check_times(&[("timeout", limits.idle_timeout)])
}

/// Systems count the time before the first probe in whole seconds.
pub(in crate::client) fn check_keep_alive_msecs(delay: Duration) -> Result<()> {
    if (SHORTEST_KEEP_ALIVE..=LONGEST_KEEP_ALIVE).contains(&delay) {
        return Ok(());
    }
    let text = format!(
        "keep_alive_msecs is {delay:?}, but must lie between {SHORTEST_KEEP_ALIVE:?} and \
         {LONGEST_KEEP_ALIVE:?}"
    );
    Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"))
}

/// Its pool.
impl AgentOptions {
    /// Whether to keep connections for later requests; default false.
    ///
    /// Without it each request says `Connection: close`, unless `max_sockets` makes requests wait
    /// for each other's connections.
    #[must_use]
    pub fn keep_alive(mut self, keep: bool) -> Self {
        self.pooling.limits.keep_alive = keep;
        self
    }

    /// When the system first asks on an open connection, where nothing moves, whether the peer is
    /// still there (TCP keep-alive); default 1 s. Only of an agent with `keep_alive`.
    #[must_use]
    pub fn keep_alive_msecs(mut self, delay: Duration) -> Self {
        self.pooling.keep_alive_msecs = delay;
        self
    }

    /// The most connections at the same time per key; default no limit.
    ///
    /// Further requests wait for a connection to become free, at most for `wait_timeout`. A
    /// response that is held and not read keeps its connection.
    #[must_use]
    pub fn max_sockets(mut self, most: impl Into<Option<usize>>) -> Self {
        self.pooling.limits.max_sockets = most.into();
        self
    }

    /// The most connections at the same time over all keys; default no limit.
    #[must_use]
    pub fn max_total_sockets(mut self, most: impl Into<Option<usize>>) -> Self {
        self.pooling.limits.max_total_sockets = most.into();
        self
    }

    /// The most idle connections kept per key; default 256.
    #[must_use]
    pub fn max_free_sockets(mut self, most: usize) -> Self {
        self.pooling.limits.max_free_sockets = most;
        self
    }

    /// Which idle connection goes first; default lifo, which lets the others time out.
    #[must_use]
    pub fn scheduling(mut self, scheduling: Scheduling) -> Self {
        self.pooling.limits.scheduling = scheduling;
        self
    }

    /// How long an idle connection is kept; default no limit (5 s for the global agent).
    ///
    /// A shorter `Keep-Alive: timeout` of the server wins, with one second of margin. So does what
    /// was learned of a server whose connections have died at rest: three quarters of the shortest
    /// such rest, for some minutes.
    #[must_use]
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.pooling.limits.idle_timeout = limit.into();
        self
    }

    /// The longest time that a request waits for a connection where `max_sockets` or
    /// `max_total_sockets` are reached; default as long as `connect_timeout`. When it passes, the
    /// request fails with `ETIMEDOUT`.
    #[must_use]
    pub fn wait_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.pooling.wait_timeout = Some(limit.into());
        self
    }

    /// The greatest age at which a connection still carries another request; default no limit.
    ///
    /// For servers that come and go behind one name: what is never closed never sees a new address.
    /// Up to a tenth is taken off at random, so that connections opened together do not all end
    /// together. A request in progress is never cut.
    #[must_use]
    pub fn max_age(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.pooling.max_age = limit.into();
        self
    }

    /// For how many keys TLS sessions are kept for resumption; default 100, 0 for none.
    #[must_use]
    pub fn max_cached_sessions(mut self, most: usize) -> Self {
        self.pooling.max_cached_sessions = most;
        self
    }

    /// Asks before a connection is kept that nobody waits for; `false` closes it. Default: it is
    /// kept. Not asked of one that has carried nothing yet.
    ///
    /// Called in the task that has read the response, outside of every lock; it must not block. A
    /// panic closes the connection.
    #[must_use]
    pub fn keep_socket_alive(
        mut self,
        ask: impl Fn(&ConnectionInfo) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.pooling.keep = Hook::new(ask);
        self
    }

    /// Asks before a kept connection is used again; `false` closes it, and the request looks for
    /// another. Default: it is used. Called as [`keep_socket_alive`](Self::keep_socket_alive).
    #[must_use]
    pub fn reuse_socket(
        mut self,
        ask: impl Fn(&ConnectionInfo) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.pooling.reuse = Hook::new(ask);
        self
    }

    /// Watches what happens in the pool; default nobody does.
    #[must_use]
    pub fn observer(mut self, observer: impl AgentObserver + 'static) -> Self {
        self.pooling.watcher = Watcher::new(observer);
        self
    }
}

/// Idle connections per key: the module's figure.
const MAX_FREE_SOCKETS: usize = 256;

/// Keys with TLS sessions: the module's figure.
const MAX_CACHED_SESSIONS: usize = 100;

/// The first probe: the module's figure.
const KEEP_ALIVE_MSECS: Duration = Duration::from_secs(1);

/// What every system takes.
const SHORTEST_KEEP_ALIVE: Duration = Duration::from_secs(1);
const LONGEST_KEEP_ALIVE: Duration = Duration::from_secs(32_767);
