//! Opening below an anchor, one name at a time and through no link.
//!
//! The paths that come here were resolved; this is what makes the resolution binding. Between
//! looking at a path and opening it somebody may exchange a folder for a link: each step is
//! therefore taken from the folder before it and refuses links. Neither devices nor pipes are ever
//! opened: opening one can block for ever or act on hardware.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::time::SystemTime;

#[cfg(unix)]
pub use self::unix::{Anchor, Folder, anchor, beneath, is_link};

#[cfg(not(unix))]
pub use self::portable::{Anchor, Folder, anchor, beneath, is_link};

/// Something that was opened below the anchor.
#[derive(Debug)]
pub enum Opened {
    /// A regular file.
    File(File, Metadata),
    /// A folder.
    Folder(Folder),
}

/// What a folder says of one of its entries.
#[derive(Debug)]
pub struct Entry {
    /// The name.
    pub name: OsString,
    /// What it is; unknown for a link, of which only the target says more.
    pub facts: Option<Facts>,
}

/// What a listing tells of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Whether it is a folder.
    pub folder: bool,
    /// Its size in octets.
    pub size: u64,
    /// When it was changed last, in seconds since 1970.
    pub modified: i64,
}

impl From<&Metadata> for Facts {
    fn from(found: &Metadata) -> Self {
        let modified = found.modified().ok();
        Self {
            folder: found.is_dir(),
            size: found.len(),
            modified: modified.map_or(0, seconds_of),
        }
    }
}

/// A moment in seconds since 1970, before it negative.
fn seconds_of(moment: SystemTime) -> i64 {
    match moment.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |before| -before)
        }
    }
}

/// The answer for everything that is neither file nor folder.
fn absent() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

/// Systems with folder handles.
#[cfg(unix)]
mod unix {
    use std::ffi::{OsStr, OsString};
    use std::fs::File;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStringExt;
    use std::path::{Component, Path};

    use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};
    use rustix::io::Errno;

    use super::{Entry, Facts, Opened, absent};
    use crate::folder::withheld::Mark;

    /// The folder below which everything is opened.
    #[derive(Debug)]
    pub struct Anchor(OwnedFd);

    /// An opened folder.
    #[derive(Debug)]
    pub struct Folder(OwnedFd);

    /// Opens the anchor itself.
    pub fn anchor(path: &Path) -> io::Result<Anchor> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Anchor(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// Opens a path below the anchor, through nothing that is withheld.
    pub fn beneath(anchor: &Anchor, path: &Path, withheld: &[Mark]) -> io::Result<Opened> {
        serves(&anchor.0, withheld)?;
        let mut at = None;
        let mut parts = path.components();
        let Some(Component::Normal(mut name)) = parts.next() else {
            return folder(&anchor.0, OsStr::new("."), withheld);
        };
        for part in parts {
            let Component::Normal(next) = part else {
                return Err(absent());
            };
            let below = openat(at.as_ref().unwrap_or(&anchor.0), name, STEP, Mode::empty())?;
            serves(&below, withheld)?;
            at = Some(below);
            name = next;
        }
        let at = at.as_ref().unwrap_or(&anchor.0);
        let found = statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => folder(at, name, withheld),
            FileType::RegularFile => file(at, name, withheld),
            _ => Err(absent()),
        }
    }

    /// Whether opening failed at a link: one in a circle, or one that took a resolved name.
    pub fn is_link(error: &io::Error) -> bool {
        error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
    }

    /// Refuses a folder that is withheld; judged once it is open, so that no exchange helps.
    fn serves(folder: &OwnedFd, withheld: &[Mark]) -> io::Result<()> {
        if withheld.contains(&Mark::from(&fstat(folder)?)) {
            return Err(absent());
        }
        Ok(())
    }

    /// Opens a regular file.
    fn file(at: &OwnedFd, name: &OsStr, withheld: &[Mark]) -> io::Result<Opened> {
        // NONBLOCK has no effect on files; it keeps us from waiting if a FIFO has taken the name.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(openat(at, name, flags, Mode::empty())?);
        let facts = file.metadata()?;
        if facts.is_file() && !withheld.contains(&Mark::from(&facts)) {
            Ok(Opened::File(file, facts))
        } else {
            Err(absent())
        }
    }

    /// Opens a folder.
    fn folder(at: &OwnedFd, name: &OsStr, withheld: &[Mark]) -> io::Result<Opened> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(at, name, flags, Mode::empty())?;
        serves(&folder, withheld)?;
        Ok(Opened::Folder(Folder(folder)))
    }

    impl Folder {
        /// Reads files, folders and links, at most `most`; says whether there were more.
        ///
        /// What is withheld is left out; where a link leads to, the caller finds out.
        pub fn entries(
            &self,
            most: usize,
            shows: impl Fn(&OsStr) -> bool,
            withheld: &[Mark],
        ) -> io::Result<(Vec<Entry>, bool)> {
            let mut entries = Vec::new();
            for entry in Dir::read_from(&self.0)? {
                let entry = entry?;
                let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
                if !shows(&name) {
                    continue;
                }
                // Removed since: as if it had never been there.
                let Ok(found) = statat(&self.0, &name, AtFlags::SYMLINK_NOFOLLOW) else {
                    continue;
                };
                if withheld.contains(&Mark::from(&found)) {
                    continue;
                }
                let kind = FileType::from_raw_mode(found.st_mode);
                let facts = match kind {
                    FileType::Symlink => None,
                    FileType::RegularFile | FileType::Directory => Some(Facts {
                        folder: kind == FileType::Directory,
                        size: u64::try_from(found.st_size).unwrap_or(0),
                        modified: seconds(&found),
                    }),
                    _ => continue,
                };
                if entries.len() == most {
                    return Ok((entries, true));
                }
                entries.push(Entry { name, facts });
            }
            Ok((entries, false))
        }
    }

    /// When something was changed last, in seconds since 1970.
    #[allow(
        clippy::useless_conversion,
        reason = "the width differs from system to system"
    )]
    fn seconds(found: &Stat) -> i64 {
        i64::from(found.st_mtime)
    }

    /// How a folder on the way is entered.
    const STEP: OFlags = PASS
        .union(OFlags::DIRECTORY)
        .union(OFlags::NOFOLLOW)
        .union(OFlags::CLOEXEC);

    /// Passing through a folder needs the right to enter it, not to read it, where the system can
    /// tell.
    #[cfg(target_os = "linux")]
    const PASS: OFlags = OFlags::PATH;

    /// Passing through a folder, where the system knows only reading.
    #[cfg(not(target_os = "linux"))]
    const PASS: OFlags = OFlags::RDONLY;
}

