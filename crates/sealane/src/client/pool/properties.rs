//! What must hold for every sequence of calls, in virtual time.
//!
//! A model with plain lists says what each call must answer; after each call everything is counted
//! again. Besides the model, the test follows every connection and every waiter from birth to end,
//! so that a mistake which the model shared would still lose, double or starve one of them.

use std::collections::HashMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use self::model::{End, Fate, Lot, Model};
use super::*;

mod model;
mod places;

/// A step of a sequence; numbers choose among what there is at that moment.
#[derive(Clone, Debug)]
enum Step {
    /// A request to this key asks for a connection.
    Checkout(u8),
    /// A busy connection, or the result of a dial, comes back, with limits of its own: how long it
    /// may be idle, and how long it may live.
    GiveBack(usize, Option<u64>, Option<u64>),
    /// A busy connection breaks, or a dial fails.
    Release(usize),
    /// A connection that was idle is found dead by the request that took it.
    Replace(usize),
    /// A waiter leaves the queue.
    Cancel(usize),
    /// A waiter goes away without a word: what it is granted cannot be delivered.
    Vanish(usize),
    /// A connection is opened for no request.
    Preconnect(u8),
    /// Time passes.
    Pass(u64),
    /// The reaper looks for passed deadlines.
    Expire,
    /// The reaper looks at every connection; those whose number leaves this remainder are dead.
    Retain(u32),
    /// Everything idle is closed.
    Drain,
    /// Other limits hold from now on.
    Limits(PoolLimits),
}

/// A step, the ordinary ones more often than the others.
fn step() -> impl Strategy<Value = Step> {
    let give_back = (any::<usize>(), idle_limit(), age());
    prop_oneof![
        8 => (0..KEYS).prop_map(Step::Checkout),
        7 => give_back.prop_map(|(which, idle, age)| Step::GiveBack(which, idle, age)),
        3 => any::<usize>().prop_map(Step::Release),
        2 => any::<usize>().prop_map(Step::Replace),
        2 => any::<usize>().prop_map(Step::Cancel),
        2 => any::<usize>().prop_map(Step::Vanish),
        1 => (0..KEYS).prop_map(Step::Preconnect),
        3 => (0..40_u64).prop_map(Step::Pass),
        1 => Just(Step::Expire),
        1 => (0..4_u32).prop_map(Step::Retain),
        1 => Just(Step::Drain),
    ]
}

/// The same, with other limits once in a while.
fn step_or_limits() -> impl Strategy<Value = Step> {
    prop_oneof![9 => step(), 1 => limits().prop_map(Step::Limits)]
}

/// Milliseconds from a moment on after which a connection is too old, or was before.
fn age() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![4 => Just(None), 1 => (0..80_u64).prop_map(Some)]
}

/// Milliseconds that a connection may be idle: often none said, sometimes not at all.
fn idle_limit() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![3 => Just(None), 2 => (0..60_u64).prop_map(Some)]
}

/// Limits so low that a short sequence meets them.
fn limits() -> impl Strategy<Value = PoolLimits> {
    let most = || prop_oneof![1 => Just(None), 3 => (1..5_usize).prop_map(Some)];
    let scheduling = prop_oneof![Just(Scheduling::Lifo), Just(Scheduling::Fifo)];
    let keep_alive = prop::bool::weighted(0.8);
    (
        keep_alive,
        most(),
        most(),
        0..4_usize,
        scheduling,
        idle_limit(),
    )
        .prop_map(
            |(keep_alive, max_sockets, max_total_sockets, max_free_sockets, scheduling, idle)| {
                PoolLimits {
                    keep_alive,
                    max_sockets,
                    max_total_sockets,
                    max_free_sockets,
                    scheduling,
                    idle_timeout: idle.map(Duration::from_millis),
                }
            },
        )
}

/// Where a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whereabouts {
    /// With a request.
    Busy,
    /// In the pool, until this moment if there is a limit.
    Idle(End),
    /// Nowhere any more.
    Closed,
}

/// What is busy.
#[derive(Clone, Copy, Debug)]
enum Busy {
    Connection(u32),
    /// A dial, and the number of its request.
    Dial(WaitId, u32),
}

