//! Whom the client trusts, who it is, and how long it waits: the agents behind `get` and `request`.
//!
//! The local authority's root is known to one agent alone, which is asked for URLs that lead to
//! this machine: whoever takes that root's place in the data folder gains no other name.

use sealane::{Agent, AgentOptions, Identity, Roots};
use time::OffsetDateTime;
use url::{Host, Url};

use crate::data_folder;
use crate::dev_ca;
use crate::error::{Failure, Result, USAGE};
use crate::fetch::options::ClientArgs;
use crate::fetch::{Asked, failure};
use crate::terminal::note;

#[cfg(test)]
mod tests;

/// Those who send the requests of a command.
#[derive(Debug)]
pub(super) struct Agents {
    /// For every URL that the other one is not for.
    common: Agent,
    /// For this machine; it believes the local authority as well.
    local: Option<Agent>,
}

impl Agents {
    /// Makes what these options mean for these URLs.
    ///
    /// # Errors
    /// When a file of certificates or keys cannot be used.
    pub(super) fn new(args: &ClientArgs, asked: &[Asked]) -> Result<Self> {
        let failed = |error| unusable(&error, args);
        let roots = roots(args)?;
        let pair = args.cert.as_ref().zip(args.key.as_ref());
        // Once for both agents: a pipe can be read no second time.
        let identity = pair.map(|(cert, key)| Identity::from_pem_files(cert, key));
        let identity = identity.transpose().map_err(failed)?;
        let agent = |roots| agent(args, roots, identity.clone());
        let mut local = None;
        // Where it can vouch for nothing it is not even read; and given roots replace all others.
        if args.cacert.is_none()
            && asked.iter().any(|asked| is_local(&asked.url))
            && let Some(root) = local_root(args)
        {
            let root = Roots::from_pem(root).map_err(failed)?;
            local = Some(agent(roots.clone().and(root))?);
        }
        let common = agent(roots)?;
        Ok(Self { common, local })
    }

    /// The one for a URL.
    pub(super) fn of(&self, url: &str) -> &Agent {
        let local = self.local.as_ref().filter(|_| is_local(url));
        local.unwrap_or(&self.common)
    }
}

/// Makes an agent that believes these roots, and is this one if a server asks.
fn agent(args: &ClientArgs, roots: Roots, identity: Option<Identity>) -> Result<Agent> {
    let mut options = AgentOptions::new().keep_alive(true).ca(roots);
    if let Some(identity) = identity {
        options = options.identity(identity);
    }
    if args.insecure {
        options = options.reject_unauthorized(false);
    }
    if let Some(limit) = args.connect_timeout {
        options = options.connect_timeout(limit).handshake_timeout(limit);
    }
    if let Some(limit) = args.timeout {
        options = options.inactivity_timeout(limit).head_timeout(limit);
    }
    Agent::new(options).map_err(|error| unusable(&error, args))
}

/// An option, or a file that one names, cannot be used.
fn unusable(error: &sealane::Error, args: &ClientArgs) -> Failure {
    failure::of(error, args).exit(USAGE)
}

/// Whose certificates are believed everywhere.
fn roots(args: &ClientArgs) -> Result<Roots> {
    if let Some(file) = &args.cacert {
        return Roots::from_pem_file(file).map_err(|error| unusable(&error, args));
    }
    let roots = Roots::bundled();
    match Roots::system() {
        Ok(more) => return Ok(roots.and(more)),
        Err(error) if args.verbose => note(&format!("note: this system's roots: {error}")),
        Err(_) => {}
    }
    Ok(roots)
}

/// The root of the local authority, if there is a sound one.
fn local_root(args: &ClientArgs) -> Option<String> {
    // A system that knows no place for data has no authority in it either.
    let data = data_folder::find(args.data_dir.as_deref()).ok()?;
    match dev_ca::trusted_root(&data, OffsetDateTime::now_utc()) {
        Ok(root) => root,
        Err(failure) => {
            if !args.silent {
                note(&failure.as_note());
            }
            None
        }
    }
}

/// Whether a URL leads to this machine, which is all that the local authority can vouch for.
fn is_local(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
