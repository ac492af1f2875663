//! Where requests go: where a server points to, and by which way.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use url::Host;

#[cfg(test)]
mod tests;

/// Where requests go.
#[derive(Debug, Clone, Default, Args)]
pub struct RouteArgs {
    /// Follow redirects (301, 302, 303, 307, 308), to https only.
    ///
    /// 301 and 302 make a GET of a POST, 303 of everything but HEAD; 307 and 308 repeat the request
    /// with its body, where that can be read again. Another origin gets no Authorization, no
    /// Cookie, no password of the URL and no certificate of yours, which is told.
    #[arg(short = 'L', long, help_heading = ROUTE)]
    pub location: bool,

    /// How many redirects are followed for a URL. [default: 20]
    #[arg(long, value_name = "NUMBER", requires = "location", help_heading = ROUTE)]
    pub max_redirs: Option<usize>,

    /// Ask by HTTP/1.0, as very old servers want it.
    #[arg(short = '0', long = "http1.0", help_heading = ROUTE)]
    pub http10: bool,

    /// Go through this proxy, such as http://USER:PASSWORD@HOST:PORT, HOST:PORT or https://HOST.
    ///
    /// The proxy is asked for a tunnel (CONNECT), and TLS with the server runs inside: it sees host
    /// and port, nothing else.
    #[arg(short = 'x', long, value_name = "URL", conflicts_with = "proxy_env",
          help_heading = ROUTE)]
    pub proxy: Option<ProxyUrl>,

    /// Go through the proxy that https_proxy or all_proxy in the environment names, but not to
    /// servers that no_proxy names.
    #[arg(long, help_heading = ROUTE)]
    pub proxy_env: bool,

    /// Servers to go to without the proxy: names (all below them, too), addresses, networks such as
    /// 10.0.0.0/8, or * for all; with commas between them.
    #[arg(long, value_name = "LIST", help_heading = ROUTE)]
    pub noproxy: Option<String>,

    /// Trust these certificates in PEM, and no others, about an https:// proxy.
    #[arg(long, value_name = "FILE", help_heading = ROUTE)]
    pub proxy_cacert: Option<PathBuf>,

    /// Take these addresses for a name at a port, instead of asking. May be given several times.
    ///
    /// Not with a proxy: through one, names are its own to find.
    #[arg(long, value_name = "HOST:PORT:ADDRESS[,ADDRESS…]", value_parser = resolve,
          conflicts_with_all = ["proxy", "proxy_env"], help_heading = ROUTE)]
    pub resolve: Vec<Resolve>,

    /// Connect to this Unix socket, whatever host and port the URL names.
    #[cfg(unix)]
    #[arg(long, value_name = "PATH",
          conflicts_with_all = ["proxy", "proxy_env", "resolve", "ipv4", "ipv6", "local_address"],
          help_heading = ROUTE)]
    pub unix_socket: Option<PathBuf>,

    /// Connect to IPv4 addresses only.
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = ROUTE)]
    pub ipv4: bool,

    /// Connect to IPv6 addresses only.
    #[arg(short = '6', long, help_heading = ROUTE)]
    pub ipv6: bool,

    /// Connect from this address of this machine.
    #[arg(long, alias = "interface", value_name = "ADDRESS", help_heading = ROUTE)]
    pub local_address: Option<IpAddr>,
}

/// The URL of a proxy, in which there may be a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProxyUrl(pub String);

impl From<&str> for ProxyUrl {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Shows nothing of it.
impl fmt::Debug for ProxyUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ProxyUrl")
    }
}

/// Addresses to take for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    /// The name as it stands in URLs: in small letters and ASCII, without a dot at its end.
    pub host: String,
    /// At which port.
    pub port: u16,
    /// The addresses, the first one first.
    pub addresses: Vec<IpAddr>,
}

/// Reads addresses for a name, as curl's option has them.
///
/// # Errors
/// A text that says what is expected.
pub fn resolve(text: &str) -> Result<Resolve, String> {
    let expected = || "write HOST:PORT:ADDRESS, such as www.example.com:443:192.0.2.7".to_owned();
    let (host, rest) = text.split_once(':').ok_or_else(expected)?;
    let (port, addresses) = rest.split_once(':').ok_or_else(expected)?;
    if host.contains('*') {
        return Err(expected());
    }
    let name = match Host::parse(host.strip_suffix('.').unwrap_or(host)) {
        Ok(Host::Domain(name)) if !name.is_empty() => name,
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => {
            return Err(format!(
                "{host} is an address, and nobody is asked for its addresses"
            ));
        }
        _ => return Err(expected()),
    };
    let digits = port.bytes().all(|octet| octet.is_ascii_digit());
    let number = port.parse().ok().filter(|port| digits && *port > 0);
    let port = number.ok_or_else(|| format!("{port:?} is no port: 1 to 65535 are"))?;
    let address = |text: &str| {
        let inner = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let read = inner.unwrap_or(text).parse();
        read.map_err(|_| format!("{text:?} is no address"))
    };
    Ok(Resolve {
        host: name,
        port,
        addresses: addresses
            .split(',')
            .map(address)
            .collect::<Result<_, _>>()?,
    })
}

/// The heading of where requests go.
const ROUTE: &str = "Route";