/// A pool, its model, and all that the outside knows.
struct World {
    pool: Pool<u8, u32, u32>,
    model: Model,
    now: u64,
    busy: Vec<(u8, Busy)>,
    /// Every connection there ever was.
    connections: HashMap<u32, Whereabouts>,
    /// Who is in the queue, with its key, and whether it can still be told.
    waiters: Vec<(u32, u8, WaitId, bool)>,
    /// The number given out last, to a connection or a waiter.
    last: u32,
    /// A limit has been changed: there may be more than are allowed, though never more of them.
    changed: bool,
    /// How many there were before the step.
    before: usize,
}

impl World {
    fn new(limits: PoolLimits) -> Self {
        Self {
            pool: Pool::new(limits),
            model: Model {
                limits,
                busy: Vec::new(),
                idle: Vec::new(),
                queue: Vec::new(),
                orphans: Vec::new(),
                passed_over: (0, 0),
            },
            now: 0,
            busy: Vec::new(),
            connections: HashMap::new(),
            waiters: Vec::new(),
            last: 0,
            changed: false,
            before: 0,
        }
    }

    fn number(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    fn take(&mut self, step: &Step) {
        self.before = self.pool.total();
        match *step {
            Step::Checkout(key) => self.checkout(key),
            Step::GiveBack(which, idle_for, age) => {
                if let Some((key, busy)) = pick(&mut self.busy, which) {
                    self.finish(key, busy, idle_for, age);
                }
            }
            Step::Release(which) => {
                if let Some((key, busy)) = pick(&mut self.busy, which) {
                    self.fail(key, busy);
                }
            }
            Step::Replace(which) => self.replace(which),
            Step::Cancel(which) => self.cancel(which),
            Step::Vanish(which) => {
                let count = self.waiters.len().max(1);
                if let Some(waiter) = self.waiters.get_mut(which % count) {
                    waiter.3 = false;
                }
            }
            Step::Preconnect(key) => self.preconnect(key),
            Step::Pass(length) => self.now += length,
            Step::Expire => {
                let gone = self.pool.expire(Moment(self.now));
                assert_eq!(gone, self.model.expire(self.now));
                self.close(&gone);
            }
            Step::Retain(rest) => self.retain(|connection| connection % 4 != rest),
            Step::Drain => self.retain(|_| false),
            Step::Limits(limits) => self.change(limits),
        }
    }

    fn checkout(&mut self, key: u8) {
        let waiter = self.number();
        let (expected, gone) = self.model.checkout(key, self.now, waiter);
        let mut leavings = Leavings::new();
        let now = Moment(self.now);
        let outcome = self.pool.checkout(&key, now, || waiter, &mut leavings);
        assert_eq!(leavings.closed, gone);
        self.close(&gone);
        let stopped = match expected {
            Lot::Wait => self.model.stop_all_spare(),
            _ => Vec::new(),
        };
        assert_eq!(sorted(leavings.stopped), stopped);
        match outcome {
            Checkout::Wait(wait) => {
                assert_eq!(expected, Lot::Wait);
                self.waiters.push((waiter, key, wait, true));
            }
            Checkout::Dial(dial) => {
                assert_eq!(expected, Lot::Dial);
                self.waiters.push((waiter, key, dial, true));
                self.busy.push((key, Busy::Dial(dial, waiter)));
            }
            Checkout::Reuse(connection) => {
                assert_eq!(expected, Lot::Reuse(connection));
                let before = self.connections.insert(connection, Whereabouts::Busy);
                assert!(
                    matches!(before, Some(Whereabouts::Idle(end))
                        if end.is_none_or(|end| self.now < end.0)),
                    "{connection} was {before:?} at {}",
                    self.now
                );
                self.busy.push((key, Busy::Connection(connection)));
            }
        }
    }

    /// A connection comes back, or a dial brings one, until somebody takes it who can be told.
    fn finish(&mut self, key: u8, busy: Busy, idle_for: Option<u64>, age: Option<u64>) {
        let rest = Rest {
            idle_for: idle_for.map(Duration::from_millis),
            retires: age.map(|age| Moment(self.now.saturating_sub(10) + age)),
        };
        let retires = rest.retires.map(|moment| (moment.0, Evicted::TooOld));
        let (connection, mut dial) = match busy {
            Busy::Connection(connection) => (connection, None),
            Busy::Dial(dial, waiter) => (self.number(), Some((dial, waiter))),
        };
        loop {
            let mut leavings = Leavings::new();
            let now = Moment(self.now);
            let returned = match &dial {
                Some((dial, _)) => {
                    (self.pool).dialled(&key, *dial, connection, (now, rest), &mut leavings)
                }
                None => (self.pool).give_back(&key, connection, now, rest, &mut leavings),
            };
            let (expected, stopped) = match dial.take() {
                Some((_, own)) if self.end_dial(own) => (Fate::Handed(own), Vec::new()),
                _ => self.model.give_back(key, self.now, idle_for, retires),
            };
            if let Fate::Handed(_) = expected {
                assert_eq!(leavings.stopped, stopped);
            }
            assert!(leavings.closed.is_empty());
            match returned {
                Returned::Parked => {
                    let Fate::Parked(end) = expected else {
                        panic!("{connection} was parked: {expected:?}");
                    };
                    self.model.leave(key);
                    self.model.idle.push((key, connection, end));
                    assert_eq!(leavings.stopped, self.model.stop_spare(key));
                    self.connections.insert(connection, Whereabouts::Idle(end));
                    return;
                }
                Returned::Handed {
                    waiter,
                    connection: handed,
                } => {
                    assert_eq!((handed, &expected), (connection, &Fate::Handed(waiter)));
                    if self.tell(waiter) {
                        self.connections.insert(connection, Whereabouts::Busy);
                        self.busy.push((key, Busy::Connection(connection)));
                        return;
                    }
                }
                Returned::Refused {
                    connection: refused,
                    why,
                    next,
                } => {
                    assert_eq!((refused, &expected), (connection, &Fate::Refused(why)));
                    self.connections.insert(connection, Whereabouts::Closed);
                    return self.let_dial(key, next, leavings.stopped);
                }
            }
        }
    }

    /// Ends a dial of the model; whether its request is served by it.
    fn end_dial(&mut self, waiter: u32) -> bool {
        self.model.orphans.retain(|it| it.1 != waiter);
        let before = self.model.queue.len();
        self.model.queue.retain(|it| it.1 != waiter);
        self.model.queue.len() < before
    }

    fn fail(&mut self, key: u8, busy: Busy) {
        let mut leavings = Leavings::new();
        let next = match busy {
            Busy::Connection(connection) => {
                self.connections.insert(connection, Whereabouts::Closed);
                self.pool.release(&key, &mut leavings)
            }
            Busy::Dial(dial, waiter) => {
                let (own, next) = (self.pool).dial_failed(&key, dial, &mut leavings);
                let is_own = self.end_dial(waiter);
                assert_eq!(own, is_own.then_some(waiter));
                if is_own {
                    self.tell(waiter);
                }
                next
            }
        };
        self.let_dial(key, next, leavings.stopped);
    }

    /// Lets the next waiter dial; if it cannot be told, that dial fails.
    fn let_dial(&mut self, key: u8, next: Option<Next<u8, u32>>, stopped: Vec<u32>) {
        let expected = self.model.release(key);
        assert_eq!(sorted(stopped), self.model.stop_all_spare());
        let shown = next.as_ref().map(|next| (next.key, next.waiter));
        assert_eq!(shown, expected);
        if let Some(next) = next {
            self.begin_dial(&next);
        }
    }

    fn begin_dial(&mut self, next: &Next<u8, u32>) {
        let waiter = self.waiters.iter().find(|it| it.0 == next.waiter);
        let listens = waiter.expect("it waits").3;
        let dial = Busy::Dial(next.dial, next.waiter);
        match listens {
            true => self.busy.push((next.key, dial)),
            false => self.fail(next.key, dial),
        }
    }

    /// Tells a request that it is served, or has failed; `false` if it is gone.
    fn tell(&mut self, waiter: u32) -> bool {
        let place = self.waiters.iter().position(|it| it.0 == waiter);
        let (_, _, wait, listens) = self.waiters.remove(place.expect("it waits"));
        let mut leavings = Leavings::new();
        let is_there = self.pool.cancel(wait, &mut leavings);
        assert!(!is_there, "it is not in the queue any more");
        listens
    }

    fn cancel(&mut self, which: usize) {
        let Some((waiter, key, wait, _)) = pick(&mut self.waiters, which) else {
            return;
        };
        let mut leavings = Leavings::new();
        assert!(self.pool.cancel(wait, &mut leavings), "{waiter} was there");
        let place = self.model.queue.iter().position(|it| it.1 == waiter);
        if self.model.queue.remove(place.expect("it waits")).2 {
            self.model.orphans.push((key, waiter));
        }
        assert_eq!(leavings.stopped, self.model.stop_spare(key));
        assert!(!self.pool.cancel(wait, &mut leavings), "{waiter} left it");
    }

    fn preconnect(&mut self, key: u8) {
        let waiter = self.number();
        let (model, limits) = (&self.model, &self.model.limits);
        let orphans = model.orphans.iter().filter(|it| it.0 == key).count();
        let expected = limits.keep_alive
            && model.key_may_dial(key)
            && model.total_may_grow()
            && !model.holds_back()
            && model.idle_of(key) + orphans < limits.max_free_sockets;
        let dial = self.pool.preconnect(&key, || waiter);
        assert_eq!(dial.is_some(), expected);
        if let Some(dial) = dial {
            self.model.busy.push(key);
            self.model.orphans.push((key, waiter));
            self.busy.push((key, Busy::Dial(dial, waiter)));
        }
    }

    fn change(&mut self, limits: PoolLimits) {
        self.changed = true;
        self.model.limits = limits;
        let mut leavings = Leavings::new();
        let next = self.pool.set_limits(limits, &mut leavings);
        let closed: Vec<_> = leavings.closed.iter().map(|it| it.0).collect();
        let gone = self.model.remove_idle(|it| closed.contains(&it));
        assert_eq!(gone.len(), closed.len());
        self.close(&leavings.closed);
        for next in &next {
            assert!(self.model.total_may_grow() && self.model.key_may_dial(next.key));
            self.model.grant(next.key, next.waiter);
        }
        let stopped = self.model.stop_all_spare();
        assert_eq!(sorted(leavings.stopped), stopped);
        next.iter().for_each(|next| self.begin_dial(next));
    }

    fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        let gone = self.pool.retain_idle(|_, connection| keep(*connection));
        assert_eq!(gone, self.model.remove_idle(|connection| !keep(connection)));
        let gone: Vec<_> = gone
            .into_iter()
            .map(|it| (it, Evicted::ClosedByPeer))
            .collect();
        self.close(&gone);
    }

