//! What is never served, whatever its name: the server's own private keys and logs.
//!
//! Who shares a home folder shares the key in it by accident. A file or folder is known by device
//! and inode where the system has them, so that no link and no second name leads to it; elsewhere
//! by its resolved path. Other secrets of the user are not looked for.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(unix)]
pub use self::unix::Mark;

#[cfg(not(unix))]
pub use self::portable::Mark;

/// The files and folders that are withheld; clones learn together.
#[derive(Debug, Clone, Default)]
pub struct Withheld {
    /// Where they stand.
    paths: Vec<PathBuf>,
    /// What stood there at the start, and what was opened since: a key that was renamed is still a
    /// key, and a log that was moved away is still a log.
    known: Arc<Mutex<Vec<Mark>>>,
}

impl Withheld {
    /// Withholds what stands at these paths, now and later; they need not exist yet.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        let begun: Vec<_> = paths.iter().filter_map(|path| Mark::of(path)).collect();
        Self {
            paths,
            known: Arc::new(Mutex::new(begun)),
        }
    }

    /// Withholds an open file from now on, wherever it is moved.
    ///
    /// # Errors
    /// When the system does not say which file that is.
    pub fn add(&self, file: &File, path: &Path) -> io::Result<()> {
        let mark = Mark::opened(file, path)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&mark) {
            known.push(mark);
        }
        Ok(())
    }

    /// What is withheld at this moment: a key may have been replaced since the start.
    pub fn marks(&self) -> Vec<Mark> {
        let now = self.paths.iter().filter_map(|path| Mark::of(path));
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().cloned().chain(now).collect()
    }
}

/// Systems that number their files.
#[cfg(unix)]
mod unix {
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use rustix::fs::Stat;

    /// What tells a file or folder from all others.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Mark {
        /// The number of its file system.
        device: u64,
        /// Its number there.
        inode: u64,
    }

    impl Mark {
        /// The mark of what a path leads to; none where there is nothing.
        pub fn of(path: &Path) -> Option<Self> {
            std::fs::metadata(path).ok().as_ref().map(Self::from)
        }

        /// The mark of an open file, whatever stands at its path by now.
        pub(super) fn opened(file: &File, _path: &Path) -> io::Result<Self> {
            Ok(Self::from(&file.metadata()?))
        }
    }

    impl From<&Metadata> for Mark {
        fn from(facts: &Metadata) -> Self {
            Self {
                device: facts.dev(),
                inode: facts.ino(),
            }
        }
    }

    impl From<&Stat> for Mark {
        #[allow(
            trivial_numeric_casts,
            clippy::unnecessary_cast,
            clippy::cast_sign_loss,
            reason = "width and sign differ from system to system; the standard library casts so"
        )]
        fn from(facts: &Stat) -> Self {
            Self {
                device: facts.st_dev as u64,
                inode: facts.st_ino as u64,
            }
        }
    }
}

/// Systems whose standard library shows no such numbers.
#[cfg(not(unix))]
mod portable {
    use std::fs::File;
    use std::io;
    use std::path::{Path, PathBuf};

    /// The path of a file or folder, without links.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Mark(PathBuf);

    impl Mark {
        /// The mark of what a path leads to; none where there is nothing.
        pub fn of(path: &Path) -> Option<Self> {
            path.canonicalize().ok().map(Self)
        }

        /// The mark of an open file: its path is all there is.
        pub(super) fn opened(_file: &File, path: &Path) -> io::Result<Self> {
            path.canonicalize().map(Self)
        }
    }
}
