//! Deadlines start, stop and pass as their table says.

use super::*;

/// Deadlines that are easy to tell apart.
fn timeouts() -> Timeouts {
    Timeouts {
        head: Some(Duration::from_millis(10)),
        request: Some(Duration::from_millis(30)),
        keep_alive: Some(Duration::from_secs(5)),
    }
}

#[test]
fn a_moment_never_wraps() {
    assert_eq!(Moment(5).after(Duration::from_millis(7)), Moment(12));
    assert_eq!(Moment(5).after(Duration::MAX), Moment(u64::MAX));
    assert_eq!(
        Moment(u64::MAX).after(Duration::from_secs(1)),
        Moment(u64::MAX)
    );
}

#[test]
fn a_new_connection_runs_both_message_clocks() {
    let mut timers = Timers::new(Moment(100));
    assert_eq!(timers.next(&timeouts()), Some(Moment(110)));
    assert_eq!(timers.passed(&timeouts(), Moment(109)), None);
    assert_eq!(timers.passed(&timeouts(), Moment(110)), Some(Timer::Head));
    assert_eq!(
        timers.passed(&timeouts(), Moment(200)),
        Some(Timer::Head),
        "the head's before the request's"
    );
    timers.complete_head();
    assert_eq!(timers.next(&timeouts()), Some(Moment(130)));
    assert_eq!(
        timers.passed(&timeouts(), Moment(130)),
        Some(Timer::Request)
    );
    timers.complete_message();
    assert_eq!(timers.next(&timeouts()), None);
}

#[test]
fn further_octets_do_not_restart_a_clock() {
    let mut timers = Timers::new(Moment(100));
    timers.begin_message(Moment(105));
    assert_eq!(timers.next(&timeouts()), Some(Moment(110)));
    timers.complete_message();
    timers.begin_message(Moment(106));
    assert_eq!(
        timers.next(&timeouts()),
        None,
        "octets of the next request wait for their turn"
    );
}

#[test]
fn keep_alive_lasts_a_second_longer_than_advertised() {
    let mut timers = Timers::new(Moment(0));
    timers.become_idle(timeouts().keep_alive, Moment(100));
    assert_eq!(timers.next(&timeouts()), Some(Moment(6100)));
    assert_eq!(
        timers.passed(&timeouts(), Moment(6100)),
        Some(Timer::KeepAlive)
    );
    timers.begin_message(Moment(6000));
    assert_eq!(
        timers.next(&timeouts()),
        Some(Moment(6010)),
        "the first octet stops it"
    );
}

#[test]
fn a_request_that_waited_has_its_clocks_from_its_turn() {
    let mut timers = Timers::new(Moment(0));
    timers.begin_next(Moment(100));
    assert_eq!(timers.next(&timeouts()), Some(Moment(110)));
}

#[test]
fn without_a_limit_no_clock_runs() {
    let timeouts = Timeouts {
        head: None,
        request: None,
        keep_alive: None,
    };
    let mut timers = Timers::new(Moment(0));
    assert_eq!(timers.next(&timeouts), None);
    timers.become_idle(timeouts.keep_alive, Moment(0));
    assert_eq!(timers.passed(&timeouts, Moment(u64::MAX)), None);
}

#[test]
fn other_timeouts_measure_a_running_message_from_its_start() {
    let mut timers = Timers::new(Moment(100));
    let shorter = Timeouts {
        head: None,
        request: Some(Duration::from_millis(5)),
        keep_alive: None,
    };
    assert_eq!(timers.next(&shorter), Some(Moment(105)));
    assert_eq!(timers.passed(&shorter, Moment(107)), Some(Timer::Request));
    timers.become_idle(timeouts().keep_alive, Moment(200));
    assert_eq!(
        timers.next(&shorter),
        Some(Moment(6200)),
        "what has been advertised holds"
    );
}

#[test]
fn time_that_does_not_count_puts_off_the_clocks_of_a_message_only() {
    let timeouts = Timeouts::default();
    let mut timers = Timers::new(Moment(1_000));
    timers.excuse(Duration::from_secs(7));
    assert_eq!(timers.next(&timeouts), Some(Moment(68_000)));
    timers.become_idle(timeouts.keep_alive, Moment(0));
    timers.excuse(Duration::from_secs(7));
    assert_eq!(timers.next(&timeouts), Some(Moment(6_000)));
}

#[test]
fn a_response_that_left_late_gives_all_of_its_time_to_the_next_request() {
    let timeouts = Timeouts::default();
    let mut timers = Timers::new(Moment(0));
    timers.rest_anew(Moment(7_000));
    assert_eq!(timers.next(&timeouts), Some(Moment(60_000)));
    timers.become_idle(timeouts.keep_alive, Moment(0));
    timers.rest_anew(Moment(7_000));
    assert_eq!(timers.next(&timeouts), Some(Moment(13_000)));
    timers.begin_message(Moment(8_000));
    timers.rest_anew(Moment(9_000));
    assert_eq!(timers.next(&timeouts), Some(Moment(68_000)));
}
