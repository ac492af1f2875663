//! Is each peer shown what it accepts, and does a server with nothing to show say so?

use std::sync::Arc;

use rustls::{AlertDescription, Error as TlsError, PeerIncompatible, ServerConfig};
use rustls::{SignatureAlgorithm, SignatureScheme as Scheme, SupportedProtocolVersion};
use sealane_testkit::certificates::{KeyKind, TestCa};

use super::IdentityResolver;
use crate::HandshakeError;
use crate::pair::{Offer, Pair, connect_to, default_context, identity};
use crate::parameters::{Settled, TlsParameters};

fn handshake(
    ca: &TestCa,
    resolver: IdentityResolver,
    version: &'static SupportedProtocolVersion,
) -> Pair {
    let mut server = ServerConfig::clone(default_context(ca).server_config());
    server.cert_resolver = Arc::new(resolver);
    let offer = Offer {
        versions: vec![version],
        ..Offer::default()
    };
    connect_to(&Arc::new(server), &offer.config(ca), "localhost")
}

fn settled() -> Settled {
    TlsParameters::new().settle(rustls::Side::Server).unwrap()
}

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];

#[test]
fn c154_a_server_without_certificate_fails_each_handshake_by_name() {
    let ca = TestCa::new();
    for (version, code, error) in [
        (
            VERSIONS[0],
            "ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM",
            PeerIncompatible::NoSignatureSchemesInCommon,
        ),
        (
            VERSIONS[1],
            "ERR_SSL_NO_SHARED_CIPHER",
            PeerIncompatible::NoCipherSuitesInCommon,
        ),
    ] {
        let pair = handshake(&ca, IdentityResolver::without_identity(), version);
        let server = pair.server_error.unwrap();
        assert_eq!(server, TlsError::from(error));
        assert_eq!(HandshakeError::from(&server).code(), code);
        let alert = TlsError::AlertReceived(AlertDescription::HandshakeFailure);
        assert_eq!(pair.client_error, Some(alert), "{version:?}");
    }
}

#[test]
fn a_staple_is_put_on_the_pair_that_is_shown() {
    let ca = TestCa::new();
    let both = identity(&ca, KeyKind::Rsa2048).and(identity(&ca, KeyKind::P256));
    let resolver = IdentityResolver::new(&both, &settled());
    let ecdsa = [Scheme::ECDSA_NISTP256_SHA256];
    let stapling = resolver.stapling(&ecdsa, b"staple".to_vec());
    let staples = |resolver: &IdentityResolver| {
        let pairs = resolver.certified.iter();
        let pairs = pairs.map(|pair| (pair.key.algorithm(), pair.ocsp.clone()));
        pairs.collect::<Vec<_>>()
    };
    let (rsa, p256) = (SignatureAlgorithm::RSA, SignatureAlgorithm::ECDSA);
    let staple = || Some(b"staple".to_vec());
    assert_eq!(staples(&stapling), [(rsa, None), (p256, staple())]);
    assert_eq!(staples(&resolver), [(rsa, None), (p256, None)]);
    let first = resolver.clone().stapling_first(b"staple".to_vec());
    assert_eq!(staples(&first), [(rsa, staple()), (p256, None)]);
    let shown = resolver.certificate_for(&ecdsa).unwrap();
    assert_eq!(shown.raw(), &both.chains().nth(1).unwrap()[0][..]);
    assert_eq!(resolver.certificate_for(&[Scheme::ED25519]), None);
    for version in VERSIONS {
        let pair = handshake(&ca, first.clone(), version);
        assert_eq!((pair.server_error, pair.client_error), (None, None));
    }
}
