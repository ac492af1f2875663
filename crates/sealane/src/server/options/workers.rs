//! Whether a server has threads of its own.

use super::ServerOptions;
use crate::error::{Error, Result};

/// How many threads of its own a server has, if any.
#[derive(Clone, Debug, Default)]
pub(super) struct WorkerOptions {
    pub(super) count: Option<usize>,
}

impl WorkerOptions {
    pub(super) fn check(&self) -> Result<()> {
        match self.count {
            Some(count) if !(1..=MOST_WORKERS).contains(&count) => {
                let text = format!(
                    "workers is {count}, but must lie between 1 and {MOST_WORKERS}; leave it out \
                     to serve in the runtime that calls listen"
                );
                Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"))
            }
            _ => Ok(()),
        }
    }
}

impl ServerOptions {
    /// Serves on so many threads of the server's own, named `sealane-0` and so on, each with a
    /// runtime of its own; default none: the runtime that calls [`listen`](crate::Server::listen)
    /// serves.
    ///
    /// A connection stays on the thread that accepted it, and its handlers run there, so a handler
    /// that blocks holds up its thread's part of the connections. Where the system spreads
    /// connections (Linux), each thread has a listening socket of its own with `SO_REUSEPORT`;
    /// elsewhere, and on Unix sockets and adopted listeners, all accept on the same one. The
    /// threads end when the server is closed and its last connection is gone, those that left HTTP
    /// included; tasks that handlers have spawned there end with them.
    #[must_use]
    pub fn workers(mut self, threads: usize) -> Self {
        self.workers.count = Some(threads);
        self
    }
}

/// More threads than any machine has processors for one server.
const MOST_WORKERS: usize = 1024;
