//! Opens TCP connections: several addresses compete, the first that answers wins (RFC 8305 §5).
//!
//! An attempt that is late goes on while the next one runs; only success, its own limit or the
//! caller's ends it. What became of each address is written down as it happens, so that it is known
//! also when the caller's time is up.

use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::attempts::{Attempts, Failure};

/// How connections are opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TcpOptions {
    /// The address to connect from; of an address family, the only one that is of use then.
    pub(crate) local_address: Option<IpAddr>,
    /// The port to connect from.
    pub(crate) local_port: Option<u16>,
    /// How long an address has before the next one is tried beside it; `None`: it is not.
    pub(crate) spacing: Option<Duration>,
    /// How long an address has in all.
    pub(crate) attempt_limit: Option<Duration>,
    /// How long one alone has at most while others wait for their turn.
    pub(crate) patience: Duration,
    /// Whether small writes leave at once.
    pub(crate) no_delay: bool,
    /// How long a connection may be silent before the system looks after its peer.
    pub(crate) keep_alive: Option<Duration>,
}

/// Opens a connection to one of these addresses; `None` when all have failed, as `attempts` says.
///
/// Each next address is tried when one has failed, or has had its time alone. Those that have not
/// answered when one does are given up.
pub(crate) async fn dial(
    addresses: Vec<SocketAddr>,
    options: &TcpOptions,
    attempts: &Attempts,
) -> Option<TcpStream> {
    let mut race = Race::new(addresses, options, attempts);
    let stream = poll_fn(|context| race.poll(context)).await?;
    options.apply(&stream);
    Some(stream)
}

impl TcpOptions {
    /// Where the socket is bound before it connects to `address`, if anything was said about that.
    fn local(&self, address: SocketAddr) -> Option<SocketAddr> {
        if self.local_address.is_none() && self.local_port.is_none() {
            return None;
        }
        let any = match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let ip = self.local_address.unwrap_or(any);
        Some(SocketAddr::new(ip, self.local_port.unwrap_or(0)))
    }

    /// Sets a connected socket. A failure shows at the first read.
    fn apply(&self, stream: &TcpStream) {
        let _ = stream.set_nodelay(self.no_delay);
        if let Some(delay) = self.keep_alive {
            // The system counts in seconds.
            let delay = Duration::from_secs(delay.as_millis().div_ceil(1000) as u64);
            let keep_alive = TcpKeepalive::new().with_time(delay);
            let _ = SockRef::from(stream).set_tcp_keepalive(&keep_alive);
        }
    }
}

type Attempt<'a> = Pin<Box<dyn Future<Output = Result<TcpStream, Failure>> + Send + 'a>>;

/// Attempts that run at the same time.
struct Race<'a> {
    options: &'a TcpOptions,
    attempts: &'a Attempts,
    waiting: std::vec::IntoIter<SocketAddr>,
    running: Vec<(usize, Attempt<'a>)>,
    /// Until the next attempt starts even if none has failed; none where one is tried alone.
    pause: Option<Pin<Box<Sleep>>>,
}

impl<'a> Race<'a> {
    fn new(addresses: Vec<SocketAddr>, options: &'a TcpOptions, attempts: &'a Attempts) -> Self {
        let several = addresses.len() > 1;
        Self {
            options,
            attempts,
            waiting: addresses.into_iter(),
            running: Vec::new(),
            pause: match options.spacing {
                Some(spacing) if several => Some(Box::pin(sleep(spacing))),
                _ => None,
            },
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<TcpStream>> {
        loop {
            let before = self.running.len();
            if let Some(stream) = self.poll_running(context) {
                return Poll::Ready(Some(stream));
            }
            let one_failed = self.running.len() < before;
            if !one_failed && !self.running.is_empty() && !self.has_paused(context) {
                return Poll::Pending;
            }
            match self.waiting.next() {
                Some(address) => self.start(address),
                None if self.running.is_empty() => return Poll::Ready(None),
                None => return Poll::Pending,
            }
        }
    }

    /// Whether the attempts that run have had their time alone.
    fn has_paused(&mut self, context: &mut Context<'_>) -> bool {
        match &mut self.pause {
            Some(pause) => pause.as_mut().poll(context).is_ready(),
            None => false,
        }
    }

    fn start(&mut self, address: SocketAddr) {
        let number = self.attempts.start(address);
        let attempt = Box::pin(attempt(address, self.options, self.limit()));
        self.running.push((number, attempt));
        match (&mut self.pause, self.options.spacing) {
            (Some(pause), Some(spacing)) if !self.waiting.as_slice().is_empty() => {
                match Instant::now().checked_add(spacing) {
                    Some(next) => pause.as_mut().reset(next),
                    // Beyond what clocks can tell: the next one waits for a failure.
                    None => self.pause = None,
                }
            }
            _ => self.pause = None,
        }
    }

    /// How long the attempt that begins now has. One alone could keep the others from their turn.
    fn limit(&self) -> Option<Duration> {
        let keeps_others = self.options.spacing.is_none() && !self.waiting.as_slice().is_empty();
        let patience = keeps_others.then_some(self.options.patience);
        self.options.attempt_limit.or(patience)
    }

    fn poll_running(&mut self, context: &mut Context<'_>) -> Option<TcpStream> {
        let mut at = 0;
        while let Some((number, attempt)) = self.running.get_mut(at) {
            match attempt.as_mut().poll(context) {
                Poll::Ready(Ok(stream)) => return Some(stream),
                Poll::Ready(Err(failure)) => {
                    self.attempts.fail(*number, failure);
                    drop(self.running.remove(at));
                }
                Poll::Pending => at += 1,
            }
        }
        None
    }
}

/// Tries one address for as long as it may take.
async fn attempt(
    address: SocketAddr,
    options: &TcpOptions,
    limit: Option<Duration>,
) -> Result<TcpStream, Failure> {
    let connecting = connect(address, options);
    let Some(limit) = limit else {
        return connecting.await;
    };
    let connected = timeout(limit, connecting).await;
    connected.unwrap_or(Err(Failure::Late(limit)))
}

async fn connect(address: SocketAddr, options: &TcpOptions) -> Result<TcpStream, Failure> {
    let Some(local) = options.local(address) else {
        return TcpStream::connect(address).await.map_err(Failure::Connect);
    };
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(Failure::Connect)?;
    // A port of one's own can be used again while the last connection from it fades away.
    #[cfg(unix)]
    if options.local_port.is_some() {
        let reused = socket.set_reuseaddr(true);
        reused.map_err(|error| Failure::Bind(local, error))?;
    }
    let bound = socket.bind(local);
    bound.map_err(|error| Failure::Bind(local, error))?;
    socket.connect(address).await.map_err(Failure::Connect)
}

/// How long an address may keep others from their turn: a connection request that was lost twice
/// has been sent a third time by then (RFC 6298 §2).
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
