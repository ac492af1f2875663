//! From a host to the addresses to try, in the order to try them.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::error::{Error, ErrorKind, Phase, Result};

/// Finds the addresses of a host: itself if it is one, else what the system's resolver says.
///
/// The order is the resolver's, but the address families alternate, so that one family that leads
/// nowhere costs one attempt and not all of them (RFC 8305 §4).
pub(crate) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = tokio::net::lookup_host((host, port)).await;
    let found: Vec<_> = found.map_err(|error| unknown(host, error))?.collect();
    if found.is_empty() {
        let nothing = io::Error::from(io::ErrorKind::NotFound);
        return Err(unknown(host, nothing));
    }
    Ok(alternating(found))
}

/// Takes from both families in turn, beginning with that of the first address.
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut order = Vec::new();
    loop {
        let before = order.len();
        order.extend(one.next());
        order.extend(other.next());
        if order.len() == before {
            return order;
        }
    }
}

/// The resolver's failures carry no code of the system; its own text says more than ours could.
fn unknown(host: &str, source: io::Error) -> Error {
    let passing = source.to_string().contains("emporary failure");
    let code = if passing { "EAI_AGAIN" } else { "ENOTFOUND" };
    let text = format!("no address found for {host:?}: {source}");
    Error::new(ErrorKind::Io, Phase::Resolve, text)
        .with_code(code)
        .with_source(source)
}

#[cfg(test)]
mod tests;
