//! Is whoever uses a connection woken, and are dead switches cleared away?

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::Wake;

use super::*;

#[derive(Default)]
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn whoever_polls_is_woken_once_and_told_ever_after() {
    let switch = Switch::default();
    let counting = Arc::new(Counting::default());
    let waker = Waker::from(Arc::clone(&counting));
    let mut context = Context::from_waker(&waker);
    for _ in 0..3 {
        assert!(switch.poll_destroyed(&mut context).is_pending());
    }
    switch.destroy();
    switch.destroy();
    assert_eq!(counting.0.load(Ordering::Relaxed), 1);
    assert!(switch.is_destroyed());
    assert!(switch.poll_destroyed(&mut context).is_ready());
}

#[test]
fn the_user_who_polled_last_is_woken() {
    let switch = Switch::default();
    let users = [Arc::new(Counting::default()), Arc::new(Counting::default())];
    for user in &users {
        let waker = Waker::from(Arc::clone(user));
        let polled = switch.poll_destroyed(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    switch.destroy();
    let woken = users.map(|user| user.0.load(Ordering::Relaxed));
    assert_eq!(woken, [0, 1]);
}

#[test]
fn switches_of_what_is_gone_are_cleared_away() {
    let mut switches = Switches::new();
    let kept = Arc::new(Switch::default());
    switches.add(Arc::downgrade(&kept));
    for _ in 0..10_000 {
        switches.add(Arc::downgrade(&Arc::new(Switch::default())));
    }
    assert!(
        switches.all.len() <= 2 * LEAST_ROOM,
        "{}",
        switches.all.len()
    );
    let all = switches.take();
    let left = all.iter().filter_map(Weak::upgrade).count();
    assert_eq!(left, 1);
    assert!(switches.take().is_empty());
}
