//! Does the gate judge full and resumed handshakes, and say why?

use core::time::Duration;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, Error as TlsError, HandshakeKind};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sealane_testkit::certificates::{KeyKind, PemIdentity, Template, TestCa};

use super::ClientContext;
use crate::crypto::Crypto;
use crate::pair::{Pair, connect, connect_to, default_context, first_version, identity};
use crate::{
    ClientTlsOptions, Diagnosis, HandshakeError, HandshakeErrorKind, Identity, Observation, Roots,
    SecureContext, ServerTlsOptions, SessionCache, Side, TlsInfo, TlsVersion, Verdict,
};

/// A moment so many years after 1970, roughly; in 57 all test certificates are valid.
fn year(years: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(years * 31_557_600))
}

fn name(host: &str) -> ServerName<'static> {
    crate::reference_name(host).unwrap()
}

fn trusting(ca: &TestCa) -> ClientTlsOptions {
    ClientTlsOptions::new().ca(Roots::from_der([ca.certificate_der()]).unwrap())
}

fn serving(pem: &PemIdentity) -> SecureContext {
    let identity = Identity::from_pem(pem.chain_pem.as_bytes(), pem.key_pem.as_bytes());
    ServerTlsOptions::new(identity.unwrap()).build().unwrap()
}

fn admit(client: &ClientContext, pair: &Pair, host: &str, now: UnixTime) -> Judged {
    let admission = client.admit(&pair.client, &name(host), &pair.seen, now)?;
    Ok(admission.peer().clone())
}

type Judged = Result<crate::Peer, HandshakeError>;

/// A full connection, then a resumed one, that share a store.
fn full_and_resumed(server: &SecureContext, client: &ClientContext, host: &str) -> [Pair; 2] {
    let cache = SessionCache::new(1);
    let connect = || connect(server, &client.config(Some(cache.store(())), false), host);
    let pairs = [connect(), connect()];
    for (pair, kind) in pairs
        .iter()
        .zip([HandshakeKind::Full, HandshakeKind::Resumed])
    {
        assert_eq!(
            (&pair.client_error, pair.client.handshake_kind()),
            (&None, Some(kind))
        );
    }
    pairs
}

const VERSIONS: [TlsVersion; 2] = [TlsVersion::V1_2, TlsVersion::V1_3];

#[test]
fn a_good_server_is_admitted_fully_and_resumed() {
    let ca = TestCa::new();
    let server = default_context(&ca);
    for version in VERSIONS {
        let options = trusting(&ca).min_version(version).max_version(version);
        let client = options.build().unwrap();
        for pair in full_and_resumed(&server, &client, "localhost") {
            let peer = admit(&client, &pair, "localhost", year(57)).unwrap();
            let verdict = peer.verdict().unwrap().clone();
            assert_eq!(verdict, Verdict::Authorized);
            assert_eq!((verdict.code(), verdict.text()), (None, None));
            let info = TlsInfo::new(&pair.client, None).unwrap();
            assert_eq!(
                (info.authorized(), info.authorization_error()),
                (false, None)
            );
            let info = info.with_peer(&peer);
            assert_eq!(
                (info.authorized(), info.authorization_error()),
                (true, None)
            );
            assert_eq!(
                (info.protocol(), info.alpn()),
                (version.name(), Some("http/1.1"))
            );
        }
    }
}

#[test]
fn a_session_outlives_neither_its_name_nor_its_dates() {
    let ca = TestCa::new();
    let server = default_context(&ca);
    for version in VERSIONS {
        let options = trusting(&ca).min_version(version).max_version(version);
        let client = options.build().unwrap();
        let [_, resumed] = full_and_resumed(&server, &client, "localhost");
        let code = |host, now| admit(&client, &resumed, host, now).unwrap_err().code();
        assert_eq!(
            code("other.example", year(57)),
            "ERR_TLS_CERT_ALTNAME_INVALID"
        );
        assert_eq!(code("localhost", year(81)), "CERT_HAS_EXPIRED");
        assert_eq!(code("localhost", year(29)), "CERT_NOT_YET_VALID");
    }
}

