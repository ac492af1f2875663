//! Which request gets which connection: idle, busy and waiting, for every key.
//!
//! Pure: no I/O, no clock, no lock, no task; time comes as an argument, connections and waiters are
//! whatever the caller keeps. The pool never closes a connection: what it lets go of it hands back,
//! to be dropped outside the caller's lock. It does not know what a key means (that is
//! [`super::key`]'s affair) nor whether a connection still works. RFC 9112 §9.3 and §9.4.
//!
//! # What always holds between two calls
//!
//! 1. No limit is exceeded; a dial counts like a connection, from the moment it is granted.
//! 2. A key with a waiter has no idle connection.
//! 3. A waiter waits only because its key is at its own limit, or because the pool is at its total
//!    limit *and nothing is idle anywhere*: an idle connection makes room for whoever needs it.
//!
//! From 2 and 3 follows that an idle connection which goes (expired, found dead, drained) never
//! makes room that a waiter could use: whoever could have used it would not be waiting. So only a
//! busy connection that ends can free somebody, at most one, and [`Pool::give_back`] and
//! [`Pool::release`] are the only calls that name the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use sealane_proto::Moment;

use self::room::{Idle, Place, RoomId, Rooms, Turn};

mod room;

/// What the pool may hold; `None` is without limit.
///
/// A limit of 0 open connections would let every request wait for ever. The options' gate refuses
/// it; should one come this far, it counts as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolLimits {
    /// Whether a connection that nobody waits for is kept for a later request.
    pub(crate) keep_alive: bool,
    /// The most connections open or being dialled for one key, idle ones included.
    pub(crate) max_sockets: Option<usize>,
    /// The same for all keys together.
    pub(crate) max_total_sockets: Option<usize>,
    /// The most idle connections of one key.
    pub(crate) max_free_sockets: usize,
    /// Which of several idle connections goes out first.
    pub(crate) scheduling: Scheduling,
    /// How long a connection may stay idle.
    pub(crate) idle_timeout: Option<Duration>,
}

/// Which of several idle connections to one place the next request gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheduling {
    /// The one that was used last (default: it is the least likely to have been closed by the
    /// server meanwhile, and those not needed grow old and go).
    #[default]
    Lifo,
    /// The one that has been idle longest, so that all are used alike.
    Fifo,
}

/// What a request gets when it asks for a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Checkout<C> {
    /// This connection, which was idle; it is busy now.
    Reuse(C),
    /// The right to dial, which counts as busy until it is given back or released.
    Dial,
    /// A place in the queue: the waiter will be named by a later call.
    Wait(WaitId),
}

/// What became of a connection that was given back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Returned<K, C, W> {
    /// It is idle now.
    Parked,
    /// It belongs to this waiter of the same key, and stays busy.
    ///
    /// If the waiter cannot be told, give the connection back again.
    Handed {
        /// Whom to tell.
        waiter: W,
        /// What to hand over.
        connection: C,
    },
    /// The pool has no place for it; it counts no longer and is to be closed.
    Refused {
        /// What to close.
        connection: C,
        /// Who may dial in its stead, as from [`Pool::release`].
        next: Option<(K, W)>,
    },
}

/// A place in the queue, good for [`Pool::cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaitId {
    room: RoomId,
    turn: Turn,
}

/// Connections `C` by key `K`, and the waiters `W` to tell when one is free.
pub(crate) struct Pool<K, C, W> {
    limits: PoolLimits,
    rooms: Rooms<K, C, W>,
    /// Connections and dials that count, busy and idle, of all keys.
    total: usize,
    /// The turn taken last; parking and queueing take one each.
    turns: Turn,
    /// Every idle connection, longest idle first.
    parked: BTreeMap<Turn, RoomId>,
    /// The idle connections that have a deadline, nearest first.
    deadlines: BTreeSet<(Moment, Turn)>,
    /// The rooms with waiters whom only the total limit holds back, in the order of their claim.
    held_back: BTreeMap<Place, RoomId>,
}

impl<K: Eq + Hash + Clone, C, W> Pool<K, C, W> {
    /// An empty pool.
    pub(crate) fn new(limits: PoolLimits) -> Self {
        let limits = PoolLimits {
            max_sockets: limits.max_sockets.map(|most| most.max(1)),
            max_total_sockets: limits.max_total_sockets.map(|most| most.max(1)),
            ..limits
        };
        Self {
            limits,
            rooms: Rooms::new(),
            total: 0,
            turns: Turn::default(),
            parked: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            held_back: BTreeMap::new(),
        }
    }

