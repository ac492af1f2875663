//! What happened in an agent's pool, for whoever watches: notices that nobody waits for.
//!
//! The client's counterpart of `event`. A notice is told where it happens, outside of every lock.
//! No secret is ever in one.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::pool::Evicted;
use crate::error::Error;
use crate::info::ConnectionInfo;

/// Watches what happens in the pool of an agent.
///
/// Called where it happens, most often in the task of a request: it must not block, and what it
/// does slows that request. To do more, hand what matters to a channel and drop it when the channel
/// is full. A panic is contained. A closure that takes an [`AgentEvent`] is one too.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use sealane::{AgentEvent, AgentOptions};
///
/// static WAITED: AtomicU64 = AtomicU64::new(0);
/// let options = AgentOptions::new().observer(|event: &AgentEvent<'_>| {
///     if let AgentEvent::Wait { .. } = event {
///         WAITED.fetch_add(1, Ordering::Relaxed);
///     }
/// });
/// # drop(options);
/// ```
pub trait AgentObserver: Send + Sync {
    /// Takes note of what happened.
    fn observe(&self, event: &AgentEvent<'_>);
}

impl<F> AgentObserver for F
where
    F: Fn(&AgentEvent<'_>) + Send + Sync,
{
    fn observe(&self, event: &AgentEvent<'_>) {
        self(event);
    }
}

/// What happened in an agent's pool. An origin is given as `host:port`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum AgentEvent<'a> {
    /// A request waits: as many connections are open as may be.
    Wait {
        /// Where it goes.
        origin: &'a str,
    },
    /// A connection is being opened.
    Connect {
        /// Where to.
        origin: &'a str,
    },
    /// A connection is open, and its server has proved who it is.
    Connected {
        /// Where to.
        origin: &'a str,
        /// What is known of it.
        info: &'a ConnectionInfo,
    },
    /// A connection could not be opened, or was given up before it was open.
    ConnectFailed {
        /// Where to.
        origin: &'a str,
        /// What went wrong.
        error: &'a Error,
    },
    /// A request has got its connection; [`ConnectionInfo::reused`] says whether it had rested.
    Socket {
        /// Where to.
        origin: &'a str,
        /// What is known of it.
        info: &'a ConnectionInfo,
    },
    /// A connection that nobody waits for rests now, for a later request.
    Free {
        /// Where to.
        origin: &'a str,
        /// What is known of it.
        info: &'a ConnectionInfo,
    },
    /// A connection was closed that could have carried another exchange.
    Evicted {
        /// Where to.
        origin: &'a str,
        /// Why.
        why: Evicted,
    },
    /// A kept connection died under a request, which is sent once more on a fresh one.
    Replay {
        /// Where to.
        origin: &'a str,
    },
}

/// Who watches an agent, if anybody does.
#[derive(Clone, Default)]
pub(super) struct Watcher(Option<Arc<dyn AgentObserver>>);

impl Watcher {
    pub(super) fn new(observer: impl AgentObserver + 'static) -> Self {
        Self(Some(Arc::new(observer)))
    }

    /// Tells what happened at this origin, whose name is only written if anybody watches; a panic
    /// of the observer ends nothing but its notice.
    pub(super) fn tell(
        &self,
        origin: &impl fmt::Display,
        say: impl FnOnce(&str, &dyn Fn(AgentEvent<'_>)),
    ) {
        let Some(observer) = &self.0 else {
            return;
        };
        say(&origin.to_string(), &|event| {
            if catch_unwind(AssertUnwindSafe(|| observer.observe(&event))).is_err() {
                tracing::error!("the observer of an agent panicked");
            }
        });
    }
}

impl Watcher {
    /// Whether anybody watches.
    pub(super) fn is_there(&self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watcher").field(&self.0.is_some()).finish()
    }
}
