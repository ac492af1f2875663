//! Making files: their modes from the first moment on, and names that nobody else has.
//!
//! What is written, and when a file gets its final name, is decided where it is written.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use crate::error::{Failure, Result};

/// A path beside another one that nobody else uses.
///
/// # Errors
/// When the machine has no randomness to give.
pub(crate) fn beside(path: &Path, word: &str) -> Result<PathBuf> {
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random)
        .map_err(|_| Failure::new("this machine gives no random numbers"))?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{word}-{:016x}", u64::from_be_bytes(random)));
    Ok(PathBuf::from(name))
}

/// How a file of this mode is made, where the system has modes.
pub(crate) fn file_of_mode(mode: u32) -> OpenOptions {
    #[allow(unused_mut, reason = "only systems with modes change it")]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options
}
