//! The two files of `sealane cert`: both or none, never over another file, the key private from its
//! first moment.

use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::{Failure, Result};
use crate::new_file::file_of_mode;

#[cfg(test)]
mod tests;

/// A certificate and its key, and where they go.
pub struct Pair<'a> {
    /// The certificate's file.
    pub cert: &'a Path,
    /// The certificate in PEM.
    pub cert_text: &'a str,
    /// The key's file.
    pub key: &'a Path,
    /// The key in PEM, or the PKCS#12 file with both.
    pub key_octets: &'a [u8],
}

impl fmt::Debug for Pair<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pair")
            .field("cert", &self.cert)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Pair<'_> {
    /// Writes both files.
    ///
    /// # Errors
    /// When one of them exists or cannot be written; then the other one is taken away again.
    pub fn write(&self) -> Result<()> {
        // The mode is given at creation: a moment with a wider mode would be enough to read the
        // key.
        let mut key = Draft::create(self.key, 0o600)?;
        let mut cert = Draft::create(self.cert, 0o644)?;
        key.fill(self.key_octets)?;
        cert.fill(self.cert_text.as_bytes())?;
        key.keep();
        cert.keep();
        Ok(())
    }
}

/// Refuses paths where something stands already.
///
/// # Errors
/// When something does.
pub fn must_be_free(paths: &[&Path]) -> Result<()> {
    // A link to nothing counts: it would send the file to another place.
    match paths.iter().find(|path| fs::symlink_metadata(path).is_ok()) {
        Some(path) => Err(exists(path)),
        None => Ok(()),
    }
}

/// Says that nothing is overwritten.
fn exists(path: &Path) -> Failure {
    Failure::new(format!(
        "{} exists already and is not overwritten",
        path.display()
    ))
    .hint("move it away, or choose other files with --out-dir, --cert-out, --key-out")
}

/// A file of ours that goes away again unless it is kept.
struct Draft {
    /// Where it stands.
    path: PathBuf,
    /// The open file.
    file: File,
    /// Whether it stays.
    kept: bool,
}

impl Draft {
    /// Makes a file that was not there.
    fn create(path: &Path, mode: u32) -> Result<Self> {
        let opened = file_of_mode(mode).create_new(true).write(true).open(path);
        match opened {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                file,
                kept: false,
            }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists(path)),
            Err(error) => Err(Failure::io("write", path, &error)),
        }
    }

    /// Writes all of it, down to the disk.
    fn fill(&mut self, octets: &[u8]) -> Result<()> {
        let written = self.file.write_all(octets);
        written
            .and_then(|()| self.file.sync_all())
            .map_err(|error| Failure::io("write", &self.path, &error))
    }

    /// Lets it stay.
    fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing more can be done here: the failure that led here is what is told.
            let _ = fs::remove_file(&self.path);
        }
    }
}
