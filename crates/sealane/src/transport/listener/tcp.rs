//! Binds IP addresses.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket as SystemSocket, Type};

use super::{Bound, Buffers};

/// How an address is bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    /// Connections that may wait to be accepted.
    pub(crate) backlog: u32,
    /// An IPv6 socket takes no IPv4 clients; `None` leaves it to the system, except where every
    /// address is meant.
    pub(crate) ipv6_only: Option<bool>,
    pub(crate) sharing: Sharing,
    pub(crate) buffers: Buffers,
}

/// Who else may bind the same address while this socket does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Nobody.
    Nobody,
    /// Sockets that are bound after this one, if they ask for it; but it joins nobody else's.
    Followers,
    /// Whoever asks for it, and it joins others that do.
    Anybody,
}

/// Binds an address and listens on it.
pub(crate) fn bind(address: SocketAddr, binding: &Binding) -> io::Result<Bound> {
    let socket = SystemSocket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if let (SocketAddr::V6(_), Some(only)) = (address, binding.ipv6_only) {
        socket.set_only_v6(only)?;
    }
    // Elsewhere than on Unix it would let anybody take the address from us.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if binding.sharing == Sharing::Anybody {
        reuse_port(&socket)?;
    }
    socket.bind(&address.into())?;
    // Said after binding: the system has now looked whether anybody else is there.
    if binding.sharing == Sharing::Followers {
        reuse_port(&socket)?;
    }
    binding.buffers.apply(&SockRef::from(&socket))?;
    socket.listen(i32::try_from(binding.backlog).unwrap_or(i32::MAX))?;
    Ok(Bound::Tcp(socket.into()))
}

/// Binds a port on every address: of IPv6 and IPv4 where the machine has both, else of IPv4.
///
/// Only a machine without IPv6 is taken for a reason to do with less. Another failure is told: a
/// port that is taken on one family would otherwise be half ours.
pub(crate) fn bind_any(port: u16, binding: &Binding) -> io::Result<Bound> {
    let only = binding.ipv6_only.unwrap_or(false);
    let both = Binding {
        ipv6_only: Some(only),
        ..*binding
    };
    match bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), &both) {
        Err(error) if !only && lacks_ipv6(&error) => {
            bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), binding)
        }
        outcome => outcome,
    }
}

/// Whether the system says that it knows no IPv6 at all, or has no address of it.
fn lacks_ipv6(error: &io::Error) -> bool {
    // The number differs from system to system, and `io::ErrorKind` has no name for it yet.
    const NOT_SUPPORTED: [i32; 3] = [97, 47, 10047];
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error
            .raw_os_error()
            .is_some_and(|number| NOT_SUPPORTED.contains(&number))
}

#[cfg(unix)]
fn reuse_port(socket: &SystemSocket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(unix))]
fn reuse_port(_: &SystemSocket) -> io::Result<()> {
    let text = "this system has no SO_REUSEPORT";
    Err(io::Error::new(io::ErrorKind::Unsupported, text))
}
