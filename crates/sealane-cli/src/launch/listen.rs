//! Where a server listens: binding, and the URLs that come of it.
//!
//! `localhost` is two addresses. Where one of them is missing from a machine the other serves
//! alone; where one is taken by another program the start fails, since clients would reach that
//! program.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use sealane::{BoundAddress, ListenOptions, Server};

use crate::address::ListenAddress;
use crate::error::{Failure, Result};
use crate::flags;
use crate::inherited::Handed;
use crate::launch::places::{Place, Plan};
use crate::options::sockets::SocketArgs;
use crate::terminal::note;

#[cfg(test)]
mod tests;

/// A place that is being listened at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bound {
    /// The loopback addresses that this machine has.
    Loopback(Vec<SocketAddr>),
    /// One address.
    Exact(SocketAddr),
    /// A Unix socket.
    Path(PathBuf),
    /// A socket without a name.
    Unnamed,
}

/// Binds all places, and takes what was handed over.
pub(super) async fn bind(server: &Server, sockets: &SocketArgs, plan: Plan) -> Result<Vec<Bound>> {
    let mut bound = Vec::new();
    let door = Door { server, sockets };
    for place in plan.places {
        bound.push(match place {
            Place::Exact(address) => Bound::Exact(door.exact(address).await?),
            Place::Loopback(port) => Bound::Loopback(bind_loopback(&door, port).await?),
        });
    }
    for path in plan.paths {
        bound.push(door.path(path).await?);
    }
    for socket in plan.handed {
        bound.push(door.handed(socket).await?);
    }
    Ok(bound)
}

/// A server and how it shall listen.
struct Door<'a> {
    server: &'a Server,
    sockets: &'a SocketArgs,
}

impl Door<'_> {
    /// Listens at an address.
    async fn listen(&self, address: SocketAddr) -> sealane::Result<SocketAddr> {
        let options = ListenOptions::host_port(address.ip().to_string(), address.port());
        let sockets = self.sockets;
        let options = sockets
            .listening(options)
            .ipv6_only(sockets.ipv6_only && address.is_ipv6())
            .reuse_port(sockets.reuse_port)
            .exclusive(sockets.exclusive);
        let bound = self.server.listen_on(options).await?;
        Ok(bound.ip().unwrap_or(address))
    }

    /// The same; says what could be done where it fails.
    async fn exact(&self, address: SocketAddr) -> Result<SocketAddr> {
        let listening = self.listen(address).await;
        listening.map_err(|error| refused(address, &error))
    }

    /// Makes a Unix socket.
    #[cfg(unix)]
    async fn path(&self, path: PathBuf) -> Result<Bound> {
        let options = self
            .sockets
            .listening(ListenOptions::path(&path))
            .exclusive(self.sockets.exclusive)
            .readable_all(self.sockets.readable_all)
            .writable_all(self.sockets.writable_all);
        let bound = self.server.listen_on(options).await;
        // What to do about a path that is taken, the library says.
        bound.map(of).map_err(|error| said(&error))
    }

    /// There are none on this system.
    #[cfg(not(unix))]
    #[allow(clippy::unused_async, reason = "elsewhere it waits")]
    async fn path(&self, _path: PathBuf) -> Result<Bound> {
        Err(Failure::usage(
            "--unix: there are no Unix sockets on this system",
        ))
    }

    /// Listens at a socket that was handed over.
    async fn handed(&self, socket: Handed) -> Result<Bound> {
        let options = match socket {
            Handed::Tcp(listener, _) => ListenOptions::tcp_listener(listener),
            #[cfg(unix)]
            Handed::Unix(listener) => ListenOptions::unix_listener(listener),
        };
        let bound = self.server.listen_on(self.sockets.listening(options)).await;
        bound.map(of).map_err(|error| said(&error))
    }
}

/// What the library says, in flags.
fn said(error: &sealane::Error) -> Failure {
    Failure::new(flags::named(&error.to_string()))
}

