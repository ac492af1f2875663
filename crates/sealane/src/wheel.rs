//! One coarse wheel of deadlines for all connections of a server (engine decision 7).
//!
//! The wheel itself is pure: time comes as an argument. A connection moves its deadline with one
//! atomic store; the wheel finds out when it passes the old place. Only a deadline that moves
//! *nearer* than the place already booked costs a lock. One task turns the wheel. It looks at each
//! connection every few seconds at least, and lets go of those that have ended.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use sealane_proto::Moment;
use tokio::time::{Instant, MissedTickBehavior};

/// How exact deadlines are: never early, at most this much late.
pub(crate) const STEP: Duration = Duration::from_millis(100);

/// What a wheel and a server's handle know of one connection.
#[derive(Debug)]
pub(crate) struct Link {
    /// When the connection wants to be woken, in milliseconds; [`NEVER`] for not at all.
    deadline: AtomicU64,
    /// The earliest tick at which the wheel will look at this link.
    booked: AtomicU64,
    /// Orders that the connection has not obeyed yet, as bits of [`Order`].
    orders: AtomicU8,
    /// All is said: only the peer's end is waited for, and not for long.
    parting: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

/// What a server's handle can tell a connection to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Order {
    /// End after the exchange that runs now.
    Drain = 1,
    /// End if no exchange runs.
    CloseIfIdle = 2,
    /// End at once.
    Abort = 4,
    /// Look at the limits again: they have changed.
    Reconsider = 8,
    /// Make room for another handshake, if it is the client that is waited for.
    GiveWay = 16,
}

impl Link {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            deadline: AtomicU64::new(NEVER),
            booked: AtomicU64::new(NEVER),
            orders: AtomicU8::new(0),
            parting: AtomicBool::new(false),
            waker: Mutex::new(None),
        })
    }

    /// Keeps the waker of the connection's task; cheap when it is the one already kept.
    pub(crate) fn register(&self, context: &Context<'_>) {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if !waker
            .as_ref()
            .is_some_and(|kept| kept.will_wake(context.waker()))
        {
            *waker = Some(context.waker().clone());
        }
    }

    /// Gives an order and wakes the connection.
    pub(crate) fn order(&self, order: Order) {
        self.orders.fetch_or(order as u8, Ordering::AcqRel);
        self.wake();
    }

    /// Takes the orders given since the last look; asks with [`Orders::has`].
    pub(crate) fn take_orders(&self) -> Orders {
        if self.orders.load(Ordering::Acquire) == 0 {
            return Orders::default();
        }
        Orders(self.orders.swap(0, Ordering::AcqRel))
    }

    /// Notes that the connection has said all it had to say.
    pub(crate) fn note_parting(&self) {
        self.parting.store(true, Ordering::Release);
    }

    /// Whether nothing is lost if the connection goes.
    pub(crate) fn is_parting(&self) -> bool {
        self.parting.load(Ordering::Acquire)
    }

    /// Lets go of the connection's task, which is over; the wheel may still hold the link a while.
    pub(crate) fn retire(&self) {
        self.deadline.store(NEVER, Ordering::SeqCst);
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Wakes the connection's task.
    pub(crate) fn wake(&self) {
        let waker = self
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Orders taken from a [`Link`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders(u8);

impl Orders {
    /// These and others.
    #[must_use]
    pub(crate) fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub(crate) fn has(self, order: Order) -> bool {
        self.0 & order as u8 != 0
    }
}

/// The clock and the deadlines of one server.
#[derive(Debug)]
pub(crate) struct Wheel {
    epoch: Instant,
    slots: Mutex<Slots<Arc<Link>>>,
}

impl Wheel {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            epoch: Instant::now(),
            slots: Mutex::new(Slots::new()),
        })
    }

    pub(crate) fn now(&self) -> Moment {
        Moment(u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(NEVER))
    }

    /// Sets when the connection of `link` is to be woken; `None` for not at all.
    pub(crate) fn arm(&self, link: &Arc<Link>, deadline: Option<Moment>) {
        let deadline = deadline.map_or(NEVER, |moment| moment.0);
        if link.deadline.swap(deadline, Ordering::SeqCst) == deadline || deadline == NEVER {
            return;
        }
        if tick_of(deadline) < link.booked.load(Ordering::SeqCst) {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            let tick = tick_of(deadline).min(slots.visited + FARTHEST);
            let tick = slots.book(tick, Arc::clone(link));
            link.booked.store(tick, Ordering::SeqCst);
        }
    }

    /// Turns the wheel until nobody else holds it.
    pub(crate) async fn turn(wheel: Weak<Self>) {
        let mut ticks = tokio::time::interval(STEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let Some(wheel) = wheel.upgrade() else { return };
            wheel.advance(wheel.now());
        }
    }

    fn advance(&self, now: Moment) {
        let mut due = Vec::new();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.advance(now.0 / STEP_MS, |tick, link| {
            let next = link.visit(tick, now.0 / STEP_MS);
            if let Visit::Due = next {
                due.push(Arc::clone(link));
            }
            next.place()
        });
        drop(slots);
        for link in due {
            link.wake();
        }
    }
}

