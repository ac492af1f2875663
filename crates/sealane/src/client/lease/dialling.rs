//! Dials: each in a task of its own, so that what one request has begun can serve the next.
//!
//! A dial ends in one of three ways: it brings a connection, it fails, or it is stopped, because
//! nobody needs it or because its agent was destroyed. Its place is given back in each of them, and
//! also when its runtime ends or the program's code that it calls panics.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::seat::Seat;
use super::{Connections, Lease};
use crate::client::connect::Dialer;
use crate::client::connection::Connection;
use crate::client::notice::AgentEvent;
use crate::client::pool::retirement;
use crate::client::switch::Switch;
use crate::error::{Error, ErrorKind, Phase, Result};

impl Lease {
    /// Begins to dial in this place, for the request in that seat or the next one.
    pub(super) fn dial(self, seat: &Arc<Seat>, dialer: Dialer) -> Result<()> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| {
            let text = "a request needs a tokio runtime, and none is running here";
            Error::new(ErrorKind::Options, Phase::Setup, text).unsent()
        })?;
        let switch = Arc::downgrade(&seat.switch);
        self.connections.shelf().switches.add(switch);
        runtime.spawn(dial(self, Arc::clone(seat), dialer));
        Ok(())
    }

    /// Opens another connection in the place of one that has died; dropped, it is given up.
    pub(in crate::client) async fn reopen(self, dialer: Dialer) -> Result<(Box<Connection>, Self)> {
        let switch = Arc::new(Switch::default());
        let connections = Arc::clone(&self.connections);
        connections.shelf().switches.add(Arc::downgrade(&switch));
        let connection = connections.reach(&self, &switch, dialer, || false).await?;
        Ok((connection, self))
    }
}

async fn dial(place: Lease, seat: Arc<Seat>, dialer: Dialer) {
    let connections = Arc::clone(&place.connections);
    let needless = || seat.is_needless();
    let outcome = connections
        .reach(&place, &seat.switch, dialer, needless)
        .await;
    match outcome {
        Ok(connection) => place.reached(connection),
        Err(error) => place.failed(error),
    }
}

impl Connections {
    /// Opens a connection, unless the switch is thrown first.
    async fn reach(
        &self,
        place: &Lease,
        switch: &Arc<Switch>,
        dialer: Dialer,
        needless: impl Fn() -> bool,
    ) -> Result<Box<Connection>> {
        let key = place.key();
        self.watcher
            .tell(key, |origin, say| say(AgentEvent::Connect { origin }));
        let mut opening = pin!(dialer.connect(key.clone()));
        let outcome = poll_fn(|context| match switch.poll_destroyed(context) {
            Poll::Ready(()) => Poll::Ready(Err(given_up(needless()))),
            Poll::Pending => opening.as_mut().poll(context),
        })
        .await;
        match outcome {
            Ok(mut connection) => {
                connection.past.key = Some(key.clone());
                // The same one, so that nothing is out of reach when its agent is destroyed now.
                connection.switch = Arc::clone(switch);
                let age = self.max_age;
                connection.past.retires = age.map(|age| retirement(self.now(), age, chance()));
                let info = &connection.info;
                self.watcher.tell(key, |origin, say| {
                    say(AgentEvent::Connected { origin, info });
                });
                Ok(connection)
            }
            Err(error) => {
                self.watcher.tell(key, |origin, say| {
                    let error = &error;
                    say(AgentEvent::ConnectFailed { origin, error });
                });
                Err(error)
            }
        }
    }
}

pub(super) fn given_up(needless: bool) -> Error {
    let text = match needless {
        true => "the connection was given up before it was open: nobody waits for it any more",
        false => "the agent was destroyed while the connection was being opened",
    };
    Error::new(ErrorKind::Closed, Phase::Connect, text)
        .with_code("ECONNRESET")
        .unsent()
}

/// A number that nobody can foresee, to scatter ages with; no secret hangs on it.
fn chance() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(())
}
