//! Does a context serve every kind of key in every version, and does each option do its work?

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::cipher_suite as suite;
use rustls::{AlertDescription, Error as TlsError};
use sealane_testkit::certificates::{KeyKind, TestCa};

use crate::pair::{Offer, Pair, connect, default_context, first_version, identity};
use crate::{HandshakeError, HandshakeErrorKind, SecureContext, ServerTlsOptions};
use crate::{TlsInfo, TlsVersion};

fn info(pair: &Pair) -> TlsInfo {
    assert_eq!((&pair.server_error, &pair.client_error), (&None, &None));
    TlsInfo::new(&pair.server, pair.servername.as_deref()).unwrap()
}

fn build(ca: &TestCa, change: impl FnOnce(ServerTlsOptions) -> ServerTlsOptions) -> SecureContext {
    change(ServerTlsOptions::new(identity(ca, KeyKind::P256)))
        .build()
        .unwrap()
}

#[test]
fn every_kind_of_key_serves_in_both_versions() {
    let ca = TestCa::new();
    for kind in KeyKind::ALL {
        let context = ServerTlsOptions::new(identity(&ca, kind)).build().unwrap();
        for (version, name) in [
            (&rustls::version::TLS13, "TLSv1.3"),
            (&rustls::version::TLS12, "TLSv1.2"),
        ] {
            let client = Offer {
                versions: vec![version],
                ..Offer::default()
            }
            .config(&ca);
            let pair = connect(&context, &client, "localhost");
            assert_eq!((info(&pair).protocol(), kind), (name, kind));
        }
    }
}

#[test]
fn a_chain_with_an_intermediate_is_sent_whole() {
    let root = TestCa::new();
    let pem = root.intermediate().issue(&["localhost"]);
    let identity = crate::Identity::from_pem(pem.chain_pem.as_bytes(), pem.key_pem.as_bytes());
    let context = ServerTlsOptions::new(identity.unwrap()).build().unwrap();
    let pair = connect(&context, &Offer::default().config(&root), "localhost");
    assert_eq!(info(&pair).protocol(), "TLSv1.3");
    assert_eq!(pair.client.peer_certificates().map(<[_]>::len), Some(2));
}

#[test]
fn an_x509_v1_certificate_is_served() {
    let context = ServerTlsOptions::new(first_version()).build().unwrap();
    let pair = connect(
        &context,
        &Offer::default().config(&TestCa::new()),
        "localhost",
    );
    // rustls' own verifier knows version 3 only: that it complains proves that v1 was sent.
    let refused = format!("{:?}", pair.client_error.unwrap());
    assert!(refused.contains("UnsupportedCertVersion"), "{refused}");
    assert_eq!(
        pair.server.handshake_kind(),
        Some(rustls::HandshakeKind::Full)
    );
}

#[test]
fn the_server_orders_the_suites_unless_told_otherwise() {
    let ca = TestCa::new();
    let client_order = || {
        vec![
            suite::TLS13_CHACHA20_POLY1305_SHA256,
            suite::TLS13_AES_256_GCM_SHA384,
            suite::TLS13_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        ]
    };
    for (honor, tls13, tls12) in [
        (
            true,
            "TLS_AES_128_GCM_SHA256",
            "ECDHE-ECDSA-AES128-GCM-SHA256",
        ),
        (
            false,
            "TLS_CHACHA20_POLY1305_SHA256",
            "ECDHE-ECDSA-CHACHA20-POLY1305",
        ),
    ] {
        let context = build(&ca, |options| {
            options.parameters(|it| it.honor_cipher_order(honor))
        });
        for (version, name) in [
            (&rustls::version::TLS13, tls13),
            (&rustls::version::TLS12, tls12),
        ] {
            let offer = Offer {
                suites: client_order(),
                versions: vec![version],
                ..Offer::default()
            };
            assert_eq!(
                info(&connect(&context, &offer.config(&ca), "localhost")).cipher(),
                name
            );
        }
    }
}

#[test]
fn application_protocols_are_agreed_or_refused() {
    let ca = TestCa::new();
    let context = default_context(&ca);
    let client = |alpn: &[&'static str]| {
        Offer {
            alpn: alpn.to_vec(),
            ..Offer::default()
        }
        .config(&ca)
    };

    let agreed = connect(&context, &client(&["h2", "http/1.1"]), "localhost");
    assert_eq!(info(&agreed).alpn(), Some("http/1.1"));
    for offer in [&["http/1.0", "http/1.1"][..], &["http/1.1", "http/1.0"]] {
        let newer = connect(&context, &client(offer), "localhost");
        assert_eq!(info(&newer).alpn(), Some("http/1.1"), "our order decides");
    }
    let old = connect(&context, &client(&["http/1.0"]), "localhost");
    assert_eq!(info(&old).alpn(), Some("http/1.0"));
    let none = connect(&context, &client(&[]), "localhost");
    assert_eq!(info(&none).alpn(), None);

    let refused = connect(&context, &client(&["h2"]), "localhost");
    assert_eq!(refused.server_error, Some(TlsError::NoApplicationProtocol));
    let alert = TlsError::AlertReceived(AlertDescription::NoApplicationProtocol);
    assert_eq!(refused.client_error, Some(alert));

    let ours_first = build(&ca, |options| options.alpn_protocols(["b", "a"]));
    let pair = connect(&ours_first, &client(&["a", "b"]), "localhost");
    assert_eq!(info(&pair).alpn(), Some("b"), "our order decides");
    let off = build(&ca, |options| options.alpn_protocols(Vec::<&str>::new()));
    assert_eq!(
        info(&connect(&off, &client(&["h2"]), "localhost")).alpn(),
        None
    );
}

