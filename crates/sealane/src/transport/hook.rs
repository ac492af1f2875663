//! Questions that a program answers while a connection is opened, and what may go wrong with them.
//!
//! Whoever asks sets a time limit around it; here its panics are contained, so that a connection
//! that cannot be opened is an error of its request and of nobody else.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

/// What a program promises to answer.
pub(crate) type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The program's code panicked.
#[derive(Debug)]
pub(crate) struct Panicked;

/// A number that no other hook of this process has: two of them cannot be compared, so each stands
/// for itself wherever connections are shared.
pub(crate) fn identify() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Asks, and waits for the answer.
pub(crate) async fn ask<T>(question: impl FnOnce() -> Answer<T>) -> Result<T, Panicked> {
    let answer = contain(question)?;
    let mut asked = Asked(Some(answer));
    poll_fn(|context| {
        let Some(answer) = &mut asked.0 else {
            return Poll::Ready(Err(Panicked));
        };
        match contain(|| answer.as_mut().poll(context)) {
            Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panicked) => Poll::Ready(Err(panicked)),
        }
    })
    .await
}

/// What is being waited for; it may panic when it is dropped, too.
struct Asked<T>(Option<Answer<T>>);

impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        let answer = self.0.take();
        if contain(|| drop(answer)).is_err() {
            tracing::error!("a hook that opens connections panicked while it was dropped");
        }
    }
}

/// Runs a program's code, and keeps its panic.
pub(super) fn contain<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    // What the panic has left half done is the hook's own, and is dropped.
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| Panicked)
}
