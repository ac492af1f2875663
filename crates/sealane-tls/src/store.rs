//! Sessions that a server keeps itself, in a store of the caller's (RFC 5246 §7.3, RFC 8446
//! §4.6.1).
//!
//! For servers that do not want tickets: the client holds a name of 32 random octets only, and a
//! session can be taken back. The store is asked in the middle of a handshake, on a thread that
//! serves other connections, so it must answer at once. How long a session lives and which context
//! it belongs to is not left to it: both stand in front of each value.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::StoresServerSessions;

use crate::clock::{Clock, is_alive, session_seconds};

/// Keeps a server's sessions.
///
/// All methods are called during handshakes: they must not block, neither on a network nor on a
/// disk. A store may forget what it likes; the client then makes a full handshake. Values are
/// secrets: who reads one can read the connections of its session, and who writes one can resume a
/// session that never was.
pub trait SessionStore: fmt::Debug + Send + Sync {
    /// Keeps a value; tells whether it did. `expires` is a moment of Unix time, in seconds, after
    /// which the value is of no use and may be dropped.
    fn put(&self, id: &[u8], value: Vec<u8>, expires: u64) -> bool;

    /// The value that was put for this id.
    fn get(&self, id: &[u8]) -> Option<Vec<u8>>;

    /// The same, and forgets it; the same value must never be given twice.
    fn take(&self, id: &[u8]) -> Option<Vec<u8>>;
}

/// A store as one context uses it.
pub(crate) struct ContextStore {
    /// Where values are kept; other contexts may keep theirs there too.
    store: Arc<dyn SessionStore>,
    /// Digests all that must be the same where a session is used.
    bound_to: [u8; 32],
    /// How many seconds a session may be resumed.
    lifetime: u64,
    /// Tells how old sessions are.
    clock: Arc<dyn Clock>,
}

impl ContextStore {
    /// Lets a context keep sessions in a store; with a lifetime of zero it keeps none.
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        bound_to: [u8; 32],
        lifetime: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            bound_to,
            lifetime: session_seconds(lifetime),
            clock,
        }
    }

    /// What stands behind the head of a value, if it is of this context and still alive.
    fn opened(&self, value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let mut value = value.filter(|value| value.len() <= HEAD + LONGEST_STATE)?;
        let (bound_to, rest) = value.split_first_chunk::<32>()?;
        let (made, _) = rest.split_first_chunk::<8>()?;
        let made = u64::from_be_bytes(*made);
        let usable =
            *bound_to == self.bound_to && is_alive(made, self.clock.unix_seconds(), self.lifetime);
        usable.then(|| value.split_off(HEAD))
    }
}

impl StoresServerSessions for ContextStore {
    fn put(&self, id: Vec<u8>, value: Vec<u8>) -> bool {
        if self.lifetime == 0 || id.len() != ID || value.len() > LONGEST_STATE {
            return false;
        }
        let now = self.clock.unix_seconds();
        let value = [&self.bound_to[..], &now.to_be_bytes(), &value].concat();
        self.store
            .put(&id, value, now.saturating_add(self.lifetime))
    }

    fn get(&self, id: &[u8]) -> Option<Vec<u8>> {
        // What no server of ours has made need not be looked for.
        let value = (id.len() == ID).then(|| self.store.get(id))?;
        self.opened(value)
    }

    fn take(&self, id: &[u8]) -> Option<Vec<u8>> {
        let value = (id.len() == ID).then(|| self.store.take(id))?;
        self.opened(value)
    }

    fn can_cache(&self) -> bool {
        self.lifetime > 0
    }
}

impl fmt::Debug for ContextStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextStore")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// Octets of an id, in both versions as rustls makes them.
const ID: usize = 32;

/// Octets in front of each value: the context's digest, and when the session was made.
const HEAD: usize = 32 + 8;

/// The longest session that is kept, in octets; it grows with the client's certificates.
const LONGEST_STATE: usize = 16 * 1024;

#[cfg(test)]
mod tests;
