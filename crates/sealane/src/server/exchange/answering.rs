//! What a client gets: a handler at work, its response, and the octets these become.

use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use sealane_proto::{HeadOptions, Moment, SendBody};
use tower_service::Service;

use super::{Conversation, Exchange, Panicked, guarded};
use crate::body::Body;
use crate::driver::length_of;
use crate::handler::BoxError;
use crate::server::date;

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

    /// Encodes a response's head and lets its body follow.
    pub(super) fn answer(&mut self, response: Response<B>, now: Moment) {
        let (parts, body) = response.into_parts();
        let Ok(length) = guarded(|| length_of(&body)) else {
            self.handler_failed(&"the response's body panicked".into());
            return;
        };
        self.settle_request_body();
        let out = self.outbox.plain();
        let before = out.len();
        match self.http.send_response(
            parts.status,
            &parts.headers,
            length,
            &HeadOptions::dated(&date::now()),
            out,
        ) {
            Ok(SendBody::Yes) => self.exchange = Exchange::Sending(Box::pin(body)),
            Ok(SendBody::No) => self.end_response(None, now),
            Err(error) => {
                out.truncate(before);
                self.handler_failed(&error.into());
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
            let Exchange::Sending(body) = &mut self.exchange else {
                return moved;
            };
            let frame = match guarded(|| body.as_mut().poll_frame(context)) {
                Ok(Poll::Pending) => return moved,
                Ok(Poll::Ready(Some(Ok(frame)))) => frame,
                Ok(Poll::Ready(None)) => {
                    self.end_response(None, now);
                    return true;
                }
                Ok(Poll::Ready(Some(Err(error)))) => {
                    self.body_failed(&error.into());
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

    fn send_frame(&mut self, frame: Frame<B::Data>, now: Moment) {
        let frame = frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
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
            Ok(behind) => self.outbox.push(piece, behind),
            Err(error) => self.body_failed(&error.into()),
        }
    }

    pub(super) fn end_response(&mut self, trailers: Option<&HeaderMap>, now: Moment) {
        self.exchange = Exchange::Idle;
        let out = self.outbox.plain();
        let before = out.len();
        let Err(error) = self.http.send_end(trailers, out, now) else {
            return;
        };
        out.truncate(before);
        // Only a chunked body can carry trailers (RFC 9112 §7.1.2); the content is whole without.
        match trailers.map(|_| self.http.send_end(None, out, now)) {
            Some(Ok(())) => tracing::warn!(%error, "a response's trailers were not sent"),
            _ => self.body_failed(&error.into()),
        }
    }

    /// Answers 500: the head of the response has not left.
    pub(super) fn handler_failed(&mut self, error: &BoxError) {
        tracing::error!(%error, "a handler failed; its request is answered 500");
        self.refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            b"Internal Server Error\n",
        );
    }

    /// Ends the connection without the end of the body, so that the client sees it cut short.
    pub(super) fn body_failed(&mut self, error: &BoxError) {
        tracing::error!(%error, "a response's body failed; its connection is cut");
        self.exchange = Exchange::Idle;
        self.failed = true;
    }

    /// Answers with an error of our own and ends the connection after it, or cuts the connection
    /// when an answer has begun already.
    pub(super) fn refuse(&mut self, status: StatusCode, text: &[u8]) {
        let answering = !matches!(self.exchange, Exchange::Idle);
        self.exchange = Exchange::Idle;
        self.upgrade = None;
        let refused = !self.http.head_sent()
            && self
                .http
                .refuse(status, text, &date::now(), self.outbox.plain());
        if !refused && !answering {
            self.closing = true;
        } else if !refused {
            self.failed = true;
        }
    }
}

/// Frames of a body taken in one go; small ones fill the outbox long before.
const MOST_FRAMES: usize = 16 * 1024;
