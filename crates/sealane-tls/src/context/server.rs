//! A server's context: who we are, what we ask of clients, and how sessions are resumed.
//!
//! Sessions live in tickets unless the user gave a store. Both are bound to what was asked of the
//! client when they were made: a session never proves more than its handshake did. They outlive a
//! renewed certificate, since a server's own identity is nothing that a client has proved.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::NoServerSessionStorage;
use rustls::{CommonState, Error as TlsError, HandshakeKind, ServerConfig};
use rustls_pki_types::UnixTime;

use super::admission::Admission;
use super::{handshake_of, unusable};
use crate::certificate::PeerCertificate;
use crate::clock::{Clock, RustlsTime};
use crate::digest::Fields;
use crate::domain::{ClientPolicy, SecurityDomain};
use crate::error::{HandshakeError, OptionError, Refusal};
use crate::hello::Hello;
use crate::identity::Identity;
use crate::parameters::Settled;
use crate::peer::{Peer, Verdict};
use crate::select::{IdentityResolver, Observation, ObservedKeyLog};
use crate::store::{ContextStore, SessionStore};
use crate::ticket::TicketKeys;
use crate::verify::{ClientVerifier, VerifierRules};

/// Everything a server needs to speak TLS. Cloning shares.
#[derive(Clone)]
pub struct SecureContext {
    /// What rustls' connections share.
    server: Arc<ServerConfig>,
    /// Shared by all clones, and by those bound to other keys.
    inner: Arc<Inner>,
}

/// What clones share.
struct Inner {
    /// The configuration without any sessions.
    plain: Arc<ServerConfig>,
    /// Who we are.
    identity: Option<Identity>,
    /// Judges clients, if they are asked for certificates; the same one that the configuration has.
    verifier: Option<Arc<ClientVerifier>>,
    /// What is asked of clients.
    policy: Option<ClientPolicy>,
    /// The digest of that.
    domain: SecurityDomain,
    /// What a server says its sessions are for.
    session_id_context: Option<Vec<u8>>,
    /// How long a session may be resumed.
    session_timeout: Duration,
    /// The user's keys for tickets, which win over those of a server.
    ticket_keys: Option<TicketKeys>,
    /// Whether tickets are given out at all.
    tickets: bool,
    /// Whether a server's keys may seal them: another provider than ours seals only if it is told.
    built_in: bool,
    /// Tells the time.
    clock: Arc<dyn Clock>,
    /// Shows clients a certificate they accept.
    resolver: IdentityResolver,
    /// Where sessions are kept instead.
    store: Option<Arc<dyn SessionStore>>,
}

/// Options that were checked one by one and against each other.
pub(crate) struct ServerChoices {
    /// Who we are; without, every handshake fails.
    pub(crate) identity: Option<Identity>,
    /// Names of 1 to 255 octets each, most wanted first.
    pub(crate) alpn_protocols: Vec<Vec<u8>>,
    /// Versions, suites, groups and schemes.
    pub(crate) settled: Settled,
    /// What is asked of clients.
    pub(crate) policy: Option<ClientPolicy>,
    /// How long a session may be resumed.
    pub(crate) session_timeout: Duration,
    /// The user's keys for tickets.
    pub(crate) ticket_keys: Option<TicketKeys>,
    /// Where sessions are kept instead of in tickets.
    pub(crate) session_store: Option<Arc<dyn SessionStore>>,
    /// What to staple.
    pub(crate) ocsp_response: Option<Vec<u8>>,
    /// Tells the time.
    pub(crate) clock: Arc<dyn Clock>,
}

/// How one server holds a context: with what keys, for what names, and whether it logs.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The server's keys for tickets; without, and without keys of the context's own, there are
    /// none.
    pub ticket_keys: Option<&'a TicketKeys>,
    /// Which of the server's contexts it is: tickets of one open in no other.
    pub scope: &'a str,
    /// Whether [`observe`](crate::observe) tells key log lines.
    pub key_log: bool,
    /// Whether connections can derive secrets for other protocols.
    pub exporter: bool,
}

/// What is chosen for one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForConnection {
    /// The one application protocol to agree on, instead of the context's list.
    pub protocol: Option<Vec<u8>>,
    /// The OCSP response to staple, instead of the context's.
    pub ocsp_response: Option<Vec<u8>>,
}

