//! Where to listen, and how: what the program said, and whether it can be meant.

use std::fmt;
use std::future::Future;
use std::net::TcpListener;
#[cfg(unix)]
use std::os::fd::OwnedFd;
#[cfg(unix)]
use std::os::unix::net::UnixListener;
#[cfg(unix)]
use std::path::PathBuf;
use std::pin::Pin;

use crate::error::{Error, Result};

/// Where and how a server listens; given to [`Server::listen_on`](crate::Server::listen_on).
///
/// | option | default | meaning |
/// |---|---|---|
/// | `backlog` | 511 | connections that may wait to be accepted; the system may allow fewer |
/// | `ipv6_only` | false | an IPv6 address takes no IPv4 clients |
/// | `reuse_port` | false | other sockets may bind the same port, and connections are spread among all |
/// | `exclusive` | false | nobody else may bind the address, the server's own workers included |
/// | `readable_all`, `writable_all` | false | who may use the file of a Unix socket |
/// | `signal` | none | closes the server when it completes |
pub struct ListenOptions {
    pub(super) place: Place,
    pub(super) backlog: Option<u32>,
    pub(super) ipv6_only: bool,
    pub(super) reuse_port: bool,
    pub(super) exclusive: bool,
    readable_all: bool,
    writable_all: bool,
    pub(super) signal: Option<Signal>,
}

/// Closes a server when it completes.
pub(super) type Signal = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where to listen.
#[derive(Debug)]
pub(super) enum Place {
    /// A port on every address of this machine.
    Port(u16),
    /// A port on the address of a name.
    HostPort(String, u16),
    /// A Unix socket.
    #[cfg(unix)]
    Path(PathBuf),
    /// A listener that somebody else has bound.
    Tcp(TcpListener),
    /// The same of a Unix socket.
    #[cfg(unix)]
    Unix(UnixListener),
    /// A descriptor of one of the two.
    #[cfg(unix)]
    Descriptor(OwnedFd),
}

impl ListenOptions {
    /// A port on every address of this machine: of IPv6 and IPv4 with one socket where the machine
    /// has both, else of IPv4. 0 lets the system choose.
    pub fn port(port: u16) -> Self {
        Self::at(Place::Port(port))
    }

    /// A port on one address. A name is resolved, and its first address that is not a link-local
    /// one of IPv6 is taken. 0 lets the system choose the port.
    pub fn host_port(host: impl Into<String>, port: u16) -> Self {
        Self::at(Place::HostPort(host.into(), port))
    }

    /// A Unix socket. Its file is made, and removed when the server has closed; where a file is
    /// already, it is an error. A path that begins with NUL is an abstract name of Linux.
    #[cfg(unix)]
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self::at(Place::Path(path.into()))
    }

    /// A TCP listener that somebody else has bound.
    pub fn tcp_listener(listener: TcpListener) -> Self {
        Self::at(Place::Tcp(listener))
    }

    /// A Unix listener that somebody else has bound; its file stays when the server closes.
    #[cfg(unix)]
    pub fn unix_listener(listener: UnixListener) -> Self {
        Self::at(Place::Unix(listener))
    }

    /// A descriptor that somebody else has bound, such as an inherited one: it must be a listening
    /// socket of TCP, or a Unix socket, whose file stays when the server closes.
    #[cfg(unix)]
    pub fn fd(descriptor: OwnedFd) -> Self {
        Self::at(Place::Descriptor(descriptor))
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            backlog: None,
            ipv6_only: false,
            reuse_port: false,
            exclusive: false,
            readable_all: false,
            writable_all: false,
            signal: None,
        }
    }

    /// How many connections may wait to be accepted; default 511, and for a socket that somebody
    /// else has bound, what that somebody said. The system may allow fewer without a word.
    #[must_use]
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = Some(connections);
        self
    }

    /// Whether an IPv6 address takes no IPv4 clients; default false. Of a name, an IPv6 address is
    /// then taken.
    #[must_use]
    pub fn ipv6_only(mut self, wanted: bool) -> Self {
        self.ipv6_only = wanted;
        self
    }

    /// Whether other sockets of the same user may bind the same port if they ask for it too, and
    /// the system spreads connections among all; default false. That is how one process takes over
    /// from another without a gap.
    #[must_use]
    pub fn reuse_port(mut self, wanted: bool) -> Self {
        self.reuse_port = wanted;
        self
    }

    /// Whether nobody else may bind the address as long as the server listens; default false.
    ///
    /// It differs from the default only for a server with
    /// [`workers`](crate::ServerOptions::workers): they then share one socket, where each would
    /// have one of its own that others of the same user could join.
    #[must_use]
    pub fn exclusive(mut self, wanted: bool) -> Self {
        self.exclusive = wanted;
        self
    }

    /// Whether everybody on this machine may read the file of the Unix socket; default as the
    /// process' umask says. To connect, Linux asks for the right to write.
    #[must_use]
    pub fn readable_all(mut self, wanted: bool) -> Self {
        self.readable_all = wanted;
        self
    }

    /// Whether everybody on this machine may write to the file of the Unix socket, which is what
    /// Linux asks of who connects; default as the process' umask says.
    #[must_use]
    pub fn writable_all(mut self, wanted: bool) -> Self {
        self.writable_all = wanted;
        self
    }

    /// Closes the server, as [`Server::close`](crate::Server::close) does, when this future
    /// completes. If it has completed already, the server does not listen at all.
    #[must_use]
    pub fn signal(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.signal = Some(Box::pin(signal));
        self
    }

    /// What the file of a Unix socket is allowed beyond the umask.
    #[cfg(unix)]
    pub(super) fn mode(&self) -> u32 {
        let readable = if self.readable_all { 0o444 } else { 0 };
        let writable = if self.writable_all { 0o222 } else { 0 };
        readable | writable
    }

    /// Refuses what contradicts itself or would be without effect.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(0) = self.backlog {
            let text = format!("backlog is 0, but must lie between 1 and {}", i32::MAX);
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
        if self.reuse_port && self.exclusive {
            return Err(unfit(
                "reuse_port lets others bind the address, exclusive keeps them off; give one",
            ));
        }
        let given = [
            (
                "ipv6_only",
                self.ipv6_only,
                self.place.is_bound_by_address(),
            ),
            (
                "reuse_port",
                self.reuse_port,
                self.place.is_bound_by_address(),
            ),
            ("exclusive", self.exclusive, !self.place.is_adopted()),
            ("readable_all", self.readable_all, self.place.has_file()),
            ("writable_all", self.writable_all, self.place.has_file()),
        ];
        for (name, wanted, fits) in given {
            if wanted && !fits {
                let place = self.place.kind();
                return Err(unfit(format!(
                    "{name} has no meaning for {place}; leave it out"
                )));
            }
        }
        self.place.check()
    }
}

