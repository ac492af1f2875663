//! What a request may be, and what its connection may carry.

use sealane_proto::{Limits, ServerRules};

use super::ServerOptions;
use crate::bounds::check_limits;
use crate::error::Result;

/// The rules of HTTP that a server may change.
#[derive(Clone, Debug)]
pub(in crate::server) struct HttpOptions {
    limits: Limits,
    require_host_header: bool,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            require_host_header: true,
        }
    }
}

impl HttpOptions {
    pub(super) fn check(&self) -> Result<()> {
        check_limits(&self.limits)
    }

    /// The same in the words of the protocol.
    pub(super) fn rules(&self) -> ServerRules {
        ServerRules {
            limits: self.limits.clone(),
            require_host: self.require_host_header,
            ..ServerRules::default()
        }
    }
}

impl ServerOptions {
    /// The largest head of a request in octets; default 16 KiB. More is answered 431.
    #[must_use]
    pub fn max_header_size(mut self, octets: usize) -> Self {
        self.http.limits.head_octets = octets;
        self
    }

    /// The most field lines in a request; default 2000. More is answered 431.
    #[must_use]
    pub fn max_headers_count(mut self, count: usize) -> Self {
        self.http.limits.field_count = count;
        self
    }

    /// Whether an HTTP/1.1 request without `Host` is answered 400 (RFC 9112 §3.2); default true.
    #[must_use]
    pub fn require_host_header(mut self, required: bool) -> Self {
        self.http.require_host_header = required;
        self
    }
}
