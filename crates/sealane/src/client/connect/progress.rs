//! How far opening a connection has come: what is told when it takes too long, and how long each
//! part took when it does not.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::route::Route;
use crate::error::{Error, ErrorKind, Phase};
use crate::info::Timings;
use crate::transport::attempts::Attempts;

/// Shared by a dial and whoever limits its time.
#[derive(Debug, Default)]
pub(super) struct Progress {
    now: Mutex<Now>,
    pub(super) attempts: Attempts,
}

#[derive(Debug, Default)]
struct Now {
    step: Step,
    /// When the step began.
    since: Option<Instant>,
    timings: Timings,
    /// Through whom, if not directly.
    proxy: Option<String>,
}

/// What is being done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Step {
    /// Looking a name up.
    #[default]
    Lookup,
    /// Opening a connection.
    Connect,
    /// Waiting for a program's own connection.
    Stream,
    /// Getting a tunnel from a proxy.
    Proxy,
}

impl Progress {
    /// Begins a step, and ends the one before.
    pub(super) fn begin(&self, step: Step) {
        let mut now = self.lock();
        now.end();
        now.step = step;
        now.since = Some(Instant::now());
    }

    /// Ends the last step.
    pub(super) fn end(&self) {
        self.lock().end();
    }

    /// Names the proxy that is on the way.
    pub(super) fn name_proxy(&self, proxy: String) {
        self.lock().proxy = Some(proxy);
    }

    /// How long each part took.
    pub(super) fn timings(&self) -> Timings {
        self.lock().timings
    }

    /// The error of a dial that was not done within `limit`.
    pub(super) fn late(self, route: &Route, limit: Duration) -> Error {
        let now = self
            .now
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let goal = match &now.proxy {
            Some(proxy) => format!("the proxy {proxy}, on the way to {route},"),
            None => route.to_string(),
        };
        let (phase, code, text) = match now.step {
            Step::Lookup => {
                let text = format!("no address found for {goal} within {limit:?}");
                (Phase::Resolve, "ETIMEDOUT", text)
            }
            Step::Connect => {
                let text = format!("no connection to {goal} within {limit:?}");
                (Phase::Connect, "ETIMEDOUT", text)
            }
            Step::Stream => {
                let text =
                    format!("create_connection gave no connection to {goal} within {limit:?}");
                (Phase::Connect, "ETIMEDOUT", text)
            }
            Step::Proxy => {
                let text = format!("no tunnel from {goal} within {limit:?}");
                (Phase::Proxy, "ERR_PROXY_TUNNEL", text)
            }
        };
        let error = Error::new(ErrorKind::Timeout, phase, text).with_code(code);
        match now.step {
            Step::Connect => self.attempts.explain(error),
            _ => error,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    fn end(&mut self) {
        let Some(since) = self.since.take() else {
            return;
        };
        let took = Some(since.elapsed());
        match self.step {
            Step::Lookup => self.timings.lookup = took,
            Step::Connect | Step::Stream => self.timings.connect = took,
            Step::Proxy => self.timings.proxy = took,
        }
    }
}
