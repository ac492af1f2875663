//! The chain as a file of PEM text, the server's own certificate first.
//!
//! Certificates are public, so the file has the usual mode. A file that exists is not overwritten:
//! the name may be one of a key.

use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::error::{Failure, Result, USAGE};
use crate::inspect::report::Report;
use crate::new_file::file_of_mode;

/// The chain in PEM.
pub(super) fn text(report: &Report) -> String {
    report.chain.iter().map(|it| it.pem.as_str()).collect()
}

/// Refuses a path where something stands, before anything is sent.
///
/// # Errors
/// When something does.
pub(super) fn must_be_free(path: &Path) -> Result<()> {
    // A link to nothing counts: it would send the file to another place.
    match std::fs::symlink_metadata(path) {
        Ok(_) => Err(exists(path)),
        Err(_) => Ok(()),
    }
}

/// Writes it to a file that was not there.
///
/// # Errors
/// When it exists or cannot be written.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let opened = file_of_mode(0o644).create_new(true).write(true).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => Failure::io("write", path, &error).exit(USAGE),
    })?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a chain looks like a whole one.
        let _ = std::fs::remove_file(path);
        Failure::io("write", path, &error).exit(USAGE)
    })
}

/// Says that nothing is overwritten.
fn exists(path: &Path) -> Failure {
    let message = format!("{} exists already and is not overwritten", path.display());
    Failure::usage(message).hint("move it away, or choose another file with --pem")
}
