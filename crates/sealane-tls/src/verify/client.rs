//! Is the client who it should be? Its chain, for a client has no name that could be wanted.
//!
//! The mirror of a server's judgement, by the same rules: what a client's certificate must have in
//! place of a server's is the purpose. Who the client is then, is for the caller to read from the
//! certificate.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error as TlsError, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::judge::{self, Judge, VerifierRules};
use super::signature;
use crate::error::Refusal;
use crate::peer::Verdict;
use crate::permissions::Purpose;
use crate::select::note_verdict;

/// Judges clients' certificates; one lives as long as its context.
pub(crate) struct ClientVerifier {
    /// Judges chains.
    judge: Judge,
    /// Whether a client without a certificate is refused.
    required: bool,
    /// The names of the authorities that are believed, told to clients so that they can choose.
    hints: Vec<DistinguishedName>,
}

impl ClientVerifier {
    /// Judges by these rules, of which those about names mean nothing; `required` says whether a
    /// client without a certificate is refused.
    pub(crate) fn new(rules: VerifierRules, required: bool) -> Self {
        let anchors = rules
            .roots
            .anchors(Purpose::Client, rules.allow_partial_trust_chain);
        // One that was renewed has its name twice.
        let mut known = HashSet::new();
        let once = anchors
            .iter()
            .filter(|it| known.insert(it.subject.as_ref()));
        let hints = once.map(|it| DistinguishedName::in_sequence(&it.subject));
        let hints = hints.collect();
        Self {
            judge: Judge::new(rules, Purpose::Client),
            required,
            hints,
        }
    }

    /// Whether a judgement against the client ends the connection.
    pub(crate) fn rejects(&self) -> bool {
        self.judge.rules.reject
    }

    /// Judges a chain as a client sent it, end-entity certificate first.
    pub(crate) fn judge(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Refusal> {
        let judged = self.judge.chain(chain, now);
        judged.map_err(|refusal| self.judge.explained(refusal, chain, None, now))
    }

    /// Judges the chain of a session that was resumed: dates and revocation again.
    pub(crate) fn judge_resumed(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let judged = self.judge.resumed(chain, now);
        judged.map_err(|refusal| self.judge.explained(refusal, chain, None, now))
    }

    /// The verified path of a chain as the client sent it, up to and including the trust anchor;
    /// `None` when the chain was not believed.
    pub(crate) fn path(
        &self,
        chain: &[CertificateDer<'_>],
    ) -> Option<Arc<[CertificateDer<'static>]>> {
        self.judge.path(chain)
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        let chain = judge::as_sent(end_entity, intermediates);
        let judged = self.judge(&chain, now);
        note_verdict(&Verdict::from(judged.clone()));
        match judged {
            Err(refusal) if self.rejects() => Err(refusal.into()),
            _ => Ok(ClientCertVerified::assertion()),
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

impl fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientVerifier")
            .field("rules", &self.judge.rules)
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
