//! The way from a request path to something below the root, and to nothing else.
//!
//! First the form: a path is decoded once, name by name, and every name that could mean another
//! place is refused. Then the place: links are resolved, and what lies outside the root, is hidden
//! or is neither file nor folder does not exist. Opening goes by [`super::open`], which follows no
//! link any more, so that a link exchanged in between leads nowhere.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::folder::open::{self, Anchor, Entry, Facts, Folder, Opened};
use crate::folder::withheld::{Mark, Withheld};

#[cfg(test)]
mod tests;

/// Why a path is not served.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be decoded; the text says why.
    Malformed(&'static str),
    /// There is nothing, or nothing that may be seen: both look alike from outside.
    Missing,
    /// The machine failed: too many open files, a broken disk.
    Machine(io::ErrorKind),
}

impl From<io::Error> for Refusal {
    /// Treats every error that a path can cause as absence; the rest is the machine's.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidFilename => Self::Missing,
            _ if open::is_link(&error) => Self::Missing,
            kind => Self::Machine(kind),
        }
    }
}

/// A request path in its decoded form: plain names, one below the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The names from the root downwards.
    names: Vec<OsString>,
    /// Whether the path ended in a slash and so asks for a folder.
    folder: bool,
}

impl Names {
    /// Decodes the path of a request target (RFC 3986 §3.3).
    ///
    /// Each name is decoded after the path was parted at its slashes: an encoded slash, an encoded
    /// pair of dots and a backslash are refused, not interpreted, so that no second reading exists.
    /// Empty names are refused too: `//host/` in a redirect would name another origin.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for an encoding that is none, [`Refusal::Missing`] for the rest.
    pub fn decode(path: &str) -> Result<Self, Refusal> {
        let Some(path) = path.strip_prefix('/') else {
            return Err(Refusal::Malformed("the request target is not a path"));
        };
        if path.is_empty() {
            return Ok(Self {
                names: Vec::new(),
                folder: true,
            });
        }
        let (path, folder) = match path.strip_suffix('/') {
            Some(path) => (path, true),
            None => (path, false),
        };
        let names = path.split('/').map(decode_name).collect::<Result<_, _>>()?;
        Ok(Self { names, folder })
    }

    /// Whether the path asks for a folder.
    pub fn is_folder(&self) -> bool {
        self.folder
    }

    /// The names, from the root downwards.
    pub fn iter(&self) -> impl Iterator<Item = &OsString> {
        self.names.iter()
    }

    /// The last name; none for the root.
    pub fn last(&self) -> Option<&OsString> {
        self.names.last()
    }

    /// The names with one more below them.
    #[must_use]
    pub fn with(&self, name: OsString) -> Self {
        let mut names = self.names.clone();
        names.push(name);
        Self {
            names,
            folder: false,
        }
    }
}

/// The served folder.
#[derive(Debug)]
pub struct Root {
    /// Its path without links, against which every resolved path is held.
    canonical: PathBuf,
    /// The folder itself, from which everything is opened.
    anchor: Anchor,
    /// Whether names that begin with a dot are served.
    hidden: bool,
    /// What is served under no name.
    withheld: Withheld,
}

impl Root {
    /// Opens a folder for serving.
    ///
    /// # Errors
    /// When it does not exist, is no folder, or cannot be read.
    pub fn open(folder: &Path, hidden: bool, withheld: Withheld) -> io::Result<Self> {
        let canonical = folder.canonicalize()?;
        let anchor = open::anchor(&canonical)?;
        Ok(Self {
            canonical,
            anchor,
            hidden,
            withheld,
        })
    }

    /// The path of the folder, without links.
    pub fn path(&self) -> &Path {
        &self.canonical
    }

    /// Opens what these names lead to.
    ///
    /// # Errors
    /// [`Refusal::Missing`] for all that is absent, outside, hidden, or neither file nor folder.
    pub fn find(&self, names: &Names) -> Result<Opened, Refusal> {
        let inside = self.resolve(names)?;
        Ok(open::beneath(
            &self.anchor,
            &inside,
            &self.withheld.marks(),
        )?)
    }

