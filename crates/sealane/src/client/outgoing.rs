//! Outgoing: a request that has been checked, ready to be sent, and to be sent again.

use std::fmt;
use std::sync::Arc;

use http::header::{AUTHORIZATION, CONNECTION, HOST, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use rustls::pki_types::ServerName;
use sealane_proto::OutgoingHead;
use sealane_tls::{ClientContext, reference_name};

use super::key::{ConnectionKey, name_in_pool};
use super::route::Route;
use super::settings::Terms;
use super::target::{self, Target};
use crate::error::{Error, ErrorKind, Phase, Result};

/// A request that can go out any number of times.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) path: String,
    /// With Host, and with what the agent adds.
    pub(super) fields: HeaderMap,
    pub(super) terms: Arc<Terms>,
    pub(super) context: ClientContext,
    route: Route,
    name: ServerName<'static>,
}

impl Outgoing {
    /// Completes a request and checks it, in the module's order (reference §4).
    pub(super) fn new(
        method: Method,
        target: Target,
        mut fields: HeaderMap,
        servername: Option<&str>,
        persistent: bool,
        context: ClientContext,
        terms: Arc<Terms>,
    ) -> Result<Self> {
        target::check_path(&method, &target.path)?;
        let name = proven_name(&target, &fields, servername)?;
        if !fields.contains_key(HOST) {
            add(&mut fields, HOST, target.host_field()?)?;
        }
        if let Some(credentials) = target.authorization
            && !fields.contains_key(AUTHORIZATION)
        {
            add(&mut fields, AUTHORIZATION, credentials)?;
        }
        if !fields.contains_key(CONNECTION) {
            let option = match persistent {
                // RFC 9110 §7.8: an Upgrade that Connection does not name is for nobody.
                _ if fields.contains_key(UPGRADE) => "upgrade",
                true => "keep-alive",
                false => "close",
            };
            add(&mut fields, CONNECTION, HeaderValue::from_static(option))?;
        }
        Ok(Self {
            method,
            path: target.path,
            fields,
            route: terms.connecting.route(target.host, target.port),
            terms,
            context,
            name,
        })
    }

    /// What stands in its head.
    pub(super) fn head(&self) -> OutgoingHead<'_> {
        let mut head = OutgoingHead::new(&self.method, &self.path, &self.fields);
        head.expect_continue = self.terms.exchanging.expect_continue.is_some();
        head
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

/// Adds a field, if there is room for one.
fn add(fields: &mut HeaderMap, name: HeaderName, value: HeaderValue) -> Result<()> {
    let added = fields.try_insert(name, value).map(drop);
    added.map_err(|_| Error::option("more fields than can be sent").with_code("ERR_OUT_OF_RANGE"))
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

/// What the peer must prove to be (reference §2.4): the server name, else the host of the caller's
/// own Host field, else the host.
fn proven_name(
    target: &Target,
    fields: &HeaderMap,
    servername: Option<&str>,
) -> Result<ServerName<'static>> {
    if fields.get_all(HOST).iter().count() > 1 {
        let text = "options.headers.host: there can be only one Host field";
        return Err(Error::option(text).with_code("ERR_INVALID_ARG_TYPE"));
    }
    let given = fields.get(HOST).map(|value| {
        let text = value.to_str().map_err(|_| {
            let text = "the Host field is no text";
            Error::option(text).with_code("ERR_INVALID_ARG_VALUE")
        });
        text.map(target::host_of_field)
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