/// What the wheel does with a link whose booked tick has come.
enum Visit {
    /// The deadline lies further; look again at this tick.
    Again(u64),
    /// The deadline has passed.
    Due,
    /// No deadline is set, or the link is booked elsewhere.
    Forget,
}

impl Visit {
    fn place(&self) -> Option<u64> {
        match self {
            Self::Again(tick) => Some(*tick),
            Self::Due | Self::Forget => None,
        }
    }
}

impl Link {
    /// Decides what becomes of this link at tick `now`, booked there for `tick`.
    ///
    /// `booked` is taken back before `deadline` is read, and [`Wheel::arm`] does it the other way
    /// round; so a deadline set meanwhile is seen by at least one of the two. Seen by both, the
    /// second booking is found stale here.
    fn visit(&self, tick: u64, now: u64) -> Visit {
        if self
            .booked
            .compare_exchange(tick, NEVER, Ordering::SeqCst, Ordering::SeqCst)
            .is_err()
        {
            return Visit::Forget;
        }
        loop {
            let deadline = self.deadline.load(Ordering::SeqCst);
            if deadline == NEVER {
                return Visit::Forget;
            }
            let place = tick_of(deadline);
            if place > now {
                let place = place.min(now + FARTHEST);
                self.booked.store(place, Ordering::SeqCst);
                return Visit::Again(place);
            }
            let taken =
                self.deadline
                    .compare_exchange(deadline, NEVER, Ordering::SeqCst, Ordering::SeqCst);
            if taken.is_ok() {
                return Visit::Due;
            }
        }
    }
}

/// The wheel's places, pure and generic: entries by tick, revisited when their tick has come.
#[derive(Debug)]
struct Slots<T> {
    slots: Vec<Vec<(u64, T)>>,
    /// The last tick that was visited.
    visited: u64,
}

impl<T> Slots<T> {
    fn new() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            visited: 0,
        }
    }

    /// Books `entry` for `tick`, or for the next one if that has passed; tells which it was.
    fn book(&mut self, tick: u64, entry: T) -> u64 {
        let tick = tick.max(self.visited + 1);
        self.slots[slot_of(tick)].push((tick, entry));
        tick
    }

    /// Visits every tick up to `now`. `decide` gets the tick an entry was booked for, and tells the
    /// tick to book it for next, if any.
    fn advance(&mut self, now: u64, mut decide: impl FnMut(u64, &T) -> Option<u64>) {
        if now <= self.visited {
            return;
        }
        let first = self.visited + 1;
        let turns = (now - self.visited).min(SLOTS as u64);
        self.visited = now;
        for step in 0..turns {
            let slot = slot_of(first + step);
            let entries = std::mem::take(&mut self.slots[slot]);
            for (tick, entry) in entries {
                if tick > now {
                    self.slots[slot_of(tick)].push((tick, entry));
                } else if let Some(next) = decide(tick, &entry) {
                    self.book(next, entry);
                }
            }
        }
    }
}

/// The first tick at which `deadline` has passed for certain.
fn tick_of(deadline: u64) -> u64 {
    deadline.div_ceil(STEP_MS)
}

fn slot_of(tick: u64) -> usize {
    usize::try_from(tick % SLOTS as u64).unwrap_or(0)
}

const NEVER: u64 = u64::MAX;
const STEP_MS: u64 = STEP.as_millis() as u64;

/// How many ticks ahead a link is booked at most: 5 s. What has ended meanwhile is let go then.
const FARTHEST: u64 = 50;

/// Places of the wheel: 51.2 s round; what lies further waits in its place for another round.
const SLOTS: usize = 512;

#[cfg(test)]
mod tests;
