//! Event: what the peer did, in the order in which it did it.
//!
//! Each message comes as one head, any number of [`Event::Data`] and exactly one [`Event::End`],
//! also when it has no body. (Behind the head of a response that makes a tunnel, HTTP is over, and
//! no event follows.) What we want to say ourselves are plain methods of the connections.

use std::fmt;

use bytes::Bytes;

use crate::error::{ErrorKind, ProtocolError, Section};
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

/// The octets at which reading stopped, for whoever wants to see what a client has sent.
///
/// They are those that no event had claimed, from the start of the head or trailer section that is
/// wrong; of a body, from the first octet that was not read yet. Secrets may be among them.
pub struct Rejected {
    /// What was waiting to be read, the fault among it.
    pub octets: Bytes,
    /// How many of these octets had been read when the fault was found.
    pub parsed: usize,
}

impl Rejected {
    /// Where in the octets the error is.
    pub(crate) fn new(octets: Bytes, error: &ProtocolError) -> Self {
        let parsed = match (error.kind(), error.section()) {
            (ErrorKind::Incomplete(_), _) => octets.len(),
            // What was read of a body has left the buffer.
            (_, Section::Body | Section::Call) => 0,
            (_, Section::Head | Section::Trailers) => {
                usize::try_from(error.offset()).map_or(octets.len(), |at| at.min(octets.len()))
            }
        };
        Self { octets, parsed }
    }
}

/// Shows lengths only: the octets are a peer's.
impl fmt::Debug for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("octets", &self.octets.len())
            .field("parsed", &self.parsed)
            .finish()
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
