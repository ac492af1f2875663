//! How a server ends: which connections live, which orders they get, and when all is over.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::Error;
use crate::wheel::{Link, Order};

/// The connections of a server and the state of its end.
#[derive(Debug, Default)]
pub(super) struct Registry {
    inner: Mutex<Inner>,
    closing: AtomicBool,
    /// Told when closing begins, a connection ends, or accepting ends.
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
        self.until(|_| self.is_closing()).await;
    }

    /// Waits until the server has ended: closed and drained, or failed and drained.
    pub(super) async fn ended(&self) -> Result<(), Error> {
        let over = |inner: &Inner| {
            let stopped = self.is_closing() || inner.failure.is_some();
            stopped && inner.listeners == 0 && inner.connections.is_empty()
        };
        self.until(over).await;
        match &self.lock().failure {
            Some(error) => Err(error.duplicate()),
            None => Ok(()),
        }
    }

    async fn until(&self, reached: impl Fn(&Inner) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that a change right after it is not missed.
            changed.as_mut().enable();
            if reached(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.registry.lock().listeners -= 1;
        self.registry.changed.notify_waiters();
    }
}

fn order_all(inner: &Inner, order: Order) {
    for link in inner.connections.values() {
        link.order(order);
    }
}
