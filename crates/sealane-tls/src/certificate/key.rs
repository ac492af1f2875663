//! The public key of a certificate as the https module shows it (RFC 3279 §2.3, RFC 5480 §2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::asn1_rs::Oid;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::oid;
use crate::digest::sha256;

/// What is known of a public key.
#[derive(Default)]
pub(super) struct Key {
    /// The SubjectPublicKeyInfo in DER.
    pub(super) spki: Option<Vec<u8>>,
    /// The modulus of an RSA key.
    pub(super) modulus: Option<String>,
    /// The exponent of an RSA key.
    pub(super) exponent: Option<String>,
    /// The size of an RSA modulus, or of a curve's order.
    pub(super) bits: Option<u32>,
    /// The curve's name in ASN.1.
    pub(super) asn1_curve: Option<&'static str>,
    /// The curve's name at NIST.
    pub(super) nist_curve: Option<&'static str>,
    /// The point of an elliptic curve, as it is written in the certificate.
    point: Option<Vec<u8>>,
}

impl Key {
    /// Reads a public key.
    pub(super) fn read(info: &SubjectPublicKeyInfo<'_>) -> Self {
        let mut key = Self {
            spki: Some(info.raw.to_vec()),
            ..Self::default()
        };
        let algorithm = oid::dotted(&info.algorithm.algorithm);
        match (algorithm.as_str(), info.parsed()) {
            (RSA, Ok(PublicKey::RSA(numbers))) => {
                key.modulus = Some(without_zeros(numbers.modulus));
                let exponent = without_zeros(numbers.exponent).to_ascii_lowercase();
                key.exponent = Some(format!("0x{exponent}"));
                key.bits = Some(bits(numbers.modulus));
            }
            (ELLIPTIC_CURVE, Ok(PublicKey::EC(_))) => {
                key.point = Some(uncompressed(&info.subject_public_key.data));
                let parameters = info.algorithm.parameters.as_ref();
                let curve = parameters.and_then(|it| it.as_oid().ok());
                if let Some(curve) = curve.and_then(|curve| Curve::of(&curve)) {
                    key.bits = Some(curve.bits);
                    key.asn1_curve = Some(curve.asn1);
                    key.nist_curve = curve.nist;
                }
            }
            _ => {}
        }
        key
    }

    /// The key in the module's form.
    pub(super) fn pubkey(&self) -> Option<&[u8]> {
        match (&self.modulus, &self.point) {
            (Some(_), _) => self.spki.as_deref(),
            (None, point) => point.as_deref(),
        }
    }
}

/// A point in the plain form where that needs no arithmetic: the hybrid form (X9.62 §4.3.6) has
/// both coordinates. A compressed one, which TLS does not know, stays as it is.
fn uncompressed(point: &[u8]) -> Vec<u8> {
    match point {
        [0x06 | 0x07, coordinates @ ..] => [&[0x04], coordinates].concat(),
        point => point.to_vec(),
    }
}

/// SHA-256 of a SubjectPublicKeyInfo in base64.
pub(super) fn pin(spki: &[u8]) -> String {
    STANDARD.encode(sha256(spki))
}

/// A signed integer's octets (X.690 §8.3) in upper-case hexadecimal: whole octets, no leading
/// zeros, a minus sign before the absolute value.
pub(super) fn signed_hex(octets: &[u8]) -> String {
    let is_negative = octets.first().is_some_and(|first| first & 0x80 != 0);
    let mut octets = octets.to_vec();
    if is_negative {
        negate(&mut octets);
    }
    let start = octets.iter().position(|octet| *octet != 0);
    let Some(start) = start else {
        return "0".to_owned();
    };
    let digits = octets[start..].iter().map(|octet| format!("{octet:02X}"));
    let sign = if is_negative { "-" } else { "" };
    sign.to_owned() + &digits.collect::<String>()
}

/// The two's complement of an integer.
fn negate(octets: &mut [u8]) {
    let mut carry = true;
    for octet in octets.iter_mut().rev() {
        let (sum, overflow) = (!*octet).overflowing_add(u8::from(carry));
        *octet = sum;
        carry = overflow;
    }
}

/// An unsigned integer in upper-case hexadecimal without any leading zero.
fn without_zeros(octets: &[u8]) -> String {
    let all: String = octets.iter().map(|octet| format!("{octet:02X}")).collect();
    match all.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

/// How many bits an unsigned integer has.
fn bits(octets: &[u8]) -> u32 {
    let start = octets.iter().position(|octet| *octet != 0);
    let octets = start.map_or(&octets[..0], |start| &octets[start..]);
    let first = octets.first().map_or(0, |first| first.leading_zeros());
    // A certificate in a handshake is shorter than 2^24 octets (RFC 8446 §4).
    u32::try_from(octets.len() * 8).unwrap_or(u32::MAX) - first
}

/// An elliptic curve by its names.
struct Curve {
    /// The name in ASN.1.
    asn1: &'static str,
    /// The name at NIST.
    nist: Option<&'static str>,
    /// The size of the group's order.
    bits: u32,
}

impl Curve {
    /// The curve with this number, if it is one of those in use.
    fn of(number: &Oid<'_>) -> Option<Self> {
        let (asn1, nist, bits) = match oid::dotted(number).as_str() {
            "1.2.840.10045.3.1.1" => ("prime192v1", Some("P-192"), 192),
            "1.3.132.0.33" => ("secp224r1", Some("P-224"), 224),
            "1.2.840.10045.3.1.7" => ("prime256v1", Some("P-256"), 256),
            "1.3.132.0.34" => ("secp384r1", Some("P-384"), 384),
            "1.3.132.0.35" => ("secp521r1", Some("P-521"), 521),
            "1.3.132.0.10" => ("secp256k1", None, 256),
            "1.3.36.3.3.2.8.1.1.7" => ("brainpoolP256r1", None, 256),
            "1.3.36.3.3.2.8.1.1.11" => ("brainpoolP384r1", None, 384),
            "1.3.36.3.3.2.8.1.1.13" => ("brainpoolP512r1", None, 512),
            _ => return None,
        };
        Some(Self { asn1, nist, bits })
    }
}

/// rsaEncryption (RFC 3279 §2.3.1).
const RSA: &str = "1.2.840.113549.1.1.1";

/// id-ecPublicKey (RFC 5480 §2.1.1).
const ELLIPTIC_CURVE: &str = "1.2.840.10045.2.1";
