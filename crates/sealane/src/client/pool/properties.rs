//! What must hold for every sequence of calls, in virtual time.
//!
//! A model with plain lists says what each call must answer; after each call everything is counted
//! again. Besides the model, the test follows every connection and every waiter from birth to end,
//! so that a mistake which the model shared would still lose, double or starve one of them.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A step of a sequence; numbers choose among what there is at that moment.
#[derive(Clone, Debug)]
enum Step {
    /// A request to this key asks for a connection.
    Checkout(u8),
    /// A busy connection, or the result of a dial, comes back, with an idle limit of its own.
    GiveBack(usize, Option<u64>),
    /// A busy connection breaks, or a dial fails.
    Release(usize),
    /// A waiter leaves the queue.
    Cancel(usize),
    /// A waiter goes away without a word: what it is granted cannot be delivered.
    Vanish(usize),
    /// Time passes.
    Pass(u64),
    /// The reaper looks for passed deadlines.
    Expire,
    /// The reaper looks at every connection; those whose number leaves this remainder are dead.
    Retain(u32),
    /// Everything idle is closed.
    Drain,
}

/// A step, the ordinary ones more often than the others.
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..KEYS).prop_map(Step::Checkout),
        6 => (any::<usize>(), idle_limit()).prop_map(|(which, limit)| Step::GiveBack(which, limit)),
        3 => any::<usize>().prop_map(Step::Release),
        2 => any::<usize>().prop_map(Step::Cancel),
        2 => any::<usize>().prop_map(Step::Vanish),
        3 => (0..40_u64).prop_map(Step::Pass),
        1 => Just(Step::Expire),
        1 => (0..4_u32).prop_map(Step::Retain),
        1 => Just(Step::Drain),
    ]
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

/// The pool as one would write it if time did not matter: lists, searched from end to end.
#[derive(Debug)]
struct Model {
    limits: PoolLimits,
    /// The key of each busy connection and each dial.
    busy: Vec<u8>,
    /// Key, connection and deadline, longest idle first.
    idle: Vec<(u8, u32, Option<u64>)>,
    /// Key and waiter, first come first.
    waiting: Vec<(u8, u32)>,
}

impl Model {
    fn total(&self) -> usize {
        self.busy.len() + self.idle.len()
    }

    fn count(&self, key: u8) -> usize {
        self.busy_of(key) + self.idle_of(key)
    }

    fn busy_of(&self, key: u8) -> usize {
        self.busy.iter().filter(|&&busy| busy == key).count()
    }

    fn idle_of(&self, key: u8) -> usize {
        self.idle.iter().filter(|idle| idle.0 == key).count()
    }

    fn waiting_of(&self, key: u8) -> usize {
        self.waiting.iter().filter(|wait| wait.0 == key).count()
    }

    /// Whether one more connection of this key is within the key's limit.
    fn key_may_dial(&self, key: u8) -> bool {
        let most = self.limits.max_sockets;
        most.is_none_or(|most| self.count(key) < most)
    }

    /// Whether one more connection is within the total limit.
    fn total_may_grow(&self) -> bool {
        let most = self.limits.max_total_sockets;
        most.is_none_or(|most| self.total() < most)
    }

    /// What the request gets, `None` for a place in the queue; and what had to go for it.
    fn checkout(&mut self, key: u8, now: u64, waiter: u32) -> (Option<Checkout<u32>>, Vec<u32>) {
        let mut dead = Vec::new();
        loop {
            let mut places = (0..self.idle.len()).filter(|&place| self.idle[place].0 == key);
            let place = match self.limits.scheduling {
                Scheduling::Lifo => places.next_back(),
                Scheduling::Fifo => places.next(),
            };
            let Some(place) = place else { break };
            let (_, connection, deadline) = self.idle.remove(place);
            if deadline.is_none_or(|deadline| now < deadline) {
                self.busy.push(key);
                return (Some(Checkout::Reuse(connection)), dead);
            }
            dead.push(connection);
        }
        if self.key_may_dial(key) && (self.total_may_grow() || !self.idle.is_empty()) {
            if !self.total_may_grow() {
                let place = self.overdue(now).unwrap_or(0);
                dead.push(self.idle.remove(place).1);
            }
            self.busy.push(key);
            return (Some(Checkout::Dial), dead);
        }
        self.waiting.push((key, waiter));
        (None, dead)
    }

