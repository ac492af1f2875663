//! Which request gets which connection: idle, busy and waiting, for every key.
//!
//! Pure: no I/O, no clock, no lock, no task; time comes as an argument, connections and waiters are
//! whatever the caller keeps. The pool never closes a connection: what it lets go of it hands back,
//! to be dropped outside the caller's lock. It does not know what a key means (that is
//! [`super::key`]'s affair) nor whether a connection still works. RFC 9112 §9.3 and §9.4.
//!
//! # What always holds between two calls
//!
//! 1. No limit is exceeded; a dial counts like a connection, from the moment it is granted. (A
//!    limit that is lowered is met as connections come back; nothing new is opened meanwhile.)
//! 2. A key with a request in its queue has no idle connection.
//! 3. A request without a dial waits only because its key is at its own limit, or because the pool
//!    is at its total limit *and nothing is idle anywhere*: an idle connection makes room for
//!    whoever needs it.
//! 4. Nobody waits for ever: who is held back by the total limit alone, and longest of all, is
//!    passed over at most eight times by one who came later.
//! 5. A dial that no request waits for goes on only for one that has none, or because what it
//!    brings may be parked. Where a key is held back by the total limit, that is never so.
//!
//! From 2 and 3 follows that an idle connection which goes (expired, found dead, drained) never
//! makes room that a waiter could use: whoever could have used it would not be waiting. So only a
//! busy connection or a dial that ends can free somebody, at most one.
//!
//! # Requests and dials
//!
//! A request that may dial stays in the queue, before all that may not: whatever comes first serves
//! it, its dial or a connection that becomes free. Its dial then goes on without it, an *orphan*,
//! for the next in the queue, or is to be stopped. So does the dial of a request that gave up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::Hash;

use sealane_proto::Moment;

pub use self::limits::{Evicted, Scheduling};
pub(crate) use self::limits::{PoolLimits, Rest, retirement};
pub(crate) use self::live::Count;
use self::room::{Idle, Place, RoomId, Rooms, Turn};

mod dials;
mod limits;
mod live;
mod room;

/// What a request gets when it asks for a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Checkout<C> {
    /// This connection, which was idle; it is busy now.
    Reuse(C),
    /// The right to dial, which counts as busy until [`Pool::dialled`] or [`Pool::dial_failed`],
    /// and a place in the queue beside it.
    Dial(WaitId),
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
        /// Why.
        why: Evicted,
        /// Who may dial in its stead, as from [`Pool::release`].
        next: Option<Next<K, W>>,
    },
}

/// A request that may dial now, and stays in the queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Next<K, W> {
    /// Where to.
    pub(crate) key: K,
    /// Whom to tell. If that cannot be done, its dial has failed.
    pub(crate) waiter: W,
    /// The dial's name.
    pub(crate) dial: WaitId,
}

/// What a call leaves to be done outside the caller's lock.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Leavings<C, W> {
    /// Connections to close, each with the reason.
    pub(crate) closed: Vec<(C, Evicted)>,
    /// Requests, served or gone, whose dial is to be stopped: nobody needs what it would bring.
    pub(crate) stopped: Vec<W>,
}

impl<C, W> Leavings<C, W> {
    pub(crate) fn new() -> Self {
        Self {
            closed: Vec::new(),
            stopped: Vec::new(),
        }
    }
}

/// A place in the queue, good for [`Pool::cancel`], and the name of a dial.
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
    /// The same, who came first before all others.
    elders: BTreeMap<Turn, RoomId>,
    /// How often somebody who came later was served before the first of the elders.
    passed_over: (Turn, u32),
    /// The rooms of all orphaned dials.
    orphans: BTreeMap<Turn, RoomId>,
}

impl<K: Eq + Hash + Clone, C, W: Clone> Pool<K, C, W> {
    /// An empty pool.
    pub(crate) fn new(limits: PoolLimits) -> Self {
        Self {
            limits: limits.sound(),
            rooms: Rooms::new(),
            total: 0,
            turns: Turn::default(),
            parked: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            held_back: BTreeMap::new(),
            elders: BTreeMap::new(),
            passed_over: (Turn::default(), 0),
            orphans: BTreeMap::new(),
        }
    }

    /// Takes an idle connection, or the right to dial, or a place in the queue.
    ///
    /// `waiter` is not called where a connection is there. Let go of on the way are idle
    /// connections of this key past their deadline, and, where the total limit is reached, the one
    /// of another key that made room for a dial (one past its deadline, else the longest idle).
    /// Where there is none, orphaned dials that nobody needs are stopped, to make room soon.
    pub(crate) fn checkout(
        &mut self,
        key: &K,
        now: Moment,
        waiter: impl FnOnce() -> W,
        leavings: &mut Leavings<C, W>,
    ) -> Checkout<C> {
        let id = self.rooms.enter(key);
        if let Some(connection) = self.reuse(id, now, leavings) {
            self.settle(id);
            return Checkout::Reuse(connection);
        }
        let turn = self.turns.take();
        let place = WaitId { room: id, turn };
        if self.rooms[id].is_below(self.limits.max_sockets) && self.make_room(now, leavings) {
            self.occupy(id);
            self.rooms[id].dialling.insert(turn, waiter());
            self.settle(id);
            return Checkout::Dial(place);
        }
        self.rooms[id].waiting.insert(turn, waiter());
        self.settle(id);
        self.stop_what_nobody_needs(leavings);
        Checkout::Wait(place)
    }

