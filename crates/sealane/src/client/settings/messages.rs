//! How requests are written, and what is asked of their responses.

use http::HeaderName;
use sealane_proto::ClientRules;

use crate::bounds::check_limits;
use crate::error::{Error, Result};

/// What has been said about messages.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Messages {
    pub(in crate::client) max_header_size: Option<usize>,
    pub(in crate::client) max_headers_count: Option<usize>,
    pub(in crate::client) insecure_http_parser: Option<bool>,
    pub(in crate::client) join_duplicate_headers: Option<bool>,
    pub(in crate::client) set_host: Option<bool>,
    pub(in crate::client) set_default_headers: Option<bool>,
    /// As they were given; whether they are names is judged with the rest.
    pub(in crate::client) unique_headers: Option<Vec<String>>,
}

impl Messages {
    pub(super) fn over(&self, agent: &Self) -> Self {
        let unique = self.unique_headers.as_ref();
        Self {
            max_header_size: self.max_header_size.or(agent.max_header_size),
            max_headers_count: self.max_headers_count.or(agent.max_headers_count),
            insecure_http_parser: self.insecure_http_parser.or(agent.insecure_http_parser),
            join_duplicate_headers: self.join_duplicate_headers.or(agent.join_duplicate_headers),
            set_host: self.set_host.or(agent.set_host),
            set_default_headers: self.set_default_headers.or(agent.set_default_headers),
            unique_headers: unique.or(agent.unique_headers.as_ref()).cloned(),
        }
    }

    /// What follows for the connection's protocol.
    pub(in crate::client) fn rules(&self) -> Result<ClientRules> {
        let mut rules = ClientRules::default();
        let limits = &mut rules.limits;
        limits.head_octets = self.max_header_size.unwrap_or(limits.head_octets);
        limits.field_count = self.max_headers_count.unwrap_or(limits.field_count);
        rules.lenient = self.insecure_http_parser.unwrap_or_default();
        check_limits(&rules.limits)?;
        Ok(rules)
    }

    /// What follows for heads.
    pub(super) fn style(&self) -> Result<Style> {
        let defaults = self.set_default_headers.unwrap_or(true);
        let names = self.unique_headers.as_deref().unwrap_or_default();
        let unique = names.iter().map(|name| {
            HeaderName::try_from(name.as_str()).map_err(|_| {
                let shown: String = name.escape_debug().take(SHOWN).collect();
                let text = format!("unique_headers: \"{shown}\" is not the name of a field");
                Error::option(text).with_code("ERR_INVALID_HTTP_TOKEN")
            })
        });
        Ok(Style {
            host: self.set_host.unwrap_or(defaults),
            connection: defaults,
            unique: unique.collect::<Result<_>>()?,
            join_duplicates: self.join_duplicate_headers.unwrap_or_default(),
        })
    }
}

/// How heads are written and read beyond what the protocol asks for.
#[derive(Clone, Debug)]
pub(in crate::client) struct Style {
    /// Whether Host is added.
    pub(in crate::client) host: bool,
    /// Whether Connection is added.
    pub(in crate::client) connection: bool,
    /// Names whose lines become one.
    pub(in crate::client) unique: Box<[HeaderName]>,
    /// Whether lines of one name in a response are joined in its map.
    pub(in crate::client) join_duplicates: bool,
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

        /// Whether lines of one name in a response become one value in its map, with `, ` between;
        /// default false.
        #[must_use]
        pub fn join_duplicate_headers(mut self, wanted: bool) -> Self {
            self.settings().messages.join_duplicate_headers = Some(wanted);
            self
        }

        /// Whether a request without Host gets one; default: as `set_default_headers`, so true.
        ///
        /// Servers refuse a request of HTTP/1.1 that has none (RFC 9112 §3.2). A Host that the
        /// caller gives is sent all the same, in the first line.
        #[must_use]
        pub fn set_host(mut self, wanted: bool) -> Self {
            self.settings().messages.set_host = Some(wanted);
            self
        }

        /// Whether Host and Connection are added where the caller gives none; default true.
        ///
        /// The field that says where a body ends is added in any case: without it the server would
        /// take the body for the next request.
        #[must_use]
        pub fn set_default_headers(mut self, wanted: bool) -> Self {
            self.settings().messages.set_default_headers = Some(wanted);
            self
        }

        /// Names whose lines are sent as one, with `; ` between the values; default none. Those of
        /// Cookie always are (RFC 6265 §5.4).
        #[must_use]
        pub fn unique_headers<N: Into<String>>(
            mut self,
            names: impl IntoIterator<Item = N>,
        ) -> Self {
            let names = names.into_iter().map(Into::into).collect();
            self.settings().messages.unique_headers = Some(names);
            self
        }
    };
}

pub(in crate::client) use message_setters;

/// Characters of a name that a message shows.
const SHOWN: usize = 80;
