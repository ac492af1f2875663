//! How the sockets of accepted connections are set.

use std::time::Duration;

use socket2::TcpKeepalive;

use super::ServerOptions;
use crate::error::{Error, Result};
use crate::transport::Socket;
use crate::transport::listener::Buffers;

/// How accepted sockets are set.
#[derive(Clone, Debug)]
pub(in crate::server) struct SocketOptions {
    no_delay: bool,
    /// How long a connection is silent before the system asks whether the peer is there.
    keep_alive: Option<Duration>,
    buffers: Buffers,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            // Small answers must not wait for an acknowledgement.
            no_delay: true,
            keep_alive: None,
            buffers: Buffers::default(),
        }
    }
}

impl SocketOptions {
    pub(super) fn check(&self) -> Result<()> {
        if let Some(delay) = self.keep_alive
            && !KEEP_ALIVE.contains(&delay)
        {
            let (least, most) = (KEEP_ALIVE.start(), KEEP_ALIVE.end());
            let text = format!(
                "tcp_keep_alive is {delay:?}, but must lie between {least:?} and {most:?}; give \
                 None to leave it off"
            );
            return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
        }
        let sizes = [
            ("receive_buffer_size", self.buffers.receive),
            ("send_buffer_size", self.buffers.send),
        ];
        for (name, size) in sizes {
            if let Some(size) = size
                && !(SMALLEST_BUFFER..=LARGEST_BUFFER).contains(&size)
            {
                let text = format!(
                    "{name} is {size}, but must lie between {SMALLEST_BUFFER} and \
                     {LARGEST_BUFFER} octets; give None to leave it to the system"
                );
                return Err(Error::option(text).with_code("ERR_OUT_OF_RANGE"));
            }
        }
        Ok(())
    }

    /// What is said to a listener before it listens.
    pub(in crate::server) fn buffers(&self) -> Buffers {
        self.buffers
    }

    /// Sets an accepted socket. A failure shows at the first read, for its peer is gone.
    pub(in crate::server) fn apply(&self, socket: &Socket) {
        if self.no_delay {
            let _ = socket.set_nodelay(true);
        }
        let Some(system) = socket.system() else {
            return;
        };
        if let Some(delay) = self.keep_alive
            && socket.is_tcp()
        {
            let delay = Duration::from_secs(delay.as_millis().div_ceil(1000) as u64);
            let keep_alive = TcpKeepalive::new().with_time(delay);
            let _ = system.set_tcp_keepalive(&keep_alive);
        }
        let _ = socket.set_most_unsent(MOST_UNSENT);
        // Accepted sockets mostly have it from their listener, adopted ones never do.
        let _ = self.buffers.apply(&system);
    }
}

impl ServerOptions {
    /// Whether small writes leave at once (`TCP_NODELAY`) instead of waiting for the peer to
    /// acknowledge what left before; default true.
    #[must_use]
    pub fn no_delay(mut self, wanted: bool) -> Self {
        self.sockets.no_delay = wanted;
        self
    }

    /// How long a connection may be silent before the system asks whether the peer is still there,
    /// from 1 s to 32,767 s in whole seconds, rounded up; default `None`: it never asks.
    ///
    /// How often it asks then, and when it gives up, is the system's to say. Time limits of the
    /// server end silent connections long before, except upgraded ones.
    #[must_use]
    pub fn tcp_keep_alive(mut self, delay: impl Into<Option<Duration>>) -> Self {
        self.sockets.keep_alive = delay.into();
        self
    }

    /// How many octets the system may keep for us to read on each connection, from 1 KiB to
    /// 1 GiB; default `None`: it decides by how fast a connection is. It may allow less without a
    /// word, and Linux takes twice as much for its own purposes.
    #[must_use]
    pub fn receive_buffer_size(mut self, octets: impl Into<Option<usize>>) -> Self {
        self.sockets.buffers.receive = octets.into();
        self
    }

    /// How many octets the system may keep for the peer to acknowledge on each connection; the
    /// same otherwise.
    #[must_use]
    pub fn send_buffer_size(mut self, octets: impl Into<Option<usize>>) -> Self {
        self.sockets.buffers.send = octets.into();
        self
    }
}

/// Two turns' worth: more in the system's hands makes no connection faster, for what is under way
/// does not count.
const MOST_UNSENT: u32 = 128 * 1024;

/// What Linux takes as `TCP_KEEPIDLE`; others take more.
const KEEP_ALIVE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(32_767);

/// Systems round up less than this on their own.
const SMALLEST_BUFFER: usize = 1024;

/// The system counts in 32 bits with a sign, and Linux doubles.
const LARGEST_BUFFER: usize = 1 << 30;
