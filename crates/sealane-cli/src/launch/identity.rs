//! Who the server is: a certificate of the user's own, or one of the local authority.

use std::net::IpAddr;
use std::path::Path;

use sealane::Identity;
use time::{Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::banner::Trust;
use crate::dev_ca::DevCa;
use crate::error::{Failure, Result};
use crate::launch::listen::Place;
use crate::options::ServerArgs;
use crate::pem_file;
use crate::terminal::note;

#[cfg(test)]
mod tests;

/// An identity and what people are told of it.
#[derive(Debug)]
pub(super) struct Proof {
    /// Certificate and key.
    identity: Identity,
    /// What is told of it.
    trust: Trust,
    /// When a certificate made here ends.
    ends: Option<OffsetDateTime>,
}

impl Proof {
    /// Takes the certificate of the command line, or makes one.
    pub(super) fn find(args: &ServerArgs, places: &[Place], now: OffsetDateTime) -> Result<Self> {
        match args.own_certificate() {
            Some((cert, key)) => Self::own(cert, key, now),
            None => Self::local(args, places, now),
        }
    }

    /// Takes a certificate of the user's own.
    fn own(cert: &Path, key: &Path, now: OffsetDateTime) -> Result<Self> {
        let chain = pem_file::read(cert, "certificate")?;
        let secret = pem_file::read(key, "private key")?;
        let identity =
            Identity::from_pem(chain.as_slice(), secret.as_slice()).map_err(|error| {
                let (cert, key) = (cert.display(), key.display());
                Failure::new(format!("{error} (certificate {cert}, key {key})"))
            })?;
        let facts = Facts::of(&chain);
        facts.warn(cert, now);
        let ends = facts.ends.map(OffsetDateTime::date);
        let trust = Trust::Own {
            file: cert.to_owned(),
            names: facts.names,
            ends,
        };
        Ok(Self {
            identity,
            trust,
            ends: None,
        })
    }

    /// Makes a certificate with the local authority.
    fn local(args: &ServerArgs, places: &[Place], now: OffsetDateTime) -> Result<Self> {
        let authority = DevCa::open(&args.data_dir()?, &label(), now)?;
        let leaf = authority.leaf(&addresses(places), now)?;
        let identity = Identity::from_pem(&leaf.chain, leaf.key.as_bytes())
            .map_err(|error| Failure::new(format!("the certificate made here fails: {error}")))?;
        let trust = Trust::Local {
            root: authority.root().to_owned(),
            name: authority.root_name().to_owned(),
            origin: authority.origin(),
            ends: authority.ends().date(),
        };
        Ok(Self {
            identity,
            trust,
            ends: Some(leaf.ends),
        })
    }

    /// Certificate and key, for the server.
    pub(super) fn identity(&self) -> Identity {
        self.identity.clone()
    }

    /// What people are told.
    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The names in a certificate of the user's own.
    pub(super) fn names(&self) -> &[String] {
        match &self.trust {
            Trust::Own { names, .. } => names,
            Trust::Local { .. } => &[],
        }
    }

    /// Waits until a certificate made here is about to end, and gives what to say then.
    pub(super) async fn ending(&self) -> String {
        let Some(ends) = self.ends else {
            return std::future::pending().await;
        };
        let left = ends - NOTICE - OffsetDateTime::now_utc();
        tokio::time::sleep(left.try_into().unwrap_or_default()).await;
        format!(
            "note: the certificate ends on {} UTC; start anew for a fresh one",
            minute(ends)
        )
    }
}

/// What is read out of a certificate to be told.
#[derive(Debug, Default)]
struct Facts {
    /// Its names.
    names: Vec<String>,
    /// When it begins.
    begins: Option<OffsetDateTime>,
    /// When it ends.
    ends: Option<OffsetDateTime>,
}

impl Facts {
    /// Reads the first certificate of a PEM text; what cannot be read is not told.
    fn of(chain: &[u8]) -> Self {
        let blocks = x509_parser::pem::Pem::iter_from_buffer(chain).flatten();
        let first = blocks
            .into_iter()
            .find(|block| block.label.ends_with("CERTIFICATE"));
        first
            .and_then(|block| block.parse_x509().ok().map(|parsed| Self::from(&parsed)))
            .unwrap_or_default()
    }

    /// Says when a certificate is out of its time: every client is going to refuse it.
    fn warn(&self, cert: &Path, now: OffsetDateTime) {
        if let Some(ends) = self.ends.filter(|ends| *ends < now) {
            let cert = cert.display().to_string();
            let cert = crate::terminal::visible(&cert);
            note(&format!(
                "note: the certificate {cert} ended on {}; clients refuse it",
                ends.date()
            ));
        }
        if let Some(begins) = self.begins.filter(|begins| *begins > now) {
            let cert = cert.display().to_string();
            let cert = crate::terminal::visible(&cert);
            note(&format!(
                "note: the certificate {cert} begins on {}; clients refuse it",
                begins.date()
            ));
        }
    }
}

impl From<&X509Certificate<'_>> for Facts {
    fn from(parsed: &X509Certificate<'_>) -> Self {
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.iter().flat_map(|found| &found.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(octets) => address(octets).map(|address| address.to_string()),
            _ => None,
        });
        Self {
            names: names.collect(),
            begins: Some(parsed.validity().not_before.to_datetime()),
            ends: Some(parsed.validity().not_after.to_datetime()),
        }
    }
}

/// An address out of its octets.
fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        _ => None,
    }
}

/// The addresses that a certificate made here has to be for.
fn addresses(places: &[Place]) -> Vec<IpAddr> {
    let exact = places.iter().filter_map(|place| match place {
        Place::Exact(address) => Some(address.ip()),
        Place::Loopback(_) => None,
    });
    exact.collect()
}

/// Who made an authority, for its name: user and machine, as far as the system tells.
fn label() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(*letter))
            .collect()
    };
    let user = plain(user.as_deref().unwrap_or("somebody"));
    format!("{user:.16}@{:.16}", plain(&machine()))
}

/// The name of this machine.
#[cfg(unix)]
fn machine() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// The name of this machine.
#[cfg(not(unix))]
fn machine() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "here".to_owned())
}

/// A moment to the minute.
fn minute(at: OffsetDateTime) -> String {
    format!("{} {:02}:{:02}", at.date(), at.hour(), at.minute())
}

/// How long before its end a certificate made here is spoken of: an hour, enough to start anew.
const NOTICE: Duration = Duration::hours(1);
