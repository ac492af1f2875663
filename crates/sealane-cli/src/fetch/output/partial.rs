//! A file that grows over several runs: `--continue-at`.
//!
//! Octets gather in FILE.part, and beside it stands what is known of them, so that the next run can
//! have the server vouch that they are still the beginning of the same. FILE itself gets its name
//! when all has come, as without the option. One command at a time writes: the file is locked.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderMap, StatusCode};
use tokio::io::AsyncWriteExt;

use super::resume::{Kept, Known, Verdict};
use crate::error::{Failure, Result};
use crate::fetch::options::output::ContinueAt;
use crate::new_file::{beside, file_of_mode};
use crate::terminal::{note, visible};

#[cfg(test)]
mod tests;

/// A file that is not whole, or does not exist yet.
pub(super) struct Partial {
    /// The name it gets.
    path: PathBuf,
    /// The name it has until then.
    part: PathBuf,
    /// Where it is written what is known of it.
    facts: PathBuf,
    /// What is here, opened and locked; nothing when nothing is.
    here: Option<File>,
    /// Whether that is the file under its last name.
    named: bool,
    /// What is known of it.
    pub(super) kept: Kept,
    /// The digest of the URL.
    digest: String,
    /// Why what is here is no beginning, if it is not.
    worthless: Option<&'static str>,
}

/// A file that octets are written to.
pub(super) struct Growing {
    /// The file.
    file: tokio::fs::File,
    /// The name it gets.
    path: PathBuf,
    /// The name it has until then.
    part: PathBuf,
    /// Where it is written what is known of it.
    facts: PathBuf,
    /// How long it is.
    length: u64,
    /// How long the whole is, if that is known.
    total: Option<u64>,
    /// Whether something is said at its end.
    silent: bool,
    /// Whether the next run can have the server vouch for what is here.
    vouched: bool,
    /// Whether it has got its name.
    whole: bool,
}

/// What follows from a response.
pub(super) enum Next {
    /// Its body belongs into this file.
    Write(Box<Growing>),
    /// The whole has to be asked for: what is here is worth nothing.
    Again,
    /// The file is whole.
    Done,
}

impl Partial {
    /// Finds what is here of a file that a URL shall fill.
    ///
    /// # Errors
    /// When it cannot be read or written, or another command writes it.
    pub(super) fn find(path: &Path, at: ContinueAt, url: &str) -> Result<Self> {
        let path = real(path)?;
        let named = |end: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let (part, facts) = (named(".part"), named(".part.json"));
        let digest = digest(&SHA256, url.as_bytes());
        let digest: String = digest
            .as_ref()
            .iter()
            .map(|it| format!("{it:02x}"))
            .collect();
        let (here, named) = match open(&part)? {
            Some(file) => (Some(file), false),
            None => (open(&path)?, true),
        };
        let (length, written) = match &here {
            Some(file) => facts_of(file, &path)?,
            None => (0, SystemTime::UNIX_EPOCH),
        };
        let known = if named { None } else { read_known(&facts) };
        let foreign = known.as_ref().is_some_and(|known| known.of != digest);
        let known = known.filter(|_| !foreign);
        // Only who names an octet says that what is before it belongs to the rest.
        let worthless = match (at, &known) {
            (ContinueAt::End, _) if length == 0 => None,
            (ContinueAt::End, _) if foreign => Some("what is here came from another URL"),
            (ContinueAt::End, Some(known)) if known.validator().is_some() => None,
            (ContinueAt::End, _) => Some("nothing proves that what is here is still its beginning"),
            (ContinueAt::Offset(_), _) => None,
        };
        let length = match at {
            ContinueAt::End if worthless.is_some() => 0,
            ContinueAt::End => length,
            ContinueAt::Offset(offset) if offset <= length => offset,
            ContinueAt::Offset(offset) => {
                let shown = if named { &path } else { &part };
                let message = format!(
                    "--continue-at {offset}: {} has {length} octets",
                    shown.display()
                );
                return Err(Failure::usage(message).hint("give at most that many, or -"));
            }
        };
        Ok(Self {
            kept: Kept {
                length,
                known,
                written,
            },
            path,
            part,
            facts,
            here,
            named,
            digest,
            worthless,
        })
    }

