//! The pool behind its lock: who may use a connection, and what happens when he is done.
//!
//! The pool decides, this file tells: it wakes those who wait, drops what has died outside the
//! lock, and makes sure that a place taken is given back whatever becomes of the request. One task
//! looks after idle connections while there are any.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sealane_proto::Moment;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::connection::Connection;
use super::key::ConnectionKey;
use super::pool::{Checkout, Pool, PoolLimits, Returned, WaitId};
use crate::error::{Error, ErrorKind, Phase, Result};

type Waiter = oneshot::Sender<Claim>;

/// All connections of an agent.
pub(super) struct Connections {
    pool: Mutex<Pool<ConnectionKey, Box<Connection>, Waiter>>,
    epoch: Instant,
    /// The runtimes in which a task looks after idle connections: one that is not driven looks
    /// after nothing.
    watched: Mutex<HashSet<runtime::Id>>,
}

/// What a request may use.
#[derive(Debug)]
pub(super) struct Claim {
    /// A connection that is open already; without one, a new one may be opened.
    pub(super) connection: Option<Box<Connection>>,
    /// It had rested in the pool.
    pub(super) rested: bool,
    /// How long its server lets it rest, if it has said so.
    rest: Option<Duration>,
    pub(super) lease: Lease,
}

/// A place among the connections of an agent; dropped, it is free for the next one.
pub(super) struct Lease {
    connections: Arc<Connections>,
    key: ConnectionKey,
    held: bool,
}

impl Connections {
    pub(super) fn new(limits: PoolLimits) -> Arc<Self> {
        Arc::new(Self {
            pool: Mutex::new(Pool::new(limits)),
            epoch: Instant::now(),
            watched: Mutex::default(),
        })
    }

    /// Waits for a connection that can be used, or for the right to open one.
    pub(super) async fn claim(
        self: &Arc<Self>,
        key: &ConnectionKey,
        limit: Option<Duration>,
    ) -> Result<Claim> {
        loop {
            let (mut dead, mut receiver) = (Vec::new(), None);
            let waiter = || {
                let (sender, ours) = oneshot::channel();
                receiver = Some(ours);
                sender
            };
            let step = self.lock().checkout(key, self.now(), waiter, &mut dead);
            drop(dead);
            let mut claim = match (step, receiver) {
                (Checkout::Dial, _) => return Ok(self.grant(key, None)),
                (Checkout::Reuse(connection), _) => {
                    let mut claim = self.grant(key, Some(connection));
                    claim.rested = true;
                    claim
                }
                (Checkout::Wait(place), Some(receiver)) => {
                    let waiting = Waiting {
                        connections: self,
                        place,
                        receiver,
                    };
                    waiting.wait(limit).await?
                }
                (Checkout::Wait(_), None) => return Err(lost()),
            };
            let Some(connection) = &mut claim.connection else {
                return Ok(claim);
            };
            // Also one that was handed over: the runtime may have been busy in between.
            if connection.is_quiet() {
                return Ok(claim);
            }
            if !claim.rested {
                // Whoever has waited for this place keeps it.
                claim.connection = None;
                return Ok(claim);
            }
        }
    }

    fn grant(self: &Arc<Self>, key: &ConnectionKey, connection: Option<Box<Connection>>) -> Claim {
        Claim {
            connection,
            rested: false,
            rest: None,
            lease: Lease {
                connections: Arc::clone(self),
                key: key.clone(),
                held: true,
            },
        }
    }

    /// Takes a connection back that can carry another exchange.
    fn take_back(
        self: &Arc<Self>,
        key: &ConnectionKey,
        mut connection: Box<Connection>,
        rest: Option<Duration>,
    ) {
        loop {
            let returned = self.lock().give_back(key, connection, self.now(), rest);
            match returned {
                Returned::Parked => return self.watch(),
                Returned::Refused { connection, next } => {
                    drop(connection);
                    return self.pass_on(next);
                }
                Returned::Handed {
                    waiter,
                    connection: handed,
                } => {
                    let mut claim = self.grant(key, Some(handed));
                    claim.rest = rest;
                    let Err(mut claim) = waiter.send(claim) else {
                        return;
                    };
                    let Some(back) = claim.take() else { return };
                    connection = back;
                }
            }
        }
    }

    /// Gives a place that has become free to whoever waits for one.
    fn pass_on(self: &Arc<Self>, mut next: Option<(ConnectionKey, Waiter)>) {
        while let Some((key, waiter)) = next {
            let Err(mut claim) = waiter.send(self.grant(&key, None)) else {
                return;
            };
            claim.lease.held = false;
            next = self.lock().release(&key);
        }
    }

