//! A part of a file as a message body: read piece by piece, one piece ahead of the socket.
//!
//! At most two pieces are in memory, whatever the file's size. Exactly the promised octets are
//! sent: a file that grows meanwhile is cut, one that shrinks ends the connection, since the length
//! has already left (RFC 9112 §6.3).

use std::fs::File;
use std::future::Future;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

#[cfg(test)]
mod tests;

/// Octets of a file on their way to a client.
#[derive(Debug)]
pub struct FileBody {
    /// Where the next piece comes from.
    next: Next,
    /// How many octets are still owed to the client.
    owed: u64,
}

/// The next piece of a file.
#[derive(Debug)]
enum Next {
    /// It was read; the rest of the file follows it.
    Ready(Bytes, File),
    /// It is being read where blocking is allowed.
    Reading(JoinHandle<io::Result<(Bytes, File)>>),
    /// There is none: all was sent, or reading failed.
    None,
}

impl FileBody {
    /// Takes `length` octets from where the file stands; reads the first piece at once.
    ///
    /// Call it where blocking is allowed.
    ///
    /// # Errors
    /// When the file cannot be read or ends too early.
    pub fn begin(file: File, length: u64) -> io::Result<Self> {
        if length == 0 {
            return Ok(Self {
                next: Next::None,
                owed: 0,
            });
        }
        let (piece, file) = read(file, length)?;
        Ok(Self {
            next: Next::Ready(piece, file),
            owed: length,
        })
    }

    /// Hands out a piece and lets the one after it be read meanwhile.
    fn hand_out(&mut self, piece: Bytes, file: File) -> Bytes {
        self.owed -= piece.len() as u64;
        let owed = self.owed;
        self.next = match owed {
            0 => Next::None,
            _ => Next::Reading(spawn_blocking(move || read(file, owed))),
        };
        piece
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let (piece, file) = match std::mem::replace(&mut self.next, Next::None) {
            Next::None => return Poll::Ready(None),
            Next::Ready(piece, file) => (piece, file),
            Next::Reading(mut reading) => {
                let Poll::Ready(done) = Pin::new(&mut reading).poll(context) else {
                    self.next = Next::Reading(reading);
                    return Poll::Pending;
                };
                match done.map_err(io::Error::other).flatten() {
                    Ok(read) => read,
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
        };
        Poll::Ready(Some(Ok(Frame::data(self.hand_out(piece, file)))))
    }

    fn is_end_stream(&self) -> bool {
        self.owed == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.owed)
    }
}

/// Reads one piece; less than a whole one only when no more is owed.
fn read(mut file: File, owed: u64) -> io::Result<(Bytes, File)> {
    let length = owed.min(PIECE);
    let mut piece = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
    let read = file.by_ref().take(length).read_to_end(&mut piece)? as u64;
    if read < length {
        let missing = owed - read;
        let message = format!("the file shrank while it was sent: {missing} octets are missing");
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
    }
    Ok((Bytes::from(piece), file))
}

/// The size of a piece: 64 KiB, what a connection may write in one turn anyway; larger ones only
/// cost memory in front of a slow reader.
const PIECE: u64 = 64 * 1024;
