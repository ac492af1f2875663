//! What the pool knows of one key, and where to find it by key or by number.
//!
//! A room lives while anything is in it. Its number stays the same meanwhile, so that the pool's
//! orders (longest idle, nearest deadline, oldest claim) need not copy keys; numbers are used
//! again, turns are not. No limit is enforced here.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::ops::{Index, IndexMut};

use sealane_proto::Moment;

use super::{Evicted, Scheduling};

/// All rooms that are not empty.
pub(super) struct Rooms<K, C, W> {
    numbers: HashMap<K, RoomId>,
    rooms: Vec<Option<Room<K, C, W>>>,
    /// Numbers whose room has been cleared away.
    vacant: Vec<RoomId>,
}

impl<K: Eq + Hash + Clone, C, W> Rooms<K, C, W> {
    /// No rooms.
    pub(super) fn new() -> Self {
        Self {
            numbers: HashMap::new(),
            rooms: Vec::new(),
            vacant: Vec::new(),
        }
    }

    /// The room of `key`, if there is one.
    pub(super) fn find(&self, key: &K) -> Option<RoomId> {
        self.numbers.get(key).copied()
    }

    /// The room of `key`, made if there is none.
    pub(super) fn enter(&mut self, key: &K) -> RoomId {
        if let Some(id) = self.find(key) {
            return id;
        }
        let room = Some(Room::new(key.clone()));
        let id = if let Some(id) = self.vacant.pop() {
            self.rooms[id.0] = room;
            id
        } else {
            self.rooms.push(room);
            RoomId(self.rooms.len() - 1)
        };
        self.numbers.insert(key.clone(), id);
        id
    }

    /// All rooms, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Room<K, C, W>> {
        self.rooms.iter().flatten()
    }

    /// The numbers of all rooms.
    pub(super) fn ids(&self) -> Vec<RoomId> {
        self.numbers.values().copied().collect()
    }

    /// The room with this number, if it has not been cleared away.
    pub(super) fn open(&mut self, id: RoomId) -> Option<&mut Room<K, C, W>> {
        self.rooms.get_mut(id.0)?.as_mut()
    }

    /// Clears a room away that has nothing in it, so that keys once used leave nothing behind.
    pub(super) fn leave_if_empty(&mut self, id: RoomId) {
        if !self[id].is_empty() {
            return;
        }
        if let Some(room) = self.rooms[id.0].take() {
            self.numbers.remove(&room.key);
            self.vacant.push(id);
        }
    }

    /// How many rooms there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.rooms.len(), self.numbers.len() + self.vacant.len());
        self.numbers.len()
    }

    /// How many rooms there were at most.
    #[cfg(test)]
    pub(super) fn numbers_ever_used(&self) -> usize {
        self.rooms.len()
    }
}

impl<K, C, W> Index<RoomId> for Rooms<K, C, W> {
    type Output = Room<K, C, W>;

    fn index(&self, id: RoomId) -> &Self::Output {
        self.rooms[id.0].as_ref().expect(IS_LIVE)
    }
}

impl<K, C, W> IndexMut<RoomId> for Rooms<K, C, W> {
    fn index_mut(&mut self, id: RoomId) -> &mut Self::Output {
        self.rooms[id.0].as_mut().expect(IS_LIVE)
    }
}

/// What there is of one key.
pub(super) struct Room<K, C, W> {
    /// Whose room it is.
    pub(super) key: K,
    /// Connections in use, and dials under way.
    pub(super) busy: usize,
    /// Connections not in use, longest idle first.
    pub(super) idle: BTreeMap<Turn, Idle<C>>,
    /// Requests whose dial is under way, first come first; they stand before all that wait.
    pub(super) dialling: BTreeMap<Turn, W>,
    /// Requests in the queue that may not dial, first come first.
    pub(super) waiting: BTreeMap<Turn, W>,
    /// Dials whose request was served otherwise or is gone.
    pub(super) orphans: BTreeMap<Turn, W>,
    /// The place among those that the total limit holds back, as the pool has it noted.
    pub(super) held_back: Option<Place>,
}

impl<K, C, W> Room<K, C, W> {
    fn new(key: K) -> Self {
        Self {
            key,
            busy: 0,
            idle: BTreeMap::new(),
            dialling: BTreeMap::new(),
            waiting: BTreeMap::new(),
            orphans: BTreeMap::new(),
            held_back: None,
        }
    }

    /// Whether one more connection is within the limit of one key.
    pub(super) fn is_below(&self, max_sockets: Option<usize>) -> bool {
        max_sockets.is_none_or(|most| self.count() < most)
    }

    /// Connections and dials.
    pub(super) fn count(&self) -> usize {
        self.busy + self.idle.len()
    }

    /// The idle connection that goes out next.
    pub(super) fn next_idle(&self, scheduling: Scheduling) -> Option<Turn> {
        let mut turns = self.idle.keys();
        let next = match scheduling {
            Scheduling::Lifo => turns.next_back(),
            Scheduling::Fifo => turns.next(),
        };
        next.copied()
    }

    /// When the first in the queue came.
    pub(super) fn first_turn(&self) -> Option<Turn> {
        let first = self.dialling.first_key_value().map(|(turn, _)| *turn);
        first.or_else(|| self.waiting.first_key_value().map(|(turn, _)| *turn))
    }

    /// The claim of the first waiter to a place that becomes free elsewhere, if it could use one.
    pub(super) fn place(&self, max_sockets: Option<usize>) -> Option<Place> {
        let (&turn, _) = self.waiting.first_key_value()?;
        self.is_below(max_sockets).then_some(Place {
            has_busy: self.busy > 0,
            turn,
        })
    }

    fn is_empty(&self) -> bool {
        // Whoever dials makes the room busy.
        self.busy == 0 && self.idle.is_empty() && self.waiting.is_empty()
    }
}

/// A connection nobody uses.
#[derive(Debug)]
pub(super) struct Idle<C> {
    /// The connection itself.
    pub(super) connection: C,
    /// From when on it is not to be used again, and why.
    pub(super) deadline: Option<(Moment, Evicted)>,
}

impl<C> Idle<C> {
    /// Why it is not to be used again, once its deadline has come.
    pub(super) fn is_over(&self, now: Moment) -> Option<Evicted> {
        self.deadline
            .filter(|&(deadline, _)| deadline <= now)
            .map(|(_, why)| why)
    }
}

/// The number of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RoomId(usize);

/// A place in time, given out once: who has the smaller one came first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(u64);

impl Turn {
    /// Moves on to the next turn and takes it.
    pub(super) fn take(&mut self) -> Self {
        self.0 += 1;
        *self
    }
}

/// The claim of a room's first waiter; the smaller one is served first.
///
/// The order of the fields matters: a key that has nothing busy has no connection of its own that
/// could come back to its waiters, and goes before one that has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Whether the room has a busy connection.
    has_busy: bool,
    /// When the waiter came.
    turn: Turn,
}

impl Place {
    /// When the waiter came.
    pub(super) fn turn(self) -> Turn {
        self.turn
    }
}

/// Why indexing by number is safe: numbers outside the rooms are kept only for what is in a room
/// (an idle connection, a claim), and a room with something in it is not cleared away. The one that
/// callers keep ([`super::WaitId`]) goes through [`Rooms::open`].
const IS_LIVE: &str = "a room with something in it is not cleared away";
