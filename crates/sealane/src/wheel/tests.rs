//! Does every deadline come, never early, at most a step late, however it was moved?

use super::*;

/// Turns a wheel by hand and tells at which moment each link was due.
fn due_at(wheel: &Wheel, link: &Link, from: u64, until: u64) -> Option<u64> {
    for now in from..=until {
        let was_armed = link.deadline.load(Ordering::Acquire) != NEVER;
        wheel.advance(Moment(now));
        if was_armed && link.deadline.load(Ordering::Acquire) == NEVER {
            return Some(now);
        }
    }
    None
}

#[tokio::test]
async fn a_deadline_is_never_early_and_at_most_a_step_late() {
    for deadline in [
        1, 99, 100, 101, 5_000, 51_150, 51_200, 51_250, 120_000, 300_001,
    ] {
        let (wheel, link) = (Wheel::new(), Link::new());
        wheel.arm(&link, Some(Moment(deadline)));
        let due = due_at(&wheel, &link, 0, deadline + 200).unwrap();
        assert!(
            (deadline..=deadline + 100).contains(&due),
            "{deadline} was due at {due}"
        );
    }
}

#[tokio::test]
async fn a_deadline_moved_later_is_found_at_its_new_place() {
    let (wheel, link) = (Wheel::new(), Link::new());
    wheel.arm(&link, Some(Moment(500)));
    wheel.arm(&link, Some(Moment(70_000)));
    assert_eq!(due_at(&wheel, &link, 0, 70_100), Some(70_000));
}

#[tokio::test]
async fn a_deadline_moved_nearer_is_due_once_at_its_new_place() {
    let (wheel, link) = (Wheel::new(), Link::new());
    wheel.arm(&link, Some(Moment(60_000)));
    wheel.arm(&link, Some(Moment(700)));
    assert_eq!(due_at(&wheel, &link, 0, 1_000), Some(700));
    assert_eq!(due_at(&wheel, &link, 1_001, 61_000), None);
}

#[tokio::test]
async fn a_deadline_taken_back_never_comes() {
    let (wheel, link) = (Wheel::new(), Link::new());
    wheel.arm(&link, Some(Moment(500)));
    wheel.arm(&link, None);
    assert_eq!(due_at(&wheel, &link, 0, 60_000), None);
    wheel.arm(&link, Some(Moment(60_500)));
    assert_eq!(
        due_at(&wheel, &link, 60_001, 61_000),
        Some(60_500),
        "and can be set again"
    );
}

#[tokio::test]
async fn a_deadline_in_the_past_is_due_at_the_next_step() {
    let (wheel, link) = (Wheel::new(), Link::new());
    wheel.advance(Moment(10_000));
    wheel.arm(&link, Some(Moment(3_000)));
    assert_eq!(due_at(&wheel, &link, 10_001, 10_300), Some(10_100));
}

#[tokio::test]
async fn a_link_that_has_ended_is_let_go_soon() {
    let (wheel, link) = (Wheel::new(), Link::new());
    wheel.arm(&link, Some(Moment(120_000)));
    wheel.advance(Moment(20_000));
    link.retire();
    assert_eq!(Arc::strong_count(&link), 2);
    wheel.advance(Moment(25_100));
    assert_eq!(Arc::strong_count(&link), 1);
}

#[tokio::test]
async fn a_late_turn_misses_nobody() {
    let wheel = Wheel::new();
    let links: Vec<_> = (0..2_000u64).map(|_| Link::new()).collect();
    for (i, link) in links.iter().enumerate() {
        wheel.arm(link, Some(Moment(i as u64 * 97)));
    }
    wheel.advance(Moment(250_000));
    assert!(
        links
            .iter()
            .all(|link| link.deadline.load(Ordering::Acquire) == NEVER)
    );
}

#[test]
fn orders_are_taken_once() {
    let link = Link::new();
    link.order(Order::Drain);
    link.order(Order::Abort);
    let orders = link.take_orders();
    assert!(orders.has(Order::Drain) && orders.has(Order::Abort));
    assert!(!orders.has(Order::CloseIfIdle));
    assert!(!link.take_orders().has(Order::Drain));
}
