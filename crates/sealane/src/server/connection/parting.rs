//! The end of a connection: the last word, and patience for what the peer still sends.

use std::task::Poll;
use std::time::Duration;

use super::Clock;
use crate::driver::{TURN, let_others_run};
use crate::server::live::Live;
use crate::transport::Parting;
use crate::wheel::Order;

/// Says close_notify, ends our side, and swallows what the peer still sends until it has ended too.
///
/// Closing a socket with unread octets resets it, and a reset can destroy an answer that the peer
/// has not read yet (RFC 9112 §9.6). Bounded in time and octets; `patience` counts from when our
/// side has ended.
pub(in crate::server) async fn part(stream: &mut impl Parting, clock: &Clock, patience: Duration) {
    let mut deadline = clock.now().after(saying(&clock.server.rules.live.now()));
    let (mut said, mut ended, mut swallowed) = (false, false, 0);
    std::future::poll_fn(|context| {
        clock.link.register(context);
        let now = clock.now();
        if clock.link.take_orders().has(Order::Abort) || now >= deadline {
            return Poll::Ready(());
        }
        if !said && let Poll::Ready(outcome) = stream.poll_close(context) {
            if outcome.is_err() {
                return Poll::Ready(());
            }
            said = true;
            clock.link.note_parting();
            deadline = now.after(patience);
        }
        clock.arm(Some(deadline));
        let turn = swallowed + TURN;
        while !ended && swallowed < MOST_SWALLOWED.min(turn) {
            match stream.poll_discard(context) {
                Poll::Ready(Ok(0) | Err(_)) => ended = true,
                Poll::Ready(Ok(count)) => swallowed += count,
                Poll::Pending => return Poll::Pending,
            }
        }
        if said && (ended || swallowed >= MOST_SWALLOWED) {
            return Poll::Ready(());
        }
        if !ended && swallowed < MOST_SWALLOWED {
            let_others_run(context);
        }
        Poll::Pending
    })
    .await;
}

/// How long the last octets of a connection may take to leave.
pub(super) fn saying(live: &Live) -> Duration {
    live.deadlines.write.unwrap_or(SAYING)
}

/// How long the last octets of a connection may take to leave where clients may take for ever.
const SAYING: Duration = Duration::from_secs(30);

/// How long a parting connection waits for its peer to end too.
pub(in crate::server) const PARTING: Duration = Duration::from_secs(2);

/// The same for a connection at rest, whose peer has most likely nothing more to say.
pub(super) const PARTING_AT_REST: Duration = Duration::from_millis(500);

/// How much a parting connection swallows; who sends more after an error wants to.
pub(super) const MOST_SWALLOWED: usize = 4 * 1024 * 1024;
