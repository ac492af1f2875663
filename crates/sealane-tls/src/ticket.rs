//! Session tickets of a server: keys, their rotation, and what a ticket is bound to (RFC 5077, RFC
//! 8446 §4.6.1).
//!
//! A ticket is the whole state of a session, sealed and kept by the client: whoever has the key
//! reads every session resumed with it in TLS 1.2, so keys are young, wiped and never shown. The
//! seal also covers what the session may be used for, given as a digest: under another policy or
//! in another context it does not open. How a ticket is sealed stands in `ticket/seal.rs`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::server::ProducesTickets;
use zeroize::Zeroizing;

use crate::clock::{Clock, is_alive, session_seconds};
use crate::error::OptionError;

#[cfg(not(feature = "aws-lc-rs"))]
#[path = "ticket/absent.rs"]
mod seal;
#[cfg(feature = "aws-lc-rs")]
mod seal;

/// The keys that protect a server's session tickets. Cloning shares them.
///
/// Made with [`TicketKeys::new`] they change by themselves: each key seals for as long as the
/// longest session lives that uses these keys, a minute at least, and opens for as long again.
/// So every ticket can be used up to its end, and no key outlives its last ticket by much. Given
/// octets do not change until they are replaced, since other machines were given the same.
///
/// One ring may serve several contexts, one after another or at once: a ticket tells which it is
/// for.
#[derive(Clone)]
pub struct TicketKeys {
    /// Shared by all clones and by the contexts that use them.
    ring: Arc<Mutex<Ring>>,
}

impl TicketKeys {
    /// Makes random keys that change by themselves.
    ///
    /// # Errors
    ///
    /// There is no cryptography, or no random numbers.
    pub fn new() -> Result<Self, OptionError> {
        let current = Key::random().ok_or_else(no_random)?;
        Ok(Self::with(Ring {
            current: Arc::new(current),
            previous: None,
            turn: Some(Turn {
                since: None,
                period: SHORTEST_PERIOD,
            }),
        }))
    }

    /// Takes keys that other machines have too: 16 octets that name the key, which stand in each
    /// ticket in the clear, and 32 that must stay secret.
    ///
    /// # Errors
    ///
    /// There are not exactly 48 octets.
    pub fn from_octets(octets: &[u8]) -> Result<Self, OptionError> {
        Key::from_octets(octets).map(|key| Self::with(Ring::fixed(key)))
    }

    /// The 48 octets of the key that seals now. They are a secret.
    ///
    /// Of keys that change by themselves these are the ones of this moment: give them to another
    /// machine only with [`TicketKeys::replace`] here as well.
    pub fn octets(&self) -> Zeroizing<[u8; 48]> {
        self.with_ring(|ring| ring.current.octets())
    }

    /// Whether somebody gave them, so that they do not change by themselves.
    pub(crate) fn are_given(&self) -> bool {
        self.with_ring(|ring| ring.turn.is_none())
    }

    /// Replaces the keys, at once and for contexts that run: no ticket of before opens any more,
    /// and its client makes a full handshake. From now on they change only by being replaced.
    ///
    /// # Errors
    ///
    /// There are not exactly 48 octets; then nothing has changed.
    pub fn replace(&self, octets: &[u8]) -> Result<(), OptionError> {
        let key = Key::from_octets(octets)?;
        self.with_ring(|ring| *ring = Ring::fixed(key));
        Ok(())
    }

    /// What seals and opens the tickets of one context with these keys.
    ///
    /// `bound_to` digests all that must be the same where a ticket is used. A ticket is refused
    /// when it is older than `lifetime`, or than seven days; with a lifetime of zero there are
    /// none.
    pub(crate) fn ticketer(
        &self,
        bound_to: [u8; 32],
        lifetime: Duration,
        clock: Arc<dyn Clock>,
    ) -> Arc<dyn ProducesTickets> {
        let lifetime = session_seconds(lifetime);
        self.with_ring(|ring| {
            if let Some(turn) = &mut ring.turn {
                turn.period = turn.period.max(lifetime);
            }
        });
        Arc::new(Ticketer {
            keys: self.clone(),
            bound_to,
            lifetime,
            clock,
        })
    }

    /// Shares a ring.
    fn with(ring: Ring) -> Self {
        Self {
            ring: Arc::new(Mutex::new(ring)),
        }
    }

    /// Reads or changes the ring, for a moment; a panic while it was held cannot leave it broken.
    fn with_ring<R>(&self, work: impl FnOnce(&mut Ring) -> R) -> R {
        work(&mut self.ring.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rotates = self.with_ring(|ring| ring.turn.is_some());
        f.debug_struct("TicketKeys")
            .field("rotates", &rotates)
            .finish_non_exhaustive()
    }
}

/// The key that seals, and the one before, whose tickets still open.
struct Ring {
    /// Seals and opens.
    current: Arc<Key>,
    /// Opens only.
    previous: Option<Arc<Key>>,
    /// When keys change; `None` when they do not by themselves.
    turn: Option<Turn>,
}

/// When keys change by themselves.
struct Turn {
    /// Since when the current key seals, in seconds of Unix time; `None` before its first use.
    since: Option<u64>,
    /// For how many seconds a key seals.
    period: u64,
}

impl Ring {
    /// One key, which stays.
    fn fixed(key: Key) -> Self {
        Self {
            current: Arc::new(key),
            previous: None,
            turn: None,
        }
    }

