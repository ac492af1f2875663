//! One connection, seen from the client: the stream, the protocol on it, and its alarm.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use sealane_proto::{ClientConnection, Moment};
use tokio::time::{Instant, Sleep, sleep_until};

use super::key::ConnectionKey;
use super::switch::Switch;
use crate::driver::Outbox;
use crate::info::ConnectionInfo;
use crate::transport::{ClientStream, Received, TransportError, at_once};

/// An open connection whose peer has proved who it is.
pub(super) struct Connection {
    pub(super) stream: ClientStream,
    pub(super) http: ClientConnection,
    pub(super) outbox: Outbox,
    pub(super) info: ConnectionInfo,
    pub(super) alarm: Alarm,
    /// Thrown when the agent is destroyed; whoever uses the connection polls it.
    pub(super) switch: Arc<Switch>,
    /// What the pool remembers of it.
    pub(super) past: Past,
}

/// What the pool remembers of a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    /// What it may be shared for.
    pub(super) key: Option<ConnectionKey>,
    /// From when on it carries no further exchange.
    pub(super) retires: Option<Moment>,
    /// How long its server lets it rest, if it has said so.
    pub(super) hint: Option<Duration>,
    /// Since when it rests, or last rested.
    pub(super) parked: Moment,
    /// How long it had rested before the exchange it carries.
    pub(super) rested: Option<Duration>,
    /// It has carried an exchange.
    pub(super) carried: bool,
}

impl Past {
    /// How long it has rested by now, if it rests.
    pub(super) fn rest_until(&self, now: Moment) -> Duration {
        Duration::from_millis(now.0.saturating_sub(self.parked.0))
    }
}

impl Connection {
    pub(super) fn new(stream: ClientStream, http: ClientConnection, info: ConnectionInfo) -> Self {
        Self {
            stream,
            http,
            outbox: Outbox::default(),
            info,
            alarm: Alarm::new(),
            switch: Arc::default(),
            past: Past::default(),
        }
    }

    /// Looks at an idle connection: whether it can carry another request.
    ///
    /// Whatever TLS itself has to say (tickets, key updates) is taken in. Octets of HTTP, an end or
    /// an error all mean no: what nobody asked for would be taken for the next answer
    /// (RFC 9112 §9.2). So does anything of which the runtime does not know yet.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.look() == Look::Quiet
    }

    /// The same, and whether it has died: only then there is something to learn of its server.
    pub(super) fn look(&mut self) -> Look {
        if self.switch.is_destroyed() {
            return Look::Unfit;
        }
        at_once(|context| self.poll_quiet(context)).unwrap_or(Look::Unfit)
    }

    fn poll_quiet(&mut self, context: &mut Context<'_>) -> Look {
        for _ in 0..MOST_LOOKS {
            let http = &mut self.http;
            match self
                .stream
                .poll_read(context, &mut |octets| http.receive(octets))
            {
                Poll::Pending => {
                    let sent = self.stream.poll_flush(context);
                    let sound = !matches!(sent, Poll::Ready(Err(_))) && self.http.reusable();
                    return match sound && self.stream.is_silent() {
                        true => Look::Quiet,
                        false => Look::Unfit,
                    };
                }
                Poll::Ready(Ok(Received::Octets(0))) => {}
                // Of the runtime, which has ended, and not of the server.
                Poll::Ready(Err(TransportError::Io(error)))
                    if error.kind() == std::io::ErrorKind::Other =>
                {
                    return Look::Unfit;
                }
                Poll::Ready(_) => return Look::Died,
            }
        }
        Look::Unfit
    }
}

/// What a look at an idle connection shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It can carry another request.
    Quiet,
    /// It cannot, or nobody knows; its server may not have meant it.
    Unfit,
    /// Its server ended it, or broke its silence.
    Died,
}

impl Drop for Connection {
    /// Says goodbye as far as the socket takes it at once.
    ///
    /// Not in the middle of an exchange: what was sent of it must look cut short.
    fn drop(&mut self) {
        if !self.http.in_exchange() {
            let _ = at_once(|context| self.stream.poll_close(context));
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

/// A timer that belongs to a connection and moves as seldom as it can.
///
/// Deadlines mostly move away before they come. So the runtime's timer stays where it is when a
/// deadline moves away, and is set anew only when it fires there (engine decision 7: no timer of
/// the runtime per request). It belongs to the runtime that opened the connection, so that whoever
/// polls it later needs none.
pub(super) struct Alarm {
    timer: Pin<Box<Sleep>>,
}

impl Alarm {
    /// Makes the alarm, inside the runtime that shall keep it.
    pub(super) fn new() -> Self {
        // Gone off already: the first deadline sets it.
        Self {
            timer: Box::pin(sleep_until(Instant::now())),
        }
    }

    /// Ready when `deadline` has passed.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        if deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
        while self.timer.as_mut().poll(context).is_ready() {
            if self.timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

/// Reads for one look; a server that has more to say to a resting client floods it.
const MOST_LOOKS: usize = 16;
