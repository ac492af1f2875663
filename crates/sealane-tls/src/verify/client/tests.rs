//! Are clients judged like servers, for a client's purpose?

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier as _;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sealane_testkit::certificates::{ListTemplate, PemIdentity, Template, TestCa};

use super::ClientVerifier;
use crate::error::HandshakeError;
use crate::pair::{Pair, connect_to};
use crate::peer::Verdict;
use crate::revocation::Revocation;
use crate::trust::Roots;
use crate::verify::VerifierRules;
use crate::verify::tests::{chain, code_with, now};

fn rules(ca: &TestCa) -> VerifierRules {
    VerifierRules::strict(Roots::from_der([ca.certificate_der()]).unwrap())
}

fn client() -> Template {
    Template::server(&["someone"]).for_clients().serial(7)
}

fn judge(rules: VerifierRules, identity: &PemIdentity) -> Result<(), crate::error::Refusal> {
    ClientVerifier::new(rules, true).judge(&chain(&identity.chain_pem), now())
}

#[test]
fn clients_need_a_client_s_purpose_at_every_place() {
    let ca = TestCa::new();
    assert_eq!(judge(rules(&ca), &ca.issue_like(&client())), Ok(()));
    assert_eq!(
        judge(rules(&ca), &ca.issue_like(&client().without_uses())),
        Ok(())
    );
    let server = ca.issue(&["localhost"]);
    let code = code_with(judge(rules(&ca), &server), &["does not include clients"]);
    assert_eq!(code, "INVALID_PURPOSE");
    let middle = ca.intermediate_like(&Template::authority("middle").for_clients());
    assert_eq!(judge(rules(&ca), &middle.issue_like(&client())), Ok(()));
    let root = TestCa::root(&Template::authority("for clients").for_clients());
    assert_eq!(judge(rules(&root), &root.issue_like(&client())), Ok(()));
    let middle = ca.intermediate_like(&Template::authority("mute").may_not_certify());
    let code = code_with(
        judge(rules(&ca), &middle.issue_like(&client())),
        &["keyCertSign"],
    );
    assert_eq!(code, "INVALID_CA");
}

#[test]
fn the_rules_of_servers_hold_for_clients() {
    let (ca, other) = (TestCa::new(), TestCa::root(&Template::authority("other")));
    let code = |rules, template: &Template, by: &TestCa| {
        judge(rules, &by.issue_like(template)).map_err(|refusal| refusal.code())
    };
    let stranger = code(rules(&ca), &client(), &other);
    assert_eq!(stranger, Err("UNABLE_TO_VERIFY_LEAF_SIGNATURE"));
    let old = client().between((2000, 1, 1), (2001, 1, 1));
    assert_eq!(code(rules(&ca), &old, &ca), Err("CERT_HAS_EXPIRED"));
    let listed = |list: &ListTemplate| VerifierRules {
        crl: Some(Revocation::from_pem(ca.list(list)).unwrap()),
        ..rules(&ca)
    };
    let taken = ListTemplate::new().revokes(7);
    assert_eq!(code(listed(&taken), &client(), &ca), Err("CERT_REVOKED"));
    assert_eq!(code(listed(&ListTemplate::new()), &client(), &ca), Ok(()));
    // Of version 1, and self-signed as its own anchor.
    let first = ca.issue_first_version(&client());
    assert_eq!(judge(rules(&ca), &first), Ok(()));
    let own = client().self_signed();
    let own_rules = VerifierRules::strict(Roots::from_pem(&own.chain_pem).unwrap());
    assert_eq!(judge(own_rules, &own), Ok(()));
    let none = ClientVerifier::new(rules(&ca), true).judge(&[], now());
    assert_eq!(code_with(none, &["client sent no"]), "CERT_REJECTED");
}

#[test]
fn a_path_is_kept_and_dates_are_asked_again() {
    let ca = TestCa::new();
    let verifier = ClientVerifier::new(rules(&ca), true);
    let until = client().between((2000, 1, 1), (2028, 1, 1));
    let sent = chain(&ca.issue_like(&until).chain_pem);
    assert_eq!(verifier.judge(&sent, now()), Ok(()));
    assert_eq!(verifier.path(&sent).unwrap().len(), 2);
    assert_eq!(verifier.judge_resumed(&sent, now()), Ok(()));
    let later = core::time::Duration::from_secs(1_900_000_000);
    let later = rustls_pki_types::UnixTime::since_unix_epoch(later);
    let judged = verifier.judge_resumed(&sent, later);
    assert_eq!(judged.unwrap_err().code(), "CERT_HAS_EXPIRED");
}

