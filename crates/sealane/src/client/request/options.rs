//! What a request shall be: a URL, options that win over it, and what is written for the server.
//!
//! Plain data until the request is begun; then everything is checked, in the module's order
//! (reference §4).

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use sealane_tls::ClientTlsOptions;

use super::ClientRequest;
use crate::client::abort::AbortSignal;
use crate::client::agent::{Agent, Unsayable, Wish, global_agent};
use crate::client::fields::{Fields, Refusal};
use crate::client::options::AgentOptions;
use crate::client::outgoing::{Outgoing, Words};
use crate::client::settings::Settings;
use crate::client::settings::connecting::connecting_setters;
use crate::client::settings::exchanging::exchanging_setters;
use crate::client::settings::messages::message_setters;
use crate::client::settings::times::times_setters;
use crate::client::target::{self, Target};
use crate::error::{Error, Result};
use crate::tls_options::client_tls_setters;

/// What a request shall be: a URL, and options that win over its parts.
///
/// A text or an `http::Uri` becomes options by itself: `sealane::get("https://example.com/")`. A
/// `url::Url` does so by [`RequestOptions::new`].
///
/// # The head that is sent
///
/// Host, then the caller's fields in their order and with the letter case of
/// [`header`](Self::header), then Authorization, Connection, and the field that frames the body.
/// What the caller gives is not added. The Host of CONNECT is its path, `host:port`.
///
/// An Expect field that asks for 100 (Continue) is left out where there is no body (RFC 9110
/// §10.1.1). A Connection that names Content-Length, Host or Transfer-Encoding is refused
/// (§7.6.1).
#[derive(Clone, Default)]
pub struct RequestOptions {
    url: Option<Url>,
    hostname: Option<String>,
    port: Option<u16>,
    path: Option<String>,
    method: Method,
    version: Version,
    fields: Fields,
    auth: Option<String>,
    agent: Via,
    /// What holds for this request alone.
    settings: Option<Box<Settings>>,
    tls: Option<ClientTlsOptions>,
    servername: Option<String>,
    /// Why the method could not be taken.
    wrong_method: Option<Refusal>,
    /// Why the first field that could not be taken could not be.
    wrong_field: Option<Refusal>,
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
    /// A GET request for a URL, read as the module reads it (WHATWG); it is checked by
    /// [`request`](crate::request()).
    ///
    /// User and password in it become an Authorization field, percent-decoded. Its fragment is
    /// never sent.
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
    ///
    /// It begins with a slash, but for `*`, which OPTIONS may ask for, and for CONNECT, whose path
    /// is `host:port` (RFC 9112 §3.2).
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The method; default GET. Text or an `http::Method`, sent in upper case.
    #[must_use]
    pub fn method(mut self, method: impl AsRef<str>) -> Self {
        let name = method.as_ref();
        match Method::from_bytes(name.to_ascii_uppercase().as_bytes()) {
            Ok(method) => {
                self.method = method;
                self.wrong_method = None;
            }
            Err(_) => {
                let shown: String = name.escape_debug().take(SHOWN).collect();
                let text = format!("method must be a valid HTTP token [\"{shown}\"]");
                self.wrong_method = Some((text, "ERR_INVALID_HTTP_TOKEN"));
            }
        }
        self
    }

    /// The version; default HTTP/1.1. HTTP/1.0 is sent if asked for, any other one refused.
    ///
    /// A body of HTTP/1.0 needs a length that is known: there are no chunks. Its connection is kept
    /// only if the server says so.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// User and password, as `user:password`, for an Authorization field (RFC 7617), instead of
    /// the URL's. A field that the caller gives goes before both.
    #[must_use]
    pub fn auth(mut self, user_and_password: impl Into<String>) -> Self {
        self.auth = Some(user_and_password.into());
        self
    }

