//! What a lenient reader makes of odd lines, and what it takes for odd.

use http::HeaderMap;

use crate::error::{ErrorKind, ProtocolError, Section};
use crate::field::RawFields;

use super::*;

/// Reads a section leniently, whole.
fn parse(section: &[u8]) -> Result<(HeaderMap, RawFields), ProtocolError> {
    let mut scanner = FieldScanner::default();
    let end = scanner.scan(section, 100, Section::Head, true)?;
    assert_eq!(end, Some(section.len()), "a whole section");
    let octets = Bytes::copy_from_slice(section);
    let fields = scanner.build(&octets, Section::Head)?;
    Ok((fields, RawFields::new(scanner.raw(octets))))
}

/// The error of a section, and the octet at which it was found.
fn refusal(section: &[u8]) -> (FieldError, u64) {
    let error = parse(section).expect_err("an error");
    match error.kind() {
        ErrorKind::Field(kind) => (kind.clone(), error.offset()),
        kind => panic!("{kind:?}"),
    }
}

#[test]
fn odd_values_become_what_the_map_can_hold() {
    for (section, value) in [
        (&b"A: b\r\n c\r\n\r\n"[..], "b c"),
        (b"A: b \t\r\n \t c\r\n\r\n", "b c"),
        (b"A: b\r\n c\r\n\td\r\n\r\n", "b c d"),
        (b"A:\r\n b\r\n\r\n", "b"),
        (b"A: b\n c\n\n", "b c"),
        (b"A: b\x08c\r\n\r\n", "b c"),
        (b"A: \x01b\x7f\r\n\r\n", "b"),
        (b"A: \x0b\r\n\r\n", ""),
        (b"A: b\x08\r\n \x1fc\r\n\r\n", "b   c"),
        (b"A: b  c\r\n\r\n", "b  c"),
        (b"A: b\n\r\n", "b"),
        (b"A:\n\n", ""),
    ] {
        let (fields, _) = parse(section).expect("accepted");
        assert_eq!(
            fields["a"],
            value,
            "{:?}",
            section.escape_ascii().to_string()
        );
    }
}

#[test]
fn raw_values_keep_all_but_line_ends() {
    let (_, raw) = parse(b"A: b\x08\n c\r\n\td\nB: \x7f\x80 \nC:e\r\n\n").expect("accepted");
    let lines: Vec<_> = raw.fields().collect();
    let wanted: [(&[u8], &[u8]); 3] = [(b"A", b"b\x08  c  \td"), (b"B", b"\x7f\x80"), (b"C", b"e")];
    assert_eq!(lines, wanted);
}

#[test]
fn what_has_two_readings_stays_refused() {
    use FieldError::*;
    for (section, kind, offset) in [
        (&b" A: b\r\n\r\n"[..], Folded, 0),
        (b"A: b\r\n \r\nC: d\r\n\r\n", Folded, 7),
        (b"A: b\n\t\nC: d\n\n", Folded, 6),
        (b"A: b\rc\r\n\r\n", BareCarriageReturn, 5),
        (b"A: b\r\r\n\r\n", BareCarriageReturn, 5),
        (b"A: b\r\n\rC: d\r\n\r\n", BareCarriageReturn, 7),
        (b"A: b\0c\r\n\r\n", ValueOctet(0), 4),
        (b"A : b\n\n", NameBlank, 1),
        (b"A\n: b\n\n", ColonMissing, 1),
        (b"A\x01: b\n\n", NameOctet(1), 1),
        (b"A: b\n\x01\n", NameOctet(1), 5),
        (b": b\n\n", NameEmpty, 0),
    ] {
        let text = section.escape_ascii().to_string();
        assert_eq!(refusal(section), (kind, offset), "{text:?}");
    }
}

#[test]
fn fields_that_decide_are_read_strictly() {
    for name in DECIDING {
        for (line, kind, offset) in [
            (": a\r\n b\r\n\r\n", FieldError::Folded, 5),
            (":\r\n b\r\n\r\n", FieldError::Folded, 3),
            (": a\x0bb\r\n\r\n", FieldError::ValueOctet(0x0b), 3),
            (":\x0cb\r\n\r\n", FieldError::ValueOctet(0x0c), 1),
        ] {
            let section = format!("{}{line}", name.to_ascii_uppercase());
            let wanted = (kind, (name.len() + offset) as u64);
            assert_eq!(refusal(section.as_bytes()), wanted, "{section:?}");
        }
    }
}

#[test]
fn a_folded_line_is_one_line() {
    let mut scanner = FieldScanner::default();
    let section = b"A: b\r\n c\r\nD: e\r\n f\r\n\r\n";
    assert_eq!(
        scanner.scan(section, 2, Section::Head, true),
        Ok(Some(section.len()))
    );
    assert_eq!(scanner.count(), 2);
}

#[test]
fn sections_read_the_same_octet_by_octet() {
    let section = b"A: b\x08\n c\r\n\td\nB: \x7f\x80 \nC:e\r\n f\r\n\n";
    let mut scanner = FieldScanner::default();
    for cut in 0..section.len() {
        let scanned = scanner.scan(&section[..cut], 100, Section::Head, true);
        assert_eq!(scanned, Ok(None), "cut at {cut}");
    }
    let scanned = scanner.scan(section, 100, Section::Head, true);
    assert_eq!(scanned, Ok(Some(section.len())));
    let octets = Bytes::copy_from_slice(section);
    let fields = scanner.build(&octets, Section::Head).expect("accepted");
    assert_eq!(fields, parse(section).expect("accepted").0);
}