#[test]
fn version_bounds_hold() {
    let ca = TestCa::new();
    let only_13 = build(&ca, |options| options.min_version(TlsVersion::V1_3));
    let old = Offer {
        versions: vec![&rustls::version::TLS12],
        ..Offer::default()
    }
    .config(&ca);
    let refused = connect(&only_13, &old, "localhost").server_error.unwrap();
    let refused = HandshakeError::from(&refused);
    assert_eq!(refused.kind(), HandshakeErrorKind::Version);
    assert_eq!(refused.code(), "ERR_SSL_UNSUPPORTED_PROTOCOL");

    let only_12 = build(&ca, |options| options.max_version(TlsVersion::V1_2));
    let pair = connect(&only_12, &Offer::default().config(&ca), "localhost");
    assert_eq!(info(&pair).protocol(), "TLSv1.2");
}

#[test]
fn tls_12_without_extended_master_secret_is_served() {
    let ca = TestCa::new();
    let client = Offer {
        versions: vec![&rustls::version::TLS12],
        ..Offer::default()
    };
    let name = "localhost".try_into().unwrap();
    let mut client = rustls::ClientConnection::new(client.config(&ca), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    // The extension is 23 and empty (RFC 7627 §5.1); 0x0a0a is reserved and ignored (RFC 8701).
    let extension = hello.windows(4).position(|octets| octets == [0, 23, 0, 0]);
    let at = extension.expect("the client offers it");
    hello[at..at + 2].copy_from_slice(&[0x0a, 0x0a]);

    let config = Arc::clone(default_context(&ca).server_config());
    let mut server = rustls::ServerConnection::new(config).unwrap();
    server.read_tls(&mut hello.as_slice()).unwrap();
    server.process_new_packets().unwrap();
    let answer = server
        .negotiated_cipher_suite()
        .map(|suite| suite.version().version);
    assert_eq!(answer, Some(rustls::ProtocolVersion::TLSv1_2));
}

#[test]
fn sessions_resume_across_connections_but_not_across_contexts() {
    let ca = TestCa::new();
    let context = default_context(&ca);
    let client = Offer::default().config(&ca);
    let first = connect(&context, &client, "localhost");
    assert!(!info(&first).resumed());
    assert_eq!(first.client.tls13_tickets_received(), 1);
    let second = connect(&context.clone(), &client, "localhost");
    assert!(info(&second).resumed());
    assert_eq!(info(&second).servername(), Some("localhost"));
    let elsewhere = connect(&default_context(&ca), &client, "localhost");
    assert!(
        !info(&elsewhere).resumed(),
        "another context has other ticket keys"
    );
}

#[test]
fn debug_shows_no_key_and_no_ticket_secret() {
    let ca = TestCa::new();
    let pem = ca.issue(&["localhost"]);
    let identity =
        crate::Identity::from_pem(pem.chain_pem.as_bytes(), pem.key_pem.as_bytes()).unwrap();
    let options = ServerTlsOptions::new(identity.clone());
    let context = options.clone().build().unwrap();
    let shown = format!("{identity:?} {options:?} {context:?}");
    assert!(shown.contains("localhost"), "{shown}");
    for line in pem.key_pem.lines().filter(|line| !line.starts_with('-')) {
        assert!(!shown.contains(line));
    }
    for word in ["PRIVATE", "ticketer", "secret", "0x", "CertificateDer"] {
        assert!(!shown.contains(word), "{word} in {shown}");
    }
}

#[test]
fn another_provider_seals_tickets_only_with_keys_that_were_given() {
    let ca = TestCa::new();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let options = ServerTlsOptions::new(identity(&ca, KeyKind::P256));
    let options = options.parameters(|it| it.crypto_provider(provider));
    let context = options.build().unwrap();
    let seals = |keys: &crate::TicketKeys| {
        let bound = context.bind(crate::Binding {
            ticket_keys: Some(keys),
            scope: "",
            key_log: false,
            exporter: false,
        });
        bound.server_config().ticketer.enabled()
    };
    assert!(!context.server_config().ticketer.enabled());
    assert!(!seals(&crate::TicketKeys::new().unwrap()));
    assert!(seals(&crate::TicketKeys::from_octets(&[7; 48]).unwrap()));
}
