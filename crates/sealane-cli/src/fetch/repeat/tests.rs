//! Lines and summaries of rounds.

use super::*;

/// A round of so many milliseconds.
fn round(milliseconds: u64, opened: bool) -> Round {
    Round {
        status: "200 OK".to_owned(),
        octets: 12,
        took: Duration::from_millis(milliseconds),
        opened,
    }
}

#[test]
fn a_round_is_a_line() {
    let line = round(3, true).line(7, 100);
    assert_eq!(line, "  7  200 OK  12 octets  3.000 ms  new\n");
    let line = round(1234, false).line(100, 100);
    assert_eq!(line, "100  200 OK  12 octets  1234.000 ms  reused\n");
}

#[test]
fn the_summary_tells_ranks() {
    let mut tally = Tally::begin("https://me:word@h/");
    for milliseconds in (1..=200).rev() {
        tally.add(&round(milliseconds, milliseconds == 200));
    }
    tally.failed = 3;
    let wanted = "https://h/: 200 answered, 3 failed; 1 connections opened\n\
                  min 1.000 ms, median 100.000 ms, p99 198.000 ms, max 200.000 ms\n";
    assert_eq!(tally.summary(), wanted);
    let mut tally = Tally::begin("https://h/");
    assert_eq!(
        tally.summary(),
        "https://h/: 0 answered, 0 failed; 0 connections opened\n"
    );
    tally.add(&round(5, true));
    let wanted = "min 5.000 ms, median 5.000 ms, p99 5.000 ms, max 5.000 ms\n";
    assert!(tally.summary().ends_with(wanted));
}
