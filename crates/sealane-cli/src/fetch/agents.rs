//! Those who send the requests of `get` and `request`, and how long they wait.
//!
//! One agent for this machine and one for everybody else, where they do not trust the same; and the
//! same two without the identity, for where redirects lead.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sealane::{Agent, AgentEvent, AgentOptions, ClientRequest, RequestOptions};

use crate::error::Result;
use crate::fetch::asked::Asked;
use crate::fetch::failure;
use crate::fetch::location::Hop;
use crate::fetch::options::ClientArgs;
use crate::fetch::route::Route;
use crate::fetch::trust::{Talk, Tls, is_local, public, unusable};
use crate::terminal::{note, visible};

/// Those who send the requests of a command.
#[derive(Debug)]
pub(super) struct Agents {
    /// What the command line says.
    args: ClientArgs,
    /// Trust and identity.
    tls: Tls,
    /// The way to servers.
    route: Route,
    /// Whether the last request has got its connection.
    connected: Arc<AtomicBool>,
    /// For every origin that the others are not for.
    common: Agent,
    /// For this machine; it believes the local authority as well.
    local: Option<Agent>,
    /// For origins that a server pointed to: it has no identity. Made when it is needed.
    others: OnceCell<Agent>,
    /// The same for this machine.
    local_others: OnceCell<Agent>,
}

impl Agents {
    /// Makes what these options mean for these URLs.
    ///
    /// # Errors
    /// When an option, or a file that one names, cannot be used.
    pub(super) fn new(args: &ClientArgs, asked: &[Asked]) -> Result<Self> {
        let talk = match (args.shown.verbose, args.shown.silent) {
            (true, _) => Talk::Verbose,
            (false, true) => Talk::Silent,
            (false, false) => Talk::Usual,
        };
        let urls: Vec<_> = asked.iter().map(|asked| asked.url.as_str()).collect();
        let tls = Tls::read(&args.tls, &urls, talk)?;
        let route = Route::read(&args.route, || public(talk))?;
        let connected = Arc::new(AtomicBool::new(false));
        let make = |local| agent(args, &route, &connected, tls.options(local));
        Ok(Self {
            args: args.clone(),
            common: make(false)?,
            local: tls.has_local().then(|| make(true)).transpose()?,
            others: OnceCell::new(),
            local_others: OnceCell::new(),
            tls,
            route,
            connected: Arc::clone(&connected),
        })
    }

    /// The request of a hop, of options that say all but the way.
    ///
    /// # Errors
    /// When the options are no request.
    pub(super) fn request(&self, hop: &Hop, options: RequestOptions) -> Result<ClientRequest> {
        self.connected.store(false, Ordering::Relaxed);
        let options = self.route.request(options, &hop.url);
        let request = self.of(hop)?.request(options);
        request.map_err(|error| failure::of(&error, &self.args.tls))
    }

    /// Whether the last request has got its connection.
    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// The one for a hop.
    ///
    /// # Errors
    /// When there is none yet and none can be made.
    fn of(&self, hop: &Hop) -> Result<&Agent> {
        let local = self.local.as_ref().filter(|_| is_local(&hop.url));
        if hop.own || !self.tls.is_for_one_origin() {
            return Ok(local.unwrap_or(&self.common));
        }
        let cell = if local.is_some() {
            &self.local_others
        } else {
            &self.others
        };
        if let Some(agent) = cell.get() {
            return Ok(agent);
        }
        let made = agent(
            &self.args,
            &self.route,
            &self.connected,
            self.tls.options_of_others(local.is_some()),
        )?;
        Ok(cell.get_or_init(|| made))
    }
}

/// Makes an agent of options that say whom it trusts and who it is.
fn agent(
    args: &ClientArgs,
    route: &Route,
    connected: &Arc<AtomicBool>,
    tls: AgentOptions,
) -> Result<Agent> {
    let (connected, verbose) = (Arc::clone(connected), args.shown.verbose);
    let observed = options(args, tls).observer(move |event: &AgentEvent<'_>| match event {
        AgentEvent::Socket { .. } => connected.store(true, Ordering::Relaxed),
        AgentEvent::Replay { origin } if verbose => note(&format!(
            "* connection: one that was kept to {} ended; the request is sent once more",
            visible(origin)
        )),
        _ => {}
    });
    Agent::new(route.agent(observed)).map_err(|error| unusable(&error, &args.tls))
}

/// Adds to the options of an agent how it keeps connections and how long it waits.
fn options(args: &ClientArgs, options: AgentOptions) -> AgentOptions {
    let mut options = options
        .keep_alive(true)
        .insecure_http_parser(args.insecure_http_parser);
    if args.insecure {
        options = options.reject_unauthorized(false);
    }
    if let Some(limit) = args.limits.connect_timeout {
        options = options.connect_timeout(limit).handshake_timeout(limit);
    }
    if let Some(limit) = args.limits.timeout {
        options = options.inactivity_timeout(limit).head_timeout(limit);
    }
    options
}
