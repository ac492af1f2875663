//! Opens TCP connections: several addresses compete, the first that answers wins (RFC 8305 §5).

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use crate::error::{Error, Phase, Result};

/// Opens a connection to one of these addresses; `what` names the goal in errors.
///
/// Each next address is tried when the one before has failed, or has not answered for 250 ms. Those
/// that have not answered when one does are given up.
pub(crate) async fn dial(
    addresses: Vec<SocketAddr>,
    what: &str,
    no_delay: bool,
) -> Result<TcpStream> {
    let stream = match addresses[..] {
        [address] => TcpStream::connect(address)
            .await
            .map_err(|error| vec![(address, error)]),
        _ => {
            let mut race = Race::new(addresses);
            poll_fn(|context| race.poll(context)).await
        }
    };
    let stream = stream.map_err(|failures| unreachable_at(what, failures))?;
    // A failure shows at the first read.
    let _ = stream.set_nodelay(no_delay);
    Ok(stream)
}

type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;
type Failures = Vec<(SocketAddr, io::Error)>;

/// Attempts that run at the same time.
struct Race {
    waiting: std::vec::IntoIter<SocketAddr>,
    running: Vec<(SocketAddr, Attempt)>,
    failures: Failures,
    /// Until the next attempt starts even if none has failed.
    pause: Pin<Box<Sleep>>,
}

impl Race {
    fn new(addresses: Vec<SocketAddr>) -> Self {
        Self {
            waiting: addresses.into_iter(),
            running: Vec::new(),
            failures: Vec::new(),
            pause: Box::pin(sleep(Duration::ZERO)),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<TcpStream, Failures>> {
        loop {
            let failed = self.failures.len();
            if let Some(stream) = self.poll_running(context) {
                return Poll::Ready(Ok(stream));
            }
            let one_failed = self.failures.len() > failed || self.running.is_empty();
            let due = one_failed || self.pause.as_mut().poll(context).is_ready();
            if !due {
                return Poll::Pending;
            }
            match self.waiting.next() {
                Some(address) => {
                    let attempt = Box::pin(TcpStream::connect(address));
                    self.running.push((address, attempt));
                    self.pause.as_mut().reset(Instant::now() + PAUSE);
                }
                None if self.running.is_empty() => {
                    return Poll::Ready(Err(std::mem::take(&mut self.failures)));
                }
                None => return Poll::Pending,
            }
        }
    }

    fn poll_running(&mut self, context: &mut Context<'_>) -> Option<TcpStream> {
        let mut at = 0;
        while let Some((address, attempt)) = self.running.get_mut(at) {
            match attempt.as_mut().poll(context) {
                Poll::Ready(Ok(stream)) => return Some(stream),
                Poll::Ready(Err(error)) => {
                    self.failures.push((*address, error));
                    drop(self.running.remove(at));
                }
                Poll::Pending => at += 1,
            }
        }
        None
    }
}

/// The first failure gives the code, all of them the text.
fn unreachable_at(what: &str, mut failures: Failures) -> Error {
    let others: String = failures
        .iter()
        .skip(1)
        .map(|(address, error)| format!("; {address}: {error}"))
        .collect();
    let (address, first) = match failures.is_empty() {
        true => return Error::io(Phase::Connect, what, io::ErrorKind::AddrNotAvailable.into()),
        false => failures.swap_remove(0),
    };
    let goal = match address.to_string() {
        address if address == what => address,
        address => format!("{what} at {address}"),
    };
    Error::io(Phase::Connect, &format!("cannot connect to {goal}"), first).with_more(&others)
}

/// How long one address has before the next is tried beside it (RFC 8305 §8).
const PAUSE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests;
