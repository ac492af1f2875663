//! Is each failure counted under its class?

use std::io;

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use super::*;

fn tls(error: &rustls::Error) -> Failure {
    Failure::Transport(TransportError::Tls(HandshakeError::from(error)))
}

#[test]
fn each_failure_has_its_class() {
    use TlsErrorClass as Class;
    let incompatible = |what: PeerIncompatible| tls(&rustls::Error::PeerIncompatible(what));
    let reset = io::Error::from(io::ErrorKind::ConnectionReset);
    let cases = [
        (Failure::GivenUp(GivenUp::Late), Class::Timeout),
        (Failure::GivenUp(GivenUp::Overload), Class::Overload),
        (Failure::Transport(reset.into()), Class::Cut),
        (
            Failure::Transport(TransportError::PlainHttp),
            Class::PlainHttp,
        ),
        (
            tls(&rustls::Error::InvalidMessage(
                InvalidMessage::InvalidContentType,
            )),
            Class::NotTls,
        ),
        (
            incompatible(PeerIncompatible::Tls12NotOffered),
            Class::NoCommonVersion,
        ),
        (
            incompatible(PeerIncompatible::NoCipherSuitesInCommon),
            Class::NoCommonCipher,
        ),
        (
            incompatible(PeerIncompatible::NoKxGroupsInCommon),
            Class::NoCommonCipher,
        ),
        (
            tls(&rustls::Error::NoApplicationProtocol),
            Class::NoCommonProtocol,
        ),
        (
            tls(&rustls::Error::AlertReceived(AlertDescription::UnknownCA)),
            Class::ClientAlert,
        ),
        (
            tls(&rustls::Error::NoCertificatesPresented),
            Class::ClientCertificateMissing,
        ),
        (
            tls(&CertificateError::UnknownIssuer.into()),
            Class::ClientCertificateRefused,
        ),
        (tls(&rustls::Error::DecryptError), Class::Other),
    ];
    for (failure, class) in cases {
        assert_eq!(failure.class(), Some(class), "{failure:?}");
    }
    assert_eq!(Failure::GivenUp(GivenUp::Closing).class(), None);
}

#[test]
fn errors_carry_the_names_of_the_module() {
    let limit = Some(Duration::from_secs(120));
    let late = Failure::GivenUp(GivenUp::Late).into_error(limit);
    assert_eq!(late.code(), Some("ERR_TLS_HANDSHAKE_TIMEOUT"));
    assert_eq!(late.to_string(), "the handshake was not done within 120s");
    let end = io::Error::from(io::ErrorKind::UnexpectedEof);
    let cut = Failure::Transport(end.into()).into_error(limit);
    assert_eq!(cut.code(), Some("ECONNRESET"));
    let alert = tls(&rustls::Error::AlertReceived(AlertDescription::UnknownCA)).into_error(limit);
    assert!(alert.to_string().contains("unknown_ca"), "{alert}");
}