    /// Makes sure that somebody in this runtime looks after idle connections.
    fn watch(self: &Arc<Self>) {
        // A body dropped outside of any runtime may bring us here; then the next one watches.
        let Ok(runtime) = runtime::Handle::try_current() else {
            return;
        };
        if self.watched().insert(runtime.id()) {
            runtime.spawn(watch(Watch {
                connections: Arc::downgrade(self),
                runtime: runtime.id(),
            }));
        }
    }

    /// Closes idle connections that are over; says when to look again, if any are left.
    fn sweep(&self, runtime: runtime::Id) -> Option<Duration> {
        let now = self.now();
        let mut pool = self.lock();
        let late = pool.expire(now);
        let dead = pool.retain_idle(|_, connection| connection.is_quiet());
        let next = pool.has_idle().then(|| {
            let until = |deadline: Moment| Duration::from_millis(deadline.0.saturating_sub(now.0));
            pool.next_deadline().map_or(LOOK, until).min(LOOK)
        });
        if next.is_none() {
            // Under the lock: whoever parks one next finds that nobody watches.
            self.watched().remove(&runtime);
        }
        drop(pool);
        drop((late, dead));
        next
    }

    /// Number of connections, those being opened included.
    pub(super) fn total(&self) -> usize {
        self.lock().total()
    }

    fn watched(&self) -> MutexGuard<'_, HashSet<runtime::Id>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        Moment(u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// The pool's own code does not panic half way; a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Pool<ConnectionKey, Box<Connection>, Waiter>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("total", &self.total())
            .finish_non_exhaustive()
    }
}

impl Claim {
    /// Takes the connection out, so that the pool can be told about it.
    fn take(&mut self) -> Option<Box<Connection>> {
        let connection = self.connection.take();
        if connection.is_some() {
            self.lease.held = false;
        }
        connection
    }
}

impl Lease {
    /// What the place is for.
    pub(super) fn key(&self) -> &ConnectionKey {
        &self.key
    }

    /// Gives the connection of this place back to be used again; `rest` is how long it may wait.
    pub(super) fn give_back(mut self, connection: Box<Connection>, rest: Option<Duration>) {
        self.held = false;
        self.connections.take_back(&self.key, connection, rest);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.held {
            let next = self.connections.lock().release(&self.key);
            self.connections.pass_on(next);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.key).finish()
    }
}

/// A request in the queue; dropped, it leaves the queue and loses nothing.
struct Waiting<'a> {
    connections: &'a Arc<Connections>,
    place: WaitId,
    receiver: oneshot::Receiver<Claim>,
}

impl Waiting<'_> {
    async fn wait(mut self, limit: Option<Duration>) -> Result<Claim> {
        let receiver = &mut self.receiver;
        let claim = match limit {
            None => receiver.await,
            Some(limit) => match tokio::time::timeout(limit, receiver).await {
                Ok(claim) => claim,
                Err(_) => return Err(none_free(limit)),
            },
        };
        claim.map_err(|_| lost())
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.connections.lock().cancel(self.place) {
            return;
        }
        self.receiver.close();
        // The claim came too late for this request; the next one may use it.
        if let Ok(mut claim) = self.receiver.try_recv()
            && let Some(connection) = claim.take()
        {
            let key = claim.lease.key().clone();
            let rest = claim.rest;
            self.connections.take_back(&key, connection, rest);
        }
    }
}

/// Marks in the agent that its idle connections are watched, for as long as it lives.
struct Watch {
    connections: Weak<Connections>,
    runtime: runtime::Id,
}

impl Drop for Watch {
    /// The runtime that watched may end before the agent does.
    fn drop(&mut self) {
        if let Some(connections) = self.connections.upgrade() {
            connections.watched().remove(&self.runtime);
        }
    }
}

/// Looks after idle connections until there are none, or the agent is gone.
async fn watch(mut watch: Watch) {
    loop {
        let Some(connections) = watch.connections.upgrade() else {
            return;
        };
        let Some(next) = connections.sweep(watch.runtime) else {
            // It has been told already, and a new watch may have begun.
            watch.connections = Weak::new();
            return;
        };
        drop(connections);
        tokio::time::sleep(next).await;
    }
}

fn none_free(limit: Duration) -> Error {
    let text = format!("none of the agent's connections became free within {limit:?}");
    Error::new(ErrorKind::Timeout, Phase::Connect, text)
        .with_code("ETIMEDOUT")
        .unsent()
}

fn lost() -> Error {
    let text = "the place in the queue for a connection was lost";
    Error::new(ErrorKind::Closed, Phase::Connect, text).unsent()
}

/// How often idle connections are looked at: one that its server has closed is gone by then, and
/// at each reuse anyway.
const LOOK: Duration = Duration::from_millis(250);
