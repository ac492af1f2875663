//! Where a server listens: resolving, binding, and the URLs that come of it.
//!
//! `localhost` is two addresses. Where one of them is missing from a machine the other serves
//! alone; where one is taken by another program the start fails, since clients would reach that
//! program.

use std::net::{IpAddr, SocketAddr};

use sealane::Server;

use crate::address::ListenAddress;
use crate::error::{Failure, Result};
use crate::options::ServerArgs;
use crate::terminal::note;

#[cfg(test)]
mod tests;

/// A place to listen at, after names were resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Both loopback addresses at this port.
    Loopback(u16),
    /// One address.
    Exact(SocketAddr),
}

/// A place that is being listened at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bound {
    /// The loopback addresses that this machine has.
    Loopback(Vec<SocketAddr>),
    /// One address.
    Exact(SocketAddr),
}

/// Resolves the addresses of the command line and checks that the certificate made here fits them.
pub(super) async fn places(args: &ServerArgs) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for address in args.addresses() {
        match address {
            ListenAddress::Loopback(port) => places.push(Place::Loopback(*port)),
            ListenAddress::Exact(address) => places.push(Place::Exact(*address)),
            ListenAddress::Name(name, port) => {
                let found = tokio::net::lookup_host((name.as_str(), *port)).await;
                let found = found.map_err(|error| {
                    Failure::new(format!("cannot find an address for {name}: {error}"))
                        .hint("give the address itself, such as --addr 192.0.2.1:443")
                })?;
                places.extend(found.map(Place::Exact));
            }
        }
    }
    if !args.has_identity() {
        places.iter().try_for_each(only_loopback)?;
    }
    Ok(each_once(&places))
}

/// Leaves out what was named before, or is one of two loopback addresses that are named together.
///
/// Binding it a second time would fail, and the error would speak of another program. Port 0 is a
/// new port each time.
fn each_once(places: &[Place]) -> Vec<Place> {
    let mut once: Vec<Place> = Vec::with_capacity(places.len());
    for place in places {
        let again = match place {
            Place::Loopback(0) => false,
            Place::Exact(address) if address.port() == 0 => false,
            Place::Loopback(_) => once.contains(place),
            Place::Exact(address) => {
                let both = ListenAddress::loopback_pair(address.port()).contains(address);
                once.contains(place) || both && places.contains(&Place::Loopback(address.port()))
            }
        };
        if !again {
            once.push(*place);
        }
    }
    once
}

/// Refuses a place that others can reach.
///
/// Nobody else trusts the local root, and nobody else should: its key signs for this machine only.
fn only_loopback(place: &Place) -> Result<()> {
    let Place::Exact(address) = place else {
        return Ok(());
    };
    if address.ip().is_loopback() {
        return Ok(());
    }
    let message = format!(
        "{address} can be reached by other machines, but the certificate made here vouches for \
         this one only"
    );
    Err(Failure::usage(message).hint(format!(
        "give --cert and --key, or --pfx, for the name by which others reach it, or stay local \
         with --addr {}",
        address.port()
    )))
}

/// Binds all places.
pub(super) async fn bind(server: &Server, places: &[Place]) -> Result<Vec<Bound>> {
    let mut bound = Vec::with_capacity(places.len());
    for place in places {
        bound.push(match *place {
            Place::Exact(address) => Bound::Exact(listen(server, address).await?),
            Place::Loopback(port) => Bound::Loopback(bind_loopback(server, port).await?),
        });
    }
    Ok(bound)
}

/// Binds both loopback addresses, or the one that this machine has.
async fn bind_loopback(server: &Server, port: u16) -> Result<Vec<SocketAddr>> {
    let mut bound: Vec<SocketAddr> = Vec::with_capacity(2);
    let mut absent = None;
    for mut address in ListenAddress::loopback_pair(port) {
        if let Some(first) = bound.first() {
            address.set_port(first.port());
        }
        let listening = match server.listen(address).await {
            // The system chose a port for the first; the second need not have the same one free.
            Err(error) if port == 0 && !bound.is_empty() && error.code() == Some("EADDRINUSE") => {
                address.set_port(0);
                server.listen(address).await
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

/// Binds one address.
async fn listen(server: &Server, address: SocketAddr) -> Result<SocketAddr> {
    server
        .listen(address)
        .await
        .map_err(|error| refused(address, &error))
}

/// Says why an address cannot be had, and what could be done.
fn refused(address: SocketAddr, error: &sealane::Error) -> Failure {
    let failure = Failure::new(error.to_string());
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
