//! Bodies of a known length: Content-Length octets, then the end (RFC 9112 §6.2, §6.3 rule 6).

use crate::body::Decoded;
use crate::buffer::Buffer;
use crate::error::{IncompleteError, ProtocolError, Section, UsageError};

/// Counts off the octets that were announced.
#[derive(Debug)]
pub(crate) struct LengthDecoder {
    /// Octets announced.
    announced: u64,
    /// Octets taken.
    received: u64,
}

impl LengthDecoder {
    /// A decoder for so many octets.
    pub(super) fn new(announced: u64) -> Self {
        Self {
            announced,
            received: 0,
        }
    }

    /// Takes what is there and belongs to the body.
    pub(super) fn decode(&mut self, buffer: &mut Buffer) -> Decoded {
        if self.owed() == 0 {
            return Decoded::End(None);
        }
        if buffer.is_empty() {
            return Decoded::More;
        }
        let data = buffer.take(usize::try_from(self.owed()).unwrap_or(usize::MAX));
        self.received += data.len() as u64;
        Decoded::Data(data)
    }

    /// Octets still to come.
    pub(super) fn owed(&self) -> u64 {
        self.announced - self.received
    }

    /// The error when the peer's side ends here.
    pub(super) fn incomplete(&self) -> ProtocolError {
        let Self {
            received,
            announced,
        } = *self;
        let error = IncompleteError::Length {
            received,
            announced,
        };
        ProtocolError::remote(error, Section::Body, received)
    }
}

/// Counts the octets that were promised.
#[derive(Debug)]
pub(crate) struct LengthEncoder {
    /// Octets still to be sent.
    owed: u64,
}

impl LengthEncoder {
    /// An encoder for so many octets.
    pub(super) fn new(owed: u64) -> Self {
        Self { owed }
    }

    /// Counts octets that are about to be sent; more than promised would become the next message.
    pub(super) fn count(&mut self, offered: u64) -> Result<(), UsageError> {
        match self.owed.checked_sub(offered) {
            Some(owed) => {
                self.owed = owed;
                Ok(())
            }
            None => Err(UsageError::TooMuch {
                owed: self.owed,
                offered,
            }),
        }
    }

    /// Ends the body; fewer octets than promised leave the peer waiting for the rest.
    pub(super) fn finish(&self) -> Result<(), UsageError> {
        match self.owed {
            0 => Ok(()),
            owed => Err(UsageError::TooLittle { owed }),
        }
    }
}

#[cfg(test)]
mod tests;
