//! The way out: records sealed one at a time, sent, and the end of our side (RFC 8446 §6.1).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;

use super::super::engine::{Outgoing, SealError};
use super::super::sealed::RECORD;
use super::super::session::Session;
use super::{Receiving, TlsStream, TransportError};

impl<S: Session> TlsStream<S> {
    /// Whether sealed octets wait for the socket, or in it.
    pub(crate) fn is_blocked(&self) -> bool {
        !self.sealed.is_empty() || self.socket.is_unflushed()
    }

    /// How many sealed octets wait for the socket.
    pub(crate) fn waiting(&self) -> usize {
        self.sealed.octets().len()
    }

    /// Seals at most one record's worth of `plain` and tries to send it; tells how much was taken.
    ///
    /// What is taken but could not be sent waits, and nothing more is taken until it has left.
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        plain: &[u8],
    ) -> Poll<Result<usize, TransportError>> {
        if self.sealed.is_full() {
            ready!(self.poll_flush(context))?;
        }
        if self.finished {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::BrokenPipe).into()));
        }
        let record = &plain[..plain.len().min(RECORD)];
        self.seal(Outgoing::Plain(record))?;
        match self.poll_flush(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(record.len())),
        }
    }

    /// Ready once nothing sealed waits any more.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.sealed.is_empty() {
            let sent =
                ready!(Pin::new(&mut self.socket).poll_write(context, self.sealed.octets()))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sealed.sent(sent);
            self.sent += sent as u64;
        }
        Pin::new(&mut self.socket).poll_flush(context)
    }

    /// How many sealed octets the system has taken in all.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Lets the end of this stream reset the connection, so that the system forgets what the peer
    /// has not taken.
    pub(crate) fn reset_when_dropped(&self) {
        // Where it cannot be set the system goes on trying for a while, and gives up later.
        if let Some(system) = self.socket.system() {
            let _ = system.set_linger(Some(Duration::ZERO));
        }
    }

    /// Keeps close_notify back: what was sent must look cut short.
    pub(crate) fn cut_short(&mut self) {
        self.finished = true;
    }

    /// Says close_notify, sends it and ends our side of the TCP stream.
    pub(crate) fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.finished {
            self.seal_close_notify();
        }
        ready!(self.poll_flush(context))?;
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn seal_close_notify(&mut self) {
        // A session that cannot seal any more has said its last word already.
        let _ = self.seal(Outgoing::CloseNotify);
        self.finished = true;
    }

    /// Seals one record, or the alert that ends our side.
    fn seal(&mut self, outgoing: Outgoing<'_>) -> Result<(), TransportError> {
        let sealed = self
            .engine
            .seal(&mut self.incoming, outgoing, &mut self.sealed);
        match sealed {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.receiving = Receiving::CloseNotify;
                Ok(())
            }
            Err(SealError::Tls(error)) => {
                self.finished = true;
                Err(self.explained(&error))
            }
            Err(SealError::Io(error)) => Err(error.into()),
        }
    }
}
