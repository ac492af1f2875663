//! What a server is told before it starts: its identity, its limits, its deadlines.
//!
//! Plain data with chainable setters. Nothing is believed until a server is made of it: that is
//! where contradictions are refused, with the option's name.

use std::sync::Arc;
use std::time::Duration;

use sealane_proto::{Limits, ServerRules, Timeouts};
use sealane_tls::{SecureContext, ServerTlsOptions};

use crate::bounds::{check_limits, check_times};
use crate::error::{Error, Result};
use crate::identity::{Identity, warn_if_out_of_date};

/// Options of a server, with the module's documented defaults.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `handshake_timeout` | 120 s | from accept to the end of the TLS handshake |
/// | `headers_timeout` | 60 s | from the first octet of a request (of the connection, for the first) to the end of its head |
/// | `request_timeout` | 300 s | the same, to the end of the whole request |
/// | `keep_alive_timeout` | 5 s | advertised idle time between requests; one second of margin is added before the connection is closed |
/// | `max_header_size` | 16 KiB | octets of a request's head; more is answered 431, a longer target 414 |
/// | `max_headers_count` | 2000 | field lines of a request; more is answered 431 |
///
/// `None` for a time means no limit. A request that is late is answered 408 if its answer has not
/// begun.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    identity: Identity,
    handshake_timeout: Option<Duration>,
    timeouts: Timeouts,
    limits: Limits,
    require_host_header: bool,
}

impl ServerOptions {
    /// Options for a server that proves itself with `identity`.
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            handshake_timeout: Some(HANDSHAKE_TIMEOUT),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            require_host_header: true,
        }
    }

    /// The longest time from accept to the end of the TLS handshake; default 120 s.
    #[must_use]
    pub fn handshake_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.handshake_timeout = limit.into();
        self
    }

    /// The longest time until a request's head is complete; default 60 s.
    #[must_use]
    pub fn headers_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.timeouts.head = limit.into();
        self
    }

    /// The longest time until a request is completely received; default 300 s.
    #[must_use]
    pub fn request_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.timeouts.request = limit.into();
        self
    }

    /// How long a connection may rest between requests; default 5 s.
    ///
    /// This is what responses advertise in whole seconds. The connection is kept one second
    /// longer, so that a request sent just in time does not meet a close.
    #[must_use]
    pub fn keep_alive_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.timeouts.keep_alive = limit.into();
        self
    }

    /// The largest head of a request in octets; default 16 KiB. More is answered 431.
    #[must_use]
    pub fn max_header_size(mut self, octets: usize) -> Self {
        self.limits.head_octets = octets;
        self
    }

    /// The most field lines in a request; default 2000. More is answered 431.
    #[must_use]
    pub fn max_headers_count(mut self, count: usize) -> Self {
        self.limits.field_count = count;
        self
    }

    /// Whether an HTTP/1.1 request without `Host` is answered 400 (RFC 9112 §3.2); default true.
    #[must_use]
    pub fn require_host_header(mut self, required: bool) -> Self {
        self.require_host_header = required;
        self
    }

    /// Checks everything and turns it into what connections share.
    pub(super) fn build(self) -> Result<Rules> {
        self.check()?;
        let tls = ServerTlsOptions::new(self.identity.into_inner()).build()?;
        warn_if_out_of_date(tls.identity());
        Ok(Rules {
            tls,
            handshake_timeout: self.handshake_timeout,
            http: Arc::new(ServerRules {
                limits: self.limits,
                timeouts: self.timeouts,
                require_host: self.require_host_header,
            }),
        })
    }

    fn check(&self) -> Result<()> {
        if let (Some(head), Some(request)) = (self.timeouts.head, self.timeouts.request)
            && head > request
        {
            let text = format!(
                "headers_timeout ({head:?}) must not be longer than request_timeout ({request:?})"
            );
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
        let times = [
            ("handshake_timeout", self.handshake_timeout),
            ("headers_timeout", self.timeouts.head),
            ("request_timeout", self.timeouts.request),
            ("keep_alive_timeout", self.timeouts.keep_alive),
        ];
        check_times(&times)?;
        check_limits(&self.limits)
    }
}

/// Checked options, as a server's connections share them.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) tls: SecureContext,
    pub(super) handshake_timeout: Option<Duration>,
    pub(super) http: Arc<ServerRules>,
}

/// The module's default; a client on a bad network still makes it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests;
