//! Colour and its absence.

use super::*;

#[test]
fn text_is_painted_only_where_colour_is_on() {
    assert_eq!(Paint::new(false).text(Meaning::Bad, "no"), "no");
    assert_eq!(
        Paint::new(true).text(Meaning::Bad, "no"),
        "\x1b[31mno\x1b[0m"
    );
    assert_eq!(Paint::new(true).text(Meaning::Title, ""), "");
}

#[test]
fn a_file_has_no_colour() {
    let file = tempfile::tempfile().unwrap();
    assert!(!Paint::for_stream(&file).on);
}
