//! The local certificate authority: what makes `sealane serve` trusted without a certificate of
//! one's own.
//!
//! A root is made once. Its key signs one intermediate and is then gone: it never touches the disk.
//! The intermediate's key stays, readable by its owner only, and can vouch for nothing but
//! localhost names and loopback addresses on servers (RFC 5280 §4.2.1.10, §4.2.1.12). Each start
//! signs a fresh end-entity certificate whose key lives in memory. So whoever steals the folder can
//! pose as the owner's own machine to itself, and as nobody else.

pub mod certificates;
mod store;

use std::path::{Path, PathBuf};

use time::{Date, OffsetDateTime};

use crate::dev_ca::certificates::{Authority, Fault, Leaf};
use crate::error::{Failure, Result};
use crate::terminal::shell_quote;

#[cfg(test)]
mod tests;

/// A local certificate authority, ready to sign.
#[derive(Debug)]
pub struct DevCa {
    /// Where the root certificate stands.
    root: PathBuf,
    /// The intermediate and its key.
    authority: Authority,
    /// Whether it was there before.
    origin: Origin,
}

/// How a local authority came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was made by an earlier start.
    Found,
    /// There was none; this start made it.
    Made,
    /// The earlier one had ended on that day; this start made another one.
    Renewed(Date),
}

impl DevCa {
    /// Opens the authority in a data folder; makes one when there is none or when it has ended.
    ///
    /// # Errors
    /// When the folder cannot be used, and when what stands there is damaged or open to others:
    /// replacing it silently would take away a trusted root without a word.
    pub fn open(data: &Path, label: &str, now: OffsetDateTime) -> Result<Self> {
        store::prepare(data)?;
        let _turn = store::take_turn(data)?;
        let folder = data.join(FOLDER);
        let Some(stored) = store::read(&folder)? else {
            return Self::make(&folder, label, now, Origin::Made);
        };
        match certificates::read(&stored, now) {
            Ok(authority) => Ok(Self::new(&folder, authority, Origin::Found)),
            Err(Fault::Ended(day)) => {
                store::retire(&folder)?;
                Self::make(&folder, label, now, Origin::Renewed(day))
            }
            Err(Fault::NotYet(day)) => Err(Failure::new(format!(
                "the local certificate authority in {} begins on {day}, which is still to come",
                folder.display()
            ))
            .hint("set the clock of this machine")),
            Err(Fault::Damaged(what)) => Err(damaged(&folder, what)),
        }
    }

    /// Makes an authority and stores it, all or nothing.
    fn make(folder: &Path, label: &str, now: OffsetDateTime, origin: Origin) -> Result<Self> {
        let made = certificates::make(label, now).map_err(|error| {
            Failure::new(format!(
                "cannot make a local certificate authority: {error}"
            ))
        })?;
        store::write(folder, &made)?;
        // Read back what another start may have put there first: the folder on disk is what counts.
        let stored = store::read(folder)?.ok_or_else(|| damaged(folder, "it vanished"))?;
        match certificates::read(&stored, now) {
            Ok(authority) => Ok(Self::new(folder, authority, origin)),
            Err(_) => Err(damaged(folder, "it cannot be read back")),
        }
    }

    /// Puts the parts together.
    fn new(folder: &Path, authority: Authority, origin: Origin) -> Self {
        Self {
            root: folder.join(store::ROOT),
            authority,
            origin,
        }
    }

    /// Signs an end-entity certificate for localhost and these loopback addresses, with a key that
    /// is made now.
    ///
    /// # Errors
    /// When the machine has no randomness to give.
    pub fn leaf(&self, addresses: &[std::net::IpAddr], now: OffsetDateTime) -> Result<Leaf> {
        self.authority.leaf(addresses, now).map_err(|error| {
            Failure::new(format!("cannot make a certificate for localhost: {error}"))
        })
    }

    /// The path of the root certificate: what a client shall trust.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The name in the root certificate, under which trust stores list it.
    pub fn root_name(&self) -> &str {
        self.authority.root_name()
    }

    /// The last day of the authority.
    pub fn ends(&self) -> OffsetDateTime {
        self.authority.ends()
    }

    /// How it came to be.
    pub fn origin(&self) -> Origin {
        self.origin
    }
}

/// The root certificate of the authority in a data folder, if there is one that clients may trust
/// now; nothing is made.
///
/// # Errors
/// When the folder is open to others or what stands in it is damaged: such a root could be
/// anybody's.
pub fn trusted_root(data: &Path, now: OffsetDateTime) -> Result<Option<String>> {
    if !data.exists() {
        return Ok(None);
    }
    store::judge(data)?;
    let folder = data.join(FOLDER);
    let Some(stored) = store::read(&folder)? else {
        return Ok(None);
    };
    match certificates::read(&stored, now) {
        Ok(_) => Ok(Some(stored.root)),
        Err(Fault::Ended(_) | Fault::NotYet(_)) => Ok(None),
        Err(Fault::Damaged(what)) => Err(damaged(&folder, what)),
    }
}

/// The places below a data folder that hold what nobody else may read.
///
/// The key is named apart from its folder: a second name of it may stand elsewhere.
pub fn secrets(data: &Path) -> [PathBuf; 2] {
    let folder = data.join(FOLDER);
    let key = folder.join(store::KEY);
    [folder, key]
}

/// Says what is wrong with a stored authority and how to begin anew.
fn damaged(folder: &Path, what: &str) -> Failure {
    Failure::new(format!(
        "the local certificate authority in {} is damaged: {what}",
        folder.display()
    ))
    .hint(format!(
        "remove it with rm -r {} and start again: a new root is made, which has to be trusted anew",
        shell_quote(folder)
    ))
}

/// The folder of the authority inside the data folder.
const FOLDER: &str = "local-ca";
