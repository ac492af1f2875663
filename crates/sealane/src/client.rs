//! The client: requests out, responses in, connections kept for the next one.
//!
//! `request` and `agent` are what programs see. `target`, `route` and `key` say where a request
//! goes, on which way and with what it may share, `outgoing` is one that has been checked, and
//! `settings` what can be said for an agent and for one request alike. `pool` decides who gets
//! which connection, `lease` tells them and `notice` whoever watches; `learning` knows how long a
//! server lets a connection rest. `connect` opens one, through a `proxy` or a program's `connector`
//! if told so; `exchange` carries a request and its response on it, `switch` ends it from outside,
//! and `retry` says whether to send it again.

mod request;
mod agent;
mod exchange;
mod outgoing;
mod fields;
mod connect;
mod lease;
mod connection;
mod switch;
mod options;
mod settings;
mod abort;
mod information;
mod target;
mod key;
mod route;
mod proxy;
mod connector;
mod notice;
mod learning;
mod hint;
mod retry;
mod pool;

pub use abort::{AbortController, AbortSignal};
pub use agent::{Agent, global_agent, set_global_agent};
pub use connector::{Connector, Destination};
pub use information::Information;
pub use lease::AgentSnapshot;
pub use notice::{AgentEvent, AgentObserver};
pub use options::AgentOptions;
pub use pool::{Evicted, Scheduling};
pub use proxy::Proxy;
pub use request::{ClientRequest, RequestOptions, get, request};
