//! Is the server who it should be? Chain, then name, in this order, always (RFC 5280 §6, RFC 9525).
//!
//! Path building and signatures are rustls-webpki's; here stand the rules it leaves open, the one
//! kind of anchor it does not know, and the reasons in words. That the server holds the key of its
//! certificate is checked whatever the options say.

use std::fmt;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::{DigitallySignedStruct, Error as TlsError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::EndEntityCert;

use crate::error::Refusal;
use crate::peer::Verdict;
use crate::select::note_verdict;
use crate::trust::Roots;

/// Judges servers' certificates; one lives as long as its context.
pub(crate) struct ServerVerifier {
    /// Whom to believe.
    roots: Roots,
    /// How signatures are checked.
    algorithms: WebPkiSupportedAlgorithms,
    /// Whether a judgement against the server ends the handshake.
    reject: bool,
}

impl ServerVerifier {
    /// Believes these anchors; `reject` says whether everyone else is refused.
    pub(crate) fn new(roots: Roots, algorithms: WebPkiSupportedAlgorithms, reject: bool) -> Self {
        Self {
            roots,
            algorithms,
            reject,
        }
    }

    /// Whether a judgement against the server ends the connection.
    pub(crate) fn rejects(&self) -> bool {
        self.reject
    }

    /// Judges a chain as a server sent it, end-entity certificate first.
    pub(crate) fn judge(
        &self,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        match chain {
            [] => Err(Refusal::new(
                "CERT_REJECTED",
                "the server sent no certificate",
            )),
            [end_entity, intermediates @ ..] => {
                self.judge_parts(end_entity, intermediates, name, now)
            }
        }
    }

    /// Judges the chain of a session that was resumed: the name again, and the dates.
    ///
    /// Signatures and purposes cannot have changed since the handshake that made the session. They
    /// are checked again all the same when some date has passed, for there may be another path, and
    /// when that handshake was allowed to fail.
    pub(crate) fn judge_resumed(
        &self,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        match chain {
            [end_entity, ..] if self.reject && chain::all_current(chain, now) => {
                names::check(end_entity, name, &self.roots)
            }
            _ => self.judge(chain, name, now),
        }
    }

    /// Chain, then name.
    fn judge_parts(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Refusal> {
        let parts = chain::Parts {
            end_entity,
            intermediates,
            roots: &self.roots,
            algorithms: self.algorithms.all,
            now,
        };
        parts.check()?;
        names::check(end_entity, name, &self.roots)
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let judged = self.judge_parts(end_entity, intermediates, name, now);
        note_verdict(&Verdict::from(judged.clone()));
        match judged {
            Err(refusal) if self.reject => Err(refusal.into()),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let verified = match EndEntityCert::try_from(certificate) {
            Ok(_) => verify_tls12_signature(message, certificate, signed, &self.algorithms),
            Err(_) => signature::of_handshake(message, certificate, signed, &self.algorithms),
        };
        verified.map_err(|error| signature::explained(error, certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let verified = match EndEntityCert::try_from(certificate) {
            Ok(_) => verify_tls13_signature(message, certificate, signed, &self.algorithms),
            Err(_) => signature::key_of(certificate).and_then(|key| {
                verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
            }),
        };
        verified.map_err(|error| signature::explained(error, certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for ServerVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerVerifier")
            .field("roots", &self.roots)
            .field("reject", &self.reject)
            .finish_non_exhaustive()
    }
}

mod chain;
mod diagnosis;
mod names;
mod own_anchor;
mod reachable;
mod show;
mod signature;

#[cfg(test)]
mod tests;
