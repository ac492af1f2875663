//! Small files of secrets: the passphrase of a key, the keys of tickets.
//!
//! Read whole or refused, wiped from memory afterwards, never shown. A file that everybody on the
//! machine can read is used with a warning: it may be a mistake, and it may be a container.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Failure, Result};
use crate::terminal::{note, visible};

#[cfg(test)]
mod tests;

/// Reads the passphrase that is the first line of a file, without its line end; `-` is standard
/// input.
///
/// # Errors
/// When the system refuses it, when there is no line, and when the line is longer than any
/// passphrase.
pub fn passphrase(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    if path == Path::new("-") {
        let shown = Path::new("standard input");
        if io::stdin().is_terminal() {
            note("note: type the passphrase and Enter; the terminal shows it");
        }
        // A handle of our own: that of the library would keep a copy in its buffer.
        return first_line(input(), shown);
    }
    let file = File::open(path);
    if let Ok(file) = &file {
        warn_if_public(file, path, "passphrase");
    }
    first_line(file, path)
}

/// Reads the octets of a file that has exactly so many.
///
/// # Errors
/// When the system refuses it, and when there are fewer or more.
pub fn exactly<const N: usize>(path: &Path, what: &str) -> Result<Zeroizing<[u8; N]>> {
    let denied = |error: io::Error| Failure::io(&format!("read the {what}"), path, &error);
    let mut file = File::open(path).map_err(denied)?;
    warn_if_public(&file, path, what);
    let mut octets = Zeroizing::new([0; N]);
    let mut more = [0];
    let whole = match file.read_exact(octets.as_mut_slice()) {
        Ok(()) => matches!(file.read(&mut more), Ok(0)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
        Err(error) => return Err(denied(error)),
    };
    if !whole {
        let message = format!("the {what} in {} are not {N} octets", path.display());
        return Err(
            Failure::new(message).hint(format!("make new ones with: openssl rand -out FILE {N}"))
        );
    }
    Ok(octets)
}

/// The first line of what is read, one octet at a time: what stands behind it is not ours.
fn first_line(opened: io::Result<File>, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let denied = |error: io::Error| Failure::io("read the passphrase", path, &error);
    let mut file = opened.map_err(denied)?;
    // In one piece: what moves while it grows leaves copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    let mut octet = Zeroizing::new([0]);
    loop {
        match file.read(octet.as_mut_slice()) {
            Ok(0) if line.is_empty() => {
                let message = format!("there is no passphrase in {}", path.display());
                return Err(Failure::new(message).hint("write it into the first line"));
            }
            Ok(0) => break,
            Ok(_) if octet[0] == b'\n' => break,
            Ok(_) if line.len() == LONGEST => {
                let message = format!(
                    "the first line of {} is longer than {LONGEST} octets, so it is no passphrase",
                    path.display()
                );
                return Err(Failure::new(message));
            }
            Ok(_) => line.push(octet[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(denied(error)),
        }
    }
    // Editors of Windows end lines with both.
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

/// Standard input, read without a buffer.
#[cfg(unix)]
fn input() -> io::Result<File> {
    use std::os::fd::AsFd;

    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// Standard input, read without a buffer.
#[cfg(windows)]
fn input() -> io::Result<File> {
    use std::os::windows::io::AsHandle;

    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

/// Says when everybody on this machine can read a file of secrets.
#[cfg(unix)]
fn warn_if_public(file: &File, path: &Path, what: &str) {
    use std::os::unix::fs::PermissionsExt;

    let facts = file.metadata();
    if facts.is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o004 != 0) {
        let shown = path.display().to_string();
        let shown = visible(&shown);
        note(&format!(
            "warning: everybody on this machine can read the {what} in {shown}: chmod go= {shown}"
        ));
    }
}

/// Says when everybody on this machine can read a file of secrets; here the system keeps that to
/// itself.
#[cfg(not(unix))]
fn warn_if_public(_file: &File, _path: &Path, _what: &str) {}

/// The most octets of a passphrase: what OpenSSL takes.
const LONGEST: usize = 1024;
