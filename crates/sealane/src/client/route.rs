//! Route: where a connection is opened to, and on which way.
//!
//! The part of a connection's key that a dialer reads: two requests that want to get to their
//! server in different ways never share a connection, nor a TLS session.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::connector::Connector;
use super::proxy::Relay;
use crate::transport::{Family, Lookup};

/// Where a connection leads, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Route {
    /// A DNS name in lower case, or an IP address without brackets.
    host: Box<str>,
    port: u16,
    /// Shared by all requests that are told the same; none for the system's own way.
    way: Option<Arc<Way>>,
}

/// A way that somebody has asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Way {
    pub(super) family: Family,
    pub(super) lookup: Option<Lookup>,
    pub(super) local_address: Option<IpAddr>,
    pub(super) local_port: Option<u16>,
    pub(super) through: Through,
}

/// What lies between us and the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Through {
    /// The network alone.
    #[default]
    Network,
    /// A socket of this machine.
    #[cfg(unix)]
    Path(Arc<std::path::Path>),
    /// A stream that the program opens.
    Stream(Connector),
    /// A proxy.
    Proxy(Arc<Relay>),
}

impl Way {
    /// The addresses that can be reached: those of our own address's family, if there is one.
    pub(super) fn reachable(&self) -> Family {
        self.local_address.map_or(self.family, Family::of)
    }
}

impl Route {
    /// The way to a server; none that is special is the system's.
    pub(super) fn new(host: Box<str>, port: u16, way: Option<Arc<Way>>) -> Self {
        Self { host, port, way }
    }

    /// The host to get to: a DNS name, or an IP address without brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What was asked for, if anything was.
    pub(super) fn way(&self) -> Option<&Way> {
        self.way.as_deref()
    }

    /// Its fields in the name of a pool's shelf (reference §2.3), from `host` to `socketPath`.
    pub(super) fn fields(&self, with_port: bool) -> String {
        let mut fields = format!("{}:", self.host);
        if with_port {
            fields += &self.port.to_string();
        }
        fields.push(':');
        let Some(way) = self.way() else {
            return fields;
        };
        if let Some(address) = way.local_address {
            fields += &address.to_string();
        }
        fields += match way.family {
            Family::V4 => ":4",
            Family::V6 => ":6",
            _ => "",
        };
        #[cfg(unix)]
        if let Through::Path(path) = &way.through {
            fields.push(':');
            fields += &path.to_string_lossy();
        }
        fields
    }
}

/// A route with what lies between, for messages about what came through it.
pub(super) struct InFull<'a>(pub(super) &'a Route);

impl fmt::Display for InFull<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(route) = self;
        route.fmt(f)?;
        match route.way().map(|way| &way.through) {
            None | Some(Through::Network) => Ok(()),
            #[cfg(unix)]
            Some(Through::Path(path)) => write!(f, " (on {path:?})"),
            Some(Through::Stream(_)) => f.write_str(" (on the stream of create_connection)"),
            Some(Through::Proxy(relay)) => write!(f, " (through the proxy {relay})"),
        }
    }
}

/// Host and port, as they stand in messages.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        match host.contains(':') {
            true => write!(f, "[{host}]:{port}"),
            false => write!(f, "{host}:{port}"),
        }
    }
}
