//! From a host to the addresses to try, in the order to try them.
//!
//! The system's resolver answers, or a program's own. An IP address is its own answer: nobody is
//! asked.

use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::hook::{self, Answer};
use crate::error::{Error, ErrorKind, Phase, Result};

/// The addresses that a connection may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// Both, in turn (RFC 8305 §4).
    #[default]
    Any,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

impl Family {
    /// That of an address.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    pub(crate) fn has(self, address: IpAddr) -> bool {
        self == Self::Any || self == Self::of(address)
    }
}

/// A program's own way from names to addresses, instead of the system's.
///
/// It gets the name and the family that is wanted, and is never asked about IP addresses. Addresses
/// of another family are passed over, as is all behind the first 32. An error, a panic or an empty
/// answer fails the request (`ENOTFOUND`), and so does an answer that does not come within
/// `connect_timeout`.
///
/// Two hooks cannot be compared: connections are shared by requests with the very same one only, of
/// which clones are part. Make it once, and clone it.
///
/// ```
/// use std::io;
/// use std::net::{IpAddr, Ipv4Addr};
///
/// use sealane::{Agent, AgentOptions, Lookup};
///
/// # fn example() -> sealane::Result<()> {
/// let lookup = Lookup::new(|name, _family| async move {
///     match name.as_str() {
///         "db.internal" => Ok(vec![IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7))]),
///         _ => Err(io::ErrorKind::NotFound.into()),
///     }
/// });
/// let agent = Agent::new(AgentOptions::new().lookup(lookup))?;
/// # drop(agent);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Lookup {
    ask: Arc<Ask>,
    id: u64,
}

type Ask = dyn Fn(String, Family) -> Answer<io::Result<Vec<IpAddr>>> + Send + Sync;

impl Lookup {
    /// Takes a function that finds the addresses of a name, most wanted first.
    pub fn new<F, Fut>(lookup: F) -> Self
    where
        F: Fn(String, Family) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<Vec<IpAddr>>> + Send + 'static,
    {
        Self {
            ask: Arc::new(move |name, family| Box::pin(lookup(name, family))),
            id: hook::identify(),
        }
    }

    async fn ask(&self, name: &str, family: Family) -> io::Result<Vec<IpAddr>> {
        let answer = hook::ask(|| (self.ask)(name.to_owned(), family)).await;
        answer.unwrap_or_else(|_| Err(io::Error::other("the lookup hook panicked")))
    }
}

/// The same hook, whatever it does.
impl PartialEq for Lookup {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Lookup {}

impl Hash for Lookup {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lookup").field(&self.id).finish()
    }
}

/// Finds the addresses of a host: itself if it is one, else what the hook or the system says.
///
/// The order is the resolver's, but the address families alternate, so that one family that leads
/// nowhere costs one attempt and not all of them (RFC 8305 §4).
pub(crate) async fn resolve(
    host: &str,
    port: u16,
    family: Family,
    lookup: Option<&Lookup>,
) -> Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return match family.has(address) {
            true => Ok(vec![SocketAddr::new(address, port)]),
            false => Err(wrong_family(host, family)),
        };
    }
    let found: Vec<_> = match lookup {
        None => ask_system(host, port).await.map_err(|error| {
            let said = error.to_string();
            let passing = PASSING.iter().any(|text| said.contains(text));
            let code = if passing { "EAI_AGAIN" } else { "ENOTFOUND" };
            unknown(host, error, code)
        })?,
        Some(lookup) => {
            let found = lookup.ask(host, family).await;
            let found = found.map_err(|error| unknown(host, error, "ENOTFOUND"))?;
            let with_port = |address| SocketAddr::new(address, port);
            found.into_iter().map(with_port).collect()
        }
    };
    let found = wanted(found, family);
    match found.is_empty() {
        true => Err(wrong_family(host, family)),
        false => Ok(alternating(found)),
    }
}

/// The first of those that may be used, each once.
fn wanted(found: Vec<SocketAddr>, family: Family) -> Vec<SocketAddr> {
    let mut wanted = Vec::new();
    for address in found {
        if wanted.len() == MOST_ADDRESSES {
            break;
        }
        if family.has(address.ip()) && !wanted.contains(&address) {
            wanted.push(address);
        }
    }
    wanted
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

/// Asks the system's resolver, which blocks a thread.
///
/// It cannot be called off, also when nobody waits for its answer any more: so only a few are asked
/// at a time, and what is not wanted any more before its turn is never asked.
async fn ask_system(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let turn = LOOKUPS.acquire().await.map_err(io::Error::other)?;
    let host = host.to_owned();
    let asking = tokio::task::spawn_blocking(move || {
        let found = (host.as_str(), port).to_socket_addrs();
        drop(turn);
        found.map(Iterator::collect)
    });
    asking.await.map_err(io::Error::other)?
}

/// The resolver's failures carry no code of the system; its own text says more than ours could.
fn unknown(host: &str, source: io::Error, code: &'static str) -> Error {
    let said = source.to_string();
    let text = format!("no address found for {host:?}: {}", said.escape_debug());
    Error::new(ErrorKind::Io, Phase::Resolve, text)
        .with_code(code)
        .with_source(source)
}

/// There is an answer, and nothing in it may be used.
fn wrong_family(host: &str, family: Family) -> Error {
    let text = match family {
        Family::Any => format!("no address found for {host:?}: the answer is empty"),
        Family::V4 => format!("no IPv4 address found for {host:?}, and no other is allowed"),
        Family::V6 => format!("no IPv6 address found for {host:?}, and no other is allowed"),
    };
    Error::new(ErrorKind::Io, Phase::Resolve, text).with_code("ENOTFOUND")
}

/// Lookups of the system that run at a time: an eighth of the threads that tokio has for such work,
/// so that a resolver that hangs leaves some for files.
static LOOKUPS: Semaphore = Semaphore::const_new(64);

/// How resolvers say that they may know later (`EAI_AGAIN`): those of glibc and macOS, and musl's.
const PASSING: [&str; 3] = ["emporary failure", "Try again", "try again"];

/// Addresses that are tried at most: with a quarter of a second between them, as many as anybody
/// would wait for.
const MOST_ADDRESSES: usize = 32;

#[cfg(test)]
mod tests;
