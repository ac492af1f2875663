//! What a request may be, and what its connection may carry.

use std::num::NonZeroU64;

use sealane_proto::{Limits, ServerRules};

use super::ServerOptions;
use crate::bounds::check_limits;
use crate::error::{Error, Result};

/// The rules of HTTP that a server may change.
#[derive(Clone, Debug)]
pub(in crate::server) struct HttpOptions {
    limits: Limits,
    require_host_header: bool,
    insecure_http_parser: bool,
    max_requests_per_socket: Option<u64>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            require_host_header: true,
            insecure_http_parser: false,
            max_requests_per_socket: None,
        }
    }
}

impl HttpOptions {
    pub(super) fn check(&self) -> Result<()> {
        check_limits(&self.limits)?;
        requests(self.max_requests_per_socket).map(drop)
    }

    /// The same in the words of the protocol.
    pub(super) fn rules(&self) -> ServerRules {
        ServerRules {
            limits: self.limits.clone(),
            require_host: self.require_host_header,
            lenient: self.insecure_http_parser,
            max_requests: self.max_requests_per_socket.and_then(NonZeroU64::new),
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

    /// Whether odd heads of requests are taken; default false.
    ///
    /// For clients that fold lines, end them with LF alone, put control octets other than NUL, CR
    /// and LF into values, or say HTTP/1.2: in the map, folds and control octets are SP. A proxy in
    /// front may read such a head in another way, and then a request can be smuggled past it. Folds
    /// and control octets in fields that say where a message ends, whom it is for or what follows
    /// it are refused all the same, and bodies are read strictly.
    #[must_use]
    pub fn insecure_http_parser(mut self, lenient: bool) -> Self {
        self.http.insecure_http_parser = lenient;
        self
    }

    /// The most requests that one connection may carry; default any number.
    ///
    /// The response to the last one says `Connection: close`, and the connection ends behind it; a
    /// request that follows is not served. Those before it name the number (`Keep-Alive: max=`).
    #[must_use]
    pub fn max_requests_per_socket(mut self, count: impl Into<Option<u64>>) -> Self {
        self.http.max_requests_per_socket = count.into();
        self
    }
}

/// Checks a number of requests: `None` is any number, and 0 would serve nobody.
pub(in crate::server) fn requests(count: Option<u64>) -> Result<Option<NonZeroU64>> {
    let none = || {
        let text = "max_requests_per_socket is 0, which serves nobody; give None for no limit";
        Error::option(text).with_code("ERR_OUT_OF_RANGE")
    };
    count
        .map(|count| NonZeroU64::new(count).ok_or_else(none))
        .transpose()
}
