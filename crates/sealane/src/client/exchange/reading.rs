//! The response's body, as its reader sees it.
//!
//! What came together with the head is handed out first; then each poll moves the exchange on. A
//! small body that is there already costs no exchange at all: its connection is free at once.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::{Exchange, Progress, Step};
use crate::body::Body;
use crate::error::{Error, Result};
use crate::transport::at_once;

impl Exchange {
    /// Takes what has come together with the head, up to two pieces.
    pub(super) fn gather(&mut self) {
        while self.ahead.len() < 2 {
            match self.look_ahead() {
                Some(Step::Data(piece)) => self.ahead.push_back(piece),
                Some(Step::Head(_) | Step::End) | None => return,
            }
        }
    }

    /// The body of a response; one that has come whole needs no exchange any more.
    pub(super) fn into_body(mut self) -> Body {
        if self.progress == Progress::Whole(None) && self.ahead.len() < 2 {
            return self.ahead.pop_front().map_or_else(Body::empty, Body::from);
        }
        Body::streamed(self)
    }

    /// The next event, if it is there already; an error is kept for whoever reads the body.
    fn look_ahead(&mut self) -> Option<Step> {
        self.next_event().unwrap_or_else(|error| {
            self.wrong = Some(error);
            None
        })
    }

    /// What the reader of the body gets next.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        if self.held.is_some()
            && let Some(stopped) = self.stopped()
        {
            self.ahead.clear();
            return self.fail(stopped);
        }
        if let Some(piece) = self.ahead.pop_front() {
            return self.hand_out(piece);
        }
        if let Some(error) = self.wrong.take() {
            return self.fail(error);
        }
        if self.progress == Progress::Body {
            match self.poll_step(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(Step::Data(piece))) => return self.hand_out(piece),
                Poll::Ready(Ok(Step::End | Step::Head(_))) => {}
                Poll::Ready(Err(error)) => return self.fail(error),
            }
        }
        if matches!(self.progress, Progress::Early(_)) {
            match self.poll_rest(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => self.end_early(),
                Poll::Ready(Err(error)) => return self.fail(error),
            }
        }
        match std::mem::replace(&mut self.progress, Progress::Over) {
            Progress::Whole(Some(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            _ => Poll::Ready(None),
        }
    }

    /// Tells the reader what is wrong, once, and lets go of the connection and its place.
    fn fail(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>>>> {
        self.progress = Progress::Over;
        (self.held, self.place) = (None, None);
        Poll::Ready(Some(Err(error)))
    }

    fn hand_out(&mut self, piece: Bytes) -> Poll<Option<Result<Frame<Bytes>>>> {
        if let Some(octets) = self.length.exact() {
            self.length = SizeHint::with_exact(octets.saturating_sub(piece.len() as u64));
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    /// Reads what is already there, so that a response nobody reads does not cost its connection.
    ///
    /// No deadline is looked at: whoever drops a body may be outside of any runtime.
    fn finish_quietly(&mut self, context: &mut Context<'_>) {
        let mut budget = MOST_DISCARDED;
        while self.progress == Progress::Body && budget > 0 {
            match self.next_event() {
                Ok(Some(_)) => {}
                Ok(None) => match self.poll_receive(context, &mut budget) {
                    Ok(Poll::Ready(())) => {}
                    Ok(Poll::Pending) | Err(_) => return,
                },
                Err(_) => return,
            }
        }
    }
}

impl http_body::Body for Exchange {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        self.get_mut().poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        let told = matches!(self.progress, Progress::Whole(None) | Progress::Over);
        self.ahead.is_empty() && self.wrong.is_none() && told
    }

    fn size_hint(&self) -> SizeHint {
        self.length
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.upload.is_none() && !self.ceased && self.progress == Progress::Body {
            let _ = at_once(|context| self.finish_quietly(context));
        }
    }
}

/// Octets of a response nobody reads that are swallowed to keep its connection.
const MOST_DISCARDED: usize = 64 * 1024;
