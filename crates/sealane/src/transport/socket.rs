//! A connected socket, whatever family it is of: TCP, or a Unix socket of this machine.
//!
//! All that the rooms above know of a socket stands here, so that a third family would be one
//! variant more. On the TCP path it costs one comparison.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// A connected socket of the runtime.
#[derive(Debug)]
pub(crate) enum Socket {
    /// A connection over IP.
    Tcp(TcpStream),
    /// A connection inside this machine.
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// Our address; `None` where there is none to tell, as on a Unix socket.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(socket) => socket.local_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    /// The peer's address; `None` where there is none to tell.
    pub(crate) fn peer_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(socket) => socket.peer_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    /// Whether it is a connection over IP.
    pub(crate) fn is_tcp(&self) -> bool {
        match self {
            Self::Tcp(_) => true,
            #[cfg(unix)]
            Self::Unix(_) => false,
        }
    }

    /// Sends small writes at once instead of waiting for acknowledgements. A Unix socket never
    /// waits.
    pub(crate) fn set_nodelay(&self, wanted: bool) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.set_nodelay(wanted),
            #[cfg(unix)]
            Self::Unix(_) => Ok(()),
        }
    }

    /// Lets the system ask for more octets once fewer than half of `octets` wait to be sent.
    ///
    /// Otherwise Linux asks only when a third of its buffer is free. That buffer grows to
    /// megabytes, and a slow reader would look for minutes like one that takes nothing.
    pub(crate) fn set_most_unsent(&self, octets: u32) -> io::Result<()> {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        if self.is_tcp() {
            return self.system().set_tcp_notsent_lowat(octets);
        }
        let _ = octets;
        Ok(())
    }

    /// Waits until there is something to read, or an end.
    #[cfg(test)]
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.readable().await,
            #[cfg(unix)]
            Self::Unix(socket) => socket.readable().await,
        }
    }

    /// The system's socket: its options, and looks that take nothing away.
    pub(crate) fn system(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(socket) => SockRef::from(socket),
            #[cfg(unix)]
            Self::Unix(socket) => SockRef::from(socket),
        }
    }
}

impl From<TcpStream> for Socket {
    fn from(socket: TcpStream) -> Self {
        Self::Tcp(socket)
    }
}

#[cfg(unix)]
impl From<UnixStream> for Socket {
    fn from(socket: UnixStream) -> Self {
        Self::Unix(socket)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_read(context, space),
            #[cfg(unix)]
            Self::Unix(socket) => Pin::new(socket).poll_read(context, space),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_write(context, octets),
            #[cfg(unix)]
            Self::Unix(socket) => Pin::new(socket).poll_write(context, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The system takes what it takes; nothing waits here.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_shutdown(context),
            #[cfg(unix)]
            Self::Unix(socket) => Pin::new(socket).poll_shutdown(context),
        }
    }
}
