//! Pins as texts: base64 of public keys, hexadecimal of certificates.
//!
//! A pin is often copied by hand from somewhere. So what is wrong is said with the value, and the
//! other kind of pin is recognised.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::OptionError;

/// Decodes base64 with its customary frames.
pub(super) fn base64(text: &str) -> Result<[u8; 32], OptionError> {
    let bare = text.trim();
    let bare = bare.strip_prefix("sha256//").unwrap_or(bare);
    let bare = bare
        .strip_prefix("pin-sha256=\"")
        .and_then(|quoted| quoted.strip_suffix('"'))
        .unwrap_or(bare);
    if in_pairs(bare).is_some_and(|octets| octets.len() == 32) {
        let hint = "this is hexadecimal, as fingerprints of certificates are";
        return Err(refusal(text, hint, EXPECTED_BASE64));
    }
    let octets = STANDARD
        .decode(bare)
        .map_err(|error| refusal(text, &format!("not base64 ({error})"), EXPECTED_BASE64))?;
    sized(text, &octets, EXPECTED_BASE64)
}

/// Decodes hexadecimal, pairs joined by colons or not.
pub(super) fn hexadecimal(text: &str) -> Result<[u8; 32], OptionError> {
    match in_pairs(text.trim()) {
        Some(octets) => sized(text, &octets, EXPECTED_HEXADECIMAL),
        None => Err(refusal(text, "not hexadecimal", EXPECTED_HEXADECIMAL)),
    }
}

/// A digest in base64.
pub(super) fn in_base64(digest: &[u8; 32]) -> String {
    STANDARD.encode(digest)
}

/// A list in one line; a long one ends in its number.
pub(super) fn list(items: &[String]) -> String {
    let shown = items[..items.len().min(MAX_ITEMS)].join(", ");
    match items.len() {
        0 => "nothing".to_owned(),
        all if all > MAX_ITEMS => format!("{shown} and {} more", all - MAX_ITEMS),
        _ => shown,
    }
}

/// The octets of pairs of hexadecimal digits: all joined by colons, or none.
fn in_pairs(text: &str) -> Option<Vec<u8>> {
    let pairs: Vec<&[u8]> = if text.contains(':') {
        text.split(':').map(str::as_bytes).collect()
    } else {
        text.as_bytes().chunks(2).collect()
    };
    let digit = |octet: u8| char::from(octet).to_digit(16);
    let octet = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    };
    pairs.into_iter().map(octet).collect()
}

/// The digest, if it has the size of one.
fn sized(text: &str, octets: &[u8], expected: &str) -> Result<[u8; 32], OptionError> {
    octets.try_into().map_err(|_| {
        let found = format!("it stands for {} octets", octets.len());
        refusal(text, &found, expected)
    })
}

/// Names our option, the value and what was expected.
fn refusal(text: &str, wrong: &str, expected: &str) -> OptionError {
    let shown: String = text.escape_default().take(MAX_SHOWN).collect();
    let reason = format!("\"{shown}\" is no pin: {wrong}; expected is {expected}");
    OptionError::new("pins", "ERR_INVALID_ARG_VALUE", reason)
}

/// What a pin of a public key looks like.
const EXPECTED_BASE64: &str =
    "SHA-256 of the SubjectPublicKeyInfo, 32 octets in 44 characters of base64";

/// What a pin of a certificate looks like.
const EXPECTED_HEXADECIMAL: &str =
    "SHA-256 of the certificate, 32 octets in hexadecimal, with or without colons";

/// Characters of a bad pin that are shown: more than a good one has.
const MAX_SHOWN: usize = 120;

/// Items of a list that are shown; a chain has rarely more.
const MAX_ITEMS: usize = 8;
