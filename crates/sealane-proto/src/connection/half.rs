//! Sending and Receiving: the two half-machines of a connection.
//!
//! HTTP/1.1 is duplex: a response may begin while its request still comes (RFC 9112 §9.3), so each
//! direction has a state of its own. How they depend on each other is in `joint.rs`.

use crate::body::{BodyDecoder, BodyEncoder};
use crate::close::CloseReason;
use crate::head::HeadScanner;

/// What we may put on the wire next.
#[derive(Debug, Default)]
pub(super) enum Sending {
    /// No message is open; the next one starts with its head.
    #[default]
    Head,
    /// The head is out and promised a body; the encoder knows what is still owed.
    Body(BodyEncoder),
    /// This message is complete; the exchange waits for the other half.
    Done,
    /// The connection has left HTTP: its octets are the caller's.
    Tunnel,
    /// Nothing more may be sent on this connection.
    Closed(CloseReason),
}

/// What the peer may put on the wire next; `L` is the start line that its heads have.
#[derive(Debug)]
pub(super) enum Receiving<L> {
    /// A message is due, or has begun to come: the scanner has seen so much of its head.
    Head(HeadScanner<L>),
    /// The head was complete; the decoder knows what is still to come.
    Body(BodyDecoder),
    /// This message is complete; the exchange waits for the other half.
    Done,
    /// The connection has left HTTP: its octets are the caller's.
    Tunnel,
    /// Nothing more is read from this connection.
    Closed(CloseReason),
}

impl<L: Default> Default for Receiving<L> {
    fn default() -> Self {
        Self::Head(HeadScanner::default())
    }
}

impl<L> Receiving<L> {
    /// The state behind a head: the body's, or done when there is none.
    pub(super) fn behind_head(body: Option<BodyDecoder>) -> Self {
        body.map_or(Self::Done, Self::Body)
    }
}
