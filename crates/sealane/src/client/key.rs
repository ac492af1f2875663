//! ConnectionKey: what two requests must have in common to share a connection.
//!
//! The only place, besides the security domain in `sealane-tls`, that decides about sharing.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use sealane_tls::{ClientContext, PoolName, SecurityDomain};
use tokio::runtime;

use super::route::Route;

/// Origin, proven name, and all that decides what a connection proves.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ConnectionKey {
    parts: Arc<Parts>,
}

struct Parts {
    /// Where the connection is opened to.
    route: Route,
    /// What the peer must prove to be; told in SNI if it is a DNS name.
    name: ServerName<'static>,
    domain: SecurityDomain,
    /// A connection lives in the runtime that opened it, and dies with it.
    runtime: runtime::Id,
    /// What the TLS options are called; decides nothing.
    called: Arc<PoolName>,
}

impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        // Without `..`: a part that is added must be compared, or be known to decide nothing.
        let Self {
            route,
            name,
            domain,
            runtime,
            called: _,
        } = self;
        *route == other.route
            && *name == other.name
            && *domain == other.domain
            && *runtime == other.runtime
    }
}

impl Eq for Parts {}

impl Hash for Parts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.route, &self.name, &self.domain, &self.runtime).hash(state);
    }
}

impl ConnectionKey {
    pub(super) fn new(
        route: Route,
        name: ServerName<'static>,
        context: &ClientContext,
        runtime: runtime::Id,
    ) -> Self {
        Self {
            parts: Arc::new(Parts {
                route,
                name,
                domain: context.domain(),
                runtime,
                called: Arc::clone(context.pool_name()),
            }),
        }
    }

    /// Where the connection is opened to, and how.
    pub(super) fn route(&self) -> &Route {
        &self.parts.route
    }

    /// What the pool's shelf is called, for people to read.
    pub(super) fn name_in_pool(&self) -> String {
        let Parts {
            route,
            name,
            called,
            ..
        } = &*self.parts;
        name_in_pool(route, true, name, called)
    }

    /// The name the peer's certificate must be valid for.
    pub(super) fn name(&self) -> &ServerName<'static> {
        &self.parts.name
    }
}

/// The fields of the module's `getName` in its order (reference §2.3). The server name is left out
/// where it is the host's.
pub(super) fn name_in_pool(
    route: &Route,
    with_port: bool,
    name: &ServerName<'static>,
    called: &PoolName,
) -> String {
    let name = name.to_str();
    let servername = match *name == *route.host() {
        true => "",
        false => &name,
    };
    route.fields(with_port) + &called.with_servername(servername)
}

/// Host and port, as they stand in messages.
impl fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.route.fmt(f)
    }
}

impl fmt::Debug for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionKey")
            .field("route", &self.parts.route)
            .field("name", &self.parts.name)
            .field("domain", &self.parts.domain)
            .field("runtime", &self.parts.runtime)
            .finish()
    }
}