#[test]
fn what_nobody_observed_is_judged_again() {
    let ca = TestCa::new();
    let client = trusting(&ca).build().unwrap();
    let pair = connect(
        &default_context(&ca),
        &client.config(None, false),
        "localhost",
    );
    assert_eq!(pair.seen.verdict, Some(Verdict::Authorized));
    let blind = Observation::default();
    let judge = |host: &str| client.admit(&pair.client, &name(host), &blind, year(57));
    assert!(judge("localhost").unwrap().peer().authorized());
    assert_eq!(
        judge("elsewhere").unwrap_err().code(),
        "ERR_TLS_CERT_ALTNAME_INVALID"
    );
    // What was observed counts, whoever asks.
    let mut seen = pair.seen.clone();
    seen.add(Observation {
        verdict: Some(Verdict::Unauthorized(Diagnosis::new(
            "CERT_REVOKED",
            "as seen",
        ))),
        ..Observation::default()
    });
    let refused = client.admit(&pair.client, &name("localhost"), &seen, year(57));
    assert_eq!(refused.unwrap_err().code(), "CERT_REVOKED");
}

#[test]
fn nothing_is_admitted_before_the_handshake_is_over() {
    let ca = TestCa::new();
    let client = trusting(&ca).build().unwrap();
    let fresh =
        rustls::ClientConnection::new(client.config(None, false), name("localhost")).unwrap();
    let seen = Observation {
        verdict: Some(Verdict::Authorized),
        ..Observation::default()
    };
    let error = client
        .admit(&fresh, &name("localhost"), &seen, year(57))
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.side()),
        (HandshakeErrorKind::Internal, Side::Local)
    );
}

#[test]
fn a_refusal_ends_the_handshake_and_keeps_its_reason() {
    let ca = TestCa::new();
    let client = trusting(&TestCa::new()).build().unwrap();
    let pair = connect(
        &default_context(&ca),
        &client.config(None, false),
        "localhost",
    );
    let error = HandshakeError::at_client(pair.client_error.as_ref().unwrap());
    assert_eq!(error.kind(), HandshakeErrorKind::Certificate);
    assert_eq!(error.code(), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    assert_eq!(error.side(), Side::Remote);
    assert!(
        error.to_string().contains("\"CN=Sealane test root\""),
        "{error}"
    );
    assert_eq!(pair.seen.verdict.unwrap().code(), Some(error.code()));
    // The server learns that it was the certificate.
    let alert = HandshakeError::from(pair.server_error.unwrap());
    assert_eq!(alert.code(), "ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN");
}

#[test]
fn whoever_does_not_reject_is_told_all_the_same() {
    let ca = TestCa::new();
    for (template, host, code) in [
        (
            Template::server(&["localhost"]),
            "localhost",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        ),
        (
            Template::server(&["localhost"]).between((2000, 1, 1), (2001, 1, 1)),
            "localhost",
            "CERT_HAS_EXPIRED",
        ),
    ] {
        let server = serving(&ca.issue_like(&template));
        let client = trusting(&TestCa::new())
            .reject_unauthorized(false)
            .build()
            .unwrap();
        for pair in full_and_resumed(&server, &client, host) {
            let peer = admit(&client, &pair, host, year(57)).unwrap();
            let verdict = peer.verdict().unwrap().clone();
            assert_eq!((verdict.authorized(), verdict.code()), (false, Some(code)));
            assert!(verdict.text().is_some());
            let info = TlsInfo::new(&pair.client, None).unwrap().with_peer(&peer);
            assert_eq!(
                (info.authorized(), info.authorization_error()),
                (false, Some(code))
            );
        }
    }
    let client = trusting(&ca).reject_unauthorized(false).build().unwrap();
    for pair in full_and_resumed(&default_context(&ca), &client, "elsewhere") {
        let peer = admit(&client, &pair, "elsewhere", year(57)).unwrap();
        let verdict = peer.verdict().unwrap().clone();
        assert_eq!(verdict.code(), Some("ERR_TLS_CERT_ALTNAME_INVALID"));
    }
    for pair in full_and_resumed(&default_context(&ca), &client, "localhost") {
        let peer = admit(&client, &pair, "localhost", year(57)).unwrap();
        let verdict = peer.verdict().unwrap().clone();
        assert_eq!(
            verdict,
            Verdict::Authorized,
            "whoever proves it is believed"
        );
    }
}

#[test]
fn a_server_without_the_key_is_refused_whatever_is_allowed() {
    let ca = TestCa::new();
    let (theirs, own) = (identity(&ca, KeyKind::P256), identity(&ca, KeyKind::P256));
    let stolen = CertifiedKey::new(
        theirs.chain().to_vec(),
        Arc::clone(&own.certified().next().unwrap().key),
    );
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(stolen)));
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    let server = Arc::new(server);
    for version in VERSIONS {
        for reject in [true, false] {
            let options = trusting(&ca).min_version(version).max_version(version);
            let client = options.reject_unauthorized(reject).build().unwrap();
            let pair = connect_to(&server, &client.config(None, false), "localhost");
            let error = pair.client_error.as_ref().unwrap();
            let forged = TlsError::InvalidCertificate(CertificateError::BadSignature);
            assert_eq!(
                (error, pair.seen.verdict),
                (&forged, Some(Verdict::Authorized))
            );
            assert_eq!(
                HandshakeError::at_client(error).code(),
                "CERT_SIGNATURE_FAILURE"
            );
        }
    }
}

