//! Event: what the peer did, in the order in which it did it.
//!
//! Each message comes as one head, any number of [`Event::Data`] and exactly one [`Event::End`],
//! also when it has no body. (Behind the head of a response that makes a tunnel, HTTP is over, and
//! no event follows.) What we want to say ourselves are plain methods of the connections.

use std::fmt;

use bytes::Bytes;

use crate::field::Trailers;
use crate::head::{RequestHead, ResponseHead};

/// One thing the peer did.
pub enum Event {
    /// A request begins (server only).
    Request(RequestHead),
    /// An interim response, 1xx except 101 (client only); the final one is still to come.
    Interim(ResponseHead),
    /// The final response begins, or the connection has become a tunnel (client only).
    Response(ResponseHead),
    /// A piece of the body, never empty.
    Data(Bytes),
    /// The message is complete; a chunked body may have brought trailers.
    End(Option<Trailers>),
    /// The peer has ended its side, between two messages: there will be no further event.
    Closed,
}

/// Shows lengths instead of content.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(head) => f.debug_tuple("Request").field(head).finish(),
            Self::Interim(head) => f.debug_tuple("Interim").field(head).finish(),
            Self::Response(head) => f.debug_tuple("Response").field(head).finish(),
            Self::Data(octets) => f.debug_tuple("Data").field(&octets.len()).finish(),
            Self::End(trailers) => f.debug_tuple("End").field(trailers).finish(),
            Self::Closed => f.write_str("Closed"),
        }
    }
}

/// Whether the message that has just begun to leave has a body to send.
///
/// Either way `send_end` must be called to finish the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SendBody {
    /// Its octets go through `send_data`.
    Yes,
    /// There is none, or none may be sent (HEAD, 1xx, 204, 304, a length of 0).
    No,
}
