//! Where a server shall listen: addresses after their names were resolved, paths of Unix sockets,
//! and sockets that were handed over.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::address::ListenAddress;
use crate::error::{Failure, Result};
use crate::inherited::Handed;
use crate::options::ServerArgs;
use crate::options::sockets::SocketArgs;

#[cfg(test)]
mod tests;

/// All places to listen at.
#[derive(Debug)]
pub(super) struct Plan {
    /// Addresses to bind.
    pub(super) places: Vec<Place>,
    /// Unix sockets to make.
    pub(super) paths: Vec<PathBuf>,
    /// What was bound by whoever started us.
    pub(super) handed: Vec<Handed>,
}

/// A place to listen at, after names were resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Both loopback addresses at this port.
    Loopback(u16),
    /// One address.
    Exact(SocketAddr),
}

impl Plan {
    /// The addresses that a certificate made here has to be for, beside localhost.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let exact = self.places.iter().filter_map(|place| match place {
            Place::Exact(address) => Some(address.ip()),
            Place::Loopback(_) => None,
        });
        exact
            .chain(self.handed().map(|address| address.ip()))
            .collect()
    }

    /// The addresses of sockets that were handed over.
    fn handed(&self) -> impl Iterator<Item = SocketAddr> {
        self.handed.iter().filter_map(|socket| match socket {
            Handed::Tcp(_, address) => Some(*address),
            #[cfg(unix)]
            Handed::Unix(_) => None,
        })
    }

    /// Refuses words about addresses where there are none that they could be about.
    fn fits(&self, sockets: &SocketArgs) -> Result<()> {
        let v6 = |place: &Place| matches!(place, Place::Exact(address) if address.is_ipv6());
        if sockets.ipv6_only && !self.places.iter().any(v6) {
            return Err(
                Failure::usage("--ipv6-only says something about IPv6 addresses only")
                    .hint("give one, such as --addr [::]:8443"),
            );
        }
        if sockets.reuse_port && self.places.is_empty() {
            return Err(
                Failure::usage("--reuse-port says something about addresses only")
                    .hint("give one with --addr, or leave it out"),
            );
        }
        if sockets.exclusive && !self.handed.is_empty() {
            let message = "--exclusive says something about what is bound here only, and sockets \
                           were handed over (LISTEN_FDS)";
            return Err(Failure::usage(message).hint("leave it out"));
        }
        Ok(())
    }
}

/// Resolves the addresses of the command line and checks that the certificate made here fits them,
/// and those of sockets that were handed over.
pub(super) async fn plan(args: &ServerArgs, handed: Vec<Handed>) -> Result<Plan> {
    let binds = !args.addresses.is_empty() || !args.sockets.paths.is_empty();
    if binds && !handed.is_empty() {
        let message = "sockets were handed over (LISTEN_FDS), so there is nothing to bind";
        return Err(Failure::usage(message).hint("leave --addr and --unix out"));
    }
    let plan = Plan {
        places: if handed.is_empty() {
            places(args).await?
        } else {
            Vec::new()
        },
        paths: args.sockets.paths.clone(),
        handed,
    };
    plan.fits(&args.sockets)?;
    if !args.has_identity() {
        plan.places.iter().try_for_each(only_loopback)?;
        plan.handed().try_for_each(only_local)?;
    }
    Ok(plan)
}

/// Resolves the addresses of the command line.
async fn places(args: &ServerArgs) -> Result<Vec<Place>> {
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
fn only_loopback(place: &Place) -> Result<()> {
    let Place::Exact(address) = place else {
        return Ok(());
    };
    only_local(*address).map_err(|failure| {
        failure.hint(format!(
            "{CERTIFICATE}, or stay local with --addr {}",
            address.port()
        ))
    })
}

/// Refuses an address that others can reach.
///
/// Nobody else trusts the local root, and nobody else should: its key signs for this machine only.
fn only_local(address: SocketAddr) -> Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    let message = format!(
        "{address} can be reached by other machines, but the certificate made here vouches for \
         this one only"
    );
    Err(Failure::usage(message).hint(CERTIFICATE))
}

/// What to do where others come.
const CERTIFICATE: &str = "give --cert and --key, or --pfx, for the name by which others reach it";