    /// Takes an idle connection, or the right to dial, or a place in the queue.
    ///
    /// `waiter` is called only for a place in the queue. `dead` collects what the pool let go of on
    /// the way, to be dropped outside the lock: idle connections of this key past their deadline,
    /// and, where the total limit is reached, the one of another key that made room for a dial (one
    /// past its deadline, else the longest idle).
    pub(crate) fn checkout(
        &mut self,
        key: &K,
        now: Moment,
        waiter: impl FnOnce() -> W,
        dead: &mut Vec<C>,
    ) -> Checkout<C> {
        let id = self.rooms.enter(key);
        let outcome = if let Some(connection) = self.reuse(id, now, dead) {
            Checkout::Reuse(connection)
        } else if self.rooms[id].is_below(self.limits.max_sockets) && self.make_room(now, dead) {
            self.occupy(id);
            Checkout::Dial
        } else {
            let turn = self.turns.take();
            self.rooms[id].waiting.insert(turn, waiter());
            Checkout::Wait(WaitId { room: id, turn })
        };
        self.settle(id);
        outcome
    }

    /// Takes back a busy connection that could carry another exchange.
    ///
    /// It goes to the first waiter of its key, also where the pool keeps nothing idle. Else it is
    /// parked, unless the limits forbid that or a waiter of another key needs its place: then it is
    /// refused, and that waiter may dial. `idle_for` is a limit of this connection's own (the
    /// server's hint) and counts where it is shorter than the pool's; a connection that may not be
    /// idle at all is refused.
    pub(crate) fn give_back(
        &mut self,
        key: &K,
        connection: C,
        now: Moment,
        idle_for: Option<Duration>,
    ) -> Returned<K, C, W> {
        let Some(id) = self.busy_room(key) else {
            return Returned::Refused {
                connection,
                next: None,
            };
        };
        if let Some((_, waiter)) = self.rooms[id].waiting.pop_first() {
            self.settle(id);
            return Returned::Handed { waiter, connection };
        }
        let limit = [self.limits.idle_timeout, idle_for].into_iter().flatten();
        let idle = Idle {
            connection,
            deadline: limit.min().map(|length| now.after(length)),
        };
        self.vacate(id);
        if !self.may_park(id) || idle.is_over(now) {
            return Returned::Refused {
                connection: idle.connection,
                next: self.pass_on(id),
            };
        }
        self.park(id, idle);
        Returned::Parked
    }

    /// Forgets a busy connection or a dial that is gone, and tells who may dial in its stead.
    ///
    /// That is the first waiter of the same key; else of the keys without a busy connection, then
    /// of the others below their own limit, the waiter that came first. Its dial is already counted
    /// as busy: if it cannot be told, release its key in turn. Every such step takes a waiter out
    /// of the queue, so this ends.
    pub(crate) fn release(&mut self, key: &K) -> Option<(K, W)> {
        let id = self.busy_room(key)?;
        self.vacate(id);
        self.pass_on(id)
    }

    /// Takes a waiter that gave up out of the queue.
    ///
    /// `false` says that it is not there: its grant is under way, and whoever gave up has to give
    /// it back.
    pub(crate) fn cancel(&mut self, wait: WaitId) -> bool {
        let was_waiting = self
            .rooms
            .open(wait.room)
            .is_some_and(|room| room.waiting.remove(&wait.turn).is_some());
        if was_waiting {
            self.settle(wait.room);
        }
        was_waiting
    }

    /// Lets go of the idle connections past their deadline, nearest deadline first.
    ///
    /// A connection is past its deadline from that very millisecond on.
    pub(crate) fn expire(&mut self, now: Moment) -> Vec<C> {
        let mut gone = Vec::new();
        while let Some(turn) = self.overdue(now) {
            gone.extend(self.evict(turn));
        }
        gone
    }

    /// Looks at every idle connection, longest idle first, and lets go of those not to be kept.
    pub(crate) fn retain_idle(&mut self, mut keep: impl FnMut(&K, &mut C) -> bool) -> Vec<C> {
        let mut dropped = Vec::new();
        for (&turn, &id) in &self.parked {
            let room = &mut self.rooms[id];
            if let Some(idle) = room.idle.get_mut(&turn)
                && !keep(&room.key, &mut idle.connection)
            {
                dropped.push(turn);
            }
        }
        let gone = dropped.into_iter().filter_map(|turn| self.evict(turn));
        gone.collect()
    }

    /// Lets go of every idle connection, longest idle first.
    #[cfg(test)]
    pub(crate) fn drain_idle(&mut self) -> Vec<C> {
        self.retain_idle(|_, _| false)
    }

    /// When the next idle connection will be past its deadline.
    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// Whether any connection is idle.
    pub(crate) fn has_idle(&self) -> bool {
        !self.parked.is_empty()
    }

    /// How many connections of this key are idle.
    #[cfg(test)]
    pub(crate) fn idle(&self, key: &K) -> usize {
        self.rooms
            .find(key)
            .map_or(0, |id| self.rooms[id].idle.len())
    }

    /// How many connections of this key are busy, dials included.
    #[cfg(test)]
    pub(crate) fn busy(&self, key: &K) -> usize {
        self.rooms.find(key).map_or(0, |id| self.rooms[id].busy)
    }

