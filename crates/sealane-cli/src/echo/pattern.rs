//! Octets by the number: a body of any length out of one block of memory.
//!
//! The octet at position n is n modulo 251. The period is prime, so that a piece lost, repeated or
//! exchanged never looks right at a size that machines are fond of.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

#[cfg(test)]
mod tests;

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// So many octets.
    Octets(u64),
    /// A number that is none, or too large; the text says so.
    Wrong(&'static str),
    /// Something else.
    Nothing,
}

impl Asked {
    /// Reads a path: `/bytes/N` or `/big`.
    pub fn of(path: &str) -> Self {
        if path == "/big" {
            return Self::Octets(BIG);
        }
        let Some(number) = path.strip_prefix("/bytes/") else {
            return Self::Nothing;
        };
        if number.is_empty() || !number.bytes().all(|octet| octet.is_ascii_digit()) {
            return Self::Wrong("/bytes/N wants a whole number of octets\n");
        }
        match number.parse() {
            Ok(octets) if octets <= MOST => Self::Octets(octets),
            _ => Self::Wrong("/bytes/N gives 1099511627776 octets (1 TiB) at most\n"),
        }
    }
}

/// A body of the first so many octets of the pattern.
#[derive(Debug)]
pub struct Pattern {
    /// How many are still to come.
    owed: u64,
}

impl Pattern {
    /// A body of this length.
    pub fn new(length: u64) -> Self {
        Self { owed: length }
    }
}

impl Body for Pattern {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.owed == 0 {
            return Poll::Ready(None);
        }
        let length = BLOCK
            .len()
            .min(usize::try_from(self.owed).unwrap_or(usize::MAX));
        self.owed -= length as u64;
        // All pieces but the last are whole blocks, so each begins where the pattern does.
        Poll::Ready(Some(Ok(Frame::data(BLOCK.slice(..length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.owed == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.owed)
    }
}

/// Whole periods of the pattern, nearly 64 KiB of them; every body shares them.
static BLOCK: LazyLock<Bytes> = LazyLock::new(|| {
    (0..PERIOD)
        .cycle()
        .take(usize::from(PERIOD) * (64 * 1024 / usize::from(PERIOD)))
        .collect()
});

/// The period of the pattern.
const PERIOD: u8 = 251;

/// What `/big` gives: 8 MiB, more than all buffers between two programs hold.
const BIG: u64 = 8 * 1024 * 1024;

/// The most that `/bytes/N` gives: 1 TiB, a day at a hundred megabits per second. It costs no
/// memory; the bound keeps a slip of the hand from filling a disk unnoticed.
const MOST: u64 = 1 << 40;
