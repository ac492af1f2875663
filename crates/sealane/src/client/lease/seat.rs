//! A seat: where a request waits for a connection, and where its dial learns that it may stop.
//!
//! The pool keeps it while the request is in the queue, and while its dial is under way. Nothing
//! that is taken out of it is dropped under its lock.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{Claim, Lease};
use crate::client::switch::Switch;
use crate::error::Result;

/// One request's.
#[derive(Debug, Default)]
pub(super) struct Seat {
    state: Mutex<State>,
    /// Ends the dial from outside.
    pub(super) switch: Arc<Switch>,
    /// Nobody needs what the dial would bring.
    needless: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Nobody sits here any more.
    left: bool,
    /// The right to dial, not yet taken.
    grant: Option<Lease>,
    outcome: Option<Result<Claim>>,
    waker: Option<Waker>,
}

/// What comes of waiting.
pub(super) enum Turn {
    /// The request may dial, in this place, and goes on waiting.
    Dial(Lease),
    Served(Result<Claim>),
}

impl Seat {
    /// Lets the request dial; the place comes back if nobody sits here any more.
    pub(super) fn allow(&self, place: Lease) -> Result<(), Lease> {
        let mut state = self.state();
        if state.left {
            return Err(place);
        }
        state.grant = Some(place);
        wake(state);
        Ok(())
    }

    /// Ends the request's waiting; the outcome comes back if nobody sits here any more.
    pub(super) fn serve(&self, outcome: Result<Claim>) -> Result<(), Result<Claim>> {
        let mut state = self.state();
        if state.left {
            return Err(outcome);
        }
        state.outcome = Some(outcome);
        wake(state);
        Ok(())
    }

    /// What has come; an outcome before the right to dial, which is needless then.
    pub(super) fn poll_turn(&self, context: &mut Context<'_>) -> Poll<Turn> {
        let mut state = self.state();
        if let Some(outcome) = state.outcome.take() {
            return Poll::Ready(Turn::Served(outcome));
        }
        if let Some(place) = state.grant.take() {
            return Poll::Ready(Turn::Dial(place));
        }
        match &mut state.waker {
            Some(waker) if waker.will_wake(context.waker()) => {}
            waker => *waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Leaves; what has come and was not taken is for the next one.
    pub(super) fn leave(&self) -> (Option<Lease>, Option<Result<Claim>>) {
        let mut state = self.state();
        state.left = true;
        (state.grant.take(), state.outcome.take())
    }

    /// Stops the dial: nobody needs what it would bring.
    pub(super) fn stop(&self) {
        self.needless.store(true, Ordering::Relaxed);
        self.switch.destroy();
    }

    /// Whether that is why it has been stopped.
    pub(super) fn is_needless(&self) -> bool {
        self.needless.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let waker = mem::take(&mut state.waker);
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
