//! The way to a server as far as TLS with it: over the network, through a proxy, to a socket of
//! this machine, or as the program knows.

use std::net::IpAddr;
use std::time::Duration;

use super::super::proxy::Relay;
use super::super::route::{Route, Through, Way};
use super::Dialer;
use super::handshake::Handshake;
use super::progress::{Progress, Step};
use super::tunnel;
use crate::error::{Error, Phase, Result};
use crate::transport::tcp::{PATIENCE, TcpOptions};
use crate::transport::{Plain, Socket, resolve, tcp};

/// Opens a stream that ends at the server.
pub(super) async fn reach(dialer: &Dialer, route: &Route, progress: &Progress) -> Result<Socket> {
    let system = Way::default();
    let way = route.way().unwrap_or(&system);
    let socket = match &way.through {
        Through::Network => {
            let to = (route.host(), route.port(), route.to_string());
            dial(dialer, way, to, progress).await
        }
        #[cfg(unix)]
        Through::Path(path) => {
            progress.begin(Step::Connect);
            connect_path(path, route).await
        }
        Through::Stream(connector) => {
            progress.begin(Step::Stream);
            connector.open(route.host(), route.port()).await
        }
        Through::Proxy(relay) => through(dialer, way, relay, route, progress).await,
    };
    progress.end();
    socket
}

/// Opens a connection over the network to a host and port, which messages call by the third.
async fn dial(
    dialer: &Dialer,
    way: &Way,
    (host, port, what): (&str, u16, String),
    progress: &Progress,
) -> Result<Socket> {
    // An address needs not be looked up, and that takes no time worth telling.
    if host.parse::<IpAddr>().is_err() {
        progress.begin(Step::Lookup);
    }
    let found = resolve::resolve(host, port, way.reachable(), way.lookup.as_ref()).await;
    let addresses = found.map_err(|error| match way.local_address {
        Some(address) => error.with_more(&format!(" (local_address is {address})")),
        None => error,
    })?;
    progress.begin(Step::Connect);
    let share = |limit: Duration| limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let share = dialer.terms.timeouts.connect.map_or(PATIENCE, share);
    let options = TcpOptions {
        patience: PATIENCE.min(share),
        local_address: way.local_address,
        local_port: way.local_port,
        keep_alive: dialer.probe_after,
        ..dialer.terms.connecting.tcp
    };
    let opened = tcp::dial(addresses, &options, &progress.attempts).await;
    match opened {
        Some(stream) => Ok(stream.into()),
        None => Err(progress.attempts.take().into_error(&what)),
    }
}

/// Opens a connection to a proxy, and a tunnel through it.
async fn through(
    dialer: &Dialer,
    way: &Way,
    relay: &Relay,
    route: &Route,
    progress: &Progress,
) -> Result<Socket> {
    progress.name_proxy(relay.to_string());
    let what = format!("the proxy {relay}");
    let to = (&*relay.host, relay.port, what.clone());
    let on_the_way = |error: Error| error.with_more(&format!(" (on the way to {route})"));
    let socket = dial(dialer, way, to, progress).await;
    let mut socket = socket.map_err(on_the_way)?;
    progress.begin(Step::Proxy);
    if let Some(secure) = &relay.secure {
        let handshake = Handshake {
            context: &secure.context,
            name: &secure.name,
            what: &what,
            key_log: dialer.key_log.as_ref(),
        };
        let secured = handshake.run(socket, None).await;
        let secured = secured.map_err(|refused| {
            let place = format!("no TLS with {what} on the way to {route}: ");
            refused.error.at(Phase::Proxy, &place)
        })?;
        socket = Plain::socket(secured.stream, secured.early);
    }
    tunnel::open(&mut socket, relay, route).await?;
    Ok(socket)
}

/// Connects to a socket of this machine.
#[cfg(unix)]
async fn connect_path(path: &std::path::Path, route: &Route) -> Result<Socket> {
    use std::io::ErrorKind;

    loop {
        match tokio::net::UnixStream::connect(path).await {
            Ok(stream) => return Ok(stream.into()),
            // Its queue is full, and nothing tells when it is not: unix(7), `connect`.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                tokio::time::sleep(AGAIN).await;
            }
            Err(error) => {
                let what = format!("cannot connect to {path:?} for {route}");
                return Err(Error::io(Phase::Connect, &what, error));
            }
        }
    }
}

/// How long to wait until a full queue is tried again.
#[cfg(unix)]
const AGAIN: std::time::Duration = std::time::Duration::from_millis(10);
