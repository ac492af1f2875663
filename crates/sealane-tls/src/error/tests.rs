//! Are failures classed, named and described without repeating what a peer sent?

use std::sync::Arc;

use rustls::{
    AlertDescription, CertificateError, Error as TlsError, InvalidMessage, OtherError,
    PeerIncompatible, PeerMisbehaved,
};
use rustls_pki_types::ServerName;

use super::{HandshakeError, HandshakeErrorKind as Kind, Refusal, Side};

fn classed(error: TlsError) -> (Kind, &'static str, Side) {
    let error = HandshakeError::from(error);
    (error.kind(), error.code(), error.side())
}

#[test]
fn negotiation_failures_have_the_names_of_the_table() {
    let code = |what| classed(TlsError::PeerIncompatible(what)).1;
    assert_eq!(
        code(PeerIncompatible::NoCipherSuitesInCommon),
        "ERR_SSL_NO_SHARED_CIPHER"
    );
    assert_eq!(
        code(PeerIncompatible::Tls12NotOffered),
        "ERR_SSL_UNSUPPORTED_PROTOCOL"
    );
    assert_eq!(
        code(PeerIncompatible::NoKxGroupsInCommon),
        "ERR_SSL_NO_SUITABLE_KEY_SHARE"
    );
    assert_eq!(
        code(PeerIncompatible::NoSignatureSchemesInCommon),
        "ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM"
    );
    assert_eq!(
        classed(TlsError::NoApplicationProtocol),
        (
            Kind::ApplicationProtocol,
            "ERR_SSL_NO_APPLICATION_PROTOCOL",
            Side::Remote
        )
    );
    assert_eq!(
        classed(TlsError::NoCertificatesPresented).0,
        Kind::Certificate
    );
}

#[test]
fn octets_that_are_not_tls_are_told_apart() {
    let expected = (Kind::NotTls, "ERR_SSL_WRONG_VERSION_NUMBER", Side::Remote);
    assert_eq!(classed(InvalidMessage::InvalidContentType.into()), expected);
    assert_eq!(
        classed(InvalidMessage::UnknownProtocolVersion.into()),
        expected
    );
    assert_eq!(HandshakeError::plain_http().code(), "ERR_SSL_HTTP_REQUEST");
    let late = classed(InvalidMessage::MissingData("Random").into());
    assert_eq!(late, (Kind::Protocol, "ERR_SSL_BAD_PACKET", Side::Remote));
}

#[test]
fn alerts_carry_openssl_names_and_the_number() {
    let error = HandshakeError::from(TlsError::AlertReceived(AlertDescription::UnknownCA));
    assert_eq!(error.code(), "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA");
    assert_eq!(
        error.side(),
        Side::Local,
        "it is our certificate that was not trusted"
    );
    assert_eq!(
        error.to_string(),
        "the peer ended the connection with alert unknown_ca (48)"
    );
    let unknown = TlsError::AlertReceived(AlertDescription::from(200));
    assert_eq!(classed(unknown), (Kind::Alert, "EPROTO", Side::Remote));
}

#[test]
fn misbehaviour_is_named_by_rule() {
    let error = HandshakeError::from(TlsError::from(PeerMisbehaved::IncorrectBinder));
    assert_eq!(error.kind(), Kind::Protocol);
    assert_eq!(
        error.to_string(),
        "the peer broke the tls protocol: IncorrectBinder"
    );
    let attack = TlsError::from(PeerMisbehaved::TooManyRenegotiationRequests);
    assert_eq!(classed(attack).1, "ERR_TLS_SESSION_ATTACK");
}

#[test]
fn what_a_peer_wrote_into_its_certificate_is_not_repeated() {
    let evil = "evil\x1b[2J\r\nname".to_owned();
    let error = TlsError::InvalidCertificate(CertificateError::NotValidForNameContext {
        expected: ServerName::try_from("localhost").unwrap(),
        presented: vec![evil],
    });
    let error = HandshakeError::from(error);
    assert_eq!(error.code(), "ERR_TLS_CERT_ALTNAME_INVALID");
    assert!(!format!("{error} {error:?}").contains("evil"));
    let internal = HandshakeError::from(TlsError::General("evil".into()));
    assert_eq!(
        (internal.kind(), internal.side()),
        (Kind::Internal, Side::Local)
    );
    assert!(!format!("{internal} {internal:?}").contains("evil"));
}

#[test]
fn a_client_calls_what_ends_its_handshake_eproto() {
    let at_client = |error: TlsError| {
        let error = HandshakeError::at_client(&error);
        (error.kind(), error.code(), error.to_string())
    };
    for (alert, shown) in [
        (AlertDescription::HandshakeFailure, "handshake_failure (40)"),
        (AlertDescription::ProtocolVersion, "protocol_version (70)"),
        (AlertDescription::InternalError, "internal_error (80)"),
        // Some servers of TLS 1.2 send what only TLS 1.3 has.
        (
            AlertDescription::CertificateRequired,
            "certificate_required (116)",
        ),
    ] {
        let (kind, code, text) = at_client(TlsError::AlertReceived(alert));
        assert_eq!((kind, code), (Kind::Alert, "EPROTO"));
        assert!(text.contains(shown), "{text}");
    }

    let (kind, code, _) = at_client(InvalidMessage::InvalidContentType.into());
    assert_eq!((kind, code), (Kind::NotTls, "ERR_SSL_WRONG_VERSION_NUMBER"));
    let (kind, code, _) = at_client(CertificateError::BadSignature.into());
    assert_eq!((kind, code), (Kind::Certificate, "CERT_SIGNATURE_FAILURE"));

    let chosen = PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig;
    let (kind, code, text) = at_client(chosen.into());
    assert_eq!((kind, code), (Kind::Version, "EPROTO"));
    assert!(text.contains("the server chose"), "{text}");
    for error in [
        TlsError::from(PeerMisbehaved::SelectedUnofferedApplicationProtocol),
        TlsError::from(InvalidMessage::MissingData("ServerHello")),
        TlsError::DecryptError,
    ] {
        let (kind, code, _) = at_client(error);
        assert_eq!((kind, code), (Kind::Protocol, "EPROTO"));
    }
}

#[test]
fn a_refusal_comes_through_rustls_whole() {
    let refusal = Refusal::new("INVALID_CA", "invalid CA certificate: \"CN=a\"")
        .with("now", "a day".to_owned());
    let error = HandshakeError::from(TlsError::from(refusal.clone()));
    assert_eq!(error.diagnosis(), Some(refusal.diagnosis()));
    assert_eq!(
        (error.kind(), error.code()),
        (Kind::Certificate, "INVALID_CA")
    );
    assert_eq!(error.to_string(), "invalid CA certificate: \"CN=a\"");
    let foreign = CertificateError::Other(OtherError(Arc::new(std::fmt::Error)));
    assert_eq!(classed(foreign.into()).1, "CERT_REJECTED");
}
