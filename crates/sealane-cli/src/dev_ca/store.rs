//! The folder of the local authority: private modes, one writer at a time, all files or none.
//!
//! What is inside the files is judged elsewhere. A folder that others may read or write is refused
//! instead of repaired: its key may be known already, or its root may be somebody else's.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::dev_ca::certificates::Stored;
use crate::dev_ca::damaged;
use crate::error::{Failure, Result};
use crate::new_file::{beside, file_of_mode};
use crate::terminal::shell_quote;

#[cfg(test)]
mod tests;

/// The file of the root certificate.
pub(super) const ROOT: &str = "root.pem";

/// The file of the intermediate certificate.
const INTERMEDIATE: &str = "intermediate.pem";

/// The file of the intermediate's key.
pub(super) const KEY: &str = "intermediate-key.pem";

/// Makes the data folder if it is missing and refuses one that others may change.
pub(super) fn prepare(data: &Path) -> Result<()> {
    let made = private_folders().recursive(true).create(data);
    made.map_err(|error| denied("make the data folder", data, &error))?;
    judge(data)
}

/// Refuses a data folder that others may change.
pub(super) fn judge(data: &Path) -> Result<()> {
    let facts = fs::metadata(data).map_err(|error| denied("look at", data, &error))?;
    private::owned(data, &facts)?;
    // No word of chmod here: the folder may be one that has to stay open, such as /tmp.
    private::closed(data, &facts, 0o022, 0o700).map_err(|failure| {
        let own = shell_quote(&data.join("sealane"));
        failure.hint(format!(
            "name a folder of its own, such as --data-dir {own}"
        ))
    })
}

/// Says why the data folder cannot be used, and what to do if the system forbids it.
fn denied(doing: &str, path: &Path, error: &std::io::Error) -> Failure {
    let failure = Failure::io(doing, path, error);
    match error.kind() {
        ErrorKind::PermissionDenied => {
            failure.hint("choose a folder that you own with --data-dir, or see who owns this one")
        }
        _ => failure,
    }
}

/// Waits until no other start is at work in this folder; the turn ends when the value is dropped.
///
/// A file system without locks goes on without: writing is by renaming a whole folder, so the worst
/// of two first starts is that one finds the other's authority.
pub(super) fn take_turn(data: &Path) -> Result<Option<File>> {
    let path = data.join("local-ca.lock");
    let opened = file_of_mode(0o600)
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let lock = opened.map_err(|error| denied("open", &path, &error))?;
    let begun = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(Some(lock)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                let message = format!("another sealane holds {} for too long", path.display());
                return Err(Failure::new(message).hint("end the other one, or use --data-dir"));
            }
        }
    }
}

/// Reads an authority; nothing when the folder does not exist.
pub(super) fn read(folder: &Path) -> Result<Option<Stored>> {
    let facts = match fs::symlink_metadata(folder) {
        Ok(facts) => facts,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io("look at", folder, &error)),
    };
    if !facts.is_dir() {
        return Err(damaged(folder, "it is no folder"));
    }
    private::owned(folder, &facts)?;
    private::closed(folder, &facts, 0o077, 0o700)?;
    Ok(Some(Stored {
        root: text(folder, ROOT, 0o022)?.to_string(),
        intermediate: text(folder, INTERMEDIATE, 0o022)?.to_string(),
        key: text(folder, KEY, 0o077)?,
    }))
}

/// Writes an authority into a new folder and gives it its name last.
///
/// When another start was faster, its folder stays and ours is dropped.
pub(super) fn write(folder: &Path, made: &Stored) -> Result<()> {
    let draft = beside(folder, "new")?;
    let written = write_all(&draft, made).and_then(|()| fs::rename(&draft, folder));
    let Err(error) = written else { return Ok(()) };
    let _ = fs::remove_dir_all(&draft);
    match error.kind() {
        ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => Ok(()),
        _ => Err(Failure::io(
            "write the local certificate authority to",
            folder,
            &error,
        )),
    }
}

/// Takes away an authority whose time is over.
pub(super) fn retire(folder: &Path) -> Result<()> {
    let aside = beside(folder, "ended")?;
    fs::rename(folder, &aside).map_err(|error| Failure::io("move away", folder, &error))?;
    fs::remove_dir_all(&aside).map_err(|error| Failure::io("remove", &aside, &error))
}

