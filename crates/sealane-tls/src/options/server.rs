//! What the user said about a server's TLS, with its defaults and their reasons.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::Side;

use super::{check_pins, check_protocol, owned_protocols, shown_protocols};
use crate::check::IdentityCheck;
use crate::clock::{Clock, SystemClock};
use crate::context::{SecureContext, ServerChoices};
use crate::domain::ClientPolicy;
use crate::error::OptionError;
use crate::identity::Identity;
use crate::parameters::{TlsParameters, TlsVersion};
use crate::pin::Pins;
use crate::revocation::Revocation;
use crate::store::SessionStore;
use crate::ticket::TicketKeys;
use crate::trust::Roots;

/// Whether clients are asked for a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestCert {
    /// They are not asked.
    #[default]
    No,
    /// They are asked, and may have none; one that is wrong is refused.
    Optional,
    /// Who has none is refused.
    Required,
}

impl From<bool> for RequestCert {
    /// The module's switch: true requires a certificate.
    fn from(requested: bool) -> Self {
        if requested { Self::Required } else { Self::No }
    }
}

/// What a server's TLS shall be.
#[derive(Clone)]
pub struct ServerTlsOptions {
    /// Who the server is.
    identity: Option<Identity>,
    /// Application protocols, most wanted first.
    alpn_protocols: Option<Vec<Vec<u8>>>,
    /// Versions, suites, groups and schemes.
    parameters: TlsParameters,
    /// Whether clients are asked for a certificate.
    request_cert: RequestCert,
    /// Whom to believe about clients.
    ca: Option<Roots>,
    /// Which certificates of clients are no longer good.
    crl: Option<Revocation>,
    /// Whether an authority that is not self-issued may be an anchor.
    allow_partial_trust_chain: bool,
    /// Certificates and keys of which a client must have one.
    pins: Option<Pins>,
    /// What the caller asks of a client's identity.
    check: Option<IdentityCheck>,
    /// How long a session may be resumed.
    session_timeout: Duration,
    /// What tickets are sealed with.
    ticket_keys: Option<TicketKeys>,
    /// Where sessions are kept instead of in tickets.
    session_store: Option<Arc<dyn SessionStore>>,
    /// What the authority says about our certificate.
    ocsp_response: Option<Vec<u8>>,
    /// Tells the time.
    clock: Arc<dyn Clock>,
    /// Whether an unproved client is refused; set in `danger.rs` only.
    pub(crate) reject_unauthorized: bool,
}

impl ServerTlsOptions {
    /// Starts with an identity and the defaults.
    pub fn new(identity: Identity) -> Self {
        Self {
            identity: Some(identity),
            ..Self::without_identity()
        }
    }

    /// Starts without an identity: each handshake fails, unless another context is chosen for it.
    pub fn without_identity() -> Self {
        Self {
            identity: None,
            alpn_protocols: None,
            parameters: TlsParameters::new(),
            request_cert: RequestCert::No,
            ca: None,
            crl: None,
            allow_partial_trust_chain: false,
            pins: None,
            check: None,
            session_timeout: SESSION_TIMEOUT,
            ticket_keys: None,
            session_store: None,
            ocsp_response: None,
            clock: Arc::new(SystemClock),
            reject_unauthorized: true,
        }
    }

    /// The application protocols (RFC 7301) to agree on, most wanted first. Default: `http/1.1`,
    /// then `http/1.0`.
    ///
    /// `http/1.0` (registered like the other, and read by the same parser) is for clients that
    /// offer nothing else, as `curl --http1.0` does: they could not connect at all.
    ///
    /// A client that offers protocols, but none of these, is refused with the alert
    /// `no_application_protocol`: speaking one the client did not name opens cross-protocol
    /// attacks. One that offers none at all is served. An empty list turns the extension off.
    #[must_use]
    pub fn alpn_protocols<I>(mut self, protocols: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        self.alpn_protocols = Some(owned_protocols(protocols));
        self
    }

    /// Whether application protocols were given.
    pub fn has_alpn_protocols(&self) -> bool {
        self.alpn_protocols.is_some()
    }

    /// The oldest protocol version to speak. Default: TLS 1.2; older ones are broken (RFC 8996).
    #[must_use]
    pub fn min_version(self, version: TlsVersion) -> Self {
        self.parameters(|parameters| parameters.min_version(version))
    }

    /// The newest protocol version to speak. Default: TLS 1.3, the newest there is.
    #[must_use]
    pub fn max_version(self, version: TlsVersion) -> Self {
        self.parameters(|parameters| parameters.max_version(version))
    }

    /// Changes versions, suites, groups and schemes.
    #[must_use]
    pub fn parameters(mut self, change: impl FnOnce(TlsParameters) -> TlsParameters) -> Self {
        self.parameters = change(self.parameters);
        self
    }

    /// Whether clients are asked for a certificate. Default: no.
    #[must_use]
    pub fn request_cert(mut self, request: impl Into<RequestCert>) -> Self {
        self.request_cert = request.into();
        self
    }

    /// Whom to believe about clients. Needed wherever certificates are asked for: the public
    /// authorities vouch for anyone, so that trusting them by default would let anyone in.
    #[must_use]
    pub fn ca(mut self, roots: Roots) -> Self {
        self.ca = Some(roots);
        self
    }

    /// Revocation lists for clients' certificates. Default: none. With lists, every certificate of
    /// a chain below its anchor must be covered by a current one.
    #[must_use]
    pub fn crl(mut self, lists: Revocation) -> Self {
        self.crl = Some(lists);
        self
    }

