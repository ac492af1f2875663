//! Targets `pkcs12` and `encrypted_key`: files of keys that somebody else made.
//!
//! RFC 7292, RFC 8018, RFC 1421. There is an answer for every input, and it is one line; what opens
//! says its certificates and never its key.

use sealane_tls::{Identity, OptionError};

/// Reads the input as a PKCS#12 file whose passphrase is "sample".
pub fn pkcs12(input: &[u8]) {
    if asks_much(input) {
        return;
    }
    match Identity::from_pkcs12(input, b"sample") {
        Ok(found) => {
            assert!(!found.identity.chain().is_empty());
            assert!(!format!("{found:?}").contains("sample"));
        }
        Err(error) => check(&error, "pfx"),
    }
}

/// Reads the input as an encrypted key, as PEM text and as DER, for a certificate that is none.
pub fn encrypted_key(input: &[u8]) {
    if asks_much(input) {
        return;
    }
    let passphrase: &[u8] = b"sample";
    if let Err(error) = Identity::from_pem_encrypted(CERTIFICATE, input, passphrase) {
        check(&error, "key");
    }
    if let Err(error) = Identity::from_der_octets(&[], input, Some(passphrase)) {
        check(&error, error.option());
    }
}

/// A refusal is one printable line about the right option.
fn check(error: &OptionError, option: &str) {
    assert_eq!(error.option(), option, "{error}");
    let text = error.to_string();
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(!error.code().is_empty());
}

/// Whether the input may ask for more than a hundred thousand rounds or for much memory. That is
/// allowed up to a bound which other tests prove; a fuzzer would only learn to wait.
fn asks_much(input: &[u8]) -> bool {
    let mut text = input.to_vec();
    if input.starts_with(b"-----BEGIN") {
        let lines = input.split(|octet| *octet == b'\n');
        let body = lines.filter(|line| !line.starts_with(b"-"));
        text = decode(body.flatten().copied());
    }
    // An INTEGER of three octets or more: only rounds, costs and the exponent of RSA are that
    // large here.
    let large = |it: &[u8]| it[0] == 2 && (3..=9).contains(&it[1]) && it[1..] != [3, 1, 0, 1];
    text.windows(5).any(large)
}

/// Base64, read loosely.
fn decode(text: impl Iterator<Item = u8>) -> Vec<u8> {
    let (mut octets, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for value in text.filter_map(|octet| digits.iter().position(|digit| *digit == octet)) {
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            octets.push((bits >> count) as u8);
        }
    }
    octets
}

/// A certificate that the keys of the corpus belong to.
const CERTIFICATE: &[u8] = include_bytes!("../../crates/sealane-tls/src/pkcs12/tests/leaf.pem");
