//! The door: who is served, decided before anything is said on a connection.
//!
//! Whoever is not served is reset at once: neither a goodbye nor a state of the system's is spent
//! on them. How many connections there are is counted in `shutdown`; what the rules are is said in
//! the options.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};

use super::connection::Clock;
use super::handshake::{GivenUp, Patience};
use super::options::AdmissionOptions;
use super::shutdown::Refused;
use super::{Facts, Shared, connection};
use crate::event::{Deadline, DropReason, Dropped, Event, Observers, TimedOut};
use crate::info::{Accepted, Addresses, Proxied};
use crate::transport::Socket;
use crate::wheel::Link;

mod block_list;
mod proxy_protocol;
mod trusted;

pub use block_list::BlockList;
use proxy_protocol::Progress;
pub use trusted::ProxyProtocol;

/// Why an accepted connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unserved {
    /// The server is closing.
    Closing,
    /// It was turned away, and whoever watches was told.
    Dropped(DropReason),
}

/// Whose connections are counted together: one IPv4 address, or one /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum AddressKey {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

impl AddressKey {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [first, second, third, fourth, ..] = address.segments();
                Self::V6([first, second, third, fourth])
            }
        }
    }
}

impl Shared {
    /// Starts the task of an accepted connection, or closes it and tells why.
    pub(super) fn spawn(self: &Arc<Self>, socket: Socket) -> Result<(), Unserved> {
        self.turn_wheel();
        let link = Link::new();
        let addresses = Addresses::of(&socket);
        let is_proxy = self.rules.admission.is_proxy(&socket, addresses);
        // A proxy's own address says nothing about how many clients it speaks for.
        let peer = addresses.remote().filter(|_| !is_proxy);
        let peer = peer.map(|remote| AddressKey::of(remote.ip()));
        let (accepted, outcome) = match self.registry.register(&link, peer) {
            Err(Refused::Closing) => return Err(Unserved::Closing),
            Err(Refused::Full(id, reason)) => (Accepted::new(id, addresses), Err(reason)),
            Ok(registered) => {
                let accepted = Accepted::new(registered.id(), addresses);
                let allowed = self.rules.admission.allows(&accepted, is_proxy);
                (accepted, allowed.map(|()| registered))
            }
        };
        match outcome {
            Ok(registered) => {
                (self.start)(connection::Start {
                    socket,
                    link,
                    accepted,
                    registered,
                    server: Facts::of(self),
                });
                Ok(())
            }
            Err(reason) => {
                reset(&socket);
                tell_drop(&self.rules.observers, &accepted, reason);
                Err(Unserved::Dropped(reason))
            }
        }
    }
}

impl AdmissionOptions {
    /// Whether a connection begins with the header of a proxy.
    fn is_proxy(&self, socket: &Socket, addresses: Addresses) -> bool {
        let Some(proxies) = &self.proxy_protocol else {
            return false;
        };
        match (socket.is_tcp(), addresses.remote()) {
            (false, _) => proxies.has_unix_sockets(),
            (true, remote) => remote.is_some_and(|remote| proxies.has(remote.ip())),
        }
    }

    /// Whether the block list and the program's own word let a connection in. `is_proxy` says that
    /// its peer will still tell whom it speaks for: the program is asked when it has.
    fn allows(&self, accepted: &Accepted, is_proxy: bool) -> Result<(), DropReason> {
        let source = accepted.proxied().and_then(Proxied::source);
        let remote = source.or(accepted.remote_addr());
        if remote.is_some_and(|remote| self.block_list.check(remote.ip())) {
            return Err(DropReason::Blocked);
        }
        let Some(allow) = self.allow.as_ref().filter(|_| !is_proxy) else {
            return Ok(());
        };
        // A question that panics costs its connection, not the loop that accepts.
        match catch_unwind(AssertUnwindSafe(|| allow(accepted))) {
            Ok(true) => Ok(()),
            Ok(false) => Err(DropReason::Blocked),
            Err(_) => {
                tracing::error!("allow_connection panicked; the connection is not served");
                Err(DropReason::Blocked)
            }
        }
    }
}

