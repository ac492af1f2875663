//! An exchange that is told to stop: by its signal, or because its agent is destroyed.

use std::task::{Context, Poll};

use super::{Exchange, Progress};
use crate::client::abort::Watching;
use crate::client::settings::Terms;
use crate::error::{Error, ErrorKind, Phase};

/// What may stop an exchange from outside, beside the switch of its connection.
#[derive(Debug)]
pub(super) struct Stopping(Option<Box<Watching>>);

impl Stopping {
    pub(super) fn of(terms: &Terms) -> Self {
        let signal = terms.exchanging.signal.as_ref();
        Self(signal.map(|signal| Box::new(signal.watch())))
    }
}

impl Exchange {
    /// Ready with an error when the exchange has been stopped, or has waited long enough.
    ///
    /// Whoever waits for an exchange ends here, so that he is woken for each of these.
    pub(super) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        let switch = self.held.as_ref().map(|(connection, _)| &connection.switch);
        let destroyed = switch.is_some_and(|switch| switch.poll_destroyed(context).is_ready());
        let watching = self.stopping.0.as_mut();
        if destroyed || watching.is_some_and(|watching| watching.poll(context).is_ready()) {
            return self.stopped().map_or(Poll::Pending, Poll::Ready);
        }
        self.poll_alarm(context)
    }

    /// The error of an exchange that has been told to stop.
    pub(super) fn stopped(&mut self) -> Option<Error> {
        let error = self.why_stopped()?;
        self.end_otherwise();
        Some(error)
    }

    fn why_stopped(&self) -> Option<Error> {
        let watching = self.stopping.0.as_ref();
        if let Some(signal) = watching.map(|watching| watching.signal())
            && signal.is_aborted()
        {
            return Some(signal.error(self.phase(), &self.how_far()));
        }
        let (connection, _) = self.held.as_ref()?;
        if !connection.switch.is_destroyed() {
            return None;
        }
        let text = format!("the agent was destroyed{}", self.how_far());
        let error = Error::new(ErrorKind::Closed, self.phase(), text);
        Some(error.with_code("ECONNRESET"))
    }

    fn phase(&self) -> Phase {
        match self.progress {
            Progress::Head if !self.sent => Phase::SendHead,
            Progress::Head if self.upload.is_some() => Phase::SendBody,
            Progress::Head => Phase::ReceiveHead,
            _ => Phase::ReceiveBody,
        }
    }

    fn how_far(&self) -> String {
        match self.progress {
            Progress::Head => String::new(),
            _ => format!(" after {} of the response's body", self.so_far()),
        }
    }
}
