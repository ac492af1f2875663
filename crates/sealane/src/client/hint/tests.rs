//! Which hints count, and for how much.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use super::{Hint, keep_alive_hint};

fn hint(value: &'static str) -> Hint {
    let mut fields = HeaderMap::new();
    fields.insert("keep-alive", HeaderValue::from_static(value));
    keep_alive_hint(&fields)
}

#[test]
fn c019_a_hint_of_five_seconds_lets_a_connection_rest_for_four() {
    assert_eq!(hint("timeout=5"), Hint::Rest(Duration::from_secs(4)));
    assert_eq!(
        hint("timeout=5, max=100"),
        Hint::Rest(Duration::from_secs(4))
    );
}

#[test]
fn c021_a_hint_behind_another_parameter_is_ignored() {
    assert_eq!(hint("max=3, timeout=5"), Hint::None);
}

#[test]
fn a_second_or_less_means_do_not_use_it_again() {
    assert_eq!(hint("timeout=0"), Hint::Spent);
    assert_eq!(hint("timeout=1"), Hint::Spent);
    assert_eq!(hint("timeout=2"), Hint::Rest(Duration::from_secs(1)));
}

#[test]
fn what_is_no_number_is_no_hint() {
    assert_eq!(hint("timeout="), Hint::None);
    assert_eq!(hint("timeout=x"), Hint::None);
    assert_eq!(keep_alive_hint(&HeaderMap::new()), Hint::None);
}

#[test]
fn an_endless_number_is_a_long_rest() {
    assert!(matches!(
        hint("timeout=99999999999999999999999"),
        Hint::Rest(_)
    ));
}
