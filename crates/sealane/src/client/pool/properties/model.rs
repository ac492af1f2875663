//! What the pool must answer, in plain lists.

use super::super::{Evicted, PoolLimits, Scheduling};
use super::KEYS;

/// A deadline, and what it means.
pub(super) type End = Option<(u64, Evicted)>;

/// The pool as one would write it if time did not matter: lists, searched from end to end.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) limits: PoolLimits,
    /// The key of each busy connection and each dial.
    pub(super) busy: Vec<u8>,
    /// Key, connection and deadline, longest idle first.
    pub(super) idle: Vec<(u8, u32, End)>,
    /// Key and request, first come first, and whether it dials.
    pub(super) queue: Vec<(u8, u32, bool)>,
    /// Key and request of the dials that go on without it.
    pub(super) orphans: Vec<(u8, u32)>,
    /// Who is held back longest by the total limit, and how often it was passed over.
    pub(super) passed_over: (u32, u32),
}

/// What a request should get.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lot {
    Reuse(u32),
    Dial,
    Wait,
}

impl Model {
    pub(super) fn total(&self) -> usize {
        self.busy.len() + self.idle.len()
    }

    pub(super) fn count(&self, key: u8) -> usize {
        self.busy_of(key) + self.idle_of(key)
    }

    pub(super) fn busy_of(&self, key: u8) -> usize {
        self.busy.iter().filter(|&&busy| busy == key).count()
    }

    pub(super) fn idle_of(&self, key: u8) -> usize {
        self.idle.iter().filter(|idle| idle.0 == key).count()
    }

    /// The requests of a key that may not dial, first come first.
    pub(super) fn waiting_of(&self, key: u8) -> impl Iterator<Item = u32> {
        let waiting = self.queue.iter().filter(move |it| it.0 == key && !it.2);
        waiting.map(|it| it.1)
    }

    pub(super) fn orphans_of(&self, key: u8) -> usize {
        self.orphans.iter().filter(|it| it.0 == key).count()
    }

    /// Whether one more connection of this key is within the key's limit.
    pub(super) fn key_may_dial(&self, key: u8) -> bool {
        let most = self.limits.max_sockets;
        most.is_none_or(|most| self.count(key) < most)
    }

    /// Whether one more connection is within the total limit.
    pub(super) fn total_may_grow(&self) -> bool {
        let most = self.limits.max_total_sockets;
        most.is_none_or(|most| self.total() < most)
    }

    /// Whether only the total limit keeps somebody from dialling.
    pub(super) fn holds_back(&self) -> bool {
        let waiting = self.queue.iter().filter(|it| !it.2);
        waiting.into_iter().any(|it| self.key_may_dial(it.0))
    }

    /// Who of them came first.
    pub(super) fn elder(&self) -> Option<(u8, u32)> {
        let waiting = self.queue.iter().filter(|it| !it.2);
        let held_back = waiting.filter(|it| self.key_may_dial(it.0));
        held_back.map(|it| (it.0, it.1)).min_by_key(|it| it.1)
    }

    /// The same, if it has been passed over often enough.
    pub(super) fn elder_due(&self) -> Option<(u8, u32)> {
        let (whose, count) = self.passed_over;
        self.elder().filter(|it| it.1 == whose && count >= 8)
    }

    pub(super) fn note_served(&mut self, served: u32) {
        if let Some((_, elder)) = self.elder().filter(|it| it.1 < served) {
            let (whose, count) = self.passed_over;
            self.passed_over = (elder, if whose == elder { count + 1 } else { 1 });
        }
    }