    /// Whether a given certificate that is not its own issuer may be an anchor. Default: false.
    #[must_use]
    pub fn allow_partial_trust_chain(mut self, allow: bool) -> Self {
        self.allow_partial_trust_chain = allow;
        self
    }

    /// Certificates and public keys of which a client's verified chain must hold one, on full and
    /// on resumed handshakes. Default: none are asked for.
    #[must_use]
    pub fn pins(mut self, pins: Pins) -> Self {
        self.pins = Some(pins);
        self
    }

    /// The caller's own check of a client's identity, after its chain was verified, on full and on
    /// resumed handshakes. Its host is empty. A client without a certificate is not asked about.
    #[must_use]
    pub fn check_client_identity(mut self, check: IdentityCheck) -> Self {
        self.check = Some(check);
        self
    }

    /// How long a session may be resumed after it was made, or taken up by a ticket: each
    /// resumption gives a new ticket with its own time. Default: 2 hours; zero turns resumption
    /// off, a week is the most (RFC 8446 §4.6.1).
    ///
    /// Two hours is what the module does in effect, whatever it documents. Longer makes the keys
    /// that open tickets live longer, and with them the harm when they are stolen.
    #[must_use]
    pub fn session_timeout(mut self, limit: Duration) -> Self {
        self.session_timeout = limit;
        self
    }

    /// What tickets are sealed with. Default: keys of this context's own, which change by
    /// themselves and die with it.
    #[must_use]
    pub fn ticket_keys(mut self, keys: TicketKeys) -> Self {
        self.ticket_keys = Some(keys);
        self
    }

    /// Keeps sessions here instead of in tickets. Default: none, the clients keep them.
    #[must_use]
    pub fn session_store(mut self, store: Arc<dyn SessionStore>) -> Self {
        self.session_store = Some(store);
        self
    }

    /// An OCSP response in DER to hand to clients that ask (RFC 6066 §8), as it is. Default: none.
    #[must_use]
    pub fn ocsp_response(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.ocsp_response = Some(der.into());
        self
    }

    /// The clock that sessions and certificates are judged by. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks everything and makes the context.
    ///
    /// # Errors
    ///
    /// The error names the option that cannot be used.
    pub fn build(self) -> Result<SecureContext, OptionError> {
        let settled = self.parameters.settle(Side::Server)?;
        let alpn_protocols = match self.alpn_protocols.clone() {
            Some(protocols) => protocols,
            None => owned_protocols(["http/1.1", "http/1.0"]),
        };
        alpn_protocols
            .iter()
            .try_for_each(|protocol| check_protocol(protocol))?;
        check_session_timeout(self.session_timeout)?;
        let policy = self.client_policy()?;
        SecureContext::new(ServerChoices {
            identity: self.identity,
            alpn_protocols,
            settled,
            policy,
            session_timeout: self.session_timeout,
            ticket_keys: self.ticket_keys,
            session_store: self.session_store,
            ocsp_response: self.ocsp_response,
            clock: self.clock,
        })
    }

    /// What is asked of clients; nothing may be given that nobody is asked for.
    fn client_policy(&self) -> Result<Option<ClientPolicy>, OptionError> {
        if self.request_cert == RequestCert::No {
            let unused = [
                ("crl", self.crl.is_some()),
                ("pins", self.pins.is_some()),
                ("check_client_identity", self.check.is_some()),
            ];
            return match unused.iter().find(|(_, given)| *given) {
                None => Ok(None),
                Some((option, _)) => Err(OptionError::new(
                    option,
                    "ERR_INVALID_ARG_VALUE",
                    "it is about clients' certificates, and request_cert asks for none",
                )),
            };
        }
        check_pins(self.pins.as_ref(), self.reject_unauthorized)?;
        if self.ca.is_none() && self.reject_unauthorized {
            return Err(OptionError::new(
                "ca",
                "ERR_INVALID_ARG_VALUE",
                "request_cert asks clients for certificates, but nobody is given who could vouch \
                 for them; give the authority that issues them",
            ));
        }
        Ok(Some(ClientPolicy {
            required: self.request_cert == RequestCert::Required,
            reject: self.reject_unauthorized,
            roots: self.ca.clone().unwrap_or_else(Roots::none),
            crl: self.crl.clone(),
            allow_partial_trust_chain: self.allow_partial_trust_chain,
            pins: self.pins.clone(),
            check: self.check.clone(),
        }))
    }
}

impl fmt::Debug for ServerTlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTlsOptions")
            .field("identity", &self.identity)
            .field(
                "alpn_protocols",
                &self.alpn_protocols.as_deref().map(shown_protocols),
            )
            .field("parameters", &self.parameters)
            .field("request_cert", &self.request_cert)
            .field("ca", &self.ca)
            .field("crl", &self.crl)
            .field("allow_partial_trust_chain", &self.allow_partial_trust_chain)
            .field("pins", &self.pins)
            .field("check_client_identity", &self.check)
            .field("session_timeout", &self.session_timeout)
            .field("reject_unauthorized", &self.reject_unauthorized)
            .finish_non_exhaustive()
    }
}

/// Checks that tickets may live that long.
fn check_session_timeout(limit: Duration) -> Result<(), OptionError> {
    if limit <= LONGEST_SESSION {
        return Ok(());
    }
    Err(OptionError::new(
        "session_timeout",
        "ERR_OUT_OF_RANGE",
        format!("{limit:?} is longer than a week, which is the most TLS 1.3 allows"),
    ))
}

/// How long a session may be resumed.
const SESSION_TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);

/// A week (RFC 8446 §4.6.1).
const LONGEST_SESSION: Duration = Duration::from_secs(7 * 24 * 60 * 60);
