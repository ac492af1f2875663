//! What can be changed while a server runs, and from when on a change holds.
//!
//! One immutable state, replaced as a whole: a connection compares a number in each turn and takes
//! the new state when it is another. Whoever changes something wakes all connections, so that a
//! limit made shorter holds at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealane_proto::{ServerRules, Timeouts};

use super::Server;
use super::options::{Deadlines, requests};
use crate::bounds::check_limits;
use crate::error::Result;
use crate::wheel::Order;

/// The limits of a server that can change while it runs.
///
/// Each is what the option of the same name has set. A limit that contradicts another is refused as
/// it is when a server is made, and then nothing has changed.
impl Server {
    /// The longest time until a request's head is complete.
    pub fn headers_timeout(&self) -> Option<Duration> {
        self.live().timeouts.head
    }

    /// Changes it, at once and for heads that are awaited now.
    ///
    /// # Errors
    ///
    /// It is longer than the limit of whole requests, or 0 (`ERR_OUT_OF_RANGE`).
    pub fn set_headers_timeout(&self, limit: impl Into<Option<Duration>>) -> Result<()> {
        let limit = limit.into();
        self.change(|live| {
            live.deadlines.headers = Some(limit);
            Ok(())
        })
    }

    /// The longest time until a request is completely received.
    pub fn request_timeout(&self) -> Option<Duration> {
        self.live().timeouts.request
    }

    /// Changes it, at once and for requests that are being received. A limit of heads that was
    /// never given follows it.
    ///
    /// # Errors
    ///
    /// It is shorter than the limit of heads that was given, or 0 (`ERR_OUT_OF_RANGE`).
    pub fn set_request_timeout(&self, limit: impl Into<Option<Duration>>) -> Result<()> {
        let limit = limit.into();
        self.change(|live| {
            live.deadlines.request = limit;
            Ok(())
        })
    }

    /// How long a connection may rest between requests.
    pub fn keep_alive_timeout(&self) -> Option<Duration> {
        self.live().timeouts.keep_alive
    }

    /// Changes it from the next response on: what earlier ones have advertised holds.
    ///
    /// # Errors
    ///
    /// It is 0 (`ERR_OUT_OF_RANGE`).
    pub fn set_keep_alive_timeout(&self, limit: impl Into<Option<Duration>>) -> Result<()> {
        let limit = limit.into();
        self.change(|live| {
            live.deadlines.keep_alive = limit;
            Ok(())
        })
    }

    /// How long a connection may live without an octet received or sent.
    pub fn timeout(&self) -> Option<Duration> {
        self.live().deadlines.inactivity
    }

    /// Changes it for connections to come, and for others from their next request on.
    ///
    /// # Errors
    ///
    /// It is 0 (`ERR_OUT_OF_RANGE`).
    pub fn set_timeout(&self, limit: impl Into<Option<Duration>>) -> Result<()> {
        let limit = limit.into();
        self.change(|live| {
            live.deadlines.inactivity = limit;
            Ok(())
        })
    }

    /// How long a client may take nothing of what waits to be sent to it.
    pub fn write_timeout(&self) -> Option<Duration> {
        self.live().deadlines.write
    }

    /// Changes it at once, also for clients that take nothing now.
    ///
    /// # Errors
    ///
    /// It is 0 (`ERR_OUT_OF_RANGE`).
    pub fn set_write_timeout(&self, limit: impl Into<Option<Duration>>) -> Result<()> {
        let limit = limit.into();
        self.change(|live| {
            live.deadlines.write = limit;
            Ok(())
        })
    }

    /// The most field lines in a request.
    pub fn max_headers_count(&self) -> usize {
        self.live().http.limits.field_count
    }

    /// Changes it for connections to come.
    ///
    /// # Errors
    ///
    /// It is 0, or more than can be held (`ERR_OUT_OF_RANGE`).
    pub fn set_max_headers_count(&self, count: usize) -> Result<()> {
        self.change(|live| {
            let mut rules = ServerRules::clone(&live.http);
            rules.limits.field_count = count;
            check_limits(&rules.limits)?;
            live.http = Arc::new(rules);
            Ok(())
        })
    }

    /// The most requests that one connection may carry; `None` for any number.
    pub fn max_requests_per_socket(&self) -> Option<u64> {
        self.live().http.max_requests.map(u64::from)
    }

    /// Changes it for connections to come.
    ///
    /// # Errors
    ///
    /// It is 0 (`ERR_OUT_OF_RANGE`).
    pub fn set_max_requests_per_socket(&self, count: impl Into<Option<u64>>) -> Result<()> {
        let count = requests(count.into())?;
        self.change(|live| {
            let mut rules = ServerRules::clone(&live.http);
            rules.max_requests = count;
            live.http = Arc::new(rules);
            Ok(())
        })
    }

    fn live(&self) -> Arc<Live> {
        self.handle.shared.rules.live.now()
    }

    fn change(&self, change: impl FnOnce(&mut Live) -> Result<()>) -> Result<()> {
        let shared = &self.handle.shared;
        shared.rules.live.change(change)?;
        shared.registry.order(Order::Reconsider);
        Ok(())
    }
}

/// One state of all that can change.
#[derive(Clone, Debug)]
pub(super) struct Live {
    version: u64,
    /// The rules of connections that begin now.
    pub(super) http: Arc<ServerRules>,
    /// What `deadlines` come to for messages.
    pub(super) timeouts: Arc<Timeouts>,
    pub(super) deadlines: Deadlines,
}

/// The state that holds now.
#[derive(Debug)]
pub(super) struct LiveRules {
    state: Mutex<Arc<Live>>,
    /// That of the state, to be compared without the lock.
    version: AtomicU64,
}

impl LiveRules {
    /// Begins with options that have been checked.
    pub(super) fn new(http: ServerRules, deadlines: Deadlines) -> Self {
        let live = Live {
            version: 0,
            http: Arc::new(http),
            timeouts: Arc::new(deadlines.timeouts()),
            deadlines,
        };
        Self {
            state: Mutex::new(Arc::new(live)),
            version: AtomicU64::new(0),
        }
    }

    /// The state that holds now.
    pub(super) fn now(&self) -> Arc<Live> {
        Arc::clone(&self.lock())
    }

    /// The state that holds now, if it is another one than `known`.
    pub(super) fn newer_than(&self, known: &Live) -> Option<Arc<Live>> {
        // An order to look again follows each change, so a turn that is too early is not the last.
        (self.version.load(Ordering::Relaxed) != known.version).then(|| self.now())
    }

    /// Changes a copy, and puts it in the place of the state if it can be kept.
    fn change(&self, change: impl FnOnce(&mut Live) -> Result<()>) -> Result<()> {
        let mut state = self.lock();
        let mut next = Live::clone(&state);
        change(&mut next)?;
        next.deadlines.check()?;
        next.timeouts = Arc::new(next.deadlines.timeouts());
        next.version += 1;
        self.version.store(next.version, Ordering::Release);
        *state = Arc::new(next);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Live>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
