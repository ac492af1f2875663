//! What a client asks: events of the protocol become a request, and its body.

use std::task::Context;

use http::{HeaderMap, Request, Response, StatusCode};
use http_body::SizeHint;
use sealane_proto::{BodyLength, Event, Framing, HeadOptions, Moment, ProtocolError, RequestHead};
use tower_service::Service;

use super::{Conversation, Exchange};
use crate::body::{Body, Feeder, cell};
use crate::error::{Error, Phase};
use crate::handler::BoxError;
use crate::info::RawFields;
use crate::server::date;
use crate::upgrade::upgrade;

impl<S, B> Conversation<S, B>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    /// Takes one event of the peer; false when there is none or nobody to take it.
    pub(super) fn step_events(&mut self, context: &mut Context<'_>, now: Moment) -> bool {
        if matches!(self.exchange, Exchange::Waiting(_)) || !self.body_has_room() {
            return false;
        }
        match self.http.poll_event(now) {
            Ok(None) => return false,
            Ok(Some(Event::Request(head))) => self.begin(head, context, now),
            Ok(Some(Event::Data(octets))) => {
                if let Some(feeder) = &self.feeder {
                    feeder.push(octets);
                }
            }
            Ok(Some(Event::End(trailers))) => {
                if let Some(feeder) = self.feeder.take() {
                    feeder.finish(trailers.map(|trailers| trailers.fields));
                }
            }
            Ok(Some(Event::Closed | Event::Interim(_) | Event::Response(_))) => {}
            Err(error) => self.request_broke(error),
        }
        true
    }

    /// Hands a request to the service.
    fn begin(&mut self, head: RequestHead, context: &mut Context<'_>, now: Moment) {
        self.served = true;
        if head.has_unknown_expectation() {
            // Nobody here knows it (RFC 9110 §10.1.1).
            self.decline(StatusCode::EXPECTATION_FAILED, now);
            return;
        }
        if self.misdirection.concerns(&head.uri, &head.fields) {
            tracing::debug!("a request is for a host that asks other things of clients");
            self.decline(StatusCode::MISDIRECTED_REQUEST, now);
            return;
        }
        let body = match head.framing {
            Framing::Empty | Framing::Length(0) => Body::empty(),
            Framing::Length(octets) => self.feed(SizeHint::with_exact(octets), context),
            Framing::Chunked | Framing::UntilClose => self.feed(SizeHint::default(), context),
        };
        let mut request = Request::new(body);
        *request.method_mut() = head.method;
        *request.uri_mut() = head.uri;
        *request.version_mut() = head.version;
        *request.headers_mut() = head.fields;
        let extensions = request.extensions_mut();
        extensions.insert(self.info.clone());
        extensions.insert(RawFields::new(head.raw));
        if head.upgrade {
            let (sender, slot) = upgrade();
            extensions.insert(slot);
            self.upgrade = Some(sender);
        }
        self.start_handler(request, context);
    }

    fn feed(&mut self, length: SizeHint, context: &Context<'_>) -> Body {
        let (feeder, reader) = cell(length);
        // The handler may read in a task of its own, before this turn is over.
        feeder.watch(context);
        self.feeder = Some(feeder);
        Body::from_reader(reader)
    }

    /// Answers a request that no handler sees with a status and nothing else.
    fn decline(&mut self, status: StatusCode, now: Moment) {
        let none = HeaderMap::new();
        // Before the head, which must say so if the body is too long to be read for nothing.
        self.http.discard_body();
        let out = self.outbox.plain();
        match self.http.send_response(
            status,
            &none,
            BodyLength::Known(0),
            &HeadOptions::dated(&date::now()),
            out,
        ) {
            Ok(_) => self.end_response(None, now),
            Err(error) => self.body_failed(&error.into()),
        }
    }

    /// Whether the request's body can take more; a body that nobody wants can.
    pub(super) fn body_has_room(&mut self) -> bool {
        match &self.feeder {
            Some(feeder) if feeder.is_abandoned() => {
                self.feeder = None;
                self.http.discard_body();
                true
            }
            Some(feeder) => feeder.has_room(),
            None => true,
        }
    }

    pub(super) fn send_continue_if_asked(&mut self) {
        let asked = || self.feeder.as_ref().is_some_and(Feeder::is_asked);
        if self.http.expects_continue() && !self.http.head_sent() && asked() {
            // It is only expected while it may still be sent.
            let _ = self.http.send_continue(self.outbox.plain());
        }
    }

    /// The request broke the rules: its body fails, and it is refused if that can still be said.
    fn request_broke(&mut self, error: ProtocolError) {
        tracing::debug!(%error, "a request broke the rules");
        let status = error.status().unwrap_or(StatusCode::BAD_REQUEST);
        if let Some(feeder) = self.feeder.take() {
            feeder.fail(Error::protocol(Phase::ReceiveBody, error));
        }
        self.refuse(status, b"");
    }
}