    /// Notes that the pool let go of these, which must have been idle.
    fn close(&mut self, gone: &[(u32, Evicted)]) {
        for &(connection, _) in gone {
            let before = self.connections.insert(connection, Whereabouts::Closed);
            let was_idle = matches!(before, Some(Whereabouts::Idle(_)));
            assert!(was_idle, "{connection} was {before:?}");
        }
    }

    /// Counts everything again.
    fn check(&self) {
        let (pool, limits) = (&self.pool, &self.model.limits);
        let live = |it: &&Whereabouts| matches!(it, Whereabouts::Idle(_));
        let idle = self.connections.values().filter(live).count();
        assert_eq!(pool.total(), self.busy.len() + idle);
        let most = limits.max_total_sockets.unwrap_or(usize::MAX);
        assert!(pool.total() <= most || self.changed && pool.total() <= self.before);
        let deadlines = self.model.idle.iter().filter_map(|idle| idle.2);
        let nearest = deadlines.map(|end| Moment(end.0)).min();
        assert_eq!(pool.next_deadline(), nearest);
        assert_eq!(pool.has_idle(), idle > 0);
        let mut occupied = 0;
        for key in 0..KEYS {
            let busy = self.busy.iter().filter(|busy| busy.0 == key).count();
            assert_eq!(pool.busy(&key), busy);
            assert_eq!(pool.idle(&key), self.model.idle_of(key));
            assert_eq!(pool.waiting(&key), self.model.waiting_of(key).count());
            let in_queue = self.waiters.iter().filter(|it| it.1 == key).count();
            let queue = self.model.queue.iter().filter(|it| it.0 == key);
            assert_eq!(queue.count(), in_queue);
            assert_eq!(pool.is_wanted(&key), in_queue > 0);
            occupied += usize::from(busy + pool.idle(&key) + in_queue > 0);
            self.check_key(key, busy);
            self.check_orphans(key);
        }
        assert_eq!(pool.rooms.len(), occupied, "rooms of nobody are kept");
        self.check_orders();
    }

