//! What every connection does with its octets: the way out, with its fairness budget.
//!
//! Octets of heads and small bodies are gathered in one buffer, so that an answer leaves in one
//! record and one system call; large pieces of a body go to be sealed from where they lie.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use sealane_proto::BodyLength;

use crate::transport::{Session, TlsStream, TransportError, scratch};

/// How many octets a connection may move in one turn before it lets the others run.
///
/// A download then never makes a small request wait (engine decision 6).
pub(crate) const TURN: usize = 64 * 1024;

/// Octets to be sealed and sent, in order: `plain`, then `piece`, then `behind`.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// Heads, chunk lines and small data; lent by the worker while there are any.
    plain: Vec<u8>,
    /// How much of `plain` has been sealed.
    sealed: usize,
    /// A large piece of a body.
    piece: Bytes,
    /// What must follow `piece`.
    behind: &'static [u8],
    /// How many octets have been sealed in all.
    taken: u64,
}

impl Outbox {
    /// Where encoders append; call it only while [`Outbox::has_room`].
    pub(crate) fn plain(&mut self) -> &mut Vec<u8> {
        debug_assert!(
            self.piece.is_empty(),
            "the outbox takes nothing behind a piece"
        );
        if self.plain.capacity() == 0 {
            self.plain = scratch::take_plain();
        }
        &mut self.plain
    }

    /// Adds a piece of a body and what must follow it.
    pub(crate) fn push(&mut self, piece: Bytes, behind: &'static [u8]) {
        let plain = self.plain();
        if piece.len() <= SMALL {
            plain.extend_from_slice(&piece);
            plain.extend_from_slice(behind);
        } else {
            self.piece = piece;
            self.behind = behind;
        }
    }

    /// Whether more may be added before something has left.
    pub(crate) fn has_room(&self) -> bool {
        self.piece.is_empty() && self.plain.len() - self.sealed < TURN
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.plain.len() == self.sealed && self.piece.is_empty()
    }

    /// How many octets have been put in since it was made: where what comes next begins.
    pub(crate) fn put(&self) -> u64 {
        let waiting = self.plain.len() - self.sealed + self.piece.len() + self.behind.len();
        self.taken + waiting as u64
    }

    /// How many of them have left the buffers of this process for certain, when `waiting` sealed
    /// octets have not: no record is shorter than its content.
    pub(crate) fn left(&self, waiting: usize) -> u64 {
        self.taken.saturating_sub(waiting as u64)
    }

    /// Sends until nothing is left, the socket blocks or `budget` is spent.
    ///
    /// Ready with true when all has left the buffers of this process, false when the budget ended
    /// it first.
    pub(crate) fn poll_send<S: Session>(
        &mut self,
        stream: &mut TlsStream<S>,
        context: &mut Context<'_>,
        budget: &mut usize,
    ) -> Poll<Result<bool, TransportError>> {
        while !self.is_empty() {
            if *budget == 0 {
                return Poll::Ready(Ok(false));
            }
            self.fill_record();
            let next = if self.sealed < self.plain.len() {
                &self.plain[self.sealed..]
            } else {
                &self.piece[..]
            };
            let taken = ready!(stream.poll_write(context, next))?;
            self.take(taken);
            *budget = budget.saturating_sub(taken);
        }
        ready!(stream.poll_flush(context))?;
        Poll::Ready(Ok(true))
    }

    /// Moves the start of a piece behind a short `plain`, and the end of a piece before what must
    /// follow it, so that one record carries both.
    fn fill_record(&mut self) {
        let waiting = self.plain.len() - self.sealed;
        let follows = waiting > 0 && waiting < RECORD;
        let ends = waiting == 0 && self.piece.len() < RECORD && !self.behind.is_empty();
        if (follows || ends) && !self.piece.is_empty() {
            let part = self.piece.split_to(self.piece.len().min(RECORD - waiting));
            self.plain.extend_from_slice(&part);
            self.close_piece();
        }
    }

    fn take(&mut self, taken: usize) {
        self.taken += taken as u64;
        if self.sealed < self.plain.len() {
            self.sealed += taken;
            if self.sealed == self.plain.len() {
                self.give_back();
            } else if self.sealed >= TURN {
                // A body that is always ready refills behind what leaves: the front must go too.
                self.plain.drain(..self.sealed);
                self.sealed = 0;
            }
        } else {
            self.piece.advance(taken);
            self.close_piece();
        }
    }

    /// When a piece has been taken whole, puts what must follow it in line.
    fn close_piece(&mut self) {
        if self.piece.is_empty() {
            self.piece = Bytes::new();
            let behind = std::mem::take(&mut self.behind);
            if !behind.is_empty() {
                self.plain().extend_from_slice(behind);
            }
        }
    }

    fn give_back(&mut self) {
        self.sealed = 0;
        scratch::put_plain(std::mem::take(&mut self.plain));
    }
}

/// What a body tells of its length.
pub(crate) fn length_of(body: &impl http_body::Body) -> BodyLength {
    match body.size_hint().exact() {
        Some(octets) => BodyLength::Known(octets),
        None if body.is_end_stream() => BodyLength::Known(0),
        None => BodyLength::Unknown,
    }
}

/// Asks for another turn behind everybody else's, those included whose octets just arrived.
///
/// A plain wake-up would not do: the runtime looks at its sockets only now and then while tasks are
/// ready to run, so a few downloads would keep everybody else waiting for many of their turns.
pub(crate) fn let_others_run(context: &mut Context<'_>) {
    let asked = pin!(tokio::task::yield_now()).poll(context);
    if asked.is_ready() {
        context.waker().wake_by_ref();
    }
}

/// A piece this small is copied beside the head; a larger one costs less where it lies.
const SMALL: usize = 8 * 1024;

/// The largest plain record (RFC 8446 §5.1).
const RECORD: usize = 16 * 1024;