    /// Takes back a busy connection that could carry another exchange.
    ///
    /// It goes to the first in the queue of its key, also where the pool keeps nothing idle. Else
    /// it is parked, unless the limits forbid that or a waiter of another key needs its place: then
    /// it is refused, and that waiter may dial. One that may not rest is refused; so is one that is
    /// over its age, or too many since a limit was lowered, also if somebody waits.
    pub(crate) fn give_back(
        &mut self,
        key: &K,
        connection: C,
        now: Moment,
        rest: Rest,
        leavings: &mut Leavings<C, W>,
    ) -> Returned<K, C, W> {
        let Some(id) = self.busy_room(key) else {
            return Returned::Refused {
                connection,
                why: Evicted::NotKept,
                next: None,
            };
        };
        let spent = match rest.is_over_age(now) {
            true => Some(Evicted::TooOld),
            false => self.is_excessive(id).then_some(Evicted::TooMany),
        };
        if let Some(why) = spent {
            return self.refuse(id, connection, why, leavings);
        }
        let first = self.rooms[id].first_turn();
        if let (Some((elder, _)), Some(first)) = (self.elder_due(), first)
            && elder < first
        {
            return self.refuse(id, connection, Evicted::MadeRoom, leavings);
        }
        if let Some(waiter) = self.serve_next(id, leavings) {
            return Returned::Handed { waiter, connection };
        }
        let deadline = rest.deadline(&self.limits, now);
        let refused = match deadline {
            Some((end, why)) if end <= now => Some(why),
            _ => self.why_not_park(id),
        };
        if let Some(why) = refused {
            return self.refuse(id, connection, why, leavings);
        }
        self.vacate(id);
        let idle = Idle {
            connection,
            deadline,
        };
        self.park(id, idle);
        self.stop_spare(id, leavings);
        Returned::Parked
    }

    /// Forgets a busy connection that is gone, and tells who may dial in its stead.
    ///
    /// That is the first waiter of the same key, if fewer dials go on for its queue; else of the
    /// keys without a busy connection, then of the others below their own limit, the waiter that
    /// came first. Its dial is already counted as busy. Dials that nobody needs any more are
    /// stopped.
    pub(crate) fn release(&mut self, key: &K, leavings: &mut Leavings<C, W>) -> Option<Next<K, W>> {
        let id = self.busy_room(key)?;
        self.vacate(id);
        self.pass_on(id, leavings)
    }

    /// Takes a request that gave up out of the queue; its dial, if it has one, is an orphan now.
    ///
    /// `false` says that it is not there: a connection is on its way to it, and whoever gave up has
    /// to give it back.
    pub(crate) fn cancel(&mut self, wait: WaitId, leavings: &mut Leavings<C, W>) -> bool {
        let Some(room) = self.rooms.open(wait.room) else {
            return false;
        };
        if let Some(waiter) = room.dialling.remove(&wait.turn) {
            self.orphan(wait, waiter, leavings);
            return true;
        }
        let was_waiting = room.waiting.remove(&wait.turn).is_some();
        if was_waiting {
            self.renew_claim(wait.room);
            self.stop_spare(wait.room, leavings);
            self.rooms.leave_if_empty(wait.room);
        }
        was_waiting
    }

    /// Lets go of the idle connections past their deadline, nearest deadline first.
    ///
    /// A connection is past its deadline from that very millisecond on.
    pub(crate) fn expire(&mut self, now: Moment) -> Vec<(C, Evicted)> {
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
        gone.map(|(connection, _)| connection).collect()
    }

    /// Lets go of every idle connection, longest idle first.
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
    fn reuse(&mut self, id: RoomId, now: Moment, leavings: &mut Leavings<C, W>) -> Option<C> {
        while let Some(turn) = self.rooms[id].next_idle(self.limits.scheduling) {
            let idle = self.unpark(id, turn)?;
            let Some(why) = idle.is_over(now) else {
                self.occupy(id);
                return Some(idle.connection);
            };
            leavings.closed.push((idle.connection, why));
        }
        None
    }

    /// Sees to it that one more connection is within the total limit; an idle one may have to go.
    fn make_room(&mut self, now: Moment, leavings: &mut Leavings<C, W>) -> bool {
        if self.total_is_below() {
            return true;
        }
        let longest_idle = || self.parked.keys().next().copied();
        let evicted = match self.overdue(now) {
            Some(turn) => self.evict(turn),
            None => longest_idle()
                .and_then(|turn| self.evict(turn))
                .map(|(connection, _)| (connection, Evicted::MadeRoom)),
        };
        leavings.closed.extend(evicted);
        self.total_is_below()
    }

    fn total_is_below(&self) -> bool {
        let most = self.limits.max_total_sockets;
        most.is_none_or(|most| self.total < most)
    }

