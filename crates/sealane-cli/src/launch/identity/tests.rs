//! What an authority is called.

use super::*;

#[test]
fn a_label_is_short_and_plain() {
    let label = label();
    assert!(label.len() <= 33 && label.contains('@'), "{label}");
    assert!(
        label
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_.@".contains(letter))
    );
}
