//! How a server ends: which connections live, which orders they get, and when all is over.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::{Error, ErrorKind, Phase};
use crate::wheel::{Link, Order};

/// The connections of a server and the state of its end.
#[derive(Debug, Default)]
pub(super) struct Registry {
    inner: Mutex<Inner>,
    closing: AtomicBool,
    /// Told when closing begins.
    closing_began: Notify,
    /// Told when a connection ends or accepting ends.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    connections: HashMap<u64, Arc<Link>>,
    next_id: u64,
    /// Accept loops that run.
    listeners: usize,
    /// Why accepting ended before anybody closed the server.
    failure: Option<Error>,
}

/// A connection's place in the registry; dropping it says that the connection has ended.
#[derive(Debug)]
pub(super) struct Registered {
    registry: Arc<Registry>,
    id: u64,
}

/// An accept loop's place in the registry.
#[derive(Debug)]
pub(super) struct Listening {
    registry: Arc<Registry>,
}

impl Registry {
    /// Takes in a connection; `None` when the server is closing.
    pub(super) fn register(self: &Arc<Self>, link: &Arc<Link>) -> Option<Registered> {
        let mut inner = self.lock();
        if self.is_closing() {
            return None;
        }
        let id = inner.next_id;
        inner.next_id += 1;
        inner.connections.insert(id, Arc::clone(link));
        Some(Registered {
            registry: Arc::clone(self),
            id,
        })
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

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Ends accepting, and every connection after the exchange that it carries now.
    pub(super) fn begin_close(&self) {
        let inner = self.lock();
        self.closing.store(true, Ordering::Release);
        order_all(&inner, Order::Drain);
        drop(inner);
        self.closing_began.notify_waiters();
        self.changed.notify_waiters();
    }

    /// Gives an order to every connection.
    pub(super) fn order(&self, order: Order) {
        order_all(&self.lock(), order);
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

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registered {
    /// A number that no other connection of this server has.
    pub(super) fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.registry.lock().connections.remove(&self.id);
        self.registry.changed.notify_waiters();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut inner = self.registry.lock();
        inner.listeners -= 1;
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
