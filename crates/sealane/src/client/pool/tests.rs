//! Does the pool decide as the numbered cases of the module say, and as its own contract says?
//!
//! Keys are letters, connections and waiters are numbers; the clock is the test's own.

use std::time::Duration;

use super::*;

mod dials;

/// A pool of this file: keys are letters, connections and waiters numbers.
type NumberPool = Pool<char, u32, u32>;

/// What a connection or a request of no limit at all would be given.
const UNLIMITED: PoolLimits = PoolLimits {
    keep_alive: true,
    max_sockets: None,
    max_total_sockets: None,
    max_free_sockets: 256,
    scheduling: Scheduling::Lifo,
    idle_timeout: None,
};

/// The beginning of time.
const START: Moment = Moment(0);

/// Asks for a connection, where nothing may have to go for it.
fn checkout(pool: &mut NumberPool, key: char, now: Moment, waiter: u32) -> Checkout<u32> {
    let mut leavings = Leavings::new();
    let outcome = pool.checkout(&key, now, || waiter, &mut leavings);
    assert_eq!(leavings, Leavings::new(), "something had to go");
    outcome
}

/// The same, and what had to go for it.
fn checkout_past(pool: &mut NumberPool, key: char, now: Moment) -> (Checkout<u32>, Gone) {
    let mut leavings = Leavings::new();
    let outcome = pool.checkout(&key, now, || 0, &mut leavings);
    assert!(leavings.stopped.is_empty());
    (outcome, leavings.closed)
}

/// Connections and why they had to go.
type Gone = Vec<(u32, Evicted)>;

/// Asks for the right to dial.
fn begin(pool: &mut NumberPool, key: char, waiter: u32) -> WaitId {
    match checkout(pool, key, START, waiter) {
        Checkout::Dial(dial) => dial,
        other => panic!("{waiter} may not dial: {other:?}"),
    }
}

/// Ends a dial well, for the request that asked for it.
fn reach(pool: &mut NumberPool, key: char, dial: WaitId, waiter: u32) {
    let mut leavings = Leavings::new();
    let born = (START, Rest::default());
    let returned = pool.dialled(&key, dial, 0, born, &mut leavings);
    let connection = 0;
    assert_eq!(returned, Returned::Handed { waiter, connection });
    assert_eq!(leavings, Leavings::new());
}

/// Asks for the right to dial, and dials.
fn dial(pool: &mut NumberPool, key: char) {
    let dial = begin(pool, key, 0);
    reach(pool, key, dial, 0);
}

/// Asks for a place in the queue.
fn wait(pool: &mut NumberPool, key: char, waiter: u32) -> WaitId {
    match checkout(pool, key, START, waiter) {
        Checkout::Wait(wait) => wait,
        other => panic!("{waiter} does not wait: {other:?}"),
    }
}

/// Gives a connection back that may rest for so long.
fn give_back_for(
    pool: &mut NumberPool,
    key: char,
    connection: u32,
    now: Moment,
    idle_for: Option<u64>,
) -> Returned<char, u32, u32> {
    let rest = Rest {
        idle_for: idle_for.map(Duration::from_millis),
        retires: None,
    };
    let mut leavings = Leavings::new();
    let returned = pool.give_back(&key, connection, now, rest, &mut leavings);
    assert_eq!(leavings, Leavings::new());
    returned
}

fn give_back(pool: &mut NumberPool, key: char, connection: u32) -> Returned<char, u32, u32> {
    give_back_for(pool, key, connection, START, None)
}

/// What a refusal is that lets nobody dial.
fn refused(connection: u32, why: Evicted) -> Returned<char, u32, u32> {
    Returned::Refused {
        connection,
        why,
        next: None,
    }
}

/// Gives connections back that find no waiter.
fn park(pool: &mut NumberPool, key: char, connections: &[u32], now: Moment) {
    for &connection in connections {
        let returned = give_back_for(pool, key, connection, now, None);
        assert_eq!(returned, Returned::Parked, "{connection}");
    }
}

/// Ends a busy connection; who may dial in its stead does so.
fn release(pool: &mut NumberPool, key: char) -> Option<(char, u32)> {
    let mut leavings = Leavings::new();
    let next = pool.release(&key, &mut leavings);
    assert_eq!(leavings, Leavings::new());
    let next = next?;
    reach(pool, next.key, next.dial, next.waiter);
    Some((next.key, next.waiter))
}

