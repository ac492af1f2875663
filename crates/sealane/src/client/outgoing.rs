//! Outgoing: a request that has been checked, ready to be sent, and to be sent again.

use std::fmt;
use std::sync::Arc;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Method, Version};
use rustls::pki_types::ServerName;
use sealane_proto::OutgoingHead;
use sealane_tls::{ClientContext, reference_name};

use super::fields::Fields;
use super::key::{ConnectionKey, name_in_pool};
use super::route::Route;
use super::settings::Terms;
use super::target::{self, Target};
use crate::error::{Error, ErrorKind, Phase, Result};

/// A request that can go out any number of times.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) version: Version,
    /// The caller's own; what is added to them stands beside, and is written where they lack it.
    pub(super) fields: Fields,
    pub(super) terms: Arc<Terms>,
    pub(super) context: ClientContext,
    /// The Host field, where it is not just the host.
    named: Option<Box<str>>,
    credentials: Option<HeaderValue>,
    /// Whether the server is asked to keep the connection.
    persistent: bool,
    route: Route,
    name: ServerName<'static>,
}

impl Outgoing {
    /// Completes a request whose parts have been checked.
    pub(super) fn new(
        words: Words,
        servername: Option<&str>,
        persistent: bool,
        context: ClientContext,
        terms: Arc<Terms>,
    ) -> Result<Self> {
        let Words {
            method,
            target,
            version,
            fields,
        } = words;
        let fields = fields.joined(&terms.style.unique)?;
        let name = proven_name(&target, &fields, servername)?;
        let named = match method {
            // RFC 9112 §3.2: Host is the authority that the target names, and here it names one.
            Method::CONNECT => Some(target.path.as_str().into()),
            _ => target.host_field(),
        };
        Ok(Self {
            named,
            route: terms.connecting.route(target.host, target.port),
            method,
            path: target.path,
            version,
            fields,
            credentials: target.authorization,
            persistent,
            terms,
            context,
            name,
        })
    }

    /// What stands in its head.
    pub(super) fn head(&self) -> OutgoingHead<'_> {
        let style = &self.terms.style;
        let mut head = OutgoingHead::new(&self.method, &self.path, self.fields.outgoing());
        head.version = self.version;
        head.expect_continue = self.terms.exchanging.expect_continue.is_some();
        head.require_host = style.host;
        if style.host {
            let host = self.named.as_deref().unwrap_or(self.route.host());
            head.host = Some(host.as_bytes());
        }
        head.authorization = self.credentials.as_ref().map(HeaderValue::as_bytes);
        if style.connection {
            head.connection = Some(match self.persistent {
                // RFC 9110 §7.8: an Upgrade that Connection does not name is for nobody.
                _ if self.fields.has(&UPGRADE) => "upgrade",
                true => "keep-alive",
                false => "close",
            });
        }
        head
    }

    /// Whether its caller says anything that may contradict itself or its body.
    pub(super) fn may_contradict(&self) -> bool {
        let told = [
            &CONNECTION,
            &CONTENT_LENGTH,
            &TRANSFER_ENCODING,
            &TRAILER,
            &HOST,
        ];
        self.version == Version::HTTP_10
            || matches!(self.method, Method::TRACE | Method::CONNECT)
            || told.iter().any(|name| self.fields.has(name))
    }

    /// Whether its body may be sent in chunks, behind which trailers can stand.
    pub(super) fn may_have_trailers(&self) -> bool {
        self.version != Version::HTTP_10 && !self.fields.has(&CONTENT_LENGTH)
    }

    /// Whether it is sent whole with its head, unless somebody says that it has a body: its method
    /// gives content no meaning, and a server may refuse any (RFC 9110 §9.3.1).
    pub(super) fn is_all_head(&self) -> bool {
        let bare = [
            Method::GET,
            Method::HEAD,
            Method::DELETE,
            Method::OPTIONS,
            Method::TRACE,
            Method::CONNECT,
        ];
        let told = [&CONTENT_LENGTH, &TRANSFER_ENCODING, &TRAILER];
        bare.contains(&self.method) && !told.iter().any(|name| self.fields.has(name))
    }

    /// What the pool's shelf for it is called.
    pub(super) fn name_in_pool(&self, with_port: bool) -> String {
        name_in_pool(&self.route, with_port, &self.name, self.context.pool_name())
    }

    /// With what other requests this one may share a connection, in the runtime it runs in.
    pub(super) fn key(&self) -> Result<ConnectionKey> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| {
            let text = "a request needs a tokio runtime, and none is running here";
            Error::new(ErrorKind::Options, Phase::Setup, text).unsent()
        })?;
        Ok(ConnectionKey::new(
            self.route.clone(),
            self.name.clone(),
            &self.context,
            runtime.id(),
        ))
    }
}

/// Shows neither the query nor a field's value: they may be secret.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("route", &self.route)
            .field("fields", &self.fields.len())
            .finish_non_exhaustive()
    }
}

/// What is to be said to the server.
pub(super) struct Words {
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) version: Version,
    pub(super) fields: Fields,
}

/// What the peer must prove to be (reference §2.4): the server name, else the host of the caller's
/// own Host field, else the host.
fn proven_name(
    target: &Target,
    fields: &Fields,
    servername: Option<&str>,
) -> Result<ServerName<'static>> {
    let mut hosts = fields.values_of(&HOST);
    let given = hosts.next();
    if hosts.next().is_some() {
        let text = "options.headers.host: there can be only one Host field";
        return Err(Error::option(text).with_code("ERR_INVALID_ARG_TYPE"));
    }
    let given = given.map(|value| match std::str::from_utf8(value) {
        Ok(text) if text.is_ascii() => Ok(target::host_of_field(text)),
        _ => Err(Error::option("the Host field is no text").with_code("ERR_INVALID_ARG_VALUE")),
    });
    let name = match (servername, given.transpose()?) {
        (Some(name), _) if !name.is_empty() => name,
        (None, Some(host)) if !host.is_empty() => host,
        _ => &target.host,
    };
    Ok(reference_name(name)?)
}

#[cfg(test)]
mod tests;
