//! Turns an async function into a tower service, so that a server knows only services.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::Body;

/// The error of a handler, in the shape that tower services use.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a handler may return: a `Response<B>`, or a `Result` of one, where `B` becomes a [`Body`].
///
/// Sealed: bodies of other libraries enter by [`Body::new`], whole applications as services by
/// [`Server::with_service`](crate::Server::with_service).
pub trait Answer: sealed::Sealed {}

impl<A: sealed::Sealed> Answer for A {}

pub(crate) mod sealed {
    use super::{Body, BoxError, Response};

    pub trait Sealed {
        fn into_result(self) -> Result<Response<Body>, BoxError>;
    }

    impl<B: Into<Body>> Sealed for Response<B> {
        fn into_result(self) -> Result<Response<Body>, BoxError> {
            Ok(self.map(Into::into))
        }
    }

    impl<B: Into<Body>, E: Into<BoxError>> Sealed for Result<Response<B>, E> {
        fn into_result(self) -> Result<Response<Body>, BoxError> {
            self.map(|response| response.map(Into::into))
                .map_err(Into::into)
        }
    }
}

/// A service made of an async function.
pub(crate) struct Handler<F> {
    function: Arc<F>,
}

impl<F> Handler<F> {
    pub(crate) fn new(function: F) -> Self {
        Self {
            function: Arc::new(function),
        }
    }
}

impl<F> Clone for Handler<F> {
    fn clone(&self) -> Self {
        Self {
            function: Arc::clone(&self.function),
        }
    }
}

impl<F, Fut> Service<Request<Body>> for Handler<F>
where
    F: Fn(Request<Body>) -> Fut,
    Fut: Future + Send + 'static,
    Fut::Output: Answer,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Answering<Fut>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Answering {
            future: (self.function)(request),
        }
    }
}

pin_project! {
    /// A handler at work.
    pub(crate) struct Answering<Fut> {
        #[pin]
        future: Fut,
    }
}

impl<Fut> Future for Answering<Fut>
where
    Fut: Future,
    Fut::Output: Answer,
{
    type Output = Result<Response<Body>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.project()
            .future
            .poll(context)
            .map(sealed::Sealed::into_result)
    }
}
