//! Certificates written octet by octet: what no well-behaved authority issues. Their signatures
//! are empty.

use rustls_pki_types::CertificateDer;

/// An encoded value: tag, length, content.
pub(super) fn value(tag: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    // Longest forms would not be DER.
    let head = match (length, content.len()) {
        ([_, low], ..=127) => vec![tag, low],
        ([_, low], ..=255) => vec![tag, 0x81, low],
        ([high, low], _) => vec![tag, 0x82, high, low],
    };
    [&head[..], content].concat()
}

/// A SEQUENCE.
pub(super) fn sequence(items: &[Vec<u8>]) -> Vec<u8> {
    value(0x30, items.concat())
}

/// An OBJECT IDENTIFIER.
pub(super) fn oid(number: &str) -> Vec<u8> {
    let arcs: Vec<u32> = number.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut content = Vec::new();
    for arc in [&[arcs[0] * 40 + arcs[1]], &arcs[2..]].concat() {
        let digits = (0..5).rev().map(|place| (arc >> (7 * place)) & 0x7f);
        let mut digits: Vec<_> = digits.skip_while(|digit| *digit == 0).collect();
        if digits.is_empty() {
            digits.push(0);
        }
        let last = digits.len() - 1;
        for (place, digit) in digits.into_iter().enumerate() {
            let more = if place < last { 0x80 } else { 0 };
            content.push(u8::try_from(digit).unwrap() | more);
        }
    }
    value(6, content)
}

/// A name of parts, each a list of attributes: number, tag and octets of its value.
pub(super) fn name(parts: &[&[(&str, u8, &[u8])]]) -> Vec<u8> {
    let attribute =
        |(number, tag, octets): &(&str, u8, &[u8])| sequence(&[oid(number), value(*tag, octets)]);
    let part = |attributes: &&[(&str, u8, &[u8])]| {
        let all: Vec<_> = attributes.iter().flat_map(attribute).collect();
        value(0x31, all)
    };
    sequence(&parts.iter().map(part).collect::<Vec<_>>())
}

/// An extension that is not critical.
pub(super) fn extension(number: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    sequence(&[oid(number), value(4, content)])
}

/// What a certificate says, encoded part by part.
pub(super) struct Written {
    /// The octets of the serial number.
    pub(super) serial: Vec<u8>,
    /// Who issued it.
    pub(super) issuer: Vec<u8>,
    /// Since when and until when it is valid.
    pub(super) dates: [Vec<u8>; 2],
    /// Whom it is for.
    pub(super) subject: Vec<u8>,
    /// The algorithm of its key.
    pub(super) algorithm: Vec<u8>,
    /// The octets of its key.
    pub(super) key: Vec<u8>,
    /// Its extensions; none makes it version 1.
    pub(super) extensions: Vec<Vec<u8>>,
}

impl Default for Written {
    fn default() -> Self {
        let curve = oid("1.2.840.10045.3.1.7");
        Self {
            serial: vec![1],
            issuer: name(&[&[("2.5.4.3", 12, b"ca")]]),
            dates: [value(23, "240101000000Z"), value(23, "340101000000Z")],
            subject: name(&[&[("2.5.4.3", 12, b"x")]]),
            algorithm: sequence(&[oid("1.2.840.10045.2.1"), curve]),
            key: [&[4], &[7; 64][..]].concat(),
            extensions: Vec::new(),
        }
    }
}

impl Written {
    /// The certificate.
    pub(super) fn der(&self) -> CertificateDer<'static> {
        let signature = sequence(&[oid("1.2.840.10045.4.3.2")]);
        let key = [&[0], &self.key[..]].concat();
        let mut parts = vec![
            value(2, &self.serial),
            signature.clone(),
            self.issuer.clone(),
            sequence(&self.dates),
            self.subject.clone(),
            sequence(&[self.algorithm.clone(), value(3, key)]),
        ];
        if !self.extensions.is_empty() {
            parts.insert(0, value(0xa0, value(2, [2])));
            parts.push(value(0xa3, sequence(&self.extensions)));
        }
        let signed = sequence(&parts);
        CertificateDer::from(sequence(&[signed, signature, value(3, [0])]))
    }
}
