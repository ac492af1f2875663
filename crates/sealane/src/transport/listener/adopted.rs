//! Finds out what a descriptor is that somebody else has bound.

use std::io;
use std::os::fd::OwnedFd;

use socket2::{SockRef, Socket as SystemSocket, Type};

use super::Bound;

/// What a descriptor is, if a server can accept on it.
pub(crate) fn listener(descriptor: OwnedFd) -> io::Result<Bound> {
    let socket = SystemSocket::from(descriptor);
    let kind = socket.r#type().map_err(|_| unfit("it is no socket"))?;
    if kind != Type::STREAM {
        return Err(unfit("it is a socket of another type than a stream"));
    }
    let address = socket.local_addr()?;
    if !is_listening(&SockRef::from(&socket)) {
        return Err(unfit(SILENT));
    }
    // An inherited descriptor would be inherited again: a process that we start must not keep the
    // port when we have ended.
    socket.set_cloexec(true)?;
    match (address.as_socket(), address.is_unix()) {
        (Some(_), _) => Ok(Bound::Tcp(socket.into())),
        (None, true) => Ok(Bound::Unix(socket.into(), None)),
        (None, false) => Err(unfit("it is neither TCP nor a Unix socket")),
    }
}

/// Refuses a socket that listens no more or never did, such as a connected one; accepting on it
/// would fail only later, when the server seems to run already.
pub(crate) fn require_listening(bound: &Bound) -> io::Result<()> {
    let listens = match bound {
        Bound::Tcp(listener) => is_listening(&SockRef::from(listener)),
        Bound::Unix(listener, _) => is_listening(&SockRef::from(listener)),
    };
    match listens {
        true => Ok(()),
        false => Err(unfit(SILENT)),
    }
}

fn unfit(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

const SILENT: &str = "it does not listen";

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn is_listening(socket: &SockRef<'_>) -> bool {
    socket.is_listener().unwrap_or(false)
}

/// Other systems do not say it; there, the first accept does.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn is_listening(_: &SockRef<'_>) -> bool {
    true
}
