//! Does the reader find blocks, keep line numbers right and refuse what is broken?

use super::{PemError, advice, blocks};

const TWO: &str = "text before\n-----BEGIN A-----\nAAAA\n-----END A-----\nbetween\n\
                   -----BEGIN B C-----\nBBBB\nBBBB\n-----END B C-----\nafter\n";

fn found(text: &str) -> Vec<(String, usize)> {
    let blocks = blocks(text.as_bytes()).unwrap();
    blocks
        .iter()
        .map(|block| (block.label.to_owned(), block.line))
        .collect()
}

#[test]
fn text_around_blocks_is_skipped_and_lines_are_counted_with_every_line_end() {
    let expected = [("A".to_owned(), 2), ("B C".to_owned(), 6)];
    assert_eq!(found(TWO), expected);
    assert_eq!(found(&TWO.replace('\n', "\r\n")), expected);
    assert_eq!(found(&TWO.replace('\n', "\r")), expected);
    assert_eq!(found(TWO.trim_end()), expected);
    assert_eq!(found(&TWO.replace("-----\n", "----- \t\n")), expected);
}

#[test]
fn a_block_without_its_end_is_named_by_its_first_line() {
    let cut = |text: &str| blocks(text.as_bytes()).err();
    let unterminated = |line| Some(PemError::Unterminated { line });
    assert_eq!(cut("x\n-----BEGIN A-----\nAAAA\n"), unterminated(2));
    assert_eq!(
        cut("-----BEGIN A-----\nAAAA\n-----BEGIN A-----\n"),
        unterminated(1)
    );
    assert_eq!(
        cut("-----BEGIN A-----\nAAAA\n-----END B-----\n"),
        unterminated(1)
    );
    let unopened = Some(PemError::Unopened { line: 4 });
    assert_eq!(
        cut("-----BEGIN A-----\nAAAA\n-----END A-----\n-----END A-----\n"),
        unopened
    );
}

#[test]
fn lines_that_only_look_like_markers_are_refused() {
    let long = format!("-----BEGIN {}-----", "A".repeat(65));
    for line in [
        "-----BEGIN -----",
        "-----BEGIN a\x1b[31m-----",
        " -----BEGIN A-----",
        "cert: -----BEGIN A-----",
        "-----BEGIN A----- x",
        "\u{feff}-----BEGIN A-----",
        " -----END A-----",
        "-----END A----------BEGIN A-----",
        &long,
    ] {
        let refused = blocks(format!("text\n{line}\n").as_bytes()).err();
        assert_eq!(refused, Some(PemError::BadMarker { line: 2 }), "{line:?}");
    }
    let glued = "-----BEGIN A-----\nAAAA\n-----END A----------BEGIN A-----\nAAAA\n-----END A-----";
    assert_eq!(
        blocks(glued.as_bytes()).err(),
        Some(PemError::BadMarker { line: 3 })
    );
    let escaped = "-----BEGIN A-----\\nAAAA\\n-----END A-----\\n";
    assert_eq!(
        blocks(escaped.as_bytes()).err(),
        Some(PemError::EscapedLineEnds { line: 1 })
    );
    assert_eq!(found("----- BEGIN A -----\n--BEGIN A--\n"), [], "mere text");
}

#[test]
fn one_byte_order_mark_is_skipped() {
    let block = "-----BEGIN A-----\nAAAA\n-----END A-----\n";
    assert_eq!(found(&format!("\u{feff}{block}")), [("A".to_owned(), 1)]);
    let twice = format!("\u{feff}\u{feff}{block}");
    assert_eq!(
        blocks(twice.as_bytes()).err(),
        Some(PemError::BadMarker { line: 1 })
    );
}

#[test]
fn broken_base64_is_named_by_line() {
    let error = |text: &str| blocks(text.as_bytes()).unwrap()[0].decode().unwrap_err();
    let block =
        |body: &str| format!("x\n-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----");
    assert_eq!(error(&block("AAAA\nAA!A")), PemError::BadBase64 { line: 4 });
    assert_eq!(
        error(&block("AAAA\nA\u{e9}A")),
        PemError::BadBase64 { line: 4 }
    );
    assert_eq!(error(&block("AAAA\nA")), PemError::BadBlock { line: 2 });
    assert_eq!(
        blocks(block("AAAA\nAA==").as_bytes()).unwrap()[0]
            .decode()
            .unwrap(),
        [0, 0, 0, 0]
    );
}

#[test]
fn advice_names_the_usual_accidents() {
    assert!(advice(b"").contains("empty"));
    assert!(advice(&[0x30, 0x82, 1, 2]).contains("DER"));
    assert!(advice(b"\xef\xbb\xbf").contains("empty"));
    assert_eq!(advice(b"hello"), "");
}
