//! Listening sockets of any family: bound here, or bound by somebody else and adopted.
//!
//! `tcp` binds addresses, `unix` binds paths and takes them away again, `adopted` finds out what a
//! descriptor is. Who is served is the server's business.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use super::socket::Socket;

#[cfg(unix)]
pub(crate) mod adopted;
pub(crate) mod tcp;
#[cfg(unix)]
pub(crate) mod unix;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BoundAddress {
    /// An IP address and a port.
    Ip(SocketAddr),
    /// The path of a Unix socket; one that begins with NUL is an abstract name of Linux.
    Path(PathBuf),
    /// A socket whose name the system does not tell.
    Unnamed,
}

impl BoundAddress {
    /// The address and the port, if it is one.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Path(_) | Self::Unnamed => None,
        }
    }

    /// The path, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Ip(_) | Self::Unnamed => None,
        }
    }
}

impl fmt::Display for BoundAddress {
    /// As people write it; an abstract name begins with `@`, as other tools of Linux show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Path(path) => {
                let text = path.to_string_lossy();
                match text.strip_prefix('\0') {
                    Some(name) => write!(f, "@{}", name.escape_debug()),
                    None => text.escape_debug().fmt(f),
                }
            }
            Self::Unnamed => f.write_str("a socket without a name"),
        }
    }
}

/// What is said to the system about a socket before it listens.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Buffers {
    /// Octets that the system keeps for us to read.
    pub(crate) receive: Option<usize>,
    /// Octets that the system keeps until the peer has acknowledged them.
    pub(crate) send: Option<usize>,
}

impl Buffers {
    /// Sets the sizes that were given. On a listener it must be before it listens, for TCP agrees
    /// on the scale of its window with the first segment (RFC 7323 §2.2).
    pub(crate) fn apply(&self, socket: &SockRef<'_>) -> io::Result<()> {
        if let Some(octets) = self.receive {
            socket.set_recv_buffer_size(octets)?;
        }
        match self.send {
            Some(octets) => socket.set_send_buffer_size(octets),
            None => Ok(()),
        }
    }
}

/// A listening socket that no runtime knows yet.
#[derive(Debug)]
pub(crate) enum Bound {
    Tcp(StdTcpListener),
    #[cfg(unix)]
    Unix(StdUnixListener, Option<Arc<unix::SocketFile>>),
}

impl Bound {
    /// Where it listens.
    pub(crate) fn address(&self) -> BoundAddress {
        match self {
            Self::Tcp(listener) => listener
                .local_addr()
                .map_or(BoundAddress::Unnamed, BoundAddress::Ip),
            #[cfg(unix)]
            Self::Unix(listener, _) => unix::address_of(listener),
        }
    }

    /// Changes how many connections may wait to be accepted.
    pub(crate) fn listen_again(&self, backlog: u32) -> io::Result<()> {
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        match self {
            Self::Tcp(listener) => SockRef::from(listener).listen(backlog),
            #[cfg(unix)]
            Self::Unix(listener, _) => SockRef::from(listener).listen(backlog),
        }
    }

    /// A second descriptor of the same socket: whoever accepts first gets a connection.
    fn duplicate(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(listener) => listener.try_clone().map(Self::Tcp),
            #[cfg(unix)]
            Self::Unix(listener, file) => Ok(Self::Unix(
                listener.try_clone()?,
                file.as_ref().map(Arc::clone),
            )),
        }
    }

    /// Another socket on the same address, with a queue of its own; a duplicate where `binding`
    /// keeps others off, or the system would not spread connections.
    pub(crate) fn sibling(&self, binding: Option<&tcp::Binding>) -> io::Result<Self> {
        match (self, binding) {
            (Self::Tcp(listener), Some(binding))
                if SPREADS && binding.sharing != tcp::Sharing::Nobody =>
            {
                let address = listener.local_addr()?;
                let ipv6_only = match address.is_ipv6() {
                    true => Some(SockRef::from(listener).only_v6()?),
                    false => None,
                };
                let binding = tcp::Binding {
                    ipv6_only,
                    sharing: tcp::Sharing::Anybody,
                    ..*binding
                };
                tcp::bind(address, &binding)
            }
            _ => self.duplicate(),
        }
    }

    /// The same for the runtime that runs here.
    pub(crate) fn into_listener(self) -> io::Result<Listener> {
        match self {
            Self::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                TcpListener::from_std(listener).map(Listener::Tcp)
            }
            #[cfg(unix)]
            Self::Unix(listener, file) => {
                listener.set_nonblocking(true)?;
                let listener = UnixListener::from_std(listener)?;
                Ok(Listener::Unix(listener, file))
            }
        }
    }
}

/// A listening socket of a runtime.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    /// With the file that goes when the last listener on it does.
    #[cfg(unix)]
    Unix(
        UnixListener,
        #[expect(dead_code, reason = "kept for its drop")] Option<Arc<unix::SocketFile>>,
    ),
}

impl Listener {
    /// The next connection.
    pub(crate) fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        match self {
            Self::Tcp(listener) => listener
                .poll_accept(context)
                .map_ok(|(socket, _)| Socket::Tcp(socket)),
            #[cfg(unix)]
            Self::Unix(listener, _) => listener
                .poll_accept(context)
                .map_ok(|(socket, _)| Socket::Unix(socket)),
        }
    }
}

/// Whether the system spreads connections among the sockets of one port (`SO_REUSEPORT`).
///
/// Others know the option, but give all connections to one of the sockets.
pub(crate) const SPREADS: bool = cfg!(any(target_os = "linux", target_os = "android"));
