//! A look at a socket that must see all there is, whatever its task has done before.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Runs a poll that nobody will be woken for, with all that the sockets have.
///
/// The runtime lets a task that has done much see nothing more in its sockets until its next turn.
/// A look at a connection must not take that for silence.
pub(crate) fn at_once<T>(look: impl FnOnce(&mut Context<'_>) -> T) -> Option<T> {
    let mut look = Some(look);
    let look = std::future::poll_fn(|context| match look.take() {
        Some(look) => Poll::Ready(look(context)),
        None => Poll::Pending,
    });
    let mut context = Context::from_waker(Waker::noop());
    match pin!(tokio::task::unconstrained(look)).poll(&mut context) {
        Poll::Ready(seen) => Some(seen),
        Poll::Pending => None,
    }
}
