//! Digests (FIPS 180-4), and fields put into one without ambiguity.
//!
//! Pure Rust, so that fingerprints and security domains exist without any TLS provider. Nothing
//! secret is digested here, and SHA-1 is for fingerprints that people compare only.

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

/// SHA-1, for fingerprints that older tools show; it proves nothing any more.
pub(crate) fn sha1(octets: &[u8]) -> [u8; 20] {
    Sha1::digest(octets).into()
}

/// SHA-256.
pub(crate) fn sha256(octets: &[u8]) -> [u8; 32] {
    Sha256::digest(octets).into()
}

/// SHA-512.
pub(crate) fn sha512(octets: &[u8]) -> [u8; 64] {
    Sha512::digest(octets).into()
}

/// Fields on their way into a digest, each behind its length, so that no two lists of fields read
/// the same.
pub(crate) struct Fields(Sha256);

impl Fields {
    /// Starts with the kind of what is digested.
    pub(crate) fn new(kind: &[u8]) -> Self {
        let mut fields = Self(Sha256::new());
        fields.put(kind);
        fields
    }

    /// Adds one field.
    pub(crate) fn put(&mut self, octets: &[u8]) {
        self.put_length(octets.len());
        self.0.update(octets);
    }

    /// Adds a field that may be missing.
    pub(crate) fn put_optional(&mut self, octets: Option<impl AsRef<[u8]>>) {
        self.put(&[u8::from(octets.is_some())]);
        if let Some(octets) = octets {
            self.put(octets.as_ref());
        }
    }

    /// Adds a list of fields behind their number.
    pub(crate) fn put_list<'a>(&mut self, items: impl ExactSizeIterator<Item = &'a [u8]>) {
        self.put_length(items.len());
        items.for_each(|item| self.put(item));
    }

    /// Adds a length or a number of fields.
    fn put_length(&mut self, length: usize) {
        // No machine has more octets than 64 bits count.
        self.0.update((length as u64).to_be_bytes());
    }

    /// The digest of all fields.
    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
