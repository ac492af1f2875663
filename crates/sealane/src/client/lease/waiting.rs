//! A request in the queue, until it has its connection.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use super::seat::{Seat, Turn};
use super::{Claim, Connections};
use crate::client::connect::Dialer;
use crate::client::pool::{Evicted, Leavings, WaitId};
use crate::error::{Error, ErrorKind, Phase, Result};

/// Dropped, it leaves the queue and loses nothing: what was under way goes on for the next one.
pub(super) struct Waiting {
    pub(super) connections: Arc<Connections>,
    pub(super) place: WaitId,
    pub(super) seat: Arc<Seat>,
}

impl Waiting {
    /// Waits for a connection, at most `limit` for the right to open one. A dial has limits of its
    /// own, and goes on when this is dropped.
    pub(super) async fn served(
        self,
        limit: Option<Duration>,
        dialer: impl Fn() -> Dialer,
    ) -> Result<Claim> {
        let mut turn = self.first_turn(limit).await?;
        let claim = loop {
            match turn {
                Turn::Dial(place) => {
                    place.dial(&self.seat, dialer())?;
                    turn = self.turn().await;
                }
                Turn::Served(outcome) => break outcome?,
            }
        };
        let Claim {
            mut connection,
            lease,
            ..
        } = claim;
        // One that was handed over, too, may have ended: the runtime may have been busy in between.
        // A new one has said nothing yet but TLS, of which the runtime need not know.
        if !connection.past.carried || connection.is_quiet() {
            return Ok(Claim {
                connection,
                lease,
                rested: None,
            });
        }
        lease.connections.evict(connection, Evicted::ClosedByPeer);
        // Whoever has waited for this place keeps it.
        let (connection, lease) = lease.reopen(dialer()).await?;
        Ok(Claim {
            connection,
            lease,
            rested: None,
        })
    }

    async fn first_turn(&self, limit: Option<Duration>) -> Result<Turn> {
        let Some(limit) = limit else {
            return Ok(self.turn().await);
        };
        let turn = tokio::time::timeout(limit, self.turn()).await;
        turn.map_err(|_| none_free(limit))
    }

    async fn turn(&self) -> Turn {
        poll_fn(|context| self.seat.poll_turn(context)).await
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut leavings = Leavings::new();
        self.connections
            .shelf()
            .pool
            .cancel(self.place, &mut leavings);
        self.connections.clear(leavings);
        // What came too late for this request may serve the next one.
        let (grant, outcome) = self.seat.leave();
        drop(grant);
        if let Some(Ok(claim)) = outcome {
            claim.put_back();
        }
    }
}

fn none_free(limit: Duration) -> Error {
    let text = format!("none of the agent's connections became free within {limit:?}");
    Error::new(ErrorKind::Timeout, Phase::Connect, text)
        .with_code("ETIMEDOUT")
        .unsent()
}
