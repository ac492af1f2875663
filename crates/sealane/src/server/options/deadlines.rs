//! How long clients may take.

use std::time::Duration;

use sealane_proto::Timeouts;

use super::ServerOptions;
use crate::bounds::check_times;
use crate::error::{Error, Result};
use crate::server::pace::BodyRate;

/// The time limits of a server.
#[derive(Clone, Debug)]
pub(in crate::server) struct Deadlines {
    pub(in crate::server) handshake: Option<Duration>,
    /// `None` when it was not given: then it follows `request`.
    pub(in crate::server) headers: Option<Option<Duration>>,
    pub(in crate::server) request: Option<Duration>,
    pub(in crate::server) keep_alive: Option<Duration>,
    pub(in crate::server) inactivity: Option<Duration>,
    pub(in crate::server) write: Option<Duration>,
    pub(in crate::server) body_rate: Option<BodyRate>,
}

impl Default for Deadlines {
    fn default() -> Self {
        let Timeouts {
            request,
            keep_alive,
            ..
        } = Timeouts::default();
        Self {
            handshake: Some(HANDSHAKE_TIMEOUT),
            headers: None,
            request,
            keep_alive,
            inactivity: None,
            write: Some(WRITE_TIMEOUT),
            body_rate: Some(BodyRate::default()),
        }
    }
}

impl Deadlines {
    /// Those of messages, in the words of the protocol.
    pub(in crate::server) fn timeouts(&self) -> Timeouts {
        let usual = Timeouts::default().head;
        let shorter = |usual: Duration| self.request.map_or(usual, |request| usual.min(request));
        Timeouts {
            head: self.headers.unwrap_or_else(|| usual.map(shorter)),
            request: self.request,
            keep_alive: self.keep_alive,
        }
    }

    /// Refuses limits that contradict each other, and those that nobody can meet.
    pub(in crate::server) fn check(&self) -> Result<()> {
        let timeouts = self.timeouts();
        if let (Some(head), Some(request)) = (timeouts.head, timeouts.request)
            && head > request
        {
            let text = format!(
                "headers_timeout ({head:?}) must not be longer than request_timeout ({request:?})"
            );
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
        if let Some(rate) = &self.body_rate {
            rate.check()?;
        }
        check_times(&[
            ("handshake_timeout", self.handshake),
            // First, for a limit of heads that was not given follows it.
            ("request_timeout", timeouts.request),
            ("headers_timeout", timeouts.head),
            ("keep_alive_timeout", timeouts.keep_alive),
            ("timeout", self.inactivity),
            ("write_timeout", self.write),
        ])
    }
}

impl ServerOptions {
    /// The longest time from accept to the end of the TLS handshake; default 120 s.
    #[must_use]
    pub fn handshake_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadlines.handshake = limit.into();
        self
    }

    /// The longest time until a request's head is complete; default 60 s, or
    /// [`request_timeout`](Self::request_timeout) if that is shorter.
    ///
    /// It runs from the end of the handshake, for later requests from their first octet. A head
    /// that is late is answered 408.
    #[must_use]
    pub fn headers_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadlines.headers = Some(limit.into());
        self
    }

    /// The longest time until a request is completely received; default 300 s.
    ///
    /// It runs from the same moment as [`headers_timeout`](Self::headers_timeout), and goes on
    /// while a handler lets the body wait. A request that is late is answered 408 if its response
    /// has not begun; reading its body fails with `ERR_HTTP_REQUEST_TIMEOUT`.
    #[must_use]
    pub fn request_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadlines.request = limit.into();
        self
    }

    /// How long a connection may rest between requests; default 5 s.
    ///
    /// This is what responses advertise in whole seconds. The connection is kept one second
    /// longer, so that a request sent just in time does not meet a close.
    #[must_use]
    pub fn keep_alive_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadlines.keep_alive = limit.into();
        self
    }

    /// How long a connection may live without an octet received or sent; default no limit.
    ///
    /// It counts whoever is to blame, also a handler that takes its time. A request that is
    /// incomplete is answered 408 if its response has not begun; all others see the connection end
    /// without a word. [`Responder::set_timeout`](crate::Responder::set_timeout) changes it for one
    /// exchange.
    #[must_use]
    pub fn timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadlines.inactivity = limit.into();
        self
    }

    /// How long a client may take nothing of what waits to be sent to it; default 30 s, for a line
    /// that is lost for a while.
    ///
    /// Against clients that ask for much and read nothing. To take 16 KiB, or all that waits,
    /// within the limit is to go on; less would let a client sip for hours. A response that has
    /// nothing to send is no reason to end it. The connection is reset, for the system would keep
    /// what the client does not take.
    #[must_use]
    pub fn write_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.deadlines.write = limit.into();
        self
    }

    /// The slowest that the body of a request may come; default 500 octets a second on average over
    /// 10 s, after 20 s of grace.
    ///
    /// It counts only while the server wants octets, not while a handler lets its body wait. A body
    /// that is too slow ends as one that exceeds [`request_timeout`](Self::request_timeout).
    #[must_use]
    pub fn min_body_rate(mut self, rate: impl Into<Option<BodyRate>>) -> Self {
        self.deadlines.body_rate = rate.into();
        self
    }
}

/// The module's default; a client on a bad network still makes it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(120);

/// A line that was lost for so long is not coming back.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