#[test]
fn a_given_certificate_serves_over_tls_although_it_says_it_is_an_authority() {
    let pem = Template::server(&[])
        .common_name("localhost")
        .says_authority(true)
        .self_signed();
    let roots = Roots::from_pem(&pem.chain_pem).unwrap();
    let client = ClientTlsOptions::new().ca(roots).build().unwrap();
    for pair in full_and_resumed(&serving(&pem), &client, "localhost") {
        let peer = admit(&client, &pair, "localhost", year(57)).unwrap();
        let verdict = peer.verdict().unwrap().clone();
        assert_eq!(verdict, Verdict::Authorized);
        let other = admit(&client, &pair, "other.example", year(57));
        assert_eq!(
            other.is_err(),
            pair.seen.verdict.is_none(),
            "checked again when resumed"
        );
    }
}

#[test]
fn the_server_name_is_sent_unless_told_otherwise() {
    let ca = TestCa::new();
    let server = serving(&ca.issue(&["localhost", "127.0.0.1"]));
    let asked = |options: ClientTlsOptions, host: &str| {
        let pair = connect(&server, &options.build().unwrap().config(None, false), host);
        assert_eq!(pair.client_error, None);
        pair.servername
    };
    assert_eq!(
        asked(trusting(&ca), "localhost").as_deref(),
        Some("localhost")
    );
    assert_eq!(asked(trusting(&ca), "127.0.0.1"), None);
    assert_eq!(
        asked(trusting(&ca).send_servername(false), "localhost"),
        None
    );
}

#[test]
fn offered_protocols_are_agreed_or_refused() {
    let ca = TestCa::new();
    let server = default_context(&ca);
    let met = |options: ClientTlsOptions| {
        connect(
            &server,
            &options.build().unwrap().config(None, false),
            "localhost",
        )
    };
    let alpn = |pair: &Pair| pair.client.alpn_protocol().map(<[u8]>::to_vec);
    assert_eq!(alpn(&met(trusting(&ca))), Some(b"http/1.1".to_vec()));
    let old = met(trusting(&ca).alpn_protocols(["h2", "http/1.0"]));
    assert_eq!(alpn(&old), Some(b"http/1.0".to_vec()));
    let none: [&str; 0] = [];
    let silent = met(trusting(&ca).alpn_protocols(none));
    assert_eq!((alpn(&silent), &silent.client_error), (None, &None));

    let refused = met(trusting(&ca).alpn_protocols(["h2"]))
        .client_error
        .unwrap();
    let error = HandshakeError::at_client(&refused);
    assert_eq!(
        (error.kind(), error.code()),
        (HandshakeErrorKind::Alert, "EPROTO")
    );
    assert!(
        error.to_string().contains("no_application_protocol (120)"),
        "{error}"
    );
}

