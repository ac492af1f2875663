//! The pool behind its lock: who may use a connection, and what happens when he is done.
//!
//! The pool decides, this file tells: it wakes those who wait, drops what has died outside the
//! lock, and makes sure that a place taken is given back whatever becomes of the request. `seat`
//! and `waiting` are a request's place in the queue, `dialling` opens connections in tasks of their
//! own, `watch` looks after idle ones, `live` shows the pool and changes it.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealane_proto::Moment;
use tokio::runtime;
use tokio::time::Instant;

use self::dialling::given_up;
use self::seat::Seat;
use self::waiting::Waiting;
use super::connect::Dialer;
use super::connection::{Connection, Look, Past};
use super::key::ConnectionKey;
use super::learning::Learning;
use super::notice::{AgentEvent, Watcher};
use super::options::pool::{Hook, Pooling};
use super::pool::{Checkout, Evicted, Leavings, Next, Pool, Rest, Returned, WaitId};
use super::switch::Switches;
use crate::error::{Error, ErrorKind, Phase, Result};

mod dialling;
mod live;
mod seat;
mod waiting;
mod watch;

pub use live::AgentSnapshot;

/// All connections of an agent.
pub(super) struct Connections {
    shelf: Mutex<Shelf>,
    epoch: Instant,
    /// The runtimes in which a task looks after idle connections: one that is not driven looks
    /// after nothing.
    watched: Mutex<HashSet<runtime::Id>>,
    /// Whether requests ask their servers to keep the connection.
    persistent: AtomicBool,
    max_age: Option<Duration>,
    keep: Hook,
    reuse: Hook,
    watcher: Watcher,
}

/// A request that may dial.
type Heir = Next<ConnectionKey, Arc<Seat>>;

/// What is behind the lock.
struct Shelf {
    pool: Pool<ConnectionKey, Box<Connection>, Arc<Seat>>,
    /// Of all connections and dials; those that rest are among them.
    switches: Switches,
    learning: Learning<ConnectionKey>,
}

/// What a request may use.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) connection: Box<Connection>,
    /// How long it had rested in the pool, if it had.
    pub(super) rested: Option<Duration>,
    pub(super) lease: Lease,
}

/// A place among the connections of an agent; dropped, it is free for the next one.
pub(super) struct Lease {
    connections: Arc<Connections>,
    key: ConnectionKey,
    /// The dial that this place is for, while it is under way.
    dial: Option<WaitId>,
    held: bool,
}

impl Connections {
    pub(super) fn new(pooling: Pooling) -> Arc<Self> {
        Arc::new(Self {
            persistent: AtomicBool::new(is_persistent(&pooling)),
            shelf: Mutex::new(Shelf {
                pool: Pool::new(pooling.limits),
                switches: Switches::new(),
                learning: Learning::new(),
            }),
            epoch: Instant::now(),
            watched: Mutex::default(),
            max_age: pooling.max_age,
            keep: pooling.keep,
            reuse: pooling.reuse,
            watcher: pooling.watcher,
        })
    }

    /// Whether requests ask their servers to keep the connection.
    pub(super) fn is_persistent(&self) -> bool {
        self.persistent.load(Ordering::Relaxed)
    }

    /// Waits for a connection that can be used; `limit` is for the right to open one, should that
    /// have to be waited for.
    ///
    /// Dropped, it leaves its place in the queue. A connection that is being opened for it goes to
    /// the next request, or into the pool, where that may be.
    pub(super) async fn claim(
        self: &Arc<Self>,
        key: &ConnectionKey,
        limit: Option<Duration>,
        dialer: impl Fn() -> Dialer,
    ) -> Result<Claim> {
        let mut place = None;
        let claim = loop {
            match self.check_out(key, place.take())? {
                Found::Resting(claim) => {
                    let claim = match claim.connection.past.carried {
                        true => claim,
                        false => hear_out(claim).await?,
                    };
                    match self.fit(claim) {
                        Ok(claim) => break claim,
                        // Whoever has a place keeps it, though what was in it is gone.
                        Err(lease) => place = Some(lease),
                    }
                }
                // Boxed: it is large, and seldom needed where connections are kept.
                Found::Queue(waiting) => break Box::pin(waiting.served(limit, dialer)).await?,
            }
        };
        let rested = claim.rested.is_some();
        self.watcher.tell(key, |origin, say| {
            let info = &claim.connection.info.clone().with_reuse(rested);
            say(AgentEvent::Socket { origin, info });
        });
        Ok(claim)
    }

