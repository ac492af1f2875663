//! Requests as programs write them: options, then a body piece by piece, then the response.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Uri};
use sealane_tls::ClientTlsOptions;
use tokio::task::JoinHandle;

use super::abort::AbortSignal;
use super::agent::{Agent, Wish, global_agent};
use super::exchange::Answer;
use super::options::AgentOptions;
use super::outgoing::Outgoing;
use super::settings::Settings;
use super::settings::connecting::connecting_setters;
use super::settings::exchanging::exchanging_setters;
use super::settings::messages::message_setters;
use super::settings::times::times_setters;
use super::target::{self, Target};
use crate::body::{Body, BodySender};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::tls_options::client_tls_setters;

/// Sends a GET request through the global agent and waits for the head of its response.
///
/// ```
/// # async fn example() -> sealane::Result<()> {
/// let mut response = sealane::get("https://encrypted.example.com/").await?;
/// println!("statusCode: {}", response.status().as_u16());
/// while let Some(chunk) = response.body_mut().chunk().await? {
///     println!("{} octets", chunk.len());
/// }
/// # Ok(())
/// # }
/// ```
///
/// Dropping the future gives the request up; if it had begun, its connection is closed.
///
/// # Errors
///
/// As [`request`] and [`ClientRequest::end`].
pub async fn get(options: impl Into<RequestOptions>) -> Result<Response<Body>> {
    request(options)?.end().await
}

/// Begins a request through the agent its options name, else the global one; nothing is sent yet.
///
/// ```
/// use http::Method;
/// use sealane::RequestOptions;
///
/// # async fn example() -> sealane::Result<()> {
/// let options = RequestOptions::new("https://example.com/upload").method(Method::POST);
/// let mut request = sealane::request(options)?;
/// request.write("part one, ").await?;
/// request.write("part two").await?;
/// let response = request.end().await?;
/// # drop(response);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// What was given is no request: the code is one of the module's, such as `ERR_INVALID_URL`,
/// `ERR_INVALID_PROTOCOL`, `ERR_UNESCAPED_CHARACTERS`, `ERR_INVALID_HTTP_TOKEN`.
pub fn request(options: impl Into<RequestOptions>) -> Result<ClientRequest> {
    options.into().begin(None)
}

/// What a request shall be: a URL, and options that win over its parts.
///
/// A text or an `http::Uri` becomes options by itself: `sealane::get("https://example.com/")`.
#[derive(Clone, Default)]
pub struct RequestOptions {
    url: Option<Url>,
    hostname: Option<String>,
    port: Option<u16>,
    path: Option<String>,
    method: Method,
    fields: HeaderMap,
    agent: Via,
    /// What holds for this request alone.
    settings: Option<Box<Settings>>,
    tls: Option<ClientTlsOptions>,
    servername: Option<String>,
    /// The first field that could not be taken, with its code.
    wrong: Option<(String, &'static str)>,
}

/// Where a URL was given as what.
#[derive(Clone)]
enum Url {
    Text(String),
    Uri(Uri),
}

/// Which agent carries the request.
#[derive(Clone, Debug, Default)]
enum Via {
    #[default]
    Global,
    Agent(Agent),
    NoAgent,
}

impl RequestOptions {
    /// A GET request for a URL, read as the module reads it (WHATWG); it is checked by [`request`].
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Some(Url::Text(url.into())),
            ..Self::default()
        }
    }

    /// The host to ask, instead of the URL's; default `localhost`. A name, or an IP address.
    #[must_use]
    pub fn hostname(mut self, host: impl Into<String>) -> Self {
        self.hostname = Some(host.into());
        self
    }

    /// The port, instead of the URL's; default 443.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Path and query, instead of the URL's; default `/`. Sent as it is, so it must be escaped.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The method; default GET.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Adds a field; one that cannot be sent is refused by [`request`].
    #[must_use]
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName> + AsRef<str>,
        V: TryInto<HeaderValue>,
    {
        let shown: String = name.as_ref().escape_debug().take(80).collect();
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => {
                if self.fields.try_append(name, value).is_err() {
                    self.refuse(
                        "more fields than can be sent".to_owned(),
                        "ERR_OUT_OF_RANGE",
                    );
                }
            }
            (Err(_), _) => {
                let text = format!("header name must be a valid HTTP token [\"{shown}\"]");
                self.refuse(text, "ERR_INVALID_HTTP_TOKEN");
            }
            (_, Err(_)) => {
                let text = format!("invalid character in header content [\"{shown}\"]");
                self.refuse(text, "ERR_INVALID_CHAR");
            }
        }
        self
    }

    /// The fields to send, instead of those given so far.
    #[must_use]
    pub fn headers(mut self, fields: HeaderMap) -> Self {
        self.fields = fields;
        self
    }

    /// The agent to use for this request, also when it is begun through another one.
    #[must_use]
    pub fn agent(mut self, agent: &Agent) -> Self {
        self.agent = Via::Agent(agent.clone());
        self
    }

    /// Uses a new connection for this request alone, and closes it afterwards.
    #[must_use]
    pub fn no_agent(mut self) -> Self {
        self.agent = Via::NoAgent;
        self
    }

    /// The module's name of [`inactivity_timeout`](Self::inactivity_timeout).
    #[must_use]
    pub fn timeout(self, limit: impl Into<Option<Duration>>) -> Self {
        self.inactivity_timeout(limit)
    }

    times_setters!();
    message_setters!();
    connecting_setters!();
    exchanging_setters!();
    client_tls_setters!();

    /// What calls the request off, in any of its phases; default nothing does.
    #[must_use]
    pub fn signal(mut self, signal: &AbortSignal) -> Self {
        self.settings().exchanging.signal = Some(signal.clone());
        self
    }

    fn settings(&mut self) -> &mut Settings {
        self.settings.get_or_insert_default()
    }

    fn tls(mut self, change: impl FnOnce(ClientTlsOptions) -> ClientTlsOptions) -> Self {
        self.tls = Some(change(self.tls.unwrap_or_default()));
        self
    }

    fn refuse(&mut self, text: String, code: &'static str) {
        self.wrong.get_or_insert((text, code));
    }

    /// Whether it was given `create_connection`.
    fn opens_its_own(&self) -> bool {
        let settings = self.settings.as_ref();
        settings.is_some_and(|settings| settings.connecting.opens_its_own())
    }

    /// The request as this agent would carry it out, checked.
    pub(super) fn prepared(self, agent: &Agent) -> Result<Outgoing> {
        let mut target = match &self.url {
            None => Target::local(),
            Some(Url::Text(text)) => Target::parse(text)?,
            Some(Url::Uri(uri)) => Target::of_uri(uri)?,
        };
        if let Some(host) = &self.hostname {
            target.host = target::host(host)?;
        }
        target.port = self.port.unwrap_or(target.port);
        target.path = self.path.unwrap_or(target.path);
        if let Some((text, code)) = self.wrong {
            return Err(Error::option(text).with_code(code));
        }
        agent.prepare(Wish {
            method: self.method,
            target,
            fields: self.fields,
            tls: self.tls,
            servername: self.servername,
            settings: self.settings,
        })
    }

    /// What the agent's pool calls the shelf for it.
    pub(super) fn name_in_pool(self, agent: &Agent) -> Result<String> {
        let with_port = self.url.is_some() || self.port.is_some();
        Ok(self.prepared(agent)?.name_in_pool(with_port))
    }

    /// Checks everything, and makes a request of it: carried by the agent that the options name,
    /// else by the one given, else by the global one.
    pub(super) fn begin(self, given: Option<&Agent>) -> Result<ClientRequest> {
        let agent = match (&self.agent, given) {
            (Via::Agent(agent), _) | (Via::Global, Some(agent)) => agent.clone(),
            (Via::NoAgent, _) => Agent::new(AgentOptions::new())?,
            // As in the module: a connection of the request's own is for this request alone.
            (Via::Global, None) if self.opens_its_own() => Agent::new(AgentOptions::new())?,
            (Via::Global, None) => global_agent()?,
        };
        let outgoing = self.prepared(&agent)?;
        Ok(ClientRequest {
            state: State::Ready {
                agent,
                outgoing: Box::new(outgoing),
            },
        })
    }
}

