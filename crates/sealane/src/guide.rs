//! The long prose: how things are done, with examples that compile.

#[doc = include_str!("guide/axum.md")]
pub mod axum {}

#[doc = include_str!("guide/client.md")]
pub mod client {}

#[doc = include_str!("guide/listening.md")]
pub mod listening {}

#[doc = include_str!("guide/server.md")]
pub mod server {}

#[doc = include_str!("guide/tls.md")]
pub mod tls {}