    /// Does what a response means; nothing for one that says nothing about the file.
    ///
    /// # Errors
    /// When the response makes no sense, or the file cannot be written.
    pub(super) fn answered(
        &mut self,
        status: StatusCode,
        fields: &HeaderMap,
        length: Option<u64>,
        silent: bool,
    ) -> Result<Option<Next>> {
        let verdict = self.kept.judge(status, fields).map_err(|text| {
            Failure::new(text)
                .exit(crate::fetch::failure::RESPONSE)
                .hint("without --continue-at the whole is got")
        })?;
        let shown = self.path.display().to_string();
        let shown = visible(&shown);
        let told = |why: &str| {
            if !silent {
                note(&format!("note: {shown} is got from its beginning: {why}"));
            }
        };
        let total = match verdict {
            Verdict::Other => return Ok(None),
            Verdict::Complete => {
                if !silent {
                    note(&format!("note: {shown} is whole already"));
                }
                self.complete()?;
                return Ok(Some(Next::Done));
            }
            Verdict::Again(why) => {
                told(why);
                self.kept.length = 0;
                self.kept.known = None;
                return Ok(Some(Next::Again));
            }
            Verdict::Anew(why) => {
                let why = why.or(self.worthless);
                why.into_iter().for_each(told);
                self.kept.length = 0;
                length
            }
            Verdict::Append(total) => Some(total),
        };
        let mut known = Known::of(&self.digest, total, fields);
        if self.kept.length > 0 {
            // What a response says of itself vouches for none of the octets that were here.
            let validator = self.kept.known.as_ref().and_then(Known::validator);
            known.validator = validator.map(str::to_owned);
        }
        let file = self.begin(&known).map_err(|error| self.denied(&error))?;
        Ok(Some(Next::Write(Box::new(Growing {
            file: tokio::fs::File::from_std(file),
            path: self.path.clone(),
            part: self.part.clone(),
            facts: self.facts.clone(),
            length: self.kept.length,
            total,
            silent,
            vouched: known.validator.is_some(),
            whole: false,
        }))))
    }

    /// Opens the file for what is to come, cut to what is kept of it.
    fn begin(&mut self, known: &Known) -> io::Result<File> {
        let mut file = match self.here.take() {
            Some(file) if !self.named => file,
            Some(file) if self.kept.length > 0 => {
                // From here on it is known to be no whole file, so it does not look like one.
                fs::rename(&self.path, &self.part)?;
                file
            }
            _ => {
                let mut options = file_of_mode(0o666);
                let file = options.create_new(true).write(true).open(&self.part)?;
                file.try_lock().map_err(io::Error::from)?;
                file
            }
        };
        // In this order: at no moment old octets stand beside what is known of new ones.
        if self.kept.length == 0 {
            remove(&self.facts)?;
        }
        file.set_len(self.kept.length)?;
        file.seek(SeekFrom::Start(self.kept.length))?;
        self.write_known(known)?;
        Ok(file)
    }

    /// Writes down what is known, all of it or nothing.
    fn write_known(&self, known: &Known) -> io::Result<()> {
        let text = serde_json::to_vec(known).map_err(io::Error::other)?;
        let draft = beside(&self.facts, "new").map_err(io::Error::other)?;
        let mut file = file_of_mode(0o600)
            .create_new(true)
            .write(true)
            .open(&draft)?;
        let written = file
            .write_all(&text)
            .and_then(|()| fs::rename(&draft, &self.facts));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }

    /// Gives the file its name, as it is whole.
    fn complete(&self) -> Result<()> {
        if self.named {
            return Ok(());
        }
        name(&self.part, &self.path, &self.facts).map_err(|error| self.denied(&error))
    }

    /// Says that the system refuses it.
    fn denied(&self, error: &io::Error) -> Failure {
        Failure::io("write to", &self.part, error).exit(crate::error::USAGE)
    }
}

impl Growing {
    /// How much is here.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// How long the whole is, if that is known.
    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    /// Writes a piece.
    pub(super) async fn write(&mut self, piece: &[u8]) -> Result<()> {
        let written = self.file.write_all(piece).await;
        self.length += piece.len() as u64;
        written.map_err(|error| self.denied(&error))
    }

