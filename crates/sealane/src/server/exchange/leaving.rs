//! Responses that are made, but have not left: in their order, with the octet at which each ends.
//!
//! There are never more than fit into the outbox, however a client asks and reads.

use std::collections::VecDeque;

use super::account::Account;

/// The responses on their way out.
#[derive(Default)]
pub(super) struct Leaving {
    /// The first of them. There is no other unless a client pipelines, so that an ordinary exchange
    /// allocates nothing here.
    first: Option<Made>,
    others: VecDeque<Made>,
}

/// A response that is made.
struct Made {
    /// How many exchanges are made up to and with it.
    count: u64,
    /// How many octets the outbox had been given at its end.
    end: u64,
    account: Option<Box<Account>>,
}

impl Leaving {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Adds a response behind the others.
    pub(super) fn push(&mut self, count: u64, end: u64, account: Option<Box<Account>>) {
        let made = Made {
            count,
            end,
            account,
        };
        match self.first {
            None => self.first = Some(made),
            Some(_) => self.others.push_back(made),
        }
    }

    /// Finishes the responses whose octets are all among the first `left`; tells how many exchanges
    /// are over then, if any has just ended.
    pub(super) fn finish(&mut self, left: u64) -> Option<u64> {
        let mut over = None;
        while let Some(made) = self.first.take_if(|made| made.end <= left) {
            over = Some(made.count);
            if let Some(mut account) = made.account {
                account.complete = true;
            }
            self.first = self.others.pop_front();
        }
        if self.first.is_none() && self.others.capacity() > 0 {
            // Nobody needs the room while the connection rests.
            self.others = VecDeque::new();
        }
        over
    }
}

#[cfg(test)]
mod tests;
