//! Proxy: through whom connections are opened, and for whom not.
//!
//! A proxy is asked for a tunnel by CONNECT (RFC 9110 §9.3.6), and TLS to the server runs inside
//! it: the proxy sees host and port, and nothing else. What it is asked with, also in its own TLS,
//! is said here; asking it is `connect`'s business.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use rustls::pki_types::ServerName;
use sealane_tls::{ClientContext, ClientTlsOptions, reference_name};
use url::{Host, Url};

use crate::error::{Error, Result};
use crate::identity::Identity;
use crate::trust::Roots;

mod environment;
mod exclusions;

pub(super) use exclusions::Exclusions;

/// An HTTP or HTTPS proxy through which an agent, or a single request, gets to its servers.
///
/// The proxy is asked for a tunnel, and sees host and port of the server; TLS with the server runs
/// inside, with the same checks as without a proxy. To an `https:` proxy that request goes inside
/// TLS, too: then the proxy must prove its own name.
///
/// ```
/// use sealane::{Agent, AgentOptions, Proxy};
///
/// # fn example() -> sealane::Result<()> {
/// let proxy = Proxy::new("http://user:password@proxy.example:3128")?.exclude("localhost, .lan")?;
/// let agent = Agent::new(AgentOptions::new().proxy(proxy))?;
/// # drop(agent);
/// # Ok(())
/// # }
/// ```
///
/// Connections are shared by requests with the same proxy, credentials included, only.
#[derive(Clone)]
pub struct Proxy {
    host: Box<str>,
    port: u16,
    credentials: Option<HeaderValue>,
    exclusions: Arc<Exclusions>,
    /// For a proxy that is asked by HTTPS.
    tls: Option<Box<ClientTlsOptions>>,
    /// Something was said of TLS, and it is asked without.
    contradicts: bool,
    /// What it comes to, made when it is first needed, once for all clones.
    relay: Arc<OnceLock<Arc<Relay>>>,
}

