//! Requests that keep their place when what was in it has died.

use super::*;

impl World {
    /// A busy connection is gone, and its request asks for another in the same place.
    pub(super) fn replace(&mut self, which: usize) {
        let Some((key, busy)) = pick(&mut self.busy, which) else {
            return;
        };
        let Busy::Connection(connection) = busy else {
            return self.busy.push((key, busy));
        };
        let waiter = self.number();
        let mut leavings = Leavings::new();
        let now = Moment(self.now);
        let outcome = (self.pool).replace(&key, now, || waiter, &mut leavings);
        let (expected, gone) = self.model.replace(key, self.now, waiter);
        assert_eq!(leavings.closed, gone);
        assert!(leavings.stopped.is_empty());
        self.close(&gone);
        match outcome {
            None => {
                assert_eq!(expected, None);
                return self.fail(key, busy);
            }
            Some(Checkout::Reuse(other)) => {
                assert_eq!(expected, Some(Lot::Reuse(other)));
                self.connections.insert(other, Whereabouts::Busy);
                self.busy.push((key, Busy::Connection(other)));
            }
            Some(Checkout::Dial(dial)) => {
                assert_eq!(expected, Some(Lot::Dial));
                self.waiters.push((waiter, key, dial, true));
                self.busy.push((key, Busy::Dial(dial, waiter)));
            }
            Some(Checkout::Wait(_)) => panic!("it has a place"),
        }
        self.connections.insert(connection, Whereabouts::Closed);
    }

    /// A dial without a request goes on for one that has none, or because it may rest.
    pub(super) fn check_orphans(&self, key: u8) {
        let (model, limits) = (&self.model, &self.model.limits);
        let orphans = model.orphans_of(key);
        let spare = orphans.saturating_sub(model.waiting_of(key).count());
        let may_rest = match limits.keep_alive && !model.holds_back() {
            true => limits.max_free_sockets - model.idle_of(key),
            false => 0,
        };
        assert!(
            spare <= may_rest,
            "{key} has {spare} dials that nobody needs"
        );
    }
}
