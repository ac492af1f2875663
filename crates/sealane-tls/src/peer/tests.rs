//! Are the facts those that both ends agreed on, under the names users know?

use rustls::crypto::aws_lc_rs::cipher_suite as suite;
use sealane_testkit::certificates::{KeyKind, TestCa};

use super::{TlsInfo, alpn_name, cipher_name, group_name};
use crate::ServerTlsOptions;
use crate::pair::{Offer, connect, default_context, identity};

#[test]
fn nothing_is_told_before_the_handshake_is_over() {
    let context = default_context(&TestCa::new());
    let server = rustls::ServerConnection::new(context.server_config().clone()).unwrap();
    assert_eq!(TlsInfo::new(&server, None), None);
}

#[test]
fn tls_1_3_full_and_resumed() {
    let ca = TestCa::new();
    let (context, client) = (default_context(&ca), Offer::default().config(&ca));
    for resumed in [false, true] {
        let pair = connect(&context, &client, "localhost");
        let info = TlsInfo::new(&pair.server, pair.servername.as_deref()).unwrap();
        assert_eq!(info.protocol(), "TLSv1.3");
        assert_eq!(info.cipher(), "TLS_AES_128_GCM_SHA256");
        assert_eq!(info.group(), Some("x25519"));
        assert_eq!(info.alpn(), Some("http/1.1"));
        assert_eq!(info.servername(), Some("localhost"));
        assert_eq!(info.resumed(), resumed);
    }
}

#[test]
fn tls_1_2_full_and_resumed_with_each_kind_of_suite() {
    let ca = TestCa::new();
    for (kind, name) in [
        (KeyKind::P256, "ECDHE-ECDSA-AES128-GCM-SHA256"),
        (KeyKind::Rsa2048, "ECDHE-RSA-AES128-GCM-SHA256"),
    ] {
        let context = ServerTlsOptions::new(identity(&ca, kind)).build().unwrap();
        let versions = vec![&rustls::version::TLS12];
        let client = Offer {
            versions,
            alpn: Vec::new(),
            ..Offer::default()
        }
        .config(&ca);
        for (resumed, group) in [(false, Some("x25519")), (true, None)] {
            let pair = connect(&context, &client, "localhost");
            let info = TlsInfo::new(&pair.server, None).unwrap();
            assert_eq!((info.protocol(), info.cipher()), ("TLSv1.2", name));
            assert_eq!((info.resumed(), info.group()), (resumed, group));
            assert_eq!((info.alpn(), info.servername()), (None, None));
        }
    }
}

#[test]
fn every_suite_and_group_we_offer_has_a_name_of_its_own() {
    let mut names: Vec<_> = rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES
        .iter()
        .map(|suite| cipher_name(suite.suite()))
        .collect();
    assert!(
        names
            .iter()
            .all(|name| !name.starts_with("TLS13") && *name != "unknown")
    );
    names.sort_unstable();
    names.dedup();
    assert_eq!(
        names.len(),
        rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES.len()
    );
    assert_eq!(
        cipher_name(suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256.suite()),
        "ECDHE-RSA-CHACHA20-POLY1305"
    );
    let groups = rustls::crypto::aws_lc_rs::DEFAULT_KX_GROUPS;
    let groups: Vec<_> = groups
        .iter()
        .map(|group| group_name(group.name()))
        .collect();
    assert_eq!(
        groups,
        ["x25519", "secp256r1", "secp384r1", "X25519MLKEM768"]
    );
}

#[test]
fn a_protocol_name_that_is_not_ascii_is_shown_octet_by_octet() {
    assert_eq!(alpn_name(b"http/1.1"), "http/1.1");
    assert_eq!(alpn_name(&[b'a', 0xe9]), "a\u{e9}");
}