/// Systems without folder handles in the standard library: paths, checked right before their use.
#[cfg(not(unix))]
mod portable {
    use std::ffi::OsStr;
    use std::fs::{self, File};
    use std::io;
    use std::path::{Path, PathBuf};

    use super::{Entry, Facts, Opened, absent};
    use crate::folder::withheld::Mark;

    /// The folder below which everything is opened.
    #[derive(Debug)]
    pub struct Anchor(PathBuf);

    /// A folder.
    #[derive(Debug)]
    pub struct Folder(PathBuf);

    /// Checks the anchor itself.
    pub fn anchor(path: &Path) -> io::Result<Anchor> {
        fs::read_dir(path)?;
        Ok(Anchor(path.to_owned()))
    }

    /// Opens a path below the anchor, through nothing that is withheld.
    pub fn beneath(anchor: &Anchor, path: &Path, withheld: &[Mark]) -> io::Result<Opened> {
        let path = anchor.0.join(path);
        let mut way = path.ancestors().filter_map(Mark::of);
        if way.any(|mark| withheld.contains(&mark)) {
            return Err(absent());
        }
        let found = fs::symlink_metadata(&path)?;
        if found.is_dir() {
            return Ok(Opened::Folder(Folder(path)));
        }
        if !found.is_file() {
            return Err(absent());
        }
        let file = File::open(&path)?;
        let facts = file.metadata()?;
        Ok(Opened::File(file, facts))
    }

    /// Whether opening failed at a link; these systems have no word for it.
    pub fn is_link(_error: &io::Error) -> bool {
        false
    }

    impl Folder {
        /// Reads files, folders and links, at most `most`; says whether there were more.
        ///
        /// What is withheld is left out; where a link leads to, the caller finds out.
        pub fn entries(
            &self,
            most: usize,
            shows: impl Fn(&OsStr) -> bool,
            withheld: &[Mark],
        ) -> io::Result<(Vec<Entry>, bool)> {
            let mut entries = Vec::new();
            for entry in fs::read_dir(&self.0)? {
                let entry = entry?;
                let name = entry.file_name();
                let Ok(found) = entry.metadata() else {
                    continue;
                };
                let mark = Mark::of(&self.0.join(&name));
                if !shows(&name) || mark.is_some_and(|mark| withheld.contains(&mark)) {
                    continue;
                }
                if entries.len() == most {
                    return Ok((entries, true));
                }
                let facts = (!found.is_symlink()).then(|| Facts::from(&found));
                entries.push(Entry { name, facts });
            }
            Ok((entries, false))
        }
    }
}