    /// Changes the keys if it is time; a clock that goes back changes nothing.
    ///
    /// Without random numbers, or when they repeat, the old key goes on: tickets would fail for
    /// everybody otherwise.
    fn turn_to(&mut self, now: u64) {
        let Some(turn) = &mut self.turn else {
            return;
        };
        let age = now.saturating_sub(*turn.since.get_or_insert(now));
        if age < turn.period {
            return;
        }
        let Some(next) = Key::random() else {
            return;
        };
        let last = std::mem::replace(&mut self.current, Arc::new(next));
        // Nobody came for so long that all tickets of the last key are over too.
        self.previous = (age < turn.period.saturating_mul(2)).then_some(last);
        turn.since = Some(now);
    }

    /// The key with this name, if it may still open.
    fn named(&self, name: &[u8; NAME]) -> Option<Arc<Key>> {
        let mut keys = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten();
        keys.find(|key| key.name == *name).cloned()
    }
}

/// A key and its name.
struct Key {
    /// Stands in front of each ticket.
    name: [u8; NAME],
    /// From which each ticket's own key is made.
    secret: Zeroizing<[u8; SECRET]>,
}

impl Key {
    /// Makes a random key; `None` without random numbers.
    fn random() -> Option<Self> {
        let mut octets = Zeroizing::new([0; NAME + SECRET]);
        seal::fill(octets.as_mut_slice())?;
        Self::from_octets(octets.as_slice()).ok()
    }

    /// Takes name and secret.
    fn from_octets(octets: &[u8]) -> Result<Self, OptionError> {
        let parts = octets.split_first_chunk::<NAME>();
        let Some((name, secret)) = parts.filter(|(_, secret)| secret.len() == SECRET) else {
            let reason = format!("must be 48 bytes long, not {}", octets.len());
            return Err(OptionError::new(OPTION, "ERR_INVALID_ARG_VALUE", reason));
        };
        let mut key = Self {
            name: *name,
            secret: Zeroizing::new([0; SECRET]),
        };
        key.secret.copy_from_slice(secret);
        Ok(key)
    }

    /// Name and secret.
    fn octets(&self) -> Zeroizing<[u8; 48]> {
        let mut octets = Zeroizing::new([0; 48]);
        octets[..NAME].copy_from_slice(&self.name);
        octets[NAME..].copy_from_slice(self.secret.as_slice());
        octets
    }
}

/// Seals and opens the tickets of one context.
struct Ticketer {
    /// The keys, which may change under it.
    keys: TicketKeys,
    /// Digests all that must be the same where a ticket is used.
    bound_to: [u8; 32],
    /// How many seconds a session may be resumed.
    lifetime: u64,
    /// Tells how old tickets and keys are.
    clock: Arc<dyn Clock>,
}

impl Ticketer {
    /// What the seal covers without holding it: the form of the ticket, its key, its use.
    fn covered(&self, key: &Key) -> Vec<u8> {
        [b"sealane ticket 1", &key.name[..], &self.bound_to].concat()
    }
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        self.lifetime > 0
    }

    fn lifetime(&self) -> u32 {
        // Seven days at most, so it fits.
        u32::try_from(self.lifetime).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        if plain.len() > LONGEST_STATE {
            return None;
        }
        let now = self.clock.unix_seconds();
        let key = self.keys.with_ring(|ring| {
            ring.turn_to(now);
            Arc::clone(&ring.current)
        });
        let mut state = Zeroizing::new(Vec::with_capacity(8 + plain.len()));
        state.extend_from_slice(&now.to_be_bytes());
        state.extend_from_slice(plain);
        let sealed = seal::seal(key.secret.as_slice(), &self.covered(&key), &state)?;
        Some([&key.name[..], &sealed].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        if ticket.len() > LONGEST_TICKET {
            return None;
        }
        let (name, sealed) = ticket.split_first_chunk::<NAME>()?;
        let now = self.clock.unix_seconds();
        let key = self.keys.with_ring(|ring| {
            ring.turn_to(now);
            ring.named(name)
        })?;
        let state = seal::open(key.secret.as_slice(), &self.covered(&key), sealed)?;
        let (made, plain) = state.split_first_chunk::<8>()?;
        is_alive(u64::from_be_bytes(*made), now, self.lifetime).then(|| plain.to_vec())
    }
}

impl fmt::Debug for Ticketer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticketer")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// The refusal where no key can be made.
fn no_random() -> OptionError {
    if cfg!(feature = "aws-lc-rs") {
        let reason = "there are no random numbers for session ticket keys";
        OptionError::new(OPTION, "ERR_CRYPTO_OPERATION_FAILED", reason)
    } else {
        let reason = "tickets need the feature `aws-lc-rs`; give a session store instead";
        OptionError::new(OPTION, "ERR_NO_CRYPTO", reason)
    }
}

/// The name of the option in errors.
const OPTION: &str = "ticket_keys";

/// Octets of a key's name, as in RFC 5077 §4.
const NAME: usize = 16;

/// Octets of a secret: AES-256, and half a SHA-256 block.
const SECRET: usize = 32;

/// The shortest time a key seals, in seconds: sessions of a moment would change keys with every
/// handshake.
const SHORTEST_PERIOD: u64 = 60;

/// The longest state that is sealed, in octets. It grows with the client's certificates; a client
/// could not send a longer ticket back within a ClientHello that most servers take.
const LONGEST_STATE: usize = 16 * 1024;

/// The longest ticket that may be one of ours: what is longer is not even looked at.
const LONGEST_TICKET: usize = NAME + seal::OVERHEAD + 8 + LONGEST_STATE;

#[cfg(all(test, feature = "aws-lc-rs"))]
mod tests;
