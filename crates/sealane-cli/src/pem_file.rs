//! Files of PEM text as octets, whoever they are for.
//!
//! What is in them is judged where it is used.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Failure, Result};

#[cfg(test)]
mod tests;

/// Reads a file of PEM text; a pipe will do, one without end will not.
///
/// # Errors
/// When the system refuses it, and when it is larger than such a file can be.
pub fn read(path: &Path, what: &str) -> Result<Zeroizing<Vec<u8>>> {
    let mut octets = Zeroizing::new(Vec::new());
    let opened = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut octets));
    opened.map_err(|error| Failure::io(&format!("read the {what}"), path, &error))?;
    if octets.len() as u64 > LARGEST {
        let message = format!(
            "{} is too large for a {what}: more than 1 MiB",
            path.display()
        );
        return Err(Failure::new(message));
    }
    Ok(octets)
}

/// The most octets of a PEM file: 1 MiB, hundreds of certificates. A device that never ends stops
/// here.
const LARGEST: u64 = 1 << 20;
