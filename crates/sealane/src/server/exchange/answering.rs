//! What a client gets: a handler at work, its response, and the octets these become.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use sealane_proto::{HeadOptions, Moment, SendBody};
use tower_service::Service;

use super::{Conversation, Exchange, Panicked, guarded};
use crate::body::{Body, Feeder};
use crate::driver::length_of;
use crate::error::{Error, Phase};
use crate::handler::BoxError;
use crate::responder::Word;
use crate::server::date;
use crate::server::response_options::ResponseOptions;

impl<S, B> Conversation<S, B>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    /// Hands a request to the service, or keeps it until the service is ready.
    pub(super) fn start_handler(
        &mut self,
        request: Request<Body>,
        context: &mut Context<'_>,
    ) -> bool {
        let service = &mut self.service;
        match guarded(|| service.poll_ready(context)) {
            Ok(Poll::Ready(Ok(()))) => {}
            Ok(Poll::Ready(Err(error))) => {
                self.handler_failed(&error.into());
                return true;
            }
            Ok(Poll::Pending) => {
                self.exchange = Exchange::Waiting(Box::new(request));
                return false;
            }
            Err(Panicked) => {
                self.handler_failed(&"the service panicked".into());
                return true;
            }
        }
        match guarded(|| Box::pin(service.call(request))) {
            Ok(future) => self.exchange = Exchange::Handling(future),
            Err(Panicked) => self.handler_failed(&"the handler panicked".into()),
        }
        true
    }

    /// Encodes a response's head and lets its body follow, as the `sending` state of the exchange.
    pub(super) fn answer<R>(
        &mut self,
        response: Response<R>,
        sending: impl FnOnce(Pin<Box<R>>) -> Exchange<S::Future, B>,
        now: Moment,
    ) where
        R: http_body::Body,
    {
        let (parts, body) = response.into_parts();
        let Ok(length) = guarded(|| length_of(&body)) else {
            self.handler_failed(&"the response's body panicked".into());
            return;
        };
        self.settle_request_body();
        self.close_head(parts.status);
        let date = date::now();
        let head = match parts.extensions.get::<ResponseOptions>() {
            Some(options) => options.of_head(&date),
            None => HeadOptions::dated(&date),
        };
        let out = self.outbox.plain();
        let before = out.len();
        match self
            .http
            .send_response(parts.status, &parts.headers, length, &head, out)
        {
            Ok(SendBody::Yes) => self.exchange = sending(Box::pin(body)),
            Ok(SendBody::No) => self.end_response(None, now),
            Err(error) => {
                out.truncate(before);
                self.handler_failed(&Error::protocol(Phase::SendHead, error).into());
            }
        }
        if !self.http.is_tunnel() {
            // Whoever waits to take the connection over learns that it stays with HTTP.
            self.upgrade = None;
        }
    }

    /// Does for the request's body what can only be done before the response's head is written.
    ///
    /// A body that nobody wants may make this the connection's last exchange, which the head must
    /// say. One that somebody still reads, perhaps the response itself, needs its 100 now: after
    /// the final head there is no way to send it, and both sides would wait for each other.
    fn settle_request_body(&mut self) {
        self.body_has_room();
        if self.feeder.is_some() && self.http.expects_continue() {
            // It is only expected while it may still be sent.
            let _ = self.http.send_continue(self.outbox.plain());
        }
    }

    /// Moves pieces of the response's body into the outbox.
    pub(super) fn send_body(&mut self, context: &mut Context<'_>, now: Moment) -> bool {
        let mut moved = false;
        for _ in 0..MOST_FRAMES {
            if !self.outbox.has_room() {
                return moved;
            }
            let frame = match guarded(|| self.exchange.poll_frame(context)) {
                Ok(None | Some(Poll::Pending)) => return moved,
                Ok(Some(Poll::Ready(Some(Ok(frame))))) => frame,
                Ok(Some(Poll::Ready(None))) => {
                    self.end_response(None, now);
                    return true;
                }
                Ok(Some(Poll::Ready(Some(Err(error))))) => {
                    self.body_failed(&error);
                    return true;
                }
                Err(Panicked) => {
                    self.body_failed(&"the response's body panicked".into());
                    return true;
                }
            };
            moved = true;
            self.send_frame(frame, now);
        }
        // Frames without octets fill no outbox: the others get their turn all the same.
        context.waker().wake_by_ref();
        false
    }

    fn send_frame(&mut self, frame: Frame<Bytes>, now: Moment) {
        match frame.into_data() {
            Ok(data) if data.is_empty() => {}
            Ok(data) => self.send_piece(data),
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    self.end_response(Some(&trailers), now);
                }
            }
        }
    }

    fn send_piece(&mut self, piece: Bytes) {
        match self.http.send_data(piece.len(), self.outbox.plain()) {
            Ok(behind) => {
                if let Some(account) = &mut self.account {
                    account.octets += piece.len() as u64;
                }
                self.outbox.push(piece, behind);
            }
            Err(error) => self.body_failed(&Error::protocol(Phase::SendBody, error).into()),
        }
    }

    pub(super) fn end_response(&mut self, trailers: Option<&HeaderMap>, now: Moment) {
        self.exchange = Exchange::Idle;
        let out = self.outbox.plain();
        let before = out.len();
        let Err(error) = self.http.send_end(trailers, out, now) else {
            return self.response_made();
        };
        out.truncate(before);
        // Only a chunked body can carry trailers (RFC 9112 §7.1.2); the content is whole without.
        match trailers.map(|_| self.http.send_end(None, out, now)) {
            Some(Ok(())) => {
                tracing::warn!(%error, "a response's trailers were not sent");
                self.response_made();
            }
            _ => self.body_failed(&Error::protocol(Phase::SendBody, error).into()),
        }
    }

    /// Takes note that the response to the present request has been made whole.
    pub(super) fn response_made(&mut self) {
        // What refuses octets that never became a request ends no exchange.
        if self.made < self.begun {
            self.made = self.begun;
            let account = self.account.take();
            self.leaving.push(self.made, self.outbox.put(), account);
        }
    }

    /// Says what responders have said so far; after it they can say no more.
    pub(super) fn close_head(&mut self, status: StatusCode) {
        if let Some(speaker) = &self.speaker {
            let words = speaker.close_head(self.begun.saturating_sub(1));
            self.send_words(words);
        }
        if let Some(account) = &mut self.account {
            account.status = Some(status);
        }
    }

    /// Says what responders have said since the last look, and 100 (Continue) if the request's
    /// body is asked for.
    pub(super) fn send_interims(&mut self) {
        if let Some(speaker) = &self.speaker {
            let words = speaker.take_words(self.begun.saturating_sub(1));
            self.send_words(words);
        }
        let asked = || self.feeder.as_ref().is_some_and(Feeder::is_asked);
        if self.http.expects_continue() && !self.http.head_sent() && asked() {
            // It is only expected while it may still be sent.
            let _ = self.http.send_continue(self.outbox.plain());
        }
    }

    fn send_words(&mut self, words: VecDeque<Word>) {
        for Word { status, fields, .. } in words {
            if status == StatusCode::CONTINUE && !self.http.expects_continue() {
                continue; // Nobody waits for it.
            }
            // It fails for a client of HTTP/1.0, which could not read it (RFC 9110 §15.2).
            if let Err(error) = self.http.send_interim(status, &fields, self.outbox.plain()) {
                tracing::debug!(%error, "an interim response was not sent");
            }
        }
    }
}

impl<F, B> Exchange<F, B>
where
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    /// Asks for the next frame of the response's body; `None` while none is being sent.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Option<Poll<NextFrame>> {
        match self {
            Self::Sending(body) => Some(frame_of(body.as_mut(), context)),
            Self::SendingReply(body) => Some(frame_of(body.as_mut(), context)),
            Self::Idle | Self::Waiting(_) | Self::Handling(_) | Self::Asked(_) => None,
        }
    }
}

/// The next frame of a body, whatever its type; `None` at its end.
type NextFrame = Option<Result<Frame<Bytes>, BoxError>>;

fn frame_of<R>(body: Pin<&mut R>, context: &mut Context<'_>) -> Poll<NextFrame>
where
    R: http_body::Body,
    R::Error: Into<BoxError>,
{
    body.poll_frame(context)
        .map_ok(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
        .map_err(Into::into)
}

/// Frames of a body taken in one go; small ones fill the outbox long before.
const MOST_FRAMES: usize = 16 * 1024;