impl Proxy {
    /// Takes the URL of a proxy, such as `http://user:password@proxy.example:3128`.
    ///
    /// Without a scheme it is an `http:` proxy. The default ports are 80 and 443. User and password
    /// are percent-decoded and sent to the proxy alone, as Proxy-Authorization (RFC 9110 §11.7.2).
    ///
    /// # Errors
    ///
    /// It is no URL of an HTTP or HTTPS proxy: `ERR_PROXY_INVALID_CONFIG`. The message shows no
    /// credentials.
    pub fn new(url: impl AsRef<str>) -> Result<Self> {
        let url = url.as_ref();
        let whole;
        let url = match url.contains("://") {
            true => url,
            false => {
                whole = format!("http://{url}");
                &whole
            }
        };
        let url = Url::parse(url).map_err(|reason| invalid(&format!("no URL: {reason}")))?;
        let tls = match url.scheme() {
            "http" => None,
            "https" => Some(Box::default()),
            scheme => {
                let text = format!("the scheme is {scheme:?}, but must be http or https");
                return Err(invalid(&text));
            }
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("there must be nothing behind host and port"));
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.into(),
            Some(Host::Ipv4(address)) => address.to_string().into(),
            Some(Host::Ipv6(address)) => address.to_string().into(),
            None => return Err(invalid("there is no host")),
        };
        let proxy = Self {
            host,
            port: url
                .port_or_known_default()
                .ok_or_else(|| invalid("there is no port"))?,
            credentials: None,
            exclusions: Arc::default(),
            tls,
            contradicts: false,
            relay: Arc::default(),
        };
        let password = url.password();
        if url.username().is_empty() && password.is_none() {
            return Ok(proxy);
        }
        let mut pair: Vec<u8> = percent_decode_str(url.username()).collect();
        if pair.contains(&b':') {
            // RFC 7617 §2: what stands behind it would be taken for the password.
            return Err(invalid("a user name cannot contain a colon"));
        }
        pair.push(b':');
        pair.extend(percent_decode_str(password.unwrap_or_default()));
        Ok(proxy.auth(pair))
    }

    /// The proxy that the environment names, for connections to HTTPS servers; `None` if it names
    /// none. The environment is read now, and nowhere else.
    ///
    /// The first of `https_proxy`, `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY` that is not empty
    /// gives the proxy; `no_proxy`, else `NO_PROXY`, what [`exclude`](Self::exclude) takes. Nothing
    /// else is excluded, not even `localhost`.
    ///
    /// # Errors
    ///
    /// One of them makes no sense; the message names it, and `ERR_PROXY_INVALID_CONFIG` is the
    /// code.
    pub fn from_env() -> Result<Option<Self>> {
        environment::proxy(crate::system::variable)
    }

    /// User and password, as `user:password`, instead of the URL's.
    #[must_use]
    pub fn auth(mut self, user_and_password: impl AsRef<[u8]>) -> Self {
        let text = format!("Basic {}", STANDARD.encode(user_and_password));
        // Base64 can always stand in a field.
        self.credentials = HeaderValue::try_from(text).ok().map(|mut value| {
            value.set_sensitive(true);
            value
        });
        self.changed()
    }

    /// Servers to be reached without the proxy, instead of those given so far: a list with commas
    /// or spaces between its entries.
    ///
    /// | entry | means |
    /// |---|---|
    /// | `*` | all servers |
    /// | `example.com`, `.example.com`, `*.example.com` | this name and all below it |
    /// | `10.0.0.7`, `::1`, `[::1]` | this address |
    /// | `10.0.0.0/8`, `fd00::/8` | the addresses of this network |
    /// | any name or address and `:port` | the same, at this port only |
    ///
    /// Networks and addresses are compared with addresses in URLs; no name is looked up for that.
    ///
    /// # Errors
    ///
    /// An entry is none of these: `ERR_PROXY_INVALID_CONFIG`.
    pub fn exclude(mut self, list: impl AsRef<str>) -> Result<Self> {
        self.exclusions = Arc::new(Exclusions::parse(list.as_ref())?);
        Ok(self)
    }

    /// Whom to trust about the identity of an `https:` proxy; default: the public authorities that
    /// ship with this crate.
    ///
    /// What servers must prove is not changed by this. Said of an `http:` proxy, this and the other
    /// options of TLS are refused where the proxy is used (`ERR_PROXY_INVALID_CONFIG`).
    #[must_use]
    pub fn ca(self, roots: Roots) -> Self {
        self.tls(|tls| tls.ca(roots.into_inner()))
    }

    /// The certificate to show to an `https:` proxy that asks for one; default none.
    #[must_use]
    pub fn identity(self, identity: Identity) -> Self {
        self.tls(|tls| tls.identity(identity.into_inner()))
    }

    /// The cryptography for TLS with an `https:` proxy, instead of aws-lc.
    #[must_use]
    pub fn crypto_provider(self, provider: Arc<rustls::crypto::CryptoProvider>) -> Self {
        self.tls(|tls| tls.parameters(|it| it.crypto_provider(provider)))
    }

    /// Whether it is asked inside TLS, as an `https:` proxy is.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    fn tls(mut self, change: impl FnOnce(ClientTlsOptions) -> ClientTlsOptions) -> Self {
        self.contradicts = self.tls.is_none();
        self.tls = self.tls.map(|tls| Box::new(change(*tls)));
        self.changed()
    }

    fn changed(mut self) -> Self {
        self.relay = Arc::default();
        self
    }

    /// What connections are opened through.
    pub(super) fn relay(&self) -> Result<Arc<Relay>> {
        if let Some(relay) = self.relay.get() {
            return Ok(Arc::clone(relay));
        }
        if self.contradicts {
            return Err(invalid(
                "ca, identity and crypto_provider are for https: proxies only",
            ));
        }
        let secure = match &self.tls {
            None => None,
            Some(tls) => {
                let refused = |error| Error::from(error).with_more(" (option proxy)");
                Some(Secure {
                    context: ClientTlsOptions::clone(tls).build().map_err(refused)?,
                    name: reference_name(&self.host).map_err(refused)?,
                })
            }
        };
        let made = Arc::new(Relay {
            host: self.host.clone(),
            port: self.port,
            credentials: self.credentials.clone(),
            secure,
        });
        Ok(Arc::clone(self.relay.get_or_init(|| made)))
    }

    /// For whom it is not used.
    pub(super) fn exclusions(&self) -> &Arc<Exclusions> {
        &self.exclusions
    }
}

/// Shows no credentials.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("secure", &self.tls.is_some())
            .field("host", &self.host)
            .field("port", &self.port)
            .field("credentials", &self.credentials.is_some())
            .field("exclude", &self.exclusions)
            .finish_non_exhaustive()
    }
}

/// A proxy as connections are opened through it.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Relay {
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// The value of Proxy-Authorization.
    pub(super) credentials: Option<HeaderValue>,
    /// For one that is asked by HTTPS.
    pub(super) secure: Option<Secure>,
}

/// What TLS with the proxy proves.
pub(super) struct Secure {
    pub(super) context: ClientContext,
    pub(super) name: ServerName<'static>,
}

/// Two are the same if their connections prove the same.
impl PartialEq for Secure {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.context.domain() == other.context.domain()
    }
}

impl Eq for Secure {}

impl Hash for Secure {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.context.domain().hash(state);
    }
}

/// As it stands in messages: without credentials.
impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure.is_some() {
            "https"
        } else {
            "http"
        };
        let Self { host, port, .. } = self;
        match host.contains(':') {
            true => write!(f, "{scheme}://[{host}]:{port}"),
            false => write!(f, "{scheme}://{host}:{port}"),
        }
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A setting of which nothing can be made; it is not shown, for it may hold a password.
fn invalid(reason: &str) -> Error {
    Error::option(format!("proxy: {reason}")).with_code("ERR_PROXY_INVALID_CONFIG")
}

#[cfg(test)]
mod tests;
