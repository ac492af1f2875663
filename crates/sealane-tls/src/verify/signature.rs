//! Did this key sign this certificate, or this handshake?
//!
//! Handshakes are rustls' business, but it takes the key only from certificates that webpki reads.
//! One of version 1, or with a rule that nobody knows, may be believed nevertheless: as its own
//! anchor, or because the options say so. Its key is taken here, and the proof is asked all the
//! same.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::{CertificateError, DigitallySignedStruct, Error as TlsError, PeerMisbehaved};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use webpki::{EndEntityCert, RawPublicKeyEntity};
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::public_key::PublicKey;

use super::show;
use crate::error::Refusal;

/// How signatures are checked.
pub(super) type Algorithms<'a> = &'a [&'a dyn SignatureVerificationAlgorithm];

/// Whether the issuer's key made the signature of a certificate, by an algorithm we support and
/// with a key that is long enough for it (RSA from 2048 bits).
pub(super) fn holds(
    signed: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
    algorithms: Algorithms<'_>,
) -> bool {
    let message = signed.tbs_certificate.as_ref();
    let oid = signed.signature_algorithm.algorithm.as_bytes();
    let proof = (message, oid, signed.signature_value.data.as_ref());
    is_by_key_of(proof, issuer, algorithms)
}

/// The same for anything that is signed: the octets, the algorithm's object identifier as in DER,
/// and the signature.
pub(super) fn is_by_key_of(
    (message, oid, signature): (&[u8], &[u8], &[u8]),
    issuer: &X509Certificate<'_>,
    algorithms: Algorithms<'_>,
) -> bool {
    let key = SubjectPublicKeyInfoDer::from(issuer.public_key().raw);
    let Ok(key) = RawPublicKeyEntity::try_from(&key) else {
        return false;
    };
    supported(oid, algorithms)
        .any(|algorithm| key.verify_signature(*algorithm, message, signature).is_ok())
}

/// Whether any algorithm we support is the one a certificate names for its signature.
pub(super) fn is_supported(signed: &X509Certificate<'_>, algorithms: Algorithms<'_>) -> bool {
    let oid = signed.signature_algorithm.algorithm.as_bytes();
    supported(oid, algorithms).next().is_some()
}

/// The public key of a certificate, whatever else the certificate says.
fn key_of<'a>(
    certificate: &'a CertificateDer<'_>,
) -> Result<SubjectPublicKeyInfoDer<'a>, TlsError> {
    match X509Certificate::from_der(certificate) {
        Ok(([], read)) => Ok(SubjectPublicKeyInfoDer::from(
            read.tbs_certificate.subject_pki.raw,
        )),
        _ => Err(CertificateError::BadEncoding.into()),
    }
}

/// Checks the signature of a TLS 1.2 handshake, whether webpki reads the certificate or not.
pub(super) fn of_tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    supported: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, TlsError> {
    let verified = match EndEntityCert::try_from(certificate) {
        Ok(_) => verify_tls12_signature(message, certificate, signed, supported),
        Err(_) => of_handshake(message, certificate, signed, supported),
    };
    verified.map_err(|error| explained(error, certificate))
}

/// Checks the signature of a TLS 1.3 handshake, whether webpki reads the certificate or not.
pub(super) fn of_tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    supported: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, TlsError> {
    let verified = match EndEntityCert::try_from(certificate) {
        Ok(_) => verify_tls13_signature(message, certificate, signed, supported),
        Err(_) => key_of(certificate)
            .and_then(|key| verify_tls13_signature_with_raw_key(message, &key, signed, supported)),
    };
    verified.map_err(|error| explained(error, certificate))
}

/// Checks the signature of a TLS 1.2 handshake (RFC 5246 §7.4.3) by a certificate's key.
///
/// A scheme of TLS 1.2 leaves the curve open, so each algorithm that the scheme may mean is tried;
/// one that is for another kind of key says no.
fn of_handshake(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    supported: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, TlsError> {
    let mut schemes = supported.mapping.iter();
    let Some((_, algorithms)) = schemes.find(|(scheme, _)| *scheme == signed.scheme) else {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    };
    let key = key_of(certificate)?;
    let key = RawPublicKeyEntity::try_from(&key)
        .map_err(|_| TlsError::from(CertificateError::BadEncoding))?;
    let holds = |algorithm: &&dyn SignatureVerificationAlgorithm| {
        key.verify_signature(*algorithm, message, signed.signature())
            .is_ok()
    };
    match algorithms.iter().any(holds) {
        true => Ok(HandshakeSignatureValid::assertion()),
        false => Err(CertificateError::BadSignature.into()),
    }
}

/// An error of a handshake's signature, with a better reason when the key is too short to be
/// looked at: the library calls that a bad signature.
fn explained(error: TlsError, certificate: &CertificateDer<'_>) -> TlsError {
    match X509Certificate::from_der(certificate) {
        Ok((_, read)) => check_key(&read).map_or_else(Into::into, |()| error),
        Err(_) => error,
    }
}

/// Checks that a peer's key is long enough: RSA from 2048 bits (RFC 9325 §4.5). Other kinds have
/// one length.
pub(super) fn check_key(certificate: &X509Certificate<'_>) -> Result<(), Refusal> {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) if key.key_size() < MIN_RSA_BITS => Err(Refusal::new(
            "EE_KEY_TOO_SMALL",
            format!(
                "ee key too small: {} has an RSA key of {} bits, {MIN_RSA_BITS} are required",
                show::subject(certificate),
                key.key_size()
            ),
        )),
        _ => Ok(()),
    }
}

/// Bits an RSA key must have: what public authorities issue, and what webpki's algorithms take.
const MIN_RSA_BITS: usize = 2048;

/// The algorithms that a signature may be by: one per kind of key.
fn supported<'a>(
    oid: &[u8],
    algorithms: Algorithms<'a>,
) -> impl Iterator<Item = &'a &'a dyn SignatureVerificationAlgorithm> {
    algorithms.iter().filter(move |algorithm| {
        // An AlgorithmIdentifier begins with its object identifier: tag, length, content.
        let id = algorithm.signature_alg_id();
        id.as_ref().get(2..2 + oid.len()) == Some(oid)
            && id.as_ref().get(1).map(|length| usize::from(*length)) == Some(oid.len())
    })
}
