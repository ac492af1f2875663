//! The shared cell between whoever fills a body and whoever reads it.
//!
//! A lock and two wakers, no channel: the filler is a connection's task, the reader is the
//! handler, often in that very task. Bounded: the filler asks for room before it pushes, and there
//! is room only while what waits costs less than [`ROOM`] octets of memory. Nothing is copied.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use crate::error::{Error, ErrorKind, Phase, Result};

/// Makes an empty cell; `length` is what the reader may tell of the whole body.
pub(crate) fn cell(length: SizeHint) -> (Feeder, Reader) {
    let cell = Arc::new(Mutex::new(State::default()));
    (
        Feeder {
            cell: Arc::clone(&cell),
        },
        Reader { cell, length },
    )
}

/// The filling end.
///
/// Dropped without [`Feeder::finish`], it leaves the reader with an error: a body is never cut
/// silently.
#[derive(Debug)]
pub(crate) struct Feeder {
    cell: Arc<Mutex<State>>,
}

/// The reading end.
#[derive(Debug)]
pub(crate) struct Reader {
    cell: Arc<Mutex<State>>,
    length: SizeHint,
}

#[derive(Debug, Default)]
struct State {
    /// Pieces that wait for the reader.
    pieces: VecDeque<Bytes>,
    /// What `pieces` cost, by [`cost`].
    waiting: usize,
    /// How the body ended, if it has.
    end: Option<End>,
    /// The reader has asked at least once.
    asked: bool,
    /// The reader is gone.
    abandoned: bool,
    reader: Option<Waker>,
    feeder: Option<Waker>,
    /// The feeder wants to be woken once the reader waits for octets.
    tells_waiting: bool,
    /// The feeder looks at the cell again after each poll of the reader, if both are one task.
    feeder_looks_again: bool,
}

#[derive(Debug)]
enum End {
    Whole(Option<HeaderMap>),
    Failed(Error),
    /// The end has been told; nothing follows.
    Told,
}

impl Feeder {
    /// Whether another piece may be pushed now.
    pub(crate) fn has_room(&self) -> bool {
        lock(&self.cell).waiting < ROOM
    }

    /// Whether the reader has asked for octets yet.
    pub(crate) fn is_asked(&self) -> bool {
        lock(&self.cell).asked
    }

    /// Whether a reader waits for octets; if not, the feeder is woken once one does.
    pub(crate) fn is_awaited(&self) -> bool {
        let mut state = lock(&self.cell);
        let awaited = state.reader.is_some() && state.pieces.is_empty();
        state.tells_waiting = !awaited;
        awaited
    }

    /// Whether the reader is gone.
    pub(crate) fn is_abandoned(&self) -> bool {
        lock(&self.cell).abandoned
    }

    /// Keeps `context` to be woken when room is made, the reader first asks, or goes.
    ///
    /// For a connection only: it promises to look at the cell again after each poll of its handler,
    /// so a reader in the same task need not wake it.
    pub(crate) fn watch(&self, context: &Context<'_>) {
        let mut state = lock(&self.cell);
        state.feeder_looks_again = true;
        register(&mut state.feeder, context);
    }

    /// Ready once there is room; fails when the reader is gone.
    pub(crate) fn poll_room(&mut self, context: &Context<'_>) -> Poll<Result<(), ()>> {
        let mut state = lock(&self.cell);
        if state.abandoned {
            return Poll::Ready(Err(()));
        }
        if state.waiting < ROOM {
            return Poll::Ready(Ok(()));
        }
        register(&mut state.feeder, context);
        Poll::Pending
    }

    pub(crate) fn push(&self, piece: Bytes) {
        let mut state = lock(&self.cell);
        if state.abandoned || piece.is_empty() {
            return;
        }
        state.waiting += cost(&piece);
        state.pieces.push_back(piece);
        wake(state, |state| &mut state.reader);
    }

    pub(crate) fn finish(self, trailers: Option<HeaderMap>) {
        self.end(End::Whole(trailers));
    }

    pub(crate) fn fail(self, error: Error) {
        self.end(End::Failed(error));
    }

    fn end(&self, end: End) {
        let mut state = lock(&self.cell);
        if state.end.is_none() {
            state.end = Some(end);
        }
        wake(state, |state| &mut state.reader);
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        if lock(&self.cell).end.is_none() {
            let text = "the connection ended before the body was complete";
            self.end(End::Failed(
                Error::new(ErrorKind::Body, Phase::ReceiveBody, text).with_code("ECONNRESET"),
            ));
        }
    }
}

impl Reader {
    pub(crate) fn poll_frame(
        &mut self,
        context: &Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        let mut state = lock(&self.cell);
        if let Some(piece) = state.pieces.pop_front() {
            let was_full = state.waiting >= ROOM;
            state.waiting -= cost(&piece);
            self.length = rest_of(self.length, piece.len());
            if was_full && state.waiting < ROOM {
                wake_other(state, context);
            }
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match state
            .end
            .as_mut()
            .map(|end| std::mem::replace(end, End::Told))
        {
            Some(End::Whole(Some(trailers))) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Some(End::Failed(error)) => Poll::Ready(Some(Err(error))),
            Some(End::Whole(None) | End::Told) => Poll::Ready(None),
            None => {
                register(&mut state.reader, context);
                let first = !std::mem::replace(&mut state.asked, true);
                if std::mem::take(&mut state.tells_waiting) || first {
                    wake_other(state, context);
                }
                Poll::Pending
            }
        }
    }

    pub(crate) fn is_end(&self) -> bool {
        let state = lock(&self.cell);
        state.pieces.is_empty() && matches!(state.end, Some(End::Told | End::Whole(None)))
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.length
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = lock(&self.cell);
        state.abandoned = true;
        state.pieces.clear();
        state.waiting = 0;
        wake(state, |state| &mut state.feeder);
    }
}

/// What a waiting piece is charged for: its octets, and that it is a piece at all.
///
/// Without the latter a peer that sends one-octet pieces would make a full cell weigh megabytes.
fn cost(piece: &Bytes) -> usize {
    piece.len() + PIECE
}

/// What remains of a body of this length when `taken` octets of it are gone.
fn rest_of(length: SizeHint, taken: usize) -> SizeHint {
    match length.exact() {
        Some(exact) => SizeHint::with_exact(exact.saturating_sub(taken as u64)),
        None => length,
    }
}

/// A panic under this lock leaves plain data behind, so a poisoned lock is as good as any.
fn lock(cell: &Mutex<State>) -> MutexGuard<'_, State> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

fn register(place: &mut Option<Waker>, context: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(context.waker()),
        None => *place = Some(context.waker().clone()),
    }
}

/// Takes a waker out and wakes it after the lock is released.
fn wake(mut state: MutexGuard<'_, State>, which: impl Fn(&mut State) -> &mut Option<Waker>) {
    let waker = which(&mut state).take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Wakes the feeder, unless it is the very task that polls now and looks again by itself: a second
/// wake-up would cost a connection an empty turn.
fn wake_other(state: MutexGuard<'_, State>, context: &Context<'_>) {
    let same_task = || {
        state
            .feeder
            .as_ref()
            .is_some_and(|f| f.will_wake(context.waker()))
    };
    if state.feeder_looks_again && same_task() {
        return;
    }
    wake(state, |state| &mut state.feeder);
}

/// How much may wait for a reader: one turn's worth of a connection (engine decision 6).
const ROOM: usize = 64 * 1024;

/// Octets of bookkeeping for a piece.
const PIECE: usize = 64;
