//! Bodies that end with the connection (RFC 9112 §6.3 rule 8, §9.8); only responses have them.
//!
//! There is no encoder: nothing stands around such octets, and closing is the end.

use crate::body::Decoded;
use crate::buffer::Buffer;
use crate::close::InputEnd;
use crate::error::{IncompleteError, ProtocolError, Section};

/// Takes whatever comes.
#[derive(Debug, Default)]
pub(crate) struct UntilCloseDecoder {
    /// Octets taken, for the error only.
    received: u64,
}

impl UntilCloseDecoder {
    /// Takes what is there.
    pub(super) fn decode(&mut self, buffer: &mut Buffer) -> Decoded {
        if buffer.is_empty() {
            return Decoded::More;
        }
        let data = buffer.take(buffer.len());
        self.received = self.received.saturating_add(data.len() as u64);
        Decoded::Data(data)
    }

    /// Judges the end: only an announced one completes the body.
    ///
    /// Anybody on the path can end a TCP connection. RFC 9112 §9.8: without the closing alert a
    /// client cannot tell a whole body from a cut one. `accept_truncated` takes any end.
    pub(super) fn end_input(
        &self,
        end: InputEnd,
        accept_truncated: bool,
    ) -> Result<(), ProtocolError> {
        match end {
            InputEnd::Orderly => Ok(()),
            InputEnd::Truncated if accept_truncated => Ok(()),
            InputEnd::Truncated => {
                let error = IncompleteError::UntilClose(self.received);
                Err(ProtocolError::remote(error, Section::Body, self.received))
            }
        }
    }
}

#[cfg(test)]
mod tests;
