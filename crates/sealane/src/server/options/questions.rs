//! What a program is asked, and may answer in place of its service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use sealane_proto::ServerRules;

use super::ServerOptions;
use crate::body::Body;
use crate::error::Result;
use crate::handler::{Answer, BoxError, sealed::Sealed as _};
use crate::server::client_error::ClientError;

/// A handler of some requests only, whatever its type.
pub(in crate::server) type Asked = Arc<dyn Fn(Request<Body>) -> Reply + Send + Sync>;

/// Such a handler at work.
pub(in crate::server) type Reply =
    Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

/// Says what a client gets that broke the rules.
pub(in crate::server) type AskedOfErrors =
    Arc<dyn Fn(&ClientError<'_>) -> Option<Response<Bytes>> + Send + Sync>;

/// What a program is asked, and how requests are shown to it.
#[derive(Clone)]
pub(in crate::server) struct Questions {
    pub(in crate::server) check_continue: Option<Asked>,
    pub(in crate::server) check_expectation: Option<Asked>,
    pub(in crate::server) upgrade: Option<Asked>,
    pub(in crate::server) connect: Option<Asked>,
    pub(in crate::server) client_error: Option<AskedOfErrors>,
    pub(in crate::server) join_duplicate_headers: bool,
    reject_non_standard_body_writes: bool,
    pub(in crate::server) allow_half_open: bool,
}

impl Default for Questions {
    fn default() -> Self {
        Self {
            check_continue: None,
            check_expectation: None,
            upgrade: None,
            connect: None,
            client_error: None,
            join_duplicate_headers: false,
            reject_non_standard_body_writes: false,
            allow_half_open: true,
        }
    }
}

impl Questions {
    /// The rules of the protocol, with what is asked here.
    pub(super) fn complete(&self, rules: ServerRules) -> ServerRules {
        ServerRules {
            reject_body_writes: self.reject_non_standard_body_writes,
            keep_rejected: self.client_error.is_some(),
            ..rules
        }
    }
}

impl ServerOptions {
    /// Answers HTTP/1.1 requests with `Expect: 100-continue` and a body instead of the service.
    /// Default none: the service gets them, and `100 Continue` is sent when it first reads the
    /// body. Without a body there is nothing to go on with: such a request is the service's.
    ///
    /// Here, too, nothing is sent until the handler reads the body or calls
    /// [`Responder::write_continue`](crate::Responder::write_continue). Answered without that, the
    /// connection closes behind the response, for the body may or may not follow (RFC 9110
    /// §10.1.1).
    #[must_use]
    pub fn check_continue<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Request<Body>) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Answer,
    {
        self.questions.check_continue = Some(asked(handler));
        self
    }

    /// Answers HTTP/1.1 requests that expect something else than `100-continue`. Default none: they
    /// are answered 417 (RFC 9110 §10.1.1).
    #[must_use]
    pub fn check_expectation<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Request<Body>) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Answer,
    {
        self.questions.check_expectation = Some(asked(handler));
        self
    }

    /// Answers requests that ask for another protocol (RFC 9110 §7.8) instead of the service.
    /// Default none: the service gets them.
    ///
    /// Either way the request carries an [`Upgrade`](crate::Upgrade), with which the connection is
    /// taken over behind a `101 Switching Protocols`.
    #[must_use]
    pub fn upgrade<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Request<Body>) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Answer,
    {
        self.questions.upgrade = Some(asked(handler));
        self
    }

    /// Answers CONNECT requests (RFC 9110 §9.3.6) instead of the service. Default none: the service
    /// gets them.
    ///
    /// Either way the request carries an [`Upgrade`](crate::Upgrade), with which the connection is
    /// taken over behind a 2xx. Behind any other response the connection closes.
    #[must_use]
    pub fn connect<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Request<Body>) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: Answer,
    {
        self.questions.connect = Some(asked(handler));
        self
    }

    /// Says what a client gets that broke the rules of HTTP or was too late with its request.
    /// Default none: it gets the status that fits, such as 400, 408 or 431, and nothing else.
    ///
    /// Asked at most once per connection, which ends in any case. `Some` response is sent with
    /// `Connection: close`, if it is one of an error (4xx or 5xx) and no other response has begun;
    /// `None` says nothing. A panic of the function counts as if it had not been given.
    /// [`ResponseOptions`](crate::ResponseOptions) have no effect on the response. Handshakes that
    /// fail are not asked about: see [`Event::TlsClientError`](crate::Event::TlsClientError).
    #[must_use]
    pub fn client_error<F, B>(mut self, answer: F) -> Self
    where
        F: Fn(&ClientError<'_>) -> Option<Response<B>> + Send + Sync + 'static,
        B: Into<Bytes>,
    {
        self.questions.client_error = Some(Arc::new(move |error: &ClientError<'_>| {
            answer(error).map(|response| response.map(Into::into))
        }));
        self
    }

    /// Whether field lines of one name are joined into one before a handler sees them; default
    /// false: each line stays, and [`HeaderMap::get`](http::HeaderMap::get) gives the first.
    ///
    /// Lines of `Cookie` are joined by `"; "`, others by `", "`; those of `Set-Cookie` never.
    /// [`RawFields`](crate::RawFields) has them as they came.
    #[must_use]
    pub fn join_duplicate_headers(mut self, wanted: bool) -> Self {
        self.questions.join_duplicate_headers = wanted;
        self
    }

    /// Whether a response fails that has a body where none can be sent: to HEAD, with 204 or 304.
    /// Default false: the body is dropped.
    ///
    /// Such a response is answered 500 (`ERR_HTTP_BODY_NOT_ALLOWED`), also when its body is of
    /// unknown length: nobody would ever ask for its octets.
    #[must_use]
    pub fn reject_non_standard_body_writes(mut self, rejected: bool) -> Self {
        self.questions.reject_non_standard_body_writes = rejected;
        self
    }

    /// Whether a client that has ended its side of the connection in order still gets the answers
    /// to what it had asked; default true.
    ///
    /// With false its end cancels the handler that is at work, and cuts a response that has not
    /// been made whole: for handlers whose work is lost on a client that leaves.
    #[must_use]
    pub fn allow_half_open(mut self, allowed: bool) -> Self {
        self.questions.allow_half_open = allowed;
        self
    }
}

/// Hides the type of a handler.
fn asked<F, Fut>(handler: F) -> Asked
where
    F: Fn(Request<Body>) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Answer,
{
    Arc::new(move |request| {
        let answer = handler(request);
        Box::pin(async move { answer.await.into_result() })
    })
}

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questions")
            .field("check_continue", &self.check_continue.is_some())
            .field("check_expectation", &self.check_expectation.is_some())
            .field("upgrade", &self.upgrade.is_some())
            .field("connect", &self.connect.is_some())
            .field("client_error", &self.client_error.is_some())
            .field("join_duplicate_headers", &self.join_duplicate_headers)
            .field(
                "reject_non_standard_body_writes",
                &self.reject_non_standard_body_writes,
            )
            .field("allow_half_open", &self.allow_half_open)
            .finish()
    }
}
