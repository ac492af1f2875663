//! A request that is being written: its body piece by piece, then the response.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use http::{HeaderMap, Response};
use sealane_proto::Trailers;
use tokio::task::JoinHandle;

use crate::body::{Body, BodySender};
use crate::client::agent::Agent;
use crate::client::exchange::Answer;
use crate::client::outgoing::Outgoing;
use crate::error::{Error, ErrorKind, Phase, Result};

/// A request that is being written.
///
/// With [`write`](Self::write) its body goes out piece by piece, chunked unless a Content-Length
/// was given; [`end`](Self::end) finishes it and waits for the response. Dropping it gives the
/// request up: a connection it had begun to use is closed, and the server sees the body break off.
///
/// The response is not read before the end of the request. Where a server answers while it still
/// reads, as an echo does, give the body to [`end_with`](Self::end_with): then the response is
/// there as soon as it begins, and reading it sends the rest of the request, too.
#[derive(Debug)]
pub struct ClientRequest {
    state: State,
    may_have_trailers: bool,
}

#[derive(Debug)]
enum State {
    /// Nothing has been sent.
    Ready {
        agent: Agent,
        outgoing: Box<Outgoing>,
    },
    /// Its body is being written.
    Writing { writer: Writer, sending: Sending },
    /// It was answered before it was complete, and the server wants no more of it.
    Answered(Box<Response<Body>>),
    /// It has failed, and that has been told.
    Failed,
}

/// The writing end of a request's body; dropped, it breaks the body off.
///
/// A body that just ended here would look whole to the server.
#[derive(Debug)]
struct Writer(Option<BodySender>);

impl Writer {
    async fn send(&mut self, piece: Bytes) -> Result<()> {
        match &mut self.0 {
            Some(sender) => sender.send(piece).await,
            None => Err(whole()),
        }
    }

    /// Ends the body, which is whole.
    fn end(mut self, trailers: Option<HeaderMap>) {
        if let (Some(sender), Some(trailers)) = (self.0.take(), trailers) {
            sender.end_with_trailers(trailers);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            sender.abort("the request was dropped before its end");
        }
    }
}

