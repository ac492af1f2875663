//! Alerts of a peer (RFC 8446 §6), under the names OpenSSL gives them.

use rustls::AlertDescription;

use super::{HandshakeError, HandshakeErrorKind, Side};

/// Classes an alert of the peer (RFC 8446 §6), under the name OpenSSL gives it.
pub(super) fn received(alert: AlertDescription) -> HandshakeError {
    let number = u8::from(alert);
    let (code, name) = ALERTS
        .iter()
        .find(|(known, ..)| *known == number)
        .map_or(("EPROTO", "unknown"), |(_, code, name)| (*code, *name));
    // Alerts 42 to 46 and 48 judge the certificate we sent: the peer sees no reason in itself.
    let side = if matches!(number, 42..=46 | 48) {
        Side::Local
    } else {
        Side::Remote
    };
    let text = format!("the peer ended the connection with alert {name} ({number})");
    HandshakeError {
        kind: HandshakeErrorKind::Alert,
        code,
        side,
        text: text.into(),
        diagnosis: None,
        source: None,
    }
}

/// The alerts of RFC 8446 §6 and older ones: number, code as OpenSSL spells it, name of the RFC.
const ALERTS: &[(u8, &str, &str)] = &[
    (0, "EPROTO", "close_notify"),
    (
        10,
        "ERR_SSL_SSLV3_ALERT_UNEXPECTED_MESSAGE",
        "unexpected_message",
    ),
    (20, "ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC", "bad_record_mac"),
    (
        21,
        "ERR_SSL_TLSV1_ALERT_DECRYPTION_FAILED",
        "decryption_failed",
    ),
    (22, "ERR_SSL_TLSV1_ALERT_RECORD_OVERFLOW", "record_overflow"),
    (
        30,
        "ERR_SSL_SSLV3_ALERT_DECOMPRESSION_FAILURE",
        "decompression_failure",
    ),
    (
        40,
        "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
        "handshake_failure",
    ),
    (41, "ERR_SSL_SSLV3_ALERT_NO_CERTIFICATE", "no_certificate"),
    (42, "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", "bad_certificate"),
    (
        43,
        "ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "unsupported_certificate",
    ),
    (
        44,
        "ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED",
        "certificate_revoked",
    ),
    (
        45,
        "ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "certificate_expired",
    ),
    (
        46,
        "ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "certificate_unknown",
    ),
    (
        47,
        "ERR_SSL_SSLV3_ALERT_ILLEGAL_PARAMETER",
        "illegal_parameter",
    ),
    (48, "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "unknown_ca"),
    (49, "ERR_SSL_TLSV1_ALERT_ACCESS_DENIED", "access_denied"),
    (50, "ERR_SSL_TLSV1_ALERT_DECODE_ERROR", "decode_error"),
    (51, "ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR", "decrypt_error"),
    (
        70,
        "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
        "protocol_version",
    ),
    (
        71,
        "ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY",
        "insufficient_security",
    ),
    (80, "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR", "internal_error"),
    (
        86,
        "ERR_SSL_TLSV1_ALERT_INAPPROPRIATE_FALLBACK",
        "inappropriate_fallback",
    ),
    (90, "ERR_SSL_TLSV1_ALERT_USER_CANCELLED", "user_canceled"),
    (
        100,
        "ERR_SSL_TLSV1_ALERT_NO_RENEGOTIATION",
        "no_renegotiation",
    ),
    (
        109,
        "ERR_SSL_TLSV13_ALERT_MISSING_EXTENSION",
        "missing_extension",
    ),
    (
        110,
        "ERR_SSL_TLSV1_UNSUPPORTED_EXTENSION",
        "unsupported_extension",
    ),
    (112, "ERR_SSL_TLSV1_UNRECOGNIZED_NAME", "unrecognized_name"),
    (
        113,
        "ERR_SSL_TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE",
        "bad_certificate_status_response",
    ),
    (
        115,
        "ERR_SSL_TLSV1_ALERT_UNKNOWN_PSK_IDENTITY",
        "unknown_psk_identity",
    ),
    (
        116,
        "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "certificate_required",
    ),
    (
        120,
        "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
        "no_application_protocol",
    ),
];