    /// Whether this room, or the pool, holds more than it may since a limit was lowered.
    fn is_excessive(&self, id: RoomId) -> bool {
        let over = |most: Option<usize>, count| most.is_some_and(|most| count > most);
        over(self.limits.max_total_sockets, self.total)
            || over(self.limits.max_sockets, self.rooms[id].count())
    }

    /// Why a connection of this room that nobody here waits for may not stay as an idle one.
    fn why_not_park(&self, id: RoomId) -> Option<Evicted> {
        if !self.limits.keep_alive {
            return Some(Evicted::NotKept);
        }
        if !self.held_back.is_empty() {
            return Some(Evicted::MadeRoom);
        }
        let is_full = self.rooms[id].idle.len() >= self.limits.max_free_sockets;
        is_full.then_some(Evicted::TooMany)
    }

    /// Lets go of a busy connection that has come back.
    fn refuse(
        &mut self,
        id: RoomId,
        connection: C,
        why: Evicted,
        leavings: &mut Leavings<C, W>,
    ) -> Returned<K, C, W> {
        self.vacate(id);
        Returned::Refused {
            connection,
            why,
            next: self.pass_on(id, leavings),
        }
    }

    /// Gives the place that has just become free in this room to whoever has the first claim.
    fn pass_on(&mut self, id: RoomId, leavings: &mut Leavings<C, W>) -> Option<Next<K, W>> {
        self.renew_claim(id);
        let room = &self.rooms[id];
        // Those for whom a dial goes on already need no other so soon.
        let own = room.waiting.len() > room.orphans.len();
        let own = own && room.is_below(self.limits.max_sockets);
        let heir = match self.elder_due() {
            Some((_, elder)) => Some(elder),
            None if own => Some(id),
            None => self.held_back.values().next().copied(),
        };
        let heir = heir.filter(|_| self.total_is_below());
        if let Some(turn) = heir.and_then(|heir| self.rooms[heir].waiting.keys().next()) {
            self.note_served(*turn);
        }
        let next = heir.and_then(|heir| self.grant(heir));
        self.settle(id);
        self.stop_what_nobody_needs(leavings);
        next
    }

    /// The one that the total limit has held back the longest, if it has been passed over so often
    /// that the next place is its own.
    fn elder_due(&self) -> Option<(Turn, RoomId)> {
        let (&turn, &id) = self.elders.first_key_value()?;
        let is_due = self.passed_over.0 == turn && self.passed_over.1 >= MOST_PASSED_OVER;
        is_due.then_some((turn, id))
    }

    /// Somebody is served who came at that turn.
    fn note_served(&mut self, served: Turn) {
        let Some((&elder, _)) = self.elders.first_key_value() else {
            return;
        };
        if elder < served {
            let (turn, count) = self.passed_over;
            let before = if turn == elder { count } else { 0 };
            self.passed_over = (elder, before + 1);
        }
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
        if let Some((deadline, _)) = idle.deadline {
            self.deadlines.insert((deadline, turn));
        }
        self.parked.insert(turn, id);
        self.rooms[id].idle.insert(turn, idle);
        self.total += 1;
    }

    /// Takes out an idle connection, which counts no longer; the room is not settled yet.
    fn unpark(&mut self, id: RoomId, turn: Turn) -> Option<Idle<C>> {
        let idle = self.rooms[id].idle.remove(&turn)?;
        if let Some((deadline, _)) = idle.deadline {
            self.deadlines.remove(&(deadline, turn));
        }
        self.parked.remove(&turn);
        self.total -= 1;
        Some(idle)
    }

    /// Lets go of an idle connection, wherever it is; the reason is that of its deadline.
    fn evict(&mut self, turn: Turn) -> Option<(C, Evicted)> {
        let id = *self.parked.get(&turn)?;
        let idle = self.unpark(id, turn)?;
        self.settle(id);
        let why = idle.deadline.map_or(Evicted::TimedOut, |(_, why)| why);
        Some((idle.connection, why))
    }

    /// The idle connection that is past its deadline the longest.
    fn overdue(&self, now: Moment) -> Option<Turn> {
        let &(deadline, turn) = self.deadlines.first()?;
        (deadline <= now).then_some(turn)
    }

    /// Brings the claims up to date with a room that has changed, and clears it away if empty.
    fn settle(&mut self, id: RoomId) {
        self.renew_claim(id);
        self.rooms.leave_if_empty(id);
    }

    /// Brings the claims up to date with a room that has changed.
    fn renew_claim(&mut self, id: RoomId) {
        let room = &mut self.rooms[id];
        let place = room.place(self.limits.max_sockets);
        if place != room.held_back {
            let before = std::mem::replace(&mut room.held_back, place);
            if let Some(place) = before {
                self.held_back.remove(&place);
                self.elders.remove(&place.turn());
            }
            if let Some(place) = place {
                self.held_back.insert(place, id);
                self.elders.insert(place.turn(), id);
            }
        }
    }
}

/// How often one who waits for the total limit alone is passed over while it is the first of these.
///
/// A connection is better used again by its own key than closed for another, and yet a busy key
/// must not starve the others.
const MOST_PASSED_OVER: u32 = 8;

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
