//! The forms of moments and of JSON.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::*;

#[test]
fn json_holds_nothing_that_acts_on_a_terminal() {
    let text = "a\u{1b}[2J\u{7f}\u{85}\u{202e}\u{2066}ü\n";
    let json = harmless(&serde_json::to_string_pretty(&[text]).unwrap());
    assert!(!json.contains(|letter| letter != '\n' && disturbs(letter)));
    assert!(json.contains("\\u202e") && json.contains('ü'), "{json}");
    let read: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read[0], text, "and says the same");
}

#[test]
fn moments_are_told_to_the_second() {
    let time = UNIX_EPOCH + Duration::from_millis(1_795_381_290_999);
    assert_eq!(moment(time), "2026-11-22T21:01:30Z");
}
