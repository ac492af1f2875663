//! Times and sizes, right and wrong.

use super::*;

/// The limit that a text states.
fn limit(text: &str) -> Option<Duration> {
    time_limit(text).expect(text).0
}

#[test]
fn lengths_of_time_in_every_unit() {
    assert_eq!(limit("500ms"), Some(Duration::from_millis(500)));
    assert_eq!(limit("5s"), Some(Duration::from_secs(5)));
    assert_eq!(limit("2m"), Some(Duration::from_secs(120)));
    assert_eq!(limit("1h"), Some(Duration::from_secs(3600)));
    assert_eq!(limit("off"), None);
    assert_eq!(limit("none"), None);
}

#[test]
fn a_length_without_unit_is_refused_and_says_what_to_write() {
    assert_eq!(
        time_limit("5").unwrap_err(),
        "a unit is missing: write 5s or 5ms"
    );
}

#[test]
fn wrong_lengths_are_refused() {
    let long = format!("{}h", u64::MAX);
    for text in [
        "", "s", "-5s", "5 s", "5sec", "1.5s", "0s", "0ms", "9999999h", &long, "5s ", "٥s",
    ] {
        assert!(time_limit(text).is_err(), "{text:?}");
    }
}

#[test]
fn sizes_in_every_unit() {
    assert_eq!(size("16384"), Ok(16384));
    assert_eq!(size("16KiB"), Ok(16384));
    assert_eq!(size("16kib"), Ok(16384));
    assert_eq!(size("1MiB"), Ok(1 << 20));
    assert_eq!(size("64kB"), Ok(64_000));
    assert_eq!(size("1MB"), Ok(1_000_000));
    assert_eq!(size("100B"), Ok(100));
}

#[test]
fn wrong_sizes_are_refused() {
    let long = format!("{}KiB", u64::MAX);
    for text in [
        "", "KiB", "-1", "0", "0KiB", "1K", "1 KiB", "1.5KiB", "1GiBB", &long,
    ] {
        assert!(size(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_limit_is_written_as_it_can_be_read() {
    for text in ["off", "5s", "1500ms", "60s"] {
        assert_eq!(time_limit(text).unwrap().to_string(), text);
    }
    assert_eq!(time_limit("2m").unwrap().to_string(), "120s");
}

#[test]
fn numbers_and_no_limit() {
    assert_eq!(count_limit("20"), Ok(CountLimit(Some(20))));
    assert_eq!(count_limit("off"), Ok(CountLimit(None)));
    let long = format!("{}0", u64::MAX);
    for text in ["", "0", "-1", "1k", "1.5", "x", &long] {
        assert!(count_limit(text).is_err(), "{text:?}");
    }
}

#[test]
fn rates_with_and_without_their_second() {
    for (text, octets) in [("500", 500), ("500/s", 500), ("16KiB/s", 16_384)] {
        assert_eq!(rate_limit(text), Ok(RateLimit(Some(octets))));
    }
    assert_eq!(rate_limit("off"), Ok(RateLimit(None)));
    for text in ["", "/s", "0", "0/s", "-1", "5/m", "1.5", "500 /s"] {
        assert!(rate_limit(text).is_err(), "{text:?}");
    }
    assert_eq!(length("2s"), Ok(Duration::from_secs(2)));
    assert!(length("off").is_err());
}

#[test]
fn a_size_that_the_system_may_choose() {
    assert_eq!(size_limit("64KiB"), Ok(SizeLimit(Some(65_536))));
    assert_eq!(size_limit("off"), Ok(SizeLimit(None)));
    let nothing = size_limit("0").unwrap_err();
    assert!(nothing.contains("write off"), "{nothing}");
    assert!(size_limit("64KiBs").unwrap_err().contains("unknown unit"));
}
