//! Agent: sends requests, and keeps connections and TLS sessions for the next ones.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response, Version};
use sealane_tls::{ClientContext, ClientTlsOptions, SessionCache};
use tokio::time::Instant;
use tower_service::Service;

use super::abort::unless_aborted;
use super::connect::Dialer;
use super::exchange::{Answer, Exchange, Failure, check_framing};
use super::fields::Fields;
use super::key::ConnectionKey;
use super::lease::{Claim, Connections, Lease};
use super::options::AgentOptions;
use super::outgoing::{Outgoing, Words};
use super::request::{ClientRequest, RequestOptions};
use super::retry::Attempt;
use super::settings::{Settings, Terms};
use super::target::Target;
use crate::body::Body;
use crate::error::{Error, ErrorKind, Result};
use crate::handler::BoxError;
use crate::key_log::KeyLogTarget;

mod live;

/// Sends requests, and keeps connections and TLS sessions for the next ones.
///
/// Cloning is cheap: all clones share one pool. An agent is also a
/// [`tower_service::Service`] for `http::Request`, so tower layers can wrap it. It wants a tokio
/// runtime with I/O and time enabled.
///
/// ```
/// use sealane::{Agent, AgentOptions};
///
/// # async fn example() -> sealane::Result<()> {
/// let agent = Agent::new(AgentOptions::new().keep_alive(true))?;
/// let mut response = agent.get("https://encrypted.example.com/").await?;
/// while let Some(chunk) = response.body_mut().chunk().await? {
///     println!("{} octets", chunk.len());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Which connections are shared
///
/// A connection is used again only for the same host, port and server name, and only by requests
/// with the same TLS options: roots, revocation lists, pins, checks, client certificate, versions,
/// suites and all the rest that decides what a connection proves. The same holds for TLS sessions.
/// A connection also stays within its tokio runtime.
///
/// # Who gets a connection
///
/// A request takes an idle connection, or else opens one; where `max_sockets` or
/// `max_total_sockets` is reached, it waits its turn. While a connection is being opened for it,
/// one that comes free serves it as well, and the new one is for the next. Dropping a request never
/// stops a connection from being opened that another request waits for, or that may rest.
///
/// # Connections that die while they rest
///
/// Before reuse a connection is looked at; one that has ended is not used. Should it end just then,
/// the request is sent once more on a fresh connection, if nothing of it had left, or if its method
/// is idempotent and no octet of a response had come, and only if its body can be given again. A
/// POST is never sent twice.
#[derive(Clone)]
pub struct Agent {
    inner: Arc<Inner>,
}

struct Inner {
    connections: Arc<Connections>,
    sessions: Arc<SessionCache<ConnectionKey>>,
    settings: Settings,
    /// What holds for a request that says nothing of its own.
    terms: Arc<Terms>,
    /// When an open connection is first probed, if connections are kept.
    keep_alive_msecs: Mutex<Duration>,
    /// How long a request waits for its turn, where that has been said.
    wait_timeout: Option<Option<Duration>>,
    tls: ClientTlsOptions,
    servername: Option<String>,
    key_log: Option<KeyLogTarget>,
    context: ClientContext,
    /// Contexts of requests with TLS options of their own: a session lives only with its context.
    others: Mutex<Vec<ClientContext>>,
}

impl Agent {
    /// Makes an agent; nothing is opened yet.
    ///
    /// # Errors
    ///
    /// An option cannot be honoured; the message names it.
    pub fn new(options: AgentOptions) -> Result<Self> {
        options.check()?;
        let AgentOptions {
            pooling,
            settings,
            tls,
            servername,
            key_log,
        } = options;
        Ok(Self {
            inner: Arc::new(Inner {
                sessions: SessionCache::new(pooling.max_cached_sessions),
                keep_alive_msecs: Mutex::new(pooling.keep_alive_msecs),
                wait_timeout: pooling.wait_timeout,
                connections: Connections::new(pooling),
                terms: settings.clone().settle()?,
                settings,
                context: tls.clone().build()?,
                tls,
                servername,
                key_log,
                others: Mutex::default(),
            }),
        })
    }

    /// Sends a GET request (or what the options say) and waits for the head of its response.
    ///
    /// Dropping the future gives the request up; if it had begun, its connection is closed.
    ///
    /// # Errors
    ///
    /// As [`Agent::request`] and [`ClientRequest::end`].
    pub async fn get(&self, options: impl Into<RequestOptions>) -> Result<Response<Body>> {
        self.request(options)?.end().await
    }

    /// Begins a request through this agent; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// What was given is no request: the code is one of the module's, such as `ERR_INVALID_URL`,
    /// `ERR_INVALID_PROTOCOL`, `ERR_UNESCAPED_CHARACTERS`, `ERR_INVALID_HTTP_TOKEN`.
    pub fn request(&self, options: impl Into<RequestOptions>) -> Result<ClientRequest> {
        options.into().begin(Some(self))
    }

