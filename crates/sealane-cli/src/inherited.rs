//! Listening sockets that were handed over at the start, as systemd does (`LISTEN_FDS`).
//!
//! They are bound already, so a server that is started anew misses no connection: the sockets stay
//! open in whoever hands them over. `LISTEN_PID` must be our own process, or be missing, as with
//! starters that cannot know it; what was meant for another process is left alone.

use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;

#[cfg(unix)]
use crate::error::Failure;
use crate::error::Result;

#[cfg(test)]
mod tests;

/// A socket that was handed over.
#[derive(Debug)]
pub enum Handed {
    /// A listener of TCP with its address.
    Tcp(TcpListener, SocketAddr),
    /// A listener at a Unix socket.
    #[cfg(unix)]
    Unix(UnixListener),
}

/// Takes what was handed over; most often nothing.
///
/// To be called before a thread is started or a file is opened: it changes the environment, so that
/// no child takes the sockets for its own, and believes the numbers of descriptors that it finds
/// there.
///
/// # Errors
/// When the numbers make no sense, or what they name is no socket to listen at.
#[cfg(unix)]
pub fn take() -> Result<Vec<Handed>> {
    let number = |name: &str| std::env::var(name).ok();
    let count = check(
        number("LISTEN_FDS").as_deref(),
        number("LISTEN_PID").as_deref(),
        std::process::id(),
    )?;
    let mut sockets = listenfd::ListenFd::from_env();
    (0..count).map(|at| socket(&mut sockets, at)).collect()
}

/// There are none on this system.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn take() -> Result<Vec<Handed>> {
    Ok(Vec::new())
}

/// How many sockets were handed to this process.
#[cfg(unix)]
fn check(count: Option<&str>, process: Option<&str>, own: u32) -> Result<usize> {
    let Some(count) = count else { return Ok(0) };
    let process = process.filter(|process| !process.is_empty());
    if process.is_some_and(|process| process.parse() != Ok(own)) {
        return Ok(0);
    }
    let sockets = count.parse().ok().filter(|count| *count <= MOST);
    sockets.ok_or_else(|| {
        Failure::new(format!(
            "LISTEN_FDS is {count:?}, but must be a number of sockets up to {MOST}"
        ))
    })
}

/// Takes one socket, of whichever kind it is.
#[cfg(unix)]
fn socket(sockets: &mut listenfd::ListenFd, at: usize) -> Result<Handed> {
    if let Ok(Some(listener)) = sockets.take_unix_listener(at) {
        return Ok(Handed::Unix(listener));
    }
    let wrong = |error: std::io::Error| {
        let number = at + 1;
        Failure::new(format!(
            "socket {number} of LISTEN_FDS cannot be used: {error}"
        ))
        .hint("hand over listening stream sockets (ListenStream= in a systemd unit)")
    };
    let taken = sockets.take_tcp_listener(at).map_err(wrong)?;
    let listener = taken.ok_or_else(|| wrong(std::io::ErrorKind::NotFound.into()))?;
    let address = listener.local_addr().map_err(wrong)?;
    Ok(Handed::Tcp(listener, address))
}

/// More sockets than anybody hands over; beyond it the number is a mistake.
#[cfg(unix)]
const MOST: usize = 64;