    /// What there is for a request, in the place that it has already, if it has one.
    fn check_out(self: &Arc<Self>, key: &ConnectionKey, place: Option<Lease>) -> Result<Found> {
        let (mut leavings, mut seat) = (Leavings::new(), None);
        let mut waiter = || Arc::clone(seat.insert(Arc::new(Seat::default())));
        let now = self.now();
        let mut outcome = None;
        if let Some(mut place) = place {
            outcome = (self.shelf().pool).replace(key, now, &mut waiter, &mut leavings);
            // Told of anew below; else free for the next one.
            place.held = outcome.is_none();
        }
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => (self.shelf().pool).checkout(key, now, waiter, &mut leavings),
        };
        self.clear(leavings);
        let (place, seat) = match (outcome, seat) {
            (Checkout::Reuse(mut connection), _) => {
                let rested = connection.past.rest_until(now);
                connection.past.rested = Some(rested);
                let claim = Claim {
                    connection,
                    rested: Some(rested),
                    lease: self.lease(key, None),
                };
                return Ok(Found::Resting(claim));
            }
            (Checkout::Dial(dial), Some(seat)) => {
                // Nobody can have left it yet.
                drop(seat.allow(self.lease(key, Some(dial))));
                (dial, seat)
            }
            (Checkout::Wait(place), Some(seat)) => {
                self.watcher
                    .tell(key, |origin, say| say(AgentEvent::Wait { origin }));
                (place, seat)
            }
            (_, None) => return Err(lost()),
        };
        Ok(Found::Queue(Waiting {
            connections: Arc::clone(self),
            place,
            seat,
        }))
    }

    /// A connection that had rested, if it is fit to be used; else its place alone.
    fn fit(&self, mut claim: Claim) -> Result<Claim, Lease> {
        let why = match claim.connection.look() {
            Look::Quiet if self.reuse.allows(&claim.connection.info) => return Ok(claim),
            Look::Quiet => Evicted::Declined,
            Look::Unfit => Evicted::ClosedByPeer,
            Look::Died => {
                self.died(claim.lease.key(), claim.rested.unwrap_or_default());
                Evicted::ClosedByPeer
            }
        };
        // Closed before another one is opened in its place.
        self.evict(claim.connection, why);
        Err(claim.lease)
    }

    fn lease(self: &Arc<Self>, key: &ConnectionKey, dial: Option<WaitId>) -> Lease {
        Lease {
            connections: Arc::clone(self),
            key: key.clone(),
            dial,
            held: true,
        }
    }

    /// Remembers that a connection has died which had rested for so long.
    pub(super) fn died(&self, key: &ConnectionKey, rest: Duration) {
        let now = self.now();
        self.shelf().learning.died(key, rest, now);
    }

    /// Tells that a request is sent once more.
    pub(super) fn replayed(&self, key: &ConnectionKey) {
        self.watcher
            .tell(key, |origin, say| say(AgentEvent::Replay { origin }));
    }

    /// Takes a connection back that can carry another exchange, or that a dial has brought.
    fn take_back(
        self: &Arc<Self>,
        key: &ConnectionKey,
        mut dial: Option<WaitId>,
        mut connection: Box<Connection>,
    ) {
        loop {
            if dial.is_none()
                && let Some(why) = self.unwelcome(key, &connection)
            {
                let place = self.lease(key, None);
                self.evict(connection, why);
                return drop(place);
            }
            let mut leavings = Leavings::new();
            let info = self.watched_info(&connection);
            let mut shelf = self.shelf();
            if connection.switch.is_destroyed() {
                // Looked at under the lock under which it is thrown.
                drop(shelf);
                let place = self.lease(key, dial.take());
                self.evict(connection, Evicted::Destroyed);
                return place.failed(given_up(false));
            }
            let returned =
                shelf.return_one(key, dial.take(), connection, self.now(), &mut leavings);
            drop(shelf);
            self.clear(leavings);
            match returned {
                Returned::Parked => {
                    if let Some(info) = &info {
                        self.watcher
                            .tell(key, |origin, say| say(AgentEvent::Free { origin, info }));
                    }
                    return self.watch();
                }
                Returned::Refused {
                    connection,
                    why,
                    next,
                } => {
                    // Also where a stream of the program's panics when it is dropped.
                    let _heir = PassedOn(self, next);
                    return self.evict(connection, why);
                }
                Returned::Handed {
                    waiter,
                    connection: handed,
                } => {
                    let claim = Claim {
                        connection: handed,
                        rested: None,
                        lease: self.lease(key, None),
                    };
                    match waiter.serve(Ok(claim)) {
                        Err(Ok(claim)) => connection = claim.into_connection(),
                        _ => return,
                    }
                }
            }
        }
    }

    /// Why a connection may not even be offered.
    fn unwelcome(&self, key: &ConnectionKey, connection: &Connection) -> Option<Evicted> {
        // Asked only where it would rest: a request that waits takes it without asking.
        let asks = !self.keep.is_unset() && !self.shelf().pool.is_wanted(key);
        let declined = asks && !self.keep.allows(&connection.info);
        declined.then_some(Evicted::Declined)
    }

    /// What an observer is told of a connection; nothing where there is none.
    fn watched_info(&self, connection: &Connection) -> Option<crate::info::ConnectionInfo> {
        self.watcher.is_there().then(|| connection.info.clone())
    }

    /// Gives a place that has become free to whoever waits for one.
    fn pass_on(self: &Arc<Self>, mut next: Option<Heir>) {
        while let Some(Next { key, waiter, dial }) = next {
            let Err(mut place) = waiter.allow(self.lease(&key, Some(dial))) else {
                return;
            };
            place.held = false;
            let mut leavings = Leavings::new();
            next = (self.shelf().pool).dial_failed(&key, dial, &mut leavings).1;
            self.clear(leavings);
        }
    }

    /// Sees to what the pool has let go of.
    fn clear(&self, leavings: Leavings<Box<Connection>, Arc<Seat>>) {
        for seat in leavings.stopped {
            seat.stop();
        }
        for (connection, why) in leavings.closed {
            self.evict(connection, why);
        }
    }

    /// Closes a connection that could have carried another exchange.
    fn evict(&self, mut connection: Box<Connection>, why: Evicted) {
        let key = connection.past.key.take();
        drop(connection);
        if let Some(key) = key {
            self.watcher
                .tell(&key, |origin, say| say(AgentEvent::Evicted { origin, why }));
        }
    }

    fn watched(&self) -> MutexGuard<'_, HashSet<runtime::Id>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        Moment(u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// The pool's own code does not panic half way; a poisoned lock is as good as any.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    /// Forgets a place: the request whose dial it was for, and who may dial in its stead.
    fn give_up(
        &mut self,
        key: &ConnectionKey,
        dial: Option<WaitId>,
        leavings: &mut Leavings<Box<Connection>, Arc<Seat>>,
    ) -> (Option<Arc<Seat>>, Option<Heir>) {
        match dial {
            None => (None, self.pool.release(key, leavings)),
            Some(dial) => self.pool.dial_failed(key, dial, leavings),
        }
    }

    fn return_one(
        &mut self,
        key: &ConnectionKey,
        dial: Option<WaitId>,
        mut connection: Box<Connection>,
        now: Moment,
        leavings: &mut Leavings<Box<Connection>, Arc<Seat>>,
    ) -> Returned<ConnectionKey, Box<Connection>, Arc<Seat>> {
        let rest = self.rest_of(key, &mut connection.past, now);
        connection.past.parked = now;
        match dial {
            None => self.pool.give_back(key, connection, now, rest, leavings),
            Some(dial) => {
                let born = (now, rest);
                self.pool.dialled(key, dial, connection, born, leavings)
            }
        }
    }

    /// How long a connection may rest now, by what its server has said and shown.
    fn rest_of(&mut self, key: &ConnectionKey, past: &mut Past, now: Moment) -> Rest {
        let mut idle_for = past.hint;
        let rested = past.rested.take();
        if !self.learning.is_empty() {
            if let Some(rested) = rested {
                self.learning.survived(key, rested);
            }
            let learned = self.learning.limit(key, now);
            idle_for = [idle_for, learned].into_iter().flatten().min();
        }
        Rest {
            idle_for,
            retires: past.retires,
        }
    }
}