    /// Where the idle connection stands whose deadline passed first.
    fn overdue(&self, now: u64) -> Option<usize> {
        let deadlines = self.idle.iter().map(|idle| idle.2).enumerate();
        deadlines
            .filter_map(|(place, deadline)| Some((deadline.filter(|&it| it <= now)?, place)))
            .min()
            .map(|(_, place)| place)
    }

    fn give_back(
        &mut self,
        key: u8,
        connection: u32,
        now: u64,
        idle_for: Option<u64>,
    ) -> Returned<u8, u32, u32> {
        if let Some(place) = self.waiting.iter().position(|wait| wait.0 == key) {
            let (_, waiter) = self.waiting.remove(place);
            return Returned::Handed { waiter, connection };
        }
        let own = self.limits.idle_timeout.map(|it| it.as_millis() as u64);
        let limit = match (own, idle_for) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (one, other) => one.or(other),
        };
        let is_needed = self
            .waiting
            .iter()
            .any(|&(other, _)| self.key_may_dial(other));
        let fits = self.idle_of(key) < self.limits.max_free_sockets;
        if self.limits.keep_alive && fits && !is_needed && limit != Some(0) {
            self.leave(key);
            let deadline = limit.map(|limit| now + limit);
            self.idle.push((key, connection, deadline));
            return Returned::Parked;
        }
        let next = self.release(key);
        Returned::Refused { connection, next }
    }

    fn release(&mut self, key: u8) -> Option<(u8, u32)> {
        self.leave(key);
        let claim = |whose: u8| match self.busy_of(whose) {
            _ if whose == key => 0,
            0 => 1,
            _ => 2,
        };
        let candidates = self.waiting.iter().copied();
        let next = candidates
            .filter(|wait| self.total_may_grow() && self.key_may_dial(wait.0))
            // Of equal claims the first, which came first.
            .min_by_key(|wait| claim(wait.0))?;
        self.waiting.retain(|wait| *wait != next);
        self.busy.push(next.0);
        Some(next)
    }

    /// Takes out one busy connection.
    fn leave(&mut self, key: u8) {
        let place = self.busy.iter().position(|&busy| busy == key);
        self.busy.remove(place.expect("it was busy"));
    }

    /// Takes out the idle connections that `is_gone` names.
    fn remove_idle(&mut self, mut is_gone: impl FnMut(u32) -> bool) -> Vec<u32> {
        let gone = self.idle.extract_if(.., |idle| is_gone(idle.1));
        gone.map(|(_, connection, _)| connection).collect()
    }

    /// Takes out the idle connections past their deadline, nearest deadline first.
    fn expire(&mut self, now: u64) -> Vec<u32> {
        let mut gone = Vec::new();
        while let Some(place) = self.overdue(now) {
            gone.push(self.idle.remove(place).1);
        }
        gone
    }
}

/// Where a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whereabouts {
    /// With a request.
    Busy,
    /// In the pool, until this moment if there is a limit.
    Idle(Option<u64>),
    /// Nowhere any more.
    Closed,
}

/// A pool, its model, and all that the outside knows.
struct World {
    pool: Pool<u8, u32, u32>,
    model: Model,
    now: u64,
    /// Who is busy: key, and the connection, or `None` while it is being dialled.
    busy: Vec<(u8, Option<u32>)>,
    /// Every connection there ever was.
    connections: HashMap<u32, Whereabouts>,
    /// The waiters in the queue, with their key, and whether they can still be told.
    waiters: Vec<(u32, u8, WaitId, bool)>,
    /// The number given out last, to a connection or a waiter.
    last: u32,
}

