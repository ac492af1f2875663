//! Who gets what a dial brings, and when is it stopped?

use super::*;

/// What a call is told of a fresh connection.
const BORN: (Moment, Rest) = (
    START,
    Rest {
        idle_for: None,
        retires: None,
    },
);

#[test]
fn a_connection_that_comes_free_goes_to_a_request_whose_dial_is_under_way() {
    let mut pool = NumberPool::new(UNLIMITED);
    dial(&mut pool, 'a');
    let slow = begin(&mut pool, 'a', 2);
    let (waiter, connection) = (2, 1);
    let returned = give_back(&mut pool, 'a', connection);
    assert_eq!(returned, Returned::Handed { waiter, connection });
    // Its dial goes on, and what it brings rests, for nobody waits.
    let mut leavings = Leavings::new();
    let returned = pool.dialled(&'a', slow, 7, BORN, &mut leavings);
    assert_eq!((returned, leavings), (Returned::Parked, Leavings::new()));
    assert_eq!((pool.busy(&'a'), pool.idle(&'a')), (1, 1));
}

#[test]
fn a_dial_whose_request_is_gone_serves_the_next_or_is_stopped() {
    let limits = PoolLimits {
        keep_alive: false,
        max_sockets: Some(1),
        ..UNLIMITED
    };
    let mut pool = NumberPool::new(limits);
    let first = begin(&mut pool, 'a', 1);
    let second = wait(&mut pool, 'a', 2);
    assert!(cancel(&mut pool, first), "it goes on for the second");
    let mut leavings = Leavings::new();
    assert!(pool.cancel(second, &mut leavings));
    assert_eq!(leavings.stopped, [1], "now nobody needs it");
    // Until it has ended its place is taken.
    let third = wait(&mut pool, 'a', 3);
    assert_eq!(pool.total(), 1);
    let (own, next) = fail(&mut pool, 'a', first);
    let next = next.expect("the third may dial");
    assert_eq!((own, next.waiter, next.dial), (None, 3, third));
}

#[test]
fn who_is_held_back_by_the_total_limit_gets_dials_stopped_that_nobody_needs() {
    let mut pool = NumberPool::new(PoolLimits {
        max_total_sockets: Some(1),
        ..UNLIMITED
    });
    let first = begin(&mut pool, 'a', 1);
    assert!(cancel(&mut pool, first), "what it brings may rest");
    let mut leavings = Leavings::new();
    let outcome = pool.checkout(&'b', START, || 2, &mut leavings);
    assert!(matches!(outcome, Checkout::Wait(_)));
    assert_eq!(leavings.stopped, [1]);
    let (own, next) = fail(&mut pool, 'a', first);
    assert_eq!((own, next.map(|next| next.waiter)), (None, Some(2)));
}

#[test]
fn a_dial_that_fails_takes_its_own_request_along_and_no_other() {
    let mut pool = NumberPool::new(PoolLimits {
        max_sockets: Some(1),
        ..UNLIMITED
    });
    let first = begin(&mut pool, 'a', 1);
    let second = wait(&mut pool, 'a', 2);
    let (own, next) = fail(&mut pool, 'a', first);
    let next = next.expect("the second may dial");
    assert_eq!((own, next.waiter, next.dial), (Some(1), 2, second));
    reach(&mut pool, 'a', second, 2);
}

#[test]
fn who_is_over_age_is_handed_to_nobody_and_a_tenth_of_an_age_is_chance() {
    let mut pool = NumberPool::new(PoolLimits {
        max_sockets: Some(1),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    wait(&mut pool, 'a', 2);
    let rest = Rest {
        idle_for: None,
        retires: Some(Moment(50)),
    };
    let mut leavings = Leavings::new();
    match pool.give_back(&'a', 1, Moment(50), rest, &mut leavings) {
        Returned::Refused {
            connection: 1,
            why: Evicted::TooOld,
            next: Some(next),
        } => reach(&mut pool, 'a', next.dial, 2),
        other => panic!("{other:?}"),
    }
    let returned = pool.give_back(&'a', 7, Moment(49), rest, &mut leavings);
    assert_eq!(returned, Returned::Parked);
    assert_eq!(pool.expire(Moment(50)), [(7, Evicted::TooOld)]);

    let age = Duration::from_secs(100);
    for chance in [0, 1, 500, 999, 1000, u64::MAX] {
        let end = retirement(START, age, chance);
        assert!(end > Moment(90_000) && end <= Moment(100_000), "{end:?}");
    }
    assert_eq!(retirement(START, Duration::MAX, 999).0, u64::MAX);
    assert_eq!(retirement(START, age, 0), Moment(100_000));
    assert_eq!(retirement(START, age, 999), Moment(90_010));
}

#[test]
fn nothing_is_opened_ahead_past_a_limit_or_where_nothing_rests() {
    let mut pool = NumberPool::new(PoolLimits {
        max_sockets: Some(2),
        max_free_sockets: 3,
        ..UNLIMITED
    });
    let ahead = pool.preconnect(&'a', || 0).expect("there is room");
    assert!(pool.preconnect(&'a', || 0).is_some());
    assert!(pool.preconnect(&'a', || 0).is_none());
    let mut leavings = Leavings::new();
    let returned = pool.dialled(&'a', ahead, 1, BORN, &mut leavings);
    assert_eq!(returned, Returned::Parked);
    let mut pool = NumberPool::new(PoolLimits {
        keep_alive: false,
        ..UNLIMITED
    });
    assert!(pool.preconnect(&'a', || 0).is_none());
    assert_eq!(pool.rooms.len(), 0);
}
