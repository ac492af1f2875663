//! What a client asks: events of the protocol become a request, and its body.

use std::task::Context;

use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body::SizeHint;
use sealane_proto::{BodyLength, Event as PeerEvent, Framing, HeadOptions, Moment, RequestHead};
use tower_service::Service;

use super::account::Account;
use super::{Conversation, Exchange, Panicked, guarded};
use crate::body::{Body, cell};
use crate::event::{Event, RequestNotice};
use crate::folding::fold;
use crate::handler::BoxError;
use crate::info::RawFields;
use crate::responder::Speaker;
use crate::server::date;
use crate::server::options::questions::Asked;
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
        let waits = matches!(self.exchange, Exchange::Waiting(_));
        if self.closing || waits || !self.body_has_room() {
            return false;
        }
        match self.http.poll_event(now) {
            Ok(None) => {
                self.tell_dropped();
                return false;
            }
            Ok(Some(PeerEvent::Request(head))) => self.begin(head, context, now),
            Ok(Some(PeerEvent::Data(octets))) => {
                if let Some(feeder) = &self.feeder {
                    feeder.push(octets);
                }
            }
            Ok(Some(PeerEvent::End(trailers))) => {
                if let Some(feeder) = self.feeder.take() {
                    feeder.finish(trailers.map(|trailers| trailers.fields));
                }
            }
            Ok(Some(PeerEvent::Closed | PeerEvent::Interim(_) | PeerEvent::Response(_))) => {}
            Err(error) => self.request_broke(error),
        }
        true
    }

    /// Hands a request to who answers it.
    fn begin(&mut self, mut head: RequestHead, context: &mut Context<'_>, now: Moment) {
        self.begun += 1;
        self.account = Account::open(&self.rules, &self.info, &head);
        if self.misdirection.concerns(&head.uri, &head.fields) {
            tracing::debug!("a request is for a host that asks other things of clients");
            self.decline(StatusCode::MISDIRECTED_REQUEST, now);
            return;
        }
        let asked = self.who_is_asked(&head);
        if asked.is_none() && expects_more(&head) {
            // Nobody here knows it (RFC 9110 §10.1.1).
            self.decline(StatusCode::EXPECTATION_FAILED, now);
            return;
        }
        if self.rules.questions.join_duplicate_headers {
            fold(&mut head.fields);
        }
        let request = self.request_of(head, context);
        match asked {
            None => drop(self.start_handler(request, context)),
            Some(asked) => match guarded(|| asked(request)) {
                Ok(reply) => self.exchange = Exchange::Asked(reply),
                Err(Panicked) => self.handler_failed(&"the handler panicked".into()),
            },
        }
    }

    /// Tells of requests behind the last one that this connection may carry (RFC 9112 §9.6).
    fn tell_dropped(&mut self) {
        if !self.rules.observers.are_there() {
            return;
        }
        while let Some(head) = self.http.take_dropped_request() {
            let notice = RequestNotice {
                info: &self.info,
                method: &head.method,
                target: head.raw.target(),
                version: head.version,
            };
            self.rules.observers.tell(Event::DropRequest(&notice));
        }
    }

    /// The handler that stands in for the service, if this is a request of its kind.
    fn who_is_asked(&self, head: &RequestHead) -> Option<Asked> {
        let questions = &self.rules.questions;
        let by_method = match (head.method == Method::CONNECT, head.upgrade) {
            (true, _) => &questions.connect,
            (false, true) => &questions.upgrade,
            (false, false) => &None,
        };
        let by_expectation = match (head.expects_continue, expects_more(head)) {
            (_, true) => &questions.check_expectation,
            (true, false) => &questions.check_continue,
            (false, false) => &None,
        };
        by_method.as_ref().or(by_expectation.as_ref()).cloned()
    }

    /// The request as a handler gets it.
    fn request_of(&mut self, head: RequestHead, context: &Context<'_>) -> Request<Body> {
        let body = match head.framing {
            Framing::Empty | Framing::Length(0) => Body::empty(),
            Framing::Length(octets) => self.feed(SizeHint::with_exact(octets), context),
            Framing::Chunked | Framing::UntilClose => self.feed(SizeHint::default(), context),
        };
        let link = &self.link;
        let speaker = self.speaker.get_or_insert_with(|| Speaker::new(link));
        let responder = speaker.responder(self.begun - 1);
        let mut request = Request::new(body);
        *request.method_mut() = head.method;
        *request.uri_mut() = head.uri;
        *request.version_mut() = head.version;
        *request.headers_mut() = head.fields;
        let extensions = request.extensions_mut();
        extensions.insert(self.info.clone());
        extensions.insert(RawFields::new(head.raw).with_responder(responder));
        if head.upgrade {
            let (sender, slot) = upgrade();
            extensions.insert(slot);
            self.upgrade = Some(sender);
        }
        request
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
        self.close_head(status);
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
}

/// Whether a request expects something else than 100 (Continue). HTTP/1.0 knows no expectations.
fn expects_more(head: &RequestHead) -> bool {
    head.version == Version::HTTP_11 && head.has_unknown_expectation()
}
