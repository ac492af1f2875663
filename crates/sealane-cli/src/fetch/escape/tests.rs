//! The same text at every cut.

use super::*;

/// Escapes pieces one after the other.
fn escaped(pieces: &[&[u8]]) -> String {
    let mut escape = Escape::default();
    let mut out: String = pieces.iter().map(|piece| escape.piece(piece)).collect();
    out += &escape.end();
    out
}

#[test]
fn text_stays_and_controls_show() {
    assert_eq!(escaped(&["a\tb\r\nGrüße\n".as_bytes()]), "a\tb\nGrüße\n");
    assert_eq!(escaped(&[b"\x1b[2J\x07\r."]), "\\u{1b}[2J\\u{7}\\r.");
    assert_eq!(escaped(&["\u{202e}".as_bytes()]), "\\u{202e}");
    assert_eq!(escaped(&[b"\xff\xfe ok \xc3"]), "\\xff\\xfe ok \\xc3");
    assert_eq!(escaped(&[b"\xc2\x9b31m"]), "\\u{9b}31m");
}

#[test]
fn a_character_cut_in_two_is_one() {
    let text = "a\u{e9}\u{20ac}\u{1f600}\u{9b}\n".as_bytes();
    let whole = escaped(&[text]);
    for cut in 0..=text.len() {
        let (first, rest) = text.split_at(cut);
        assert_eq!(escaped(&[first, rest]), whole, "cut at {cut}");
    }
    let each: Vec<_> = text.chunks(1).collect();
    assert_eq!(escaped(&each), whole);
}
