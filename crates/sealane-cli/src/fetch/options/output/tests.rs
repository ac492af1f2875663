//! What options of the output mean.

use super::*;

#[test]
fn words_for_where_to_go_on() {
    assert_eq!(continue_at("-"), Ok(ContinueAt::End));
    assert_eq!(continue_at("0"), Ok(ContinueAt::Offset(0)));
    assert_eq!(
        continue_at("12345678901"),
        Ok(ContinueAt::Offset(12_345_678_901))
    );
    for text in ["", "+1", "-1", "1k", "99999999999999999999"] {
        assert!(continue_at(text).is_err(), "{text}");
    }
}
