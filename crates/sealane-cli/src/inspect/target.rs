//! What to inspect, as the command line states it: a host with or without a port, or a URL.
//!
//! Of a URL only host and port count: a certificate belongs to them and not to a path.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use url::{Host, ParseError, Url};

use crate::terminal::visible;

#[cfg(test)]
mod tests;

/// A host and a port to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The host as a URL has it: a name in ASCII, or an address.
    host: Host,
    /// The port; 443 unless another one is named.
    port: u16,
}

impl Target {
    /// The host without the brackets that an IPv6 address has in a URL.
    pub(super) fn host(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The URL that is asked for.
    pub(super) fn url(&self) -> String {
        format!("https://{self}/")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.host, self.port)
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = if text.contains("://") {
            text.to_owned()
        } else if text.parse::<Ipv6Addr>().is_ok() {
            format!("https://[{text}]")
        } else {
            format!("https://{text}")
        };
        let url = Url::parse(&url).map_err(|error| unreadable(text, error))?;
        if url.scheme() != "https" {
            let shown = visible(text);
            return Err(format!(
                "{shown:?} is no https:// URL; HOST:PORT alone will do, too"
            ));
        }
        let host = url.host().map(|host| host.to_owned());
        Ok(Self {
            host: host.ok_or_else(|| unreadable(text, ParseError::EmptyHost))?,
            port: url.port_or_known_default().unwrap_or(443),
        })
    }
}

/// Says what is wrong with a target, and how one looks.
fn unreadable(text: &str, error: ParseError) -> String {
    let shown = visible(text);
    let bare = !text.contains("://") && text.matches(':').count() > 1;
    match error {
        ParseError::InvalidPort | ParseError::EmptyHost if bare => in_brackets(&shown),
        ParseError::InvalidPort => format!("{shown:?} has no port that exists: 0 to 65535 do"),
        ParseError::InvalidIpv6Address => in_brackets(&shown),
        ParseError::EmptyHost => format!("{shown:?} names no host: write HOST or HOST:PORT"),
        error => format!("{shown:?} is neither HOST[:PORT] nor a URL: {error}"),
    }
}

/// What to say of an IPv6 address whose end cannot be told from its port.
fn in_brackets(shown: &str) -> String {
    format!("{shown:?}: an IPv6 address stands in brackets before its port, such as [::1]:8443")
}
