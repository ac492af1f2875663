//! How requests are written, and what is asked of their responses.

use sealane_proto::ClientRules;

use crate::bounds::check_limits;
use crate::error::Result;

/// What has been said about messages.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Messages {
    pub(in crate::client) max_header_size: Option<usize>,
    pub(in crate::client) max_headers_count: Option<usize>,
    pub(in crate::client) insecure_http_parser: Option<bool>,
}

impl Messages {
    pub(super) fn over(&self, agent: &Self) -> Self {
        Self {
            max_header_size: self.max_header_size.or(agent.max_header_size),
            max_headers_count: self.max_headers_count.or(agent.max_headers_count),
            insecure_http_parser: self.insecure_http_parser.or(agent.insecure_http_parser),
        }
    }

    /// What follows for the connection's protocol.
    pub(super) fn rules(&self) -> Result<ClientRules> {
        let mut rules = ClientRules::default();
        let limits = &mut rules.limits;
        limits.head_octets = self.max_header_size.unwrap_or(limits.head_octets);
        limits.field_count = self.max_headers_count.unwrap_or(limits.field_count);
        rules.lenient = self.insecure_http_parser.unwrap_or_default();
        check_limits(&rules.limits)?;
        Ok(rules)
    }
}

/// The setters, for an agent and for a request.
macro_rules! message_setters {
    () => {
        /// The largest head of a response in octets; default 16 KiB. More fails the request.
        #[must_use]
        pub fn max_header_size(mut self, octets: usize) -> Self {
            self.settings().messages.max_header_size = Some(octets);
            self
        }

        /// The most field lines of a response; default 2000. More fails the request.
        #[must_use]
        pub fn max_headers_count(mut self, lines: usize) -> Self {
            self.settings().messages.max_headers_count = Some(lines);
            self
        }

        /// Whether odd heads of responses are taken; default false.
        ///
        /// For servers that fold lines, end them with LF alone, or put control octets other than
        /// NUL, CR and LF into values: in the map these and the folds are SP. In fields that say
        /// where a message ends both are refused all the same, and bodies are read strictly.
        #[must_use]
        pub fn insecure_http_parser(mut self, lenient: bool) -> Self {
            self.settings().messages.insecure_http_parser = Some(lenient);
            self
        }
    };
}

pub(in crate::client) use message_setters;