    /// Sends a whole `http` request and waits for the head of its response.
    ///
    /// The URI must be absolute. Host, Connection and the framing are added where they are missing.
    /// HTTP/1.0 is sent as such. A request of HTTP/2 or HTTP/3, as layers and proxies hand them on,
    /// is sent as HTTP/1.1, for methods, fields and content mean the same there; HTTP/0.9 is
    /// refused. The request's extensions are for layers; none is read here.
    ///
    /// # Errors
    ///
    /// As [`Agent::request`] and [`ClientRequest::end`].
    pub async fn send<B: Into<Body>>(&self, request: Request<B>) -> Result<Response<Body>> {
        let (parts, body) = request.into_parts();
        let target = Target::of_uri(&parts.uri)?;
        target.check(&parts.method)?;
        let version = match parts.version {
            Version::HTTP_09 | Version::HTTP_10 => parts.version,
            // What layers hand on may have come by another protocol.
            _ => Version::HTTP_11,
        };
        let words = Words {
            method: parts.method,
            target,
            version,
            fields: Fields::Map(parts.headers),
        };
        let outgoing = self.prepare(Wish::new(Ok(words)))?;
        self.carry(&outgoing, body.into(), Answer::AtOnce).await
    }

    /// Checks a request against this agent and completes it, in the module's order (reference §4):
    /// time limits, what is said, limits of the response, how to connect, and trust.
    pub(super) fn prepare(&self, wish: Wish) -> Result<Outgoing> {
        let inner = &self.inner;
        let said = wish.settings.map(|settings| settings.over(&inner.settings));
        if let Some(said) = &said {
            said.times.settle()?;
        }
        let words = match wish.words {
            Ok(words) => words,
            Err(Unsayable::Method(error)) => return Err(error),
            Err(Unsayable::Field(error)) => {
                if let Some(said) = &said {
                    said.messages.rules()?;
                }
                return Err(error);
            }
        };
        check_version(words.version)?;
        let terms = match said {
            None => Arc::clone(&inner.terms),
            Some(said) => said.settle()?,
        };
        let context = match wish.tls {
            None => inner.context.clone(),
            Some(tls) => inner.shared(tls.over(&inner.tls).build()?),
        };
        let servername = wish.servername.as_deref().or(inner.servername.as_deref());
        let persistent = inner.connections.is_persistent();
        Outgoing::new(words, servername, persistent, context, terms)
    }

    /// Sends a request, once more on a fresh connection if that is safe, until its response begins.
    pub(super) async fn carry(
        &self,
        request: &Outgoing,
        body: Body,
        answer: Answer,
    ) -> Result<Response<Body>> {
        let begun = Instant::now();
        check_framing(request, &body).map_err(Error::unsent)?;
        let key = request.key()?;
        let wait = self.inner.wait_timeout;
        let wait = wait.unwrap_or(request.terms.timeouts.connect);
        let spare = body.again();
        let connections = &self.inner.connections;
        let signal = request.terms.exchanging.signal.as_ref();
        let claim = connections.claim(&key, wait, || self.dialer(request));
        let Claim {
            connection,
            rested,
            lease,
        } = unless_aborted(signal, claim).await?;
        // One that was opened ahead may have been closed just like one that was used.
        let reused = rested.is_some() || connection.past.carried;
        let exchange = Exchange::begin(connection, lease, request, body, begun);
        let failure = match exchange
            .map_err(Error::unsent)?
            .response(rested.is_some(), answer)
            .await
        {
            Ok(response) => return Ok(response),
            Err(failure) => failure,
        };
        self.forget_sessions(&key, &failure);
        if let Some(rest) = rested
            && failure.died
            && !failure.answered
        {
            connections.died(&key, rest);
        }
        let attempt = Attempt {
            reused,
            sent: failure.sent,
            answered: failure.answered,
            died: failure.died,
            body_again: spare.is_some(),
        };
        match (failure.place, spare) {
            (Some(place), Some(body)) if attempt.may_repeat(&request.method) => {
                tracing::debug!(%key, "a kept connection died under a request: sent again");
                connections.replayed(&key);
                let again = self.repeat(request, body, answer, (place, begun)).await;
                again.map_err(|error| if failure.sent { error.left() } else { error })
            }
            _ => Err(failure.error),
        }
    }

    /// Sends a request for the second and last time, on a fresh connection in the same place: where
    /// one has died, others that rest may be dead, too.
    async fn repeat(
        &self,
        request: &Outgoing,
        body: Body,
        answer: Answer,
        (place, begun): (Lease, Instant),
    ) -> Result<Response<Body>> {
        let signal = request.terms.exchanging.signal.as_ref();
        let reopening = Box::pin(place.reopen(self.dialer(request)));
        let (connection, place) = unless_aborted(signal, reopening).await?;
        let exchange = Exchange::begin(connection, place, request, body, begun);
        let exchange = exchange.map_err(Error::unsent)?;
        let outcome = exchange.response(false, answer).await;
        outcome.map_err(|failure| {
            if let Some(place) = &failure.place {
                self.forget_sessions(place.key(), &failure);
            }
            failure.error
        })
    }