impl Place {
    fn is_bound_by_address(&self) -> bool {
        matches!(self, Self::Port(_) | Self::HostPort(..))
    }

    #[cfg(unix)]
    fn is_adopted(&self) -> bool {
        matches!(self, Self::Tcp(_) | Self::Unix(_) | Self::Descriptor(_))
    }

    #[cfg(not(unix))]
    fn is_adopted(&self) -> bool {
        matches!(self, Self::Tcp(_))
    }

    #[cfg(unix)]
    fn has_file(&self) -> bool {
        matches!(self, Self::Path(path) if !crate::transport::listener::unix::is_abstract(path))
    }

    #[cfg(not(unix))]
    fn has_file(&self) -> bool {
        false
    }

    /// What it is, for errors.
    fn kind(&self) -> &'static str {
        match self {
            Self::Port(_) | Self::HostPort(..) => "an IP address",
            #[cfg(unix)]
            Self::Path(_) if self.has_file() => "the path of a socket",
            #[cfg(unix)]
            Self::Path(_) => "an abstract name, which has no file",
            Self::Tcp(_) => "a listener that somebody else has bound",
            #[cfg(unix)]
            Self::Unix(_) => "a listener that somebody else has bound",
            #[cfg(unix)]
            Self::Descriptor(_) => "a descriptor that somebody else has bound",
        }
    }

    fn check(&self) -> Result<()> {
        match self {
            Self::HostPort(host, _) if host.is_empty() => {
                Err(unfit("host is empty; use port to listen on every address"))
            }
            #[cfg(unix)]
            Self::Path(path) => check_path(path.as_os_str().as_encoded_bytes()),
            _ => Ok(()),
        }
    }
}

/// A path the system would cut, or take for a name of its own choice, is refused.
#[cfg(unix)]
fn check_path(octets: &[u8]) -> Result<()> {
    let name = octets.strip_prefix(b"\0");
    let is_empty = name.unwrap_or(octets).is_empty();
    if is_empty {
        return Err(unfit("path is empty"));
    }
    if name.is_none() && octets.contains(&0) {
        return Err(unfit("path contains a NUL"));
    }
    if name.is_some() && !cfg!(any(target_os = "linux", target_os = "android")) {
        return Err(unfit(
            "path begins with NUL, but only Linux has abstract names",
        ));
    }
    Ok(())
}

fn unfit(text: impl Into<String>) -> Error {
    Error::option(text).with_code("ERR_INVALID_ARG_VALUE")
}

impl fmt::Debug for ListenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenOptions")
            .field("place", &self.place)
            .field("backlog", &self.backlog)
            .field("ipv6_only", &self.ipv6_only)
            .field("reuse_port", &self.reuse_port)
            .field("exclusive", &self.exclusive)
            .field("readable_all", &self.readable_all)
            .field("writable_all", &self.writable_all)
            .field("signal", &self.signal.is_some())
            .finish()
    }
}

/// Connections that wait to be accepted: the module's number, a burst rather than a load.
pub(super) const BACKLOG: u32 = 511;
