//! The way to servers: through a proxy, by addresses given here, from an address of ours.
//!
//! What options say becomes options of agents and of single requests; the library goes the way.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

use sealane::{AgentOptions, Family, Lookup, Proxy, RequestOptions, Roots};
use url::Url;

use crate::error::{Failure, Result, USAGE};
use crate::fetch::options::route::{Resolve, RouteArgs};
use crate::flags;

#[cfg(test)]
mod tests;

/// How requests get to their servers.
#[derive(Debug)]
pub(super) struct Route {
    /// The options.
    args: RouteArgs,
    /// The proxy.
    proxy: Option<Proxy>,
    /// For each port, who knows the addresses of names there.
    lookups: HashMap<u16, Lookup>,
}

impl Route {
    /// Reads what these options mean; `roots` are believed of proxies.
    ///
    /// # Errors
    /// When one of them makes no sense, or a file cannot be read.
    pub(super) fn read(args: &RouteArgs, roots: impl FnOnce() -> Roots) -> Result<Self> {
        Ok(Self {
            proxy: proxy(args, roots)?,
            lookups: lookups(&args.resolve),
            args: args.clone(),
        })
    }

    /// Adds to the options of an agent what holds for all its requests.
    pub(super) fn agent(&self, mut options: AgentOptions) -> AgentOptions {
        if let Some(proxy) = &self.proxy {
            options = options.proxy(proxy.clone());
        }
        if self.args.ipv4 {
            options = options.family(Family::V4);
        }
        if self.args.ipv6 {
            options = options.family(Family::V6);
        }
        if let Some(address) = self.args.local_address {
            options = options.local_address(address);
        }
        #[cfg(unix)]
        if let Some(path) = &self.args.unix_socket {
            options = options.socket_path(path);
        }
        options
    }

    /// Adds to the options of a request what holds for its URL.
    pub(super) fn request(&self, options: RequestOptions, url: &str) -> RequestOptions {
        let port = Url::parse(url)
            .ok()
            .and_then(|url| url.port_or_known_default());
        match port.and_then(|port| self.lookups.get(&port)) {
            Some(lookup) => options.lookup(lookup.clone()),
            None => options,
        }
    }
}

/// The proxy that is asked for.
fn proxy(args: &RouteArgs, roots: impl FnOnce() -> Roots) -> Result<Option<Proxy>> {
    let refused = |error: sealane::Error| Failure::new(flags::said(&error)).exit(USAGE);
    let found =
        match &args.proxy {
            Some(url) => Some(Proxy::new(&url.0).map_err(|error| {
                refused(error).hint("write --proxy http://HOST:PORT, or https://")
            })?),
            None if args.proxy_env => Proxy::from_env().map_err(refused)?,
            None => None,
        };
    let Some(mut proxy) = found else {
        return Ok(None);
    };
    if let Some(list) = &args.noproxy {
        proxy = proxy.exclude(list).map_err(refused)?;
    }
    let roots = match &args.proxy_cacert {
        Some(file) => Roots::from_pem_file(file).map_err(refused)?,
        None => roots(),
    };
    Ok(Some(proxy.ca(roots)))
}

/// Who knows the addresses that were given; all other names go the system's way.
///
/// One for each port and made once: connections are shared within a lookup only.
fn lookups(given: &[Resolve]) -> HashMap<u16, Lookup> {
    let mut ports: HashMap<u16, HashMap<String, Vec<IpAddr>>> = HashMap::new();
    for resolve in given {
        let names = ports.entry(resolve.port).or_default();
        names.insert(resolve.host.clone(), resolve.addresses.clone());
    }
    let lookup = |names: HashMap<String, Vec<IpAddr>>| {
        Lookup::new(move |name, _| {
            let known = names.get(&name.to_ascii_lowercase()).cloned();
            async move {
                match known {
                    Some(addresses) => Ok(addresses),
                    None => system(&name).await,
                }
            }
        })
    };
    let ports = ports.into_iter();
    ports.map(|(port, names)| (port, lookup(names))).collect()
}

/// The addresses that the system finds for a name.
async fn system(name: &str) -> io::Result<Vec<IpAddr>> {
    let found = tokio::net::lookup_host((name, 0)).await?;
    Ok(found.map(|address| address.ip()).collect())
}
