//! HTTP/1.1 and HTTP/1.0 as pure state: octets in, events out.
#![forbid(unsafe_code)]

mod connection;
mod event;
mod body;
mod head;
mod framing;
mod start_line;
mod authority;
mod field;
mod buffer;
mod close;
mod limits;
mod error;
mod grammar;

pub use close::{CloseReason, InputEnd};
pub use connection::{
    ClientConnection, ClientRules, Moment, ServerConnection, ServerRules, Timeouts, Timer,
};
pub use error::{
    ChunkedError, ErrorKind, Excerpt, FieldError, FramingError, HostError, IncompleteError,
    ProtocolError, ResponseError, Section, Side, StartLineError, UsageError,
};
pub use event::{Event, SendBody};
pub use field::{RawFields, Trailers};
pub use framing::{BodyLength, Framing};
pub use head::{RawHead, RequestHead, ResponseHead};
pub use limits::{INTERIM_RESPONSES, Limits, METHOD_OCTETS};