/// Finds out who is there: reads what a proxy says of its client, if the peer is one.
///
/// `None` when the connection is not served.
pub(super) async fn enter(
    socket: Socket,
    clock: &mut Clock,
    patience: &mut Patience,
) -> Option<Socket> {
    let admission = &clock.server.rules.admission;
    if !admission.is_proxy(&socket, clock.accepted.addresses()) {
        return Some(socket);
    }
    // Boxed: a task keeps room for this only as long as it lasts.
    Box::pin(enter_by_proxy(socket, clock, patience)).await
}

async fn enter_by_proxy(
    mut socket: Socket,
    clock: &mut Clock,
    patience: &mut Patience,
) -> Option<Socket> {
    let mut header = Vec::with_capacity(proxy_protocol::LONGEST);
    let outcome = patience
        .with_client(clock, |context| {
            // Nothing of TLS has been heard yet.
            (poll_header(&mut socket, &mut header, context), false)
        })
        .await;
    let admitted = match outcome {
        Ok(Ok(proxied)) => clock.admit(proxied),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a proxy's header cannot be taken");
            Err(DropReason::ProxyProtocol)
        }
        Err(GivenUp::Closing) => return None,
        Err(GivenUp::Overload) => Err(DropReason::Overload),
        Err(GivenUp::Late) => {
            let (accepted, deadline) = (&clock.accepted, Deadline::Handshake);
            let observers = &clock.server.rules.observers;
            observers.tell(Event::Timeout(&TimedOut { accepted, deadline }));
            Err(DropReason::ProxyProtocol)
        }
    };
    if let Err(reason) = admitted {
        reset(&socket);
        tell_drop(&clock.server.rules.observers, &clock.accepted, reason);
        return None;
    }
    Some(socket)
}

impl Clock {
    /// Admits the client that a proxy speaks for, or not.
    fn admit(&mut self, proxied: Proxied) -> Result<(), DropReason> {
        self.accepted = self.accepted.with_proxied(proxied);
        if let Some(source) = proxied.source() {
            self.registered.count_under(AddressKey::of(source.ip()))?;
        }
        self.server.rules.admission.allows(&self.accepted, false)
    }
}

/// Reads the header of a proxy, and not an octet of what follows it.
fn poll_header(
    socket: &mut Socket,
    header: &mut Vec<u8>,
    context: &mut Context<'_>,
) -> Poll<io::Result<Proxied>> {
    loop {
        let more = match proxy_protocol::read(header) {
            Ok(Progress::Done(header)) => {
                let proxied = Proxied::new(header.version, header.local, header.ends);
                return Poll::Ready(Ok(proxied));
            }
            Ok(Progress::More(more)) => more,
            Err(broken) => {
                let error = io::Error::new(io::ErrorKind::InvalidData, broken.0);
                return Poll::Ready(Err(error));
            }
        };
        let mut space = [0; proxy_protocol::LONGEST];
        let mut space = ReadBuf::new(&mut space[..more]);
        ready!(Pin::new(&mut *socket).poll_read(context, &mut space))?;
        if space.filled().is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        header.extend_from_slice(space.filled());
    }
}

fn tell_drop(observers: &Observers, accepted: &Accepted, reason: DropReason) {
    tracing::debug!(id = accepted.id(), ?reason, "a connection is not served");
    observers.tell(Event::Drop(&Dropped { accepted, reason }));
}

/// Lets a socket that is dropped next be reset, so that the system keeps nothing of it.
fn reset(socket: &Socket) {
    // It may be gone already, and then there is nothing to reset.
    if let Some(system) = socket.system() {
        let _ = system.set_linger(Some(Duration::ZERO));
    }
}

#[cfg(test)]
mod tests;
