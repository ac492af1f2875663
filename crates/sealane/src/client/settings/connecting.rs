//! How the way to a server is found and opened.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::bounds::check_times;
use crate::client::connector::Connector;
use crate::client::proxy::{Exclusions, Proxy};
use crate::client::route::{Route, Through, Way};
use crate::error::{Error, Result};
use crate::transport::tcp::{PATIENCE, TcpOptions};
use crate::transport::{Family, Lookup};

/// What has been said about connecting.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Connecting {
    pub(in crate::client) family: Option<Family>,
    pub(in crate::client) lookup: Option<Lookup>,
    pub(in crate::client) local_address: Option<IpAddr>,
    pub(in crate::client) local_port: Option<u16>,
    pub(in crate::client) via: Option<Via>,
    pub(in crate::client) auto_select_family: Option<bool>,
    pub(in crate::client) spacing: Option<Duration>,
    pub(in crate::client) attempt_limit: Option<Option<Duration>>,
    /// Whether small writes leave at once (the module's `noDelay`).
    pub(in crate::client) no_delay: Option<bool>,
}

/// What shall lie between us and the server; there can be one such thing.
#[derive(Clone, Debug)]
pub(in crate::client) enum Via {
    Direct,
    Proxy(Proxy),
    #[cfg(unix)]
    Path(Arc<std::path::Path>),
    Stream(Connector),
    /// Two options that contradict each other.
    Both(&'static str, &'static str),
}

impl Via {
    fn option(&self) -> &'static str {
        match self {
            Self::Direct => "no_proxy",
            Self::Proxy(_) => "proxy",
            #[cfg(unix)]
            Self::Path(_) => "socket_path",
            Self::Stream(_) => "create_connection",
            Self::Both(one, _) => one,
        }
    }
}

impl Connecting {
    /// Notes what shall lie between; the same option said twice is the later one.
    pub(in crate::client) fn say(&mut self, via: Via) {
        self.via = Some(match (self.via.take(), via) {
            (None | Some(Via::Direct), via) => via,
            (Some(both @ Via::Both(..)), _) => both,
            (Some(Via::Proxy(_)), via @ (Via::Direct | Via::Proxy(_))) => via,
            (Some(before), Via::Direct) => before,
            (Some(before), via) if before.option() == via.option() => via,
            (Some(before), via) => Via::Both(before.option(), via.option()),
        });
    }

    /// Whether the program opens the connection itself.
    pub(in crate::client) fn opens_its_own(&self) -> bool {
        matches!(self.via, Some(Via::Stream(_)))
    }

    /// What holds where both have spoken.
    pub(super) fn over(&self, agent: &Self) -> Self {
        Self {
            family: self.family.or(agent.family),
            lookup: self.lookup.clone().or_else(|| agent.lookup.clone()),
            local_address: self.local_address.or(agent.local_address),
            local_port: self.local_port.or(agent.local_port),
            via: match (&self.via, &agent.via) {
                // No proxy, but whatever else the agent does.
                (None, via) => via.clone(),
                (Some(Via::Direct), Some(via)) if !matches!(via, Via::Proxy(_)) => {
                    Some(via.clone())
                }
                (via, _) => via.clone(),
            },
            auto_select_family: self.auto_select_family.or(agent.auto_select_family),
            spacing: self.spacing.or(agent.spacing),
            attempt_limit: self.attempt_limit.or(agent.attempt_limit),
            no_delay: self.no_delay.or(agent.no_delay),
        }
    }