/// What was bound.
fn of(bound: BoundAddress) -> Bound {
    match bound {
        BoundAddress::Ip(address) => Bound::Exact(address),
        BoundAddress::Path(path) => Bound::Path(path),
        _ => Bound::Unnamed,
    }
}

/// Binds both loopback addresses, or the one that this machine has.
async fn bind_loopback(door: &Door<'_>, port: u16) -> Result<Vec<SocketAddr>> {
    let mut bound: Vec<SocketAddr> = Vec::with_capacity(2);
    let mut absent = None;
    for mut address in ListenAddress::loopback_pair(port) {
        if let Some(first) = bound.first() {
            address.set_port(first.port());
        }
        let listening = match door.listen(address).await {
            // The system chose a port for the first; the second need not have the same one free.
            Err(error) if port == 0 && !bound.is_empty() && error.code() == Some("EADDRINUSE") => {
                address.set_port(0);
                door.listen(address).await
            }
            listening => listening,
        };
        match listening {
            Ok(address) => bound.push(address),
            Err(error) if matches!(error.code(), Some("EADDRINUSE" | "EACCES")) => {
                return Err(refused(address, &error));
            }
            Err(error) => absent = Some((address, error)),
        }
    }
    match absent {
        Some((address, error)) if bound.is_empty() => Err(refused(address, &error)),
        Some((address, error)) => {
            note(&format!("note: {} is not served: {error}", address.ip()));
            Ok(bound)
        }
        None => Ok(bound),
    }
}

/// Says why an address cannot be had, and what could be done.
fn refused(address: SocketAddr, error: &sealane::Error) -> Failure {
    let failure = said(error);
    match error.code() {
        Some("EADDRINUSE") => failure.hint(format!(
            "another program listens there: end it, or choose another port, such as --addr {}",
            if address.port() < u16::MAX {
                address.port() + 1
            } else {
                8443
            }
        )),
        Some("EACCES") => failure
            .hint("this port is for administrators; choose one above 1023, such as --addr 8443"),
        Some("EADDRNOTAVAIL") => {
            failure.hint("choose an address of this machine, or --addr 8443 for this machine only")
        }
        _ => failure,
    }
}

/// The URLs of what was bound; `names` are those of a certificate of the user's own.
pub(super) fn urls(bound: &[Bound], names: &[String]) -> Vec<String> {
    let mut urls = Vec::new();
    let mut add = |url: String| {
        if !urls.contains(&url) {
            urls.push(url);
        }
    };
    for place in bound {
        match place {
            Bound::Exact(address) => add(url(&host(address.ip(), names), address.port())),
            // A URL names no file.
            Bound::Path(_) | Bound::Unnamed => {}
            Bound::Loopback(both) => match both.as_slice() {
                [one] => add(url("localhost", one.port())),
                [first, second] if first.port() == second.port() => {
                    add(url("localhost", first.port()));
                }
                // localhost would reach another program at one of its two addresses.
                others => others
                    .iter()
                    .for_each(|address| add(format!("https://{address}/"))),
            },
        }
    }
    urls
}

/// The paths of what was bound.
pub(super) fn paths(bound: &[Bound]) -> Vec<PathBuf> {
    let paths = bound.iter().filter_map(|place| match place {
        Bound::Path(path) => Some(path.clone()),
        _ => None,
    });
    paths.collect()
}

/// The host by which an address is best reached.
fn host(address: IpAddr, names: &[String]) -> String {
    let literal = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    if names.contains(&address.to_string()) {
        return literal;
    }
    let name = names
        .iter()
        .find(|name| !name.starts_with('*') && name.parse::<IpAddr>().is_err());
    match name {
        Some(name) => name.clone(),
        None if address.is_unspecified() => "localhost".to_owned(),
        None => literal,
    }
}

/// A URL, without the port that is understood.
fn url(host: &str, port: u16) -> String {
    if port == 443 {
        format!("https://{host}/")
    } else {
        format!("https://{host}:{port}/")
    }
}