/// A request that is sent while its caller writes; dropped, it stops.
#[derive(Debug)]
struct Sending(JoinHandle<Result<Response<Body>>>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Sending {
    /// Waits until the request has been answered or has failed; dropped, it can be asked again.
    async fn outcome(&mut self) -> Result<Response<Body>> {
        match (&mut self.0).await {
            Ok(outcome) => outcome,
            Err(error) => {
                let text = "the runtime that sent this request has ended";
                Err(Error::new(ErrorKind::Closed, Phase::SendBody, text).with_source(error))
            }
        }
    }
}

impl ClientRequest {
    pub(super) fn new(agent: Agent, outgoing: Outgoing) -> Self {
        Self {
            may_have_trailers: outgoing.may_have_trailers(),
            state: State::Ready {
                agent,
                outgoing: Box::new(outgoing),
            },
        }
    }

    /// Sends the head now, as soon as there is a connection, and does not wait for it.
    ///
    /// Its body is then chunked unless a Content-Length was given. A request whose method gives
    /// content no meaning (GET, HEAD, DELETE, OPTIONS, TRACE) is sent without a body, unless a
    /// field says that it has one: it cannot be written to any more.
    ///
    /// # Errors
    ///
    /// No tokio runtime is running here.
    pub fn flush_headers(&mut self) -> Result<()> {
        match &self.state {
            State::Ready { outgoing, .. } => {
                let is_whole = outgoing.is_all_head();
                self.start(is_whole)
            }
            _ => Ok(()),
        }
    }

    /// Sends a piece of the body, waiting while 64 KiB of it have not left.
    ///
    /// The first call opens the connection and sends the head. A future dropped before it is ready
    /// has sent nothing. When the server has refused already (4xx or 5xx), or has closed
    /// the connection, pieces are dropped, and [`end`](Self::end) gives its answer.
    ///
    /// # Errors
    ///
    /// The request has failed; the errors of [`end`](Self::end).
    pub async fn write(&mut self, piece: impl Into<Bytes>) -> Result<()> {
        let piece = piece.into();
        self.start(false)?;
        let (writer, sending) = match &mut self.state {
            State::Writing { writer, sending } => (writer, sending),
            State::Answered(_) => return Ok(()),
            State::Ready { .. } | State::Failed => return Err(gone()),
        };
        if writer.0.is_none() {
            return Err(whole());
        }
        if writer.send(piece).await.is_ok() {
            return Ok(());
        }
        // Nobody takes it any more: the request has been answered, or it has failed.
        let outcome = sending.outcome().await;
        self.keep(outcome)
    }

    /// Keeps the answer that came before the request was complete.
    fn keep(&mut self, outcome: Result<Response<Body>>) -> Result<()> {
        self.state = State::Failed;
        self.state = State::Answered(Box::new(outcome?));
        Ok(())
    }

    /// The next piece of a body to write; `None` at its end, and when there is an answer already.
    async fn piece_or_answer(&mut self, body: &mut Body) -> Result<Option<Bytes>> {
        let State::Writing { sending, .. } = &mut self.state else {
            return Ok(None);
        };
        let outcome = {
            let (mut answer, mut piece) = (pin!(sending.outcome()), pin!(body.chunk()));
            poll_fn(|context| match answer.as_mut().poll(context) {
                Poll::Ready(outcome) => Poll::Ready(Err(outcome)),
                Poll::Pending => piece.as_mut().poll(context).map(Ok),
            })
            .await
        };
        match outcome {
            // What the body's error says of a request of its own is not true of this one.
            Ok(piece) => piece.map_err(Error::left),
            Err(outcome) => self.keep(outcome).map(|()| None),
        }
    }

    /// Ends the request and waits for the head of its final response.
    ///
    /// The response's body is read from its [`Body`]; read to the end, its connection is free for
    /// the next request. Dropped before, the connection is closed unless the rest has come already.
    ///
    /// # Errors
    ///
    /// The connection could not be opened, the server did not prove who it is, the response broke
    /// the rules or a time limit passed: [`Error::phase`] and [`Error::code`] say which.
    pub async fn end(self) -> Result<Response<Body>> {
        match self.state {
            State::Ready { agent, outgoing } => {
                agent.carry(&outgoing, Body::empty(), Answer::AtOnce).await
            }
            State::Writing {
                writer,
                mut sending,
            } => {
                writer.end(None);
                sending.outcome().await
            }
            State::Answered(response) => Ok(*response),
            State::Failed => Err(gone()),
        }
    }

    /// Sends a body and ends the request with it.
    ///
    /// Where nothing was written before and the body's length is known, Content-Length says it.
    ///
    /// A response that has come whole is given when the request has left, or when the server takes
    /// no more of it: it has refused (4xx or 5xx), or ended the connection.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end); or the body failed. `ERR_STREAM_WRITE_AFTER_END`: the head has been
    /// flushed as that of a request without a body, and this body is not empty.
    pub async fn end_with(mut self, body: impl Into<Body>) -> Result<Response<Body>> {
        let mut body = body.into();
        if let State::Ready { agent, outgoing } = self.state {
            return agent.carry(&outgoing, body, Answer::AtOnce).await;
        }
        // Said at once: were it left to the first write, an answer that has come would hide it.
        let takes_none = matches!(
            &self.state,
            State::Writing {
                writer: Writer(None),
                ..
            }
        );
        if takes_none && !http_body::Body::is_end_stream(&body) {
            return Err(whole());
        }
        while let Some(piece) = self.piece_or_answer(&mut body).await? {
            self.write(piece).await?;
        }
        match (self.state, body.trailers()) {
            (
                State::Writing {
                    writer,
                    mut sending,
                },
                Some(trailers),
            ) => {
                writer.end(Some(trailers.clone()));
                sending.outcome().await
            }
            (state, _) => {
                Self {
                    state,
                    may_have_trailers: false,
                }
                .end()
                .await
            }
        }
    }

    /// Ends the request with a trailer section (RFC 9110 §6.5), and waits for the response.
    ///
    /// A Trailer field may announce their names. An empty section ends as [`end`](Self::end) does.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end). `ERR_HTTP_TRAILER_INVALID`: the body is not chunked (there is a
    /// Content-Length, or it is HTTP/1.0), or a field is none that may stand behind a body.
    pub async fn end_with_trailers(mut self, trailers: HeaderMap) -> Result<Response<Body>> {
        if trailers.is_empty() {
            return self.end().await;
        }
        self.check_trailers(&trailers)?;
        self.start(false)?;
        match self.state {
            State::Writing {
                writer,
                mut sending,
            } if writer.0.is_some() => {
                writer.end(Some(trailers));
                sending.outcome().await
            }
            State::Writing { .. } => Err(whole()),
            state => {
                Self {
                    state,
                    may_have_trailers: false,
                }
                .end()
                .await
            }
        }
    }

    /// Refuses trailers that cannot be sent, before anything leaves for their sake.
    fn check_trailers(&self, trailers: &HeaderMap) -> Result<()> {
        let refused = match (self.may_have_trailers, Trailers::check(trailers)) {
            (true, Ok(())) => return Ok(()),
            (true, Err(error)) => Error::option(error.to_string()).with_source(error),
            (false, _) => Error::option("trailers need a chunked body, and this one has a length"),
        };
        let refused = refused.with_code("ERR_HTTP_TRAILER_INVALID");
        Err(match self.state {
            State::Ready { .. } => refused.unsent(),
            _ => refused,
        })
    }

    /// Begins to send, if that has not been done; `is_whole` says that no body will follow.
    fn start(&mut self, is_whole: bool) -> Result<()> {
        if !matches!(self.state, State::Ready { .. }) {
            return Ok(());
        }
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| {
            let text = "a request needs a tokio runtime, and none is running here";
            Error::new(ErrorKind::Options, Phase::Setup, text).unsent()
        })?;
        if let State::Ready { agent, outgoing } = mem::replace(&mut self.state, State::Failed) {
            let (sender, body) = match is_whole {
                true => (None, Body::empty()),
                false => {
                    let (sender, body) = Body::channel();
                    (Some(sender), body)
                }
            };
            // A task, so that the request goes on while its caller is busy with the next piece.
            let sending = runtime
                .spawn(async move { agent.carry(&outgoing, body, Answer::AfterUpload).await });
            self.state = State::Writing {
                writer: Writer(sender),
                sending: Sending(sending),
            };
        }
        Ok(())
    }
}

fn whole() -> Error {
    let text = "this request was sent without a body: give it one before its head is flushed";
    Error::option(text).with_code("ERR_STREAM_WRITE_AFTER_END")
}

fn gone() -> Error {
    let text = "this request has failed already";
    Error::new(ErrorKind::Closed, Phase::SendBody, text)
}
