//! The door: who is served, decided before anything is said on a connection.
//!
//! Whoever is not served is reset at once: neither a goodbye nor a state of the system's is spent
//! on them. How many connections there are is counted in `shutdown`; what the rules are is said in
//! the options.

use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::options::AdmissionOptions;
use super::shutdown::Refused;
use super::{Facts, Shared, connection};
use crate::event::{DropReason, Dropped, Event, Observers};
use crate::info::{Accepted, Addresses};
use crate::transport::Socket;
use crate::wheel::Link;

mod block_list;

pub use block_list::BlockList;

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
        let peer = addresses.remote().map(|remote| AddressKey::of(remote.ip()));
        let (accepted, outcome) = match self.registry.register(&link, peer) {
            Err(Refused::Closing) => return Err(Unserved::Closing),
            Err(Refused::Full(id, reason)) => (Accepted::new(id, addresses), Err(reason)),
            Ok(registered) => {
                let accepted = Accepted::new(registered.id(), addresses);
                let allowed = self.rules.admission.allows(&accepted);
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
    /// Whether the block list and the program's own word let a connection in.
    fn allows(&self, accepted: &Accepted) -> Result<(), DropReason> {
        let remote = accepted.remote_addr().map(|remote| remote.ip());
        if remote.is_some_and(|remote| self.block_list.check(remote)) {
            return Err(DropReason::Blocked);
        }
        let Some(allow) = &self.allow else {
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

fn tell_drop(observers: &Observers, accepted: &Accepted, reason: DropReason) {
    tracing::debug!(id = accepted.id(), ?reason, "a connection is not served");
    observers.tell(Event::Drop(&Dropped { accepted, reason }));
}

/// Lets a socket that is dropped next be reset, so that the system keeps nothing of it.
fn reset(socket: &Socket) {
    // It may be gone already, and then there is nothing to reset.
    let _ = socket.system().set_linger(Some(Duration::ZERO));
}

#[cfg(test)]
mod tests;
