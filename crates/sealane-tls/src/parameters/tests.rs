//! Is every option honoured, or refused with the module's code?

use std::sync::Arc;

use proptest::prelude::*;
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls::{NamedGroup, Side, SignatureScheme};
use sealane_testkit::certificates::{KeyKind, TestCa};

use super::secure_options::{
    SSL_OP_CIPHER_SERVER_PREFERENCE, SSL_OP_NO_TICKET, SSL_OP_NO_TLSV1_2, SSL_OP_NO_TLSV1_3,
};
use super::{Settled, TlsParameters, TlsVersion};

fn new() -> TlsParameters {
    TlsParameters::new()
}

fn settled(parameters: &TlsParameters) -> Settled {
    parameters.settle(Side::Server).unwrap()
}

/// Code and text of a refusal.
fn refused(parameters: &TlsParameters) -> (&'static str, String) {
    let error = parameters.settle(Side::Server).unwrap_err();
    (error.code(), error.to_string())
}

fn versions(parameters: &TlsParameters) -> Vec<String> {
    let versions = settled(parameters).versions();
    versions
        .iter()
        .map(|one| format!("{:?}", one.version))
        .collect()
}

fn groups(list: &str) -> Vec<NamedGroup> {
    let settled = settled(&new().ecdh_curve(list));
    settled
        .provider()
        .kx_groups
        .iter()
        .map(|group| group.name())
        .collect()
}

fn schemes(list: &str) -> Vec<SignatureScheme> {
    let settled = settled(&new().sigalgs(list));
    settled
        .provider()
        .signature_verification_algorithms
        .supported_schemes()
}

#[test]
fn nothing_said_is_the_built_in_provider_itself() {
    let [one, other] = [settled(&new()), settled(&new())];
    assert!(Arc::ptr_eq(one.provider(), other.provider()));
    assert!(one.is_built_in() && one.tickets() && one.honor_cipher_order());
    assert_eq!(one.versions().len(), 2);
    assert_eq!(one.digest(), other.digest());
    assert!(!new().settle(Side::Client).unwrap().honor_cipher_order());
}

#[test]
fn bounds_are_versions_by_name() {
    assert_eq!(TlsVersion::minimum("TLSv1.2").unwrap(), TlsVersion::V1_2);
    assert_eq!("TLSv1.3".parse::<TlsVersion>().unwrap(), TlsVersion::V1_3);
    for text in ["x", "", "TLSv1", "TLSv1.1", "tlsv1.2", "TLSv1.4"] {
        let error = TlsVersion::minimum(text).unwrap_err();
        assert_eq!(error.code(), "ERR_TLS_INVALID_PROTOCOL_VERSION");
        assert!(error.reason().contains("minimum"), "{error}");
        assert!(error.reason().contains(&format!("{text:?}")), "{error}");
        let error = TlsVersion::maximum(text).unwrap_err();
        assert!(error.reason().contains("maximum"), "{error}");
    }
    let empty = new()
        .min_version(TlsVersion::V1_3)
        .max_version(TlsVersion::V1_2);
    assert_eq!(refused(&empty).0, "ERR_INVALID_ARG_VALUE");
}

#[test]
fn methods_are_versions_too() {
    for (name, expected) in [
        ("TLS_method", &["TLSv1_3", "TLSv1_2"][..]),
        ("TLS_server_method", &["TLSv1_3", "TLSv1_2"]),
        ("SSLv23_method", &["TLSv1_2"]),
        ("TLSv1_2_method", &["TLSv1_2"]),
        ("TLSv1_2_server_method", &["TLSv1_2"]),
    ] {
        assert_eq!(versions(&new().secure_protocol(name)), expected, "{name}");
    }
    let conflict = new()
        .secure_protocol("TLS_method")
        .max_version(TlsVersion::V1_2);
    let (code, text) = refused(&conflict);
    assert_eq!(code, "ERR_TLS_PROTOCOL_VERSION_CONFLICT");
    assert!(
        text.contains("\"TLSv1.2\"") && text.contains("\"TLS_method\""),
        "{text}"
    );
}

