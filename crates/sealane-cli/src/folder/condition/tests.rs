//! Conditional requests by the table of RFC 9110 §13.2.2, strong and weak, dates at their edges.

use super::*;

/// A moment long before [`now`].
fn changed() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(1_600_000_000, 123)
}

/// The moment of the request.
fn now() -> SystemTime {
    changed() + Duration::from_secs(86_400)
}

/// A file that has rested for a day.
fn rested() -> Validators {
    Validators::from_facts(10, Some(changed()), now())
}

/// Request fields.
fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
    let lines = lines.iter().map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        )
    });
    HeaderMap::from_iter(lines)
}

/// The verdict on one field.
fn verdict(name: &'static str, value: &str) -> Verdict {
    rested().judge(&fields(&[(name, value)]))
}

/// The tag of [`rested`].
const TAG: &str = "\"5f5e1000-7b-a\"";

/// The date of [`rested`], and one second around it.
const DATE: [&str; 3] = [
    "Sun, 13 Sep 2020 12:26:39 GMT",
    "Sun, 13 Sep 2020 12:26:40 GMT",
    "Sun, 13 Sep 2020 12:26:41 GMT",
];

#[test]
fn validators_are_shown() {
    assert_eq!(rested().etag().as_deref(), Some(TAG));
    assert_eq!(rested().last_modified().as_deref(), Some(DATE[1]));
}

#[test]
fn none_match_compares_weakly_in_lists() {
    for value in [
        TAG,
        "*",
        &format!("W/{TAG}"),
        &format!("\"a,b\", W/\"x\" ,{TAG}"),
        &format!(",,{TAG}"),
    ] {
        assert_eq!(
            verdict("if-none-match", value),
            Verdict::NotModified,
            "{value}"
        );
    }
    for value in [
        "\"x\"",
        "",
        "5f5e1000-7b-a",
        "\"5f5e1000-7b-a",
        "W/",
        "\"\"",
        "x, y",
    ] {
        assert_eq!(verdict("if-none-match", value), Verdict::Send, "{value}");
    }
}

#[test]
fn match_compares_strongly() {
    assert_eq!(verdict("if-match", TAG), Verdict::Send);
    assert_eq!(verdict("if-match", "*"), Verdict::Send);
    for value in [&format!("W/{TAG}"), "\"x\"", "", "junk"] {
        assert_eq!(verdict("if-match", value), Verdict::Failed, "{value}");
    }
}

#[test]
fn dates_compare_in_seconds() {
    assert_eq!(verdict("if-modified-since", DATE[0]), Verdict::Send);
    assert_eq!(verdict("if-modified-since", DATE[1]), Verdict::NotModified);
    assert_eq!(verdict("if-modified-since", DATE[2]), Verdict::NotModified);
    assert_eq!(verdict("if-unmodified-since", DATE[0]), Verdict::Failed);
    assert_eq!(verdict("if-unmodified-since", DATE[1]), Verdict::Send);
    assert_eq!(
        verdict("if-modified-since", "Sunday, 13-Sep-20 12:26:40 GMT"),
        Verdict::NotModified
    );
    for junk in ["yesterday", "", "Sun, 99 Sep 2020 12:26:40 GMT"] {
        assert_eq!(verdict("if-modified-since", junk), Verdict::Send, "{junk}");
        assert_eq!(
            verdict("if-unmodified-since", junk),
            Verdict::Send,
            "{junk}"
        );
    }
}

#[test]
fn tags_go_before_dates() {
    let both = fields(&[("if-none-match", "\"x\""), ("if-modified-since", DATE[2])]);
    assert_eq!(rested().judge(&both), Verdict::Send);
    let both = fields(&[("if-match", TAG), ("if-unmodified-since", DATE[0])]);
    assert_eq!(rested().judge(&both), Verdict::Send);
    let both = fields(&[("if-match", "\"x\""), ("if-none-match", TAG)]);
    assert_eq!(rested().judge(&both), Verdict::Failed);
}

#[test]
fn ranges_need_an_exact_strong_validator() {
    let applies = |value: &str| rested().range_applies(&fields(&[("if-range", value)]));
    assert!(rested().range_applies(&fields(&[])));
    assert!(applies(TAG) && applies(DATE[1]));
    for value in [DATE[0], DATE[2], &format!("W/{TAG}"), "\"x\"", "*", ""] {
        assert!(!applies(value), "{value}");
    }
}

#[test]
fn a_file_changed_just_now_has_weak_validators() {
    let fresh = Validators::from_facts(10, Some(changed()), changed() + Duration::from_millis(500));
    let tag = format!("W/{TAG}");
    assert_eq!(fresh.etag(), Some(tag.clone()));
    assert!(!fresh.range_applies(&fields(&[("if-range", TAG)])));
    assert!(!fresh.range_applies(&fields(&[("if-range", DATE[1])])));
    assert_eq!(
        fresh.judge(&fields(&[("if-none-match", &tag)])),
        Verdict::NotModified
    );
}

#[test]
fn dates_out_of_bounds_are_left_out() {
    let future = Validators::from_facts(1, Some(now() + Duration::from_secs(9)), now());
    assert_eq!(future.last_modified(), Some(httpdate::fmt_http_date(now())));
    let ancient = Validators::from_facts(
        1,
        Some(SystemTime::UNIX_EPOCH - Duration::from_secs(9)),
        now(),
    );
    assert_eq!((ancient.etag(), ancient.last_modified()), (None, None));
    let beyond = SystemTime::UNIX_EPOCH + Duration::from_secs(YEAR_10000);
    let late = Validators::from_facts(1, Some(beyond), beyond + Duration::from_secs(60));
    assert_eq!(late.last_modified(), None);
}

#[test]
fn tags_of_others_may_have_octets_that_are_no_text() {
    let judge = |value: &[u8]| {
        let value = HeaderValue::from_bytes(value).unwrap();
        rested().judge(&HeaderMap::from_iter([(IF_NONE_MATCH, value)]))
    };
    let list = |first: &[u8]| [first, b", ", TAG.as_bytes()].concat();
    assert_eq!(judge(&list(b"\"\xff\x80\"")), Verdict::NotModified);
    assert_eq!(judge(&list(b"W/\"\xc3\xa9\"")), Verdict::NotModified);
    // A space is no part of a tag, and what follows a thing that is no tag is not read.
    assert_eq!(judge(&list(b"\"a b\"")), Verdict::Send);
    assert_eq!(judge(b"\"\xff\""), Verdict::Send);
}
