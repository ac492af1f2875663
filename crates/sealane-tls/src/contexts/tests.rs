//! Does each name find the context that was meant for it, whatever its spelling?

use proptest::prelude::*;

use super::{Contexts, MAX_ODD_PATTERNS, MAX_PATTERNS, label_matches, matches};

fn table(patterns: &[&str]) -> Contexts<String> {
    let mut table = Contexts::new("default".to_owned());
    for pattern in patterns {
        table.add(pattern, (*pattern).to_owned()).unwrap();
    }
    table
}

fn assert_selects(table: &Contexts<String>, cases: &[(&str, &str)]) {
    for (name, expected) in cases {
        assert_eq!(table.select(Some(name)), expected, "{name}");
    }
}

#[test]
fn the_latest_added_match_wins_and_a_star_stays_in_its_label() {
    let names = [
        ("a.ex.com", "a.ex.com"),
        ("b.ex.com", "*.ex.com"),
        ("x.y.ex.com", "default"),
        ("ex.com", "default"),
        ("zzz", "default"),
    ];
    assert_selects(&table(&["*.ex.com", "a.ex.com"]), &names);
    let mut reversed = table(&["a.ex.com", "*.ex.com"]);
    assert_selects(&reversed, &[("a.ex.com", "*.ex.com")]);
    assert_eq!(reversed.select(None), "default");
    reversed.add("a.EX.com", "again".to_owned()).unwrap();
    assert_selects(&reversed, &[("a.ex.com", "again")]);
    assert_eq!(reversed.patterns(), ["*.ex.com", "a.ex.com"]);
    reversed.set_default("other".to_owned());
    assert_eq!(reversed.select(Some("zzz")), "other");
    assert_eq!(reversed.all().count(), 3);
}

/// A match that minds case sends `A.EX.com` to the default context, past the client certificates
/// that its own context demands.
#[test]
fn cve_2026_48928_the_match_ignores_case() {
    let table = table(&["*.ex.com", "B.Ex.Com", "C*.ex.com"]);
    assert_selects(
        &table,
        &[
            ("A.EX.COM", "*.ex.com"),
            ("a.ex.com.", "*.ex.com"),
            ("b.eX.com", "B.Ex.Com"),
            ("Cd.EX.com", "C*.ex.com"),
        ],
    );
}

#[test]
fn a_star_may_stand_anywhere_in_a_label() {
    let table = table(&[
        "*",
        "www*.ex.com",
        "a*b.ex.com",
        "x.*.ex.com",
        "**.two.com",
        "q.*",
    ]);
    assert_selects(
        &table,
        &[
            ("localhost", "*"),
            ("www.ex.com", "www*.ex.com"),
            ("www2.ex.com", "www*.ex.com"),
            ("wwx.ex.com", "default"),
            ("ab.ex.com", "a*b.ex.com"),
            ("a-b.ex.com", "a*b.ex.com"),
            ("a-c.ex.com", "default"),
            ("x.y.ex.com", "x.*.ex.com"),
            ("x.y.z.ex.com", "default"),
            ("any.two.com", "**.two.com"),
            ("q.org", "q.*"),
            ("www.ex.com.evil.org", "default"),
        ],
    );
}

#[test]
fn a_pattern_that_can_match_nothing_is_refused() {
    let mut table = table(&[]);
    let long = "a.".repeat(127);
    for (pattern, code, words) in [
        ("", "ERR_TLS_REQUIRED_SERVER_NAME", "required"),
        (".", "ERR_TLS_REQUIRED_SERVER_NAME", "required"),
        ("https://ex.com", "ERR_INVALID_ARG_VALUE", "without scheme"),
        (
            "ex.com:443",
            "ERR_INVALID_ARG_VALUE",
            "without scheme and port",
        ),
        ("a\n.com", "ERR_INVALID_ARG_VALUE", r"a\n.com"),
        ("a..com", "ERR_INVALID_ARG_VALUE", "empty label"),
        ("bücher.example", "ERR_INVALID_ARG_VALUE", "xn--"),
        (&format!("{long}a"), "ERR_INVALID_ARG_VALUE", "255 octets"),
    ] {
        let error = table.add(pattern, String::new()).unwrap_err();
        assert_eq!((error.option(), error.code()), ("add_context", code));
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.to_string().contains('\n'));
    }
    assert!(table.is_empty());
}

#[test]
fn the_table_is_bounded_but_a_renewed_context_always_fits() {
    let mut table = Contexts::new(0);
    for number in 0..MAX_ODD_PATTERNS {
        table.add(&format!("a*{number}"), number).unwrap();
    }
    let error = table.add("one*more", 0).unwrap_err();
    assert_eq!(error.code(), "ERR_OUT_OF_RANGE");
    table.add("a*7", 1000).unwrap();
    assert_eq!(table.select(Some("a7")), &1000);
    for number in MAX_ODD_PATTERNS..MAX_PATTERNS {
        table.add(&format!("host{number}.ex.com"), number).unwrap();
    }
    let error = table.add("one.more", 0).unwrap_err();
    assert_eq!(error.code(), "ERR_OUT_OF_RANGE");
    table.add("host300.ex.com", 1001).unwrap();
    assert_eq!(table.select(Some("host300.ex.com")), &1001);
    assert_eq!(table.len(), MAX_PATTERNS);
}

/// The plainest possible matcher, for comparison.
fn slow(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            slow(rest, text)
                || matches!(text, [first, text @ ..] if *first != b'.' && slow(pattern, text))
        }
        ([wanted, pattern @ ..], [found, text @ ..]) => wanted == found && slow(pattern, text),
        _ => false,
    }
}

proptest! {
    #[test]
    fn matching_agrees_with_the_plainest_matcher(
        pattern in "[ab*.]{1,9}", name in "[ab.]{0,9}",
    ) {
        prop_assert_eq!(matches(&pattern, &name), slow(pattern.as_bytes(), name.as_bytes()));
    }

    #[test]
    fn a_label_matches_as_the_plainest_matcher_says(
        pattern in "[ab*]{0,9}", label in "[ab]{0,9}",
    ) {
        prop_assert_eq!(
            label_matches(&pattern, &label),
            slow(pattern.as_bytes(), label.as_bytes())
        );
    }

    /// The three shelves of the table must not change which match is the latest.
    #[test]
    fn the_table_chooses_as_a_list_would(
        patterns in prop::collection::vec("([ab]|\\*|a\\*)(\\.([ab]|\\*)){0,2}", 0..12),
        name in "[ab]{1,2}(\\.[ab]){0,2}",
    ) {
        let mut table = Contexts::new(usize::MAX);
        for (number, pattern) in patterns.iter().enumerate() {
            table.add(pattern, number).unwrap();
        }
        let last = patterns.iter().rposition(|known| slow(known.as_bytes(), name.as_bytes()));
        prop_assert_eq!(*table.select(Some(&name)), last.unwrap_or(usize::MAX));
    }
}
