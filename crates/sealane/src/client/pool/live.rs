//! What can be seen of a pool, and changed, while it is in use.

use std::hash::Hash;

use super::{Evicted, Leavings, Next, Pool, PoolLimits, RoomId};

/// What there is of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// Connections in use, and dials under way.
    pub(crate) busy: usize,
    /// Connections not in use.
    pub(crate) idle: usize,
    /// Requests in the queue that may not dial.
    pub(crate) waiting: usize,
}

impl<K: Eq + Hash + Clone, C, W: Clone> Pool<K, C, W> {
    /// What it may hold.
    pub(crate) fn limits(&self) -> &PoolLimits {
        &self.limits
    }

    /// Holds to other limits from now on, and tells who may dial at last.
    ///
    /// Idle connections in excess of a lowered limit go at once, longest idle first; busy ones when
    /// they come back. Those that are idle keep the deadline they have.
    pub(crate) fn set_limits(
        &mut self,
        limits: PoolLimits,
        leavings: &mut Leavings<C, W>,
    ) -> Vec<Next<K, W>> {
        self.limits = limits.sound();
        for id in self.rooms.ids() {
            self.trim(id, leavings);
        }
        while self.is_over_total() && self.evict_longest_idle(Evicted::TooMany, leavings) {}
        // All claims anew, for a waiter may be below its own limit now, or no longer.
        for id in self.rooms.ids() {
            self.settle(id);
        }
        let mut next = Vec::new();
        while let Some(&heir) = self.held_back.values().next() {
            if self.total_is_below() {
                next.extend(self.grant(heir));
            } else if !self.evict_longest_idle(Evicted::MadeRoom, leavings) {
                break;
            }
        }
        self.stop_what_nobody_needs(leavings);
        next
    }

    /// What there is of each key, in no order.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&K, Count)> {
        self.rooms.iter().map(|room| {
            let count = Count {
                busy: room.busy,
                idle: room.idle.len(),
                waiting: room.waiting.len(),
            };
            (&room.key, count)
        })
    }

    /// Whether anybody waits for a connection of this key.
    pub(crate) fn is_wanted(&self, key: &K) -> bool {
        let room = self.rooms.find(key).map(|id| &self.rooms[id]);
        room.is_some_and(|room| !room.dialling.is_empty() || !room.waiting.is_empty())
    }

    /// Lets go of the idle connections of a room that are more than it may hold.
    fn trim(&mut self, id: RoomId, leavings: &mut Leavings<C, W>) {
        let room = &self.rooms[id];
        let most = self.limits.max_sockets;
        let over = most.map_or(0, |most| room.count().saturating_sub(most));
        let idle = room.idle.len();
        let surplus = over.max(idle.saturating_sub(self.limits.max_free_sockets));
        let turns: Vec<_> = room.idle.keys().copied().take(surplus).collect();
        for turn in turns {
            let gone = self.evict(turn).map(|(connection, _)| connection);
            leavings
                .closed
                .extend(gone.map(|it| (it, Evicted::TooMany)));
        }
    }

    fn is_over_total(&self) -> bool {
        let most = self.limits.max_total_sockets;
        most.is_some_and(|most| self.total > most)
    }

    /// Lets the longest idle connection go; `false` where none is idle.
    fn evict_longest_idle(&mut self, why: Evicted, leavings: &mut Leavings<C, W>) -> bool {
        let turn = self.parked.keys().next().copied();
        let gone = turn.and_then(|turn| self.evict(turn));
        let was_there = gone.is_some();
        let gone = gone.map(|(connection, _)| (connection, why));
        leavings.closed.extend(gone);
        was_there
    }
}

#[cfg(test)]
impl<K: Eq + Hash + Clone, C, W: Clone> Pool<K, C, W> {
    /// How many connections of this key are idle.
    pub(crate) fn idle(&self, key: &K) -> usize {
        self.count_of(key).idle
    }

    /// How many connections of this key are busy, dials included.
    pub(crate) fn busy(&self, key: &K) -> usize {
        self.count_of(key).busy
    }

    /// How many requests wait for a connection of this key and may not dial.
    pub(crate) fn waiting(&self, key: &K) -> usize {
        self.count_of(key).waiting
    }

    fn count_of(&self, key: &K) -> Count {
        let found = self.counts().find(|(other, _)| *other == key);
        found.map_or(
            Count {
                busy: 0,
                idle: 0,
                waiting: 0,
            },
            |(_, count)| count,
        )
    }
}
