//! Offers and demands that do not meet: what each of both sides calls it, in memory.
//!
//! What a server calls it goes to its log only, so the facade's own tests see the client's half.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ServerConnection};
use sealane_testkit::certificates::TestCa;
use sealane_tls::{
    ClientTlsOptions, HandshakeError, Identity, RequestCert, Roots, ServerTlsOptions,
    TlsParameters, TlsVersion, observe,
};

/// What both sides call a handshake that fails: the server's code, the client's, and its text.
fn failed(
    server: impl FnOnce(ServerTlsOptions) -> ServerTlsOptions,
    client: impl FnOnce(ClientTlsOptions) -> ClientTlsOptions,
) -> (&'static str, &'static str, String) {
    let ca = TestCa::new();
    let pem = ca.issue(&["localhost"]);
    let identity = Identity::from_pem(pem.chain_pem.as_bytes(), pem.key_pem.as_bytes()).unwrap();
    let server = server(ServerTlsOptions::new(identity)).build().unwrap();
    let roots = Roots::from_pem(ca.certificate_pem()).unwrap();
    let client = client(ClientTlsOptions::new().ca(roots)).build().unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(client.config(None, false), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server.server_config())).unwrap();

    let mut at_server = None;
    loop {
        let mut octets = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut octets).unwrap();
        }
        let mut rest = octets.as_slice();
        while !rest.is_empty() && at_server.is_none() {
            server.read_tls(&mut rest).unwrap();
            at_server = observe(|| server.process_new_packets()).0.err();
        }
        let mut octets = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut octets).unwrap();
        }
        assert!(!octets.is_empty(), "the server owes an answer");
        let mut rest = octets.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            if let Err(error) = observe(|| client.process_new_packets()).0 {
                let at_client = if client.is_handshaking() {
                    HandshakeError::at_client(&error)
                } else {
                    HandshakeError::from(&error)
                };
                let at_server = HandshakeError::from(at_server.expect("the server failed first"));
                return (at_server.code(), at_client.code(), at_client.to_string());
            }
        }
    }
}

/// Changes parameters of a server.
fn server(
    change: impl FnOnce(TlsParameters) -> TlsParameters,
) -> impl FnOnce(ServerTlsOptions) -> ServerTlsOptions {
    |options| options.parameters(change)
}

/// Changes parameters of a client.
fn client(
    change: impl FnOnce(TlsParameters) -> TlsParameters,
) -> impl FnOnce(ClientTlsOptions) -> ClientTlsOptions {
    |options| options.parameters(change)
}

#[test]
fn c136_versions_that_do_not_meet() {
    let (at_server, at_client, text) = failed(
        |it| it.min_version(TlsVersion::V1_3),
        |it| it.max_version(TlsVersion::V1_2),
    );
    assert_eq!(at_server, "ERR_SSL_UNSUPPORTED_PROTOCOL");
    assert_eq!(at_client, "EPROTO");
    assert!(text.contains("protocol_version (70)"), "{text}");
}

#[test]
fn c142_suites_that_do_not_meet() {
    let [one, other] = ["AES128", "AES256"].map(|name| format!("ECDHE-ECDSA-{name}-GCM"));
    let (at_server, at_client, text) = failed(
        server(|it| it.max_version(TlsVersion::V1_2).ciphers(one + "-SHA256")),
        client(|it| it.ciphers(other + "-SHA384")),
    );
    assert_eq!(at_server, "ERR_SSL_NO_SHARED_CIPHER");
    assert_eq!(at_client, "EPROTO");
    assert!(text.contains("handshake_failure (40)"), "{text}");
}

#[test]
fn c143_groups_that_are_unknown_or_do_not_meet() {
    let pem = TestCa::new().issue(&["localhost"]);
    let identity = Identity::from_pem(pem.chain_pem.as_bytes(), pem.key_pem.as_bytes()).unwrap();
    let unknown = ServerTlsOptions::new(identity).parameters(|it| it.ecdh_curve("unknown"));
    let error = unknown.build().unwrap_err();
    assert_eq!(error.code(), "ERR_CRYPTO_OPERATION_FAILED");
    assert!(
        error.to_string().contains("Failed to set ECDH curve"),
        "{error}"
    );
    for version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let (at_server, at_client, text) = failed(
            server(|it| it.ecdh_curve("P-384")),
            client(|it| it.ecdh_curve("P-521").max_version(version)),
        );
        assert_eq!(at_server, "ERR_SSL_NO_SUITABLE_KEY_SHARE", "{version:?}");
        assert_eq!(at_client, "EPROTO");
        assert!(text.contains("handshake_failure (40)"), "{text}");
    }
}

#[test]
fn c149_protocols_that_do_not_meet() {
    let (at_server, at_client, text) = failed(|it| it, |it| it.alpn_protocols(["h2"]));
    assert_eq!(at_server, "ERR_SSL_NO_APPLICATION_PROTOCOL");
    assert_eq!(at_client, "EPROTO");
    assert!(text.contains("no_application_protocol (120)"), "{text}");
}

#[test]
fn c183_a_client_without_the_certificate_that_is_required() {
    for (version, code) in [
        (
            TlsVersion::V1_3,
            "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
        ),
        (TlsVersion::V1_2, "EPROTO"),
    ] {
        let known = Roots::from_pem(TestCa::new().certificate_pem()).unwrap();
        let (at_server, at_client, text) = failed(
            |it| it.request_cert(RequestCert::Required).ca(known),
            client(|it| it.max_version(version)),
        );
        assert_eq!(at_server, "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE");
        assert_eq!(at_client, code, "{text}");
    }
}
