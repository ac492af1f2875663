//! Sealed records on their way to the socket.
//!
//! One buffer, lent by the worker while it holds anything. What may be in it at a time is the
//! stream's decision; how rustls is given enough space is decided here.

use std::io;

use rustls::unbuffered::{EncodeError, EncodeTlsData, EncryptError};

use super::scratch;

/// Sealed octets on their way to the socket, in a buffer lent by the worker while there are any.
#[derive(Debug, Default)]
pub(super) struct Sealed {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Sealed {
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether the next record must wait until these octets have left.
    ///
    /// The handshake's last records are small, and leave in one write with the first answer.
    pub(super) fn is_full(&self) -> bool {
        self.end - self.start > SMALL
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(super) fn sent(&mut self, count: usize) {
        self.start += count;
        if self.is_empty() {
            self.give_back();
        }
    }

    pub(super) fn give_back(&mut self) {
        if !self.buffer.is_empty() {
            scratch::put_sealed(std::mem::take(&mut self.buffer));
        }
        (self.start, self.end) = (0, 0);
    }

    /// The free part of the buffer, at least `len` long.
    fn space(&mut self, len: usize) -> &mut [u8] {
        if self.buffer.is_empty() {
            self.buffer = scratch::take_sealed(self.end + len);
        } else if self.buffer.len() < self.end + len {
            self.buffer.resize(self.end + len, 0);
        }
        &mut self.buffer[self.end..]
    }

    pub(super) fn fill(
        &mut self,
        mut seal: impl FnMut(&mut [u8]) -> Result<usize, EncryptError>,
    ) -> io::Result<()> {
        let mut len = RECORD + OVERHEAD;
        loop {
            match seal(self.space(len)) {
                Ok(written) => {
                    self.end += written;
                    return Ok(());
                }
                Err(EncryptError::InsufficientSize(error)) => len = error.required_size,
                Err(EncryptError::EncryptExhausted) => {
                    return Err(io::Error::other(EXHAUSTED));
                }
            }
        }
    }

    pub(super) fn append_octets(&mut self, octets: &[u8]) {
        self.space(octets.len())[..octets.len()].copy_from_slice(octets);
        self.end += octets.len();
    }

    pub(super) fn append<Data>(&mut self, record: &mut EncodeTlsData<'_, Data>) -> io::Result<()> {
        let mut len = SMALL;
        loop {
            match record.encode(self.space(len)) {
                Ok(written) => {
                    self.end += written;
                    return Ok(());
                }
                Err(EncodeError::InsufficientSize(error)) => len = error.required_size,
                Err(EncodeError::AlreadyEncoded) => return Ok(()),
            }
        }
    }
}

impl io::Write for Sealed {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.append_octets(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is said when keys are used up (RFC 8446 §5.5).
pub(super) const EXHAUSTED: &str = "the TLS keys have sealed as many records as they may";

/// What sealing may add to a record, with a key update in front of it.
const OVERHEAD: usize = 256;

/// Waiting octets that the next record may still join.
const SMALL: usize = 4 * 1024;

/// The largest plain record (RFC 8446 §5.1).
pub(super) const RECORD: usize = 16 * 1024;