/// Shows neither credentials, the query nor a field's value: they may be secret.
impl fmt::Debug for RequestOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.as_ref().map(|url| match url {
            Url::Text(text) => target::without_secrets(text),
            Url::Uri(uri) => target::without_secrets(&uri.to_string()),
        });
        f.debug_struct("RequestOptions")
            .field("method", &self.method)
            .field("url", &url.unwrap_or_default())
            .field("hostname", &self.hostname)
            .field("port", &self.port)
            .field("fields", &self.fields.len())
            .finish_non_exhaustive()
    }
}

impl From<&str> for RequestOptions {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for RequestOptions {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl From<&String> for RequestOptions {
    fn from(url: &String) -> Self {
        Self::new(url.as_str())
    }
}

impl From<Uri> for RequestOptions {
    fn from(uri: Uri) -> Self {
        Self {
            url: Some(Url::Uri(uri)),
            ..Self::default()
        }
    }
}

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
            None => Err(gone()),
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
        self.start()?;
        let (writer, sending) = match &mut self.state {
            State::Writing { writer, sending } => (writer, sending),
            State::Answered(_) => return Ok(()),
            State::Ready { .. } | State::Failed => return Err(gone()),
        };
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
            Ok(piece) => piece,
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
    /// As [`end`](Self::end); or the body failed.
    pub async fn end_with(mut self, body: impl Into<Body>) -> Result<Response<Body>> {
        let mut body = body.into();
        if let State::Ready { agent, outgoing } = self.state {
            return agent.carry(&outgoing, body, Answer::AtOnce).await;
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
            (state, _) => Self { state }.end().await,
        }
    }

    /// Begins to send, if that has not been done.
    fn start(&mut self) -> Result<()> {
        if !matches!(self.state, State::Ready { .. }) {
            return Ok(());
        }
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| {
            let text = "a request needs a tokio runtime, and none is running here";
            Error::new(ErrorKind::Options, Phase::Setup, text).unsent()
        })?;
        if let State::Ready { agent, outgoing } = mem::replace(&mut self.state, State::Failed) {
            let (sender, body) = Body::channel();
            // A task, so that the request goes on while its caller is busy with the next piece.
            let sending = runtime
                .spawn(async move { agent.carry(&outgoing, body, Answer::AfterUpload).await });
            self.state = State::Writing {
                writer: Writer(Some(sender)),
                sending: Sending(sending),
            };
        }
        Ok(())
    }
}

fn gone() -> Error {
    let text = "this request has failed already";
    Error::new(ErrorKind::Closed, Phase::SendBody, text)
}
