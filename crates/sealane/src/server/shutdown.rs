//! How a server ends: which connections live, which orders they get, and when all is over.
//!
//! And how many there may be: whoever counts the connections is the one to refuse another.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::admission::AddressKey;
use super::options::AdmissionOptions;
use crate::error::{Error, ErrorKind, Phase};
use crate::event::DropReason;
use crate::upgrade::{CountedUpgrade, UpgradeCount};
use crate::wheel::{Link, Order};

/// The connections of a server and the state of its end.
#[derive(Debug)]
pub(super) struct Registry {
    inner: Mutex<Inner>,
    /// The most connections at a time; [`NO_LIMIT`] for any number.
    max_connections: AtomicUsize,
    /// The most connections of one address; [`NO_LIMIT`] for any number.
    max_per_address: usize,
    /// The most handshakes at a time; [`NO_LIMIT`] for any number, and then they are not counted.
    max_handshakes: usize,
    /// How many there are: what is looked at before each accept.
    handshakes: AtomicUsize,
    /// Told when a handshake ends.
    room: Notify,
    upgraded: UpgradeCount,
    closing: AtomicBool,
    /// Told when closing begins.
    closing_began: Notify,
    /// Told when a connection ends or accepting ends.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    connections: HashMap<u64, Arc<Link>>,
    /// How many connections each address has; empty without a limit on that.
    addresses: HashMap<AddressKey, usize>,
    /// Handshakes in flight, those that were accepted first in front.
    handshakes: BTreeMap<u64, Waiting>,
    next_id: u64,
    /// Accept loops that run.
    listeners: usize,
    /// Why accepting ended before anybody closed the server.
    failure: Option<Error>,
}

/// A handshake in flight.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// Since when its client is waited for.
    since: Instant,
    /// It was told to give way.
    told: bool,
}

/// A connection's place in the registry; dropping it says that the connection has ended.
#[derive(Debug)]
pub(super) struct Registered {
    registry: Arc<Registry>,
    id: u64,
    /// The address it is counted under.
    counted: Option<AddressKey>,
}

/// Why a connection has no place in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The server is closing.
    Closing,
    /// There are as many connections as there may be; the number is the one it would have had.
    Full(u64, DropReason),
}

/// An accept loop's place in the registry.
#[derive(Debug)]
pub(super) struct Listening {
    registry: Arc<Registry>,
}

