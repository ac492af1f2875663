//! Target: from what the caller wrote to where a request goes.
//!
//! URL texts are read as the module reads them, by the WHATWG rules; so `HTTPS://EXAMPLE.com` and
//! `https://127.1/` mean here what they mean there. A fragment is never sent (RFC 9110 §4.2.5), and
//! credentials become an Authorization field (§4.2.4, RFC 7617).

use std::net::Ipv4Addr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method, Uri};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::error::{Error, Result};

/// Where a request goes, and what of that stands in its head.
#[derive(Clone)]
pub(super) struct Target {
    /// A DNS name in lower case, or an IP address without brackets.
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// The request target, from the path on.
    pub(super) path: String,
    /// The Authorization field that the URL's credentials make.
    pub(super) authorization: Option<HeaderValue>,
    /// The scheme, where it is none that is served here.
    foreign: Option<Box<str>>,
}

impl Target {
    /// Reads a URL as text.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let url = Url::parse(text).map_err(|reason| invalid_url(text, &reason.to_string()))?;
        let foreign = foreign(url.scheme());
        let host = match (url.host(), &foreign) {
            (Some(host), _) => host_text(&host),
            (None, Some(_)) => Box::default(),
            (None, None) => return Err(invalid_url(text, "no host")),
        };
        let mut path = url.path().to_owned();
        if let Some(query) = url.query() {
            path.push('?');
            path.push_str(query);
        }
        let (user, password) = (url.username(), url.password());
        let named = !user.is_empty() || password.is_some();
        Ok(Self {
            host,
            port: url.port_or_known_default().unwrap_or(HTTPS),
            path,
            authorization: named
                .then(|| basic(user, password.unwrap_or_default()))
                .transpose()?,
            foreign,
        })
    }

    /// Takes an absolute URI apart.
    pub(super) fn of_uri(uri: &Uri) -> Result<Self> {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(invalid_url(&uri.to_string(), "no scheme or no host"));
        };
        let (userinfo, rest) = authority
            .as_str()
            .rsplit_once('@')
            .unwrap_or(("", authority.as_str()));
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        // The type passes over a port that is too large.
        let port = match (authority.port_u16(), rest.strip_prefix(authority.host())) {
            (Some(port), _) => port,
            (None, None | Some("" | ":")) => HTTPS,
            (None, Some(_)) => return Err(invalid_url(&uri.to_string(), "invalid port number")),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            host: host(authority.host())?,
            port,
            path: match path.starts_with('?') {
                true => format!("/{path}"),
                false => path.to_owned(),
            },
            authorization: (!userinfo.is_empty())
                .then(|| basic(user, password))
                .transpose()?,
            foreign: foreign(scheme),
        })
    }

    /// What the module connects to when nothing is said: `https://localhost/`.
    pub(super) fn local() -> Self {
        Self {
            host: "localhost".into(),
            port: HTTPS,
            path: "/".to_owned(),
            authorization: None,
            foreign: None,
        }
    }

    /// Refuses characters of the path, a protocol, or a form of the path that cannot be asked for,
    /// in this order (reference §4).
    pub(super) fn check(&self, method: &Method) -> Result<()> {
        check_characters(&self.path)?;
        if let Some(scheme) = &self.foreign {
            let text = format!("protocol \"{scheme}:\" is not supported, expected \"https:\"");
            return Err(Error::option(text).with_code("ERR_INVALID_PROTOCOL"));
        }
        check_form(method, &self.path)
    }

    /// Takes user and password as they are, instead of those of a URL (RFC 7617 §2).
    pub(super) fn authorize(&mut self, user_and_password: &str) -> Result<()> {
        self.authorization = Some(credentials(user_and_password.as_bytes())?);
        Ok(())
    }

    /// The value of the Host field (RFC 9110 §7.2), where it is not just the host: an IPv6 address
    /// stands in brackets, and the default port is left out.
    pub(super) fn host_field(&self) -> Option<Box<str>> {
        let Self { host, port, .. } = self;
        match (host.contains(':'), *port) {
            (false, HTTPS) => None,
            (true, HTTPS) => Some(format!("[{host}]").into()),
            (false, port) => Some(format!("{host}:{port}").into()),
            (true, port) => Some(format!("[{host}]:{port}").into()),
        }
    }
}

