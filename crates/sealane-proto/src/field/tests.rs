//! Field lines: each rule and the octet at which it strikes, raw and parsed views, lists.

use http::header;

use crate::error::ErrorKind;

use super::*;

/// Field lines that a section may have in these tests.
const COUNT: usize = 5;

/// Scans and builds a whole section.
fn parse(section: &[u8]) -> Result<Option<HeaderMap>, ProtocolError> {
    let mut scanner = FieldScanner::default();
    let Some(end) = scanner.scan(section, COUNT, Section::Head, false)? else {
        return Ok(None);
    };
    assert_eq!(end, section.len());
    scanner
        .build(&Bytes::copy_from_slice(section), Section::Head)
        .map(Some)
}

/// The fields of a section that is complete and valid.
fn fields(section: &[u8]) -> HeaderMap {
    parse(section).expect("valid").expect("complete")
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
fn values_lose_the_white_space_around_them_only() {
    let fields = fields(b"A:b\r\nC:  \t d \t e\t \r\nE:\r\nF: \t\r\n\r\n");
    assert_eq!(fields["a"], "b");
    assert_eq!(fields["c"].as_bytes(), b"d \t e");
    assert_eq!(fields["e"], "");
    assert_eq!(fields["f"], "");
}

#[test]
fn values_may_hold_obs_text_and_names_any_token() {
    let fields = fields(b"X: a\x80\xffb\r\n!#$%&'*+-.^_`|~09azAZ: c\r\n\r\n");
    assert_eq!(fields["x"].as_bytes(), b"a\x80\xffb");
    assert_eq!(fields["!#$%&'*+-.^_`|~09azaz"], "c");
}

#[test]
fn repeated_names_keep_their_order() {
    let fields = fields(b"X: 1\r\nY: 2\r\nx: 3\r\n\r\n");
    let values: Vec<_> = fields.get_all("x").iter().collect();
    assert_eq!(values, ["1", "3"]);
}

#[test]
fn the_empty_section_is_a_blank_line() {
    assert!(fields(b"\r\n").is_empty());
    assert_eq!(parse(b""), Ok(None));
    assert_eq!(parse(b"\r"), Ok(None));
}

#[test]
fn a_line_is_refused_at_the_octet_that_spoils_it() {
    use FieldError::*;
    for (section, kind, offset) in [
        (&b" A: b"[..], Folded, 0),
        (b"A: b\r\n\tc", Folded, 6),
        (b"A:\r\n b", Folded, 4),
        (b": b", NameEmpty, 0),
        (b"A : b", NameBlank, 1),
        (b"A\t: b", NameBlank, 1),
        (b"A b: c", NameBlank, 1),
        (b"foobar\r\n", ColonMissing, 6),
        (b"foobar\n", ColonMissing, 6),
        (b"A(: b", NameOctet(b'('), 1),
        (b"\"A: b", NameOctet(b'"'), 0),
        (b"A\x00: b", NameOctet(0), 1),
        (b"A\x80: b", NameOctet(0x80), 1),
        (b"A=: b", NameOctet(b'='), 1),
        (b"A\xc3\xa9: b", NameOctet(0xc3), 1),
        (b"A: b\x00c", ValueOctet(0), 4),
        (b"A: b\x01", ValueOctet(1), 4),
        (b"A: b\x08", ValueOctet(8), 4),
        (b"A: b\x7f", ValueOctet(0x7f), 4),
        (b"A: b\x0b", ValueOctet(0x0b), 4),
        (b"A: b\nC: d", BareLineFeed, 4),
        (b"A: b\rC: d", BareCarriageReturn, 5),
        (b"A: b\r\r\n", BareCarriageReturn, 5),
        (b"A: b\r\n\n", BareLineFeed, 6),
        (b"A: b\r\n\r\r\n", BareCarriageReturn, 7),
        (b"A: b\r\n\rX", BareCarriageReturn, 7),
    ] {
        assert_eq!(
            refusal(section),
            (kind, offset),
            "{}",
            section.escape_ascii()
        );
        let before = &section[..offset as usize];
        assert_eq!(parse(before), Ok(None), "{}", before.escape_ascii());
    }
}

#[test]
fn one_line_too_many_is_refused_at_its_first_octet() {
    let section = b"A:1\r\n".repeat(COUNT);
    assert_eq!(parse(&section), Ok(None));
    let section = [&section[..], b"A"].concat();
    assert_eq!(refusal(&section), (FieldError::TooMany(COUNT), 25));
}

#[test]
fn a_section_is_scanned_the_same_octet_by_octet() {
    let section = b"Host: a\r\nX-Y:\t b c \r\nZ:\r\n\r\n";
    let mut scanner = FieldScanner::default();
    for end in 0..section.len() {
        assert_eq!(
            scanner.scan(&section[..end], COUNT, Section::Head, false),
            Ok(None),
            "cut at {end}"
        );
    }
    assert_eq!(
        scanner.scan(section, COUNT, Section::Head, false),
        Ok(Some(section.len()))
    );
    let fields = scanner
        .build(&Bytes::from_static(section), Section::Head)
        .unwrap();
    assert_eq!(fields, self::fields(section));
}

/// That many field lines, each with another name, and no blank line.
fn distinct_lines(count: usize) -> Vec<u8> {
    let lines = (0..count).map(|number| format!("x{number}:\r\n"));
    lines.collect::<String>().into_bytes()
}

#[test]
fn the_map_holds_as_many_names_as_promised() {
    let section = [distinct_lines(MOST_FIELDS), b"\r\n".to_vec()].concat();
    let mut scanner = FieldScanner::default();
    let scanned = scanner
        .scan(&section, usize::MAX, Section::Head, false)
        .unwrap();
    assert_eq!(scanned, Some(section.len()));
    let fields = scanner.build(&section.into(), Section::Head).unwrap();
    assert_eq!(fields.keys_len(), MOST_FIELDS);
}

#[test]
fn more_lines_than_the_map_can_hold_are_refused_at_the_first_of_them() {
    let mut section = distinct_lines(MOST_FIELDS);
    let offset = section.len() as u64;
    section.push(b'y');
    let scanned = FieldScanner::default().scan(&section, usize::MAX, Section::Head, false);
    let error = scanned.unwrap_err();
    assert_eq!(error.kind(), &FieldError::TooMany(MOST_FIELDS).into());
    assert_eq!(error.status().unwrap().as_u16(), 431);
    assert_eq!(error.offset(), offset);
}

#[test]
fn a_name_too_long_for_the_map_is_refused() {
    let mut section = vec![b'a'; 70_000];
    section.extend_from_slice(b": b\r\n\r\n");
    assert_eq!(refusal(&section), (FieldError::NameTooLong, 0));
}

#[test]
fn raw_fields_keep_order_repetition_and_letter_case() {
    let raw = RawFields::new(Bytes::from_static(b"X-b: 1\r\nA: \r\nx-B:\t2 \r\n\r\n"));
    let lines: Vec<_> = raw.fields().collect();
    assert_eq!(
        lines,
        [(&b"X-b"[..], &b"1"[..]), (b"A", b""), (b"x-B", b"2")]
    );
    assert_eq!(
        RawFields::new(Bytes::from_static(b"\r\n")).fields().count(),
        0
    );
}

#[test]
fn debug_shows_no_values() {
    let section = Bytes::from_static(b"Cookie: secret\r\n\r\n");
    let trailers = Trailers {
        fields: fields(&section),
        raw: RawFields::new(section),
    };
    let shown = format!("{trailers:?} {:?}", trailers.raw);
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn connection_options_are_a_list_over_all_lines() {
    let of = |section: &[u8]| ConnectionOptions::of(&fields(section));
    let none = ConnectionOptions::default();
    assert_eq!(of(b"\r\n"), none);
    assert_eq!(of(b"Connection: closed, x-close\r\n\r\n"), none);
    assert_eq!(
        of(b"Connection: CLOSE\r\n\r\n"),
        ConnectionOptions {
            close: true,
            ..none
        }
    );
    let both = ConnectionOptions {
        close: true,
        keep_alive: true,
        upgrade: false,
    };
    assert_eq!(of(b"Connection: keep-alive , close\r\n\r\n"), both);
    assert_eq!(
        of(b"Connection: keep-alive\r\nConnection: ,Close\r\n\r\n"),
        both
    );
    assert!(of(b"Connection: HTTP2-Settings, Upgrade\r\n\r\n").upgrade);
}

#[test]
fn empty_members_come_out_empty() {
    let fields = fields(b"Expect: a,, b ,\r\nExpect:\r\n\r\n");
    let members: Vec<_> = members(&fields, &header::EXPECT).collect();
    assert_eq!(members, [&b"a"[..], b"", b"b", b"", b""]);
}

#[test]
fn framing_fields_are_no_trailers() {
    for name in FORBIDDEN_TRAILERS {
        let section = format!("x: y\r\n{}: z\r\n\r\n", name.to_ascii_uppercase());
        let fields = fields(section.as_bytes());
        assert_eq!(forbidden_trailer(&fields).unwrap().0, name);
    }
    assert!(forbidden_trailer(&fields(b"Server-Timing: a\r\nETag: b\r\n\r\n")).is_none());
}
