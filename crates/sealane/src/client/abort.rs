//! Abort: calling requests off from outside, by the module's names.
//!
//! A signal is shared by any number of requests, and a request looks at it in each of its phases.
//! Nobody is remembered longer than he waits.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::{Error, ErrorKind, Phase, Result};

/// Calls off whatever has been given its [`signal`](Self::signal).
///
/// Cloning is cheap. Dropping it aborts nothing.
///
/// ```
/// use sealane::{AbortController, RequestOptions};
///
/// # async fn example() -> sealane::Result<()> {
/// let controller = AbortController::new();
/// let options = RequestOptions::new("https://example.com/").signal(&controller.signal());
/// let request = sealane::request(options)?;
/// controller.abort();
/// let error = request.end().await.unwrap_err();
/// assert_eq!(error.code(), Some("ABORT_ERR"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct AbortController {
    signal: AbortSignal,
}

impl AbortController {
    /// A controller that has aborted nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What requests are given.
    pub fn signal(&self) -> AbortSignal {
        self.signal.clone()
    }

    /// Aborts all that has been given the signal, and all that will be. A second call does nothing.
    pub fn abort(&self) {
        self.signal.shared.abort();
    }

    /// The same with a reason, which is the source of each error that comes of it.
    pub fn abort_with(&self, reason: impl Into<Box<dyn StdError + Send + Sync>>) {
        // The first reason stays, as the first abort counts.
        if !self.signal.is_aborted() {
            let _ = self.signal.shared.reason.set(Arc::from(reason.into()));
        }
        self.abort();
    }
}

/// Tells requests that they have been called off: [`RequestOptions::signal`].
///
/// An aborted request fails with the code `ABORT_ERR`: at once while it waits for a connection,
/// opens one, sends or waits for its response; after the response's head when its body is next
/// read. Its connection is closed, unless the exchange was whole. What has been read to its end is
/// not affected. Cloning is cheap.
///
/// A connection that is just being opened is opened all the same where another request waits for
/// one, or its agent keeps connections. A body that nobody reads keeps its connection, and its
/// place among `max_sockets`, until it is read or dropped: abort and drop what is not wanted.
///
/// [`RequestOptions::signal`]: crate::RequestOptions::signal
#[derive(Clone, Default)]
pub struct AbortSignal {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    aborted: AtomicBool,
    reason: OnceLock<Arc<dyn StdError + Send + Sync>>,
    /// When it aborts by itself, and after how long.
    deadline: Option<(Instant, Duration)>,
    waiting: Mutex<Waiting>,
}

/// Who is to be woken.
#[derive(Default)]
struct Waiting {
    wakers: BTreeMap<u64, Waker>,
    next: u64,
}

impl AbortSignal {
    /// A signal that has been aborted.
    pub fn abort() -> Self {
        let signal = Self::default();
        signal.shared.abort();
        signal
    }

    /// A signal that aborts when `limit` has passed from now.
    pub fn timeout(limit: Duration) -> Self {
        let by = Instant::now().checked_add(limit);
        Self {
            shared: Arc::new(Shared {
                deadline: by.map(|by| (by, limit)),
                ..Shared::default()
            }),
        }
    }

    /// Whether it has been aborted.
    pub fn is_aborted(&self) -> bool {
        let late = |(by, _): &(Instant, Duration)| *by <= Instant::now();
        self.shared.aborted.load(Ordering::Acquire)
            || self.shared.deadline.as_ref().is_some_and(late)
    }

    /// Waits until it is aborted; for ever, if nobody does. It wants a tokio runtime with time.
    pub async fn aborted(&self) {
        let mut watching = self.watch();
        poll_fn(|context| watching.poll(context)).await;
    }

    /// Begins to watch the signal; a limit of its own wants the runtime that is here.
    pub(super) fn watch(&self) -> Watching {
        let deadline = self.shared.deadline;
        Watching {
            signal: self.clone(),
            place: None,
            alarm: deadline.map(|(by, _)| Box::pin(sleep_until(by))),
        }
    }

    /// What comes of it in a phase of a request; `how_far` ends the sentence.
    pub(super) fn error(&self, phase: Phase, how_far: &str) -> Error {
        let shared = &self.shared;
        let by_itself = !shared.aborted.load(Ordering::Acquire);
        let (kind, text) = match shared.deadline {
            Some((_, limit)) if by_itself => {
                let text =
                    format!("the request was aborted by its signal after {limit:?}{how_far}");
                (ErrorKind::Timeout, text)
            }
            _ => {
                let text = format!("the request was aborted{how_far}");
                (ErrorKind::Aborted, text)
            }
        };
        let error = Error::new(kind, phase, text).with_code("ABORT_ERR");
        match shared.reason.get() {
            Some(reason) => error.with_source(Reason(Arc::clone(reason))),
            None => error,
        }
    }
}

/// Runs what a request waits for before anything of it leaves, unless it is aborted first.
pub(super) async fn unless_aborted<T>(
    signal: Option<&AbortSignal>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let Some(signal) = signal else {
        return work.await;
    };
    let mut watching = signal.watch();
    let mut work = pin!(work);
    poll_fn(|context| match watching.poll(context) {
        Poll::Ready(()) => Poll::Ready(Err(signal.error(Phase::Connect, "").unsent())),
        Poll::Pending => work.as_mut().poll(context),
    })
    .await
}

impl Shared {
    fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
        let wakers = std::mem::take(&mut self.waiting().wakers);
        for waker in wakers.into_values() {
            waker.wake();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AbortSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortSignal")
            .field("aborted", &self.is_aborted())
            .finish_non_exhaustive()
    }
}

/// One who watches a signal; dropped, the signal forgets him.
#[derive(Debug)]
pub(super) struct Watching {
    signal: AbortSignal,
    /// Where his waker is.
    place: Option<u64>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Watching {
    pub(super) fn signal(&self) -> &AbortSignal {
        &self.signal
    }

    /// Ready once the signal has been aborted.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.signal.is_aborted() {
            return Poll::Ready(());
        }
        if let Some(alarm) = &mut self.alarm
            && alarm.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(());
        }
        self.remember(context.waker());
        // Again, for it may have been aborted before there was anybody to wake.
        match self.signal.is_aborted() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn remember(&mut self, waker: &Waker) {
        let shared = &self.signal.shared;
        let is_same = |known: &Waker| known.will_wake(waker);
        if let Some(place) = self.place
            && shared.waiting().wakers.get(&place).is_some_and(is_same)
        {
            return;
        }
        // Cloning and dropping it runs code of others: never under the lock.
        let waker = waker.clone();
        let mut waiting = shared.waiting();
        let place = *self.place.get_or_insert_with(|| {
            waiting.next += 1;
            waiting.next
        });
        let before = waiting.wakers.insert(place, waker);
        drop(waiting);
        drop(before);
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let forgotten = self.signal.shared.waiting().wakers.remove(&place);
            drop(forgotten);
        }
    }
}

/// A caller's reason, as the source of any number of errors.
#[derive(Debug)]
struct Reason(Arc<dyn StdError + Send + Sync>);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Reason {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests;
