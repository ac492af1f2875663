//! Where a server listens: every form of it, and what it tells of it.
//!
//! Sockets are bound by `transport::listener`; here is decided which, and which runtime accepts on
//! them.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream as StdTcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream as StdUnixStream;
#[cfg(unix)]
use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::Poll;

#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::runtime;

use super::admission::Unserved;
use super::shutdown::Registry;
use super::workers::Room;
use super::{Server, accept, closed};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::transport::listener::{Bound, SPREADS, tcp};
#[cfg(unix)]
use crate::transport::listener::{adopted, unix};
use crate::transport::{BoundAddress, Family, Socket, resolve};

mod options;

pub use options::ListenOptions;
use options::{BACKLOG, Place, Signal};

impl Server {
    /// Binds an address and begins to accept; tells the address that was bound.
    ///
    /// Of several addresses a name stands for, the first that can be bound is taken. Port 0 lets
    /// the system choose. A server may listen on several addresses: call it again. All else that
    /// can be said about listening is said to [`Server::listen_on`].
    ///
    /// # Errors
    ///
    /// No runtime runs here, the server is closed, or the address cannot be bound; the message
    /// says which address, the code is the system's, such as `EADDRINUSE`.
    pub async fn listen(&self, address: impl ToSocketAddrs + fmt::Debug) -> Result<SocketAddr> {
        self.require_open()?;
        let shown = format!("listening on {address:?}");
        let failed = |error| Error::io(Phase::Listen, &shown, error);
        let binding = self.binding(None, Sharing::default());
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in tokio::net::lookup_host(address).await.map_err(failed)? {
            match tcp::bind(address, &binding) {
                Ok(bound) => {
                    let bound = self.accept_on(bound, Some(&binding), &shown)?;
                    return Ok(bound.ip().unwrap_or(address));
                }
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    /// Listens where and as the options say, and begins to accept; tells what was bound.
    ///
    /// A server may listen in several places: call it again. All end when the server closes.
    ///
    /// # Errors
    ///
    /// No runtime runs here, the server is closed, options contradict each other, the signal has
    /// completed already (`ABORT_ERR`, and the server is closed), or the place cannot be bound or
    /// is no listening socket. The message says which place, the code is the system's, such as
    /// `EADDRINUSE`.
    pub async fn listen_on(&self, mut options: ListenOptions) -> Result<BoundAddress> {
        self.require_open()?;
        options.check()?;
        let mut signal = options.signal.take();
        if let Some(signal) = &mut signal
            && is_ready(signal).await
        {
            self.handle.shared.registry.begin_close();
            let text = "the signal had completed before the server could listen; it is closed";
            return Err(Error::new(ErrorKind::Closed, Phase::Listen, text).with_code("ABORT_ERR"));
        }
        let bound = self.bind(options).await?;
        if let Some(signal) = signal {
            let registry = Arc::clone(&self.handle.shared.registry);
            tokio::spawn(close_on(signal, registry));
        }
        Ok(bound)
    }

    /// Serves a connection that somebody else has accepted, from its first octet on.
    ///
    /// Any descriptor that is a connected TCP socket converts into a `TcpStream`. All limits and
    /// deadlines apply as for a connection accepted here.
    ///
    /// # Errors
    ///
    /// No runtime runs here, the server is closed, the socket cannot be set non-blocking, or the
    /// connection is not let in: then it has been reset.
    pub fn adopt(&self, socket: StdTcpStream) -> Result<()> {
        self.take_over(|| {
            socket.set_nonblocking(true)?;
            TcpStream::from_std(socket).map(Socket::Tcp)
        })
    }

    /// The same for a connection on a Unix socket.
    ///
    /// # Errors
    ///
    /// As [`Server::adopt`].
    #[cfg(unix)]
    pub fn adopt_unix(&self, socket: StdUnixStream) -> Result<()> {
        self.take_over(|| {
            socket.set_nonblocking(true)?;
            UnixStream::from_std(socket).map(Socket::Unix)
        })
    }

    /// The IP address bound first, if any; none once the server closes.
    pub fn address(&self) -> Option<SocketAddr> {
        self.addresses().iter().find_map(BoundAddress::ip)
    }

    /// Where the server listens, in the order in which it was told to; nowhere once it closes.
    pub fn addresses(&self) -> Vec<BoundAddress> {
        match self.handle.shared.registry.is_closing() {
            true => Vec::new(),
            false => self.bound().clone(),
        }
    }

    /// Whether the server accepts connections somewhere.
    pub fn listening(&self) -> bool {
        self.handle.shared.registry.is_listening()
    }

    fn take_over(&self, socket: impl FnOnce() -> io::Result<Socket>) -> Result<()> {
        self.require_open()?;
        let room = self.room_for_one()?;
        let _inside = room.runtime.enter();
        let socket =
            socket().map_err(|error| Error::io(Phase::Listen, "adopting a connection", error))?;
        room.shared.spawn(socket).map_err(|why| match why {
            Unserved::Closing => closed(),
            Unserved::Dropped(reason) => {
                let text = format!("the connection was not let in: {reason}");
                Error::new(ErrorKind::Closed, Phase::Listen, text)
            }
        })
    }

    async fn bind(&self, options: ListenOptions) -> Result<BoundAddress> {
        let sharing = Sharing {
            reuse_port: options.reuse_port,
            exclusive: options.exclusive,
        };
        let mut binding = self.binding(options.backlog, sharing);
        if options.ipv6_only {
            binding.ipv6_only = Some(true);
        }
        match &options.place {
            Place::Port(port) => {
                let shown = format!("listening on port {port} of every address");
                self.bind_ip(&shown, &binding, || tcp::bind_any(*port, &binding))
            }
            Place::HostPort(host, port) => {
                let address = resolved(host, *port, options.ipv6_only).await?;
                let shown = match address.ip().to_string() == *host {
                    true => format!("listening on {address}"),
                    false => format!("listening on {host:?} at {address}"),
                };
                self.bind_ip(&shown, &binding, || tcp::bind(address, &binding))
            }
            #[cfg(unix)]
            Place::Path(path) => self.bind_path(path, &options, &binding),
            _ => self.adopt_listener(options),
        }
    }

    fn bind_ip(
        &self,
        shown: &str,
        binding: &tcp::Binding,
        bind: impl FnOnce() -> io::Result<Bound>,
    ) -> Result<BoundAddress> {
        let bound = bind().map_err(|error| Error::io(Phase::Listen, shown, error))?;
        self.accept_on(bound, Some(binding), shown)
    }

    #[cfg(unix)]
    fn bind_path(
        &self,
        path: &Path,
        options: &ListenOptions,
        binding: &tcp::Binding,
    ) -> Result<BoundAddress> {
        let shown = format!("listening on {}", BoundAddress::Path(path.to_owned()));
        let how = unix::Binding {
            backlog: binding.backlog,
            mode: options.mode(),
            buffers: binding.buffers,
        };
        let bound = unix::bind(path, &how).map_err(|error| {
            let in_use = error.kind() == io::ErrorKind::AddrInUse;
            let error = Error::io(Phase::Listen, &shown, error);
            match in_use {
                true => error.with_more(unix::obstacle(path)),
                false => error,
            }
        })?;
        self.accept_on(bound, None, &shown)
    }

    /// Listens on a socket that somebody else has bound.
    fn adopt_listener(&self, options: ListenOptions) -> Result<BoundAddress> {
        let shown = "adopting a listener";
        let failed = |error| Error::io(Phase::Listen, shown, error);
        let bound = match options.place {
            Place::Tcp(listener) => Bound::Tcp(listener),
            #[cfg(unix)]
            Place::Unix(listener) => Bound::Unix(listener, None),
            #[cfg(unix)]
            Place::Descriptor(descriptor) => adopted::listener(descriptor).map_err(failed)?,
            _ => return Err(failed(io::ErrorKind::InvalidInput.into())),
        };
        // The types of std promise nothing: any descriptor converts into them.
        #[cfg(unix)]
        adopted::require_listening(&bound).map_err(failed)?;
        if let Some(backlog) = options.backlog {
            bound.listen_again(backlog).map_err(failed)?;
        }
        self.accept_on(bound, None, shown)
    }

    /// Accepts on a socket: in the runtime that runs here, or in each of the workers'.
    fn accept_on(
        &self,
        bound: Bound,
        binding: Option<&tcp::Binding>,
        shown: &str,
    ) -> Result<BoundAddress> {
        let failed = |error| Error::io(Phase::Listen, shown, error);
        let rooms = self.rooms()?;
        let address = bound.address();
        let mut sockets = Vec::with_capacity(rooms.len());
        for _ in 1..rooms.len() {
            sockets.push(bound.sibling(binding).map_err(failed)?);
        }
        sockets.push(bound);
        let mut listeners = Vec::with_capacity(rooms.len());
        for (room, socket) in rooms.iter().zip(sockets) {
            let _inside = room.runtime.enter();
            listeners.push(socket.into_listener().map_err(failed)?);
        }
        // Only when nothing can fail any more: a place in the registry that is given up before the
        // server closes says that accepting has broken off.
        let mut loops = Vec::with_capacity(rooms.len());
        for (room, listener) in rooms.iter().zip(listeners) {
            let listening = room.shared.registry.listen().ok_or_else(closed)?;
            loops.push((room, listener, listening));
        }
        self.bound().push(address.clone());
        for (Room { runtime, shared }, listener, listening) in loops {
            runtime.spawn(accept::run(listener, Arc::clone(shared), listening));
        }
        Ok(address)
    }

    /// How addresses are bound, as far as it is the server's to say.
    fn binding(&self, backlog: Option<u32>, sharing: Sharing) -> tcp::Binding {
        let spreads = SPREADS && self.handle.workers.is_some() && !sharing.exclusive;
        tcp::Binding {
            backlog: backlog.unwrap_or(BACKLOG),
            ipv6_only: None,
            sharing: match sharing.reuse_port {
                true => tcp::Sharing::Anybody,
                false if spreads => tcp::Sharing::Followers,
                false => tcp::Sharing::Nobody,
            },
            buffers: self.handle.shared.rules.sockets.buffers(),
        }
    }

    fn bound(&self) -> MutexGuard<'_, Vec<BoundAddress>> {
        self.handle
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn require_open(&self) -> Result<()> {
        if runtime::Handle::try_current().is_err() {
            let text = "a server needs a tokio runtime; call this inside one";
            return Err(Error::new(ErrorKind::Options, Phase::Listen, text));
        }
        match self.handle.shared.registry.is_closing() {
            true => Err(closed()),
            false => Ok(()),
        }
    }
}

/// Who else may bind the same address, as the program said it.
#[derive(Clone, Copy, Debug, Default)]
struct Sharing {
    reuse_port: bool,
    exclusive: bool,
}

/// The address of a host to listen on: the first that is not a link-local one of IPv6, for such an
/// address means nothing without the interface it belongs to (RFC 4007 §6).
async fn resolved(host: &str, port: u16, ipv6_only: bool) -> Result<SocketAddr> {
    let mut found = resolve::resolve(host, port, Family::Any, None).await?;
    if ipv6_only {
        found.retain(SocketAddr::is_ipv6);
    }
    let usual = found.iter().find(|address| !is_link_local(address.ip()));
    usual.or(found.first()).copied().ok_or_else(|| {
        let text = format!("{host:?} has no IPv6 address, but ipv6_only was asked for");
        Error::new(ErrorKind::Options, Phase::Listen, text).with_code("ERR_INVALID_ARG_VALUE")
    })
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if Ipv6Addr::is_unicast_link_local(&address))
}

async fn is_ready(signal: &mut Signal) -> bool {
    poll_fn(|context| Poll::Ready(signal.as_mut().poll(context).is_ready())).await
}

/// Closes the server when its signal completes; ends when somebody else has closed it.
async fn close_on(mut signal: Signal, registry: Arc<Registry>) {
    let completed = {
        let mut closing = std::pin::pin!(registry.closing());
        poll_fn(|context| match closing.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(false),
            Poll::Pending => signal.as_mut().poll(context).map(|()| true),
        })
        .await
    };
    if completed {
        registry.begin_close();
    }
}
