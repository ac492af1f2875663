//! One question: did this key sign this certificate?

use rustls_pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use webpki::RawPublicKeyEntity;
use x509_parser::certificate::X509Certificate;

/// How signatures are checked.
pub(super) type Algorithms<'a> = &'a [&'a dyn SignatureVerificationAlgorithm];

/// Whether the issuer's key made the signature of a certificate, by an algorithm we support and
/// with a key that is long enough for it (RSA from 2048 bits).
pub(super) fn holds(
    signed: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
    algorithms: Algorithms<'_>,
) -> bool {
    let key = SubjectPublicKeyInfoDer::from(issuer.public_key().raw);
    let Ok(key) = RawPublicKeyEntity::try_from(&key) else {
        return false;
    };
    let message = signed.tbs_certificate.as_ref();
    let signature = signed.signature_value.data.as_ref();
    supported(signed, algorithms)
        .any(|algorithm| key.verify_signature(*algorithm, message, signature).is_ok())
}

/// Whether any algorithm we support is the one a certificate names for its signature.
pub(super) fn is_supported(signed: &X509Certificate<'_>, algorithms: Algorithms<'_>) -> bool {
    supported(signed, algorithms).next().is_some()
}

/// The algorithms that a certificate's signature may be by: one per kind of key.
fn supported<'a>(
    signed: &X509Certificate<'_>,
    algorithms: Algorithms<'a>,
) -> impl Iterator<Item = &'a &'a dyn SignatureVerificationAlgorithm> {
    let oid = signed.signature_algorithm.algorithm.as_bytes().to_vec();
    algorithms.iter().filter(move |algorithm| {
        // An AlgorithmIdentifier begins with its object identifier: tag, length, content.
        let id = algorithm.signature_alg_id();
        id.as_ref().get(2..2 + oid.len()) == Some(oid.as_slice())
            && id.as_ref().get(1).map(|length| usize::from(*length)) == Some(oid.len())
    })
}
