//! Those who send the requests of `get` and `request`, and how long they wait.
//!
//! One agent for this machine and one for everybody else, where they do not trust the same.

use sealane::{Agent, AgentOptions};

use crate::error::Result;
use crate::fetch::Asked;
use crate::fetch::options::ClientArgs;
use crate::fetch::trust::{Talk, Tls, is_local, unusable};

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
    /// When an option, or a file that one names, cannot be used.
    pub(super) fn new(args: &ClientArgs, asked: &[Asked]) -> Result<Self> {
        let talk = match (args.verbose, args.silent) {
            (true, _) => Talk::Verbose,
            (false, true) => Talk::Silent,
            (false, false) => Talk::Usual,
        };
        let urls: Vec<_> = asked.iter().map(|asked| asked.url.as_str()).collect();
        let tls = Tls::read(&args.tls, &urls, talk)?;
        let make = |local| {
            Agent::new(options(args, tls.options(local)))
                .map_err(|error| unusable(&error, &args.tls))
        };
        Ok(Self {
            common: make(false)?,
            local: tls.has_local().then(|| make(true)).transpose()?,
        })
    }

    /// The one for a URL.
    pub(super) fn of(&self, url: &str) -> &Agent {
        let local = self.local.as_ref().filter(|_| is_local(url));
        local.unwrap_or(&self.common)
    }
}

/// Adds to the options of an agent how it keeps connections and how long it waits.
fn options(args: &ClientArgs, options: AgentOptions) -> AgentOptions {
    let mut options = options
        .keep_alive(true)
        .insecure_http_parser(args.insecure_http_parser);
    if args.insecure {
        options = options.reject_unauthorized(false);
    }
    if let Some(limit) = args.connect_timeout {
        options = options.connect_timeout(limit).handshake_timeout(limit);
    }
    if let Some(limit) = args.timeout {
        options = options.inactivity_timeout(limit).head_timeout(limit);
    }
    options
}
