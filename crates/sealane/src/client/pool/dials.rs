//! Dials beside the queue: who gets what one brings, and when one is needed no more.

use std::hash::Hash;

use sealane_proto::Moment;

use super::{Checkout, Evicted, Leavings, Next, Pool, Rest, Returned, RoomId, WaitId};

impl<K: Eq + Hash + Clone, C, W: Clone> Pool<K, C, W> {
    /// A dial has brought a connection: its own request gets it, if it still waits, whatever its
    /// age; else it is given back, and goes to the next in the queue.
    pub(crate) fn dialled(
        &mut self,
        key: &K,
        dial: WaitId,
        connection: C,
        (now, rest): (Moment, Rest),
        leavings: &mut Leavings<C, W>,
    ) -> Returned<K, C, W> {
        if let Some(waiter) = self.own_request(dial) {
            self.settle(dial.room);
            return Returned::Handed { waiter, connection };
        }
        self.give_back(key, connection, now, rest, leavings)
    }

    /// Another connection in the place of a busy one that is gone: an idle one of the same key, or
    /// the right to dial in that very place, which no request that came later can take.
    ///
    /// `None` where that place is one too many since a limit was lowered: it is still to be
    /// released. An idle one makes the place free, and nobody can be waiting for it then.
    pub(crate) fn replace(
        &mut self,
        key: &K,
        now: Moment,
        waiter: impl FnOnce() -> W,
        leavings: &mut Leavings<C, W>,
    ) -> Option<Checkout<C>> {
        let id = self.busy_room(key)?;
        if let Some(connection) = self.reuse(id, now, leavings) {
            self.vacate(id);
            self.settle(id);
            return Some(Checkout::Reuse(connection));
        }
        if self.is_excessive(id) {
            self.settle(id);
            return None;
        }
        let turn = self.turns.take();
        self.rooms[id].dialling.insert(turn, waiter());
        self.settle(id);
        Some(Checkout::Dial(WaitId { room: id, turn }))
    }

    /// A dial has come to nothing: its own request, if it still waits, fails with it. As after
    /// [`Pool::release`], somebody else may dial in its stead.
    pub(crate) fn dial_failed(
        &mut self,
        key: &K,
        dial: WaitId,
        leavings: &mut Leavings<C, W>,
    ) -> (Option<W>, Option<Next<K, W>>) {
        let own = self.own_request(dial);
        (own, self.release(key, leavings))
    }

    /// The right to dial without a request, for one that may come; `None` where a limit is in the
    /// way, or where nothing would be parked. Nothing has to go for it.
    pub(crate) fn preconnect(&mut self, key: &K, waiter: impl FnOnce() -> W) -> Option<WaitId> {
        let id = self.rooms.enter(key);
        let room = &self.rooms[id];
        let resting = room.idle.len() + room.orphans.len();
        let allowed = room.is_below(self.limits.max_sockets)
            && self.total_is_below()
            && self.why_not_park(id).is_none()
            && resting < self.limits.max_free_sockets;
        if !allowed {
            self.settle(id);
            return None;
        }
        let turn = self.turns.take();
        self.occupy(id);
        self.rooms[id].orphans.insert(turn, waiter());
        self.orphans.insert(turn, id);
        self.settle(id);
        Some(WaitId { room: id, turn })
    }

    /// Takes the first out of the queue of a room, to be served by a connection that came back.
    pub(super) fn serve_next(&mut self, id: RoomId, leavings: &mut Leavings<C, W>) -> Option<W> {
        let first = self.rooms[id].first_turn()?;
        self.note_served(first);
        if let Some((turn, waiter)) = self.rooms[id].dialling.pop_first() {
            self.orphan(WaitId { room: id, turn }, waiter.clone(), leavings);
            return Some(waiter);
        }
        let (_, waiter) = self.rooms[id].waiting.pop_first()?;
        self.settle(id);
        self.stop_spare(id, leavings);
        Some(waiter)
    }

    /// Lets the first waiter of a room dial; it stays in the queue.
    pub(super) fn grant(&mut self, id: RoomId) -> Option<Next<K, W>> {
        let (turn, waiter) = self.rooms[id].waiting.pop_first()?;
        self.rooms[id].dialling.insert(turn, waiter.clone());
        self.occupy(id);
        self.settle(id);
        Some(Next {
            key: self.rooms[id].key.clone(),
            waiter,
            dial: WaitId { room: id, turn },
        })
    }

    /// A dial goes on without its request.
    pub(super) fn orphan(&mut self, dial: WaitId, waiter: W, leavings: &mut Leavings<C, W>) {
        self.rooms[dial.room].orphans.insert(dial.turn, waiter);
        self.orphans.insert(dial.turn, dial.room);
        self.stop_spare(dial.room, leavings);
    }

    /// Stops the orphaned dials of a room that bring more than its queue needs and may be parked,
    /// the youngest first. They count until they have failed.
    pub(super) fn stop_spare(&mut self, id: RoomId, leavings: &mut Leavings<C, W>) {
        let room = &self.rooms[id];
        let spare = room.orphans.len().saturating_sub(room.waiting.len());
        let may_rest = match self.why_not_park(id) {
            Some(Evicted::MadeRoom | Evicted::NotKept) => 0,
            _ => (self.limits.max_free_sockets).saturating_sub(room.idle.len()),
        };
        for _ in may_rest..spare {
            if let Some((turn, waiter)) = self.rooms[id].orphans.pop_last() {
                self.orphans.remove(&turn);
                leavings.stopped.push(waiter);
            }
        }
    }

    /// The same in all rooms.
    pub(super) fn stop_what_nobody_needs(&mut self, leavings: &mut Leavings<C, W>) {
        let rooms: Vec<_> = self.orphans.values().copied().collect();
        for id in rooms {
            self.stop_spare(id, leavings);
        }
    }

    /// Ends a dial, and takes its request out of the queue if that is still there.
    fn own_request(&mut self, dial: WaitId) -> Option<W> {
        self.orphans.remove(&dial.turn);
        let room = self.rooms.open(dial.room)?;
        room.orphans.remove(&dial.turn);
        room.dialling.remove(&dial.turn)
    }
}
