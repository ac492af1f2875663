//! Watching a server: the access log, and counts of what came to nothing.
//!
//! Strangers fail all day long: scanners, plain HTTP, clients that do not trust us. None of that is
//! worth a line each, so it is counted by class and told at the end, or as it comes with
//! `--verbose`. A notice arrives on the connection's own task, so all that happens there is putting
//! a line into a queue; a thread of its own writes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use sealane::{Event, Observer};

use crate::error::{Failure, Result};
use crate::folder::withheld::Withheld;
use crate::terminal::{note, visible};
use crate::watch::entry::Entry;
use crate::watch::lines::{Lines, Sink};
use crate::watch::tally::Tally;

pub mod entry;
mod lines;
mod tally;

/// What is told of a server's work.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Log")]
pub struct WatchArgs {
    /// Append a line for each request to this file; - is standard output.
    ///
    /// A file that is new can be read by its owner and group (0640). SIGHUP opens it anew, for
    /// those who move logs away; `serve` serves none of these files, but it does serve copies of
    /// them. Lines are never waited for: what a slow disk does not take is dropped, and how many
    /// were is told at the end.
    #[arg(long, value_name = "FILE")]
    pub access_log: Option<PathBuf>,

    /// What a line of the access log looks like. [default: common]
    #[arg(long, value_name = "FORM", requires = "access_log")]
    pub access_log_format: Option<Form>,

    /// Tell each failed handshake, connection turned away, passed time limit and failed response as
    /// it happens, not only their numbers at the end.
    #[arg(short, long)]
    pub verbose: bool,
}

/// Forms of the access log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// The common log form: address, time, request line, status, octets.
    #[default]
    Common,
    /// A JSON object in each line, which tells more: duration, completeness, TLS, client.
    Json,
}

/// A server that is watched; its other half, which does it, is the server's.
#[derive(Debug)]
pub(crate) struct Watch(Arc<Shared>);

/// The server's half of a watch.
#[derive(Debug)]
struct Watching(Arc<Shared>);

impl Observer for Watching {
    fn observe(&self, event: &Event<'_>) {
        self.0.observe(event);
    }

    fn observes_exchanges(&self) -> bool {
        self.0.access.is_some()
    }
}

#[derive(Debug)]
struct Shared {
    access: Option<(Lines, Form)>,
    verbose: Option<Lines>,
    tally: Tally,
}

impl WatchArgs {
    /// Opens the log, and gives both halves of the watch. Each file that is the log, now or after
    /// it was opened anew, is added to what is withheld: it says who came and what for.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub(crate) fn begin(&self, withheld: &Withheld) -> Result<(Watch, impl Observer + use<>)> {
        let access = match &self.access_log {
            Some(file) => {
                let sink = Sink::access_log(file, withheld.clone())
                    .map_err(|error| Failure::io("write the access log", file, &error))?;
                Some((start(sink)?, self.access_log_format.unwrap_or_default()))
            }
            None => None,
        };
        let verbose = self.verbose.then(|| start(Sink::errors())).transpose()?;
        let shared = Arc::new(Shared {
            access,
            verbose,
            tally: Tally::default(),
        });
        let watching = Watching(Arc::clone(&shared));
        Ok((Watch(shared), watching))
    }

    /// Whether the log is a file, which can be moved away and opened anew.
    pub(crate) fn has_file(&self) -> bool {
        self.file().is_some()
    }

    /// The file of the log.
    pub(crate) fn file(&self) -> Option<&Path> {
        let file = self.access_log.as_deref();
        file.filter(|file| *file != Path::new("-"))
    }
}

/// Starts a thread that writes.
fn start(sink: Sink) -> Result<Lines> {
    Lines::start(sink).map_err(|error| Failure::new(format!("cannot start a thread: {error}")))
}

impl Watch {
    /// Opens the access log anew, after somebody moved it away.
    pub(crate) fn reopen(&self) {
        if let Some((lines, _)) = &self.0.access {
            lines.reopen();
        }
    }

    /// Tells on standard error what was counted up to now.
    pub(crate) fn tell(&self) {
        for line in self.0.tally.lines() {
            note(&line);
        }
    }

    /// Writes what is still to be written, within a few seconds, and tells what was counted.
    pub(crate) fn finish(&self) {
        let lost = self
            .0
            .access
            .as_ref()
            .map_or(0, |(lines, _)| lines.finish());
        if let Some(lines) = &self.0.verbose {
            lines.finish();
        }
        if lost > 0 {
            note(&format!("access log: {lost} lines could not be written"));
        }
        self.tell();
    }
}

impl Shared {
    /// Takes note of what happened.
    fn observe(&self, event: &Event<'_>) {
        if let Some(access) = &self.access {
            log(access, event);
        }
        let counted = self.tally.count(event);
        if counted && let Some(lines) = &self.verbose {
            let mut text = visible(&tally::described(event)).into_owned();
            text.push('\n');
            lines.push(text.as_bytes());
        }
    }
}

/// Puts an exchange into the access log, or what was refused before it became one.
fn log((lines, form): &(Lines, Form), event: &Event<'_>) {
    let mut client = String::new();
    let entry = match event {
        Event::Finish(finished) => Entry::of(finished, &mut client),
        Event::ClientError(fault) if !fault.is_in_request() => Entry::refused(fault, &mut client),
        _ => return,
    };
    let line = match form {
        Form::Common => entry.common(),
        Form::Json => entry.json(),
    };
    lines.push(line.as_bytes());
}
