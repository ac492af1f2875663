//! Which context answers a connection: by the name it asks for, or by the program's own word.
//!
//! A server with one context and no questions pays nothing: its connections start TLS at once. All
//! others read the ClientHello first, and the choice may take its time, within that of the
//! handshake.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use sealane_tls::{Binding, Contexts, ForConnection, Hello, PeerCertificate, TicketKeys};

use crate::context::SecureContext;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::event::TlsErrorClass;
use crate::handler::BoxError;
use crate::transport::Refusal;

/// What a callback gives some time later.
pub(super) type Soon<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Chooses a context for a name; `None` leaves it to the server's own table.
pub(super) type SniCallback =
    Arc<dyn Fn(String) -> Soon<Result<Option<SecureContext>, BoxError>> + Send + Sync>;

/// Chooses one of the protocols that a client offers; `None` refuses it.
pub(super) type AlpnCallback = Arc<dyn Fn(AlpnOffer) -> Soon<Option<Vec<u8>>> + Send + Sync>;

/// Gives the OCSP response to staple; `None` staples the context's own, if it has one.
pub(super) type OcspCallback = Arc<dyn Fn(PeerCertificate) -> Soon<OcspAnswer> + Send + Sync>;

/// What an OCSP callback gives: a response in DER, nothing, or the end of the connection.
type OcspAnswer = Result<Option<Vec<u8>>, BoxError>;

/// What a client offers to speak over TLS (RFC 7301).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlpnOffer {
    /// The host name it asks for, in lower case.
    pub servername: Option<String>,
    /// The protocols, most wanted first.
    pub protocols: Vec<Vec<u8>>,
}

/// What a program is asked before a handshake.
#[derive(Clone, Default)]
pub(super) struct Callbacks {
    pub(super) sni: Option<SniCallback>,
    pub(super) alpn: Option<AlpnCallback>,
    pub(super) ocsp: Option<OcspCallback>,
}

/// All that decides which context answers a connection.
pub(super) struct Choosing {
    table: RwLock<Arc<Contexts<sealane_tls::SecureContext>>>,
    ticket_keys: Option<TicketKeys>,
    callbacks: Callbacks,
    key_log: bool,
    exporter: bool,
    /// Whether names make a difference for what is asked of clients; looked at for each request.
    differs: AtomicBool,
}

/// What answers one connection.
pub(super) struct Chosen {
    pub(super) context: sealane_tls::SecureContext,
    pub(super) config: Arc<ServerConfig>,
}

/// Why no context answers a connection, and what its client is told.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) told: Refusal,
    pub(super) class: TlsErrorClass,
    pub(super) error: Error,
}

impl Choosing {
    pub(super) fn new(
        context: &sealane_tls::SecureContext,
        ticket_keys: Option<TicketKeys>,
        callbacks: Callbacks,
        key_log: bool,
        exporter: bool,
    ) -> Self {
        let choosing = Self {
            table: RwLock::new(Arc::new(Contexts::new(context.clone()))),
            ticket_keys,
            differs: AtomicBool::new(callbacks.sni.is_some()),
            callbacks,
            key_log,
            exporter,
        };
        choosing.change(|table| table.set_default(choosing.bound(context, "")));
        choosing
    }

    /// Keys of the tickets of all contexts that have none of their own; `None` where nothing can
    /// seal tickets.
    pub(super) fn ticket_keys(&self) -> Option<&TicketKeys> {
        self.ticket_keys.as_ref()
    }

