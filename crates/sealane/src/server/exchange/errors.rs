//! What becomes of an exchange that cannot go on: a handler failed, or a client broke the rules.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use sealane_proto::ProtocolError;
use tower_service::Service;

use super::{Conversation, Exchange, Panicked, guarded};
use crate::body::Body;
use crate::error::{Error, Phase};
use crate::event::{ClientFault, Event, HandlerError};
use crate::handler::BoxError;
use crate::server::client_error::ClientError;
use crate::server::date;

impl<S, B> Conversation<S, B>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    /// Answers 500: the head of the response has not left.
    pub(super) fn handler_failed(&mut self, error: &BoxError) {
        tracing::error!(%error, "a handler failed; its request is answered 500");
        let answered = self.refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            b"Internal Server Error\n",
        );
        self.tell_failure(error, answered);
    }

    /// Ends the connection without the end of the body, so that the client sees it cut short.
    pub(super) fn body_failed(&mut self, error: &BoxError) {
        tracing::error!(%error, "a response's body failed; its connection is cut");
        self.failed = true;
        self.tell_failure(error, false);
        self.drop_exchange();
    }

    fn tell_failure(&self, error: &BoxError, answered: bool) {
        let failure = HandlerError {
            info: &self.info,
            error: &**error,
            answered,
        };
        self.rules.observers.tell(Event::HandlerError(&failure));
    }

    /// The request broke the rules: its body fails, and it is refused if that can still be said.
    pub(super) fn request_broke(&mut self, error: ProtocolError) {
        tracing::debug!(%error, "a request broke the rules");
        let status = error.status().unwrap_or(StatusCode::BAD_REQUEST);
        let phase = match self.feeder {
            Some(_) => Phase::ReceiveBody,
            None => Phase::ReceiveHead,
        };
        self.client_failed(Error::protocol(phase, error), status);
    }

    /// Ends the connection because of its client, with what the program says about it, or `status`.
    pub(super) fn client_failed(&mut self, error: Error, status: StatusCode) {
        let in_request = self.http.in_exchange();
        let words = self.ask_of_error(&error);
        // Failed last: its reader goes with the exchange, unless it has a task of its own.
        let feeder = self.feeder.take();
        let said = match words {
            None => self.refuse(status, b"").then_some(status),
            Some(None) => {
                self.end_unanswered();
                None
            }
            Some(Some(response)) => {
                let (parts, body) = response.into_parts();
                match self.refuse_with(parts.status, &parts.headers, &body) {
                    true => Some(parts.status),
                    false => self.refuse(status, b"").then_some(status),
                }
            }
        };
        let fault = ClientFault {
            info: &self.info,
            error: &error,
            status: said,
            in_request,
        };
        self.rules.observers.tell(Event::ClientError(&fault));
        if let Some(feeder) = feeder {
            feeder.fail(error);
        }
    }

    /// What the program wants to be said about an error of the client; `None` when it is not asked.
    #[expect(clippy::option_option, reason = "not asked, and nothing to be said")]
    fn ask_of_error(&mut self, error: &Error) -> Option<Option<Response<Bytes>>> {
        let ask = Arc::clone(self.rules.questions.client_error.as_ref()?);
        if std::mem::replace(&mut self.asked_of_error, true) {
            return None;
        }
        let rejected = self.http.take_rejected();
        let question = ClientError {
            error,
            octets: rejected.as_ref().map_or(&[], |rejected| &rejected.octets),
            parsed: rejected.as_ref().map_or(0, |rejected| rejected.parsed),
            info: &self.info,
        };
        match guarded(|| ask(&question)) {
            Ok(words) => Some(words),
            Err(Panicked) => {
                tracing::error!("the function client_error panicked");
                None
            }
        }
    }

    /// Answers with an error of our own and ends the connection after it, or cuts the connection
    /// when an answer has begun already; true if the error could be said.
    pub(super) fn refuse(&mut self, status: StatusCode, text: &[u8]) -> bool {
        let none = HeaderMap::new();
        let refused = !self.http.head_sent() && self.say_refusal(status, &none, text);
        if !refused {
            self.end_unanswered();
        }
        refused
    }

    /// The same with a response of the program's; false, and nothing changed, if it is none that
    /// can be said.
    fn refuse_with(&mut self, status: StatusCode, fields: &HeaderMap, text: &[u8]) -> bool {
        let is_error = status.is_client_error() || status.is_server_error();
        is_error && !self.http.head_sent() && self.say_refusal(status, fields, text)
    }

    fn say_refusal(&mut self, status: StatusCode, fields: &HeaderMap, text: &[u8]) -> bool {
        self.close_head(status);
        let said = self
            .http
            .refuse_with(status, fields, text, &date::now(), self.outbox.plain());
        if said {
            self.response_made();
            self.drop_exchange();
        }
        said
    }

    /// Ends the connection without another word: cut, if an answer has begun.
    fn end_unanswered(&mut self) {
        if matches!(self.exchange, Exchange::Idle) || !self.http.head_sent() {
            self.closing = true;
        } else {
            self.failed = true;
        }
        self.drop_exchange();
    }

    /// Lets go of all that works on the present request.
    pub(super) fn drop_exchange(&mut self) {
        let exchange = std::mem::replace(&mut self.exchange, Exchange::Idle);
        // What it holds is the program's: it may panic here, too.
        if guarded(|| drop(exchange)).is_err() {
            tracing::error!("a handler or body panicked while it was dropped");
        }
        self.upgrade = None;
        self.account = None;
    }
}
