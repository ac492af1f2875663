//! A client's context, and the gate between handshake and first octet.
//!
//! rustls resumes a session only under the very verifier and credential that made it, compared by
//! address, so one of each lives as long as the context. The session store is chosen per
//! connection: whoever owns the pool knows which connections may share.

use std::fmt;
use std::sync::Arc;

use rustls::client::{ClientSessionStore, Resumption};
use rustls::{ClientConfig, CommonState, HandshakeKind};
use rustls_pki_types::{ServerName, UnixTime};

use super::admission::Admission;
use super::{handshake_of, unusable};
use crate::check::IdentityCheck;
use crate::domain::{ClientChoices, SecurityDomain};
use crate::error::{HandshakeError, OptionError, Refusal};
use crate::peer::{Peer, Verdict};
use crate::pin::Pins;
use crate::pool_name::PoolName;
use crate::select::{IdentityResolver, Observation, ObservedKeyLog};
use crate::verify::{ServerVerifier, VerifierRules};

/// Everything a client needs to speak TLS. Cloning shares.
#[derive(Clone)]
pub struct ClientContext {
    /// Shared by all clones.
    inner: Arc<Inner>,
}

/// What clones share.
struct Inner {
    /// For connections that resume nothing; the others clone it.
    config: Arc<ClientConfig>,
    /// Judges chains and names; the same one that `config` holds.
    verifier: Arc<ServerVerifier>,
    /// Certificates and keys of which the server must have one.
    pins: Option<Pins>,
    /// What the caller asks of the server's identity.
    check: Option<IdentityCheck>,
    /// Whether connections can derive secrets for other protocols.
    exporter: bool,
    /// Whether sessions may be kept at all: a client keeps them as tickets.
    tickets: bool,
    /// What connections of this context prove.
    domain: SecurityDomain,
    /// What a pool calls all that, for people to read.
    pool_name: Arc<PoolName>,
}

impl ClientContext {
    /// Makes the context of a client.
    pub(crate) fn new(choices: ClientChoices, name: PoolName) -> Result<Self, OptionError> {
        let domain = SecurityDomain::of_client(&choices);
        let settled = choices.settled;
        let verifier = Arc::new(ServerVerifier::new(VerifierRules {
            roots: choices.roots,
            crl: choices.crl,
            allow_partial_trust_chain: choices.allow_partial_trust_chain,
            common_name: choices.common_name,
            checks_name: choices.check.is_none(),
            algorithms: settled.provider().signature_verification_algorithms,
            reject: choices.reject_unauthorized,
        }));
        let builder = ClientConfig::builder_with_provider(Arc::clone(settled.provider()))
            .with_protocol_versions(settled.versions())
            .map_err(|error| unusable(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<_>);
        let mut config = match &choices.identity {
            Some(identity) => builder
                .with_client_cert_resolver(Arc::new(IdentityResolver::new(identity, &settled))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = choices.alpn_protocols;
        config.enable_sni = choices.send_servername;
        config.resumption = Resumption::disabled();
        // TLS 1.2 without extended master secret is taken, since older servers lack it: what it
        // endangers is renegotiation, which is never done here, and secrets that are derived for
        // other protocols (RFC 7627 §1, §5.4).
        config.require_ems = choices.exporter;
        // No early data: it can be replayed, and HTTP requests are not all safe (RFC 8470 §1).
        config.enable_early_data = false;
        Ok(Self {
            inner: Arc::new(Inner {
                config: Arc::new(config),
                verifier,
                pins: choices.pins,
                check: choices.check,
                exporter: choices.exporter,
                tickets: settled.tickets(),
                domain,
                pool_name: Arc::new(name),
            }),
        })
    }

    /// The configuration for rustls' client connections that keep their sessions in this store;
    /// without one nothing is resumed. With `key_log`, [`observe`](crate::observe) tells their key
    /// log lines.
    ///
    /// A connection keeps it as long as it lives.
    pub fn config(
        &self,
        sessions: Option<Arc<dyn ClientSessionStore>>,
        key_log: bool,
    ) -> Arc<ClientConfig> {
        let sessions = sessions.filter(|_| self.inner.tickets);
        if sessions.is_none() && !key_log {
            return Arc::clone(&self.inner.config);
        }
        let mut config = ClientConfig::clone(&self.inner.config);
        if let Some(sessions) = sessions {
            config.resumption = Resumption::store(sessions);
        }
        if key_log {
            config.key_log = Arc::new(ObservedKeyLog);
        }
        Arc::new(config)
    }

    /// What connections of this context prove: only those of equal domains may be shared.
    pub fn domain(&self) -> SecurityDomain {
        self.inner.domain
    }

    /// What a pool calls its options, for people to read.
    pub fn pool_name(&self) -> &Arc<PoolName> {
        &self.inner.pool_name
    }

    /// Whether its connections can derive secrets for other protocols.
    pub fn exports(&self) -> bool {
        self.inner.exporter
    }

    /// Judges the server's identity when the handshake is over and no octet of an application has
    /// passed, on full and on resumed handshakes alike.
    ///
    /// `name` is the one the connection was made with, `seen` what [`observe`](crate::observe)
    /// saw in all calls of the handshake. After a resumption, name, dates, revocation and pins are
    /// checked again; a session outlives none of them.
    ///
    /// # Errors
    ///
    /// The server is not who it should be, unless that is allowed; or the handshake is not over,
    /// or the connection does not tell its certificates.
    pub fn admit(
        &self,
        connection: &CommonState,
        name: &ServerName<'_>,
        seen: &Observation,
        now: UnixTime,
    ) -> Result<Admission, HandshakeError> {
        let kind = handshake_of(connection)?;
        let Some(chain @ [_, ..]) = connection.peer_certificates() else {
            return Err(HandshakeError::unproved(
                "the connection does not tell whom its server is",
            ));
        };
        let Inner {
            verifier,
            pins,
            check,
            ..
        } = &*self.inner;
        let mut verdict = match (kind, &seen.verdict) {
            (HandshakeKind::Resumed, _) => verifier.judge_resumed(chain, name, now).into(),
            (_, Some(verdict)) => verdict.clone(),
            // Nobody observed the call in which the certificate came: judged once more.
            (_, None) => verifier.judge(chain, name, now).into(),
        };
        let mut path = verifier.path(chain);
        if verdict.authorized() && path.is_none() {
            // Others have pushed it out of the verifier's memory since: it is found once more.
            verdict = verifier.judge(chain, name, now).into();
            path = verifier.path(chain);
        }
        let peer = Peer::judged(verdict, path.as_deref(), chain, pins.as_ref());
        match peer.verdict() {
            Some(Verdict::Unauthorized(diagnosis)) if verifier.rejects() => {
                Err(Refusal::from(diagnosis.clone()).into())
            }
            _ => Ok(Admission::new(peer, check.clone(), verifier.rejects())),
        }
    }
}

impl fmt::Debug for ClientContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientContext")
            .field("domain", &self.inner.domain)
            .field("verifier", &self.inner.verifier)
            .field("pins", &self.inner.pins)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