/// Ends a dial without a connection; nothing else is stopped with it.
fn fail(pool: &mut NumberPool, key: char, dial: WaitId) -> (Option<u32>, Option<Next<char, u32>>) {
    let mut leavings = Leavings::new();
    let outcome = pool.dial_failed(&key, dial, &mut leavings);
    assert_eq!(leavings, Leavings::new());
    outcome
}

fn cancel(pool: &mut NumberPool, wait: WaitId) -> bool {
    let mut leavings = Leavings::new();
    let was_there = pool.cancel(wait, &mut leavings);
    assert_eq!(leavings, Leavings::new());
    was_there
}

/// A pool in which these connections to `'a'` are idle, given back in this order.
fn idling(limits: PoolLimits, connections: &[u32]) -> NumberPool {
    let mut pool = NumberPool::new(limits);
    for _ in connections {
        dial(&mut pool, 'a');
    }
    park(&mut pool, 'a', connections, START);
    pool
}

#[test]
fn c008_lifo_takes_the_connection_that_was_returned_last() {
    let mut pool = idling(UNLIMITED, &[1, 2, 3]);
    assert_eq!(checkout(&mut pool, 'a', START, 0), Checkout::Reuse(3));
    park(&mut pool, 'a', &[3], START);
    assert_eq!(checkout(&mut pool, 'a', START, 0), Checkout::Reuse(3));
    assert_eq!(checkout(&mut pool, 'a', START, 0), Checkout::Reuse(2));
}

#[test]
fn c009_fifo_takes_the_connections_in_the_order_they_were_returned() {
    let limits = PoolLimits {
        scheduling: Scheduling::Fifo,
        ..UNLIMITED
    };
    let mut pool = idling(limits, &[1, 2, 3]);
    for connection in [1, 2, 3, 1, 2, 3] {
        let outcome = checkout(&mut pool, 'a', START, 0);
        assert_eq!(outcome, Checkout::Reuse(connection));
        park(&mut pool, 'a', &[connection], START);
    }
}