#[test]
fn methods_that_leave_no_version_are_refused() {
    for (name, text) in [
        ("SSLv3_method", "SSLv3 methods disabled"),
        ("SSLv2_method", "SSLv2 methods disabled"),
        ("SSLv2_client_method", "SSLv2 methods disabled"),
        ("x", "Unknown method: x"),
        ("", "Unknown method: "),
        ("TLSv1_3_method", "Unknown method: TLSv1_3_method"),
        ("\n_method", "Unknown method: \\n_method"),
        ("TLSv1_method", "TLS 1.0 only"),
        ("TLSv1_1_server_method", "TLS 1.1 only"),
        ("TLS_client_method", "is for the other side"),
    ] {
        let (code, reason) = refused(&new().secure_protocol(name));
        assert_eq!(code, "ERR_TLS_INVALID_PROTOCOL_METHOD", "{name}");
        assert!(reason.contains(text), "{reason}");
    }
}

#[test]
fn bits_are_honoured_or_always_so_or_refused_by_name() {
    let with = |bits| new().secure_options(bits);
    assert!(!settled(&with(SSL_OP_NO_TICKET)).tickets());
    assert_eq!(versions(&with(SSL_OP_NO_TLSV1_2)), ["TLSv1_3"]);
    assert_eq!(versions(&with(SSL_OP_NO_TLSV1_3)), ["TLSv1_2"]);
    let ours = with(SSL_OP_CIPHER_SERVER_PREFERENCE).honor_cipher_order(false);
    assert!(settled(&ours).honor_cipher_order());
    // SSL_OP_ALL, and every version that is not spoken anyway.
    assert_eq!(
        settled(&with(0x8000_0850 | 0x1602_0000)).digest(),
        settled(&new()).digest()
    );
    assert_eq!(
        refused(&with(SSL_OP_NO_TLSV1_2 | SSL_OP_NO_TLSV1_3)).0,
        "ERR_SSL_NO_PROTOCOLS_AVAILABLE"
    );
    let bounded = with(SSL_OP_NO_TLSV1_3).min_version(TlsVersion::V1_3);
    assert_eq!(refused(&bounded).0, "ERR_SSL_NO_PROTOCOLS_AVAILABLE");
    for (bit, name) in [
        (0, "SSL_OP_NO_EXTENDED_MASTER_SECRET"),
        (18, "SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION"),
        (5, "bit 5"),
        (63, "bit 63"),
    ] {
        let (code, text) = refused(&with(1 << bit | SSL_OP_NO_TICKET));
        assert_eq!(code, "ERR_INVALID_ARG_VALUE");
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn suites_of_tls13_alone_leave_no_other_version() {
    let only = new().ciphers("TLS_AES_128_GCM_SHA256");
    assert_eq!(versions(&only), ["TLSv1_3"]);
    assert_eq!(settled(&only).provider().cipher_suites.len(), 1);
    let (code, _) = refused(&only.max_version(TlsVersion::V1_2));
    assert_eq!(code, "ERR_SSL_NO_CIPHER_MATCH");
    assert_eq!(versions(&new().ciphers("HIGH")).len(), 2);
}

#[test]
fn groups_keep_their_order() {
    use NamedGroup as Group;
    assert_eq!(
        groups("P-521:secp384r1:prime256v1:x25519:P-521"),
        [
            Group::secp521r1,
            Group::secp384r1,
            Group::secp256r1,
            Group::X25519
        ]
    );
    assert_eq!(groups("secp256k1:X448:P-256"), [Group::secp256r1]);
    assert_eq!(groups("X25519MLKEM768:X25519").len(), 2);
    assert_eq!(groups("auto"), groups("X25519:P-256:P-384:X25519MLKEM768"));
    let hybrid = new().ecdh_curve("X25519MLKEM768");
    assert_eq!(versions(&hybrid), ["TLSv1_3"]);
    assert_eq!(
        refused(&hybrid.max_version(TlsVersion::V1_2)).0,
        "ERR_CRYPTO_OPERATION_FAILED"
    );
    for unknown in [
        "nobody",
        "",
        "P-256:",
        "P-256:auto",
        "X448",
        "ffdhe2048:secp256k1",
    ] {
        let (code, text) = refused(&new().ecdh_curve(unknown));
        assert_eq!(code, "ERR_CRYPTO_OPERATION_FAILED", "{unknown}");
        assert!(text.contains("Failed to set ECDH curve"), "{text}");
    }
}

#[test]
fn schemes_limit_what_peers_may_sign_with() {
    use SignatureScheme as Scheme;
    assert_eq!(
        schemes("RSA+SHA384:rsa_pss_pss_sha512:ECDSA+SHA256:ed25519:RSA-PSS+SHA256:PSS+sha512"),
        [
            Scheme::RSA_PKCS1_SHA384,
            Scheme::ECDSA_NISTP256_SHA256,
            Scheme::ED25519,
            Scheme::RSA_PSS_SHA256,
            Scheme::RSA_PSS_SHA512
        ]
    );
    assert_eq!(schemes("ECDSA+SHA512:ecdsa_secp521r1_sha512").len(), 1);
    for unknown in [
        "nobody",
        "RSA+NOPE",
        "ED25519+SHA256",
        "RSA+SHA256:",
        "dsa_sha256",
    ] {
        let (code, _) = refused(&new().sigalgs(unknown));
        assert_eq!(code, "ERR_CRYPTO_OPERATION_FAILED", "{unknown}");
    }
    let all = settled(&new())
        .provider()
        .signature_verification_algorithms
        .all
        .len();
    let limited = settled(&new().sigalgs("ed25519"));
    assert_eq!(
        limited
            .provider()
            .signature_verification_algorithms
            .all
            .len(),
        all
    );
}

#[test]
fn equal_lists_of_schemes_are_kept_once() {
    let table = || {
        let settled = settled(&new().sigalgs("ed25519:RSA+SHA256"));
        settled
            .provider()
            .signature_verification_algorithms
            .mapping
            .as_ptr()
    };
    assert_eq!(table(), table());
}

#[test]
fn schemes_limit_what_we_sign_with_in_our_order() {
    let pem = TestCa::new().issue_with_key(KeyKind::Rsa2048, &["localhost"]);
    let identity =
        crate::Identity::from_pem(pem.chain_pem.as_bytes(), pem.key_pem.as_bytes()).unwrap();
    let whole: Arc<CertifiedKey> = identity.certified().next().unwrap();
    let limited = settled(&new().sigalgs("RSA-PSS+SHA256:RSA+SHA512")).certified(whole.clone());
    let pick = |offered: &[SignatureScheme]| {
        limited
            .key
            .choose_scheme(offered)
            .map(|signer| signer.scheme())
    };
    let (pss_256, pss_512) = (
        SignatureScheme::RSA_PSS_SHA256,
        SignatureScheme::RSA_PSS_SHA512,
    );
    assert_eq!(pick(&[pss_512, pss_256]), Some(pss_256));
    assert_eq!(
        pick(&[SignatureScheme::RSA_PKCS1_SHA512, pss_256]),
        Some(pss_256)
    );
    assert_eq!(pick(&[pss_512]), None);
    assert!(whole.key.choose_scheme(&[pss_512]).is_some());
    assert_eq!(limited.cert, whole.cert);
    assert_eq!(limited.key.algorithm(), whole.key.algorithm());
    assert!(Arc::ptr_eq(
        &settled(&new()).certified(whole.clone()),
        &whole
    ));
}

#[test]
fn c145_an_empty_list_of_schemes_is_refused() {
    let (code, text) = refused(&new().sigalgs(""));
    assert_eq!(code, "ERR_INVALID_ARG_VALUE");
    assert!(text.contains("sigalgs"), "{text}");
}

#[test]
fn diffie_hellman_parameters_are_refused_small_ones_first() {
    let (code, text) = refused(&new().dhparam(DH_512));
    assert_eq!(code, "ERR_INVALID_ARG_VALUE");
    assert!(
        text.contains("DH parameter is less than 1024 bits"),
        "{text}"
    );
    for other in [DH_1024, "auto", "garbage", ""] {
        let (code, text) = refused(&new().dhparam(other));
        assert_eq!(code, "ERR_CRYPTO_UNSUPPORTED_OPERATION", "{other}");
        assert!(text.contains("option dhparam"), "{text}");
    }
    assert_eq!(refused(&new().min_dh_size(0)).0, "ERR_OUT_OF_RANGE");
    settled(&new().min_dh_size(4096));
}

#[test]
fn engines_and_shared_keys_and_sessions_are_refused_by_name() {
    let engine = "ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED";
    let key = new().private_key_engine("e").private_key_identifier("k");
    for (parameters, option, code) in [
        (new().client_cert_engine("e"), "client_cert_engine", engine),
        (key, "private_key_engine", engine),
        (
            new().private_key_engine("e"),
            "private_key_engine",
            "ERR_INVALID_ARG_VALUE",
        ),
        (
            new().private_key_identifier("k"),
            "private_key_identifier",
            "ERR_INVALID_ARG_VALUE",
        ),
        (
            new().psk_identity_hint("h"),
            "psk_identity_hint",
            "ERR_TLS_PSK_SET_IDENTITY_HINT_FAILED",
        ),
        (
            new().session([1, 2]),
            "session",
            "ERR_CRYPTO_UNSUPPORTED_OPERATION",
        ),
    ] {
        let error = parameters.settle(Side::Client).unwrap_err();
        assert_eq!((error.option(), error.code()), (option, code));
    }
}

#[test]
fn a_session_id_context_has_32_octets_at_most() {
    let fits = new().session_id_context([7; 32]);
    assert_eq!(settled(&fits).session_id_context(), Some(&[7; 32][..]));
    assert!(fits.settle(Side::Client).is_err());
    let (code, text) = refused(&new().session_id_context([7; 33]));
    assert_eq!(code, "ERR_SSL_SSL_SESSION_ID_CONTEXT_TOO_LONG");
    assert!(text.contains("33 octets"), "{text}");
}

#[test]
fn a_given_provider_is_taken_as_it_is() {
    let given = Arc::new(aws_lc_rs::default_provider());
    let taken = settled(&new().crypto_provider(given.clone()));
    assert!(Arc::ptr_eq(taken.provider(), &given) && !taken.is_built_in());
    // Groups that the provider was not given are not there.
    let more = new().crypto_provider(given).ecdh_curve("P-521");
    assert_eq!(refused(&more).0, "ERR_CRYPTO_OPERATION_FAILED");
}

#[test]
fn each_parameter_changes_the_digest() {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let all = [
        new(),
        new().ciphers("AESGCM"),
        new().ciphers("CHACHA20"),
        new().sigalgs("RSA-PSS+SHA256:ECDSA+SHA256"),
        new().sigalgs("ECDSA+SHA256:RSA-PSS+SHA256"),
        new().ecdh_curve("P-256"),
        new().ecdh_curve("P-384:P-256"),
        new().ecdh_curve("P-256:P-384"),
        new().honor_cipher_order(false),
        new().min_version(TlsVersion::V1_3),
        new().max_version(TlsVersion::V1_2),
        new().secure_options(SSL_OP_NO_TICKET),
        new().session_id_context(*b""),
        new().session_id_context(*b"one"),
        new().crypto_provider(provider),
    ];
    for (index, one) in all.iter().enumerate() {
        assert_eq!(settled(one).digest(), settled(&one.clone()).digest());
        for other in &all[index + 1..] {
            assert_ne!(
                settled(one).digest(),
                settled(other).digest(),
                "{one:?} {other:?}"
            );
            assert_ne!(one, other);
        }
    }
}

#[test]
fn what_is_set_wins_over_the_base() {
    let base = new()
        .ciphers("HIGH")
        .min_version(TlsVersion::V1_2)
        .session([9]);
    let over = new().min_version(TlsVersion::V1_3).over(&base);
    assert_eq!(
        over,
        new()
            .ciphers("HIGH")
            .min_version(TlsVersion::V1_3)
            .session([9])
    );
    assert_eq!(new().over(&base), base);
    assert_eq!(base.clone().over(&new()), base);
    let shown = format!("{base:?}");
    assert!(
        shown.contains("\"HIGH\"") && shown.contains("session: 1"),
        "{shown}"
    );
}

proptest! {
    #[test]
    fn any_text_is_settled_or_refused(text in any::<String>(), bits in any::<u64>()) {
        for parameters in [
            new().sigalgs(text.clone()),
            new().ecdh_curve(text.clone()),
            new().secure_protocol(text.clone()),
            new().dhparam(text.clone()),
            new().secure_options(bits),
        ] {
            if let Err(error) = parameters.settle(Side::Server) {
                prop_assert!(!error.to_string().contains('\n'));
            }
        }
    }
}

/// Parameters of 512 bits, made by `openssl dhparam 512`.
const DH_512: &str = "\
-----BEGIN DH PARAMETERS-----
MEYCQQDfDVmRsq/HSrd2B4v7ZUKJPaiPGzvmbP5BpAqiYqr5EVt3vdUZj4ANhWFB
1qQjFk1zkrGo7LAlN2edQopDrCanAgEC
-----END DH PARAMETERS-----
";

/// Parameters of 1024 bits, made by `openssl dhparam 1024`.
const DH_1024: &str = "\
-----BEGIN DH PARAMETERS-----
MIGHAoGBAPTLLPw5HvyJgQPE8qFdzjMg23Brmaz72EXX9Qby12kwup1A4XX0dUdD
0z4Gzajk6XgiAbOd5j+/ZJ5s9wIEnZnodnfNrtMGEku8YFTgxWDlN9nOrq408k3q
e6giAY9SwHu60Pvtl63nN0Umh5osHiYnHCXMftOJY++r272ZoLLfAgEC
-----END DH PARAMETERS-----
";
