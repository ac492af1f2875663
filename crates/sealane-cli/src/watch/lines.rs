//! Lines on their way to a file: a queue that nobody waits at, and the thread that empties it.
//!
//! The queue is bounded in octets. What does not fit is dropped and counted: a disk that hangs may
//! cost a log its lines, never a client its answer.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Failure;
use crate::folder::withheld::Withheld;
use crate::new_file::file_of_mode;
use crate::terminal::note;

#[cfg(test)]
mod tests;

/// A queue of lines with the thread that writes them.
#[derive(Debug)]
pub(super) struct Lines(Arc<Queue>);

/// Where lines go.
pub(super) struct Sink {
    out: Box<dyn Write + Send>,
    /// The file to open anew when somebody has moved it away.
    path: Option<PathBuf>,
    /// Who learns of each file that is opened, so that none of them is served.
    withheld: Withheld,
    /// The last write broke off, perhaps in the middle of a line.
    torn: bool,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    /// Something is to do, or all is done.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whole lines that wait.
    text: Vec<u8>,
    /// How many wait or are being written.
    count: u64,
    /// How many were dropped or could not be written.
    lost: u64,
    /// The file is to be opened anew.
    reopen: bool,
    /// Nothing comes any more.
    ended: bool,
    /// The thread has written everything and is gone.
    done: bool,
}

impl Lines {
    /// Starts the thread.
    pub(super) fn start(sink: Sink) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let writer = Arc::clone(&queue);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(&writer, sink))?;
        Ok(Self(queue))
    }

    /// Puts a line with its end into the queue; one that does not fit is dropped and counted.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.0.lock();
        if state.ended || state.text.len() + line.len() > ROOM {
            state.lost += 1;
            return;
        }
        state.text.extend_from_slice(line);
        state.count += 1;
        drop(state);
        self.0.changed.notify_all();
    }

    /// Opens the file anew before the next line is written.
    pub(super) fn reopen(&self) {
        self.0.lock().reopen = true;
        self.0.changed.notify_all();
    }

    /// Takes no more lines, waits a few seconds for those that wait, and tells how many were lost.
    pub(super) fn finish(&self) -> u64 {
        let mut state = self.0.lock();
        state.ended = true;
        self.0.changed.notify_all();
        let waited = self
            .0
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !state.done);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.lost + state.count
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something to do.
    fn wait(&self) -> MutexGuard<'_, State> {
        let nothing = |state: &mut State| state.text.is_empty() && !state.reopen && !state.ended;
        self.changed
            .wait_while(self.lock(), nothing)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what comes, all that waits at once, until nothing comes any more.
fn write(queue: &Queue, mut sink: Sink) {
    let mut text = Vec::new();
    let mut failing = false;
    loop {
        let mut state = queue.wait();
        std::mem::swap(&mut state.text, &mut text);
        let count = state.count;
        let reopen = std::mem::take(&mut state.reopen);
        if text.is_empty() && !reopen {
            state.done = true;
            drop(state);
            queue.changed.notify_all();
            return;
        }
        drop(state);
        if reopen {
            sink.reopen();
        }
        let written = sink.write(&text);
        let mut state = queue.lock();
        state.count -= count;
        if written.is_err() {
            state.lost += count;
        }
        drop(state);
        match written {
            Ok(()) => failing = false,
            // A full disk is told once, not with each line.
            Err(error) if !failing => {
                failing = true;
                note(&format!("note: {}", sink.refused(&error)));
            }
            Err(_) => {}
        }
        text.clear();
        text.shrink_to(KEPT);
    }
}

impl Sink {
    /// The access log: a file that is appended to, or standard output.
    pub(super) fn access_log(path: &Path, withheld: Withheld) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::to(Box::new(io::stdout())));
        }
        let file = open(path, &withheld)?;
        Ok(Self {
            path: Some(path.to_owned()),
            withheld,
            ..Self::to(Box::new(file))
        })
    }

    /// Standard error.
    pub(super) fn errors() -> Self {
        Self::to(Box::new(io::stderr()))
    }

    fn to(out: Box<dyn Write + Send>) -> Self {
        Self {
            out,
            path: None,
            withheld: Withheld::default(),
            torn: false,
        }
    }

    /// Opens the file anew; when that fails, the old one goes on.
    fn reopen(&mut self) {
        let Some(path) = &self.path else { return };
        match open(path, &self.withheld) {
            Ok(file) => {
                self.out = Box::new(file);
                self.torn = false;
            }
            Err(error) => note(&Failure::io("open the log anew at", path, &error).as_note()),
        }
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        // What broke off in the middle of a line must not become the beginning of the next one.
        let end: &[u8] = if self.torn { b"\n" } else { b"" };
        let written = self.out.write_all(end);
        let written = written.and_then(|()| self.out.write_all(text));
        let written = written.and_then(|()| self.out.flush());
        self.torn = written.is_err();
        written
    }

    /// Says that nothing can be written.
    fn refused(&self, error: &io::Error) -> String {
        let path = self
            .path
            .as_deref()
            .unwrap_or(Path::new("(standard output)"));
        let failure = Failure::io("write the log", path, error);
        failure.to_string().replacen("error: ", "", 1)
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sink")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Opens a file that grows at its end. A new one is for its owner, and for the group to read: who
/// asked for what is nobody else's business. It is withheld before a line is in it.
fn open(path: &Path, withheld: &Withheld) -> io::Result<File> {
    let file = file_of_mode(0o640).append(true).create(true).open(path)?;
    withheld.add(&file, path)?;
    Ok(file)
}

/// Octets that may wait: some thousand lines, so that a disk may rest for a moment under load.
const ROOM: usize = 1 << 20;

/// Octets of memory that stay ours between two writes.
const KEPT: usize = 64 << 10;

/// How long the end of the program waits for a disk.
const PATIENCE: Duration = Duration::from_secs(3);