impl World {
    fn new(limits: PoolLimits) -> Self {
        Self {
            pool: Pool::new(limits),
            model: Model {
                limits,
                busy: Vec::new(),
                idle: Vec::new(),
                waiting: Vec::new(),
            },
            now: 0,
            busy: Vec::new(),
            connections: HashMap::new(),
            waiters: Vec::new(),
            last: 0,
        }
    }

    fn number(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Checkout(key) => self.checkout(key),
            Step::GiveBack(which, idle_for) => {
                if let Some((key, connection)) = pick(&mut self.busy, which) {
                    let connection = connection.unwrap_or_else(|| self.number());
                    self.give_back(key, connection, idle_for);
                }
            }
            Step::Release(which) => {
                if let Some((key, connection)) = pick(&mut self.busy, which) {
                    connection.map(|it| self.connections.insert(it, Whereabouts::Closed));
                    self.release(key);
                }
            }
            Step::Cancel(which) => {
                if let Some((waiter, _, wait, _)) = pick(&mut self.waiters, which) {
                    assert!(self.pool.cancel(wait), "{waiter} was in the queue");
                    assert!(!self.pool.cancel(wait), "{waiter} left it just now");
                    self.model.waiting.retain(|wait| wait.1 != waiter);
                }
            }
            Step::Vanish(which) => {
                let count = self.waiters.len().max(1);
                if let Some(waiter) = self.waiters.get_mut(which % count) {
                    waiter.3 = false;
                }
            }
            Step::Pass(length) => self.now += length,
            Step::Expire => {
                let gone = self.pool.expire(Moment(self.now));
                assert_eq!(gone, self.model.expire(self.now));
                self.close(&gone);
            }
            Step::Retain(rest) => self.retain(|connection| connection % 4 != rest),
            Step::Drain => {
                let gone = self.pool.drain_idle();
                assert_eq!(gone, self.model.remove_idle(|_| true));
                self.close(&gone);
            }
        }
    }

    fn checkout(&mut self, key: u8) {
        let waiter = self.number();
        let (expected, expected_dead) = self.model.checkout(key, self.now, waiter);
        let mut dead = Vec::new();
        let now = Moment(self.now);
        let outcome = self.pool.checkout(&key, now, || waiter, &mut dead);
        assert_eq!(dead, expected_dead);
        self.close(&dead);
        match outcome {
            Checkout::Wait(wait) => {
                assert_eq!(expected, None);
                self.waiters.push((waiter, key, wait, true));
            }
            Checkout::Dial => {
                assert_eq!(expected, Some(Checkout::Dial));
                self.busy.push((key, None));
            }
            Checkout::Reuse(connection) => {
                assert_eq!(expected, Some(Checkout::Reuse(connection)));
                let before = self.connections.insert(connection, Whereabouts::Busy);
                assert!(
                    matches!(before, Some(Whereabouts::Idle(until))
                        if until.is_none_or(|until| self.now < until)),
                    "{connection} was {before:?} at {}",
                    self.now
                );
                self.busy.push((key, Some(connection)));
            }
        }
    }

    /// Gives a connection back until somebody takes it, who can be told.
    fn give_back(&mut self, key: u8, connection: u32, idle_for: Option<u64>) {
        loop {
            let now = Moment(self.now);
            let length = idle_for.map(Duration::from_millis);
            let returned = self.pool.give_back(&key, connection, now, length);
            let expected = self.model.give_back(key, connection, self.now, idle_for);
            assert_eq!(returned, expected);
            match returned {
                Returned::Parked => {
                    let until = self.model.idle.last().and_then(|idle| idle.2);
                    self.connections
                        .insert(connection, Whereabouts::Idle(until));
                    return;
                }
                Returned::Handed {
                    waiter,
                    connection: handed,
                } => {
                    assert_eq!(handed, connection);
                    if self.tell(waiter, key, Some(connection)) {
                        return;
                    }
                }
                Returned::Refused {
                    connection: refused,
                    next,
                } => {
                    assert_eq!(refused, connection);
                    self.connections.insert(connection, Whereabouts::Closed);
                    return self.let_dial(next);
                }
            }
        }
    }

    fn release(&mut self, key: u8) {
        let next = self.pool.release(&key);
        assert_eq!(next, self.model.release(key));
        self.let_dial(next);
    }

    /// Lets the next waiter dial, or the one after it if that one cannot be told.
    fn let_dial(&mut self, next: Option<(u8, u32)>) {
        let Some((key, waiter)) = next else { return };
        if !self.tell(waiter, key, None) {
            self.release(key);
        }
    }

    /// Tells a waiter that this connection is its own, or that it may dial; `false` if it is gone.
    fn tell(&mut self, waiter: u32, key: u8, connection: Option<u32>) -> bool {
        let place = self.waiters.iter().position(|it| it.1 == key);
        let (first, _, wait, listens) = self.waiters.remove(place.expect("somebody waits"));
        assert_eq!(first, waiter, "the first of the key is served first");
        assert!(!self.pool.cancel(wait), "it is not in the queue any more");
        if listens {
            connection.map(|it| self.connections.insert(it, Whereabouts::Busy));
            self.busy.push((key, connection));
        }
        listens
    }

    fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        let gone = self.pool.retain_idle(|_, connection| keep(*connection));
        assert_eq!(gone, self.model.remove_idle(|connection| !keep(connection)));
        self.close(&gone);
    }

    /// Notes that the pool let go of these, which must have been idle.
    fn close(&mut self, gone: &[u32]) {
        for &connection in gone {
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
        assert!(
            limits
                .max_total_sockets
                .is_none_or(|most| pool.total() <= most)
        );
        let deadlines = self.model.idle.iter().filter_map(|idle| idle.2);
        assert_eq!(pool.next_deadline(), deadlines.min().map(Moment));
        assert_eq!(pool.has_idle(), idle > 0);
        let mut occupied = 0;
        for key in 0..KEYS {
            let busy = self.busy.iter().filter(|busy| busy.0 == key).count();
            let waiting = self.waiters.iter().filter(|it| it.1 == key).count();
            assert_eq!(pool.busy(&key), busy);
            assert_eq!(pool.idle(&key), self.model.idle_of(key));
            assert_eq!(pool.waiting(&key), waiting);
            assert_eq!(self.model.waiting_of(key), waiting);
            let (count, idle) = (busy + pool.idle(&key), pool.idle(&key));
            assert!(limits.max_sockets.is_none_or(|most| count <= most));
            assert!(idle <= limits.max_free_sockets);
            occupied += usize::from(count + waiting > 0);
            if waiting > 0 {
                let own_limit = limits.max_sockets == Some(count);
                let total_limit = limits.max_total_sockets == Some(pool.total());
                assert_eq!(idle, 0, "{key} waits beside an idle connection of its own");
                assert!(
                    own_limit || (total_limit && !pool.has_idle()),
                    "{key} waits though it could dial"
                );
            }
        }
        assert_eq!(pool.rooms.len(), occupied, "rooms of nobody are kept");
        self.check_orders();
    }

    /// The pool's own orders name exactly what is in the rooms.
    fn check_orders(&self) {
        let pool = &self.pool;
        let idle: usize = (0..KEYS).map(|key| pool.idle(&key)).sum();
        assert_eq!(pool.parked.len(), idle);
        let limited = self.model.idle.iter().filter(|idle| idle.2.is_some());
        assert_eq!(pool.deadlines.len(), limited.count());
        let held_back =
            (0..KEYS).filter(|&key| self.model.waiting_of(key) > 0 && self.model.key_may_dial(key));
        assert_eq!(pool.held_back.len(), held_back.count());
    }

    /// Ends everything from outside: nothing may be left.
    fn end(mut self) {
        while let Some((key, connection)) = self.busy.pop() {
            connection.map(|it| self.connections.insert(it, Whereabouts::Closed));
            self.release(key);
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