    /// As after a failed handshake: a session may be the cause of the failure (reference §2.7).
    fn forget_sessions(&self, key: &ConnectionKey, failure: &Failure) {
        let broke = matches!(failure.error.kind(), ErrorKind::Tls | ErrorKind::Io);
        if broke && !failure.producer_failed {
            self.inner.sessions.remove(key);
        }
    }

    fn dialer(&self, request: &Outgoing) -> Dialer {
        Dialer {
            context: request.context.clone(),
            sessions: Arc::clone(&self.inner.sessions),
            terms: Arc::clone(&request.terms),
            // The system looks after the peers of connections that are to be kept.
            probe_after: self.keep_alive().then(|| self.keep_alive_msecs()),
            key_log: self.inner.key_log.clone(),
        }
    }
}

impl Inner {
    fn keep_alive_msecs(&self) -> MutexGuard<'_, Duration> {
        let delay = self.keep_alive_msecs.lock();
        delay.unwrap_or_else(PoisonError::into_inner)
    }

    /// The context of the same domain that was made before, if there is one.
    fn shared(&self, context: ClientContext) -> ClientContext {
        if context.domain() == self.context.domain() {
            return self.context.clone();
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |other: &&ClientContext| other.domain() == context.domain();
        if let Some(other) = others.iter().find(same) {
            return other.clone();
        }
        if others.len() >= MOST_CONTEXTS {
            others.remove(0);
        }
        others.push(context.clone());
        context
    }
}

impl<B> Service<Request<B>> for Agent
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let agent = self.clone();
        let request = request.map(own_or_foreign);
        Box::pin(async move { agent.send(request).await })
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("connections", &self.inner.connections)
            .finish_non_exhaustive()
    }
}

/// What a caller wants to send, not yet believed.
pub(super) struct Wish {
    pub(super) words: std::result::Result<Words, Unsayable>,
    /// TLS options of this request alone.
    pub(super) tls: Option<ClientTlsOptions>,
    pub(super) servername: Option<String>,
    /// What else holds for it alone.
    pub(super) settings: Option<Box<Settings>>,
}

impl Wish {
    /// To say this, with what the agent says of everything else.
    pub(super) fn new(words: std::result::Result<Words, Unsayable>) -> Self {
        Self {
            words,
            tls: None,
            servername: None,
            settings: None,
        }
    }
}

/// What cannot be said to any server; when that is told depends on what else is wrong.
#[derive(Debug)]
pub(super) enum Unsayable {
    Method(Error),
    Field(Error),
}

fn check_version(version: Version) -> Result<()> {
    if matches!(version, Version::HTTP_10 | Version::HTTP_11) {
        return Ok(());
    }
    let text = format!("version {version:?}: requests are sent as HTTP/1.1 or HTTP/1.0");
    Err(Error::option(text).with_code("ERR_INVALID_ARG_VALUE"))
}

/// The agent of requests that name none: it keeps connections, for 5 s while they are idle.
///
/// Made at first use.
///
/// # Errors
///
/// The TLS library cannot be set up.
pub fn global_agent() -> Result<Agent> {
    let read = GLOBAL.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(agent) = &*read {
        return Ok(agent.clone());
    }
    drop(read);
    let made = Agent::new(AgentOptions::new().keep_alive(true).timeout(GLOBAL_TIMEOUT))?;
    let mut write = GLOBAL.write().unwrap_or_else(PoisonError::into_inner);
    Ok(write.get_or_insert(made).clone())
}

/// Puts another agent in the place of the global one; requests that have begun keep theirs.
pub fn set_global_agent(agent: Agent) {
    let mut global = GLOBAL.write().unwrap_or_else(PoisonError::into_inner);
    let before = global.replace(agent);
    drop(global);
    // Outside of the lock: what it calls of the program's may ask for the global agent.
    drop(before);
}

/// A body of ours goes as it is, any other one is wrapped.
fn own_or_foreign<B>(body: B) -> Body
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut slot = Some(body);
    if let Some(own) = (&mut slot as &mut dyn Any).downcast_mut::<Option<Body>>() {
        return own.take().unwrap_or_default();
    }
    slot.map_or_else(Body::empty, Body::new)
}

static GLOBAL: RwLock<Option<Agent>> = RwLock::new(None);

/// How long the global agent keeps idle connections: what the module's does.
const GLOBAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Contexts of single requests that an agent remembers; a program has a handful of trust settings.
const MOST_CONTEXTS: usize = 64;

#[cfg(test)]
mod tests;