#[test]
fn versions_without_overlap_end_in_an_alert() {
    let ca = TestCa::new();
    let server = ServerTlsOptions::new(identity(&ca, KeyKind::P256))
        .min_version(TlsVersion::V1_3)
        .build()
        .unwrap();
    let client = trusting(&ca).max_version(TlsVersion::V1_2).build().unwrap();
    let pair = connect(&server, &client.config(None, false), "localhost");
    let error = HandshakeError::at_client(pair.client_error.as_ref().unwrap());
    assert_eq!(
        (error.code(), error.kind()),
        ("EPROTO", HandshakeErrorKind::Alert)
    );
    assert!(
        error.to_string().contains("protocol_version (70)"),
        "{error}"
    );
}

/// A server that wants a certificate of this authority from every client.
fn demanding(ca: &TestCa) -> Arc<ServerConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(ca.certificate_der().to_vec()))
        .unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .unwrap();
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(
            identity(ca, KeyKind::P256).certified().next().unwrap(),
        )));
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(server)
}

#[test]
fn the_own_certificate_is_sent_to_a_server_that_asks() {
    let ca = TestCa::new();
    let server = demanding(&ca);
    let pem = ca.issue_like(&Template::server(&["client"]).for_clients());
    let who = Identity::from_pem(pem.chain_pem.as_bytes(), pem.key_pem.as_bytes()).unwrap();
    for version in VERSIONS {
        let options = trusting(&ca).min_version(version).max_version(version);
        let client = options.clone().identity(who.clone()).build().unwrap();
        let cache = SessionCache::new(1);
        let config = || client.config(Some(cache.store(())), false);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let pair = connect_to(&server, &config(), "localhost");
            assert_eq!(
                (&pair.server_error, pair.server.handshake_kind()),
                (&None, Some(kind))
            );
            assert_eq!(pair.server.peer_certificates(), Some(who.chain()));
        }
        // Without one, the server says what is missing: in TLS 1.3 after the client's handshake.
        let config: Arc<ClientConfig> = options.build().unwrap().config(None, false);
        let pair = connect_to(&server, &config, "localhost");
        let error = pair.client_error.as_ref().unwrap();
        assert_eq!(pair.client.is_handshaking(), version == TlsVersion::V1_2);
        let (error, code) = match pair.client.is_handshaking() {
            true => (HandshakeError::at_client(error), "EPROTO"),
            false => (
                HandshakeError::from(error),
                "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
            ),
        };
        assert_eq!(error.code(), code);
        assert!(
            error.to_string().contains("certificate_required (116)"),
            "{error}"
        );
    }
}

/// A moment after the tests began: certificates made by the openssl program begin with them.
fn today() -> UnixTime {
    UnixTime::now()
}

#[test]
fn a_certificate_of_version_1_is_believed_as_its_own_anchor_only() {
    let who = first_version();
    let server = ServerTlsOptions::new(who.clone()).build().unwrap();
    for version in VERSIONS {
        let options = ClientTlsOptions::new()
            .min_version(version)
            .max_version(version);
        let given = options
            .clone()
            .ca(Roots::from_der([&who.chain()[0]]).unwrap());
        let client = given.build().unwrap();
        for pair in full_and_resumed(&server, &client, "localhost") {
            let peer = admit(&client, &pair, "localhost", today()).unwrap();
            let verdict = peer.verdict().unwrap().clone();
            assert_eq!(verdict, Verdict::Authorized, "{version}");
        }
        let stranger = options.clone().ca(trusted_stranger()).build().unwrap();
        let pair = connect(&server, &stranger.config(None, false), "localhost");
        let error = HandshakeError::at_client(pair.client_error.as_ref().unwrap());
        assert_eq!(error.code(), "DEPTH_ZERO_SELF_SIGNED_CERT");
        let lax = options.ca(trusted_stranger()).reject_unauthorized(false);
        let lax = lax.build().unwrap();
        for pair in full_and_resumed(&server, &lax, "localhost") {
            let peer = admit(&lax, &pair, "localhost", today()).unwrap();
            let verdict = peer.verdict().unwrap().clone();
            assert_eq!(verdict.code(), Some("DEPTH_ZERO_SELF_SIGNED_CERT"));
        }
    }
}

