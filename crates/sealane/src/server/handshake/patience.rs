//! How long a client is waited for until it may ask, and what ends that early.
//!
//! Three things do: its deadline, a server that closes, and other clients that wait for a place
//! among the handshakes in flight. What has come in time counts: each step is tried once more
//! before it is given up.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use sealane_proto::Moment;

use super::super::connection::Clock;
use crate::wheel::Order;

/// What is left of a server's patience with one client; it begins when the client is accepted.
#[derive(Debug)]
pub(in crate::server) struct Patience {
    deadline: Option<Moment>,
    /// The server closes: a client that has said something may finish, and is served once.
    draining: bool,
}

/// Why a client is waited for no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum GivenUp {
    /// Its time is over.
    Late,
    /// Others want its place, and it kept us waiting the longest.
    Overload,
    /// The server closes, and has nothing to lose here.
    Closing,
}

impl Patience {
    pub(in crate::server) fn new(clock: &Clock) -> Self {
        let limit = clock.server.rules.deadlines.handshake;
        Self {
            deadline: limit.map(|limit| clock.now().after(limit)),
            draining: false,
        }
    }

    /// Whether the server began to close meanwhile.
    pub(super) fn is_draining(&self) -> bool {
        self.draining
    }

    /// Waits for the client. `step` goes on with what it sent, and tells whether that was anything
    /// at all.
    pub(in crate::server) async fn with_client<T>(
        &mut self,
        clock: &Clock,
        mut step: impl FnMut(&mut Context<'_>) -> (Poll<T>, bool),
    ) -> Result<T, GivenUp> {
        poll_fn(|context| {
            // Before the look: an order that is given right after it wakes us.
            clock.link.register(context);
            let orders = clock.link.take_orders();
            if orders.has(Order::Abort) {
                return Poll::Ready(Err(GivenUp::Closing));
            }
            if orders.has(Order::Drain) {
                self.drain(clock.now());
            }
            let (outcome, heard) = step(context);
            if let Poll::Ready(outcome) = outcome {
                if orders.has(Order::GiveWay) {
                    // It came in time; should it keep us waiting again, it can be told again.
                    clock.registered.waits_anew();
                }
                return Poll::Ready(Ok(outcome));
            }
            // Nothing of a request can have left a client that has not heard from us.
            if self.draining && !heard {
                return Poll::Ready(Err(GivenUp::Closing));
            }
            if orders.has(Order::GiveWay) {
                return Poll::Ready(Err(GivenUp::Overload));
            }
            self.check_deadline(clock)
        })
        .await
    }

    /// Waits for the program, whom nobody but the deadline hurries; then it is the client's turn
    /// again.
    pub(in crate::server) async fn with_program<T>(
        &mut self,
        clock: &Clock,
        answer: impl Future<Output = T>,
    ) -> Result<T, GivenUp> {
        let mut answer = pin!(answer);
        let mut waited = false;
        let answered = poll_fn(|context| {
            clock.link.register(context);
            let orders = clock.link.take_orders();
            if orders.has(Order::Abort) {
                return Poll::Ready(Err(GivenUp::Closing));
            }
            if orders.has(Order::Drain) {
                self.drain(clock.now());
            }
            // Not the client is waited for, so it need not give way; it can be told again.
            waited |= orders.has(Order::GiveWay);
            match answer.as_mut().poll(context) {
                Poll::Ready(answer) => Poll::Ready(Ok(answer)),
                Poll::Pending => {
                    waited = true;
                    self.check_deadline(clock)
                }
            }
        })
        .await?;
        if waited {
            clock.registered.waits_anew();
        }
        Ok(answered)
    }

    fn check_deadline<T>(&self, clock: &Clock) -> Poll<Result<T, GivenUp>> {
        if self
            .deadline
            .is_some_and(|deadline| clock.now() >= deadline)
        {
            return Poll::Ready(Err(match self.draining {
                true => GivenUp::Closing,
                false => GivenUp::Late,
            }));
        }
        clock.arm(self.deadline);
        Poll::Pending
    }

    fn drain(&mut self, now: Moment) {
        self.draining = true;
        let soon = now.after(FINISHING);
        self.deadline = Some(self.deadline.map_or(soon, |deadline| deadline.min(soon)));
    }
}

/// How long a handshake that has begun may still take once the server closes: a client on a bad
/// network makes it, and whoever waits for the close does not wait long for one that does not.
const FINISHING: Duration = Duration::from_secs(5);
