//! Key logs: the secrets of connections, for tools that decrypt captures (RFC 9850).
//!
//! Whoever reads a key log reads everything its connections carried. So a log is only written where
//! a program asks for one; no environment variable turns it on. What the lines look like is
//! `sealane-tls`' work.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Phase, Result};
use crate::pem_file::quoted;

pub use sealane_tls::KeyLogLine;

/// Takes the key log lines of connections.
///
/// Called in the task of the connection, so it must not block for long: a slow log slows every
/// handshake. A closure that takes a line and a [`KeyLogConnection`] is one too.
///
/// ```
/// use sealane::{Agent, AgentOptions, KeyLogConnection, KeyLogLine};
///
/// # fn example() -> sealane::Result<()> {
/// let agent = Agent::new(AgentOptions::new().key_log(
///     |line: &KeyLogLine, connection: &KeyLogConnection| {
///         println!("{} of {:?}", line.label(), connection.remote_addr());
///     },
/// ))?;
/// # drop(agent);
/// # Ok(())
/// # }
/// ```
pub trait KeyLog: Send + Sync {
    /// Takes one line: label, client random and secret, ending in a newline.
    fn log(&self, line: &KeyLogLine, connection: &KeyLogConnection);
}

impl<F> KeyLog for F
where
    F: Fn(&KeyLogLine, &KeyLogConnection) + Send + Sync,
{
    fn log(&self, line: &KeyLogLine, connection: &KeyLogConnection) {
        self(line, connection);
    }
}

/// The connection whose secret a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLogConnection {
    local: Option<SocketAddr>,
    remote: Option<SocketAddr>,
}

impl KeyLogConnection {
    pub(crate) fn new(local: Option<SocketAddr>, remote: Option<SocketAddr>) -> Self {
        Self { local, remote }
    }

    /// Our address on this connection, if the system told it.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// The peer's address, if the system told it.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.remote
    }
}

/// A key log in a file that only its owner can read, as Wireshark and `tshark` take it.
///
/// Lines are appended whole, so several programs may share one file. Should writing fail, that is
/// traced once, and connections go on without being logged.
pub struct KeyLogFile {
    file: Mutex<File>,
    /// Whether a failure has been traced.
    failed: Mutex<bool>,
}

impl KeyLogFile {
    /// Opens a file to append to; one that does not exist is made, readable by its owner alone.
    ///
    /// A file that others can read is closed to them first, where the system knows such rights.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or not be closed to others; the message names it, the code is
    /// the operating system's, such as `EACCES`.
    pub fn append(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let what = format!("key log file {}", quoted(path));
        let file = open_private(path).map_err(|error| Error::io(Phase::Setup, &what, error))?;
        Ok(Self {
            file: Mutex::new(file),
            failed: Mutex::new(false),
        })
    }
}

impl KeyLog for KeyLogFile {
    fn log(&self, line: &KeyLogLine, _connection: &KeyLogConnection) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(line.text().as_bytes());
        drop(file);
        if let Err(error) = written {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::replace(&mut *failed, true) {
                tracing::warn!(%error, "the key log cannot be written");
            }
        }
    }
}

impl fmt::Debug for KeyLogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLogFile").finish_non_exhaustive()
    }
}

/// Where the lines of an agent's or a server's connections go.
#[derive(Clone)]
pub(crate) struct KeyLogTarget {
    log: Arc<dyn KeyLog>,
}

impl KeyLogTarget {
    pub(crate) fn new(log: impl KeyLog + 'static) -> Self {
        Self { log: Arc::new(log) }
    }

    /// Hands lines over, with the connection they belong to.
    pub(crate) fn deliver(&self, lines: &[KeyLogLine], connection: KeyLogConnection) {
        for line in lines {
            self.log.log(line, &connection);
        }
    }
}

impl fmt::Debug for KeyLogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLogTarget")
    }
}

#[cfg(unix)]
fn open_private(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(OWNER_ONLY)
        .open(path)?;
    let facts = file.metadata()?;
    // A terminal or a pipe keeps nothing that others could read later.
    if facts.is_file() && facts.permissions().mode() & OTHERS != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(OWNER_ONLY))?;
    }
    Ok(file)
}

#[cfg(not(unix))]
fn open_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Read and write for the owner, nothing for anyone else.
#[cfg(unix)]
const OWNER_ONLY: u32 = 0o600;

/// All rights of everyone but the owner.
#[cfg(unix)]
const OTHERS: u32 = 0o077;

#[cfg(test)]
mod tests;
