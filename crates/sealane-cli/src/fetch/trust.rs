//! Whom a client trusts and who it is, read once: what options every agent of a command gets.
//!
//! The local authority's root is known to those agents alone that are asked for URLs that lead to
//! this machine: whoever takes that root's place in the data folder gains no other name.

use sealane::{AgentOptions, Identity, Revocation, Roots};
use time::OffsetDateTime;
use url::{Host, Url};

use crate::credentials::crl;
use crate::data_folder;
use crate::dev_ca;
use crate::error::{Failure, Result, USAGE};
use crate::fetch::failure;
use crate::fetch::tls::TlsArgs;
use crate::key_log::SharedLog;
use crate::terminal::note;

#[cfg(test)]
mod tests;

/// How much is said beside results and errors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Talk {
    /// What somebody might have to know.
    #[default]
    Usual,
    /// All that is known.
    Verbose,
    /// Nothing that is neither a warning nor an error.
    Silent,
}

/// Trust and identity, read from files and ready for any number of agents.
#[derive(Debug)]
pub struct Tls {
    /// Whose certificates are believed everywhere.
    roots: Roots,
    /// Whose certificates are believed of this machine alone.
    local: Option<Roots>,
    /// Who we are.
    identity: Option<Identity>,
    /// Who is believed no longer.
    crl: Option<Revocation>,
    /// Where secrets are logged.
    log: Option<SharedLog>,
    /// What needs no file.
    args: TlsArgs,
}

impl Tls {
    /// Reads what these options name, to ask for these URLs.
    ///
    /// # Errors
    /// When a file of certificates or keys cannot be used.
    pub fn read(args: &TlsArgs, urls: &[&str], talk: Talk) -> Result<Self> {
        let roots = roots(args, talk)?;
        // Once for all agents: a pipe can be read no second time.
        let own = args.identity().read().map_err(|it| it.exit(USAGE))?;
        if let Some(own) = &own {
            own.warn("servers", OffsetDateTime::now_utc());
        }
        let mut local = None;
        // Where it can vouch for nothing it is not even read; and given roots replace all others.
        if args.cacert.is_none()
            && urls.iter().any(|url| is_local(url))
            && let Some(root) = local_root(args, talk)
        {
            let root = Roots::from_pem(root).map_err(|error| unusable(&error, args))?;
            local = Some(roots.clone().and(root));
        }
        Ok(Self {
            roots,
            local,
            identity: own.map(|own| own.identity),
            crl: crl(&args.crls).map_err(|error| unusable(&error, args))?,
            log: args.key_log.open().map_err(|it| it.exit(USAGE))?,
            args: args.clone(),
        })
    }

    /// Whether there is somebody who is believed of this machine alone.
    pub fn has_local(&self) -> bool {
        self.local.is_some()
    }

    /// Whether something was given that is for one origin only: who we are, or what the server is
    /// called.
    pub fn is_for_one_origin(&self) -> bool {
        self.identity.is_some() || self.args.servername.is_some()
    }

    /// The options of an agent that asks for URLs of this machine, or for all others.
    pub fn options(&self, of_this_machine: bool) -> AgentOptions {
        let mut options = self.options_of_others(of_this_machine);
        if let Some(identity) = &self.identity {
            options = options.identity(identity.clone());
        }
        if let Some(name) = &self.args.servername {
            options = options.servername(name);
        }
        options
    }

    /// The same for origins that a server pointed to: they do not learn who we are, and answer to
    /// their own names. Pins hold for them too: whoever gave them wants no other server.
    pub fn options_of_others(&self, of_this_machine: bool) -> AgentOptions {
        let local = self.local.as_ref().filter(|_| of_this_machine);
        let mut options = AgentOptions::new().ca(local.unwrap_or(&self.roots).clone());
        if let Some(crl) = &self.crl {
            options = options.crl(crl.clone());
        }
        if let Some(log) = &self.log {
            options = options.key_log(log.clone());
        }
        if !self.args.pins.is_empty() {
            options = options.pins(self.args.pins.clone());
        }
        if self.args.allow_partial_chain {
            options = options.allow_partial_trust_chain(true);
        }
        self.args.parameters.client(options)
    }
}

/// An option, or a file that one names, cannot be used.
pub(super) fn unusable(error: &sealane::Error, args: &TlsArgs) -> Failure {
    failure::of(error, args).exit(USAGE)
}

/// Whose certificates are believed everywhere.
fn roots(args: &TlsArgs, talk: Talk) -> Result<Roots> {
    if let Some(file) = &args.cacert {
        return Roots::from_pem_file(file).map_err(|error| unusable(&error, args));
    }
    Ok(public(talk))
}

/// The public authorities: those that come with the program, and those of this system.
pub(super) fn public(talk: Talk) -> Roots {
    let roots = Roots::bundled();
    match Roots::system() {
        Ok(more) => return roots.and(more),
        Err(error) if talk == Talk::Verbose => note(&format!("note: this system's roots: {error}")),
        Err(_) => {}
    }
    roots
}

/// The root of the local authority, if there is a sound one.
fn local_root(args: &TlsArgs, talk: Talk) -> Option<String> {
    // A system that knows no place for data has no authority in it either.
    let data = data_folder::find(args.data_dir.as_deref()).ok()?;
    match dev_ca::trusted_root(&data, OffsetDateTime::now_utc()) {
        Ok(root) => root,
        Err(failure) => {
            if talk != Talk::Silent {
                note(&failure.as_note());
            }
            None
        }
    }
}

/// Whether a URL leads to this machine, which is all that the local authority can vouch for.
pub fn is_local(url: &str) -> bool {
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
