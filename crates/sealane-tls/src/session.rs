//! A client's TLS sessions, bounded, shared by all connections of an agent (RFC 8446 §2.2).
//!
//! The key is the caller's: whatever decides which connections may share. A session is a secret,
//! so none is ever shown. Eviction is by insertion: the key that came first goes first, and using
//! or renewing a key does not make it younger.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls_pki_types::ServerName;

/// Sessions by key, for at most a given number of keys.
pub struct SessionCache<K> {
    /// How many keys may have sessions.
    max_keys: AtomicUsize,
    /// All sessions; held for moments only, never while something waits.
    shelves: Mutex<Shelves<K>>,
}

impl<K> SessionCache<K>
where
    K: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
{
    /// Makes an empty cache for this many keys; with 0 it stores nothing.
    pub fn new(max_keys: usize) -> Arc<Self> {
        Arc::new(Self {
            max_keys: AtomicUsize::new(max_keys),
            shelves: Mutex::new(Shelves {
                by_key: HashMap::new(),
                order: VecDeque::new(),
            }),
        })
    }

    /// How many keys may have sessions.
    pub fn max_keys(&self) -> usize {
        self.max_keys.load(Ordering::Relaxed)
    }

    /// Lets this many keys have sessions from now on; those that came first go if there are more.
    pub fn set_max_keys(&self, max_keys: usize) {
        self.max_keys.store(max_keys, Ordering::Relaxed);
        self.lock().keep_newest(max_keys);
    }

    /// A store for the connections of one key, as rustls wants it.
    pub fn store(self: &Arc<Self>, key: K) -> Arc<dyn ClientSessionStore> {
        Arc::new(KeyedStore {
            cache: Arc::clone(self),
            key,
            hint: Mutex::new(None),
        })
    }

    /// Forgets the sessions of a key, as one must when a connection of it failed.
    pub fn remove(&self, key: &K) {
        let mut shelves = self.lock();
        if shelves.by_key.remove(key).is_some() {
            shelves.order.retain(|known| known != key);
        }
    }

    /// How many keys have sessions.
    pub fn len(&self) -> usize {
        self.lock().by_key.len()
    }

    /// Whether no key has any.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Changes the sessions of a key and name, which are made if need be.
    fn edit(&self, key: &K, name: ServerName<'static>, change: impl FnOnce(&mut Sessions)) {
        let mut shelves = self.lock();
        // Under the lock, so that a limit which is lowered meanwhile is not passed over.
        let max_keys = self.max_keys();
        if max_keys == 0 {
            return;
        }
        if !shelves.by_key.contains_key(key) {
            shelves.keep_newest(max_keys - 1);
            shelves.order.push_back(key.clone());
        }
        let names = shelves.by_key.entry(key.clone()).or_default();
        let index = match names.iter().position(|(known, _)| *known == name) {
            Some(index) => index,
            None => {
                if names.len() == MAX_NAMES {
                    names.remove(0);
                }
                names.push((name, Sessions::default()));
                names.len() - 1
            }
        };
        change(&mut names[index].1);
    }

    /// Reads or takes something from the sessions of a key and name, if there are any.
    fn with<R>(
        &self,
        key: &K,
        name: &ServerName<'_>,
        read: impl FnOnce(&mut Sessions) -> Option<R>,
    ) -> Option<R> {
        let mut shelves = self.lock();
        let names = shelves.by_key.get_mut(key)?;
        let (_, sessions) = names.iter_mut().find(|(known, _)| known == name)?;
        read(sessions)
    }

    /// The sessions; a panic elsewhere while they were held leaves at worst one half-made entry.
    fn lock(&self) -> MutexGuard<'_, Shelves<K>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> fmt::Debug for SessionCache<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCache")
            .field("max_keys", &self.max_keys.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

/// What the cache holds: the same keys in both.
struct Shelves<K> {
    /// The sessions of each key, by the names they were made with.
    by_key: HashMap<K, Vec<(ServerName<'static>, Sessions)>>,
    /// The keys, in the order in which they were first stored.
    order: VecDeque<K>,
}

impl<K: Eq + Hash> Shelves<K> {
    /// Forgets the keys that came first, until there are no more than this.
    fn keep_newest(&mut self, most: usize) {
        while self.order.len() > most {
            let oldest = self.order.pop_front();
            oldest.and_then(|oldest| self.by_key.remove(&oldest));
        }
    }
}

/// The sessions with one server.
#[derive(Default)]
struct Sessions {
    /// The group the server chose last, so that the first key share fits.
    hint: Option<NamedGroup>,
    /// The newest TLS 1.2 session, which may be resumed often.
    tls12: Option<Tls12ClientSessionValue>,
    /// TLS 1.3 tickets, oldest first.
    tls13: VecDeque<Tls13ClientSessionValue>,
}

/// The cache, seen by the connections of one key.
struct KeyedStore<K> {
    /// Where everything is kept.
    cache: Arc<SessionCache<K>>,
    /// Whose connections these are.
    key: K,
    /// The group a server chose before it gave a session. It waits here: a handshake that fails
    /// must neither take another key's place nor be counted.
    hint: Mutex<Option<(ServerName<'static>, NamedGroup)>>,
}

impl<K> KeyedStore<K> {
    /// The waiting hint.
    fn hint(&self) -> MutexGuard<'_, Option<(ServerName<'static>, NamedGroup)>> {
        self.hint.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The waiting hint, if it is for this name.
    fn hint_for(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        let waiting = self.hint();
        waiting
            .as_ref()
            .filter(|(known, _)| known == name)
            .map(|(_, group)| *group)
    }
}

impl<K> ClientSessionStore for KeyedStore<K>
where
    K: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static,
{
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.cache.with(&self.key, &name, |sessions| {
            sessions.hint = Some(group);
            Some(())
        });
        *self.hint() = Some((name, group));
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.cache
            .with(&self.key, name, |sessions| sessions.hint)
            .or_else(|| self.hint_for(name))
    }

    fn set_tls12_session(&self, name: ServerName<'static>, session: Tls12ClientSessionValue) {
        let hint = self.hint_for(&name);
        self.cache.edit(&self.key, name, |sessions| {
            sessions.hint = hint.or(sessions.hint);
            sessions.tls12 = Some(session);
        });
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.cache
            .with(&self.key, name, |sessions| sessions.tls12.clone())
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.cache
            .with(&self.key, name, |sessions| sessions.tls12.take());
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        let hint = self.hint_for(&name);
        self.cache.edit(&self.key, name, |sessions| {
            sessions.hint = hint.or(sessions.hint);
            if sessions.tls13.len() == MAX_TICKETS {
                sessions.tls13.pop_front();
            }
            sessions.tls13.push_back(ticket);
        });
    }

    /// Each ticket is given out once: used twice, it would link two connections for whoever
    /// listens (RFC 8446 Appendix C.4).
    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.cache
            .with(&self.key, name, |sessions| sessions.tls13.pop_back())
    }
}

impl<K: fmt::Debug> fmt::Debug for KeyedStore<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedStore")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Tickets kept per key and name, the newest ones: as many as connections are usually opened at
/// once to one server; a server may send any number.
const MAX_TICKETS: usize = 8;

/// Names kept per key. A key usually stands for one name; without a bound a caller whose keys do
/// not could grow one key without end.
const MAX_NAMES: usize = 8;

#[cfg(test)]
mod tests;
