//! A connected socket, whatever family it is of: TCP, a Unix socket of this machine, or none.
//!
//! All that the rooms above know of a socket stands here. What carries octets and is no socket is
//! the variant `Other`. On the TCP path all this costs one comparison.

use std::any::Any;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use super::duplex::Other;

/// A connected socket of the runtime.
#[derive(Debug)]
pub(crate) enum Socket {
    /// A connection over IP.
    Tcp(TcpStream),
    /// A connection inside this machine.
    #[cfg(unix)]
    Unix(UnixStream),
    /// A stream that is not the system's.
    Other(Box<Other>),
}

impl Socket {
    /// A program's own stream: one of the system's sockets if it is one, else another stream.
    pub(crate) fn of_stream<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut slot = Some(stream);
        let any: &mut dyn Any = &mut slot;
        let tcp = any.downcast_mut::<Option<TcpStream>>();
        if let Some(tcp) = tcp.and_then(Option::take) {
            return Self::Tcp(tcp);
        }
        #[cfg(unix)]
        let unix = any.downcast_mut::<Option<UnixStream>>();
        #[cfg(unix)]
        if let Some(unix) = unix.and_then(Option::take) {
            return Self::Unix(unix);
        }
        // What was no socket is still there.
        slot.map_or_else(
            || Self::Other(Other::foreign(tokio::io::empty())),
            |stream| Self::Other(Other::foreign(stream)),
        )
    }

    /// Our address; `None` where there is none to tell, as on a Unix socket.
    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(socket) => socket.local_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
            Self::Other(stream) => stream.addresses().0,
        }
    }

    /// The peer's address; `None` where there is none to tell.
    pub(crate) fn peer_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(socket) => socket.peer_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
            Self::Other(stream) => stream.addresses().1,
        }
    }

    /// Whether it is a connection over IP.
    pub(crate) fn is_tcp(&self) -> bool {
        match self {
            Self::Tcp(_) => true,
            #[cfg(unix)]
            Self::Unix(_) => false,
            Self::Other(_) => false,
        }
    }

    /// Sends small writes at once instead of waiting for acknowledgements. Others than TCP never
    /// wait.
    pub(crate) fn set_nodelay(&self, wanted: bool) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.set_nodelay(wanted),
            #[cfg(unix)]
            Self::Unix(_) => Ok(()),
            Self::Other(_) => Ok(()),
        }
    }

    /// Lets the system ask for more octets once fewer than half of `octets` wait to be sent.
    ///
    /// Otherwise Linux asks only when a third of its buffer is free. That buffer grows to
    /// megabytes, and a slow reader would look for minutes like one that takes nothing.
    pub(crate) fn set_most_unsent(&self, octets: u32) -> io::Result<()> {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        if let Self::Tcp(socket) = self {
            return SockRef::from(socket).set_tcp_notsent_lowat(octets);
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
            Self::Other(_) => Ok(()),
        }
    }

    /// The system's socket: its options, and looks that take nothing away; `None` where there is
    /// none below.
    pub(crate) fn system(&self) -> Option<SockRef<'_>> {
        match self {
            Self::Tcp(socket) => Some(SockRef::from(socket)),
            #[cfg(unix)]
            Self::Unix(socket) => Some(SockRef::from(socket)),
            Self::Other(_) => None,
        }
    }

    /// Whether the system holds nothing of the peer's: no octet, no end, no error.
    ///
    /// Asks the system itself. What the runtime knows is as old as its last look at its sockets,
    /// and a program may have been busy since. What has no system below it is silent once reading
    /// is pending.
    pub(crate) fn is_silent(&self) -> bool {
        match self {
            Self::Other(stream) => stream.is_silent(),
            _ => self.system().is_some_and(|system| {
                let looked = system.peek(&mut [MaybeUninit::uninit()]);
                looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
            }),
        }
    }

    /// Whether octets that were taken may wait here until they are flushed.
    pub(crate) fn is_unflushed(&self) -> bool {
        match self {
            Self::Other(stream) => stream.is_unflushed(),
            _ => false,
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
            Self::Other(stream) => stream.poll_read(context, space),
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
            Self::Other(stream) => stream.poll_write(context, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Other(stream) => stream.poll_flush(context),
            // The system takes what it takes; nothing waits here.
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_shutdown(context),
            #[cfg(unix)]
            Self::Unix(socket) => Pin::new(socket).poll_shutdown(context),
            Self::Other(stream) => stream.poll_shutdown(context),
        }
    }
}
