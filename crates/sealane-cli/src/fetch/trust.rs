//! Whom the client trusts, who it is, and how long it waits: the agent behind `get` and `request`.

use sealane::{Agent, AgentOptions, Identity, Roots};
use time::OffsetDateTime;
use url::{Host, Url};

use crate::data_folder;
use crate::dev_ca;
use crate::error::{Result, USAGE};
use crate::fetch::options::ClientArgs;
use crate::fetch::{Asked, failure};
use crate::terminal::note;

#[cfg(test)]
mod tests;

/// Makes the agent that these options mean.
///
/// # Errors
/// When a file of certificates or keys cannot be used.
pub(super) fn agent(args: &ClientArgs, asked: &[Asked]) -> Result<Agent> {
    let failed = |error: sealane::Error| failure::of(&error, args).exit(USAGE);
    let mut options = AgentOptions::new().keep_alive(true);
    options = options.ca(roots(args, asked)?);
    if let Some((cert, key)) = args.cert.as_ref().zip(args.key.as_ref()) {
        options = options.identity(Identity::from_pem_files(cert, key).map_err(failed)?);
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
    Agent::new(options).map_err(failed)
}

/// Whose certificates are believed.
fn roots(args: &ClientArgs, asked: &[Asked]) -> Result<Roots> {
    let failed = |error: sealane::Error| failure::of(&error, args).exit(USAGE);
    if let Some(file) = &args.cacert {
        return Roots::from_pem_file(file).map_err(failed);
    }
    let mut roots = Roots::bundled();
    match Roots::system() {
        Ok(more) => roots = roots.and(more),
        Err(error) if args.verbose => note(&format!("note: this system's roots: {error}")),
        Err(_) => {}
    }
    // Where it can vouch for nothing it is not even read.
    if asked.iter().any(|asked| is_local(&asked.url))
        && let Some(root) = local_root(args)
    {
        roots = roots.and(Roots::from_pem(root).map_err(failed)?);
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
