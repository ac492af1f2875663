//! The joint table, every row of it.

use crate::body::{BodyDecoder, BodyEncoder};
use crate::framing::Framing;
use crate::start_line::StatusLine;

use super::*;

const WHY: CloseReason = CloseReason::Shutdown;

/// Applies the table.
fn turn(
    sending: Sending,
    receiving: Receiving<StatusLine>,
    persistence: Persistence,
) -> (Sending, Receiving<StatusLine>) {
    turn_over(sending, receiving, persistence)
}

/// A body that is being received.
fn receiving_body() -> Receiving<StatusLine> {
    Receiving::behind_head(BodyDecoder::new(Framing::Chunked))
}

#[test]
fn two_done_halves_begin_anew() {
    let turned = turn(Sending::Done, Receiving::Done, Persistence::Keep);
    assert!(matches!(turned, (Sending::Head, Receiving::Head(_))));
}

#[test]
fn two_done_halves_close_if_they_must() {
    let turned = turn(Sending::Done, Receiving::Done, Persistence::Close(WHY));
    assert!(matches!(
        turned,
        (Sending::Closed(WHY), Receiving::Closed(WHY))
    ));
}

#[test]
fn a_closed_half_closes_the_other_when_that_is_done() {
    let turned = turn(Sending::Done, Receiving::Closed(WHY), Persistence::Keep);
    assert!(matches!(
        turned,
        (Sending::Closed(WHY), Receiving::Closed(WHY))
    ));
    let turned = turn(Sending::Closed(WHY), Receiving::Done, Persistence::Keep);
    assert!(matches!(
        turned,
        (Sending::Closed(WHY), Receiving::Closed(WHY))
    ));
}

#[test]
fn a_half_in_progress_holds_the_other_up() {
    for persistence in [Persistence::Keep, Persistence::Close(WHY)] {
        let turned = turn(Sending::Done, receiving_body(), persistence);
        assert!(matches!(turned, (Sending::Done, Receiving::Body(_))));
        let body = Sending::Body(BodyEncoder::new(Framing::Chunked));
        let turned = turn(body, Receiving::Done, persistence);
        assert!(matches!(turned, (Sending::Body(_), Receiving::Done)));
        let turned = turn(Sending::Head, Receiving::Closed(WHY), persistence);
        assert!(
            matches!(turned, (Sending::Head, Receiving::Closed(_))),
            "an answer is still due"
        );
    }
}

#[test]
fn a_tunnel_stays_one() {
    let turned = turn(Sending::Tunnel, Receiving::Tunnel, Persistence::Close(WHY));
    assert!(matches!(turned, (Sending::Tunnel, Receiving::Tunnel)));
}

#[test]
fn the_first_reason_stays() {
    let mut persistence = Persistence::Keep;
    persistence.close(CloseReason::PeerAsked);
    persistence.close(CloseReason::Shutdown);
    assert_eq!(persistence, Persistence::Close(CloseReason::PeerAsked));
}