    pub(super) fn checkout(
        &mut self,
        key: u8,
        now: u64,
        waiter: u32,
    ) -> (Lot, Vec<(u32, Evicted)>) {
        let mut gone = Vec::new();
        if let Some(connection) = self.reuse(key, now, &mut gone) {
            self.busy.push(key);
            return (Lot::Reuse(connection), gone);
        }
        let may_dial = self.key_may_dial(key) && (self.total_may_grow() || !self.idle.is_empty());
        if may_dial {
            if !self.total_may_grow() {
                let overdue = self.overdue(now);
                let (_, connection, end) = self.idle.remove(overdue.unwrap_or(0));
                let why = end.filter(|_| overdue.is_some());
                gone.push((connection, why.map_or(Evicted::MadeRoom, |end| end.1)));
            }
            self.busy.push(key);
        }
        self.queue.push((key, waiter, may_dial));
        (if may_dial { Lot::Dial } else { Lot::Wait }, gone)
    }

    /// What a request gets in the place that it has; nothing where that is one too many.
    pub(super) fn replace(
        &mut self,
        key: u8,
        now: u64,
        waiter: u32,
    ) -> (Option<Lot>, Vec<(u32, Evicted)>) {
        let mut gone = Vec::new();
        if let Some(connection) = self.reuse(key, now, &mut gone) {
            return (Some(Lot::Reuse(connection)), gone);
        }
        if self.is_excessive(key) {
            return (None, gone);
        }
        self.queue.push((key, waiter, true));
        (Some(Lot::Dial), gone)
    }

    fn is_excessive(&self, key: u8) -> bool {
        let over = |most: Option<usize>, count| most.is_some_and(|most| count > most);
        over(self.limits.max_total_sockets, self.total())
            || over(self.limits.max_sockets, self.count(key))
    }

    fn reuse(&mut self, key: u8, now: u64, gone: &mut Vec<(u32, Evicted)>) -> Option<u32> {
        loop {
            let mut places = (0..self.idle.len()).filter(|&place| self.idle[place].0 == key);
            let place = match self.limits.scheduling {
                Scheduling::Lifo => places.next_back(),
                Scheduling::Fifo => places.next(),
            };
            let (_, connection, deadline) = self.idle.remove(place?);
            match deadline {
                Some((deadline, why)) if deadline <= now => gone.push((connection, why)),
                _ => return Some(connection),
            }
        }
    }

    /// Where the idle connection stands whose deadline passed first.
    pub(super) fn overdue(&self, now: u64) -> Option<usize> {
        let deadlines = self.idle.iter().map(|idle| idle.2).enumerate();
        deadlines
            .filter_map(|(place, end)| Some((end.filter(|it| it.0 <= now)?.0, place)))
            .min()
            .map(|(_, place)| place)
    }

    /// What becomes of a connection that comes back, and which dials are needless then.
    pub(super) fn give_back(
        &mut self,
        key: u8,
        now: u64,
        idle_for: Option<u64>,
        retires: End,
    ) -> (Fate, Vec<u32>) {
        let fate = self.fate(key, now, idle_for, retires);
        let stopped = match fate {
            Fate::Handed(_) => self.stop_spare(key),
            _ => Vec::new(),
        };
        (fate, stopped)
    }

    pub(super) fn fate(&mut self, key: u8, now: u64, idle_for: Option<u64>, retires: End) -> Fate {
        if retires.is_some_and(|end| end.0 <= now) {
            return Fate::Refused(Evicted::TooOld);
        }
        if self.is_excessive(key) {
            return Fate::Refused(Evicted::TooMany);
        }
        let own = (0..self.queue.len()).filter(|&place| self.queue[place].0 == key);
        // Those that dial stand before all that do not.
        if let Some(place) = own.min_by_key(|&place| !self.queue[place].2) {
            let first = self.queue[place].1;
            if self.elder_due().is_some_and(|elder| elder.1 < first) {
                return Fate::Refused(Evicted::MadeRoom);
            }
            self.note_served(first);
            let (_, waiter, dials) = self.queue.remove(place);
            if dials {
                self.orphans.push((key, waiter));
            }
            return Fate::Handed(waiter);
        }
        let own = self.limits.idle_timeout.map(|it| it.as_millis() as u64);
        let idle_for = [own, idle_for].into_iter().flatten().min();
        let idle_end = idle_for.map(|length| (now + length, Evicted::TimedOut));
        let end = [idle_end, retires].into_iter().flatten();
        let end = end.min_by_key(|end| end.0);
        match end {
            Some((deadline, why)) if deadline <= now => return Fate::Refused(why),
            _ if !self.limits.keep_alive => return Fate::Refused(Evicted::NotKept),
            _ if self.holds_back() => return Fate::Refused(Evicted::MadeRoom),
            _ => {}
        }
        if self.idle_of(key) >= self.limits.max_free_sockets {
            return Fate::Refused(Evicted::TooMany);
        }
        Fate::Parked(end)
    }