#[test]
fn the_names_of_the_authorities_are_told_once_each() {
    let ca = TestCa::new();
    let device = Template::server(&["device"]).self_signed();
    let pem = [
        ca.certificate_pem(),
        TestCa::new().certificate_pem(),
        TestCa::root(&Template::authority("other")).certificate_pem(),
        device.chain_pem,
    ];
    let roots = Roots::from_pem(pem.concat()).unwrap();
    let verifier = ClientVerifier::new(VerifierRules::strict(roots), true);
    let hints = verifier.root_hint_subjects();
    assert_eq!(hints.len(), 2, "authorities only, and each name once");
    let (_, root) = x509_parser::parse_x509_certificate(ca.certificate_der()).unwrap();
    assert_eq!(hints[0].as_ref(), root.subject().as_raw());
}

/// A handshake in which the server asks for a certificate.
fn handshake(ca: &TestCa, verifier: ClientVerifier, own: Option<&PemIdentity>) -> Pair {
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let key = |it: &PemIdentity| PrivateKeyDer::from_pem_slice(it.key_pem.as_bytes()).unwrap();
    let server = ca.issue(&["localhost"]);
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(chain(&server.chain_pem), key(&server))
        .unwrap();
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from(ca.certificate_der().to_vec());
    roots.add(root).unwrap();
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    // Not by the library's own door for identities, which refuses version 1.
    let client = match own {
        Some(own) => {
            let signing = aws_lc_rs::sign::any_supported_type(&key(own)).unwrap();
            let certified = CertifiedKey::new(chain(&own.chain_pem), signing);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
        None => builder.with_no_client_auth(),
    };
    connect_to(&Arc::new(server), &Arc::new(client), "localhost")
}

#[test]
fn required_optional_and_unverified_clients_are_told_apart() {
    let ca = TestCa::new();
    let good = ca.issue_like(&client());
    let bad = TestCa::root(&Template::authority("other")).issue_like(&client().without_uses());
    let first = ca.issue_first_version(&client());
    let lenient = || VerifierRules {
        reject: false,
        ..rules(&ca)
    };
    let code = |pair: &Pair| {
        let error = pair.server_error.as_ref();
        error.map(|error| HandshakeError::from(error).code())
    };
    for identity in [&good, &first] {
        let pair = handshake(&ca, ClientVerifier::new(rules(&ca), true), Some(identity));
        assert_eq!(code(&pair), None);
        assert_eq!(pair.server.handshake_kind(), Some(HandshakeKind::Full));
        assert!(pair.server.peer_certificates().is_some());
    }
    let pair = handshake(&ca, ClientVerifier::new(rules(&ca), true), None);
    assert_eq!(
        code(&pair),
        Some("ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE")
    );
    let pair = handshake(&ca, ClientVerifier::new(rules(&ca), false), None);
    assert_eq!(code(&pair), None);
    assert!(pair.server.peer_certificates().is_none());
    for required in [true, false] {
        let verifier = ClientVerifier::new(rules(&ca), required);
        let pair = handshake(&ca, verifier, Some(&bad));
        assert_eq!(code(&pair), Some("UNABLE_TO_VERIFY_LEAF_SIGNATURE"));
    }
    let pair = handshake(&ca, ClientVerifier::new(lenient(), false), Some(&bad));
    assert_eq!(code(&pair), None);
    assert!(pair.server.peer_certificates().is_some());
}

#[test]
fn an_absent_certificate_has_the_module_s_code() {
    let verdict = Verdict::no_certificate();
    assert_eq!(verdict.code(), Some("UNABLE_TO_GET_ISSUER_CERT"));
    assert!(!verdict.authorized());
    assert!(
        verdict
            .diagnosis()
            .unwrap()
            .next_step()
            .contains("client without a certificate")
    );
}
