//! What is known of a transfer, whole or broken off: for `--write-out`, `--timings` and errors.

use std::time::{Duration, Instant};

use http::{Response, StatusCode, Version, header};
use sealane::ConnectionInfo;

use crate::fetch::show::octets;

/// What is known of a transfer.
#[derive(Debug)]
pub(super) struct Facts {
    /// When it began.
    begun: Instant,
    /// How long until the head of the last response had come.
    pub(super) head_after: Option<Duration>,
    /// How long until the redirects were behind it.
    pub(super) redirected_after: Duration,
    /// How long it took.
    pub(super) whole_after: Duration,
    /// What was asked first, without credentials.
    pub(super) asked: String,
    /// What was asked last, without credentials.
    pub(super) url: String,
    /// The method of that.
    pub(super) method: String,
    /// The last response.
    pub(super) answer: Option<Answer>,
    /// How many redirects were followed.
    pub(super) redirects: usize,
    /// How many connections were opened.
    pub(super) opened: usize,
    /// Octets of the last body that came.
    pub(super) received: u64,
    /// Octets that were sent of bodies.
    pub(super) sent: u64,
    /// Why a certificate was refused, as OpenSSL numbers it.
    pub(super) refused: Option<u8>,
    /// Why it failed: the exit code, and the line that says it.
    pub(super) failure: Option<(u8, String)>,
}

/// What is known of a response.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its status.
    pub(super) status: StatusCode,
    /// Its version.
    pub(super) version: Version,
    /// What its body is, escaped.
    pub(super) media: Option<String>,
    /// Where it leads, escaped.
    pub(super) location: Option<String>,
    /// What brought it.
    pub(super) connection: Option<ConnectionInfo>,
}

impl Facts {
    /// Begins; the clock runs from here.
    pub(super) fn begin(asked: impl Into<String>) -> Self {
        let asked = asked.into();
        Self {
            begun: Instant::now(),
            head_after: None,
            redirected_after: Duration::ZERO,
            whole_after: Duration::ZERO,
            url: asked.clone(),
            asked,
            method: String::new(),
            answer: None,
            redirects: 0,
            opened: 0,
            received: 0,
            sent: 0,
            refused: None,
            failure: None,
        }
    }

    /// A request is about to be sent.
    pub(super) fn asking(&mut self, url: String, method: &http::Method, redirects: usize) {
        if redirects > 0 {
            self.redirected_after = self.begun.elapsed();
        }
        self.redirects = redirects;
        self.url = url;
        method.as_str().clone_into(&mut self.method);
        self.head_after = None;
        // It brought the answer before, and says nothing of the request that is sent now.
        if let Some(answer) = &mut self.answer {
            answer.connection = None;
        }
    }

    /// The head of a response has come.
    pub(super) fn answered<B>(&mut self, response: &Response<B>) {
        self.head_after = Some(self.begun.elapsed());
        let text = |name| {
            let value = response.headers().get(name);
            value.map(|value| octets(value.as_bytes()))
        };
        let connection = response.extensions().get::<ConnectionInfo>().cloned();
        if connection.as_ref().is_some_and(|info| !info.reused()) {
            self.opened += 1;
        }
        self.answer = Some(Answer {
            status: response.status(),
            version: response.version(),
            media: text(header::CONTENT_TYPE),
            location: text(header::LOCATION),
            connection,
        });
    }

    /// How long the parts of opening the last connection took, if one was opened for the last
    /// request, in their order.
    pub(super) fn opening(&self) -> Vec<(&'static str, Duration)> {
        let info = self.answer.as_ref().and_then(|it| it.connection.as_ref());
        let Some(info) = info.filter(|info| !info.reused()) else {
            return Vec::new();
        };
        let times = info.timings();
        let parts = [
            (LOOKUP, times.lookup),
            (CONNECT, times.connect),
            (PROXY, times.proxy),
            (TLS, times.handshake),
        ];
        let known = parts
            .into_iter()
            .filter_map(|(name, length)| Some((name, length?)));
        known.collect()
    }

    /// How long until this part of opening the last connection was done.
    pub(super) fn opened_after(&self, until: &str) -> Duration {
        let order = [LOOKUP, CONNECT, PROXY, TLS];
        let last = order.iter().position(|name| *name == until);
        let all = self.opening();
        let counts = |name: &str| order.iter().position(|it| *it == name) <= last;
        let parts = all.iter().filter(|(name, _)| counts(name));
        let opened: Duration = parts.map(|(_, length)| *length).sum();
        // Nothing was opened: curl says 0 then.
        if all.is_empty() {
            Duration::ZERO
        } else {
            self.redirected_after + opened
        }
    }

    /// It is over, well or not.
    pub(super) fn over(&mut self) {
        self.whole_after = self.begun.elapsed();
    }
}

/// Finding addresses.
pub(super) const LOOKUP: &str = "lookup";

/// Opening the connection.
pub(super) const CONNECT: &str = "connection";

/// Getting a tunnel.
pub(super) const PROXY: &str = "proxy";

/// The handshake.
pub(super) const TLS: &str = "TLS";