    /// How many requests wait for a connection of this key.
    #[cfg(test)]
    pub(crate) fn waiting(&self, key: &K) -> usize {
        self.rooms
            .find(key)
            .map_or(0, |id| self.rooms[id].waiting.len())
    }

    /// How many connections and dials count against the total limit.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// The room of `key` where something is busy; asking for another is an error of the caller's.
    fn busy_room(&self, key: &K) -> Option<RoomId> {
        let id = self.rooms.find(key).filter(|&id| self.rooms[id].busy > 0);
        debug_assert!(id.is_some(), "what comes back was never given out");
        id
    }

    /// Takes the idle connection whose turn it is, past those that are past their deadline.
    fn reuse(&mut self, id: RoomId, now: Moment, dead: &mut Vec<C>) -> Option<C> {
        while let Some(turn) = self.rooms[id].next_idle(self.limits.scheduling) {
            let idle = self.unpark(id, turn)?;
            if !idle.is_over(now) {
                self.occupy(id);
                return Some(idle.connection);
            }
            dead.push(idle.connection);
        }
        None
    }

    /// Sees to it that one more connection is within the total limit; an idle one may have to go.
    fn make_room(&mut self, now: Moment, dead: &mut Vec<C>) -> bool {
        if self
            .limits
            .max_total_sockets
            .is_none_or(|most| self.total < most)
        {
            return true;
        }
        let longest_idle = || self.parked.keys().next().copied();
        let evicted = self
            .overdue(now)
            .or_else(longest_idle)
            .and_then(|turn| self.evict(turn));
        let made_room = evicted.is_some();
        dead.extend(evicted);
        made_room
    }

    /// Whether a connection of this room that nobody here waits for may stay as an idle one.
    fn may_park(&self, id: RoomId) -> bool {
        self.limits.keep_alive
            && self.held_back.is_empty()
            && self.rooms[id].idle.len() < self.limits.max_free_sockets
    }

    /// Gives the place that has just become free in this room to whoever has the first claim.
    fn pass_on(&mut self, id: RoomId) -> Option<(K, W)> {
        let heir = if self.rooms[id].waiting.is_empty() {
            self.held_back.values().next().copied()
        } else {
            Some(id)
        };
        let next = heir.and_then(|heir| {
            let room = &mut self.rooms[heir];
            let (_, waiter) = room.waiting.pop_first()?;
            let key = room.key.clone();
            self.occupy(heir);
            self.settle(heir);
            Some((key, waiter))
        });
        self.settle(id);
        next
    }

    /// Counts one more busy connection.
    fn occupy(&mut self, id: RoomId) {
        self.rooms[id].busy += 1;
        self.total += 1;
    }

    /// Counts one busy connection less; the room is not settled yet.
    fn vacate(&mut self, id: RoomId) {
        self.rooms[id].busy -= 1;
        self.total -= 1;
    }

    /// Adds an idle connection, the youngest of all.
    fn park(&mut self, id: RoomId, idle: Idle<C>) {
        let turn = self.turns.take();
        if let Some(deadline) = idle.deadline {
            self.deadlines.insert((deadline, turn));
        }
        self.parked.insert(turn, id);
        self.rooms[id].idle.insert(turn, idle);
        self.total += 1;
    }

    /// Takes out an idle connection, which counts no longer; the room is not settled yet.
    fn unpark(&mut self, id: RoomId, turn: Turn) -> Option<Idle<C>> {
        let idle = self.rooms[id].idle.remove(&turn)?;
        if let Some(deadline) = idle.deadline {
            self.deadlines.remove(&(deadline, turn));
        }
        self.parked.remove(&turn);
        self.total -= 1;
        Some(idle)
    }

    /// Lets go of an idle connection, wherever it is.
    fn evict(&mut self, turn: Turn) -> Option<C> {
        let id = *self.parked.get(&turn)?;
        let idle = self.unpark(id, turn)?;
        self.settle(id);
        Some(idle.connection)
    }

    /// The idle connection that is past its deadline the longest.
    fn overdue(&self, now: Moment) -> Option<Turn> {
        let &(deadline, turn) = self.deadlines.first()?;
        (deadline <= now).then_some(turn)
    }

    /// Brings the claims up to date with a room that has changed, and clears it away if empty.
    fn settle(&mut self, id: RoomId) {
        let room = &mut self.rooms[id];
        let place = room.place(self.limits.max_sockets);
        if place != room.held_back {
            let before = std::mem::replace(&mut room.held_back, place);
            if let Some(place) = before {
                self.held_back.remove(&place);
            }
            if let Some(place) = place {
                self.held_back.insert(place, id);
            }
        }
        self.rooms.leave_if_empty(id);
    }
}

impl<K, C, W> fmt::Debug for Pool<K, C, W> {
    /// Counts only: keys may name credentials, and connections are not ours to show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("limits", &self.limits)
            .field("total", &self.total)
            .field("idle", &self.parked.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