/// Gives a place to its heir when it is dropped.
struct PassedOn<'a>(&'a Arc<Connections>, Option<Heir>);

impl Drop for PassedOn<'_> {
    fn drop(&mut self) {
        self.0.pass_on(self.1.take());
    }
}

/// What there was of a key.
enum Found {
    Resting(Claim),
    Queue(Waiting),
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("total", &self.total())
            .finish_non_exhaustive()
    }
}

impl Claim {
    /// Gives back what came too late.
    fn put_back(self) {
        let connections = Arc::clone(&self.lease.connections);
        let key = self.lease.key.clone();
        connections.take_back(&key, None, self.into_connection());
    }

    /// The connection alone: its place is told of by whoever takes it.
    fn into_connection(mut self) -> Box<Connection> {
        self.lease.held = false;
        self.connection
    }
}

impl Lease {
    /// What the place is for.
    pub(super) fn key(&self) -> &ConnectionKey {
        &self.key
    }

    /// Gives the connection of this place back to be used again; `rest` is how long it may wait.
    pub(super) fn give_back(mut self, mut connection: Box<Connection>, rest: Option<Duration>) {
        self.held = false;
        connection.past.hint = rest;
        connection.past.carried = true;
        self.connections.take_back(&self.key, None, connection);
    }

    /// The dial of this place has brought a connection.
    fn reached(mut self, connection: Box<Connection>) {
        self.held = false;
        self.connections.take_back(&self.key, self.dial, connection);
    }

