//! Media types by name and by the first octets.

use super::*;

/// The type of a file by name and beginning.
fn kind(name: &str, beginning: &[u8]) -> String {
    content_type(OsStr::new(name), beginning)
}

#[test]
fn names_decide() {
    assert_eq!(kind("a.html", b"<p>"), "text/html; charset=utf-8");
    assert_eq!(kind("a.JS", b"x"), "text/javascript; charset=utf-8");
    assert_eq!(kind("a.css", "ü{}".as_bytes()), "text/css; charset=utf-8");
    assert_eq!(kind("a.png", b"\x89PNG"), "image/png");
    assert_eq!(kind("a.json", b"{}"), "application/json");
    assert_eq!(kind("a.wasm", b"\0asm"), "application/wasm");
    assert_eq!(kind("a.tar.gz", b"\x1f\x8b"), "application/gzip");
}

#[test]
fn another_character_set_is_left_to_the_page_itself() {
    assert_eq!(kind("a.html", b"gr\xfc\xdfe"), "text/html");
}

#[test]
fn without_a_known_ending_the_beginning_decides() {
    assert_eq!(kind("LICENSE", b"MIT"), "text/plain; charset=utf-8");
    assert_eq!(kind("core", b"\x7fELF\x02\x01"), "application/octet-stream");
    assert_eq!(kind("blob", b"a\0b"), "application/octet-stream");
    assert_eq!(kind("empty", b""), "text/plain; charset=utf-8");
    assert_eq!(kind("page", b"<script>"), "text/plain; charset=utf-8");
}

#[test]
fn scripts_are_no_films() {
    assert_eq!(kind("a.ts", b"let x: number"), "text/plain; charset=utf-8");
    assert!(kind("a.ts", b"\x47\x40\0").starts_with("video/"));
}

#[test]
fn a_letter_cut_by_the_sample_is_still_text() {
    let mut sample = vec![b'a'; SAMPLE - 1];
    sample.extend("ü".as_bytes());
    assert_eq!(kind("x", &sample[..SAMPLE]), "text/plain; charset=utf-8");
    assert_eq!(kind("x", b"short \xc3"), "application/octet-stream");
}
