//! Certificates of X.509 version 1 for tests: those of version 3 without their extensions.
//!
//! The library that makes certificates knows version 3 only. So version number and extensions are
//! taken out of a finished one, and the rest is signed again.

use rcgen::{KeyPair, SigningKey};

use super::{PemIdentity, Template, TestCa};

impl TestCa {
    /// Issues a certificate of version 1 that says as much of this as such a one can.
    pub fn issue_first_version(&self, template: &Template) -> PemIdentity {
        let key = template.new_key();
        let made = template.params.signed_by(&key, &self.issuer);
        let made = made.expect("the parameters are complete");
        PemIdentity {
            chain_pem: pem(&stripped(made.der(), self.issuer.key())) + &self.chain_pem,
            key_pem: key.serialize_pem(),
        }
    }

    /// Another authority's certificate once more, in version 1 and signed by us, as PEM text.
    pub fn first_version_of(&self, other: &Self) -> String {
        pem(&stripped(other.certificate.der(), self.issuer.key()))
    }

    /// Our own certificate once more, in version 1 and signed by ourselves, as PEM text.
    pub fn certificate_first_version(&self) -> String {
        pem(&stripped(self.certificate.der(), self.issuer.key()))
    }
}

/// A certificate without version number and extensions, signed again.
fn stripped(octets: &[u8], key: &KeyPair) -> Vec<u8> {
    let certificate = elements(inside(octets));
    let kept: Vec<u8> = elements(inside(certificate[0]))
        .into_iter()
        .filter(|element| !matches!(element[0], VERSION | EXTENSIONS))
        .flatten()
        .copied()
        .collect();
    let signed = element(SEQUENCE, &kept);
    let signature = key.sign(&signed).expect("the key is whole");
    // A bit string says first how many bits of its last octet are unused.
    let signature = element(BIT_STRING, &[&[0], signature.as_slice()].concat());
    element(SEQUENCE, &[&signed, certificate[1], &signature].concat())
}

/// The elements of a DER sequence, each with its tag and length.
fn elements(mut octets: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while !octets.is_empty() {
        let (head, length) = measured(octets);
        let (first, rest) = octets.split_at(head + length);
        all.push(first);
        octets = rest;
    }
    all
}

/// The content of a DER element.
fn inside(octets: &[u8]) -> &[u8] {
    let (head, length) = measured(octets);
    &octets[head..head + length]
}

/// The lengths of the first DER element's head and content.
fn measured(octets: &[u8]) -> (usize, usize) {
    match usize::from(octets[1]) {
        short @ 0..0x80 => (2, short),
        long => {
            let count = long - 0x80;
            let length = octets[2..2 + count].iter();
            let length = length.fold(0, |sum, octet| sum * 256 + usize::from(*octet));
            (2 + count, length)
        }
    }
}

/// A DER element.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("certificates of tests are short");
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), content].concat()
}

/// A certificate as PEM text.
fn pem(octets: &[u8]) -> String {
    let mut text = String::new();
    for group in octets.chunks(3) {
        let mut bits = 0_u32;
        for at in 0..3 {
            bits = bits << 8 | u32::from(group.get(at).copied().unwrap_or_default());
        }
        for at in 0..4 {
            let digit = bits >> (18 - 6 * at) & 63;
            let padding = at > group.len();
            text.push(match (padding, usize::try_from(digit)) {
                (false, Ok(digit)) => char::from(ALPHABET[digit]),
                _ => '=',
            });
        }
    }
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
}

/// The digits of base64 (RFC 4648 §4).
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The tag of a certificate's version.
const VERSION: u8 = 0xa0;

/// The tag of a certificate's extensions.
const EXTENSIONS: u8 = 0xa3;

/// The tag of a sequence.
const SEQUENCE: u8 = 0x30;

/// The tag of a bit string.
const BIT_STRING: u8 = 0x03;