/// Reads a host by itself: a DNS name, or an IP address with or without brackets.
pub(super) fn host(text: &str) -> Result<Box<str>> {
    if is_plain_name(text) || text.parse::<Ipv4Addr>().is_ok() {
        return Ok(text.into());
    }
    let bracketed;
    let whole = match text.contains(':') && !text.starts_with('[') {
        true => {
            bracketed = format!("[{text}]");
            &bracketed
        }
        false => text,
    };
    let host = Host::parse(whole).map_err(|reason| invalid_url(text, &reason.to_string()))?;
    Ok(host_text(&host))
}

/// Whether this is a name that no rule of URLs changes: lower case, no label to be decoded, and no
/// way of writing an IPv4 address, whose last label is a number.
fn is_plain_name(text: &str) -> bool {
    let plain =
        |octet: u8| octet.is_ascii_lowercase() || matches!(octet, b'0'..=b'9' | b'.' | b'-');
    let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or("");
    text.bytes().all(plain)
        && last.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.contains("xn--")
        && !text.contains("..")
        && !text.starts_with('.')
}

/// The host part of a Host field's value, as the module takes it for SNI (reference §2.4).
pub(super) fn host_of_field(value: &str) -> &str {
    match value.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(value, |(host, _)| host),
        None => value.split_once(':').map_or(value, |(host, _)| host),
    }
}

/// Refuses a path with characters that could not stand in a request line.
fn check_characters(path: &str) -> Result<()> {
    let plain = |octet: u8| octet.is_ascii_graphic() && octet != b'#';
    if let Some(at) = path.bytes().position(|octet| !plain(octet)) {
        let text = format!(
            "the request path {} contains unescaped characters, the first at octet {at}",
            without_secrets(path)
        );
        return Err(Error::option(text).with_code("ERR_UNESCAPED_CHARACTERS"));
    }
    Ok(())
}

/// Refuses a path that is no target of this method (RFC 9112 §3.2).
fn check_form(method: &Method, path: &str) -> Result<()> {
    let (fits, rule) = match *method {
        Method::CONNECT => (
            is_authority(path),
            "is not the HOST:PORT that CONNECT wants",
        ),
        Method::OPTIONS if path == "*" => (true, ""),
        _ => (path.starts_with('/'), "does not begin with '/'"),
    };
    if fits {
        return Ok(());
    }
    let text = format!("the request path {} {rule}", without_secrets(path));
    Err(Error::option(text).with_code("ERR_INVALID_ARG_VALUE"))
}

/// Whether a target has the form of CONNECT (RFC 9112 §3.2.3).
fn is_authority(target: &str) -> bool {
    let parts = target.rsplit_once(':');
    parts.is_some_and(|(host, port)| {
        let digits = port.bytes().all(|octet| octet.is_ascii_digit());
        let named = !host.is_empty() && !host.contains(['/', '?', '@']);
        named && digits && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

/// The scheme, if it is not ours.
fn foreign(scheme: &str) -> Option<Box<str>> {
    (scheme != "https").then(|| scheme.into())
}

fn host_text<S: AsRef<str>>(host: &Host<S>) -> Box<str> {
    match host {
        Host::Domain(name) => name.as_ref().into(),
        Host::Ipv4(address) => address.to_string().into(),
        Host::Ipv6(address) => address.to_string().into(),
    }
}

/// `Basic` with user and password, percent-decoded.
fn basic(user: &str, password: &str) -> Result<HeaderValue> {
    let mut pair: Vec<u8> = percent_decode_str(user).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(password));
    credentials(&pair)
}

/// The value of Authorization that says these octets.
fn credentials(pair: &[u8]) -> Result<HeaderValue> {
    let text = format!("Basic {}", STANDARD.encode(pair));
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Error::option("the credentials cannot be written in a field"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn invalid_url(text: &str, reason: &str) -> Error {
    Error::option(format!("invalid URL {}: {reason}", without_secrets(text)))
        .with_code("ERR_INVALID_URL")
}

/// A URL for a message: quoted, escaped, and without credentials and query, which may be secret.
///
/// A password may hold anything, so whatever stands before the last `@` is left out.
pub(super) fn without_secrets(url: &str) -> String {
    let (hidden, rest) = match url.rsplit_once('@') {
        Some((_, rest)) => ("…@", rest),
        None => ("", url),
    };
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    shown(&format!("{hidden}{}", &rest[..end]))
}

/// A text from outside for a message: quoted, escaped and not endless.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}

/// The default port (RFC 9110 §4.2.2).
const HTTPS: u16 = 443;

/// Characters of a value that a message shows.
const SHOWN: usize = 200;

#[cfg(test)]
mod tests;