impl Registry {
    pub(super) fn new(options: &AdmissionOptions) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::default(),
            max_connections: AtomicUsize::new(options.max_connections.unwrap_or(NO_LIMIT)),
            max_per_address: options.max_connections_per_address.unwrap_or(NO_LIMIT),
            max_handshakes: options.max_handshakes.unwrap_or(NO_LIMIT),
            handshakes: AtomicUsize::new(0),
            room: Notify::new(),
            upgraded: UpgradeCount::default(),
            closing: AtomicBool::new(false),
            closing_began: Notify::new(),
            changed: Notify::new(),
        })
    }

    /// Takes in a connection, and counts it under its address if that is known already.
    pub(super) fn register(
        self: &Arc<Self>,
        link: &Arc<Link>,
        address: Option<AddressKey>,
    ) -> Result<Registered, Refused> {
        let mut inner = self.lock();
        if self.is_closing() {
            return Err(Refused::Closing);
        }
        let id = inner.next_id;
        inner.next_id += 1;
        if inner.connections.len() >= self.max_connections.load(Ordering::Relaxed) {
            return Err(Refused::Full(id, DropReason::MaxConnections));
        }
        let counted = address.filter(|_| self.max_per_address != NO_LIMIT);
        if counted.is_some_and(|address| !inner.count(address, self.max_per_address)) {
            return Err(Refused::Full(id, DropReason::MaxConnectionsPerAddress));
        }
        inner.connections.insert(id, Arc::clone(link));
        if self.max_handshakes != NO_LIMIT {
            inner.handshakes.insert(id, Waiting::begin());
            self.note_handshakes(&inner);
        }
        Ok(Registered {
            registry: Arc::clone(self),
            id,
            counted,
        })
    }

    /// Whether another handshake may begin.
    pub(super) fn has_room(&self) -> bool {
        self.handshakes.load(Ordering::Acquire) < self.max_handshakes
    }

    /// Waits until another handshake may begin.
    ///
    /// Nobody is sent away while handshakes come to their end. One whose client is waited for too
    /// long gives way, the oldest first, so that silent clients cannot keep others out.
    pub(super) async fn room(&self) {
        loop {
            let freed = self.room.notified();
            tokio::pin!(freed);
            // Registered before the look, so that a place freed right after it is not missed.
            freed.as_mut().enable();
            if self.has_room() {
                return;
            }
            let wait = self.hurry(Instant::now());
            let _ = tokio::time::timeout(wait, freed).await;
        }
    }

    /// Tells the handshake that has waited the longest to give way, if that was too long; gives
    /// the time after which to look again.
    fn hurry(&self, now: Instant) -> Duration {
        let mut inner = self.lock();
        let Inner {
            connections,
            handshakes,
            ..
        } = &mut *inner;
        // Not the lowest number: a client whose wait began anew has not waited since it came.
        let waiting = handshakes.iter_mut().filter(|(_, waiting)| !waiting.told);
        let Some((id, oldest)) = waiting.min_by_key(|(_, waiting)| waiting.since) else {
            return SOON;
        };
        let waited = now.saturating_duration_since(oldest.since);
        if waited < PATIENCE {
            return SOON.max(PATIENCE - waited);
        }
        oldest.told = true;
        if let Some(link) = connections.get(id) {
            link.order(Order::GiveWay);
        }
        SOON
    }

    /// Keeps the count that is read without the lock.
    fn note_handshakes(&self, inner: &Inner) {
        self.handshakes
            .store(inner.handshakes.len(), Ordering::Release);
    }

    pub(super) fn max_connections(&self) -> Option<usize> {
        let limit = self.max_connections.load(Ordering::Relaxed);
        (limit != NO_LIMIT).then_some(limit)
    }

    /// Changes the limit for connections to come.
    pub(super) fn set_max_connections(&self, limit: Option<usize>) {
        let limit = limit.unwrap_or(NO_LIMIT);
        self.max_connections.store(limit, Ordering::Relaxed);
    }

    /// Takes in an accept loop; `None` when the server is closing.
    pub(super) fn listen(self: &Arc<Self>) -> Option<Listening> {
        let mut inner = self.lock();
        if self.is_closing() {
            return None;
        }
        inner.listeners += 1;
        Some(Listening {
            registry: Arc::clone(self),
        })
    }

    /// Whether connections are accepted somewhere.
    pub(super) fn is_listening(&self) -> bool {
        !self.is_closing() && self.lock().listeners > 0
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Ends accepting, and then every connection after the exchange that it carries now.
    ///
    /// Where another process takes over the port, a client whose connection is ended comes back at
    /// once: it must not meet our listening socket again, for what waits there is reset. So the
    /// last accept loop that ends tells the connections, or one that has waited long enough for the
    /// others ([`Registry::drain_at_last`]).
    pub(super) fn begin_close(&self) {
        let inner = self.lock();
        self.closing.store(true, Ordering::Release);
        if inner.listeners == 0 {
            order_all(&inner, Order::Drain);
        }
        drop(inner);
        self.closing_began.notify_waiters();
        self.changed.notify_waiters();
    }

    /// Tells the connections that the server closes, though accept loops may still run: called by
    /// one that has ended, it waits a short while for the others.
    ///
    /// A handler that computes keeps its thread's loop from ending. The connections of all other
    /// threads need not wait for that; a client that comes back meanwhile may be reset.
    pub(super) async fn drain_at_last(&self) {
        if !self.is_closing() {
            return;
        }
        let last = until(&self.changed, || (self.lock().listeners == 0).then_some(()));
        if tokio::time::timeout(LAST_LOOPS, last).await.is_err() {
            self.order(Order::Drain);
        }
    }

    /// Gives an order to every connection.
    pub(super) fn order(&self, order: Order) {
        order_all(&self.lock(), order);
    }

    /// Ends every connection at once that has something left to say, and tells how many those are.
    ///
    /// The others only wait for their peers' end, which keeps what was said from being lost in a
    /// reset, and they do not wait long.
    pub(super) fn cut(&self) -> usize {
        let inner = self.lock();
        let links = inner.connections.values();
        let unsaid = links.filter(|link| !link.is_parting());
        unsaid.inspect(|link| link.order(Order::Abort)).count()
    }

    /// How many connections have left HTTP and still live.
    pub(super) fn upgraded_connections(&self) -> usize {
        self.upgraded.count()
    }

    pub(super) fn connections(&self) -> usize {
        self.lock().connections.len()
    }

    /// Notes why accepting ended, when nobody had closed the server.
    pub(super) fn fail(&self, error: Error) {
        self.lock().failure.get_or_insert(error);
        self.changed.notify_waiters();
    }

    /// Waits until closing has begun.
    pub(super) async fn closing(&self) {
        until(&self.closing_began, || self.is_closing().then_some(())).await;
    }

    /// Waits until the server has ended: closed and drained, or failed to accept.
    pub(super) async fn ended(&self) -> Result<(), Error> {
        until(&self.changed, || {
            let inner = self.lock();
            if self.is_closing() {
                let over = inner.listeners == 0 && inner.connections.is_empty();
                return over.then_some(Ok(()));
            }
            inner.failure.as_ref().map(|error| Err(error.duplicate()))
        })
        .await
    }

    /// Waits until the server is closed and nothing of it runs any more.
    pub(super) async fn drained(&self) {
        // Not before: each end of a connection would wake whoever waits here.
        self.closing().await;
        until(&self.changed, || {
            let inner = self.lock();
            (inner.listeners == 0 && inner.connections.is_empty()).then_some(())
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Counts a connection under an address; false if that has as many as it may.
    fn count(&mut self, address: AddressKey, limit: usize) -> bool {
        let count = self.addresses.entry(address).or_default();
        let free = *count < limit;
        *count += usize::from(free);
        free
    }

    /// Takes a connection back that was counted; an address without any is forgotten.
    fn discount(&mut self, address: AddressKey) {
        if let Entry::Occupied(mut entry) = self.addresses.entry(address) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

impl Waiting {
    fn begin() -> Self {
        Self {
            since: Instant::now(),
            told: false,
        }
    }
}

impl Registered {
    /// A number that no other connection of this server has.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Counts the connection among those that have left HTTP; it leaves the registry with its task.
    pub(super) fn upgraded(&self) -> CountedUpgrade {
        self.registry.upgraded.add()
    }

    /// Counts the connection under an address that was not known before.
    pub(super) fn count_under(&mut self, address: AddressKey) -> Result<(), DropReason> {
        let limit = self.registry.max_per_address;
        if limit == NO_LIMIT || self.counted.is_some() {
            return Ok(());
        }
        if !self.registry.lock().count(address, limit) {
            return Err(DropReason::MaxConnectionsPerAddress);
        }
        self.counted = Some(address);
        Ok(())
    }

    /// The handshake is over, one way or the other: its place is another's.
    pub(super) fn handshake_over(&self) {
        if self.registry.max_handshakes != NO_LIMIT {
            self.leave_handshakes(&mut self.registry.lock());
        }
    }

    /// The handshake waits for its client from now on: until now it was the program's turn.
    pub(super) fn waits_anew(&self) {
        let mut inner = self.registry.lock();
        if let Some(waiting) = inner.handshakes.get_mut(&self.id) {
            *waiting = Waiting::begin();
        }
    }

    fn leave_handshakes(&self, inner: &mut Inner) {
        if inner.handshakes.remove(&self.id).is_some() {
            self.registry.note_handshakes(inner);
            self.registry.room.notify_waiters();
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut inner = self.registry.lock();
        inner.connections.remove(&self.id);
        self.leave_handshakes(&mut inner);
        if let Some(address) = self.counted {
            inner.discount(address);
        }
        drop(inner);
        self.registry.changed.notify_waiters();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut inner = self.registry.lock();
        inner.listeners -= 1;
        if self.registry.is_closing() && inner.listeners == 0 {
            order_all(&inner, Order::Drain);
        }
        if !self.registry.is_closing() && inner.failure.is_none() {
            let text = "accepting ended unexpectedly: its task panicked or its runtime is gone";
            inner.failure = Some(Error::new(ErrorKind::Closed, Phase::Listen, text));
        }
        drop(inner);
        self.registry.changed.notify_waiters();
    }
}

/// Waits until `look` finds what it looks for; `told` is notified after every change.
async fn until<T>(told: &Notify, look: impl Fn() -> Option<T>) -> T {
    loop {
        let change = told.notified();
        tokio::pin!(change);
        // Registered before the look, so that a change right after it is not missed.
        change.as_mut().enable();
        if let Some(found) = look() {
            return found;
        }
        change.await;
    }
}

fn order_all(inner: &Inner, order: Order) {
    for link in inner.connections.values() {
        link.order(order);
    }
}

/// Stands for no limit: so many connections do not fit in memory.
const NO_LIMIT: usize = usize::MAX;

/// How long a handshake may wait for its client while others wait for its place. Two or three
/// messages from a client on a bad network make it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long an accept loop that has ended waits for the last one: those that can end do at once.
const LAST_LOOPS: Duration = Duration::from_millis(250);

/// When to look again after a handshake was told to give way: longer than that takes.
const SOON: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