    /// The table as it is now; what a connection starts with it keeps.
    pub(super) fn table(&self) -> Arc<Contexts<sealane_tls::SecureContext>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&table)
    }

    /// Puts another context in the place of the server's own.
    pub(super) fn set_default(&self, context: &SecureContext) {
        let bound = self.bound(context.inner(), "");
        self.change(|table| table.set_default(bound));
    }

    /// Adds a context for the names of a pattern.
    pub(super) fn add(&self, pattern: &str, context: &SecureContext) -> Result<()> {
        let bound = self.bound(context.inner(), &format!("name {}", pattern.to_lowercase()));
        let mut outcome = Ok(());
        self.change(|table| outcome = table.add(pattern, bound));
        Ok(outcome?)
    }

    /// The one context of a server that asks nothing; `None` if the ClientHello must be read.
    pub(super) fn only(&self) -> Option<sealane_tls::SecureContext> {
        let Callbacks { sni, alpn, ocsp } = &self.callbacks;
        if sni.is_some() || alpn.is_some() || ocsp.is_some() {
            return None;
        }
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.is_empty().then(|| table.select(None).clone())
    }

    /// Decides for a ClientHello.
    pub(super) async fn choose(&self, hello: &Hello) -> Result<Chosen, Refused> {
        let context = self.context_for(hello).await?;
        let chosen = ForConnection {
            protocol: self.protocol_for(hello).await?,
            ocsp_response: self.ocsp_response_for(hello, &context).await?,
        };
        Ok(Chosen {
            config: context.server_config_for(hello, chosen),
            context,
        })
    }

    /// Whether the program chooses contexts by name itself.
    pub(super) fn chooses_by_name(&self) -> bool {
        self.callbacks.sni.is_some()
    }

    /// Whether it makes a difference for what is asked of clients which name a connection is for.
    pub(super) fn asks_differently(&self) -> bool {
        self.differs.load(Ordering::Acquire)
    }

    async fn context_for(&self, hello: &Hello) -> Result<sealane_tls::SecureContext, Refused> {
        let name = hello.servername.as_deref();
        // Only a client that names a host is asked about, as in the module.
        if let (Some(callback), Some(name)) = (&self.callbacks.sni, name) {
            match callback(name.to_owned()).await {
                Ok(Some(context)) => {
                    return Ok(self.bound(context.inner(), &format!("callback {name}")));
                }
                Ok(None) => {}
                Err(error) => return Err(Refused::by(error)),
            }
        }
        Ok(self.table().select(name).clone())
    }

    async fn protocol_for(&self, hello: &Hello) -> Result<Option<Vec<u8>>, Refused> {
        let Some(callback) = self
            .callbacks
            .alpn
            .as_ref()
            .filter(|_| !hello.alpn.is_empty())
        else {
            return Ok(None);
        };
        let offer = AlpnOffer {
            servername: hello.servername.as_deref().map(str::to_owned),
            protocols: hello.alpn.to_vec(),
        };
        match callback(offer).await {
            Some(protocol) if hello.alpn.contains(&protocol) => Ok(Some(protocol)),
            Some(protocol) => Err(Refused::without_protocol(
                TlsErrorClass::Choice,
                "ERR_TLS_ALPN_CALLBACK_INVALID_RESULT",
                format!(
                    "alpn_callback chose {:?}, which the client does not offer",
                    protocol.escape_ascii().to_string()
                ),
            )),
            None => Err(Refused::without_protocol(
                TlsErrorClass::NoCommonProtocol,
                "ERR_SSL_NO_APPLICATION_PROTOCOL",
                "alpn_callback chose none of the client's application protocols",
            )),
        }
    }

    async fn ocsp_response_for(
        &self,
        hello: &Hello,
        context: &sealane_tls::SecureContext,
    ) -> Result<Option<Vec<u8>>, Refused> {
        let (Some(callback), true) = (&self.callbacks.ocsp, hello.asks_for_ocsp) else {
            return Ok(None);
        };
        let Some(certificate) = context.certificate_for(hello) else {
            return Ok(None);
        };
        callback(certificate).await.map_err(Refused::by)
    }

    /// A context as one of this server's.
    fn bound(
        &self,
        context: &sealane_tls::SecureContext,
        scope: &str,
    ) -> sealane_tls::SecureContext {
        context.bind(Binding {
            ticket_keys: self.ticket_keys.as_ref(),
            scope,
            key_log: self.key_log,
            exporter: self.exporter,
        })
    }

    /// Changes the table for connections to come.
    fn change(&self, change: impl FnOnce(&mut Contexts<sealane_tls::SecureContext>)) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut table));
        let policy = table.default_context().policy();
        let differs = table.all().any(|context| context.policy() != policy);
        self.differs
            .store(differs || self.callbacks.sni.is_some(), Ordering::Release);
    }
}

impl Refused {
    /// By a callback that failed.
    fn by(error: BoxError) -> Self {
        let text = format!("the choice for this connection failed: {error}");
        Self {
            told: Refusal::InternalError,
            class: TlsErrorClass::Choice,
            error: Error::new(ErrorKind::Tls, Phase::Handshake, text).with_source(error),
        }
    }

    /// For want of an application protocol.
    fn without_protocol(class: TlsErrorClass, code: &'static str, text: impl Into<String>) -> Self {
        Self {
            told: Refusal::NoApplicationProtocol,
            class,
            error: Error::new(ErrorKind::Tls, Phase::Handshake, text).with_code(code),
        }
    }
}

impl fmt::Debug for Choosing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choosing")
            .field("table", &self.table())
            .field("key_log", &self.key_log)
            .finish_non_exhaustive()
    }
}