impl SecureContext {
    /// Makes the context of a server.
    pub(crate) fn new(choices: ServerChoices) -> Result<Self, OptionError> {
        let ServerChoices {
            identity,
            alpn_protocols,
            settled,
            policy,
            session_timeout,
            ticket_keys,
            session_store,
            ocsp_response,
            clock,
        } = choices;
        let verifier = policy
            .as_ref()
            .map(|policy| client_verifier(policy, &settled));
        let resolver = match &identity {
            Some(identity) => IdentityResolver::new(identity, &settled),
            None => IdentityResolver::without_identity(),
        };
        let resolver = match ocsp_response {
            Some(response) => resolver.stapling_first(response),
            None => resolver,
        };
        let mut config = config_without_sessions(&settled, verifier.as_ref(), &resolver)?;
        config.time_provider = Arc::new(RustlsTime(Arc::clone(&clock)));
        config.alpn_protocols = alpn_protocols;
        let domain = SecurityDomain::of_policy(policy.as_ref());
        let plain = Arc::new(config);
        let inner = Inner {
            plain: Arc::clone(&plain),
            identity,
            verifier,
            domain,
            session_id_context: settled.session_id_context().map(<[u8]>::to_vec),
            session_timeout,
            ticket_keys,
            tickets: settled.tickets(),
            built_in: settled.is_built_in(),
            clock,
            resolver,
            store: session_store,
            policy,
        };
        // A context alone seals with keys of its own, which die with it.
        let own = match inner.built_in && inner.tickets && inner.store.is_none() {
            true => Some(TicketKeys::new()?),
            false => None,
        };
        let unbound = Self {
            server: plain,
            inner: Arc::new(inner),
        };
        Ok(unbound.bind(Binding {
            ticket_keys: own.as_ref(),
            scope: "",
            key_log: false,
            exporter: false,
        }))
    }

    /// The same context as one of several of a server, whose keys seal its tickets.
    ///
    /// A ticket opens where the keys, the scope, `session_id_context` and what is asked of clients
    /// are the same: after a renewal of the certificate, but not under another name's context and
    /// not under a changed policy.
    #[must_use]
    pub fn bind(&self, binding: Binding<'_>) -> Self {
        let inner = &self.inner;
        let mut fields = Fields::new(b"sealane session 1");
        fields.put_optional(inner.session_id_context.as_deref());
        fields.put(inner.domain.octets());
        fields.put(binding.scope.as_bytes());
        let bound_to = fields.finish();
        let mut config = ServerConfig::clone(&inner.plain);
        let limit = inner.session_timeout;
        let keys = match &inner.ticket_keys {
            Some(own) => Some(own),
            None => binding
                .ticket_keys
                .filter(|keys| inner.built_in || keys.are_given()),
        };
        match (&inner.store, keys) {
            // A store that was given is where the user wants sessions; tickets would go past it.
            (Some(store), _) => {
                let (store, clock) = (Arc::clone(store), Arc::clone(&inner.clock));
                let store = ContextStore::new(store, bound_to, limit, clock);
                config.session_storage = Arc::new(store);
            }
            (None, Some(keys)) if inner.tickets => {
                config.ticketer = keys.ticketer(bound_to, limit, Arc::clone(&inner.clock));
            }
            (None, _) => {}
        }
        // TLS 1.2 without extended master secret is taken: what it endangers, renegotiation and
        // secrets derived for others (RFC 7627 §1, §5.4), is not done on such connections, and
        // older clients and most protocol test tools do not send it. A client that does gets it.
        config.require_ems = binding.exporter;
        if binding.key_log {
            config.key_log = Arc::new(ObservedKeyLog);
        }
        Self {
            server: Arc::new(config),
            inner: Arc::clone(inner),
        }
    }

    /// The configuration for rustls' server connections.
    pub fn server_config(&self) -> &Arc<ServerConfig> {
        &self.server
    }

    /// The configuration for one connection that something was chosen for.
    pub fn server_config_for(&self, hello: &Hello, chosen: ForConnection) -> Arc<ServerConfig> {
        let ForConnection {
            protocol,
            ocsp_response,
        } = chosen;
        if protocol.is_none() && ocsp_response.is_none() {
            return Arc::clone(&self.server);
        }
        let mut config = ServerConfig::clone(&self.server);
        if let Some(protocol) = protocol {
            config.alpn_protocols = vec![protocol];
        }
        if let Some(response) = ocsp_response {
            let resolver = &self.inner.resolver;
            config.cert_resolver = Arc::new(resolver.stapling(&hello.schemes, response));
        }
        Arc::new(config)
    }

