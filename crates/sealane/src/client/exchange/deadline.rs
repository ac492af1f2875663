//! When an exchange has waited long enough, and for whom it waits.
//!
//! The clock runs while the peer is waited for: not while the caller's own body has nothing to
//! give, not while nobody reads the response, and not while a body waits for 100 (Continue), for
//! that wait has a limit of its own and a server need not know of it (RFC 9110 §10.1.1).

use std::task::{Context, Poll};

use tokio::time::Instant;

use super::{Exchange, Hold, Progress};
use crate::client::key::ConnectionKey;
use crate::error::{Error, ErrorKind, Phase};

impl Exchange {
    /// Ready with an error when one of the deadlines has passed while nothing moved.
    pub(super) fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        let sending = self.is_leaving() && !self.ceased;
        let Some((connection, lease)) = &mut self.held else {
            return Poll::Pending;
        };
        let held_until = self.hold.as_ref().and_then(Hold::until);
        let unasked = self.upload.is_some() && self.hold.is_none() && !sending;
        let ours_to_move = unasked || held_until.is_some();
        let idle_by = match self.terms.timeouts.idle {
            Some(limit) if !ours_to_move => {
                let since = self.still_since.unwrap_or_else(Instant::now);
                self.still_since = Some(since);
                since.checked_add(limit)
            }
            _ => None,
        };
        if ours_to_move {
            self.still_since = None;
        }
        let head_by = self.head_by.filter(|_| self.progress == Progress::Head);
        let Some(deadline) = [held_until, idle_by, head_by].into_iter().flatten().min() else {
            return Poll::Pending;
        };
        if connection.alarm.poll(context, deadline).is_pending() {
            return Poll::Pending;
        }
        if held_until == Some(deadline) {
            // Nobody has heard of expectations there: the next poll sends the body.
            self.hold = None;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let key = lease.key().clone();
        self.still_since = None;
        self.end_otherwise();
        Poll::Ready(self.late(&key, sending, head_by == Some(deadline)))
    }

    /// What has not come in time.
    fn late(&self, key: &ConnectionKey, sending: bool, head: bool) -> Error {
        let idle = self.terms.timeouts.idle.unwrap_or_default();
        let (phase, text) = match self.progress {
            Progress::Head if head => {
                let limit = self.terms.timeouts.head.unwrap_or_default();
                let text = format!("{key} sent no response within {limit:?}");
                (Phase::ReceiveHead, text)
            }
            _ if sending => {
                let text = format!("{key} took nothing of the request for {idle:?}");
                (Phase::SendBody, text)
            }
            Progress::Head => {
                let text = format!("nothing moved on the connection to {key} for {idle:?}");
                (Phase::ReceiveHead, text)
            }
            _ => {
                let came = self.so_far();
                let text = format!("nothing came for {idle:?} after {came} of the response's body");
                (Phase::ReceiveBody, text)
            }
        };
        Error::new(ErrorKind::Timeout, phase, text).with_code("ETIMEDOUT")
    }
}