    /// Looks at what these names lead to, for a listing.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn look(&self, names: &Names) -> Result<Facts, Refusal> {
        let inside = self.resolve(names)?;
        let path = self.canonical.join(inside);
        let withheld = self.withheld.marks();
        let mut way = path.ancestors().filter_map(Mark::of);
        if way.any(|mark| withheld.contains(&mark)) {
            return Err(Refusal::Missing);
        }
        let found = path.symlink_metadata()?;
        if found.is_file() || found.is_dir() {
            Ok(Facts::from(&found))
        } else {
            Err(Refusal::Missing)
        }
    }

    /// Reads the entries of a folder that may be seen, at most `most`; says whether there were
    /// more.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn entries(&self, folder: &Folder, most: usize) -> io::Result<(Vec<Entry>, bool)> {
        folder.entries(most, |name| self.shows(name), &self.withheld.marks())
    }

    /// Whether a name may be seen at all.
    fn shows(&self, name: &OsStr) -> bool {
        let octets = name.as_encoded_bytes();
        (self.hidden || !octets.starts_with(b".")) && is_plain(octets)
    }

    /// The path below the root to which names lead once links are resolved.
    fn resolve(&self, names: &Names) -> Result<PathBuf, Refusal> {
        let mut path = self.canonical.clone();
        for name in names.iter() {
            if !self.shows(name) {
                return Err(Refusal::Missing);
            }
            path.push(name);
        }
        let path = path.canonicalize()?;
        let inside = path
            .strip_prefix(&self.canonical)
            .map_err(|_| Refusal::Missing)?;
        // A link must not bring to light what its own name would hide.
        let visible = inside.components().all(|part| match part {
            Component::Normal(name) => self.shows(name),
            _ => false,
        });
        if visible {
            Ok(inside.to_owned())
        } else {
            Err(Refusal::Missing)
        }
    }
}

/// Decodes one name and refuses those that could mean another place.
fn decode_name(text: &str) -> Result<OsString, Refusal> {
    let octets = decode_octets(text)?;
    if is_plain(&octets) {
        os_name(octets)
    } else {
        Err(Refusal::Missing)
    }
}

/// Decodes percent-encoded octets (RFC 3986 §2.1); a stray percent sign is refused.
fn decode_octets(text: &str) -> Result<Vec<u8>, Refusal> {
    let broken = Refusal::Malformed("a percent sign in the path is not followed by two digits");
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let digit = |octet: Option<u8>| octet.and_then(|octet| char::from(octet).to_digit(16));
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err(broken);
        };
        octets.push(u8::try_from(high * 16 + low).map_err(|_| Refusal::Missing)?);
    }
    Ok(octets)
}

/// Whether a name stands for itself on every system: not empty, not a dot or two, no separator.
///
/// A backslash parts names on Windows only, but it is refused everywhere: a folder then serves the
/// same wherever it is copied to, and no reader downstream can take it for a slash.
fn is_plain(name: &[u8]) -> bool {
    let portable = !cfg!(windows) || is_plain_on_windows(name);
    !matches!(name, b"" | b"." | b"..")
        && !name.iter().any(|octet| matches!(octet, 0 | b'/' | b'\\'))
        && portable
}

/// Whether Windows would take a name as a name: no stream, no drive, no device, no lost ending.
fn is_plain_on_windows(name: &[u8]) -> bool {
    let stem = name
        .split(|&octet| octet == b'.')
        .next()
        .unwrap_or_default();
    let stem = stem.trim_ascii().to_ascii_uppercase();
    // The superscripts one to three count as digits there (Latin-1 B9, B2, B3).
    let digit = |rest: &[u8]| matches!(rest, [b'0'..=b'9'] | [0xc2, 0xb9 | 0xb2 | 0xb3]);
    let numbered = |word: &[u8]| stem.strip_prefix(word).is_some_and(digit);
    let device = matches!(
        stem.as_slice(),
        b"CON" | b"PRN" | b"AUX" | b"NUL" | b"CONIN$" | b"CONOUT$"
    ) || numbered(b"COM")
        || numbered(b"LPT");
    !device && !name.contains(&b':') && !name.ends_with(b".") && !name.ends_with(b" ")
}

/// Makes a name of the system from octets.
#[cfg(unix)]
fn os_name(octets: Vec<u8>) -> Result<OsString, Refusal> {
    Ok(std::os::unix::ffi::OsStringExt::from_vec(octets))
}

/// Makes a name of the system from octets; these systems have no names that are no text.
#[cfg(not(unix))]
fn os_name(octets: Vec<u8>) -> Result<OsString, Refusal> {
    String::from_utf8(octets)
        .map(OsString::from)
        .map_err(|_| Refusal::Missing)
}
