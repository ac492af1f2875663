//! How the way to a server is found and opened.

use crate::error::Result;

/// What has been said about connecting.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Connecting {
    /// Whether small writes leave at once (the module's `noDelay`).
    pub(in crate::client) no_delay: Option<bool>,
}

impl Connecting {
    pub(super) fn over(&self, agent: &Self) -> Self {
        Self {
            no_delay: self.no_delay.or(agent.no_delay),
        }
    }

    /// Refuses what cannot be meant, by its name.
    pub(super) fn settle(self) -> Result<Self> {
        Ok(self)
    }
}

/// The setters, for an agent and for a request.
macro_rules! connecting_setters {
    () => {
        /// Whether small writes leave at once instead of waiting for acknowledgements; default
        /// true.
        #[must_use]
        pub fn no_delay(mut self, wanted: bool) -> Self {
            self.settings().connecting.no_delay = Some(wanted);
            self
        }
    };
}

pub(in crate::client) use connecting_setters;
