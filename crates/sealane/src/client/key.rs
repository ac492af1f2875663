//! ConnectionKey: what two requests must have in common to share a connection.
//!
//! The only place, besides the security domain in `sealane-tls`, that decides about sharing.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use sealane_tls::SecurityDomain;
use tokio::runtime;

use super::route::Route;

/// Origin, proven name, and all that decides what a connection proves.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ConnectionKey {
    parts: Arc<Parts>,
}

#[derive(PartialEq, Eq, Hash)]
struct Parts {
    /// Where the connection is opened to.
    route: Route,
    /// What the peer must prove to be; told in SNI if it is a DNS name.
    name: ServerName<'static>,
    domain: SecurityDomain,
    /// A connection lives in the runtime that opened it, and dies with it.
    runtime: runtime::Id,
}

impl ConnectionKey {
    pub(super) fn new(
        route: Route,
        name: ServerName<'static>,
        domain: SecurityDomain,
        runtime: runtime::Id,
    ) -> Self {
        Self {
            parts: Arc::new(Parts {
                route,
                name,
                domain,
                runtime,
            }),
        }
    }

    /// Where the connection is opened to, and how.
    pub(super) fn route(&self) -> &Route {
        &self.parts.route
    }

    /// The name the peer's certificate must be valid for.
    pub(super) fn name(&self) -> &ServerName<'static> {
        &self.parts.name
    }
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
