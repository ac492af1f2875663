//! Threads of a server's own, each with a runtime that serves its part of the connections.
//!
//! A connection stays on the thread that accepted it: nothing is locked or moved between threads
//! on its way. The threads start with the first thing to do and end on their own, when the server
//! is closed and its last connection is gone, those that left HTTP included.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};

use super::shutdown::Registry;
use super::{Server, Shared};
use crate::error::{Error, Phase, Result};

/// The threads of a server, as far as they have started.
pub(super) struct Workers {
    count: usize,
    rooms: Mutex<Vec<Room>>,
    /// Whose turn it is to get a connection that somebody else has accepted.
    turn: AtomicUsize,
}

/// A runtime and what its connections share.
#[derive(Clone)]
pub(super) struct Room {
    pub(super) runtime: Handle,
    pub(super) shared: Arc<Shared>,
}

impl Workers {
    pub(super) fn new(count: usize) -> Self {
        Self {
            count,
            rooms: Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// All rooms; starts the threads that have not started yet.
    fn rooms(&self, server: &Shared) -> Result<Vec<Room>> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        while rooms.len() < self.count {
            let room = Room::start(rooms.len(), server)?;
            rooms.push(room);
        }
        Ok(rooms.clone())
    }
}

impl Room {
    /// Starts a thread with a runtime of its own.
    fn start(index: usize, server: &Shared) -> Result<Self> {
        let shared = Arc::new(server.for_worker());
        let registry = Arc::clone(&shared.registry);
        let (told, runtime) = mpsc::sync_channel(1);
        let failed = |error| {
            let text = format!("starting worker {index}");
            Error::io(Phase::Listen, &text, error)
        };
        // The runtime is made and dropped on its own thread: dropping it waits for what it runs.
        let work = move || match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                let _ = told.send(Ok(runtime.handle().clone()));
                runtime.block_on(over(&registry));
            }
            Err(error) => {
                let _ = told.send(Err(error));
            }
        };
        thread::Builder::new()
            .name(format!("sealane-{index}"))
            .spawn(work)
            .map_err(failed)?;
        // Once per thread and server, and no longer than a thread takes to start.
        let runtime = runtime
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("its thread ended at once")))
            .map_err(failed)?;
        Ok(Self { runtime, shared })
    }
}

/// Waits until nothing needs a worker any more: the server is closed, its connections are gone, and
/// those that have left HTTP too, for their sockets and mostly their tasks live here.
async fn over(registry: &Registry) {
    registry.drained().await;
    while registry.upgraded_connections() > 0 {
        tokio::time::sleep(LOOK).await;
    }
}

impl Server {
    /// Where connections are accepted: in the runtime that runs here, or in each worker's.
    pub(super) fn rooms(&self) -> Result<Vec<Room>> {
        match &self.handle.workers {
            Some(workers) => workers.rooms(&self.handle.shared),
            None => Ok(vec![self.own_room()]),
        }
    }

    /// Where the next connection that somebody else has accepted is served: the workers take turns.
    pub(super) fn room_for_one(&self) -> Result<Room> {
        let Some(workers) = &self.handle.workers else {
            return Ok(self.own_room());
        };
        let mut rooms = workers.rooms(&self.handle.shared)?;
        let turn = workers.turn.fetch_add(1, Ordering::Relaxed);
        Ok(rooms.swap_remove(turn % rooms.len()))
    }

    fn own_room(&self) -> Room {
        Room {
            runtime: Handle::current(),
            shared: Arc::clone(&self.handle.shared),
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// How often a worker of a closed server looks whether the last connection that left HTTP is gone:
/// nobody waits for it, and a thread that lives a moment longer costs nothing.
const LOOK: Duration = Duration::from_millis(100);
