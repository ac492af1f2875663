//! Settings: what can be said for an agent and for a single request alike.
//!
//! Every one of them is optional, and the request's word wins over its agent's (api.md §4). What
//! nobody has said gets its default where the settings become [`Terms`]: that is their gate, and
//! the only place where they are believed. Trust is not here; that is `tls_options.rs`' business.

use std::sync::Arc;

use sealane_proto::ClientRules;

use crate::error::Result;

pub(super) mod connecting;
pub(super) mod exchanging;
pub(super) mod messages;
pub(super) mod times;

use connecting::{Connecting, Opening};
use exchanging::Exchanging;
use messages::{Messages, Style};
use times::{Timeouts, Times};

/// What has been said, by kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) times: Times,
    pub(super) connecting: Connecting,
    pub(super) messages: Messages,
    pub(super) exchanging: Exchanging,
}

impl Settings {
    /// What holds where both have spoken: these win over `agent`'s.
    pub(super) fn over(&self, agent: &Self) -> Self {
        Self {
            times: self.times.over(&agent.times),
            connecting: self.connecting.over(&agent.connecting),
            messages: self.messages.over(&agent.messages),
            exchanging: self.exchanging.over(&agent.exchanging),
        }
    }

    /// Fills the defaults in and refuses what cannot be meant, by its name.
    pub(super) fn settle(self) -> Result<Arc<Terms>> {
        let mut rules = self.messages.rules()?;
        rules.accept_truncated = self.exchanging.danger_accept_truncated == Some(true);
        Ok(Arc::new(Terms {
            timeouts: self.times.settle()?,
            rules: Arc::new(rules),
            style: self.messages.style()?,
            connecting: self.connecting.settle()?,
            exchanging: self.exchanging.settle()?,
        }))
    }
}

/// Settings that hold: shared by all requests of an agent that say nothing of their own.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) timeouts: Timeouts,
    /// What is asked of the server's messages.
    pub(super) rules: Arc<ClientRules>,
    pub(super) style: Style,
    pub(super) connecting: Opening,
    pub(super) exchanging: Exchanging,
}
