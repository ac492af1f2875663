//! Received octets that no message has claimed yet.
//!
//! The buffer owns its octets and gives them away without copying. Where a scan stopped is kept by
//! the scanner of that section, as an offset from the front: nothing is taken from the front while
//! a section is being scanned, so no octet is searched twice.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

/// Octets in the order they came; without heap memory while empty.
#[derive(Default)]
pub(crate) struct Buffer {
    /// What has come and not been taken.
    octets: BytesMut,
}

impl Buffer {
    /// Appends octets at the back.
    pub(crate) fn append(&mut self, octets: &[u8]) {
        if self.octets.is_empty() {
            // An exact allocation: most often it becomes one head or one piece of a body as it is.
            self.octets = BytesMut::from(octets);
        } else {
            self.octets.extend_from_slice(octets);
        }
    }

    /// Everything that has come and not been taken.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Number of octets held.
    pub(crate) fn len(&self) -> usize {
        self.octets.len()
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Takes up to `count` octets from the front, without copying them.
    pub(crate) fn take(&mut self, count: usize) -> Bytes {
        if count >= self.octets.len() {
            return std::mem::take(&mut self.octets).freeze();
        }
        self.octets.split_to(count).freeze()
    }

    /// Puts octets back that have been taken from the front.
    pub(crate) fn restore(&mut self, octets: &[u8]) {
        let behind = std::mem::take(&mut self.octets);
        self.octets = BytesMut::with_capacity(octets.len() + behind.len());
        self.octets.extend_from_slice(octets);
        self.octets.extend_from_slice(&behind);
    }

    /// Drops up to `count` octets from the front.
    pub(crate) fn consume(&mut self, count: usize) {
        if count >= self.octets.len() {
            self.clear();
        } else {
            self.octets.advance(count);
        }
    }

    /// Drops everything and gives the memory back.
    pub(crate) fn clear(&mut self) {
        self.octets = BytesMut::new();
    }
}

/// Shows the length only: the octets are a peer's, and may be secret.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("octets", &self.len())
            .finish()
    }
}

#[cfg(test)]
mod tests;
