//! Object identifiers as text (X.690 §8.19): `2.5.4.3`.
//!
//! The parser's own text is wrong below the arc 2 where a number is 80 or more (`2.999`), and ends
//! at 64 bits, which the arcs of UUIDs exceed.

use x509_parser::asn1_rs::Oid;

/// An identifier as numbers joined by dots.
///
/// One that is badly encoded, or has a number beyond 128 bits, is shown in hexadecimal.
pub(super) fn dotted(oid: &Oid<'_>) -> String {
    let octets = oid.as_bytes();
    numbers(octets).unwrap_or_else(|| {
        let digits: String = octets.iter().map(|octet| format!("{octet:02X}")).collect();
        format!("#{digits}")
    })
}

/// The numbers joined by dots; `None` if they cannot be told.
fn numbers(octets: &[u8]) -> Option<String> {
    let mut arcs = Vec::new();
    let mut arc = Some(0_u128);
    for octet in octets {
        let digit = u128::from(octet & 0x7f);
        arc = arc.and_then(|arc| Some(arc.checked_mul(0x80)? | digit));
        if octet & 0x80 == 0 {
            arcs.push(arc?);
            arc = Some(0);
        }
    }
    let is_whole = octets.last().is_some_and(|last| last & 0x80 == 0);
    let (first, rest) = arcs.split_first().filter(|_| is_whole)?;
    // The first two numbers stand in one; below the first two arcs there are 40 each.
    let root = (first / 40).min(2);
    let mut text = format!("{root}.{}", first - root * 40);
    for arc in rest {
        text += &format!(".{arc}");
    }
    Some(text)
}
