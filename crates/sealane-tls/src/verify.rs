//! Is the peer who it should be? Chain, then name, in this order, always (RFC 5280 §6, RFC 9525).
//!
//! Path building and signatures are rustls-webpki's; here stand the rules it leaves open, the kinds
//! of certificates it does not know, revocation, and the reasons in words. That the peer holds the
//! key of its certificate is checked whatever the options say. Servers are judged here, clients in
//! `client.rs`.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{DigitallySignedStruct, Error as TlsError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use self::judge::Judge;
use crate::error::Refusal;
use crate::peer::Verdict;
use crate::permissions::Purpose;
use crate::select::{note_ocsp_response, note_verdict};

/// Judges servers' certificates; one lives as long as its context.
pub(crate) struct ServerVerifier {
    /// Judges chains.
    judge: Judge,
}

impl ServerVerifier {
    /// Judges by these rules.
    pub(crate) fn new(rules: VerifierRules) -> Self {
        Self {
            judge: Judge::new(rules, Purpose::Server),
        }
    }

    /// Whether a judgement against the server ends the connection.
    pub(crate) fn rejects(&self) -> bool {
        self.judge.rules.reject
    }

    /// Judges a chain as a server sent it, end-entity certificate first.
    pub(crate) fn judge(
        &self,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let judged = self.judge.chain(chain, now);
        self.then_name(judged, chain, name, now)
    }

    /// Judges the chain of a session that was resumed: the name again, the dates, and revocation.
    pub(crate) fn judge_resumed(
        &self,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let judged = self.judge.resumed(chain, now);
        self.then_name(judged, chain, name, now)
    }

    /// The verified path of a chain as the server sent it, up to and including the trust anchor;
    /// `None` when the chain was not believed. The name is not asked.
    pub(crate) fn path(
        &self,
        chain: &[CertificateDer<'_>],
    ) -> Option<Arc<[CertificateDer<'static>]>> {
        self.judge.path(chain)
    }

    /// The name, when the chain is believed; and what was found, when either is not.
    fn then_name(
        &self,
        judged: Result<(), Refusal>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let rules = &self.judge.rules;
        let named = |()| match chain {
            [end_entity, ..] if rules.checks_name => {
                names::check(end_entity, name, &rules.roots, rules.common_name)
            }
            _ => Ok(()),
        };
        judged.and_then(named).map_err(|refusal| {
            let wanted = rules.checks_name.then(|| show::wanted(name));
            self.judge.explained(refusal, chain, wanted, now)
        })
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let chain = judge::as_sent(end_entity, intermediates);
        let judged = self.judge(&chain, name, now);
        note_verdict(&Verdict::from(judged.clone()));
        note_ocsp_response(ocsp_response);
        match judged {
            Err(refusal) if self.rejects() => Err(refusal.into()),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        signature::of_tls12(message, certificate, signed, &self.judge.rules.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        signature::of_tls13(message, certificate, signed, &self.judge.rules.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.rules.algorithms.supported_schemes()
    }
}

impl fmt::Debug for ServerVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerVerifier")
            .field("rules", &self.judge.rules)
            .finish_non_exhaustive()
    }
}

mod chain;
mod client;
mod diagnosis;
mod evidence;
mod first_version;
mod judge;
mod names;
mod own_anchor;
mod paths;
mod reachable;
mod revoked;
mod show;
mod signature;

pub(crate) use client::ClientVerifier;
pub(crate) use judge::VerifierRules;

#[cfg(test)]
mod tests;