    /// Adds a field, which is sent as it is spelled; one that cannot be sent is refused by
    /// [`request`](crate::request()).
    #[must_use]
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: AsRef<str>,
        V: TryInto<HeaderValue>,
    {
        let name = name.as_ref();
        let pushed = match value.try_into() {
            Ok(value) => self.fields.push(name, value.as_bytes()),
            // Which of both is wrong first is told, and a value that is none holds such an octet.
            Err(_) => self.fields.push(name, b"\0"),
        };
        if let Err(why) = pushed {
            self.wrong_field.get_or_insert(why);
        }
        self
    }

    /// The fields to send, instead of those given so far; their names are in lower case.
    #[must_use]
    pub fn headers(mut self, fields: HeaderMap) -> Self {
        self.fields = Fields::Map(fields);
        self.wrong_field = None;
        self
    }

    /// The fields to send, instead of those given so far: line by line, in this order and as they
    /// are spelled.
    #[must_use]
    pub fn header_list<N, V>(mut self, lines: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: AsRef<str>,
        V: TryInto<HeaderValue>,
    {
        self.fields = Fields::default();
        self.wrong_field = None;
        lines
            .into_iter()
            .fold(self, |options, (name, value)| options.header(name, value))
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

    /// Whether it says which agent shall carry it, or that none shall.
    pub(in crate::client) fn names_an_agent(&self) -> bool {
        !matches!(self.agent, Via::Global)
    }

    /// Whether it was given `create_connection`.
    fn opens_its_own(&self) -> bool {
        let settings = self.settings.as_ref();
        settings.is_some_and(|settings| settings.connecting.opens_its_own())
    }

    /// The request as this agent would carry it out, checked in the module's order (reference §4).
    pub(in crate::client) fn prepared(self, agent: &Agent) -> Result<Outgoing> {
        let mut target = match &self.url {
            None => Target::local(),
            Some(Url::Text(text)) => Target::parse(text)?,
            Some(Url::Uri(uri)) => Target::of_uri(uri)?,
        };
        target.path = self.path.unwrap_or(target.path);
        target.check(&self.method)?;
        if let Some(host) = &self.hostname {
            target.host = target::host(host)?;
        }
        target.port = self.port.unwrap_or(target.port);
        if let Some(auth) = &self.auth {
            target.authorize(auth)?;
        }
        let error = |(text, code): Refusal| Error::option(text).with_code(code);
        let words = match (self.wrong_method, self.wrong_field) {
            (Some(why), _) => Err(Unsayable::Method(error(why))),
            (None, Some(why)) => Err(Unsayable::Field(error(why))),
            (None, None) => Ok(Words {
                method: self.method,
                target,
                version: self.version,
                fields: self.fields,
            }),
        };
        agent.prepare(Wish {
            words,
            tls: self.tls,
            servername: self.servername,
            settings: self.settings,
        })
    }

    /// What the agent's pool calls the shelf for it.
    pub(in crate::client) fn name_in_pool(self, agent: &Agent) -> Result<String> {
        let with_port = self.url.is_some() || self.port.is_some();
        Ok(self.prepared(agent)?.name_in_pool(with_port))
    }

    /// Checks everything, and makes a request of it: carried by the agent that the options name,
    /// else by the one given, else by the global one.
    pub(in crate::client) fn begin(self, given: Option<&Agent>) -> Result<ClientRequest> {
        let agent = match (&self.agent, given) {
            (Via::Agent(agent), _) | (Via::Global, Some(agent)) => agent.clone(),
            (Via::NoAgent, _) => Agent::new(AgentOptions::new())?,
            // As in the module: a connection of the request's own is for this request alone.
            (Via::Global, None) if self.opens_its_own() => Agent::new(AgentOptions::new())?,
            (Via::Global, None) => global_agent()?,
        };
        let outgoing = self.prepared(&agent)?;
        Ok(ClientRequest::new(agent, outgoing))
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

/// Characters of a method that a message shows.
const SHOWN: usize = 80;

#[cfg(test)]
mod tests;
