//! The way to servers: through a proxy, by addresses given here, from an address of ours.
//!
//! What options say becomes options of agents and of single requests; the library goes the way.

use std::collections::HashMap;
use std::future;

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
    /// For each name and port whose addresses were given, who knows them. Made once: connections
    /// are shared within a lookup only.
    lookups: HashMap<(String, u16), Lookup>,
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
        match self.lookup(url) {
            Some(lookup) => options.lookup(lookup.clone()),
            // All other names go the library's way.
            None => options,
        }
    }

    /// Who knows the addresses of a URL's host, if they were given.
    fn lookup(&self, url: &str) -> Option<&Lookup> {
        let url = Url::parse(url).ok()?;
        let name = url.domain()?;
        let name = name.strip_suffix('.').unwrap_or(name).to_owned();
        self.lookups.get(&(name, url.port_or_known_default()?))
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
        Some(_) if !proxy.is_secure() => {
            let message = "--proxy-cacert is for https:// proxies, and this one is asked in plain";
            return Err(Failure::usage(message).hint("write --proxy https://HOST:PORT"));
        }
        Some(file) => Roots::from_pem_file(file).map_err(refused)?,
        None if proxy.is_secure() => roots(),
        None => return Ok(Some(proxy)),
    };
    Ok(Some(proxy.ca(roots)))
}

/// Who knows the addresses that were given.
fn lookups(given: &[Resolve]) -> HashMap<(String, u16), Lookup> {
    let lookup = |resolve: &Resolve| {
        let addresses = resolve.addresses.clone();
        Lookup::new(move |_, _| future::ready(Ok(addresses.clone())))
    };
    let given = given.iter();
    given
        .map(|it| ((it.host.clone(), it.port), lookup(it)))
        .collect()
}
