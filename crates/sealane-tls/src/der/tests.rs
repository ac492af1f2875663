//! Does the reader take what is definite, and the converter what is not?

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{DerError, Element, OCTET_STRING, Reader, SEQUENCE, definite, element, joined};

#[test]
fn lengths_of_every_form_are_read_as_written() {
    for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
        let content = vec![7; length];
        let octets = element(OCTET_STRING, &[&content]);
        let read = Element::only(&octets).unwrap();
        assert_eq!((read.tag, read.content), (OCTET_STRING, &content[..]));
        assert_eq!(read.whole, octets);
        let cut = &octets[..octets.len() - 1];
        assert_eq!(Element::only(cut).err(), Some(DerError::Truncated));
    }
}

#[test]
fn what_no_key_has_is_refused() {
    let error = |octets: &[u8]| Element::only(octets).err();
    assert_eq!(error(&[]), Some(DerError::Truncated));
    assert_eq!(error(&[0x30, 0x80, 0, 0]), Some(DerError::Indefinite));
    assert_eq!(error(&[0x1f, 0x81, 0x01, 0]), Some(DerError::Malformed));
    assert_eq!(error(&[4, 0x85, 1, 0, 0, 0, 0]), Some(DerError::Malformed));
    assert_eq!(
        error(&[4, 0x84, 0xff, 0xff, 0xff, 0xff]),
        Some(DerError::Truncated)
    );
    assert_eq!(error(&[5, 0, 5]), Some(DerError::Malformed));
    let small = |octets: &[u8]| Element::only(octets).unwrap().small();
    assert_eq!(small(&[2, 2, 1, 0]), Ok(256));
    assert_eq!(
        small(&[2, 9, 0, 255, 255, 255, 255, 255, 255, 255, 255]),
        Ok(u64::MAX)
    );
    assert_eq!(small(&[2, 1, 0xff]), Err(DerError::Malformed), "negative");
    assert_eq!(
        small(&[2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        Err(DerError::Malformed)
    );
}

#[test]
fn indefinite_lengths_become_definite_and_strings_one_piece() {
    // SEQUENCE { [0] { OCTET STRING in pieces "ab", "c" }, INTEGER 3 }, lengths left open.
    let basic = [
        0x30, 0x80, 0xa0, 0x80, 0x24, 0x80, 4, 2, b'a', b'b', 4, 1, b'c', 0, 0, 0, 0, 2, 1, 3, 0, 0,
    ];
    let converted = definite(&basic).unwrap();
    assert_eq!(
        *converted,
        [0x30, 10, 0xa0, 5, 4, 3, b'a', b'b', b'c', 2, 1, 3]
    );
    for end in 0..basic.len() {
        // Cut or not, there is an answer, and the whole is never taken for less.
        let cut = definite(&basic[..end]);
        assert!(end < 2 || cut.is_err(), "cut at {end}");
    }
    let behind = [&basic[..], &[0]].concat();
    assert_eq!(definite(&behind).err(), Some(DerError::Malformed));
    let deep = [0x30, 0x80].repeat(1000);
    assert_eq!(definite(&deep).err(), Some(DerError::TooDeep));
    assert_eq!(joined(&[4, 1, 1, 5, 0]).err(), Some(DerError::Malformed));
}

proptest! {
    #[test]
    fn no_octets_make_the_reader_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut reader = Reader::new(&octets);
        let mut read = 0;
        while let Ok(element) = reader.any() {
            read += element.whole.len();
        }
        prop_assert!(read <= octets.len());
        let open = [&[0x30, 0x80][..], &octets].concat();
        if let Ok(converted) = definite(&open) {
            prop_assert!(Element::only(&converted).is_ok());
            prop_assert!(converted.len() <= open.len() + 8 * 24);
        }
    }

    #[test]
    fn what_is_written_is_read(first in proptest::collection::vec(any::<u8>(), 0..300),
                               second in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (one, two) = (element(OCTET_STRING, &[&first]), element(OCTET_STRING, &[&second]));
        let both = element(SEQUENCE, &[&one, &two]);
        let mut members = Element::only(&both).unwrap().members();
        prop_assert_eq!(members.expect(OCTET_STRING).unwrap().content, first);
        prop_assert_eq!(members.expect(OCTET_STRING).unwrap().content, second);
        prop_assert!(members.is_empty());
    }
}