#[test]
fn c011_waiting_requests_take_the_freed_connection_in_order() {
    let mut pool = NumberPool::new(PoolLimits {
        max_sockets: Some(1),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    wait(&mut pool, 'a', 2);
    wait(&mut pool, 'a', 3);
    for waiter in [2, 3] {
        let returned = give_back(&mut pool, 'a', 1);
        let connection = 1;
        assert_eq!(returned, Returned::Handed { waiter, connection });
        assert_eq!((pool.busy(&'a'), pool.idle(&'a')), (1, 0));
    }
    park(&mut pool, 'a', &[1], START);
}

#[test]
fn c012_without_keep_alive_a_connection_is_shared_while_requests_wait_then_refused() {
    let mut pool = NumberPool::new(PoolLimits {
        keep_alive: false,
        max_sockets: Some(1),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    wait(&mut pool, 'a', 2);
    wait(&mut pool, 'a', 3);
    let connection = 1;
    for waiter in [2, 3] {
        let returned = give_back(&mut pool, 'a', connection);
        assert_eq!(returned, Returned::Handed { waiter, connection });
    }
    let returned = give_back(&mut pool, 'a', connection);
    assert_eq!(returned, refused(connection, Evicted::NotKept));
    assert_eq!((pool.total(), pool.rooms.len()), (0, 0));
}

#[test]
fn c013_at_the_total_limit_an_idle_connection_makes_room_for_another_key() {
    let limits = PoolLimits {
        max_total_sockets: Some(1),
        ..UNLIMITED
    };
    let mut pool = NumberPool::new(limits);
    dial(&mut pool, 'a');
    wait(&mut pool, 'b', 2);
    match give_back(&mut pool, 'a', 1) {
        Returned::Refused {
            connection: 1,
            why: Evicted::MadeRoom,
            next: Some(next),
        } => {
            assert_eq!((next.key, next.waiter), ('b', 2));
            reach(&mut pool, 'b', next.dial, 2);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((pool.busy(&'a'), pool.busy(&'b')), (0, 1));
    park(&mut pool, 'b', &[7], START);
    assert_eq!(pool.total(), 1);

    // The other way round: it is idle already when the request comes.
    let (outcome, gone) = checkout_past(&mut pool, 'a', START);
    assert!(matches!(outcome, Checkout::Dial(_)));
    assert_eq!(gone, [(7, Evicted::MadeRoom)]);
    assert_eq!((pool.total(), pool.idle(&'b')), (1, 0));
}

#[test]
fn c014_no_more_connections_stay_idle_than_allowed() {
    let mut pool = NumberPool::new(PoolLimits {
        max_free_sockets: 1,
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    dial(&mut pool, 'a');
    dial(&mut pool, 'b');
    park(&mut pool, 'a', &[1], START);
    let returned = give_back(&mut pool, 'a', 2);
    assert_eq!(returned, refused(2, Evicted::TooMany));
    assert_eq!((pool.idle(&'a'), pool.total()), (1, 2));
    park(&mut pool, 'b', &[3], START);
}

#[test]
fn dials_count_against_both_limits() {
    let mut pool = NumberPool::new(PoolLimits {
        max_sockets: Some(2),
        max_total_sockets: Some(3),
        ..UNLIMITED
    });
    begin(&mut pool, 'a', 1);
    begin(&mut pool, 'a', 2);
    wait(&mut pool, 'a', 3);
    begin(&mut pool, 'b', 4);
    wait(&mut pool, 'b', 5);
    assert_eq!((pool.busy(&'a'), pool.waiting(&'a')), (2, 1));
    assert_eq!((pool.busy(&'b'), pool.waiting(&'b')), (1, 1));
    assert_eq!(pool.total(), 3);
}

#[test]
fn a_limit_of_nothing_counts_as_one() {
    let mut pool = NumberPool::new(PoolLimits {
        max_sockets: Some(0),
        max_total_sockets: Some(0),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    wait(&mut pool, 'a', 2);
}

#[test]
fn a_connection_is_reused_until_its_deadline_and_not_on_it() {
    let limits = PoolLimits {
        idle_timeout: Some(Duration::from_millis(50)),
        ..UNLIMITED
    };
    let mut pool = idling(limits, &[1]);
    assert_eq!(pool.next_deadline(), Some(Moment(50)));
    assert_eq!(checkout(&mut pool, 'a', Moment(49), 0), Checkout::Reuse(1));
    assert_eq!(pool.next_deadline(), None);

    park(&mut pool, 'a', &[1], Moment(50));
    let (outcome, gone) = checkout_past(&mut pool, 'a', Moment(100));
    assert!(matches!(outcome, Checkout::Dial(_)));
    assert_eq!(gone, [(1, Evicted::TimedOut)]);
}

#[test]
fn only_what_is_past_its_deadline_expires() {
    let mut pool = idling(
        PoolLimits {
            idle_timeout: Some(Duration::from_millis(50)),
            ..UNLIMITED
        },
        &[1],
    );
    dial(&mut pool, 'b');
    park(&mut pool, 'b', &[2], Moment(10));
    assert!(pool.expire(Moment(49)).is_empty());
    assert_eq!(pool.expire(Moment(50)), [(1, Evicted::TimedOut)]);
    assert_eq!(pool.next_deadline(), Some(Moment(60)));
    assert_eq!(pool.expire(Moment(u64::MAX)), [(2, Evicted::TimedOut)]);
    assert_eq!((pool.total(), pool.rooms.len()), (0, 0));
}

#[test]
fn the_shorter_of_two_idle_limits_counts() {
    let limits = PoolLimits {
        idle_timeout: Some(Duration::from_millis(50)),
        ..UNLIMITED
    };
    for (own, deadline) in [(Some(49), 49), (Some(51), 50), (None, 50)] {
        let mut pool = NumberPool::new(limits);
        dial(&mut pool, 'a');
        give_back_for(&mut pool, 'a', 1, START, own);
        assert_eq!(pool.next_deadline(), Some(Moment(deadline)), "own {own:?}");
    }
    let mut pool = NumberPool::new(UNLIMITED);
    dial(&mut pool, 'a');
    give_back_for(&mut pool, 'a', 1, START, Some(9));
    assert_eq!(pool.next_deadline(), Some(Moment(9)));
}

#[test]
fn a_connection_that_may_not_be_idle_goes_to_a_waiter_or_is_refused() {
    let mut pool = NumberPool::new(PoolLimits {
        max_sockets: Some(1),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    wait(&mut pool, 'a', 2);
    let (connection, waiter) = (1, 2);
    let returned = give_back_for(&mut pool, 'a', connection, START, Some(0));
    assert_eq!(returned, Returned::Handed { waiter, connection });
    let returned = give_back_for(&mut pool, 'a', connection, START, Some(0));
    assert_eq!(returned, refused(connection, Evicted::TimedOut));
}

#[test]
fn of_idle_connections_the_overdue_one_makes_room_else_the_longest_idle() {
    let limits = PoolLimits {
        max_total_sockets: Some(3),
        ..UNLIMITED
    };
    let mut pool = NumberPool::new(limits);
    dial(&mut pool, 'a');
    dial(&mut pool, 'b');
    dial(&mut pool, 'b');
    park(&mut pool, 'b', &[2], START);
    park(&mut pool, 'a', &[1], START);
    give_back_for(&mut pool, 'b', 3, START, Some(5));
    let mut gone = Vec::new();
    for key in ['c', 'd', 'e'] {
        let (outcome, closed) = checkout_past(&mut pool, key, Moment(5));
        assert!(matches!(outcome, Checkout::Dial(_)), "{key}");
        gone.extend(closed);
    }
    let room = Evicted::MadeRoom;
    assert_eq!(gone, [(3, Evicted::TimedOut), (2, room), (1, room)]);
    wait(&mut pool, 'f', 0);
}

#[test]
fn at_its_own_limit_a_key_makes_no_other_go() {
    let mut pool = NumberPool::new(PoolLimits {
        max_sockets: Some(1),
        max_total_sockets: Some(2),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    dial(&mut pool, 'b');
    park(&mut pool, 'b', &[2], START);
    wait(&mut pool, 'a', 3);
    assert_eq!(pool.idle(&'b'), 1);
}

#[test]
fn a_freed_place_goes_to_the_same_key_then_to_keys_without_a_busy_connection() {
    let mut pool = NumberPool::new(PoolLimits {
        max_total_sockets: Some(2),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    dial(&mut pool, 'b');
    wait(&mut pool, 'b', 1);
    wait(&mut pool, 'c', 2);
    wait(&mut pool, 'd', 3);
    wait(&mut pool, 'c', 4);
    wait(&mut pool, 'a', 5);
    assert_eq!(release(&mut pool, 'a'), Some(('a', 5)));
    assert_eq!(release(&mut pool, 'a'), Some(('c', 2)));
    assert_eq!(release(&mut pool, 'c'), Some(('c', 4)));
    assert_eq!(release(&mut pool, 'c'), Some(('d', 3)));
    // `b` has a busy connection but is below its limit: its waiter must not wait for that one.
    assert_eq!(release(&mut pool, 'd'), Some(('b', 1)));
    assert_eq!(release(&mut pool, 'b'), None);
    assert_eq!(release(&mut pool, 'b'), None);
    assert_eq!((pool.total(), pool.rooms.len()), (0, 0));
}

#[test]
fn a_freed_place_is_no_use_to_a_key_at_its_own_limit() {
    let mut pool = NumberPool::new(PoolLimits {
        max_sockets: Some(1),
        max_total_sockets: Some(2),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    dial(&mut pool, 'b');
    wait(&mut pool, 'a', 1);
    assert_eq!(release(&mut pool, 'b'), None);
    assert_eq!((pool.total(), pool.waiting(&'a')), (1, 1));
    assert_eq!(release(&mut pool, 'a'), Some(('a', 1)));
}

#[test]
fn a_waiter_that_gave_up_is_passed_over() {
    let mut pool = NumberPool::new(PoolLimits {
        max_sockets: Some(1),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    let first = wait(&mut pool, 'a', 2);
    wait(&mut pool, 'a', 3);
    assert!(cancel(&mut pool, first));
    assert!(!cancel(&mut pool, first), "it is gone already");
    let (connection, waiter) = (1, 3);
    let returned = give_back(&mut pool, 'a', connection);
    assert_eq!(returned, Returned::Handed { waiter, connection });
}

#[test]
fn a_granted_place_cannot_be_cancelled_not_even_when_its_room_is_let_again() {
    let mut pool = NumberPool::new(PoolLimits {
        max_sockets: Some(1),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    let granted = wait(&mut pool, 'a', 2);
    assert_eq!(release(&mut pool, 'a'), Some(('a', 2)));
    assert!(!cancel(&mut pool, granted));
    assert_eq!(release(&mut pool, 'a'), None);
    assert!(!cancel(&mut pool, granted), "its room is cleared away");
    dial(&mut pool, 'b');
    wait(&mut pool, 'b', 3);
    assert!(!cancel(&mut pool, granted), "its room is another's");
    assert_eq!(pool.waiting(&'b'), 1);
}

#[test]
fn a_connection_nobody_can_be_told_of_goes_on_until_it_is_parked() {
    let mut pool = NumberPool::new(PoolLimits {
        max_sockets: Some(1),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    for waiter in 2..100 {
        wait(&mut pool, 'a', waiter);
    }
    let mut handed = 0;
    while let Returned::Handed { connection: 1, .. } = give_back(&mut pool, 'a', 1) {
        handed += 1;
    }
    assert_eq!((handed, pool.idle(&'a'), pool.total()), (98, 1, 1));
}

#[test]
fn the_look_at_idle_connections_may_change_and_drop_them() {
    let mut pool = idling(UNLIMITED, &[1, 2, 3]);
    dial(&mut pool, 'b');
    park(&mut pool, 'b', &[4], START);
    let mut seen = Vec::new();
    let gone = pool.retain_idle(|&key, connection| {
        seen.push((key, *connection));
        *connection += 10;
        *connection != 12
    });
    assert_eq!(seen, [('a', 1), ('a', 2), ('a', 3), ('b', 4)]);
    assert_eq!(gone, [12]);
    assert_eq!(pool.drain_idle(), [11, 13, 14]);
    assert!(!pool.has_idle());
    assert_eq!((pool.total(), pool.rooms.len()), (0, 0));
}

#[test]
fn keys_once_used_leave_nothing_behind() {
    let mut pool = Pool::<u32, u32, u32>::new(UNLIMITED);
    for key in 0..1000 {
        let mut leavings = Leavings::new();
        match pool.checkout(&key, START, || 0, &mut leavings) {
            Checkout::Dial(dial) => {
                let ended = pool.dial_failed(&key, dial, &mut Leavings::new());
                assert_eq!(ended, (Some(0), None));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pool.rooms.len(), 0);
    assert_eq!(pool.rooms.numbers_ever_used(), 1, "numbers are used again");
}

#[test]
fn what_is_shown_of_a_pool_is_counts() {
    let pool = idling(UNLIMITED, &[4711]);
    let shown = format!("{pool:?}");
    assert!(shown.contains("total: 1, idle: 1"), "{shown}");
    assert!(!shown.contains("4711"), "{shown}");
}

#[test]
fn a_busy_key_does_not_starve_another_at_the_total_limit() {
    let mut pool = NumberPool::new(PoolLimits {
        max_total_sockets: Some(1),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    wait(&mut pool, 'b', 1);
    for served in 0..MOST_PASSED_OVER {
        wait(&mut pool, 'a', 100 + served);
        let (waiter, connection) = (100 + served, 7);
        let returned = give_back(&mut pool, 'a', connection);
        assert_eq!(returned, Returned::Handed { waiter, connection });
    }
    wait(&mut pool, 'a', 200);
    match give_back(&mut pool, 'a', 7) {
        Returned::Refused {
            connection: 7,
            why: Evicted::MadeRoom,
            next: Some(next),
        } => {
            assert_eq!((next.key, next.waiter), ('b', 1));
            reach(&mut pool, 'b', next.dial, 1);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(release(&mut pool, 'b'), Some(('a', 200)));
}

#[test]
fn a_key_with_a_long_stream_is_not_passed_over_for_ever() {
    let mut pool = NumberPool::new(PoolLimits {
        max_total_sockets: Some(2),
        ..UNLIMITED
    });
    dial(&mut pool, 'a');
    dial(&mut pool, 'b');
    wait(&mut pool, 'a', 1);
    // Keys without anything busy go first, though they came later; but not without end.
    let mut busy = 'b';
    let mut passed = 0;
    for other in ('c'..='z').take(20) {
        wait(&mut pool, other, 9);
        match release(&mut pool, busy) {
            Some((key, 9)) => (busy, passed) = (key, passed + 1),
            Some(('a', 1)) => break,
            next => panic!("{next:?}"),
        }
    }
    assert_eq!(passed, MOST_PASSED_OVER);
}
