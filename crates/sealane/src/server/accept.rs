//! The accept loop: takes connections as they come, never waits for a handshake.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::Shared;
use super::shutdown::Listening;
use crate::error::{Error, Phase};
use crate::transport::Socket;
use crate::transport::listener::Listener;

/// Accepts until the server closes or the listener itself fails.
pub(super) async fn run(listener: Listener, shared: Arc<Shared>, listening: Listening) {
    let mut hindered = false;
    loop {
        match accept_or_closing(&listener, &shared).await {
            None => break,
            Some(Ok(socket)) => {
                if std::mem::take(&mut hindered) {
                    tracing::info!("accepting again");
                }
                // Waits for its place here: nobody is sent away before somebody wants in.
                if !shared.registry.has_room() {
                    room_or_closing(&shared).await;
                }
                // Whoever is turned away was told of; while closing, the loop ends by itself.
                let _ = shared.spawn(socket);
            }
            Some(Err(error)) if is_of_one_connection(&error) => {}
            Some(Err(error)) if is_of_the_listener(&error) => {
                tracing::error!(%error, "accepting ended");
                let error = Error::io(Phase::Listen, "accepting connections", error);
                shared.registry.fail(error);
                break;
            }
            Some(Err(error)) => {
                // Told once until it is over: a machine without descriptors has other needs.
                if !std::mem::replace(&mut hindered, true) {
                    tracing::warn!(%error, "cannot accept; trying again every {BACK_OFF:?}");
                }
                wait_or_closing(&shared).await;
            }
        }
    }
    // Before anybody is told: whoever waits may listen at the same place at once.
    drop(listener);
    drop(listening);
    shared.registry.drain_at_last().await;
}

/// The next connection, or `None` once the server closes.
async fn accept_or_closing(listener: &Listener, shared: &Shared) -> Option<io::Result<Socket>> {
    let mut closing = pin!(shared.registry.closing());
    std::future::poll_fn(|context| {
        if closing.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        listener.poll_accept(context).map(Some)
    })
    .await
}

/// Waits for a place among the handshakes; either way the loop goes on.
async fn room_or_closing(shared: &Shared) {
    let mut room = pin!(shared.registry.room());
    let mut closing = pin!(shared.registry.closing());
    std::future::poll_fn(|context| {
        match (room.as_mut().poll(context), closing.as_mut().poll(context)) {
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
}

async fn wait_or_closing(shared: &Shared) {
    // Either way the loop goes on: it looks at closing itself.
    let _ = tokio::time::timeout(BACK_OFF, shared.registry.closing()).await;
}

/// Whether an accept error speaks of a connection that is gone already.
///
/// Only errors that take a connection from the queue may stand here: one that leaves it there, as a
/// firewall's or a sandbox's refusal can, would be met again at once, and for ever.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// Whether an accept error says that this is no listening socket, or not any more.
///
/// Everything else passes: others give back descriptors and memory, networks come up again, and
/// Linux reports here what befell a connection that was about to be accepted (accept(2)).
fn is_of_the_listener(error: &io::Error) -> bool {
    const EBADF: i32 = 9;
    error.kind() == io::ErrorKind::InvalidInput || error.raw_os_error() == Some(EBADF)
}

/// Long enough not to spin, short enough that nobody notices.
const BACK_OFF: Duration = Duration::from_millis(100);