    /// The dial of this place has come to nothing: its request fails with it.
    fn failed(mut self, error: Error) {
        self.held = false;
        self.release(Some(error));
    }

    fn release(&self, error: Option<Error>) {
        let mut leavings = Leavings::new();
        let mut shelf = self.connections.shelf();
        let (own, next) = shelf.give_up(&self.key, self.dial, &mut leavings);
        drop(shelf);
        self.connections.clear(leavings);
        if let Some(own) = own {
            // Who has left need not hear it.
            drop(own.serve(Err(error.unwrap_or_else(lost))));
        }
        self.connections.pass_on(next);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.held {
            self.release(None);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.key).finish()
    }
}

/// Lets the runtime learn what TLS has sent behind a handshake: it may have come just now.
/// A request that is dropped meanwhile leaves the connection to the next one.
async fn hear_out(claim: Claim) -> Result<Claim> {
    let mut heard = Heard(Some(claim));
    for _ in 0..2 {
        let claim = heard.0.as_mut();
        if claim.is_none_or(|claim| claim.connection.is_quiet()) {
            break;
        }
        tokio::task::yield_now().await;
    }
    heard.0.take().ok_or_else(lost)
}

/// A connection that is only looked at; it goes back when this is dropped.
struct Heard(Option<Claim>);

impl Drop for Heard {
    fn drop(&mut self) {
        if let Some(mut claim) = self.0.take() {
            // It has carried nothing, from which nothing is to be learned.
            claim.connection.past.rested = None;
            claim.put_back();
        }
    }
}

fn is_persistent(pooling: &Pooling) -> bool {
    pooling.limits.keep_alive || pooling.limits.max_sockets.is_some()
}

fn lost() -> Error {
    let text = "the place in the queue for a connection was lost";
    Error::new(ErrorKind::Closed, Phase::Connect, text).unsent()
}
