//! Does the pool learn from what really repeats, and forget?

use super::*;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn at(second: u64) -> Moment {
    Moment(second * 1000)
}

#[test]
fn one_death_teaches_nothing_two_do() {
    let mut learning = Learning::new();
    assert!(learning.is_empty());
    learning.died(&'a', seconds(4), at(10));
    assert_eq!(learning.limit(&'a', at(10)), None);
    learning.died(&'a', seconds(5), at(20));
    assert_eq!(learning.limit(&'a', at(20)), Some(seconds(3)));
    assert_eq!(learning.limit(&'b', at(20)), None);
}

#[test]
fn many_deaths_at_once_are_one() {
    let mut learning = Learning::new();
    for rest in 1..50 {
        learning.died(&'a', seconds(rest), Moment(10_000 + rest));
    }
    assert_eq!(learning.limit(&'a', at(11)), None);
    learning.died(&'a', seconds(60), at(20));
    // Of the restart the longest rest counts.
    assert_eq!(learning.limit(&'a', at(20)), Some(seconds(49) / 4 * 3));
}

#[test]
fn what_was_survived_is_not_deadly() {
    let mut learning = Learning::new();
    learning.died(&'a', seconds(4), at(10));
    learning.died(&'a', seconds(8), at(20));
    learning.died(&'a', seconds(12), at(30));
    learning.survived(&'a', seconds(5));
    assert_eq!(learning.limit(&'a', at(30)), Some(seconds(6)));
    learning.survived(&'a', seconds(12));
    assert!(learning.is_empty());
    learning.survived(&'a', seconds(12));
}

#[test]
fn a_calm_minute_doubles_the_rest_and_ten_forget_it() {
    let mut learning = Learning::new();
    learning.died(&'a', seconds(4), at(0));
    learning.died(&'a', seconds(4), at(2));
    for (second, limit) in [(61, 3), (62, 6), (122, 12), (601, 3 * 512)] {
        assert_eq!(learning.limit(&'a', at(second)), Some(seconds(limit)));
    }
    assert_eq!(learning.limit(&'a', at(602)), None);
    // What is forgotten does not count with what comes later.
    learning.died(&'a', seconds(1), at(700));
    assert_eq!(learning.limit(&'a', at(700)), None);
}

#[test]
fn memory_is_bounded_and_the_oldest_goes() {
    let mut learning = Learning::new();
    for key in 0..10_000_u64 {
        learning.died(&key, seconds(4), Moment(key));
        learning.died(&key, seconds(4), Moment(key + 2000));
    }
    assert_eq!(learning.lessons.len(), MOST_KEYS);
    assert!(
        learning
            .lessons
            .values()
            .all(|it| it.deadly.len() <= MOST_DEATHS)
    );
    assert_eq!(learning.limit(&0, Moment(12_000)), None);
    assert!(learning.limit(&9_999, Moment(12_000)).is_some());
    for second in 0..100 {
        learning.died(&9_999, seconds(4), at(20 + 2 * second));
    }
    assert_eq!(learning.lessons[&9_999].deadly.len(), MOST_DEATHS);
}

#[test]
fn however_soon_connections_die_some_rest_is_left() {
    let mut learning = Learning::new();
    learning.died(&'a', Duration::ZERO, at(10));
    learning.died(&'a', Duration::ZERO, at(20));
    assert_eq!(learning.limit(&'a', at(20)), Some(SHORTEST_LIMIT));
    assert_eq!(learning.limit(&'a', at(80)), Some(SHORTEST_LIMIT * 2));
    learning.died(&'a', Duration::MAX, at(90));
    assert!(learning.limit(&'a', at(90)).is_some());
}