    /// Fills the defaults in and refuses what cannot be meant, by its name.
    pub(super) fn settle(self) -> Result<Opening> {
        let spacing = self.spacing.unwrap_or(SPACING);
        let attempt_limit = self.attempt_limit.flatten();
        if spacing < SHORTEST_SPACING {
            let text = format!(
                "auto_select_family_attempt_timeout is {spacing:?}, but must be 10 ms at least"
            );
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
        check_times(&[("attempt_limit", attempt_limit)])?;
        let race = self.auto_select_family.unwrap_or(true);
        let tcp = TcpOptions {
            local_address: None,
            local_port: None,
            spacing: race.then_some(spacing),
            attempt_limit,
            patience: PATIENCE,
            no_delay: self.no_delay.unwrap_or(true),
            keep_alive: None,
        };
        let direct = self.network()?;
        let (through, exclusions) = match self.via {
            None | Some(Via::Direct) => (Through::Network, None),
            Some(Via::Proxy(proxy)) => {
                let through = Through::Proxy(proxy.relay()?);
                (through, Some(Arc::clone(proxy.exclusions())))
            }
            #[cfg(unix)]
            Some(Via::Path(path)) => (Through::Path(path), None),
            Some(Via::Stream(connector)) => (Through::Stream(connector), None),
            Some(Via::Both(one, other)) => {
                let text = format!("{one} and {other}: give one of them");
                return Err(Error::option(text).with_code("ERR_INVALID_ARG_VALUE"));
            }
        };
        let way = match &through {
            Through::Network | Through::Proxy(_) => Way {
                through,
                ..direct.clone()
            },
            // What opens no connection over the network needs to be told nothing about it.
            _ => Way {
                through,
                ..Way::default()
            },
        };
        Ok(Opening {
            tcp,
            way: special(way),
            direct: special(direct),
            exclusions,
        })
    }

    /// The way without anything in between.
    fn network(&self) -> Result<Way> {
        let family = self.family.unwrap_or_default();
        if let Some(address) = self.local_address
            && !family.has(address)
        {
            let text = format!(
                "local_address is {address}, from which no address of family {family:?} can be \
                 reached"
            );
            return Err(Error::option(text).with_code("ERR_INVALID_ARG_VALUE"));
        }
        Ok(Way {
            family,
            lookup: self.lookup.clone(),
            local_address: self.local_address,
            local_port: self.local_port,
            through: Through::Network,
        })
    }
}

/// How connections are opened, settled.
#[derive(Debug)]
pub(in crate::client) struct Opening {
    /// Without what is part of the way, and without what an agent says of all its connections.
    pub(in crate::client) tcp: TcpOptions,
    way: Option<Arc<Way>>,
    /// The way to those for whom the proxy is not used.
    direct: Option<Arc<Way>>,
    exclusions: Option<Arc<Exclusions>>,
}

impl Opening {
    /// The way to a server.
    pub(in crate::client) fn route(&self, host: Box<str>, port: u16) -> Route {
        let excluded = self.exclusions.as_ref();
        let way = match excluded.is_some_and(|excluded| excluded.has(&host, port)) {
            true => self.direct.clone(),
            false => self.way.clone(),
        };
        Route::new(host, port, way)
    }
}

/// A way, unless it is the system's own.
fn special(way: Way) -> Option<Arc<Way>> {
    (way != Way::default()).then(|| Arc::new(way))
}

/// The setters, for an agent and for a request.
macro_rules! connecting_setters {
    () => {
        /// The addresses to connect to: those of one family, or of both; default both.
        #[must_use]
        pub fn family(mut self, family: $crate::Family) -> Self {
            self.settings().connecting.family = Some(family);
            self
        }

        /// How names become addresses, instead of the system's way. With a proxy, its name.
        #[must_use]
        pub fn lookup(mut self, lookup: $crate::Lookup) -> Self {
            self.settings().connecting.lookup = Some(lookup);
            self
        }

        /// The address of this machine to connect from; default: the system's choice. Addresses of
        /// the other family are then not tried.
        ///
        /// One that this machine does not have fails the request (`EADDRNOTAVAIL`).
        #[must_use]
        pub fn local_address(mut self, address: std::net::IpAddr) -> Self {
            self.settings().connecting.local_address = Some(address);
            self
        }

        /// The port to connect from; default: the system's choice. No two connections to the same
        /// server can have it at a time (`EADDRINUSE`, `EADDRNOTAVAIL`).
        #[must_use]
        pub fn local_port(mut self, port: u16) -> Self {
            self.settings().connecting.local_port = Some(port);
            self
        }

        /// A Unix socket to connect to, instead of host and port; default none. A path that begins
        /// with NUL is an abstract name of Linux.
        ///
        /// The Host field and the name that the server must prove still come from the URL. Nothing
        /// is looked up, and what is said of addresses does not matter then.
        #[cfg(unix)]
        #[must_use]
        pub fn socket_path(mut self, path: impl AsRef<std::path::Path>) -> Self {
            let via = $crate::client::settings::connecting::Via::Path(path.as_ref().into());
            self.settings().connecting.say(via);
            self
        }

        /// The program's own way to open connections; default: the system's. A request that is
        /// given one and names no agent uses none: its connection ends with it.
        ///
        /// Nothing is looked up, and what is said of addresses does not matter then. A socket that
        /// it gives stays as it was set: `no_delay` and `keep_alive_msecs` do not touch it.
        #[must_use]
        pub fn create_connection(mut self, connector: $crate::Connector) -> Self {
            let via = $crate::client::settings::connecting::Via::Stream(connector);
            self.settings().connecting.say(via);
            self
        }

        /// The proxy to go through; default none. The environment is not asked unless
        /// [`Proxy::from_env`](crate::Proxy::from_env) is.
        #[must_use]
        pub fn proxy(mut self, proxy: $crate::Proxy) -> Self {
            let via = $crate::client::settings::connecting::Via::Proxy(proxy);
            self.settings().connecting.say(via);
            self
        }

        /// Goes through no proxy, whatever was said before; for a request, whatever its agent does.
        #[must_use]
        pub fn no_proxy(mut self) -> Self {
            let via = $crate::client::settings::connecting::Via::Direct;
            self.settings().connecting.say(via);
            self
        }

        /// Whether the addresses of a name compete (RFC 8305): the next one is tried beside the one
        /// before if that has not answered for a while, and the first that answers wins. Default
        /// true; else one is tried after the other, each but the last for its share of
        /// `connect_timeout`, and for 5 s at most.
        #[must_use]
        pub fn auto_select_family(mut self, wanted: bool) -> Self {
            self.settings().connecting.auto_select_family = Some(wanted);
            self
        }

        /// How long an address is tried before the next one is tried beside it; default 250 ms,
        /// 10 ms at least (RFC 8305 §8). The first one goes on all the same.
        #[must_use]
        pub fn auto_select_family_attempt_timeout(mut self, spacing: std::time::Duration) -> Self {
            self.settings().connecting.spacing = Some(spacing);
            self
        }

        /// How long a single address is tried; default `None`: as long as `connect_timeout` allows.
        #[must_use]
        pub fn attempt_limit(mut self, limit: impl Into<Option<std::time::Duration>>) -> Self {
            self.settings().connecting.attempt_limit = Some(limit.into());
            self
        }

        /// Whether small writes leave at once instead of waiting for acknowledgements; default
        /// true. It is a matter of the connection as it is opened: a kept one stays as it is.
        #[must_use]
        pub fn no_delay(mut self, wanted: bool) -> Self {
            self.settings().connecting.no_delay = Some(wanted);
            self
        }
    };
}

pub(in crate::client) use connecting_setters;

/// How long an address is tried alone (RFC 8305 §8: the recommended value).
const SPACING: Duration = Duration::from_millis(250);

/// Shorter ones would be a flood (RFC 8305 §5: the minimum).
const SHORTEST_SPACING: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests;
