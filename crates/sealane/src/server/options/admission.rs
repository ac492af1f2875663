//! Who gets in: limits on connections and handshakes, and who is turned away at the door.

use std::fmt;
use std::sync::Arc;

use super::ServerOptions;
use crate::error::{Error, Result};
use crate::info::Accepted;
use crate::server::admission::{BlockList, ProxyProtocol};

/// The program's own word on who gets in.
type Allow = Arc<dyn Fn(&Accepted) -> bool + Send + Sync>;

/// Who gets in.
#[derive(Clone)]
pub(in crate::server) struct AdmissionOptions {
    pub(in crate::server) max_connections: Option<usize>,
    pub(in crate::server) max_connections_per_address: Option<usize>,
    pub(in crate::server) max_handshakes: Option<usize>,
    pub(in crate::server) block_list: BlockList,
    pub(in crate::server) allow: Option<Allow>,
    pub(in crate::server) proxy_protocol: Option<ProxyProtocol>,
}

impl Default for AdmissionOptions {
    fn default() -> Self {
        Self {
            max_connections: None,
            max_connections_per_address: None,
            max_handshakes: Some(MAX_HANDSHAKES),
            block_list: BlockList::new(),
            allow: None,
            proxy_protocol: None,
        }
    }
}

impl AdmissionOptions {
    pub(super) fn check(&self) -> Result<()> {
        check_count("max_connections", self.max_connections)?;
        check_count(
            "max_connections_per_address",
            self.max_connections_per_address,
        )?;
        check_count("max_handshakes", self.max_handshakes)?;
        self.proxy_protocol
            .as_ref()
            .map_or(Ok(()), ProxyProtocol::check)
    }
}

impl ServerOptions {
    /// The most connections that are open at a time, those in their handshake included; default no
    /// limit, for how many a machine bears is not known here.
    ///
    /// Beyond it a new connection is reset at once, before TLS, and told as
    /// [`Event::Drop`](crate::Event::Drop). Upgraded connections are their owners' and not counted.
    /// It can be changed while the server runs ([`Server::set_max_connections`]).
    ///
    /// [`Server::set_max_connections`]: crate::Server::set_max_connections
    #[must_use]
    pub fn max_connections(mut self, count: impl Into<Option<usize>>) -> Self {
        self.admission.max_connections = count.into();
        self
    }

    /// The most connections from one address that are open at a time: one IPv4 address, or one /64
    /// of IPv6, within which a single host chooses freely (RFC 4291 §2.5.1); default no limit, for
    /// behind one address there may be many people.
    ///
    /// Where a proxy tells whom it speaks for, that is whose address counts. Connections without an
    /// address, such as those of a Unix socket, are not limited. Beyond it a connection is dropped
    /// as with [`max_connections`](Self::max_connections). It closes the door to a single client
    /// that takes every connection there is.
    #[must_use]
    pub fn max_connections_per_address(mut self, count: impl Into<Option<usize>>) -> Self {
        self.admission.max_connections_per_address = count.into();
        self
    }

    /// The most TLS handshakes in flight at a time; default 1024, which is about 50 MiB: each holds
    /// buffers and keys that a connection at rest does not.
    ///
    /// At the limit nothing more is accepted until a handshake is done; connections wait in the
    /// system's queue. Nobody is dropped meanwhile, but a client that keeps its handshake waiting
    /// for more than 5 s gives way (`TlsErrorClass::Overload`), so that silent clients cannot keep
    /// others out. With several listeners there may be one more for each, and adopted connections
    /// do not wait.
    #[must_use]
    pub fn max_handshakes(mut self, count: impl Into<Option<usize>>) -> Self {
        self.admission.max_handshakes = count.into();
        self
    }

    /// Whose connections are reset as soon as they are accepted; default nobody's.
    ///
    /// Where a proxy tells whom it speaks for, both its address and that one are looked up.
    #[must_use]
    pub fn block_list(mut self, list: BlockList) -> Self {
        self.admission.block_list = list;
        self
    }

    /// From whom connections begin with a header that says whom a proxy speaks for; default from
    /// nobody.
    ///
    /// What it says is in [`ConnectionInfo::proxied`] and [`Accepted::proxied`]; limits for an
    /// address, the block list and [`allow_connection`](Self::allow_connection) go by it.
    ///
    /// [`ConnectionInfo::proxied`]: crate::ConnectionInfo::proxied
    #[must_use]
    pub fn proxy_protocol(mut self, proxies: ProxyProtocol) -> Self {
        self.admission.proxy_protocol = Some(proxies);
        self
    }

    /// Asks the program whether a connection may go on, before anything is said on it; default it
    /// may.
    ///
    /// Asked where connections are accepted, so it must not block. A connection that is not allowed
    /// is reset, as is one whose question panicked.
    #[must_use]
    pub fn allow_connection(
        mut self,
        allow: impl Fn(&Accepted) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.admission.allow = Some(Arc::new(allow));
        self
    }
}

impl fmt::Debug for AdmissionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdmissionOptions")
            .field("max_connections", &self.max_connections)
            .field(
                "max_connections_per_address",
                &self.max_connections_per_address,
            )
            .field("max_handshakes", &self.max_handshakes)
            .field("block_list", &self.block_list)
            .field("proxy_protocol", &self.proxy_protocol)
            .finish_non_exhaustive()
    }
}

/// Refuses a limit of 0, which would serve nobody.
pub(in crate::server) fn check_count(name: &str, count: Option<usize>) -> Result<()> {
    match count {
        Some(0) => {
            let text = format!("{name} is 0, which would serve nobody; give None for no limit");
            Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"))
        }
        _ => Ok(()),
    }
}

/// More than a machine works on at a time, and memory that every server has.
const MAX_HANDSHAKES: usize = 1024;
