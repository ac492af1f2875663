//! The joint table: what the two halves of a connection make of each other.
//!
//! Persistence (RFC 9112 §9.3), tear-down (§9.6), half-close, and leaving HTTP (RFC 9110 §7.8,
//! §9.3.6). It does not know which role we play: the same law holds for both.

use crate::close::CloseReason;
use crate::connection::half::{Receiving, Sending};

/// Whether the connection may carry another exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Persistence {
    /// Nothing speaks against it so far.
    #[default]
    Keep,
    /// It may not, for this reason; the first reason stays.
    Close(CloseReason),
}

impl Persistence {
    /// Gives a reason to close; an earlier one stays, because it explains more.
    pub(super) fn close(&mut self, why: CloseReason) {
        if *self == Self::Keep {
            *self = Self::Close(why);
        }
    }
}

/// Lets a connection carry another exchange once both halves are done (RFC 9112 §9.3).
///
/// A half that is closed closes the other as soon as that one is done with its message.
pub(super) fn turn_over<L: Default>(
    sending: Sending,
    receiving: Receiving<L>,
    persistence: Persistence,
) -> (Sending, Receiving<L>) {
    match (sending, receiving, persistence) {
        (Sending::Done, Receiving::Done, Persistence::Keep) => {
            (Sending::default(), Receiving::default())
        }
        (Sending::Done, Receiving::Done, Persistence::Close(why))
        | (Sending::Done, Receiving::Closed(why), _)
        | (Sending::Closed(why), Receiving::Done, _) => {
            (Sending::Closed(why), Receiving::Closed(why))
        }
        (sending, receiving, _) => (sending, receiving),
    }
}

#[cfg(test)]
mod tests;