/// Writes the three files into a new folder.
fn write_all(draft: &Path, made: &Stored) -> std::io::Result<()> {
    private_folders().create(draft)?;
    let parts = [
        // Copied into a trust store with its mode, the root has to stay readable for everybody.
        (ROOT, made.root.as_str(), 0o644),
        (INTERMEDIATE, made.intermediate.as_str(), 0o644),
        (KEY, made.key.as_str(), 0o600),
    ];
    for (name, text, mode) in parts {
        // The mode is given at creation: a moment with a wider mode would be enough to read the
        // key.
        let mut file = file_of_mode(mode)
            .create_new(true)
            .write(true)
            .open(draft.join(name))?;
        // The umask may have taken bits away that a copy in a trust store needs.
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    Ok(())
}

/// Reads one file of the authority, if nobody else may do what `others` forbids.
fn text(folder: &Path, name: &str, others: u32) -> Result<Zeroizing<String>> {
    let path = folder.join(name);
    let facts = match fs::symlink_metadata(&path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(damaged(folder, &format!("{name} is missing")));
        }
        Err(error) => return Err(Failure::io("look at", &path, &error)),
    };
    // A link or a FIFO is nothing that we wrote, and a FIFO would keep us waiting.
    if !facts.is_file() || facts.len() > LARGEST {
        return Err(damaged(
            folder,
            &format!("{name} is not the file that was written"),
        ));
    }
    private::owned(&path, &facts)?;
    private::closed(&path, &facts, others, 0o600)?;
    let mut text = Zeroizing::new(String::new());
    let read = File::open(&path).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(damaged(folder, &format!("{name} is no text")))
        }
        Err(error) => Err(Failure::io("read", &path, &error)),
    }
}

/// How folders are made: for their owner only.
fn private_folders() -> DirBuilder {
    #[allow(unused_mut, reason = "only systems with modes change it")]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Owners and modes, where the system has them.
#[cfg(unix)]
mod private {
    use std::fs::Metadata;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use crate::error::{Failure, Result};
    use crate::terminal::shell_quote;

    /// Refuses what belongs to somebody else: its root could be trusted in our name.
    pub(super) fn owned(path: &Path, facts: &Metadata) -> Result<()> {
        let me = rustix::process::geteuid().as_raw();
        if facts.uid() == me || facts.uid() == 0 {
            return Ok(());
        }
        let message = format!(
            "{} belongs to user {}, not to you (user {me}): its certificates cannot be relied on",
            path.display(),
            facts.uid()
        );
        Err(Failure::new(message).hint("choose a folder of your own with --data-dir"))
    }

    /// Refuses what others may do more with than allowed.
    pub(super) fn closed(path: &Path, facts: &Metadata, others: u32, wanted: u32) -> Result<()> {
        let mode = facts.mode() & 0o7777;
        if mode & others == 0 {
            return Ok(());
        }
        let message = format!(
            "{} is open to other users of this machine: its mode is {mode:04o}, {wanted:04o} is \
             needed",
            path.display()
        );
        Err(Failure::new(message).hint(format!(
            "if nobody can have used that: chmod {wanted:o} {}; if in doubt, remove the folder \
             local-ca and start again",
            shell_quote(path)
        )))
    }
}

/// Owners and modes, where the system keeps them in another way: the user's data folder is closed
/// to other users by its own access list.
#[cfg(not(unix))]
mod private {
    use std::fs::Metadata;
    use std::path::Path;

    use crate::error::Result;

    /// Accepts every owner.
    pub(super) fn owned(_path: &Path, _facts: &Metadata) -> Result<()> {
        Ok(())
    }

    /// Accepts every mode.
    pub(super) fn closed(
        _path: &Path,
        _facts: &Metadata,
        _others: u32,
        _wanted: u32,
    ) -> Result<()> {
        Ok(())
    }
}

/// The most octets a file of the authority may have; ours have less than one thousand.
const LARGEST: u64 = 64 * 1024;

/// How long another start may hold its turn: making three keys takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
