//! Who the server is: certificates of the user's own, or one of the local authority.

use sealane::Identity;
use time::{Duration, OffsetDateTime};

use crate::banner::Trust;
use crate::credentials::Credentials;
use crate::dev_ca::DevCa;
use crate::error::{Failure, Result};
use crate::launch::places::Plan;
use crate::options::ServerArgs;

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
    /// Takes the certificates of the command line, or makes one.
    pub(super) fn find(args: &ServerArgs, plan: &Plan, now: OffsetDateTime) -> Result<Self> {
        match args.identity().read()? {
            Some(own) => Ok(Self::own(own, now)),
            None => Self::local(args, plan, now),
        }
    }

    /// Takes certificates of the user's own.
    fn own(own: Credentials, now: OffsetDateTime) -> Self {
        own.warn("clients", now);
        Self {
            identity: own.identity,
            trust: Trust::Own(own.facts),
            ends: None,
        }
    }

    /// Makes a certificate with the local authority.
    fn local(args: &ServerArgs, plan: &Plan, now: OffsetDateTime) -> Result<Self> {
        let authority = DevCa::open(&args.data_dir()?, &label(), now)?;
        let leaf = authority.leaf(&plan.addresses(), now)?;
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

    /// The names in certificates of the user's own.
    pub(super) fn names(&self) -> Vec<String> {
        match &self.trust {
            Trust::Own(own) => own.iter().flat_map(|facts| facts.names.clone()).collect(),
            Trust::Local { .. } => Vec::new(),
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
