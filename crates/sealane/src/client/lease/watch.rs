//! The task that looks after idle connections, while there are any.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sealane_proto::Moment;
use tokio::runtime;

use super::Connections;
use crate::client::connection::Look;
use crate::client::pool::Evicted;

/// Marks in the agent that its idle connections are watched, for as long as it lives.
struct Watch {
    connections: Weak<Connections>,
    runtime: runtime::Id,
}

impl Connections {
    /// Makes sure that somebody in this runtime looks after idle connections.
    pub(super) fn watch(self: &Arc<Self>) {
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
        let mut shelf = self.shelf();
        let late = shelf.pool.expire(now);
        let mut looks = Vec::new();
        let dead = shelf.pool.retain_idle(|_, connection| {
            let look = connection.look();
            looks.extend((look != Look::Quiet).then_some(look));
            look == Look::Quiet
        });
        for (connection, look) in dead.iter().zip(looks) {
            if let Some(key) = &connection.past.key
                && look == Look::Died
            {
                // It was still alive at the last look.
                let rest = connection.past.rest_until(now).saturating_sub(LOOK);
                shelf.learning.died(key, rest, now);
            }
        }
        let next = shelf.pool.has_idle().then(|| {
            let until = |deadline: Moment| Duration::from_millis(deadline.0.saturating_sub(now.0));
            shelf.pool.next_deadline().map_or(LOOK, until).min(LOOK)
        });
        if next.is_none() {
            // Under the lock: whoever parks one next finds that nobody watches.
            self.watched().remove(&runtime);
        }
        drop(shelf);
        let dead = dead.into_iter().map(|it| (it, Evicted::ClosedByPeer));
        for (connection, why) in late.into_iter().chain(dead) {
            self.evict(connection, why);
        }
        next
    }
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

/// How often idle connections are looked at: one that its server has closed is gone by then, and
/// at each reuse anyway.
const LOOK: Duration = Duration::from_millis(250);