    /// What holds of one key.
    fn check_key(&self, key: u8, busy: usize) {
        let (pool, limits) = (&self.pool, &self.model.limits);
        let (count, idle) = (busy + pool.idle(&key), pool.idle(&key));
        let most = limits.max_sockets.unwrap_or(usize::MAX);
        assert!(count <= most || self.changed);
        assert!(idle <= limits.max_free_sockets);
        if !pool.is_wanted(&key) {
            return;
        }
        assert_eq!(idle, 0, "{key} waits beside an idle connection of its own");
        if pool.waiting(&key) > 0 {
            let total_limit = limits.max_total_sockets;
            let total_limit = total_limit.is_some_and(|most| pool.total() >= most);
            assert!(
                count >= most || (total_limit && !pool.has_idle()),
                "{key} waits though it could dial"
            );
        }
    }

    /// The pool's own orders name exactly what is in the rooms.
    fn check_orders(&self) {
        let pool = &self.pool;
        let idle: usize = (0..KEYS).map(|key| pool.idle(&key)).sum();
        assert_eq!(pool.parked.len(), idle);
        let limited = self.model.idle.iter().filter(|idle| idle.2.is_some());
        assert_eq!(pool.deadlines.len(), limited.count());
        let held_back = (0..KEYS).filter(|&key| {
            self.model.waiting_of(key).next().is_some() && self.model.key_may_dial(key)
        });
        assert_eq!(pool.held_back.len(), held_back.count());
        assert_eq!(pool.elders.len(), pool.held_back.len());
        assert!(pool.passed_over.1 <= MOST_PASSED_OVER);
        assert_eq!(pool.orphans.len(), self.model.orphans.len());
    }

