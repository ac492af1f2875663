//! The pool as it can be seen and changed while it is in use.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::seat::Seat;
use super::{Connections, Lease};
use crate::client::connect::Dialer;
use crate::client::key::ConnectionKey;
use crate::client::pool::{Count, Evicted, Leavings, PoolLimits};
use crate::error::Result;

/// What an agent had at one moment, by the names of [`Agent::name_of`](crate::Agent::name_of).
///
/// A name without any connection or request is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentSnapshot {
    sockets: BTreeMap<String, usize>,
    free_sockets: BTreeMap<String, usize>,
    requests: BTreeMap<String, usize>,
    total_socket_count: usize,
}

impl AgentSnapshot {
    /// Connections in use, and those being opened.
    pub fn sockets(&self) -> &BTreeMap<String, usize> {
        &self.sockets
    }

    /// Idle connections.
    pub fn free_sockets(&self) -> &BTreeMap<String, usize> {
        &self.free_sockets
    }

    /// Requests that wait for a connection, and for which none is being opened.
    pub fn requests(&self) -> &BTreeMap<String, usize> {
        &self.requests
    }

    /// Connections in all: in use, idle and being opened.
    pub fn total_socket_count(&self) -> usize {
        self.total_socket_count
    }
}

impl Connections {
    /// Number of connections, those being opened included.
    pub(in crate::client) fn total(&self) -> usize {
        self.shelf().pool.total()
    }

    pub(in crate::client) fn limits(&self) -> PoolLimits {
        *self.shelf().pool.limits()
    }

    /// Changes the limits; decisions of the past stand.
    pub(in crate::client) fn change_limits(
        self: &Arc<Self>,
        change: impl FnOnce(&mut PoolLimits),
        check: impl FnOnce(&PoolLimits) -> Result<()>,
    ) -> Result<()> {
        let mut leavings = Leavings::new();
        let next = {
            let mut shelf = self.shelf();
            let mut limits = *shelf.pool.limits();
            change(&mut limits);
            check(&limits)?;
            let persistent = limits.keep_alive || limits.max_sockets.is_some();
            self.persistent.store(persistent, Ordering::Relaxed);
            shelf.pool.set_limits(limits, &mut leavings)
        };
        self.clear(leavings);
        for next in next {
            self.pass_on(Some(next));
        }
        Ok(())
    }

    pub(in crate::client) fn snapshot(&self) -> AgentSnapshot {
        let (counts, total): (Vec<(ConnectionKey, Count)>, _) = {
            let shelf = self.shelf();
            let counts = shelf.pool.counts();
            let counts = counts.map(|(key, count)| (key.clone(), count)).collect();
            (counts, shelf.pool.total())
        };
        let mut seen = AgentSnapshot {
            total_socket_count: total,
            ..AgentSnapshot::default()
        };
        for (key, count) in counts {
            let name = key.name_in_pool();
            for (map, number) in [
                (&mut seen.sockets, count.busy),
                (&mut seen.free_sockets, count.idle),
                (&mut seen.requests, count.waiting),
            ] {
                if number > 0 {
                    *map.entry(name.clone()).or_default() += number;
                }
            }
        }
        seen
    }

    /// Closes what is idle, and throws the switches of all that is in use or being opened.
    pub(in crate::client) fn destroy(&self) {
        let (switches, idle) = {
            let mut shelf = self.shelf();
            let switches = shelf.switches.take();
            let switches: Vec<_> = switches.iter().filter_map(Weak::upgrade).collect();
            // Under the lock: what comes back from now on finds its switch thrown.
            switches.iter().for_each(|switch| switch.throw());
            (switches, shelf.pool.drain_idle())
        };
        switches.iter().for_each(|switch| switch.wake());
        for connection in idle {
            self.evict(connection, Evicted::Destroyed);
        }
    }

    /// Begins to open a connection that no request waits for; `false` where a limit is in the way.
    pub(in crate::client) fn preconnect(
        self: &Arc<Self>,
        key: &ConnectionKey,
        dialer: Dialer,
    ) -> Result<bool> {
        let seat = Arc::new(Seat::default());
        let place = self.shelf().pool.preconnect(key, || Arc::clone(&seat));
        let Some(place) = place else {
            return Ok(false);
        };
        let lease: Lease = self.lease(key, Some(place));
        lease.dial(&seat, dialer)?;
        Ok(true)
    }
}
