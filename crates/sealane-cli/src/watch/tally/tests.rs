//! What is told of what was counted.

use super::*;

#[test]
fn nothing_counted_is_nothing_told() {
    assert!(Tally::default().lines().is_empty());
}

#[test]
fn each_kind_is_a_line_and_the_most_frequent_class_comes_first() {
    let tally = Tally::default();
    for _ in 0..10 {
        tally.add(Kind::Handshake, "client-alert");
    }
    for class in ["cut", "cut", "not-tls"] {
        tally.add(Kind::Handshake, class);
    }
    tally.add(Kind::Unserved, "");
    tally.add(Kind::Dropped, "blocked");
    assert_eq!(
        tally.lines(),
        [
            "handshakes that failed: 13 (client-alert 10, cut 2, not-tls 1)",
            "connections turned away: 1 (blocked 1)",
            "requests beyond the last of their connection: 1",
        ]
    );
}

#[test]
fn every_kind_has_its_words() {
    let tally = Tally::default();
    let all = [
        Kind::Handshake,
        Kind::Dropped,
        Kind::Late,
        Kind::Unserved,
        Kind::Failed,
    ];
    for kind in all {
        tally.add(kind, "x");
    }
    assert_eq!(tally.lines().len(), all.len());
}