    /// Lets the file have its name, when all of it is on the disk.
    pub(super) async fn finish(mut self) -> Result<()> {
        let flushed = async {
            self.file.flush().await?;
            self.file.sync_data().await
        };
        flushed.await.map_err(|error| self.denied(&error))?;
        if let Some(total) = self.total.filter(|total| *total != self.length) {
            let message = format!("{} octets are here, and the whole is {total}", self.length);
            return Err(Failure::new(message).exit(crate::fetch::failure::RESPONSE));
        }
        name(&self.part, &self.path, &self.facts).map_err(|error| self.denied(&error))?;
        self.whole = true;
        Ok(())
    }

    /// Says that the system refuses it.
    fn denied(&self, error: &io::Error) -> Failure {
        Failure::io("write to", &self.part, error).exit(crate::error::USAGE)
    }
}

impl Drop for Growing {
    /// What has come stays, unless that is nothing.
    fn drop(&mut self) {
        if self.whole {
            return;
        }
        let length = fs::metadata(&self.part).map_or(0, |facts| facts.len());
        if length == 0 {
            // Nothing more can be done here: the failure that led here is what is told.
            let _ = fs::remove_file(&self.part);
            let _ = fs::remove_file(&self.facts);
        } else if !self.silent {
            let part = self.part.display().to_string();
            let next = match self.vouched {
                true => "the same command goes on from there",
                false => "nothing would prove that it still fits, so - begins anew",
            };
            note(&format!(
                "note: what has come stays in {}; {next}",
                visible(&part)
            ));
        }
    }
}

/// The file that a name means; through a link, the one behind it.
fn real(path: &Path) -> Result<PathBuf> {
    match fs::metadata(path) {
        Ok(facts) if facts.is_file() => {
            let real = fs::canonicalize(path);
            real.map_err(|error| Failure::io("write to", path, &error).exit(crate::error::USAGE))
        }
        Ok(_) => {
            let message = format!("{} is no file that could be gone on with", path.display());
            Err(Failure::usage(message))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(Failure::io("write to", path, &error).exit(crate::error::USAGE)),
    }
}

/// Opens and locks a file, if there is one.
fn open(path: &Path) -> Result<Option<File>> {
    let denied = |error: &io::Error| Failure::io("write to", path, error).exit(crate::error::USAGE);
    match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_file() => {}
        // Whoever put a link here chose where we would write.
        Ok(_) => return Err(Failure::usage(format!("{} is no file", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(denied(&error)),
    }
    let file = File::options().read(true).write(true).open(path);
    let file = file.map_err(|error| denied(&error))?;
    match file.try_lock() {
        Ok(()) if is_at(&file, path) => Ok(Some(file)),
        Ok(()) | Err(TryLockError::WouldBlock) => {
            let message = format!("{} is being written by another command", path.display());
            Err(Failure::usage(message))
        }
        Err(TryLockError::Error(error)) => Err(denied(&error)),
    }
}

/// Whether a file still has this name, and had it when it was opened.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// Whether a file still has this name; here the name of an open file cannot go away.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

/// How long a file is, and when it was last written.
fn facts_of(file: &File, path: &Path) -> Result<(u64, SystemTime)> {
    let denied = |error: io::Error| Failure::io("read", path, &error).exit(crate::error::USAGE);
    let facts = file.metadata().map_err(denied)?;
    Ok((facts.len(), facts.modified().map_err(denied)?))
}

/// What is written down, if it can be read; if not, nothing is known.
fn read_known(path: &Path) -> Option<Known> {
    let facts = fs::symlink_metadata(path).ok()?;
    if !facts.is_file() || facts.len() > LONGEST {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Gives a file its last name, with the permissions of the one that had it.
fn name(part: &Path, path: &Path, facts: &Path) -> io::Result<()> {
    if let Ok(old) = fs::metadata(path) {
        fs::set_permissions(part, old.permissions())?;
    }
    fs::rename(part, path)?;
    remove(facts)
}

/// Removes a file, if there is one.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The most octets of what is written down: more is not ours.
const LONGEST: u64 = 16 * 1024;
