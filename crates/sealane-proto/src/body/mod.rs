//! Bodies: decoder and encoder side by side, one file per framing.
//!
//! This file only picks the right one. A decoder takes octets from the receive buffer and says what
//! they are; an encoder writes what must stand around octets that the caller sends himself. Which
//! framing a message has is decided in `framing.rs` (RFC 9112 §6.3).

use bytes::Bytes;
use http::HeaderMap;

use crate::buffer::Buffer;
use crate::close::InputEnd;
use crate::error::{ProtocolError, UsageError};
use crate::field::Trailers;
use crate::framing::Framing;
use crate::limits::Limits;

mod chunked;
mod length;
mod until_close;

use chunked::{ChunkedDecoder, ChunkedEncoder};
use length::{LengthDecoder, LengthEncoder};
use until_close::UntilCloseDecoder;

/// What a decoder found.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// A piece of content, never empty.
    Data(Bytes),
    /// The end of the body, with the trailers of a chunked one.
    End(Option<Trailers>),
    /// Nothing: more octets are needed.
    More,
}

/// Cuts a body out of the octets received.
#[derive(Debug)]
pub(crate) enum BodyDecoder {
    /// So many octets, then the end.
    Length(LengthDecoder),
    /// Chunks, the last of which says so. Boxed: it is several times the size of the others.
    Chunked(Box<ChunkedDecoder>),
    /// Whatever comes until the peer's side ends.
    UntilClose(UntilCloseDecoder),
}

impl BodyDecoder {
    /// The decoder for a framing; `None` when there is no octet to decode.
    pub(crate) fn new(framing: Framing) -> Option<Self> {
        match framing {
            Framing::Empty | Framing::Length(0) => None,
            Framing::Length(octets) => Some(Self::Length(LengthDecoder::new(octets))),
            Framing::Chunked => Some(Self::Chunked(Box::default())),
            Framing::UntilClose => Some(Self::UntilClose(UntilCloseDecoder::default())),
        }
    }

    /// Takes the next thing from the buffer.
    pub(crate) fn decode(
        &mut self,
        buffer: &mut Buffer,
        limits: &Limits,
    ) -> Result<Decoded, ProtocolError> {
        match self {
            Self::Length(decoder) => Ok(decoder.decode(buffer)),
            Self::Chunked(decoder) => decoder.decode(buffer, limits),
            Self::UntilClose(decoder) => Ok(decoder.decode(buffer)),
        }
    }

    /// Judges the end of the peer's side, after everything that came has been decoded.
    ///
    /// `Ok` means that the body is complete by it. `accept_truncated` concerns bodies that end with
    /// the connection, and no others: those say themselves where they end.
    pub(crate) fn end_input(
        &self,
        end: InputEnd,
        accept_truncated: bool,
    ) -> Result<(), ProtocolError> {
        match self {
            Self::Length(decoder) => Err(decoder.incomplete()),
            Self::Chunked(decoder) => Err(decoder.incomplete()),
            Self::UntilClose(decoder) => decoder.end_input(end, accept_truncated),
        }
    }

    /// Octets that are certainly still to come.
    pub(crate) fn owed(&self) -> u64 {
        match self {
            Self::Length(decoder) => decoder.owed(),
            Self::Chunked(_) | Self::UntilClose(_) => 0,
        }
    }
}

/// Writes what must stand around the octets of a body.
#[derive(Debug)]
pub(crate) enum BodyEncoder {
    /// The message has no body.
    Empty,
    /// Nothing stands around them, but their number is counted.
    Length(LengthEncoder),
    /// Each piece becomes a chunk.
    Chunked(ChunkedEncoder),
    /// Nothing stands around them; closing the connection is the end.
    UntilClose,
}

impl BodyEncoder {
    /// The encoder for a framing.
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Empty | Framing::Length(0) => Self::Empty,
            Framing::Length(octets) => Self::Length(LengthEncoder::new(octets)),
            Framing::Chunked => Self::Chunked(ChunkedEncoder),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// Writes what must stand before `octets` octets of content; returns what must follow them.
    pub(crate) fn announce(
        &mut self,
        octets: usize,
        out: &mut Vec<u8>,
    ) -> Result<&'static [u8], UsageError> {
        // An empty piece is nothing at all: as a chunk it would end the body.
        if octets == 0 {
            return Ok(b"");
        }
        match self {
            Self::Empty => Err(UsageError::BodyNotAllowed),
            Self::Length(encoder) => encoder.count(octets as u64).map(|()| &b""[..]),
            Self::Chunked(encoder) => Ok(encoder.announce(octets as u64, out)),
            Self::UntilClose => Ok(b""),
        }
    }

    /// Writes the end of the body.
    ///
    /// Trailers of a message without a body vanish with the body; elsewhere they need chunks.
    pub(crate) fn finish(
        &self,
        trailers: Option<&HeaderMap>,
        out: &mut Vec<u8>,
    ) -> Result<(), UsageError> {
        let trailers = trailers.filter(|trailers| !trailers.is_empty());
        match (self, trailers) {
            (Self::Empty, _) | (Self::UntilClose, None) => Ok(()),
            (Self::Length(encoder), None) => encoder.finish(),
            (Self::Chunked(encoder), trailers) => encoder.finish(trailers, out),
            (Self::Length(_) | Self::UntilClose, Some(_)) => Err(UsageError::TrailersUnframed),
        }
    }
}

#[cfg(test)]
mod tests;
