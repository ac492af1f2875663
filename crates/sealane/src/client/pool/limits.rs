//! What a pool may hold, how long, and why it lets go.

use std::time::Duration;

use sealane_proto::Moment;

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

impl PoolLimits {
    /// The same, with no limit that nobody could keep.
    pub(super) fn sound(self) -> Self {
        Self {
            max_sockets: self.max_sockets.map(|most| most.max(1)),
            max_total_sockets: self.max_total_sockets.map(|most| most.max(1)),
            ..self
        }
    }
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

/// How long one connection may be used and rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rest {
    /// The longest rest, where it is shorter than the pool's own.
    pub(crate) idle_for: Option<Duration>,
    /// From when on it carries no further exchange.
    pub(crate) retires: Option<Moment>,
}

impl Rest {
    /// Whether the connection is too old.
    pub(super) fn is_over_age(self, now: Moment) -> bool {
        self.retires.is_some_and(|retires| retires <= now)
    }

    /// Until when it may rest from now on, and what ends that.
    pub(super) fn deadline(self, limits: &PoolLimits, now: Moment) -> Option<(Moment, Evicted)> {
        let idle = [limits.idle_timeout, self.idle_for].into_iter().flatten();
        let idle = idle
            .min()
            .map(|length| (now.after(length), Evicted::TimedOut));
        let age = self.retires.map(|retires| (retires, Evicted::TooOld));
        [idle, age].into_iter().flatten().min_by_key(|end| end.0)
    }
}

/// When a connection retires that is born now: up to a tenth of its age is taken off by chance, so
/// that connections of one hour do not all end in another.
pub(crate) fn retirement(born: Moment, age: Duration, chance: u64) -> Moment {
    // In thousandths of a tenth, which is fine enough to scatter.
    let off = age / 10_000 * u32::try_from(chance % 1000).unwrap_or_default();
    born.after(age - off)
}

/// Why an agent has let go of a connection that could have carried another exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evicted {
    /// It had rested as long as it may: the agent's `timeout`, the server's hint, or what was
    /// learned of its server.
    TimedOut,
    /// Its server closed it, or broke its silence, while it rested.
    ClosedByPeer,
    /// A request for another place needed its place (`max_total_sockets`).
    MadeRoom,
    /// As many are idle, or open, as may be.
    TooMany,
    /// It had reached its greatest age (`max_age`).
    TooOld,
    /// Nobody waited for it, and the agent keeps none (`keep_alive`), or its server wants no rest.
    NotKept,
    /// The program's hook would not have it (`keep_socket_alive`, `reuse_socket`).
    Declined,
    /// The agent was destroyed.
    Destroyed,
}