    /// The certificate that a client will be shown, with its chain; `None` when no key fits what it
    /// takes.
    pub fn certificate_for(&self, hello: &Hello) -> Option<PeerCertificate> {
        self.inner.resolver.certificate_for(&hello.schemes).cloned()
    }

    /// The identity that is served.
    pub fn identity(&self) -> Option<&Identity> {
        self.inner.identity.as_ref()
    }

    /// What the time is for this context.
    pub fn now(&self) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(self.inner.clock.unix_seconds()))
    }

    /// What is asked of clients: a connection made under another policy proves another thing.
    pub fn policy(&self) -> SecurityDomain {
        self.inner.domain
    }

    /// Judges the client's identity when the handshake is over and no octet of an application has
    /// passed, on full and on resumed handshakes alike.
    ///
    /// `seen` is what [`observe`](crate::observe) saw in all calls of the handshake. After a
    /// resumption, dates, revocation and pins are checked again; a session outlives none of them.
    ///
    /// # Errors
    ///
    /// The client is not who it should be, unless that is allowed; or the handshake is not over.
    pub fn admit(
        &self,
        connection: &CommonState,
        seen: &Observation,
        now: UnixTime,
    ) -> Result<Admission, HandshakeError> {
        let kind = handshake_of(connection)?;
        let (Some(verifier), Some(policy)) = (&self.inner.verifier, &self.inner.policy) else {
            return Ok(Admission::unasked());
        };
        let chain = connection.peer_certificates().unwrap_or_default();
        if chain.is_empty() && policy.required && policy.reject {
            // rustls has refused it already, unless a session resumes from before: never admit it.
            return Err(HandshakeError::from(&TlsError::NoCertificatesPresented));
        }
        let mut verdict = match (kind, &seen.verdict) {
            _ if chain.is_empty() => Verdict::no_certificate(),
            (HandshakeKind::Resumed, _) => verifier.judge_resumed(chain, now).into(),
            (_, Some(verdict)) => verdict.clone(),
            (_, None) => verifier.judge(chain, now).into(),
        };
        let mut path = verifier.path(chain);
        if verdict.authorized() && path.is_none() {
            // Others have pushed it out of the verifier's memory since: it is found once more.
            verdict = verifier.judge(chain, now).into();
            path = verifier.path(chain);
        }
        let pins = policy.pins.as_ref().filter(|_| !chain.is_empty());
        let peer = Peer::judged(verdict, path.as_deref(), chain, pins);
        match peer.verdict() {
            Some(Verdict::Unauthorized(diagnosis)) if policy.reject && !chain.is_empty() => {
                Err(Refusal::from(diagnosis.clone()).into())
            }
            _ => Ok(Admission::new(peer, policy.check.clone(), policy.reject)),
        }
    }
}

/// What rustls' connections share, apart from names, clocks and sessions.
fn config_without_sessions(
    settled: &Settled,
    verifier: Option<&Arc<ClientVerifier>>,
    resolver: &IdentityResolver,
) -> Result<ServerConfig, OptionError> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(settled.provider()))
        .with_protocol_versions(settled.versions())
        .map_err(|error| unusable(&error))?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier) as Arc<_>),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(resolver.clone()));
    config.ignore_client_order = settled.honor_cipher_order();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // One ticket per handshake: clients keep one per server, more only cost.
    config.send_tls13_tickets = 1;
    // No early data: it can be replayed, and HTTP requests are not all safe (RFC 8470 §1).
    config.max_early_data_size = 0;
    Ok(config)
}

/// The judge of clients by a policy.
fn client_verifier(policy: &ClientPolicy, settled: &Settled) -> Arc<ClientVerifier> {
    let rules = VerifierRules {
        roots: policy.roots.clone(),
        crl: policy.crl.clone(),
        allow_partial_trust_chain: policy.allow_partial_trust_chain,
        // Clients have no name to be checked.
        common_name: false,
        checks_name: false,
        algorithms: settled.provider().signature_verification_algorithms,
        reject: policy.reject,
    };
    Arc::new(ClientVerifier::new(rules, policy.required && policy.reject))
}

impl fmt::Debug for SecureContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocols = self.server.alpn_protocols.iter();
        let protocols: Vec<_> = protocols
            .map(|name| name.escape_ascii().to_string())
            .collect();
        f.debug_struct("SecureContext")
            .field("identity", &self.inner.identity)
            .field("alpn_protocols", &protocols)
            .field("honor_cipher_order", &self.server.ignore_client_order)
            .field("policy", &self.inner.policy)
            .finish_non_exhaustive()
    }
}