    /// Ends everything from outside: nothing may be left.
    fn end(mut self) {
        while let Some((key, busy)) = self.busy.pop() {
            self.before = self.pool.total();
            self.fail(key, busy);
            self.check();
        }
        assert_eq!(self.waiters.len(), 0, "every waiter has had its turn");
        self.take(&Step::Drain);
        self.check();
        let all_closed = |it: &Whereabouts| *it == Whereabouts::Closed;
        assert!(self.connections.values().all(all_closed), "one was lost");
        assert_eq!((self.pool.total(), self.pool.rooms.len()), (0, 0));
    }
}

fn sorted(mut numbers: Vec<u32>) -> Vec<u32> {
    numbers.sort_unstable();
    numbers
}

/// Takes one out of a list, if there is any.
fn pick<T>(list: &mut Vec<T>, which: usize) -> Option<T> {
    (!list.is_empty()).then(|| list.remove(which % list.len()))
}

/// Keys of a sequence: few, so that they meet.
const KEYS: u8 = 4;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1024,
        // A regression gets a test with a name instead of a line in a file of seeds.
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_sequence_keeps_what_it_can_while_limits_change(
        limits in limits(),
        steps in vec(step_or_limits(), 1..120),
    ) {
        let mut world = World::new(limits);
        for step in &steps {
            world.take(step);
            world.check();
        }
        world.end();
    }

    #[test]
    fn every_sequence_of_calls_keeps_every_promise(
        limits in limits(),
        steps in vec(step(), 1..120),
    ) {
        let mut world = World::new(limits);
        for step in &steps {
            world.take(step);
            world.check();
        }
        world.end();
    }
}
