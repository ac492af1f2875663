//! Does a stream that is no socket behave like one, also if it misbehaves?

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream, ReadBuf, duplex};
use tokio::net::{TcpListener, TcpStream};

use super::super::socket::Socket;

/// A stream that does what no stream should.
enum Wicked {
    /// Says that it took more than it was given.
    Boasts,
    /// Panics whenever it is asked, and when it is dropped.
    Panics,
}

impl Drop for Wicked {
    fn drop(&mut self) {
        if let Self::Panics = self {
            panic!("of the stream's own");
        }
    }
}

impl AsyncRead for Wicked {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match *self {
            Self::Boasts => Poll::Pending,
            Self::Panics => panic!("of the stream's own"),
        }
    }
}

impl AsyncWrite for Wicked {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match *self {
            Self::Boasts => Poll::Ready(Ok(octets.len() + 1)),
            Self::Panics => panic!("of the stream's own"),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_stream_that_misbehaves_is_an_error_and_no_panic_of_ours() {
    let mut boasting = Socket::of_stream(Wicked::Boasts);
    let error = boasting.write(b"octets").await.expect_err("it lies");
    assert!(
        error.to_string().contains("more than it was given"),
        "{error}"
    );

    let mut panicking = Socket::of_stream(Wicked::Panics);
    for error in [
        panicking.write(b"octets").await.expect_err("it panics"),
        panicking.read(&mut [0]).await.expect_err("it panics"),
    ] {
        assert!(error.to_string().contains("panicked"), "{error}");
    }
}

#[tokio::test]
async fn what_a_stream_keeps_back_is_known_until_it_is_flushed() {
    let (ours, mut theirs) = duplex(1024);
    let mut socket = Socket::of_stream(BufStream::new(ours));
    assert!(!socket.is_unflushed());
    socket.write_all(b"octets").await.expect("room");
    assert!(socket.is_unflushed());
    socket.flush().await.expect("room");
    assert!(!socket.is_unflushed());
    let mut came = [0; 6];
    theirs.read_exact(&mut came).await.expect("they came");
    assert_eq!(&came, b"octets");
}

#[tokio::test]
async fn a_socket_given_as_a_stream_is_still_a_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stream = TcpStream::connect(address).await.expect("it listens");
    let socket = Socket::of_stream(stream);
    assert!(socket.is_tcp() && socket.system().is_some() && socket.is_silent());
    assert_eq!(socket.peer_addr(), Some(address));

    let (mut there, _) = listener.accept().await.expect("it came");
    there.write_all(b"x").await.expect("room");
    // The system knows, whether or not the runtime has looked.
    poll_fn(|context| {
        context.waker().wake_by_ref();
        match socket.is_silent() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    })
    .await;

    let other = Socket::of_stream(duplex(1).0);
    assert!(!other.is_tcp() && other.system().is_none() && other.is_silent());
    assert_eq!((other.local_addr(), other.peer_addr()), (None, None));
}
