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
    assert_eq!(
        cut("-----END A-----\n"),
        None,
        "an END alone is surrounding text"
    );
}

#[test]
fn lines_that_only_look_like_markers_are_text() {
    let long = format!("-----BEGIN {}-----\n", "A".repeat(65));
    for text in [
        "-----BEGIN -----\n",
        "-----BEGIN a\x1b[31m-----\n",
        " -----BEGIN A-----\n",
        &long,
    ] {
        assert_eq!(found(text), [], "{text:?}");
    }
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
    assert!(advice(b"-----BEGIN A-----\\nAAAA\\n-----END A-----").contains("\\n"));
    assert!(advice(b"  -----BEGIN A-----\n").contains("start"));
    assert_eq!(advice(b"hello"), "");
}
