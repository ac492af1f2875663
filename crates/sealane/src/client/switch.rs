//! Switch: ends what uses a connection, from outside.
//!
//! An agent that is destroyed reaches its busy connections and dials by their switches; whoever
//! uses one polls it beside its socket. Thrown once, it stays thrown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// Tells the one who polls it that what it uses has been destroyed.
#[derive(Debug, Default)]
pub(super) struct Switch {
    thrown: AtomicBool,
    /// Who polled last; a connection has one user at a time.
    user: Mutex<Option<Waker>>,
}

impl Switch {
    /// Throws it, and wakes whoever polls it.
    pub(super) fn destroy(&self) {
        self.throw();
        self.wake();
    }

    /// Throws it without waking anybody, where a lock is held.
    pub(super) fn throw(&self) {
        self.thrown.store(true, Ordering::Release);
    }

    /// Wakes whoever polls it.
    pub(super) fn wake(&self) {
        let user = self.user().take();
        if let Some(user) = user {
            user.wake();
        }
    }

    /// Whether it has been thrown.
    pub(super) fn is_destroyed(&self) -> bool {
        self.thrown.load(Ordering::Acquire)
    }

    /// Ready once it has been thrown.
    pub(super) fn poll_destroyed(&self, context: &mut Context<'_>) -> Poll<()> {
        let is_known = |known: &Waker| known.will_wake(context.waker());
        if !self.is_destroyed() && !self.user().as_ref().is_some_and(is_known) {
            // Cloning and dropping it runs code of others: never under the lock.
            let waker = context.waker().clone();
            let before = self.user().replace(waker);
            drop(before);
        }
        // Again, for it may have been thrown before there was anybody to wake.
        match self.is_destroyed() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn user(&self) -> MutexGuard<'_, Option<Waker>> {
        self.user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The switches of all that an agent has open, for as long as it is open.
#[derive(Debug)]
pub(super) struct Switches {
    all: Vec<Weak<Switch>>,
    /// How many there may be before those that are gone are cleared away.
    room: usize,
}

impl Switches {
    pub(super) fn new() -> Self {
        Self {
            all: Vec::new(),
            room: LEAST_ROOM,
        }
    }

    /// Remembers a switch; clears away, once in a while, those whose connection is gone.
    pub(super) fn add(&mut self, switch: Weak<Switch>) {
        if self.all.len() >= self.room {
            self.all.retain(|switch| switch.strong_count() > 0);
            self.room = LEAST_ROOM.max(2 * self.all.len());
        }
        self.all.push(switch);
    }

    /// Takes them all out, to be thrown outside of any lock.
    pub(super) fn take(&mut self) -> Vec<Weak<Switch>> {
        self.room = LEAST_ROOM;
        std::mem::take(&mut self.all)
    }
}

/// Switches remembered before any is cleared away.
const LEAST_ROOM: usize = 16;

#[cfg(test)]
mod tests;
