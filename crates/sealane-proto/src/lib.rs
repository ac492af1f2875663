//! HTTP/1.1 and HTTP/1.0 as pure state: octets in, events out. Follows the version of `sealane`.
//!
//! No sockets, no clock, no tasks, no `unsafe`: whoever drives a connection reads and writes its
//! octets and says what time it is. Semantics are RFC 9110, syntax and connections RFC 9112; what
//! they leave to two readings is refused, because two parsers that disagree are all that request
//! smuggling needs. Not here: TLS, name resolution, pools, redirects, content codings.
//!
//! # The flow
//!
//! ```text
//!                 octets ─▶ receive ─▶ buffer ─▶ Receiving ─▶ poll_event ─▶ Event
//!   the driver                                       │ joint table: when both halves are done,
//!   owns socket                                      │ the next exchange, or the end
//!   and clock     octets ◀─ out ◀───────────────  Sending ◀── send_response, send_data, send_end
//!                 moment ◀─ next_timeout
//! ```
//!
//! The two half-machines run side by side, for a response may begin while its request still comes:
//!
//! ```text
//!   Receiving   Head ─▶ Body ─▶ Done ─┐                     Head: a message is due
//!                 └──────────────▲    ├─▶ both Head again   Body: its head is complete
//!   Sending     Head ─▶ Body ─▶ Done ─┘   or both Closed    Done: so is all of it
//!                 └──▶ Tunnel                               Tunnel: 101, or 2xx to CONNECT
//! ```
//!
//! # The map
//!
//! | module | what it knows |
//! |---|---|
//! | `connection/` | the two roles, their halves, how these depend on each other, deadlines |
//! | `event`, `close`, `limits`, `error` | what happened, why it is over, how much is allowed |
//! | `head`, `start_line`, `authority`, `field` | heads, from octets to `http` types and back |
//! | `framing`, `body/` | where a message ends, and how its octets are cut |
//! | `grammar`, `buffer` | octet classes; octets that nobody has claimed yet |
//!
//! In this file they stand in the order of use: a module may use what is declared below it, never
//! above.
//!
//! # An exchange
//!
//! ```
//! use std::sync::Arc;
//!
//! use http::{HeaderMap, StatusCode};
//! use sealane_proto::{
//!     BodyLength, Event, HeadOptions, Moment, ProtocolError, ServerConnection, ServerRules,
//! };
//!
//! fn main() -> Result<(), ProtocolError> {
//!     let now = Moment(0);
//!     let rules = Arc::new(ServerRules::default());
//!     let mut connection = ServerConnection::new(rules, Arc::default(), now);
//!
//!     connection.receive(b"GET /hello HTTP/1.1\r\nHost: a.exa", now);
//!     assert!(connection.poll_event(now)?.is_none(), "the head is not complete");
//!     connection.receive(b"mple\r\n\r\n", now);
//!     let Some(Event::Request(request)) = connection.poll_event(now)? else {
//!         panic!("the head is complete");
//!     };
//!     assert_eq!(request.uri, "/hello");
//!     assert_eq!(request.fields["host"], "a.example");
//!     assert!(matches!(connection.poll_event(now)?, Some(Event::End(None))));
//!
//!     let body = b"hello\n";
//!     let length = BodyLength::Known(body.len() as u64);
//!     let head = HeadOptions::dated(b"Sun, 06 Nov 1994 08:49:37 GMT");
//!     let mut out = Vec::new();
//!     connection.send_response(StatusCode::OK, &HeaderMap::new(), length, &head, &mut out)?;
//!     let end = connection.send_data(body.len(), &mut out)?;
//!     out.extend_from_slice(body);
//!     out.extend_from_slice(end);
//!     connection.send_end(None, &mut out, now)?;
//!
//!     assert!(out.starts_with(b"HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994"));
//!     assert!(out.ends_with(b"content-length: 6\r\n\r\nhello\n"));
//!     assert!(connection.is_idle(), "the next request may come");
//!     Ok(())
//! }
//! ```

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
    ClientConnection, ClientRules, HeadOptions, Moment, OutgoingFields, OutgoingHead,
    ServerConnection, ServerRules, Timeouts, Timer,
};
pub use error::{
    ChunkedError, ErrorKind, Excerpt, FieldError, FramingError, HostError, IncompleteError,
    ProtocolError, ResponseError, Section, Side, StartLineError, UsageError,
};
pub use event::{Event, Rejected, SendBody};
pub use field::{FieldSection, RawFields, Trailers};
pub use framing::{BodyLength, Framing};
pub use head::{RawHead, RequestHead, ResponseHead};
pub use limits::{INTERIM_RESPONSES, Limits, METHOD_OCTETS, MOST_FIELDS, TARGET_OCTETS};
