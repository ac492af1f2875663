//! Options that are refused by name, with the code of the module and the reason.
//!
//! A value that the module itself refuses gets its refusal first: who passes a broken value learns
//! that, and not only that a good one would not help.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::asn1_rs::{Any, FromDer as _};

use crate::error::OptionError;

/// Refuses parameters of finite-field Diffie-Hellman, small ones first.
pub(super) fn dhparam(text: &[u8]) -> OptionError {
    let refused = |code, reason: String| OptionError::new("dhparam", code, reason);
    match prime_bits(text) {
        Some(bits) if bits < MIN_DH_BITS => refused(
            "ERR_INVALID_ARG_VALUE",
            format!("DH parameter is less than {MIN_DH_BITS} bits: it has {bits}"),
        ),
        _ => refused(
            "ERR_CRYPTO_UNSUPPORTED_OPERATION",
            "finite-field Diffie-Hellman is not offered, so its parameters have no use; leave \
             them out, elliptic curves need none"
                .to_owned(),
        ),
    }
}

/// Checks the option `min_dh_size`, which no server can fail: none is offered that kind of
/// exchange.
pub(super) fn min_dh_size(bits: u32) -> Result<(), OptionError> {
    match bits {
        0 => Err(OptionError::new(
            "min_dh_size",
            "ERR_OUT_OF_RANGE",
            "0 bits; at least 1 is required",
        )),
        _ => Ok(()),
    }
}

/// Refuses keys in engines.
pub(super) fn engine(option: &'static str) -> OptionError {
    OptionError::new(
        option,
        "ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED",
        "Custom engines not supported by this TLS library; a CryptoProvider of one's own can keep \
         keys elsewhere",
    )
}

/// Refuses one half of what names a key in an engine.
pub(super) fn half_of_engine_key(given: &'static str, missing: &'static str) -> OptionError {
    OptionError::new(
        given,
        "ERR_INVALID_ARG_VALUE",
        format!("it needs {missing} beside it, and engines are not supported at all"),
    )
}

/// Refuses keys that both ends know beforehand.
pub(super) fn psk_identity_hint() -> OptionError {
    OptionError::new(
        "psk_identity_hint",
        "ERR_TLS_PSK_SET_IDENTITY_HINT_FAILED",
        "external pre-shared keys are not offered by the TLS library; use certificates",
    )
}

/// Refuses sessions as octets.
pub(super) fn session() -> OptionError {
    OptionError::new(
        "session",
        "ERR_CRYPTO_UNSUPPORTED_OPERATION",
        "the TLS library keeps sessions as objects and reads none from octets; an agent resumes \
         its own sessions by itself",
    )
}

/// The length of the prime in the first block of PEM text with parameters (PKCS#3); `None` when
/// there is none that can be read.
fn prime_bits(text: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(text).ok()?;
    let (_, text) = text.split_once("DH PARAMETERS-----")?;
    let (text, _) = text.split_once("-----END")?;
    let text: String = text.split_ascii_whitespace().collect();
    let der = STANDARD.decode(text).ok()?;
    let (_, outer) = Any::from_der(&der).ok()?;
    let (_, prime) = Any::from_der(outer.data).ok()?;
    let first = prime.data.iter().position(|octet| *octet != 0)?;
    let octets = &prime.data[first..];
    let unused = octets.first()?.leading_zeros() as usize;
    Some(octets.len() * 8 - unused)
}

/// Bits below which the module refuses parameters as broken.
const MIN_DH_BITS: usize = 1024;