    /// Who may dial, now that one of `key` is gone.
    pub(super) fn release(&mut self, key: u8) -> Option<(u8, u32)> {
        self.leave(key);
        let due = self.elder_due().map(|elder| elder.0);
        let claim = |whose: u8| match self.busy_of(whose) {
            _ if Some(whose) == due => 0,
            _ if whose == key && self.waiting_of(key).count() > self.orphans_of(key) => 1,
            0 => 2,
            _ => 3,
        };
        let candidates = self.queue.iter().filter(|it| !it.2);
        let next = candidates
            .filter(|it| self.total_may_grow() && self.key_may_dial(it.0))
            // Of equal claims the first, which came first.
            .min_by_key(|it| claim(it.0))?;
        let (key, waiter, _) = *next;
        self.note_served(waiter);
        self.grant(key, waiter);
        Some((key, waiter))
    }

    pub(super) fn grant(&mut self, key: u8, waiter: u32) {
        assert_eq!(self.waiting_of(key).next(), Some(waiter), "it is the first");
        let place = self.queue.iter_mut().find(|it| it.1 == waiter);
        place.expect("it waits").2 = true;
        self.busy.push(key);
    }

    /// Takes out one busy connection.
    pub(super) fn leave(&mut self, key: u8) {
        let place = self.busy.iter().position(|&busy| busy == key);
        self.busy.remove(place.expect("it was busy"));
    }

    /// Which dials of a key are not needed, the youngest first.
    pub(super) fn stop_spare(&mut self, key: u8) -> Vec<u32> {
        let mut orphans: Vec<_> = self.orphans.iter().filter(|it| it.0 == key).collect();
        orphans.sort_by_key(|it| std::cmp::Reverse(it.1));
        let spare = orphans.len().saturating_sub(self.waiting_of(key).count());
        let rest = match self.limits.keep_alive && !self.holds_back() {
            true => (self.limits.max_free_sockets).saturating_sub(self.idle_of(key)),
            false => 0,
        };
        let stopped = orphans.iter().take(spare.saturating_sub(rest));
        let stopped: Vec<_> = stopped.map(|it| it.1).collect();
        self.orphans.retain(|it| !stopped.contains(&it.1));
        stopped
    }

    /// The same of all keys, in the order of the numbers.
    pub(super) fn stop_all_spare(&mut self) -> Vec<u32> {
        let mut stopped: Vec<_> = (0..KEYS).flat_map(|key| self.stop_spare(key)).collect();
        stopped.sort_unstable();
        stopped
    }

    /// Takes out the idle connections that `is_gone` names.
    pub(super) fn remove_idle(&mut self, mut is_gone: impl FnMut(u32) -> bool) -> Vec<u32> {
        let gone = self.idle.extract_if(.., |idle| is_gone(idle.1));
        gone.map(|(_, connection, _)| connection).collect()
    }

    /// Takes out the idle connections past their deadline, nearest deadline first.
    pub(super) fn expire(&mut self, now: u64) -> Vec<(u32, Evicted)> {
        let mut gone = Vec::new();
        while let Some(place) = self.overdue(now) {
            let (_, connection, end) = self.idle.remove(place);
            gone.push((connection, end.expect("it has one").1));
        }
        gone
    }
}

/// What becomes of a connection that comes back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Handed(u32),
    Parked(End),
    Refused(Evicted),
}
