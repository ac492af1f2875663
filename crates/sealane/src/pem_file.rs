//! Reads files of certificates and keys, and names them in errors.
//!
//! What they mean is `sealane-tls`' business.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Phase, Result};

/// Reads a file, refusing what no identity or CA file needs: an endless device would fill the
/// memory. `what` names the file's purpose in errors.
pub(crate) fn read(path: &Path, what: &str) -> Result<Vec<u8>> {
    let shown = format!("{what} {}", quoted(path));
    let failed = |error| Error::io(Phase::Setup, &shown, error);
    let file = File::open(path).map_err(failed)?;
    // In one piece: a key that moves while it grows leaves copies behind.
    let expected = file.metadata().map_or(0, |it| it.len().min(LARGEST_FILE));
    let mut octets = Vec::with_capacity(expected as usize + 1);
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut octets)
        .map_err(failed)?;
    if octets.len() as u64 > LARGEST_FILE {
        let text = format!(
            "{shown}: longer than {LARGEST_FILE} octets, which no certificate or key needs"
        );
        return Err(Error::option(text));
    }
    Ok(octets)
}

/// A path for a message: quoted, with everything unprintable escaped.
pub(crate) fn quoted(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

/// Octets of the longest file that is read: the largest public bundles have a quarter of this.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;
