//! How long a server really lets a connection rest, learned from connections that died resting.
//!
//! Pure: time comes as an argument, and memory is bounded. Not every server says in `Keep-Alive`
//! when it closes, and a load balancer before it says nothing at all. RFC 9112 §9.3.1 has a client
//! repeat what died on a kept connection; better not to meet the close at all.
//!
//! One death teaches nothing: a server may have been restarted. Deaths within a second of each
//! other are one, for a restart ends many. After two, connections rest for three quarters of the
//! shortest rest that was deadly; each minute without a further death doubles that, until it is
//! forgotten. A rest that was survived takes back what shorter ones have taught.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use sealane_proto::Moment;

/// What was learned, by key.
#[derive(Debug)]
pub(super) struct Learning<K> {
    lessons: HashMap<K, Lesson>,
}

/// What was learned of one key.
#[derive(Debug)]
struct Lesson {
    /// The latest deadly rests, oldest first.
    deadly: Vec<Duration>,
    /// When the last of them was.
    last: Moment,
}

impl<K: Eq + Hash + Clone> Learning<K> {
    pub(super) fn new() -> Self {
        Self {
            lessons: HashMap::new(),
        }
    }

    /// A connection has been found dead that had rested for so long.
    pub(super) fn died(&mut self, key: &K, rest: Duration, now: Moment) {
        let fresh = |lesson: &Lesson| since(lesson.last, now) < FORGOTTEN;
        if let Some(lesson) = self.lessons.get_mut(key).filter(|lesson| fresh(lesson)) {
            return lesson.add(rest, now);
        }
        if self.lessons.len() >= MOST_KEYS {
            self.lessons.retain(|_, lesson| fresh(lesson));
        }
        if self.lessons.len() >= MOST_KEYS {
            let oldest = self.lessons.iter().min_by_key(|(_, lesson)| lesson.last);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.and_then(|oldest| self.lessons.remove(&oldest));
        }
        let lesson = Lesson {
            deadly: vec![rest],
            last: now,
        };
        self.lessons.insert(key.clone(), lesson);
    }

    /// A connection has carried an exchange after resting for so long.
    pub(super) fn survived(&mut self, key: &K, rest: Duration) {
        let Some(lesson) = self.lessons.get_mut(key) else {
            return;
        };
        lesson.deadly.retain(|deadly| *deadly > rest);
        if lesson.deadly.is_empty() {
            self.lessons.remove(key);
        }
    }

    /// How long a connection may rest, if enough has been learned.
    pub(super) fn limit(&self, key: &K, now: Moment) -> Option<Duration> {
        let lesson = self.lessons.get(key)?;
        let calm = since(lesson.last, now);
        if lesson.deadly.len() < ENOUGH || calm >= FORGOTTEN {
            return None;
        }
        let shortest = lesson.deadly.iter().min()?;
        let minutes = u32::try_from(calm.as_secs() / 60).unwrap_or(u32::MAX);
        let limit = (*shortest / 4 * 3).max(SHORTEST_LIMIT);
        Some(limit.saturating_mul(2_u32.saturating_pow(minutes)))
    }

    /// Whether nothing has been learned: then there is nothing to ask.
    pub(super) fn is_empty(&self) -> bool {
        self.lessons.is_empty()
    }
}

impl Lesson {
    fn add(&mut self, rest: Duration, now: Moment) {
        let same = since(self.last, now) < ONE_EVENT;
        self.last = now;
        match self.deadly.last_mut() {
            Some(latest) if same => *latest = rest.max(*latest),
            _ => {
                if self.deadly.len() >= MOST_DEATHS {
                    self.deadly.remove(0);
                }
                self.deadly.push(rest);
            }
        }
    }
}

/// The time between two moments.
fn since(then: Moment, now: Moment) -> Duration {
    Duration::from_millis(now.0.saturating_sub(then.0))
}

/// Deaths that are believed.
const ENOUGH: usize = 2;

/// Deaths that are remembered of a key.
const MOST_DEATHS: usize = 4;

/// Keys that are remembered: a program talks to a handful of servers that do this.
const MOST_KEYS: usize = 256;

/// However soon connections die, they are kept so long: a burst of requests shall share them, and
/// whoever meets the close is sent once more.
const SHORTEST_LIMIT: Duration = Duration::from_millis(50);

/// Deaths so close to each other have one cause.
const ONE_EVENT: Duration = Duration::from_secs(1);

/// Servers change: after ten minutes without a death nothing is left of it.
const FORGOTTEN: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests;