fn trusted_stranger() -> Roots {
    Roots::from_der([TestCa::new().certificate_der()]).unwrap()
}

#[test]
fn whoever_does_not_reject_meets_odd_servers_but_none_without_the_key() {
    let odd = Template::server(&["localhost"])
        .with_unknown_rule()
        .self_signed();
    let who = Identity::from_pem(odd.chain_pem.as_bytes(), odd.key_pem.as_bytes()).unwrap();
    let other = identity(&TestCa::new(), KeyKind::P256);
    let stolen = CertifiedKey::new(
        who.chain().to_vec(),
        Arc::clone(&other.certified().next().unwrap().key),
    );
    let serve = |certified: Arc<CertifiedKey>| {
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(server)
    };
    let (honest, thief) = (
        serve(who.certified().next().unwrap()),
        serve(Arc::new(stolen)),
    );
    for version in VERSIONS {
        let options = ClientTlsOptions::new().ca(Roots::from_pem(&odd.chain_pem).unwrap());
        let options = options.min_version(version).max_version(version);
        let client = options.reject_unauthorized(false).build().unwrap();
        let pair = connect_to(&honest, &client.config(None, false), "localhost");
        assert_eq!(pair.client_error, None);
        let peer = admit(&client, &pair, "localhost", year(57)).unwrap();
        let verdict = peer.verdict().unwrap().clone();
        assert_eq!(verdict.code(), Some("UNHANDLED_CRITICAL_EXTENSION"));
        let pair = connect_to(&thief, &client.config(None, false), "localhost");
        let forged = TlsError::InvalidCertificate(CertificateError::BadSignature);
        assert_eq!(pair.client_error, Some(forged), "{version}");
    }
}

/// The cryptography of the defaults.
fn provider() -> Arc<CryptoProvider> {
    Arc::clone(Crypto::choose(None).unwrap().provider())
}

#[test]
fn a_path_that_others_have_pushed_out_is_found_once_more() {
    let ca = TestCa::new();
    let client = trusting(&ca).build().unwrap();
    let pair = connect(
        &default_context(&ca),
        &client.config(None, false),
        "localhost",
    );
    let sent = pair.client.peer_certificates().unwrap();
    // What a peer alone can do: the same good certificate, each time with other company.
    let verifier = &client.inner.verifier;
    for company in 0..300_u16 {
        let junk = CertificateDer::from(company.to_be_bytes().to_vec());
        let chain = [sent[0].clone(), junk];
        verifier
            .judge(&chain, &name("localhost"), year(57))
            .unwrap();
    }
    assert!(verifier.path(sent).is_none());
    let peer = admit(&client, &pair, "localhost", year(57)).unwrap();
    assert!(peer.authorized());
    let chain: Vec<_> = peer.certificate().unwrap().chain().collect();
    assert_eq!(chain.len(), 2, "the verified path, not what was sent");
    assert_eq!(chain[1].raw(), ca.certificate_der());
}

#[test]
fn a_client_without_tickets_keeps_no_session() {
    let ca = TestCa::new();
    let no_ticket = crate::parameters::secure_options::SSL_OP_NO_TICKET;
    let options = trusting(&ca).parameters(|it| it.secure_options(no_ticket));
    let (client, cache) = (options.build().unwrap(), SessionCache::new(1));
    let server = default_context(&ca);
    for _ in 0..2 {
        let config = client.config(Some(cache.store(())), false);
        let pair = connect(&server, &config, "localhost");
        assert_eq!(pair.client.handshake_kind(), Some(HandshakeKind::Full));
    }
    assert!(cache.is_empty());
}
